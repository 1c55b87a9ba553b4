/** A query of the federation suite; `ordered` when its ORDER BY leaves nothing open. */
export interface SuiteQuery {
  readonly sql: string;
  readonly ordered?: true;
  /** Kinds of its fragments, in order; checked where given, so that what is pushed stays pushed. */
  readonly kinds?: readonly string[];
}

function open(sql: string, kinds?: readonly string[]): SuiteQuery {
  return kinds === undefined ? { sql } : { sql, kinds };
}

function ordered(sql: string, kinds?: readonly string[]): SuiteQuery {
  return kinds === undefined ? { sql, ordered: true } : { sql, ordered: true, kinds };
}

/** What users ask, and what splits badly; each must equal one DuckDB that holds every row. */
export const suite: readonly SuiteQuery[] = [
  // Aggregates, pushed.
  open('SELECT count(*) FROM kubearmor.logs', ['agg']),
  open("SELECT count(*) FROM kubearmor.logs WHERE namespace = 'no such'", ['agg']),
  open('SELECT count(*), count(namespace), sum(uid), min(time), max(time) FROM kubearmor.logs', ['agg']),
  open('SELECT sum(uid), avg(uid), min(pod), max(pod) FROM kubearmor.logs WHERE false', ['agg']),
  ordered('SELECT namespace, count(*) FROM kubearmor.logs GROUP BY namespace ORDER BY 1', ['agg']),
  ordered(
    'SELECT namespace, pod, count(*) AS n FROM kubearmor.alerts GROUP BY ALL ORDER BY n DESC, namespace, pod LIMIT 7 OFFSET 3',
    ['agg'],
  ),
  ordered(
    'SELECT lower(operation) AS op, avg(severity), stddev(severity), var_pop(uid) FROM kubearmor.alerts GROUP BY op ORDER BY op',
    ['agg'],
  ),
  ordered("SELECT time_bucket(INTERVAL '5 minutes', time) AS t, count(*) FROM kubearmor.logs GROUP BY t ORDER BY t", [
    'agg',
  ]),
  ordered(
    "SELECT date_trunc('minute', time) AS t, outcome, count(*) AS n FROM kubearmor.events GROUP BY 1, 2 ORDER BY 1, 2",
    ['agg'],
  ),
  ordered('SELECT policy, count(*) AS n FROM kubearmor.alerts GROUP BY policy HAVING n > 100 ORDER BY policy', ['agg']),
  ordered(
    'SELECT policy, count(*) FROM kubearmor.alerts GROUP BY policy HAVING max(severity) >= 5 AND count(*) > 10 ORDER BY policy',
    ['agg'],
  ),
  ordered(
    "SELECT namespace, count(*) FILTER (WHERE outcome = 'blocked') AS blocked, count(*) FILTER (severity > 5) FROM kubearmor.alerts GROUP BY 1 ORDER BY 1",
    ['agg'],
  ),
  ordered(
    'SELECT namespace, count(DISTINCT pod), count(DISTINCT process), count(*) FROM kubearmor.logs GROUP BY 1 ORDER BY 1',
    ['agg'],
  ),
  open('SELECT count(DISTINCT pod) FROM kubearmor.logs', ['agg']),
  open(
    'SELECT count(DISTINCT namespace), sum(DISTINCT uid), avg(DISTINCT severity), min(DISTINCT pod) FROM kubearmor.alerts',
    ['agg'],
  ),
  ordered(
    'SELECT namespace, bool_and(severity > 1), bool_or(severity > 9), bit_or(host_pid), bit_and(host_pid), bit_xor(host_pid) FROM kubearmor.alerts GROUP BY 1 ORDER BY 1',
    ['agg'],
  ),
  ordered(
    'SELECT namespace, count_if(severity > 3), product(1 + severity / 100), any_value(cluster) IS NULL FROM kubearmor.alerts GROUP BY 1 ORDER BY 1',
    ['agg'],
  ),
  open('SELECT arg_max(pod, time), arg_min(pod, time), max_by(process, time) FROM kubearmor.logs', ['agg']),
  open('SELECT arg_max(namespace, time), arg_min(severity, time) FROM kubearmor.alerts', ['agg']),
  ordered(
    'SELECT namespace, operation, count(*), grouping(namespace) FROM kubearmor.logs GROUP BY ROLLUP (namespace, operation) ORDER BY ALL',
    ['agg'],
  ),
  ordered(
    'SELECT namespace, operation, count(*) FROM kubearmor.logs GROUP BY CUBE (namespace, operation) ORDER BY ALL',
    ['agg'],
  ),
  ordered(
    'SELECT namespace, operation, sum(uid) FROM kubearmor.logs GROUP BY GROUPING SETS ((namespace), (operation), ()) ORDER BY ALL',
    ['agg'],
  ),
  ordered(
    'SELECT namespace, count(*) AS n, rank() OVER (ORDER BY count(*) DESC, namespace) AS r FROM kubearmor.logs GROUP BY 1 ORDER BY r',
    ['agg'],
  ),
  ordered(
    'SELECT namespace, pod, count(*) AS n FROM kubearmor.logs GROUP BY 1, 2 QUALIFY row_number() OVER (PARTITION BY namespace ORDER BY count(*) DESC, pod) <= 2 ORDER BY ALL',
    ['agg'],
  ),
  ordered(
    'SELECT namespace, sum(count(*)) OVER (ORDER BY namespace) AS running FROM kubearmor.logs GROUP BY namespace ORDER BY namespace',
    ['agg'],
  ),
  ordered(
    'SELECT count(*) * 100.0 / sum(count(*)) OVER () AS share, operation FROM kubearmor.logs GROUP BY operation ORDER BY operation',
    ['agg'],
  ),
  ordered(
    "SELECT upper(namespace) || '!' AS shout, count(*) + 1 FROM kubearmor.logs l GROUP BY l.namespace ORDER BY shout",
    ['agg'],
  ),
  ordered(
    "SELECT CASE WHEN severity > 5 THEN 'high' ELSE 'low' END AS band, count(*) FROM kubearmor.alerts GROUP BY band ORDER BY band",
    ['agg'],
  ),
  ordered('SELECT DISTINCT count(*) > 50 AS many FROM kubearmor.logs GROUP BY pod ORDER BY many', ['agg']),
  ordered("SELECT labels['app'] AS app, count(*) FROM kubearmor.logs GROUP BY app ORDER BY app", ['agg']),
  ordered('SELECT severity, count(*) FROM kubearmor.alerts GROUP BY severity ORDER BY severity DESC NULLS LAST', [
    'agg',
  ]),
  ordered('SELECT count(*) AS n, n * 2 AS twice FROM kubearmor.logs', ['agg']),
  ordered('SELECT max(time) - min(time) AS span FROM kubearmor.logs', ['agg']),
  ordered('SELECT node, max(seq), count(*) FROM kubearmor.logs GROUP BY node ORDER BY node', ['agg']),
  ordered('SELECT namespace, sum(uid::HUGEINT) FROM kubearmor.logs GROUP BY 1 ORDER BY 1', ['agg']),
  ordered('SELECT kind, count(*) FROM kubearmor.events GROUP BY kind ORDER BY kind', ['agg']),
  open(
    'SELECT stddev_samp(severity), stddev_pop(severity), var_samp(severity), variance(severity) FROM kubearmor.alerts WHERE severity = 3',
    ['agg'],
  ),
  open('SELECT avg(epoch_us(time)) FROM kubearmor.logs', ['agg']),
  // Rows, pushed.
  ordered('SELECT time, node, seq, pod FROM kubearmor.logs ORDER BY time DESC, node, seq LIMIT 20', ['rows']),
  ordered('SELECT pod FROM kubearmor.logs ORDER BY time, node, seq LIMIT 10 OFFSET 5', ['rows']),
  ordered('SELECT * FROM kubearmor.alerts ORDER BY time, node, seq LIMIT 5', ['rows']),
  ordered('SELECT *, time AS again FROM kubearmor.alerts ORDER BY again, node, seq LIMIT 5', ['rows']),
  ordered('SELECT * EXCLUDE (labels, tags) FROM kubearmor.alerts ORDER BY seq, node LIMIT 5', ['rows']),
  ordered('SELECT * REPLACE (upper(pod) AS pod) FROM kubearmor.alerts ORDER BY seq, node LIMIT 5', ['rows']),
  ordered("SELECT COLUMNS('^(node|seq|pod)$') FROM kubearmor.alerts ORDER BY seq, node LIMIT 5", ['rows']),
  open('SELECT node, seq, source FROM kubearmor.logs WHERE source LIKE \'%"3"%\'', ['rows']),
  open("SELECT node, seq FROM kubearmor.logs WHERE resource IN ('/etc/r1', '/etc/r2') AND NOT (namespace = 'dev')", [
    'rows',
  ]),
  open('SELECT node, seq FROM kubearmor.alerts WHERE severity BETWEEN 3 AND 5 OR namespace IS NULL', ['rows']),
  open("SELECT node, seq FROM kubearmor.logs WHERE regexp_matches(resource, 'r1[0-9]$')", ['rows']),
  open("SELECT node, seq FROM kubearmor.logs WHERE list_contains(tags, 'MITRE_T3')", ['rows']),
  open('SELECT DISTINCT namespace, operation FROM kubearmor.logs', ['rows']),
  ordered('SELECT DISTINCT pod FROM kubearmor.logs ORDER BY pod LIMIT 4', ['rows']),
  ordered('SELECT DISTINCT upper(pod) AS p FROM kubearmor.logs ORDER BY upper(pod) DESC', ['rows']),
  ordered('SELECT time AS pod, pod AS time FROM kubearmor.logs ORDER BY pod, time, seq, node LIMIT 9', ['rows']),
  ordered('SELECT node, seq, unnest(tags) AS tag FROM kubearmor.alerts ORDER BY ALL LIMIT 30', ['rows']),
  ordered(
    "SELECT l.node AS n, l.seq FROM kubearmor.logs AS l WHERE l.namespace = 'shop' ORDER BY l.seq DESC, l.node LIMIT 3",
    ['rows'],
  ),
  ordered('SELECT kubearmor.logs.seq, node FROM kubearmor.logs ORDER BY 1, 2 LIMIT 3'),
  ordered(
    "SELECT uid::HUGEINT * 4294967296 * 4294967296 AS big, INTERVAL '1 day' * severity AS span, node, seq FROM kubearmor.alerts ORDER BY seq, node LIMIT 10",
    ['rows'],
  ),
  open('SELECT 1 AS one FROM kubearmor.alerts WHERE severity = 1', ['rows']),
  open('SELECT count(*) FROM (SELECT 1 FROM kubearmor.alerts LIMIT 10)', ['rows']),
  ordered('SELECT node, seq FROM kubearmor.logs WHERE seq < 3 ORDER BY seq DESC, node LIMIT 100', ['rows']),
  ordered('SELECT kind, node, seq FROM kubearmor.events ORDER BY time, kind, node, seq LIMIT 12', ['rows']),
  // Values shipped.
  ordered(
    'SELECT namespace, median(uid), quantile_cont(uid, 0.9), mode(outcome) IS NOT NULL FROM kubearmor.logs GROUP BY 1 ORDER BY 1',
    ['scan'],
  ),
  ordered('SELECT namespace, list(DISTINCT pod ORDER BY pod) FROM kubearmor.alerts GROUP BY 1 ORDER BY 1', ['scan']),
  ordered("SELECT namespace, string_agg(DISTINCT pod, ',' ORDER BY pod) FROM kubearmor.alerts GROUP BY 1 ORDER BY 1", [
    'scan',
  ]),
  ordered('SELECT namespace, histogram(severity) FROM kubearmor.alerts GROUP BY 1 ORDER BY 1', ['scan']),
  ordered(
    'SELECT corr(severity, host_pid), regr_slope(severity, host_pid), entropy(pod), mad(severity) FROM kubearmor.alerts',
    ['scan'],
  ),
  open('SELECT approx_count_distinct(pod) FROM kubearmor.logs', ['scan']),
  ordered(
    'SELECT node, seq, row_number() OVER (PARTITION BY node ORDER BY time, seq) AS r FROM kubearmor.alerts ORDER BY node, r LIMIT 20',
    ['scan'],
  ),
  ordered(
    'SELECT node, seq, lag(pod) OVER (ORDER BY time, node, seq) AS before FROM kubearmor.alerts ORDER BY time, node, seq LIMIT 20',
    ['scan'],
  ),
  ordered(
    'SELECT node, seq, pod FROM kubearmor.alerts QUALIFY row_number() OVER (PARTITION BY pod ORDER BY time DESC, node, seq) = 1 ORDER BY pod',
    ['scan'],
  ),
  ordered('SELECT DISTINCT ON (pod) pod, time, node, seq FROM kubearmor.alerts ORDER BY pod, time, node, seq', [
    'scan',
  ]),
  open(
    'SELECT namespace, pod, count(*) FROM kubearmor.logs WHERE pod IN (SELECT pod FROM kubearmor.alerts WHERE severity = 10) GROUP BY ALL',
  ),
  // Lists of what is looked for: looked up on the nodes, however they are written.
  ordered(
    "WITH given AS (SELECT unnest(['pod-1', 'pod-4', NULL]) AS p), wanted AS (SELECT p FROM given WHERE p > 'pod-2') SELECT pod, count(*) FROM kubearmor.logs WHERE pod IN (SELECT p FROM wanted) OR host IN (SELECT p FROM wanted) GROUP BY pod ORDER BY pod",
  ),
  ordered(
    "WITH given AS (SELECT unnest(['pod-1', 'pod-4']) AS p) SELECT count(*) FROM kubearmor.alerts WHERE pod NOT IN (SELECT p FROM given) AND severity > (SELECT len(min(p)) FROM given)",
  ),
  ordered(
    "WITH p AS (SELECT 'pod-1' AS x) SELECT count(*) FROM (WITH p AS (SELECT pod AS x FROM kubearmor.alerts) SELECT x FROM p WHERE x IN (SELECT x FROM p))",
  ),
  ordered(
    "WITH given AS (SELECT 'pod-' AS p) SELECT count(*) FROM kubearmor.logs l WHERE pod IN (SELECT p || l.seq FROM given)",
  ),
  // Joins, subqueries, CTEs, set operations.
  ordered(
    'SELECT a.pod, count(*) FROM kubearmor.alerts a JOIN kubearmor.logs l ON a.node = l.node AND a.seq = l.seq GROUP BY a.pod ORDER BY a.pod',
    ['scan', 'scan'],
  ),
  ordered(
    "SELECT a.node, a.seq, l.process FROM kubearmor.alerts a LEFT JOIN kubearmor.logs l ON a.node = l.node AND a.seq = l.seq AND l.namespace = 'shop' WHERE a.severity > 8 ORDER BY ALL",
  ),
  ordered(
    "SELECT l.node, l.seq, a.policy FROM kubearmor.alerts a RIGHT JOIN kubearmor.logs l USING (node, seq) WHERE l.namespace = 'bank' AND a.policy IS NULL ORDER BY ALL LIMIT 15",
  ),
  ordered(
    'SELECT count(*), count(a.seq), count(l.seq) FROM kubearmor.alerts a FULL JOIN kubearmor.logs l ON a.seq = l.seq + 200 AND a.node = l.node',
  ),
  ordered('SELECT count(*) FROM kubearmor.alerts NATURAL JOIN kubearmor.messages'),
  ordered(
    'SELECT a.node, a.seq, l.seq AS before FROM kubearmor.alerts a ASOF JOIN kubearmor.logs l ON a.node = l.node AND a.time >= l.time WHERE a.severity = 7 ORDER BY ALL',
  ),
  ordered('SELECT count(*) FROM kubearmor.alerts a SEMI JOIN kubearmor.logs l ON a.seq = l.host_pid'),
  ordered('SELECT count(*) FROM kubearmor.alerts a ANTI JOIN kubearmor.logs l ON a.seq = l.host_pid'),
  ordered(
    "SELECT count(*) FROM kubearmor.alerts a, kubearmor.logs l WHERE a.pod = l.pod AND a.severity = 9 AND l.outcome = 'failed'",
  ),
  ordered(
    'WITH top AS (SELECT pod, count(*) AS n FROM kubearmor.logs GROUP BY pod ORDER BY n DESC, pod LIMIT 3) SELECT l.pod, top.n, count(*) FROM kubearmor.alerts l JOIN top USING (pod) GROUP BY ALL ORDER BY ALL',
  ),
  ordered('WITH logs AS (SELECT 1 AS one) SELECT one FROM logs'),
  ordered(
    "WITH a AS (SELECT pod, max(time) AS t FROM kubearmor.logs GROUP BY pod), b AS (SELECT pod, t FROM a WHERE pod > 'pod-3') SELECT * FROM b ORDER BY pod",
  ),
  ordered('SELECT pod, n FROM (SELECT pod, count(*) AS n FROM kubearmor.logs GROUP BY pod) WHERE n > 50 ORDER BY pod'),
  ordered('SELECT count(*) FROM kubearmor.alerts WHERE severity > (SELECT avg(severity) FROM kubearmor.alerts)'),
  ordered(
    'SELECT pod, count(*) FROM kubearmor.alerts a WHERE EXISTS (SELECT 1 FROM kubearmor.logs l WHERE l.pod = a.pod AND l.seq = 5) GROUP BY pod ORDER BY pod',
  ),
  ordered(
    'SELECT pod, count(*) FROM kubearmor.alerts a WHERE NOT EXISTS (SELECT 1 FROM kubearmor.logs l WHERE l.pod = a.pod AND l.seq < 2) GROUP BY pod ORDER BY pod',
  ),
  ordered(
    'SELECT pod, (SELECT max(l.time) FROM kubearmor.logs l WHERE l.pod = a.pod) AS last FROM (SELECT DISTINCT pod FROM kubearmor.alerts) a ORDER BY pod',
  ),
  ordered(
    'SELECT a.pod, x.n FROM (SELECT DISTINCT pod FROM kubearmor.alerts) a, LATERAL (SELECT count(*) AS n FROM kubearmor.logs l WHERE l.pod = a.pod) x ORDER BY a.pod',
  ),
  ordered(
    'SELECT pod FROM kubearmor.logs WHERE seq < 4 EXCEPT SELECT pod FROM kubearmor.alerts WHERE seq < 2 ORDER BY pod',
  ),
  ordered(
    'SELECT pod FROM kubearmor.logs WHERE seq < 9 INTERSECT SELECT pod FROM kubearmor.alerts WHERE seq < 9 ORDER BY pod',
  ),
  ordered(
    "SELECT 'log' AS kind, count(*) FROM kubearmor.logs UNION ALL SELECT 'alert', count(*) FROM kubearmor.alerts ORDER BY 1",
    ['agg', 'agg'],
  ),
  ordered(
    'SELECT seq, node FROM kubearmor.logs WHERE seq < 3 UNION SELECT seq, node FROM kubearmor.alerts WHERE seq < 3 ORDER BY ALL',
  ),
  ordered(
    'SELECT node, seq FROM kubearmor.alerts WHERE seq < 2 UNION ALL BY NAME SELECT seq, node FROM kubearmor.logs WHERE seq = 2 ORDER BY ALL',
  ),
  ordered(
    "PIVOT (SELECT namespace, operation FROM kubearmor.logs) ON operation IN ('Process', 'File') USING count(*) GROUP BY namespace ORDER BY namespace",
  ),
  ordered(
    "SELECT * FROM (PIVOT kubearmor.alerts ON outcome IN ('happened', 'blocked') USING count(*) GROUP BY policy) ORDER BY policy",
  ),
  ordered(
    'UNPIVOT (SELECT namespace, count(*) AS n, count(DISTINCT pod) AS pods FROM kubearmor.logs GROUP BY namespace) ON n, pods ORDER BY ALL',
  ),
  ordered(
    "WITH RECURSIVE chain AS (SELECT host_pid, host_ppid, 1 AS depth FROM kubearmor.logs WHERE node = 'edge-0' AND seq = 1 UNION SELECT l.host_pid, l.host_ppid, depth + 1 FROM kubearmor.logs l JOIN chain c ON l.host_pid = c.host_ppid WHERE depth < 4 AND l.node = 'edge-0') SELECT count(*), max(depth) FROM chain",
  ),
  ordered('SELECT t.tag, count(*) FROM kubearmor.alerts, unnest(tags) AS t(tag) GROUP BY 1 ORDER BY 1'),
  ordered(
    "SELECT m.minute, count(l.seq) FROM generate_series(TIMESTAMP '2026-03-01 10:00', TIMESTAMP '2026-03-01 10:30', INTERVAL 10 MINUTE) AS m(minute) LEFT JOIN kubearmor.logs l ON time_bucket(INTERVAL '10 minutes', l.time) = m.minute GROUP BY 1 ORDER BY 1",
  ),
  ordered('SELECT (SELECT count(*) FROM kubearmor.logs) AS logs, (SELECT count(*) FROM kubearmor.alerts) AS alerts'),
  ordered('SELECT l FROM kubearmor.messages l'),
  ordered(
    'SELECT namespace FROM kubearmor.logs GROUP BY namespace HAVING count(*) > (SELECT count(*) / 10 FROM kubearmor.alerts) ORDER BY 1',
  ),
  ordered('FROM kubearmor.alerts SELECT policy, count() GROUP BY policy ORDER BY policy'),
  ordered('VALUES (1), (2)'),
  ordered('SELECT 1 + 1 AS two'),
];
