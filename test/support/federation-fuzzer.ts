import { averages, brokenConstants, collations, types, unnamedSubqueries } from './federation-fuzzer-kinds.js';
import type { SuiteQuery } from './federation-queries.js';
import type { Random } from './random.js';

const textColumns = [
  'namespace',
  'pod',
  'container',
  'image',
  'workload',
  'operation',
  'outcome',
  'host',
  'node',
  'process',
];
const numberColumns = ['seq', 'uid', 'host_pid', 'host_ppid', 'remote_port'];
const tables = ['kubearmor.logs', 'kubearmor.alerts', 'kubearmor.events'];

/** One random query that has exactly one right answer, up to the order of rows; or an error. */
export function randomQuery(random: Random): SuiteQuery {
  const shape = random.pick([
    aggregate,
    aggregate,
    aggregate,
    rows,
    rows,
    distinct,
    window,
    join,
    setOperation,
    commonTable,
    subquery,
    nested,
    collations,
    collations,
    types,
    types,
    averages,
    unnamedSubqueries,
    brokenConstants,
  ]);
  return shape(random);
}

function alert(table: string): boolean {
  return table !== 'kubearmor.logs';
}

function numbers(table: string): readonly string[] {
  return alert(table) ? [...numberColumns, 'severity'] : numberColumns;
}

function texts(table: string): readonly string[] {
  return alert(table) ? [...textColumns, 'policy'] : textColumns;
}

function condition(random: Random, table: string, prefix = '', depth = 0): string {
  const text = `${prefix}${random.pick(texts(table))}`;
  const number = `${prefix}${random.pick(numbers(table))}`;
  const make = random.pick<() => string>([
    () => `${text} = '${random.pick(['shop', 'bank', 'pod-3', 'Process', 'blocked', 'edge-1', "it''s"])}'`,
    () => `${text} LIKE '%${random.integer(9)}%'`,
    () => `${text} IN ('dev', 'pod-${random.integer(17)}', 'File')`,
    () => `${text} IS ${random.chance(0.5) ? 'NOT ' : ''}NULL`,
    () => `${number} ${random.pick(['<', '>', '<=', '>=', '<>', '='])} ${random.integer(300)}`,
    () => `${number} BETWEEN ${random.integer(50)} AND ${50 + random.integer(1500)}`,
    () => `${prefix}time >= TIMESTAMP '2026-03-01 10:${10 + random.integer(50)}:00'`,
    () => `list_contains(${prefix}tags, 'MITRE_T${random.integer(6)}')`,
    () => `${prefix}labels['app'] = 'a${random.integer(4)}'`,
    () => `coalesce(${number}, 0) % 3 = ${random.integer(3)}`,
    () => `NOT (${depth > 1 ? `${number} > 7` : condition(random, table, prefix, depth + 1)})`,
    () =>
      depth > 1
        ? `${number} < 9`
        : `(${condition(random, table, prefix, depth + 1)} ${random.pick(['AND', 'OR'])} ${condition(random, table, prefix, depth + 1)})`,
  ]);
  return make();
}

function where(random: Random, table: string, prefix = ''): string {
  return random.chance(0.6) ? ` WHERE ${condition(random, table, prefix)}` : '';
}

function groupKey(random: Random, table: string): string {
  const text = random.pick(texts(table));
  return random.pick([
    text,
    text,
    `upper(${text})`,
    `coalesce(${text}, '-')`,
    `time_bucket(INTERVAL '${random.pick([1, 7, 30])} minutes', time)`,
    `${random.pick(numbers(table))} % ${2 + random.integer(5)}`,
    `labels['app']`,
    `CASE WHEN ${condition(random, table)} THEN 'yes' ELSE 'no' END`,
  ]);
}

function aggregateCall(random: Random, table: string): string {
  const text = random.pick(texts(table));
  const number = random.pick(numbers(table));
  const filter = random.chance(0.2) ? ` FILTER (WHERE ${condition(random, table)})` : '';
  return random.pick([
    `count(*)${filter}`,
    `count(${text})${filter}`,
    `sum(${number})${filter}`,
    `avg(${number})${filter}`,
    `min(${number})${filter}`,
    `max(${text})${filter}`,
    `min(time)`,
    `max(received_at) - min(received_at)`,
    `stddev(${number})${filter}`,
    `var_pop(${number})`,
    `count(DISTINCT ${text})`,
    `count(DISTINCT ${number})`,
    `sum(DISTINCT ${number})`,
    `count_if(${condition(random, table)})`,
    `bool_or(${condition(random, table)})`,
    `bool_and(${number} > 3)`,
    `bit_xor(host_pid)`,
    `sum(${number}) * 2 + count(*)`,
    `median(${number})`,
    `quantile_disc(${number}, 0.3)`,
    `string_agg(DISTINCT ${text}, ',' ORDER BY ${text})`,
    `list(DISTINCT ${number} ORDER BY ${number})`,
    `round(100.0 * count(*)${filter} / count(*), 3)`,
    `arg_max(${number} + 0 * seq, time + to_microseconds(seq * 10 + length(node)))  IS NULL`,
  ]);
}

