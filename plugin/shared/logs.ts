import { QueryError } from './errors.js';
import { columnSql, formatColumn, parseColumn } from './columns.js';
import type { ValueMode } from './filters.js';
import { logLevelSql, logLineSql } from './log-line.js';
import type { ArmorlakeModel, BuilderQuery, LogContext } from './model.js';
import { identifier, literal, shown, tableReference } from './quoting.js';
import { tableOf } from './tables.js';
import { conditionsOf, whereLines } from './where.js';

/** How the rows of a table read as log lines. */
interface LogShape {
  /** SQL of the line. */
  readonly body: string;
  /** SQL of Grafana's level: critical, error, warning, info, debug. */
  readonly level: string;
  /** What is shown beside the line, when no columns are chosen. */
  readonly details: readonly string[];
}

const ALL_EVENTS = 'kubearmor.events';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const identity = words('cluster host namespace pod container image labels');
const behaviour = words('operation process parent_process source resource data user_name uid host_pid outcome result');
const ofAlerts = words('policy severity action enforcer message tags');

const shapes: ReadonlyMap<string, LogShape> = new Map([
  [
    'kubearmor.alerts',
    {
      body: logLineSql(true),
      level: logLevelSql.alerts,
      details: [...identity, ...behaviour, ...ofAlerts],
    },
  ],
  [
    'kubearmor.logs',
    {
      body: logLineSql(false),
      level: logLevelSql.logs,
      details: [...identity, ...behaviour, 'tags'],
    },
  ],
  [
    'kubearmor.events',
    {
      body: logLineSql(true),
      level: logLevelSql.events,
      details: ['kind', ...identity, ...behaviour, ...ofAlerts],
    },
  ],
  [
    'kubearmor.messages',
    {
      body: 'message',
      level: "coalesce(lower(level), 'info')",
      details: words('cluster host host_ip type tags'),
    },
  ],
]);

/** What a log line of the table shows when no columns are chosen; null for a table that this version does not know. */
export function logColumns(table: string): ReadonlySet<string> | null {
  const shape = shapes.get(tableOf(table).name);
  return shape === undefined ? null : new Set(['time', 'node', 'seq', ...shape.details]);
}

/** Log lines of a table that this version does not know: the chosen columns side by side. */
function unknownShape(builder: BuilderQuery): LogShape {
  const columns = builder.columns.filter((text) => text !== '');
  if (columns.length === 0) {
    throw new QueryError(`It is not known what a log line of ${shown(builder.table)} reads.`, {
      hint: 'Choose its columns, or ask it as a table.',
    });
  }
  const texts = columns.map((text) => `CAST(${columnSql(parseColumn(text))} AS VARCHAR)`);
  return { body: `concat_ws(' · ', ${texts.join(', ')})`, level: "'info'", details: [] };
}

function shapeOf(builder: BuilderQuery): LogShape {
  const { name, event, columns } = tableOf(builder.table);
  const shape = shapes.get(name);
  if (shape !== undefined) return shape;
  if (columns.size > 0 && !event) {
    throw new QueryError(`${shown(name)} holds no events, so it has no log lines.`, {
      hint: `Ask it as a table. Log lines have ${[...shapes.keys()].join(', ')}.`,
    });
  }
  return unknownShape(builder);
}

function selectLogs(builder: BuilderQuery): string {
  const { body, level, details } = shapeOf(builder);
  const fixed = new Set(['time', 'node', 'seq', 'body']);
  const chosen = builder.columns.filter((text) => text !== '');
  const beside = (chosen.length === 0 ? details : chosen).filter((text) => !fixed.has(text));
  const columns = beside.map((text) => {
    const reference = parseColumn(text);
    const sql = columnSql(reference);
    // A column called level would hide the line's level.
    const name = text === 'level' ? 'level_text' : formatColumn(reference);
    return sql === identifier(name) ? sql : `${sql} AS ${identifier(name)}`;
  });
  return ['SELECT time', 'node', 'seq', `${body} AS body`, `${level} AS level`, ...columns].join(', ');
}

/**
 * Log lines of the builder, without LIMIT: `time`, `node`, `seq`, `body`, `level`, and the columns beside them; newest
 * first, unless the builder orders by time ascending.
 */
export function logsSql(builder: BuilderQuery, mode: ValueMode): readonly string[] {
  const [first] = builder.orderBy;
  const direction = first?.by === 'time' && !first.descending ? '' : ' DESC';
  return [
    selectLogs(builder),
    `FROM ${tableReference(builder.table)}`,
    ...whereLines(conditionsOf(builder, mode)),
    `ORDER BY ${['time', 'node', 'seq'].map((column) => `${column}${direction}`).join(', ')}`,
  ];
}

