import type { AlertCoverage, QueryType } from '../../shared/index.js';
import { coverageShortfall, missingNodes } from '../../shared/coverage.js';
import { PluginError } from '../errors.js';
import { isNumeric } from '../frames/vector.js';
import type { Answer } from './types.js';

/**
 * @param condition of an alert rule; null: a person looks at the answer
 * @throws PluginError COVERAGE when a rule can't be judged by this answer, LIMIT_EXCEEDED when rows of it were cut;
 * PARTIAL_RESULT when a node is missing where that is to fail, or when none answered and a 0 would be read as counted. All
 * say who is missing.
 */
export function checkCoverage(
  answer: Answer,
  condition: AlertCoverage | null,
  policy: 'warn' | 'fail' | 'ignore',
  queryType: QueryType,
): void {
  const { coverage, stats } = answer;
  if (condition !== null) {
    const shortfall = coverageShortfall(coverage, condition);
    if (shortfall !== null) {
      const hint = 'What a rule demands is set in its query: Options → In an alert rule.';
      throw new PluginError('COVERAGE', shortfall, { hint, coverage });
    }
    if (stats.truncated) {
      throw new PluginError('LIMIT_EXCEEDED', `The rule's query has more than its limit of ${stats.rows} rows.`, {
        hint: 'A rule must see all of them: aggregate, or raise the limit.',
      });
    }
  } else if (policy === 'fail' && coverage.failed > 0) {
    throw new PluginError('PARTIAL_RESULT', missingNodes(coverage).join(' '), {
      hint: 'The query, or the data source, says that a partial answer is an error.',
      coverage,
    });
  } else if (policy === 'warn' && coverage.asked > 0 && coverage.answered === 0 && countsOnly(answer, queryType)) {
    throw new PluginError('PARTIAL_RESULT', missingNodes(coverage).join(' '), {
      hint: 'Nobody counted: these numbers are unknown, and not 0.',
      coverage,
    });
  }
}

/** Whether an empty answer reads as a 0: one row of nothing but numbers, which a stat shows, or lines over time, which are filled. */
function countsOnly({ columns, rows }: Answer, queryType: QueryType): boolean {
  if (queryType === 'timeseries') return true;
  return queryType === 'table' && rows === 1 && columns.every(({ vector }) => isNumeric(vector));
}
