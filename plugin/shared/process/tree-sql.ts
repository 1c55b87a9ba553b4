import type { QueryContext } from '../model.js';
import { timestampLiteral } from '../quoting.js';
import { TREE_BOUNDS } from './bounds.js';
import { isExec } from './exec.js';

/** Above every place in the order of events. */
const LAST = '170141183460469231731687303715884105727::HUGEINT';

/** One number that orders events by (time, seq): older KubeArmors have times of whole seconds. */
function place(row: string): string {
  return `epoch_us(${row}.time)::HUGEINT * 10000000000000000000 + ${row}.seq`;
}

function cte(name: string, lines: readonly string[], how: '' | 'MATERIALIZED ' | 'NOT MATERIALIZED ' = ''): string {
  return `${name} AS ${how}(\n${lines.map((line) => `  ${line}`).join('\n')}\n)`;
}

/**
 * The process of an event, those above it and all that came of it, one a row; at least one row, whose `seq` is NULL when
 * there is no process.
 *
 * A process is what one exec made of a PID on one machine of one cluster, until the next exec of that PID in that
 * container; or, before the first, what was seen of a PID whose start was not (`unseen`: it forked, or began before the
 * window). Its parent is what `host_ppid` was at its beginning. A refused exec is a leaf: no process came of it. What is
 * both an alert and a log is one exec.
 *
 * Columns: `target_time`, `first_seq`, `last_seq` (of the lake, when there is no such event), `found` (processes before
 * the cut), `depth` (0: the event's process; below it positive), `kind` ('exec', 'refused', 'unseen'), `node`, `seq`,
 * `parent_seq` (rows of the exec, or of the first event), and what the event says.
 *
 * Conditions of joins are plain comparisons: DuckDB joins by hash then, and not row by row.
 */
export function treeSql(target: readonly string[], { fromMs, toMs }: Pick<QueryContext, 'fromMs' | 'toMs'>): string {
  const ctes = treeCtes(target, {
    from: timestampLiteral(fromMs - TREE_BOUNDS.lookbackMs),
    to: timestampLiteral(toMs),
  });
  return [
    ctes,
    'SELECT facts.*, processes.* EXCLUDE (place) FROM facts LEFT JOIN processes ON TRUE',
    'ORDER BY depth, place',
  ].join('\n');
}

/**
 * What a tree is made of, for SELECTs of one's own, as a WITH clause; times are SQL and may be macros. Of use beside `processes`:
 * `shown` (its processes: `place`, `depth`) and `owned` (all events of these, with `owner`, the process's `place`).
 */