function aggregate(random: Random): SuiteQuery {
  const table = random.pick(tables);
  const keys = random.some([0, 1, 2], 0, 3).map((_, index) => ({ sql: groupKey(random, table), alias: `k${index}` }));
  const calls = Array.from({ length: 1 + random.integer(3) }, (_, index) => ({
    sql: aggregateCall(random, table),
    alias: `a${index}`,
  }));
  const named = (items: readonly { sql: string; alias: string }[]): string[] =>
    items.map((item) => `${item.sql} AS ${item.alias}`);
  const list = random.chance(0.8) ? [...named(keys), ...named(calls)] : [...named(calls), ...named(keys)];
  const groups = grouping(random, keys);
  const having =
    keys.length > 0 && random.chance(0.3)
      ? ` HAVING ${random.pick(['count(*) > 5', 'a0 IS NOT NULL', 'max(seq) >= 100'])}`
      : '';
  const order = keys.length > 0 && random.chance(0.4);
  const direction = random.pick(['', ' DESC', ' DESC NULLS LAST', ' NULLS FIRST']);
  // Grouping sets give several rows of the same keys: only a sort by all columns is total.
  const total = groups.startsWith(' GROUP BY ALL') || groups.startsWith(' GROUP BY k') || groups === '';
  const sort = order ? ` ORDER BY ${total ? keys.map((key) => `${key.alias}${direction}`).join(', ') : 'ALL'}` : '';
  const limit =
    order && random.chance(0.5) ? ` LIMIT ${1 + random.integer(9)}${random.chance(0.3) ? ' OFFSET 2' : ''}` : '';
  const sql = `SELECT ${list.join(', ')} FROM ${table}${where(random, table)}${groups}${having}${sort}${limit}`;
  return order ? { sql, ordered: true } : { sql };
}

function grouping(random: Random, keys: readonly { sql: string; alias: string }[]): string {
  if (keys.length === 0) return '';
  const aliases = keys.map((key) => key.alias).join(', ');
  return random.pick([
    ' GROUP BY ALL',
    ` GROUP BY ${aliases}`,
    ` GROUP BY ${aliases}`,
    ` GROUP BY ROLLUP (${aliases})`,
    ` GROUP BY CUBE (${aliases})`,
    ` GROUP BY GROUPING SETS ((${aliases}), ())`,
  ]);
}

function selection(random: Random, table: string): readonly string[] {
  return random
    .some(
      [
        ...random.some(texts(table), 1, 3),
        ...random.some(numbers(table), 1, 2),
        'time',
        `upper(${random.pick(texts(table))})`,
        `${random.pick(numbers(table))} + 1`,
        `length(${random.pick(texts(table))}) > 4`,
        'tags',
        'labels',
        `time_bucket(INTERVAL '1 hour', time)`,
      ],
      1,
      4,
    )
    .map((sql, index) => `${sql} AS c${index}`);
}

function rows(random: Random): SuiteQuery {
  const table = random.pick(tables);
  const identity = table === 'kubearmor.events' ? 'kind, node, seq' : 'node, seq';
  const list = random.chance(0.2) ? ['*'] : selection(random, table);
  const ordered = random.chance(0.6);
  const by = random.pick([
    'time',
    'time DESC',
    random.pick(texts(table)),
    `${random.pick(numbers(table))} DESC NULLS LAST`,
  ]);
  const sort = ordered ? ` ORDER BY ${by}, ${identity}` : '';
  const limit =
    ordered && random.chance(0.7)
      ? ` LIMIT ${random.integer(30)}${random.chance(0.3) ? ` OFFSET ${random.integer(20)}` : ''}`
      : '';
  const sql = `SELECT ${list.join(', ')} FROM ${table}${where(random, table)}${sort}${limit}`;
  return ordered ? { sql, ordered: true } : { sql };
}

