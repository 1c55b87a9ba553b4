import type { Vector } from '../../plugin/backend/frames/vector.js';
import type { Answer } from '../../plugin/backend/query/types.js';
import type { Coverage } from '../../plugin/shared/index.js';

export const wholeCoverage: Coverage = {
  complete: true,
  expected: 1,
  asked: 1,
  answered: 1,
  failed: 0,
  pruned: 0,
  nodes: [{ name: 'n1', status: 'answered', code: null, message: null, rows: 1, bytes: 1, ms: 1 }],
  gaps: { nodes: 0, minutes: 0, worst: [] },
  retention: { nodesShort: 0, from: null },
};

/** An answer of these columns, as a node that knows all would give it. */
export function answerOf(columns: Readonly<Record<string, Vector>>, more: Partial<Answer> = {}): Answer {
  const rows = Object.values(columns)[0]?.length ?? 0;
  return {
    columns: Object.entries(columns).map(([name, vector]) => ({ name, type: '', vector })),
    rows,
    coverage: wholeCoverage,
    stats: { rows, truncated: false, elapsedMs: 1, queryId: 'q', bytes: 100 },
    timesLeftOut: 0,
    ...more,
  };
}