export function treeCtes(
  target: readonly string[],
  { from, to }: { readonly from: string; readonly to: string },
): string {
  const { processes, below, above } = TREE_BOUNDS;
  const window = (row: string): string => `${row}.time >= ${from} AND ${row}.time < ${to}`;
  const ctes = [
    cte('target', ['SELECT *', ...target], 'MATERIALIZED '),
    cte(
      'seen',
      [
        `SELECT e.*, coalesce(e.container_id, '') AS box, ${place('e')} AS place`,
        'FROM kubearmor.events AS e, target AS t',
        `WHERE ${window('e')} AND e.host_pid > 0 AND e.cluster IS NOT DISTINCT FROM t.cluster`,
        '  AND (e.machine_id = t.machine_id OR ((e.machine_id IS NULL OR t.machine_id IS NULL)',
        '    AND e.host IS NOT DISTINCT FROM t.host))',
      ],
      'NOT MATERIALIZED ',
    ),
    cte(
      'rows_of_execs',
      [
        "SELECT place, seq, host_pid, host_ppid, box, outcome = 'happened' AS started,",
        '  CASE WHEN lag(kind) OVER w <> kind AND (lag(process) OVER w = process OR lag(resource) OVER w = resource)',
        "    AND (lag(outcome) OVER w = 'happened') = (outcome = 'happened')",
        '    AND time - lag(time) OVER w <= INTERVAL 1 SECOND THEN lag(place) OVER w ELSE place END AS exec',
        `FROM seen WHERE ${isExec()}`,
        'WINDOW w AS (PARTITION BY host_pid, host_ppid ORDER BY place)',
      ],
      'MATERIALIZED ',
    ),
    cte('execs', ['SELECT * FROM rows_of_execs WHERE exec = place'], 'MATERIALIZED '),
    cte('first_acts', [
      'SELECT host_pid, box, min(place) AS place, arg_min(host_ppid, place) AS host_ppid, arg_min(seq, place) AS seq',
      `FROM seen WHERE (${isExec()}) IS NOT TRUE GROUP BY host_pid, box`,
    ]),
    cte('first_execs', ['SELECT host_pid, box, min(place) AS place FROM execs WHERE started GROUP BY host_pid, box']),
    cte(
      'starts',
      [
        `SELECT *, lead(place, 1, ${LAST}) OVER (PARTITION BY host_pid ORDER BY place) AS until,`,
        `  lead(place, 1, ${LAST}) OVER (PARTITION BY host_pid, box ORDER BY place) AS until_here`,
        'FROM (',
        "  SELECT place, seq, host_pid, host_ppid, box, 'exec' AS kind FROM execs WHERE started",
        '  UNION ALL',
        "  SELECT a.place, a.seq, a.host_pid, a.host_ppid, a.box, 'unseen'",
        '  FROM first_acts AS a LEFT JOIN first_execs AS e ON e.host_pid = a.host_pid AND e.box = a.box',
        '  WHERE e.place IS NULL OR a.place < e.place',
        ') AS begun',
      ],
      'MATERIALIZED ',
    ),
    cte(
      'links',
      [
        'SELECT c.place, c.seq, c.host_pid, c.host_ppid, c.box, c.kind, p.place AS parent, p.seq AS parent_seq',
        'FROM (',
        '  SELECT place, seq, host_pid, host_ppid, box, kind FROM starts',
        '  UNION ALL',
        "  SELECT place, seq, host_pid, host_ppid, box, 'refused' FROM execs WHERE NOT started",
        ') AS c',
        'LEFT JOIN starts AS p ON c.host_ppid = p.host_pid AND c.place > p.place AND c.place <= p.until',
      ],
      'MATERIALIZED ',
    ),
    cte(
      'root',
      [
        'SELECT l.* FROM links AS l, target AS t',
        `WHERE CASE WHEN ${isExec('t.')}`,
        `  THEN l.place = (SELECT exec FROM rows_of_execs AS r, target AS t WHERE r.place = ${place('t')})`,
        "  ELSE l.kind <> 'refused' AND l.host_pid = t.host_pid AND l.box = coalesce(t.container_id, '')",
        `    AND l.place <= ${place('t')} END`,
        'ORDER BY l.place DESC LIMIT 1',
      ],
      'MATERIALIZED ',
    ),
    cte('above', [
      'SELECT parent AS place, -1 AS depth FROM root WHERE parent IS NOT NULL',
      'UNION ALL',
      'SELECT l.parent, a.depth - 1 FROM above AS a JOIN links AS l ON l.place = a.place',
      `WHERE a.depth > ${String(-above)} AND l.parent IS NOT NULL`,
    ]),
    cte('below', [
      'SELECT place, 0 AS depth FROM root',
      'UNION ALL',
      'SELECT l.place, b.depth + 1 FROM below AS b JOIN links AS l ON l.parent = b.place',
      `WHERE b.depth < ${String(below)}`,
    ]),
    cte('around', ['FROM above UNION ALL FROM below'], 'MATERIALIZED '),
    cte(
      'shown',
      [
        // Not `count(*) OVER ()`: of small inputs it now and then kills DuckDB 1.5 (its issue 25713).
        'SELECT l.*, d.depth, (SELECT count(*) FROM around) AS found',
        'FROM around AS d JOIN links AS l ON l.place = d.place',
        `ORDER BY d.depth, l.place LIMIT ${String(processes)}`,
      ],
      'MATERIALIZED ',
    ),
    cte('acts', [
      'SELECT s.* EXCLUDE (place), coalesce(r.exec, s.place) AS place, r.started FROM seen AS s',
      'LEFT JOIN rows_of_execs AS r ON r.place = s.place',
      'WHERE s.host_pid IN (SELECT host_pid FROM shown)',
    ]),
    cte('owned', [
      'SELECT a.*, p.place AS owner FROM acts AS a JOIN starts AS p ON a.host_pid = p.host_pid AND a.box = p.box',
      '  AND a.place >= p.place AND a.place < p.until_here',
      'WHERE coalesce(a.started, TRUE)',
      'UNION ALL',
      'SELECT a.*, a.place FROM acts AS a WHERE NOT a.started',
    ]),
    cte('doings', [
      "SELECT owner, count(DISTINCT resource) FILTER (operation = 'File') AS files,",
      "  count(DISTINCT concat_ws(' ', coalesce(domain, remote_ip, resource), remote_port, protocol))",
      "    FILTER (operation = 'Network') AS connections,",
      "  count(*) FILTER (kind = 'alert') AS alerts, count(*) AS events, max(time) AS last_seen",
      'FROM owned GROUP BY owner',
    ]),
    cte('facts', [
      'SELECT max(t.time) AS target_time,',
      '  CASE WHEN count(t.seq) = 0 THEN (SELECT min(seq) FROM kubearmor.events) END AS first_seq,',
      '  CASE WHEN count(t.seq) = 0 THEN (SELECT max(seq) FROM kubearmor.events) END AS last_seq',
      'FROM target AS t',
    ]),
    cte('processes', [
      'SELECT s.depth, s.kind, s.found, e.time, e.node, e.seq, s.parent_seq, s.host_pid, s.host_ppid, e.process,',
      '  e.operation, e.resource, e.parent_process, e.user_name, e.uid, e.outcome, e.result, e.host, e.namespace, e.pod,',
      '  e.container, e.exec_session, e.tty, e.process_hash, coalesce(d.files, 0) AS files,',
      '  coalesce(d.connections, 0) AS connections, coalesce(d.alerts, 0) AS alerts, coalesce(d.events, 0) AS events,',
      '  d.last_seen, s.place',
      `FROM shown AS s JOIN kubearmor.events AS e ON e.seq = s.seq AND ${window('e')}`,
      'LEFT JOIN doings AS d ON d.owner = s.place',
    ]),
  ];
  return `WITH RECURSIVE ${ctes.join(',\n')}`;
}
