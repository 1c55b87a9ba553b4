import { isExec } from '../../../plugin/shared/index.js';
import { novelty, ownWord } from './certainties.js';
import type { RuleGroup } from './rule.js';
import { AROUND_MS } from './rule.js';
import { eachWorkload, inside, mostNames, owner, placeOf } from './threats.js';

/** A workload that is younger than this teaches: all it does is new. */
const learning = 'INTERVAL 1 HOUR';

/**
 * What a workload of a cluster did for the first time ever within the window: its node and event are those of the first time. What
 * counts is when the nodes heard of it. A workload that is young by that, but whose own events are not (a history was
 * imported), is known as well; of its history only what happened within the window is new. All events of a workload
 * tell how long it is known: its first program, or its first way out, is news, too.
 */
function firsts(what: string, condition: string) {
  const told = `CASE WHEN ${condition} THEN ${what} END`;
  return (number: string) => `
    WITH firsts AS (
      SELECT cluster, namespace, ${owner} AS owner, any_value(workload) AS workload, ${told} AS ${what},
        min(received_at) AS first, min(time) AS happened, min_by(node, received_at) AS node, min_by(seq, received_at) AS seq, min_by(time, received_at) AS moment, count(*) AS events
      FROM kubearmor.events
      WHERE received_at < $__timeTo
      GROUP BY cluster, namespace, ${owner}, ${told}
    ), known AS (
      SELECT *, min(first) OVER (PARTITION BY ${eachWorkload}) AS since, min(happened) OVER (PARTITION BY ${eachWorkload}) AS history FROM firsts
    ), fresh AS (
      SELECT *, row_number() OVER (PARTITION BY ${eachWorkload} ORDER BY first, ${what}) AS place_in_time FROM known
      WHERE ${what} IS NOT NULL AND first >= $__timeFrom
        AND (since < $__timeFrom - ${learning} OR (history < $__timeFrom - ${learning} AND happened >= $__timeFrom))
    )
    SELECT node, ${placeOf('owner')}, ${what}, ${number}
    FROM fresh
    WHERE place_in_time <= ${mostNames}
    GROUP BY node, ${eachWorkload}, workload, ${what}`;
}

/** The event that was heard first. Each detail asks every memory: where the link ends follows from where it begins. */
const first = {
  details: { seq: 'min(seq)', since: `epoch_ms(min(moment)) - ${AROUND_MS}` },
  made: { until: `$since + ${2 * AROUND_MS}` },
} as const;

/** KubeArmor's visibility is set for a namespace of a cluster; outside of Kubernetes, and for the host itself, for a host. */
const host = "CASE WHEN coalesce(namespace, 'container_namespace') = 'container_namespace' THEN host END";

/** What needs all that the nodes remember: asked less often. */
export const news: RuleGroup = {
  name: 'armorlake-first-seen',
  interval: '5m',
  rules: [
    {
      uid: 'armorlake-new-binary',
      title: 'Binary never seen in this workload',
      severity: 'medium',
      mitre: 'T1204',
      concern: 'workload',
      minutes: 15,
      sql: firsts('process', isExec()),
      number: 'sum(events)::BIGINT AS events',
      above: 0,
      ...first,
      summary: '{{ .Labels.process }} ran for the first time in {{ .Labels.place }}, first on {{ .Labels.node }}',
      runbook:
        'No node remembers that this workload ever ran this program (workloads with less than an hour of events are left out; at most the first 20 of a workload are told). A rollout brings several at once, from the image: compare its time with the deployment. One alone, below a shell or in /tmp, /dev/shm or /var/tmp, is not from the image: open the process, and hunt for its path and hash.',
      certainty: novelty,
    },
    {
      uid: 'armorlake-new-egress',
      title: 'Egress to a new destination',
      severity: 'medium',
      mitre: 'T1071',
      concern: 'workload',
      minutes: 15,
      sql: firsts('remote_ip', `operation = 'Network' AND direction = 'egress' AND NOT ${inside}`),
      number: 'sum(events)::BIGINT AS events',
      above: 0,
      ...first,
      summary:
        '{{ .Labels.place }} connected to {{ .Labels.remote_ip }} for the first time, first on {{ .Labels.node }}',
      runbook:
        'No node remembers that this workload ever connected to this public address (private addresses are left out, and so are workloads with less than an hour of events). Behind a CDN addresses change: the domain stands in Sessions and egress. A tool, shell or interpreter that connected: open the process. Hunt for the address in all workloads.',
      certainty: novelty,
    },
    {
      uid: 'armorlake-no-file-events',
      title: 'No File events',
      severity: 'info',
      mitre: 'T1562.006',
      concern: 'node',
      minutes: 60,
      sql: (number) => `
        SELECT concat_ws('/', cluster, namespace, ${host}) AS place, coalesce(cluster, '') AS cluster,
          coalesce(namespace, '') AS namespace, coalesce(${host}, '') AS host, ${number}
        FROM kubearmor.logs
        WHERE $__timeFilter(received_at)
        GROUP BY cluster, namespace, ${host}
        HAVING count(*) FILTER (operation = 'File') = 0`,
      number: `count(*) FILTER (${isExec()}) AS processes`,
      above: 0,
      summary:
        '{{ printf "%.0f" .Values.A.Value }} processes started in {{ .Labels.place }} within an hour, and no File event came: the rules on files are blind there',
      runbook:
        "No program starts without opening files, so File visibility is off in that namespace of that cluster, or on that host; KubeArmor's default is process,network. “Write under /etc or /usr/bin” and “Sensitive file touched” see then only what a policy watches. Switch it on: kubectl annotate ns NAMESPACE kubearmor-visibility=process,file,network,capabilities --overwrite (of a host: kubectl annotate node NODE …; outside of Kubernetes: visibility and hostVisibility in kubearmor.yaml). It multiplies the events; where that is too much, silence this alert by its labels cluster and namespace, or host: then it is known.",
      certainty: ownWord,
    },
  ],
};
