import type { Line } from '../build/dashboard.js';
import { field, texts } from '../build/fields.js';
import { bucketLink } from '../build/links.js';
import { bars, table } from '../build/panels.js';
import { gapStretches } from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { stateColours } from '../build/style.js';
import { uids } from '../build/uids.js';
import { funnel } from './health-sql.js';
import { MINUTES } from './health-style.js';

/** What came in, and what is missing. */
export const intakeLines: readonly Line[] = [
  {
    height: 8,
    cells: [
      {
        width: 12,
        panel: table({
          title: 'From received to stored',
          description:
            'The account of every message: received = stored + dead-lettered (could not be decoded) + dropped, each with its reason.',
          queries: [sql(funnel)],
          empty: 'no message was accounted for in this time range.',
          overrides: [
            field('step', { custom: { width: 110 } }),
            field('reason', texts(140)),
            field('messages', { decimals: 0, custom: { width: 105 } }),
            field('of all', {
              decimals: 0,
              min: 0,
              color: { mode: 'fixed', fixedColor: 'blue' },
              custom: { cellOptions: { type: 'gauge', mode: 'basic', valueDisplayMode: 'hidden' }, minWidth: 60 },
            }),
            field('share', { unit: 'percent', decimals: 2, custom: { width: 90 } }),
          ],
        }),
      },
      {
        width: 12,
        panel: bars({
          title: 'Messages over time',
          empty: 'no message was accounted for in this time range.',
          description:
            'What became of the messages received: stored, dead-lettered, dropped. By the minute of the commit. A click on a bar shows only its time.',
          buckets: MINUTES,
          queries: [
            sql(
              `
              SELECT $__timeGroup(minute, auto, 0) AS time, sum(stored)::BIGINT AS stored,
                sum(dead_lettered)::BIGINT AS "dead-lettered", sum(dropped)::BIGINT AS dropped
              FROM armorlake.ledger WHERE $__timeFilter(minute) GROUP BY ALL ORDER BY time`,
              { type: 'timeseries' },
            ),
          ],
          style: { links: [bucketLink('Show only this time', uids.health)] },
          overrides: [
            field('stored', { color: { mode: 'fixed', fixedColor: stateColours.good } }),
            field('dead-lettered', { color: { mode: 'fixed', fixedColor: stateColours.warning } }),
            field('dropped', { color: { mode: 'fixed', fixedColor: stateColours.bad } }),
          ],
        }),
      },
    ],
  },
  {
    height: 8,
    cells: [
      {
        width: 14,
        panel: table({
          title: 'Gaps',
          description:
            'Stretches of time, touching the range, in which events may be missing: of which stream and why, how many and how long within the range (what overlaps in a row counts once), the end of the last one, and how many events are missing where that can be told.',
          queries: [
            sql(`
              SELECT node, connector, stream, cause, sum(times)::BIGINT AS times, sum(minutes) AS minutes,
                max(until) AS until, sum(missing)::BIGINT AS missing
              FROM (${gapStretches('node', 'connector', 'stream', 'cause')})
              GROUP BY node, connector, stream, cause ORDER BY until DESC, minutes DESC`),
          ],
          empty: 'no gap is known in this time range.',
          overrides: [
            field('node', { custom: { width: 90 } }),
            field('connector', { custom: { width: 105 } }),
            field('stream', { custom: { width: 75 } }),
            field('cause', texts(75, true)),
            field('times', { decimals: 0, custom: { width: 68 } }),
            field('minutes', { decimals: 1, custom: { width: 85 } }),
            field('until', { unit: 'dateTimeFromNow', custom: { minWidth: 130 } }),
            field('missing', { decimals: 0, noValue: '—', custom: { width: 85 } }),
          ],
        }),
      },
      {
        width: 10,
        panel: table({
          title: 'Throttled containers',
          description:
            "Containers whose alerts KubeArmor cut off because there were too many a second: how often, and how long alerts were silent each time. Raise KubeArmor's maxAlertPerSec, or make the policy that fires less noisy.",
          queries: [
            sql(`
              SELECT node, concat_ws('/', namespace, pod, container) AS container, count(*) AS times,
                max(dropping_alerts_interval) AS silence, max(time) AS last
              FROM kubearmor.alerts
              WHERE $__timeFilter(time) AND operation = 'AlertThreshold'
              GROUP BY node, namespace, pod, container ORDER BY times DESC`),
          ],
          empty: 'no container was throttled in this time range.',
          overrides: [
            field('node', { custom: { width: 90 } }),
            field('container', texts(120, true)),
            field('times', { decimals: 0, custom: { width: 68 } }),
            field('silence', { unit: 's', noValue: '—', custom: { width: 80 } }),
            field('last', { unit: 'dateTimeFromNow', custom: { width: 130 } }),
          ],
        }),
      },
    ],
  },
];
