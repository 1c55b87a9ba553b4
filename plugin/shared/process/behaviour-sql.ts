import { expandMacros } from '../macros.js';
import type { ArmorlakeModel, QueryContext } from '../model.js';
import { tableReference } from '../quoting.js';
import { conditionsOf, whereLines } from '../where.js';
import { BEHAVIOUR_GROUPS } from './bounds.js';
import { isExec } from './exec.js';

/** What was touched, as one reads it: a program without its arguments, an address with its port. */
const RESOURCE = [
  `CASE WHEN ${isExec()} THEN coalesce(process, split_part(resource, ' ', 1))`,
  "WHEN operation = 'Network' THEN CASE WHEN coalesce(domain, remote_ip) IS NULL THEN resource",
  "ELSE concat_ws(':', coalesce(domain, remote_ip), remote_port) || coalesce(' ' || protocol, '') END",
  'ELSE resource END',
].join(' ');

/** Who did it: an exec's `process` is what was run, and its parent ran it; a tracer is itself the actor. */
const ACTOR = `CASE WHEN ${isExec()} THEN coalesce(parent_process, source) ELSE process END`;

/**
 * Who did what to what, of the rows that the builder's filters match, counted: `cluster`, `namespace`, `workplace` (pod,
 * or host where there is none), `actor`, `operation`, `resource`, `events`, `alerts`, `blocked`, `last_seen`. One GROUP
 * BY: each node sends groups, not rows. One group more than the limit is let through, so that a cut is known.
 */
export function behaviourSql(model: ArmorlakeModel, context: QueryContext): string {
  const { builder } = model;
  const alerts =
    builder.table === 'kubearmor.alerts'
      ? 'count(*)'
      : builder.table === 'kubearmor.events'
        ? "count(*) FILTER (kind = 'alert')"
        : '0';
  const sql = [
    `SELECT cluster, namespace, coalesce(pod, host) AS workplace, ${ACTOR} AS actor, operation,`,
    `  ${RESOURCE} AS resource,`,
    `  count(*) AS events, ${alerts} AS alerts, count(*) FILTER (outcome = 'blocked') AS blocked,`,
    '  max(time) AS last_seen',
    `FROM ${tableReference(builder.table)}`,
    ...whereLines(conditionsOf(builder, 'literals')),
    'GROUP BY ALL',
    'ORDER BY blocked DESC, alerts DESC, events DESC, cluster, namespace, workplace, actor, operation, resource',
    `LIMIT ${String(BEHAVIOUR_GROUPS + 1)}`,
  ].join('\n');
  const values = {
    context,
    timezone: model.timezone,
    nodes: model.scope.nodes,
    adHocFilters: model.adHocFilters ?? [],
  };
  return expandMacros(sql, values).text;
}
