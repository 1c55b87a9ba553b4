import type { Answer } from '../query/types.js';
import type { FieldPlace } from './field-config.js';
import { fieldConfig } from './field-config.js';
import type { Frame } from './frame.js';
import { screenText } from './screen-text.js';

/** The answer as it is, a field a column. */
export function tableFrames({ columns }: Answer, place: Pick<FieldPlace, 'links' | 'dataSource'>): readonly Frame[] {
  const names = new Set(columns.map(({ name }) => name));
  const fields = columns.map(({ name, vector }) => {
    const config = fieldConfig({ ...place, name, columns: names });
    return { name, vector: screenText(vector), ...(config === undefined ? {} : { config }) };
  });
  return [{ name: '', meta: { preferredVisualisationType: 'table' }, fields }];
}
