import { PluginError } from '../errors.js';
import type { Answer } from '../query/types.js';
import type { Frame } from './frame.js';
import { screenText } from './screen-text.js';
import { isNumeric } from './vector.js';

/**
 * A table without a time as numbers for an alert or an expression: each row is an instance labelled by its texts.
 * @throws PluginError BAD_QUERY when there is no number.
 */
export function numericFrames(answer: Answer): readonly Frame[] {
  if (answer.rows === 0) return [{ name: '', meta: { type: 'numeric-long', typeVersion: [0, 1] }, fields: [] }];
  const columns = answer.columns.filter(({ vector }) => isNumeric(vector) || vector.kind === 'text');
  if (!columns.some(({ vector }) => isNumeric(vector))) {
    throw new PluginError('BAD_QUERY', 'An alert rule or expression needs a number, and this answer has none.', {
      hint: 'Aggregate, as SELECT namespace, count(*) AS events … GROUP BY ALL.',
    });
  }
  const fields = columns.map(({ name, vector }) => ({ name, vector: screenText(vector) }));
  return [{ name: '', meta: { type: 'numeric-long', typeVersion: [0, 1] }, fields }];
}
