import type { SuiteQuery } from './federation-queries.js';
import type { Random } from './random.js';

/** What broke once: collations, types that don't travel, subqueries, averages of times, constants that are no values. */

const texts = ['namespace', 'pod', 'process', 'outcome', 'host', 'workload'] as const;
const numbers = ['seq', 'uid', 'host_pid', 'severity'] as const;

function where(random: Random): string {
  return random.pick([
    '',
    ` WHERE seq > ${random.integer(250)}`,
    ` WHERE pod = 'pod-${random.integer(17)}'`,
    ` WHERE outcome <> 'happened' AND severity > ${random.integer(9)}`,
    // Only edge-2 has such rows, or nobody.
    ` WHERE cluster = '${random.pick(['west', 'nowhere'])}'`,
  ]);
}

/** A text with a collation under which values are equal that have other letters. */
function collated(random: Random): string {
  const text = random.pick(texts);
  const mixed = random.pick([text, `CASE WHEN seq % 2 = 0 THEN upper(${text}) ELSE ${text} END`]);
  const whole = `(${mixed}) COLLATE ${random.pick(['NOCASE', 'NOCASE', 'NOACCENT', 'NOCASE.NOACCENT'])}`;
  return random.chance(0.2) ? `concat(${whole}, '!')` : whole;
}

/** A query over a collation; representatives of groups are any of them, so that only their lower case is told. */
export function collations(random: Random): SuiteQuery {
  const text = collated(random);
  const from = `FROM kubearmor.alerts${where(random)}`;
  const aggregate = random.pick([
    'count(*)',
    'sum(seq)',
    'stddev(seq)',
    `count(DISTINCT ${collated(random)})`,
    'min(time)',
  ]);
  return random.pick<() => SuiteQuery>([
    () => ({ sql: `SELECT lower(k) AS k, n FROM (SELECT ${text} AS k, ${aggregate} AS n ${from} GROUP BY 1)` }),
    () => ({
      sql: `SELECT lower(k) AS k, n FROM (SELECT ${text} AS k, count(*) AS n ${from} GROUP BY ALL HAVING k > 'P')`,
    }),
    () => ({ sql: `SELECT count(*) AS n FROM (SELECT DISTINCT ${text} AS k, outcome ${from})` }),
    () => ({ sql: `SELECT count(DISTINCT ${text}) AS n, count(*) AS m ${from}` }),
    () => ({ sql: `SELECT lower(max(${text})) AS a, lower(min(${text})) AS b ${from}` }),
    () => ({ sql: `SELECT node, seq ${from} ORDER BY ${text}, node, seq LIMIT ${random.integer(40)}`, ordered: true }),
    () => ({ sql: `SELECT ${text} AS k, node, seq ${from} ORDER BY k DESC, node, seq LIMIT 9`, ordered: true }),
    () => ({ sql: `SELECT node, seq FROM (SELECT ${text} AS k, node, seq ${from}) WHERE k = 'POD-3' OR k > 'S'` }),
    () => ({ sql: `SELECT count(*) AS n FROM kubearmor.logs WHERE upper(pod) IN (SELECT ${text} ${from})` }),
    () => ({ sql: `SELECT count(*) AS n FROM kubearmor.logs WHERE upper(pod) > (SELECT min(${text}) ${from})` }),
    () => ({
      sql: `SELECT count(*) AS n FROM (SELECT ${text} AS k ${from} UNION SELECT upper(pod) FROM kubearmor.logs)`,
    }),
  ])();
}

/** A value of a type that a file changes, or that looks as if it did. */
function typed(random: Random): string {
  const [text, number] = [random.pick(texts), random.pick(numbers)];
  return random.pick([
    `(${text}, ${random.pick(texts)})`,
    `(${text}, ${number})`,
    `outcome::ENUM('happened', 'blocked', 'failed')`,
    `(CASE WHEN seq % 3 = 0 THEN 'it''s' ELSE 'b"' END)::ENUM('b"', 'it''s')`,
    `[${number}, seq]::BIGINT[2]`,
    `${number}::UNION(n BIGINT, s VARCHAR)`,
    `{'a': ${text}, 'b b': ${number}}`,
    `{'a': (${text}, ${number})}`,
    `INTERVAL 1 HOUR * (seq % 5)`,
    `[INTERVAL 1 DAY * (seq % 3)]`,
    `time::DATE`,
    `time::TIME`,
    `time::TIMESTAMP_NS`,
    `${number}::HUGEINT * 170141183460469231`,
    `[${number}::HUGEINT]`,
    `MAP {${text}: ${number}}`,
    `(seq % 7)::TINYINT::BIT`,
    `${text}::BLOB`,
    `md5(${text})::UUID`,
    `[]`,
    `NULL`,
  ]);
}