function distinct(random: Random): SuiteQuery {
  const table = random.pick(tables);
  const list = random.some(texts(table), 1, 3);
  const ordered = random.chance(0.5);
  const sort = ordered
    ? ` ORDER BY ${list.join(', ')}${random.chance(0.5) ? ` LIMIT ${1 + random.integer(8)}` : ''}`
    : '';
  const sql = `SELECT DISTINCT ${list.join(', ')} FROM ${table}${where(random, table)}${sort}`;
  return ordered ? { sql, ordered: true } : { sql };
}

function window(random: Random): SuiteQuery {
  const table = random.pick(tables);
  const identity = table === 'kubearmor.events' ? 'kind, node, seq' : 'node, seq';
  const call = random.pick(['row_number()', 'rank()', 'sum(seq)', 'lag(pod)', 'count(*)', 'first_value(process)']);
  const over = `OVER (PARTITION BY ${random.pick(texts(table))} ORDER BY time, ${identity})`;
  const qualify = random.chance(0.4) ? ` QUALIFY row_number() ${over} <= 2` : '';
  return { sql: `SELECT ${identity}, ${call} ${over} AS w FROM ${table}${where(random, table)}${qualify}` };
}

function join(random: Random): SuiteQuery {
  const kind = random.pick(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'SEMI JOIN', 'ANTI JOIN']);
  const oneSided = kind === 'SEMI JOIN' || kind === 'ANTI JOIN';
  const on = random.pick([
    'a.node = l.node AND a.seq = l.seq',
    'a.pod = l.pod AND a.seq = l.seq',
    'a.seq = l.host_pid - 1000 AND a.node = l.node',
  ]);
  const list = oneSided ? 'a.node, a.seq, a.policy' : 'a.node, a.seq, l.node AS n2, l.seq AS s2, l.process';
  const conditions = [
    condition(random, 'kubearmor.alerts', 'a.'),
    ...(oneSided ? [] : [condition(random, 'kubearmor.logs', 'l.')]),
  ];
  const filter = random.chance(0.7) ? ` WHERE ${random.some(conditions, 1, 2).join(' AND ')}` : '';
  const sql = `${list} FROM kubearmor.alerts a ${kind} kubearmor.logs l ON ${on}${filter}`;
  return random.chance(0.5) ? { sql: `SELECT count(*) AS n FROM (SELECT ${sql})` } : { sql: `SELECT ${sql}` };
}

function setOperation(random: Random): SuiteQuery {
  const columns = random.some(textColumns, 1, 2).join(', ');
  const part = (): string => {
    const table = random.pick(tables);
    return `SELECT ${columns} FROM ${table}${where(random, table)}`;
  };
  const operator = random.pick(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT', 'EXCEPT ALL', 'INTERSECT ALL']);
  return { sql: `${part()} ${operator} ${part()} ORDER BY ALL`, ordered: true };
}

function commonTable(random: Random): SuiteQuery {
  const inner = aggregate(random).sql;
  const materialized = random.pick(['', ' MATERIALIZED', ' NOT MATERIALIZED']);
  return { sql: `WITH c AS${materialized} (${inner}) SELECT *, count(*) OVER () AS total FROM c` };
}

function subquery(random: Random): SuiteQuery {
  const table = random.pick(tables);
  const test = random.pick([
    `seq > (SELECT avg(seq) FROM kubearmor.alerts${where(random, 'kubearmor.alerts')})`,
    `pod IN (SELECT pod FROM kubearmor.alerts WHERE severity = ${random.integer(11)})`,
    `pod NOT IN (SELECT pod FROM kubearmor.alerts WHERE severity = ${random.integer(11)} AND seq < 40)`,
    `EXISTS (SELECT 1 FROM kubearmor.alerts x WHERE x.pod = t.pod AND x.seq = t.seq)`,
    `namespace = ANY (SELECT namespace FROM kubearmor.logs WHERE seq < 3)`,
    `seq = (SELECT max(x.seq) FROM kubearmor.logs x WHERE x.node = t.node)`,
    `(SELECT count(*) FROM kubearmor.alerts x WHERE x.pod = t.pod) > 20`,
  ]);
  const list = random.chance(0.5) ? 'count(*) AS n, max(seq) AS m' : 'node, seq, pod';
  return { sql: `SELECT ${list} FROM ${table} t WHERE ${test} AND ${condition(random, table, 't.')}` };
}

function nested(random: Random): SuiteQuery {
  const inner = aggregate(random).sql;
  return { sql: `SELECT count(*) AS n, count(a0) AS m FROM (${inner}) AS q` };
}
