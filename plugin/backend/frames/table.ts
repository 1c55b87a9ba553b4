import type { Answer, QuerySettings } from '../query/types.js';
import { fieldConfig } from './field-config.js';
import type { Frame } from './frame.js';
import { screenText } from './screen-text.js';

/** The answer as it is, a field a column. */
export function tableFrames({ columns }: Answer, { links }: Pick<QuerySettings, 'links'>): readonly Frame[] {
  const names = new Set(columns.map(({ name }) => name));
  const fields = columns.map(({ name, vector }) => {
    const config = fieldConfig({ name, columns: names, links });
    return { name, vector: screenText(vector), ...(config === undefined ? {} : { config }) };
  });
  return [{ name: '', meta: { preferredVisualisationType: 'table' }, fields }];
}
