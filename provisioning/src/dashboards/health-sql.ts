import { isExec } from '../../../plugin/shared/index.js';
import { chosenNodes } from '../build/predicates.js';

export const metrics = 'armorlake.node_metrics';
export const noFigures = 'the nodes tell these figures once a minute, and none told any in this time range.';
export const recent = 'Nodes of an older version, which keep no armorlake.node_metrics, are left out.';

/**
 * How much the lakes hold and grow, a row a node, over a day at least: for so long it takes to see one grow. `growth`: bytes
 * a day; `days`: until the lake is at its limit or the disk has no more room, whichever comes first; NULL while it does not
 * grow, or less than an hour is known of it.
 */
export const growing = `
  WITH sizes AS (
    SELECT node, min(time) AS since, max(time) AS until,
      min_by(lake_bytes + archive_bytes, time) AS before, max_by(lake_bytes + archive_bytes, time) AS held,
      max_by(disk_limit_bytes + archive_bytes, time) AS most, max_by(disk_free_bytes, time) AS free
    FROM ${metrics} WHERE time >= least($__timeFrom, $__timeTo - INTERVAL 1 DAY) AND time < $__timeTo GROUP BY node
  ), grown AS (
    SELECT node, held, most, free, date_diff('minute', since, until) AS known,
      (held - before) * 86400.0 / nullif(date_diff('second', since, until), 0) AS growth
    FROM sizes
  ), filling AS (
    SELECT node, held, most, growth,
      CASE WHEN growth > 0 AND known >= 60 THEN greatest(0, least(most - held, free)) / growth END AS days
    FROM grown
  )`;

/** Since when each node tells figures: in its first minutes a history may come in, and what that costs is no pace of a day. */
const settled = `settled AS (
    SELECT node, min(time) + INTERVAL 10 MINUTE AS since FROM ${metrics} GROUP BY node
  )`;
const steady = 'time >= settled.since';

export const nodeTable = `
  ${growing}, ${settled}, spent AS (
    SELECT node, 100.0 * sum(cpu_seconds) FILTER (${steady}) / sum(seconds) FILTER (${steady}) AS cpu, max_by(rss_bytes, time) AS rss,
      sum(written_bytes) FILTER (${steady}) * 86400.0 / sum(seconds) FILTER (${steady}) AS flash,
      sum(network_sent_bytes + network_received_bytes) FILTER (${steady}) * 86400.0 / sum(seconds) FILTER (${steady}) AS network,
      sum(engine_restarts)::BIGINT AS restarts, max_by(certificate_expires, time) AS expires,
      max_by(profile, time) AS profile
    FROM ${metrics} JOIN settled USING (node) WHERE $__timeFilter(time) GROUP BY node
  )
  SELECT nodes.name AS node, nodes.state, nodes.last_contact AS "last contact", nodes.version,
    coalesce(spent.profile, nodes.role) AS profile, spent.cpu AS "CPU", spent.rss AS memory, spent.flash AS "flash/day",
    spent.network AS "network/day", filling.held AS lake, filling.days AS "days to full",
    date_diff('hour', $__timeTo, spent.expires) / 24.0 AS certificate, spent.restarts
  FROM armorlake.nodes AS nodes
  LEFT JOIN spent ON spent.node = nodes.name
  LEFT JOIN filling ON filling.node = nodes.name
  WHERE ${chosenNodes('nodes.name')}
  ORDER BY nodes.state = 'alive', len(nodes.tables) = 0, nodes.name`;

export const visibilityTable = `
  WITH seen AS (
    SELECT node, host, count(*) FILTER (${isExec()}) AS process, count(*) FILTER (operation = 'File') AS file,
      count(*) FILTER (operation = 'Network') AS network, count(*) FILTER (namespace IS NULL) AS host_events,
      max(received_at) AS last
    FROM kubearmor.logs WHERE $__timeFilter(time) GROUP BY node, host
  )
  SELECT nodes.name AS node, coalesce(seen.host, '(no host)') AS host, coalesce(seen.process, 0) AS process,
    coalesce(seen.file, 0) AS file, coalesce(seen.network, 0) AS network, coalesce(seen.host_events, 0) AS "of the host",
    seen.last AS "last event",
    CASE
      WHEN seen.host IS NULL AND seen.last IS NULL THEN 'No telemetry at all in this time range: see its connectors.'
      WHEN seen.file = 0 THEN 'Files (off by default): kubectl annotate ns NAMESPACE kubearmor-visibility=process,file,network,capabilities --overwrite'
      WHEN seen.process = 0 OR seen.network = 0 THEN 'kubectl annotate ns NAMESPACE kubearmor-visibility=process,file,network,capabilities --overwrite'
      WHEN seen.host_events = 0 THEN 'The host itself (off by default): kubectl annotate node NODE kubearmor-visibility=process,file,network,capabilities'
    END AS "to see more"
  FROM armorlake.nodes AS nodes LEFT JOIN seen ON seen.node = nodes.name
  WHERE len(nodes.tables) > 0 AND ${chosenNodes('nodes.name')}
  ORDER BY seen.host IS NOT NULL, least(seen.process, seen.file, seen.network, seen.host_events) > 0, nodes.name, seen.host`;

export const funnel = `
  WITH account AS (
    SELECT reason, sum(received)::BIGINT AS received, sum(stored)::BIGINT AS stored,
      sum(dead_lettered)::BIGINT AS dead, sum(dropped)::BIGINT AS dropped
    FROM armorlake.ledger WHERE $__timeFilter(minute) GROUP BY reason
  ), steps AS (
    SELECT 1 AS place, 'received' AS step, NULL AS reason, sum(received)::BIGINT AS messages FROM account
    UNION ALL SELECT 2, 'stored', NULL, sum(stored)::BIGINT FROM account
    UNION ALL SELECT 3, 'dead-lettered', reason, dead FROM account WHERE dead > 0
    UNION ALL SELECT 4, 'dropped', reason, dropped FROM account WHERE dropped > 0
    UNION ALL SELECT 5, 'lost', 'nothing', 0::BIGINT FROM account
      HAVING coalesce(sum(dead + dropped), 0) = 0
  )
  SELECT step, reason, messages, messages AS "of all",
    100.0 * messages / nullif((SELECT messages FROM steps WHERE step = 'received'), 0) AS share
  FROM steps ORDER BY place, messages DESC`;

/** What a user, a panel, or SQL from elsewhere cost in all. Panels put their time into the SQL: no two runs are alike. */
export const costliest = `
  SELECT origin->>'user' AS "user", origin->>'dashboard' AS dashboard, origin->>'panel' AS panel, who AS token,
    count(*) AS runs, sum(ms) AS total, max(ms) AS longest, sum(bytes)::BIGINT AS bytes, count(error) AS failed,
    max_by(sql, ms) AS "costliest SQL"
  FROM armorlake.queries
  WHERE $__timeFilter(time) AND via IS NULL
  GROUP BY 1, 2, 3, 4, CASE WHEN origin->>'panel' IS NULL THEN sql END
  ORDER BY total DESC`;

export const askers = `
  SELECT coalesce(origin->>'user', who, '(no token)') AS "who asked", count(*) AS runs, sum(ms) AS total,
    count(error) AS failed
  FROM armorlake.queries WHERE $__timeFilter(time) AND via IS NULL
  GROUP BY 1 ORDER BY total DESC`;
