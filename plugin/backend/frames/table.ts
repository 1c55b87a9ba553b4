import type { Answer } from '../query/types.js';
import type { LinkPlace } from './field-config.js';
import { fieldConfig } from './field-config.js';
import type { Frame } from './frame.js';
import { screenText } from './screen-text.js';
import { isValid } from './vector.js';

export interface TablePlace extends LinkPlace {
  /** All rows are alerts, whatever columns they show. */
  readonly alerts?: boolean;
}

/** The answer as it is, a field a column. */
export function tableFrames({ columns, rows }: Answer, place: TablePlace): readonly Frame[] {
  const names = new Set(columns.map(({ name }) => name));
  const policy = columns.find(({ name }) => name === 'policy')?.vector;
  const matched =
    policy !== undefined && Array.from({ length: rows }, (_, row) => row).every((row) => isValid(policy, row));
  const telemetry = place.alerts !== true && !matched;
  const fields = columns.map(({ name, vector }) => {
    const config = fieldConfig({ ...place, name, columns: names, telemetry });
    return { name, vector: screenText(vector), ...(config === undefined ? {} : { config }) };
  });
  return [{ name: '', meta: { preferredVisualisationType: 'table' }, fields }];
}
