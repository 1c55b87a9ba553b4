import { annotations, answeringNodes } from '../build/common.js';
import type { DashboardSpec } from '../build/dashboard.js';
import { stat } from '../build/panels.js';
import { missingMinutes } from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { always, goodUntil } from '../build/style.js';
import { uids } from '../build/uids.js';
import { carriedEvents, cluster, datasource, members, node } from '../build/variables.js';
import { costLines } from './health-costs.js';
import { intakeLines } from './health-intake.js';
import { nodeLines } from './health-nodes.js';
import { growing, metrics, recent } from './health-sql.js';
import { daysLeft } from './health-style.js';

/** Whether Armorlake itself is well: who answers, what comes in and what is lost, what it costs. */
export const health: DashboardSpec = {
  uid: uids.health,
  title: 'Armorlake · Health',
  description: 'Who answers, what comes in, what is lost and why, and what Armorlake costs its hosts.',
  variables: [datasource, cluster, members, node, ...carriedEvents],
  annotations,
  lines: [
    {
      height: 4,
      cells: [
        {
          width: 4,
          panel: answeringNodes('Answering'),
        },
        {
          width: 4,
          panel: stat({
            title: 'Connectors',
            description: 'Connectors that receive events now, of those configured on the nodes that answer.',
            queries: [
              sql(
                `SELECT count(*) FILTER (state = 'streaming') AS streaming, count(*) AS configured FROM armorlake.connectors`,
              ),
            ],
            style: { thresholds: always('text'), decimals: 0 },
          }),
        },
        {
          width: 3,
          panel: stat({
            title: 'Worst lag',
            description: `The longest that events waited for their commit, once a minute, on any node. ${recent}`,
            queries: [sql(`SELECT max(ingest_lag_seconds) AS lag FROM ${metrics} WHERE $__timeFilter(time)`)],
            style: { unit: 's', decimals: 1, thresholds: goodUntil(5, 10), noValue: 'not told' },
          }),
        },
        {
          width: 3,
          panel: stat({
            title: 'Lost',
            description: 'Messages that were received and dropped, or could not be decoded: below is why.',
            queries: [
              sql(`
                SELECT coalesce(sum(dropped + dead_lettered), 0)::BIGINT AS lost
                FROM armorlake.ledger WHERE $__timeFilter(minute)`),
            ],
            style: { decimals: 0, thresholds: goodUntil(1, 100) },
          }),
        },
        {
          width: 3,
          panel: stat({
            title: 'In gaps',
            description:
              'Minutes, within the range, in which events of any stream may be missing, summed over the nodes; what overlaps on a node counts once.',
            queries: [sql(`SELECT coalesce(sum(minutes), 0) AS minutes FROM (${missingMinutes})`)],
            style: { unit: 'm', decimals: 1, thresholds: goodUntil(0.01, 10) },
          }),
        },
        {
          width: 4,
          panel: stat({
            title: 'Days to full',
            description: `Until the first lake is at its limit, and rows go before their time, or its disk is full; by the growth of the last day (an hour of it at least). — while no lake grows. ${recent}`,
            queries: [sql(`${growing} SELECT min(days) AS days FROM filling`)],
            style: { decimals: 0, thresholds: daysLeft, noValue: '—' },
          }),
        },
        {
          width: 3,
          panel: stat({
            title: 'Certificate',
            description: `Days until the first network certificate expires; — where nodes have none. ${recent}`,
            queries: [
              sql(`
                SELECT date_diff('hour', $__timeTo, min(expires)) / 24.0 AS days FROM (
                  SELECT node, max_by(certificate_expires, time) AS expires FROM ${metrics}
                  WHERE $__timeFilter(time) GROUP BY node)`),
            ],
            style: { unit: 'none', decimals: 0, thresholds: daysLeft, noValue: '—' },
          }),
        },
      ],
    },
    ...nodeLines,
    ...intakeLines,
    ...costLines,
  ],
};
