/** An example query of the demo: what it answers, and its SQL. */
export interface Example {
  readonly title: string;
  readonly sql: string;
}

export const examples: readonly Example[] = [
  {
    title: 'Which policies fire, and what did they stop?',
    sql: `SELECT policy, action, outcome, count(*) AS alerts, max(severity) AS severity
FROM kubearmor.alerts
GROUP BY ALL
ORDER BY alerts DESC, policy
LIMIT 8`,
  },
  {
    title: 'Who ever ran a shell or a download tool, and where?',
    sql: `SELECT process, host, namespace, count(*) AS runs, min(time) AS first_seen, max(time) AS last_seen
FROM kubearmor.logs
WHERE operation = 'Process' AND regexp_matches(process, '/(ba|da|z)?sh$|/(curl|wget|nc)$')
GROUP BY process, host, namespace
ORDER BY runs DESC, process, host
LIMIT 8`,
  },
  {
    title: 'Is anything missing? The account of every event received',
    sql: `SELECT connector, stream, sum(received)::BIGINT AS received, sum(stored)::BIGINT AS stored,
       sum(dead_lettered)::BIGINT AS dead_lettered, sum(dropped)::BIGINT AS dropped
FROM armorlake.ledger
GROUP BY connector, stream
ORDER BY connector, stream`,
  },
];
