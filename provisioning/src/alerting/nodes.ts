import { gapsInRange } from '../build/predicates.js';
import { figures, ownWord, presence } from './certainties.js';
import type { RuleGroup } from './rule.js';
import { owner } from './threats.js';

const whole = '{{ printf "%.0f" .Values.A.Value }}';

/** Whether Armorlake can say what happened at all. */
export const nodes: RuleGroup = {
  name: 'armorlake-nodes',
  interval: '1m',
  rules: [
    {
      uid: 'armorlake-node-away',
      title: 'Node does not answer',
      severity: 'high',
      mitre: 'T1562.001',
      concern: 'node',
      minutes: 10,
      pending: '2m',
      sql: (number) => `
        SELECT name AS node, ${number}
        FROM armorlake.nodes
        WHERE len(tables) > 0
        GROUP BY name`,
      number: "count(*) FILTER (state <> 'alive') AS away",
      above: 0,
      details: { silent: "max(greatest(date_diff('second', last_contact, $__timeTo), 0))" },
      summary:
        '{{ .Labels.node }} does not answer{{ with .Values.silent }}, for {{ humanizeDuration .Value }}{{ end }}',
      runbook:
        'What happened there is not in any answer, and rules that need nearly all nodes may be in error. Its events are safe while it runs: they lie on it. Look whether its host is up, then at its log, then at the way to the query nodes (clock, certificate, firewall). A host taken down by an intruder looks the same: compare with its last alerts in the triage. Gone for good: armorlake forget NAME.',
      certainty: presence,
    },
    {
      uid: 'armorlake-ingest-lag',
      title: 'Ingest lags',
      severity: 'medium',
      mitre: 'T1562.006',
      concern: 'node',
      minutes: 5,
      pending: '2m',
      sql: (number) => `
        SELECT node, ${number}
        FROM armorlake.node_metrics
        WHERE $__timeFilter(time)
        GROUP BY node`,
      number: 'max(ingest_lag_seconds) AS lag',
      above: 10,
      summary: 'Events wait {{ printf "%.0f" .Values.A.Value }} s for their commit on {{ .Labels.node }}',
      runbook:
        'The node receives more than it can store: its disk is slow or full, its CPU is taken, or a workload makes a flood of events. What does not fit its queue is dropped, logs before alerts. See Health (CPU, days to full), and the busiest workload in the last minutes: a flood can be meant to hide something.',
      certainty: figures,
    },
    {
      uid: 'armorlake-loss',
      title: 'Events dropped or throttled',
      severity: 'high',
      mitre: 'T1562.006',
      concern: 'node',
      minutes: 10,
      sql: (number) => `
        WITH losses AS (
          SELECT node, '' AS place, coalesce(reason, 'unknown') AS cause, sum(dropped + dead_lettered) AS lost
          FROM armorlake.ledger
          WHERE $__timeFilter(minute) AND dropped + dead_lettered > 0
          GROUP BY node, reason
          UNION ALL
          SELECT node, concat_ws('/', cluster, namespace, ${owner}) AS place, 'throttled by KubeArmor' AS cause, count(*) AS lost
          FROM kubearmor.alerts
          WHERE $__timeFilter(received_at) AND operation = 'AlertThreshold'
          GROUP BY node, cluster, namespace, ${owner}
        )
        SELECT node, place, cause, ${number}
        FROM losses
        GROUP BY node, place, cause`,
      number: 'sum(lost)::BIGINT AS lost',
      above: 0,
      summary: `{{ .Labels.node }}: {{ .Labels.cause }}, ${whole} in 10 minutes{{ with .Labels.place }}, of {{ . }}{{ end }}`,
      runbook:
        'Dropped: the node got events and could not keep them (queue_full: too many; disk_full: no room); the number is events. Undecodable ones are kept as they came in armorlake.dead_letters. Throttled: KubeArmor went silent on a container that made more than 10 alerts a second; the number is silences, what the container did meanwhile is not known. Find the policy that takes the share (Policies), above all the default posture, and narrow it: noise is cover.',
      certainty: ownWord,
    },
    {
      uid: 'armorlake-gap',
      title: 'Gap in the ledger',
      severity: 'medium',
      mitre: 'T1562.006',
      concern: 'node',
      minutes: 10,
      sql: (number) => `
        SELECT node, coalesce(connector, '') AS connector, cause, ${number}
        FROM armorlake.gaps
        WHERE ${gapsInRange} AND cause <> 'throttle'
        GROUP BY node, connector, cause`,
      number: 'count(*) AS gaps',
      above: 0,
      details: {
        seconds: "sum(date_diff('second', from_time, coalesce(to_time, $__timeTo)))::BIGINT",
      },
      summary:
        'Events of {{ .Labels.node }} may be missing: {{ .Labels.cause }}{{ with .Values.seconds }}, {{ humanizeDuration .Value }} in all{{ end }}',
      runbook:
        'KubeArmor keeps no history: what happens while nobody is subscribed is gone. connect, break, ended: its feeder went away or was cut off; stopped, crash, worker: Armorlake itself was; misconfigured: it can never come, see the connector in Health; disk_full: no room; missing, surplus, exchanged, totals: the lake holds fewer, more or other rows than the node appended and retention left, so somebody or something changed it: treat it as tampering until you know better. In the stretch itself "nothing found" means nothing: see what surrounds it in the triage, and whether somebody restarted KubeArmor.',
      certainty: ownWord,
    },
  ],
};
