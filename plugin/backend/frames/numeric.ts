import { printable } from '../../shared/index.js';
import { PluginError } from '../errors.js';
import type { Answer, AnswerColumn } from '../query/types.js';

import type { Frame } from './frame.js';
import { screenText } from './screen-text.js';
import { isNumeric, valueAt } from './vector.js';

/**
 * A table without a time as numbers for an alert or an expression: each row is an instance labelled by its texts.
 * @throws PluginError BAD_QUERY when there is no number or more than one, or when two rows have the same labels.
 */
export function numericFrames(answer: Answer): readonly Frame[] {
  if (answer.rows === 0) return [{ name: '', meta: { type: 'numeric-long', typeVersion: [0, 1] }, fields: [] }];
  const columns = answer.columns.filter(({ vector }) => isNumeric(vector) || vector.kind === 'text');
  if (!columns.some(({ vector }) => isNumeric(vector))) {
    throw new PluginError('BAD_QUERY', 'An alert rule or expression needs a number, and this answer has none.', {
      hint: 'Aggregate, as SELECT namespace, count(*) AS events … GROUP BY ALL.',
    });
  }
  const numbers = columns.filter(({ vector }) => isNumeric(vector)).map(({ name }) => name);
  if (numbers.length > 1) {
    const named = `${numbers.slice(0, -1).map(printable).join(', ')} and ${printable(numbers.at(-1) ?? '')}`;
    throw new PluginError('BAD_QUERY', `An alert rule or expression takes one number, and this answer has ${named}.`, {
      hint: 'Select one of them, or ask in two queries.',
    });
  }
  refuseTwins(
    columns.filter(({ vector }) => vector.kind === 'text'),
    answer.rows,
  );
  const fields = columns.map(({ name, vector }) => ({ name, vector: screenText(vector) }));
  return [{ name: '', meta: { type: 'numeric-long', typeVersion: [0, 1] }, fields }];
}

/** Rows of the same labels are one instance to Grafana, which says neither which nor why. */
function refuseTwins(labels: readonly AnswerColumn[], rows: number): void {
  const seen = new Set<string>();
  for (let row = 0; row < rows; row += 1) {
    const set = labels.map(({ vector }) => valueAt(vector, row));
    const key = JSON.stringify(set);
    if (seen.has(key)) {
      const said = labels.map(({ name }, at) => `${printable(name)}=${printable(String(set[at] ?? ''))}`).join(', ');
      const sentence =
        labels.length === 0
          ? 'Two rows of this answer have no labels.'
          : `Two rows of this answer have the labels ${said}.`;
      throw new PluginError('BAD_QUERY', sentence, {
        hint: 'Aggregate, so that each set of labels has one row: GROUP BY ALL.',
      });
    }
    seen.add(key);
  }
}
