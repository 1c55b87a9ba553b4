import { expect } from 'vitest';
import type { TruthLine } from '../../backend/src/simulator/index.js';
import type { Row, TestNode } from './node-process.js';
import type { PlainEvent } from './expected-rows.js';
import { expectedRow } from './expected-rows.js';

const EVENT_SEQS =
  'SELECT seq FROM kubearmor.logs UNION ALL SELECT seq FROM kubearmor.alerts UNION ALL SELECT seq FROM kubearmor.messages';

/** seq is contiguous from 1 over all event tables, none twice. */
export async function expectContiguous(node: TestNode): Promise<void> {
  const [seqs] = await node.rows(
    `SELECT count(*) AS rows, count(DISTINCT seq) AS different, min(seq) AS first, max(seq) AS last FROM (${EVENT_SEQS})`,
  );
  const rows = seqs?.rows;
  expect(seqs).toEqual({ rows, different: rows, first: rows === 0 ? null : 1, last: rows === 0 ? null : rows });
}

/** received = stored + dead_lettered + dropped in every line of the ledger, and each stored one is a row. */
export async function expectBalanced(node: TestNode): Promise<void> {
  expect(await node.rows('FROM armorlake.ledger WHERE received <> stored + dead_lettered + dropped')).toEqual([]);
  const stored = await node.rows(
    'SELECT connector, stream, sum(stored)::BIGINT AS rows FROM armorlake.ledger GROUP BY ALL HAVING sum(stored) > 0 ORDER BY ALL',
  );
  const rows = await node.rows(
    "SELECT connector, 'logs' AS stream, count(*) AS rows FROM kubearmor.logs GROUP BY ALL UNION ALL " +
      "SELECT connector, 'alerts', count(*) FROM kubearmor.alerts GROUP BY ALL UNION ALL " +
      "SELECT connector, 'messages', count(*) FROM kubearmor.messages GROUP BY ALL ORDER BY ALL",
  );
  expect(stored).toEqual(rows);
  const [letters] = await node.rows(
    'SELECT (SELECT count(*) FROM armorlake.dead_letters WHERE seq IS NULL) - ' +
      '(SELECT coalesce(sum(dead_lettered), 0) FROM armorlake.ledger)::BIGINT AS missing',
  );
  expect(letters).toEqual({ missing: 0 });
}

/** What tells simulated events apart: their time. */
export function identityOf(line: TruthLine): string {
  return `${line.stream} ${(line.UpdatedTime ?? '').slice(0, 26)}`;
}

/** The identities of a connector's rows by seq. */
export async function identities(node: TestNode): Promise<Map<number, string>> {
  const rows = await node.rows(
    "SELECT seq, kind || 's ' || strftime(time, '%Y-%m-%dT%H:%M:%S.%f') AS identity FROM kubearmor.events WHERE connector = 'kubearmor' ORDER BY seq",
  );
  return new Map(rows.map(({ seq, identity }) => [Number(seq), String(identity)]));
}

const ASSIGNED_HERE = ['received_at', 'node', 'seq'];

/** A row as the API gives it, in the shape of `expectedRow`; what only the node knows is left out. */
export function plainRow(row: Row): Row {
  const entries = Object.entries(row).filter(([name]) => !ASSIGNED_HERE.includes(name));
  return Object.fromEntries(
    entries.map(([name, value]) => {
      if (name === 'time') return [name, microsOf(String(value))];
      if (name === 'uid') return [name, BigInt(String(value))];
      if ((name === 'labels' || name === 'event_data') && typeof value === 'object' && value !== null) {
        return [name, Object.entries(value)];
      }
      return [name, value];
    }),
  );
}

/** The second opinion on an event, in the same shape. */
export function plainExpected(event: object, connector: string, alert: boolean): Row {
  const row = expectedRow(event as PlainEvent, connector, alert);
  return Object.fromEntries(Object.entries(row).filter(([name]) => !ASSIGNED_HERE.includes(name)));
}

export function microsOf(iso: string): bigint {
  return BigInt(Date.parse(`${iso.slice(0, iso.indexOf('.'))}Z`)) * 1000n + BigInt(iso.slice(-7, -1));
}
