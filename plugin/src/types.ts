import type { DataQuery, DataSourceJsonData } from '@grafana/data';
import type { ArmorlakeJsonData, ArmorlakeModel } from '../shared/index.js';

/** A query as Grafana saves it: any part of the model may be missing (written by hand, or by another version). */
export type ArmorlakeQuery = Omit<DataQuery, 'queryType'> & Partial<ArmorlakeModel>;

export type ArmorlakeOptions = DataSourceJsonData & ArmorlakeJsonData;