/** Counts of the same rows by time bucket and level: `time`, `level`, `count`. */
export function logsVolumeSql(builder: BuilderQuery): readonly string[] {
  return [
    `SELECT $__timeGroup(time, auto, 0) AS time, ${shapeOf(builder).level} AS level, count(*) AS count`,
    `FROM ${tableReference(builder.table)}`,
    ...whereLines(conditionsOf(builder, 'literals')),
    'GROUP BY ALL',
    'ORDER BY time, level',
  ];
}

const DAY_US = 86_400_000_000n;

/** µs since 1970 as SQL. */
function microsLiteral(micros: bigint): string {
  const ms = Number(micros / 1_000n);
  const rest = String(micros % 1_000n).padStart(3, '0');
  return `TIMESTAMP '${new Date(ms).toISOString().replace('T', ' ').replace('Z', rest)}'`;
}

function wholeNumber(text: string, what: string): bigint {
  if (!/^\d{1,20}$/.test(text)) throw new QueryError(`The log line's ${what} is no whole number: "${shown(text)}".`);
  return BigInt(text);
}

/**
 * The rows around one event on its node and in its pod, up to a day away, whatever the filters say; by (time, seq), so
 * that of events at one moment none is left out and the event itself never comes again. The pod is looked up: what a line
 * shows need not say it.
 */
export function logContextSql(builder: BuilderQuery, context: LogContext): readonly string[] {
  const { direction, node } = context;
  const at = wholeNumber(context.timeNs, 'time') / 1_000n;
  const seq = String(wholeNumber(context.seq, 'seq'));
  const before = direction === 'before';
  const here = microsLiteral(at);
  const dayBefore = microsLiteral(at > DAY_US ? at - DAY_US : 0n);
  const dayAfter = microsLiteral(at + DAY_US);
  const far = before ? dayBefore : dayAfter;
  const known = tableOf(builder.table).columns;
  const anchor = [
    `FROM ${tableReference(builder.table)}`,
    `WHERE node = ${literal(node)} AND seq = ${seq} AND time BETWEEN ${dayBefore} AND ${dayAfter} LIMIT 1`,
  ].join(' ');
  // Two rows without a pod are equal, too: NULLs within a row are.
  const place =
    known.size === 0 || known.has('namespace') ? [`row(namespace, pod) = (SELECT row(namespace, pod) ${anchor})`] : [];
  const conditions = [
    `time BETWEEN ${before ? far : here} AND ${before ? here : far}`,
    `(time ${before ? '<' : '>'} ${here} OR seq ${before ? '<' : '>'} ${seq})`,
    `node = ${literal(node)}`,
    ...place,
  ];
  const direct = before ? ' DESC' : '';
  return [
    selectLogs(builder),
    `FROM ${tableReference(builder.table)}`,
    ...whereLines(conditions),
    `ORDER BY time${direct}, seq${direct}`,
  ];
}

/**
 * The table with what happened around the lines of one: around an alert that is what the pod did, too, and not its alerts
 * alone. SQL (no table) may read any, so there it is the one with all events.
 */
export function tableAround(table: string | undefined): string {
  const name = tableOf(table ?? ALL_EVENTS).name;
  return name === 'kubearmor.alerts' || name === 'kubearmor.logs' ? ALL_EVENTS : name;
}

/** What counts a logs query's rows by level; null for SQL, whose rows nobody else can count. */
export function logsVolumeQuery(model: ArmorlakeModel): ArmorlakeModel | null {
  if (model.queryType !== 'logs' || model.editor === 'sql') return null;
  return { ...model, queryType: 'timeseries', derived: { kind: 'volume' } };
}

/** What asks for the rows around one log line of a logs query. */
export function logContextQuery(model: ArmorlakeModel, context: Omit<LogContext, 'kind'>): ArmorlakeModel {
  const table = tableAround(model.editor === 'builder' ? model.builder.table : undefined);
  const columns = model.editor === 'builder' ? model.builder.columns : [];
  return {
    ...model,
    queryType: 'logs',
    editor: 'builder',
    scope: { clusters: [], nodes: [context.node], labels: {} },
    builder: { ...model.builder, table, columns, limit: context.limit },
    derived: { ...context, kind: 'context' },
  };
}
