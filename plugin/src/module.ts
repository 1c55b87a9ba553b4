import { DataSourcePlugin } from '@grafana/data';
import type { ArmorlakeSecureJsonData } from '../shared/index.js';
import { ConfigEditor } from './config/ConfigEditor.js';
import { ArmorlakeDataSource } from './datasource.js';
import { QueryEditor } from './editor/index.js';
import type { ArmorlakeOptions, ArmorlakeQuery } from './types.js';

export const plugin = new DataSourcePlugin<
  ArmorlakeDataSource,
  ArmorlakeQuery,
  ArmorlakeOptions,
  ArmorlakeSecureJsonData
>(ArmorlakeDataSource)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor);
