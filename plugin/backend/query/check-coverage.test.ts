import { expect, test } from 'vitest';
import { answerOf, wholeCoverage } from '../../../test/support/plugin-answers.js';
import { floatVector, textVector } from '../frames/vector.js';
import { checkCoverage } from './check-coverage.js';

const away = { name: 'edge-1', status: 'failed', code: 'NOT_READY', message: 'It is away.' } as const;
const nobody = {
  ...wholeCoverage,
  complete: false,
  expected: 1,
  asked: 1,
  answered: 0,
  failed: 1,
  nodes: [{ ...away, rows: null, bytes: null, ms: 1 }],
};
const zero = { n: floatVector([0]) };

test.each([
  ['a count', 'table', zero],
  ['a line that is filled with 0', 'timeseries', { n: floatVector([]) }],
] as const)('%s of nodes of which none answered is an error that names them', (_, queryType, columns) => {
  const check = (): void => checkCoverage(answerOf(columns, { coverage: nobody }), null, 'warn', queryType);
  expect(check).toThrow('1 of 1 node did not answer: edge-1 (It is away).');
});

test.each([
  ['somebody answered', { ...nobody, expected: 2, asked: 2, answered: 1 }, 'warn', zero],
  ['nobody was asked, as of the members', { ...nobody, asked: 0 }, 'warn', zero],
  ['missing nodes are to be ignored', nobody, 'ignore', zero],
  [
    'it has rows about nodes, who tell themselves that they are away',
    nobody,
    'warn',
    { name: textVector(['a']), ...zero },
  ],
] as const)('a count stands where %s', (_, coverage, policy, columns) => {
  expect(() => checkCoverage(answerOf(columns, { coverage }), null, policy, 'table')).not.toThrow();
});