export function types(random: Random): SuiteQuery {
  const value = typed(random);
  const from = `FROM kubearmor.${random.pick(['alerts', 'events'])}${where(random)}`;
  return random.pick<() => SuiteQuery>([
    () => ({ sql: `SELECT k::VARCHAR AS k, n FROM (SELECT ${value} AS k, seq AS n ${from})` }),
    () => ({ sql: `SELECT k::VARCHAR AS k, n FROM (SELECT ${value} AS k, count(*) AS n ${from} GROUP BY 1)` }),
    () => ({ sql: `SELECT count(*) AS n FROM (SELECT DISTINCT ${value} AS k ${from})` }),
    () => ({ sql: `SELECT outcome, count(DISTINCT ${value}) AS n, stddev(seq) AS d ${from} GROUP BY 1` }),
    () => ({ sql: `SELECT min(${value})::VARCHAR AS a, max(${value})::VARCHAR AS b ${from}` }),
    () => ({
      sql: `SELECT k::VARCHAR AS t, node, seq FROM (SELECT ${value} AS k, node, seq ${from} ORDER BY k, node, seq LIMIT 9) ORDER BY k, node, seq`,
      ordered: true,
    }),
  ])();
}

export function averages(random: Random): SuiteQuery {
  const value = random.pick([
    'received_at - time',
    'time',
    'time::DATE',
    'time::TIME',
    'seq',
    'severity / 3',
    'uid::DECIMAL(18,2)',
  ]);
  const call = `avg(${random.chance(0.2) ? 'DISTINCT ' : ''}${value})${random.chance(0.2) ? ' FILTER (WHERE seq % 2 = 0)' : ''}`;
  const item = random.pick([call, `${call} IS NULL`, `CASE WHEN count(*) > 9 THEN ${call} END`]);
  const from = `FROM kubearmor.${random.pick(['alerts', 'logs'])}${where(random)}`;
  return {
    sql: random.chance(0.5)
      ? `SELECT ${item} AS a, stddev(seq) AS d ${from}`
      : `SELECT outcome, ${item} AS a ${from} GROUP BY 1`,
  };
}

/** Columns without an alias keep the names they have on one node. */
export function unnamedSubqueries(random: Random): SuiteQuery {
  const table = random.pick(['kubearmor.alerts', 'kubearmor.logs']);
  const inner = random.pick([
    `(SELECT count(*) FROM ${table}${where(random)})`,
    `(SELECT max(seq) FROM ${table}${where(random)})`,
    `(SELECT min(time) FROM ${table}${where(random)})`,
    `(SELECT pod FROM ${table}${where(random)} ORDER BY pod, node, seq LIMIT 1)`,
    `(SELECT seq FROM ${table} WHERE false)`,
  ]);
  return random.pick([
    { sql: `SELECT ${inner}, count(*) FROM ${table}${where(random)}` },
    { sql: `SELECT ${inner} IS NULL, outcome, sum(seq) FROM ${table}${where(random)} GROUP BY ALL` },
    { sql: `SELECT *, ${inner} FROM (SELECT outcome, count(*) FROM ${table} GROUP BY 1)` },
    { sql: `SELECT node, seq, ${inner} FROM ${table}${where(random)}` },
  ]);
}

/** Fails on any row it is computed for. */
export function brokenConstants(random: Random): SuiteQuery {
  const broken = random.pick([
    `time >= '2026-02-30'`,
    `time < 'yesterday'`,
    `seq = 'abc'`,
    `severity IN (1, 'x')`,
    `seq BETWEEN 1 AND '1e'`,
    `date_trunc('fortnight', time) IS NULL`,
    `seq + 'x'::INTEGER > 1`,
    `strptime('x', '%Y') IS NULL`,
  ]);
  return random.pick([
    { sql: `SELECT count(*) AS n FROM kubearmor.alerts WHERE ${broken}` },
    { sql: `SELECT outcome, count(*) FILTER (WHERE ${broken}) AS n FROM kubearmor.logs GROUP BY 1` },
    { sql: `SELECT node, seq, ${broken} AS b FROM kubearmor.events ORDER BY node, seq LIMIT 5` },
    { sql: `SELECT count(*) AS n FROM kubearmor.logs WHERE pod IN (SELECT pod FROM kubearmor.alerts WHERE ${broken})` },
    { sql: `SELECT max(seq) AS n FROM kubearmor.alerts GROUP BY outcome, ${broken}` },
  ]);
}
