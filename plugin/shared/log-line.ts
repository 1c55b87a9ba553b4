/**
 * What an event says in one line, and how loud: the same in SQL (log lines of a query) and in TypeScript (rows of a live
 * tail, rows of the user's own SQL). A test holds both against each other.
 *
 * `Process /bin/bash → /usr/bin/curl -s http://a (blocked) [no-curl] message`
 */

/** The text of a row's column; null when it is NULL, empty, or not there. */
export type TextOf = (column: string) => string | null;

/** Columns that `logLine` and `logLevel` read of an event; alerts have those of `alertLineColumns`, too. */
export const lineColumns: readonly string[] =
  'operation syscall parent_process process source domain remote_ip remote_port resource outcome'.split(' ');
export const alertLineColumns: readonly string[] = 'policy severity action message'.split(' ');

/** Who did it: of an execution the parent, as `process` is what was executed. */
function actorOf(text: TextOf): string | null {
  return (text('operation') === 'Process' ? text('parent_process') : text('process')) ?? text('source');
}

/** What was touched: of a connection its other end. */
function targetOf(text: TextOf): string | null {
  const end = text('domain') ?? text('remote_ip');
  const port = text('remote_port');
  return end === null ? text('resource') : `${end}${port === null ? '' : `:${port}`}`;
}

/** The line of an event; null for rows that are none. */
export function logLine(text: TextOf): string | null {
  if (text('operation') === null && text('resource') === null) return text('message');
  const target = targetOf(text);
  const [outcome, policy] = [text('outcome'), text('policy')];
  const parts = [
    text('operation'),
    text('operation') === 'Syscall' ? text('syscall') : null,
    actorOf(text),
    target === null ? null : `→ ${target}`,
    outcome === null || outcome === 'happened' ? null : `(${outcome})`,
    policy === null ? null : `[${policy}]`,
    text('message'),
  ];
  return parts.filter((part) => part !== null).join(' ');
}

/** Grafana's level of an event: alerts by severity (and what was blocked), telemetry by what did not succeed. */
export function logLevel(text: TextOf): 'critical' | 'error' | 'warning' | 'info' {
  const outcome = text('outcome');
  const isAlert = ['policy', 'severity', 'action'].some((column) => text(column) !== null);
  if (!isAlert) return outcome === 'blocked' ? 'error' : outcome === 'failed' ? 'warning' : 'info';
  const severity = Number(text('severity') ?? 0);
  if (severity >= 8) return 'critical';
  return severity >= 5 || outcome === 'blocked' ? 'error' : 'warning';
}

/** SQL of `logLine`, over a table with or without the columns of alerts. */
export function logLineSql(alerts: boolean): string {
  const parts = [
    'operation',
    "CASE WHEN operation = 'Syscall' THEN syscall END",
    "coalesce(CASE WHEN operation = 'Process' THEN parent_process ELSE process END, source)",
    "'→ ' || coalesce(coalesce(domain, remote_ip) || coalesce(':' || remote_port, ''), resource)",
    "CASE WHEN outcome <> 'happened' THEN '(' || outcome || ')' END",
    ...(alerts ? ["'[' || policy || ']'", 'message'] : []),
  ];
  return `concat_ws(' ', ${parts.join(', ')})`;
}

const telemetryLevel = "CASE outcome WHEN 'blocked' THEN 'error' WHEN 'failed' THEN 'warning' ELSE 'info' END";
const alertLevel =
  "CASE WHEN severity >= 8 THEN 'critical' WHEN severity >= 5 OR outcome = 'blocked' THEN 'error' ELSE 'warning' END";

/** SQL of `logLevel`. */
export const logLevelSql: Readonly<Record<'logs' | 'alerts' | 'events', string>> = {
  logs: telemetryLevel,
  alerts: alertLevel,
  events: `CASE WHEN kind = 'alert' THEN ${alertLevel} ELSE ${telemetryLevel} END`,
};
