import type { DuckDBConnection } from '@duckdb/node-api';
import type { TreeRecord } from '../sql/index.js';
import { attempt, castTo, selectOf, timeBounds } from '../sql/index.js';
import type { Parameters } from './parameters.js';
import { bindParameters } from './parameters.js';
import { withSelect } from './prepare.js';
import type { TimeSpan } from './sources.js';
import { deserialize } from './statements.js';

const open: TimeSpan = { from: null, to: null };

/** The later start and the earlier end of two spans. */
export function intersect(left: TimeSpan, right: TimeSpan): TimeSpan {
  const later = left.from === null || (right.from !== null && right.from > left.from) ? right.from : left.from;
  const earlier = left.to === null || (right.to !== null && right.to < left.to) ? right.to : left.to;
  return { from: later, to: earlier };
}

/**
 * The stretch of event time a statement can read of the given tables, by what its WHERE clauses say: the widest over all
 * its readings, open where one of them says nothing.
 * @param statement with `now()` already frozen.
 * @param tables `schema.name` in lower case.
 */
export async function statedSpan(
  connection: DuckDBConnection,
  statement: TreeRecord,
  tables: ReadonlySet<string>,
  parameters: Parameters,
): Promise<TimeSpan> {
  const readings = timeBounds(statement, tables);
  const constants = readings.flatMap(({ lower, upper }) => [...lower, ...upper]);
  if (constants.length === 0) return open;
  const values = await microsOf(connection, constants, parameters);
  if (values === null) return open;
  const known = new Map(constants.map((constant, index) => [constant, values[index] ?? null]));
  const lowers = readings.map(({ lower }) => extreme(lower, known, (left, right) => left > right));
  const uppers = readings.map(({ upper }) => extreme(upper, known, (left, right) => left < right));
  const from = lowers.reduce((left, right) => (left === null || right === null ? null : left < right ? left : right));
  const to = uppers.reduce((left, right) => (left === null || right === null ? null : left > right ? left : right));
  // `time <= x` still takes x, and a span ends before `to`.
  return { from, to: to === null ? null : to + 1n };
}

/** The tightest of a reading's bounds; null when it has none. */
function extreme(
  bounds: readonly TreeRecord[],
  values: ReadonlyMap<TreeRecord, bigint | null>,
  tighter: (left: bigint, right: bigint) => boolean,
): bigint | null {
  let best: bigint | null = null;
  for (const bound of bounds) {
    const value = values.get(bound) ?? null;
    if (value !== null && (best === null || tighter(value, best))) best = value;
  }
  return best;
}

/** Constant expressions as µs since 1970; null for one that has no value as a time: the query itself will say why. */
async function microsOf(
  connection: DuckDBConnection,
  constants: readonly TreeRecord[],
  parameters: Parameters,
): Promise<readonly (bigint | null)[] | null> {
  // An error would end the transaction that the query itself is to run in.
  const times = constants.map((constant) => attempt(castTo('TIMESTAMP', constant)));
  const sql = await deserialize(connection, selectOf(times));
  try {
    const [row = []] = await withSelect(connection, sql, async (prepared) => {
      bindParameters(prepared, parameters, null);
      return (await prepared.runAndReadAll()).getRows();
    });
    return row.map((value) =>
      typeof value === 'object' && value !== null && 'micros' in value && typeof value.micros === 'bigint'
        ? value.micros
        : null,
    );
  } catch {
    return null;
  }
}
