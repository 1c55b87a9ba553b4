/** An example query of the demo: what it answers, and its SQL. */
export interface Example {
  readonly title: string;
  readonly sql: string;
}

export const examples: readonly Example[] = [
  {
    title: 'Which policies fire, on how many nodes, and what did they stop?',
    sql: `SELECT policy, action, outcome, count(*) AS alerts, count(DISTINCT node) AS nodes, max(severity) AS severity
FROM kubearmor.alerts
GROUP BY ALL
ORDER BY alerts DESC, policy, outcome
LIMIT 8`,
  },
  {
    title: 'Who ran a shell or a download tool, and where?',
    sql: `SELECT process, node, cluster, namespace, count(*) AS runs, max(time) AS last_seen
FROM kubearmor.events
WHERE operation = 'Process' AND syscall IS DISTINCT FROM 'SYS_PTRACE' AND outcome = 'happened'
  AND regexp_matches(process, '/(ba|da|z)?sh$|/(curl|wget|nc)$')
GROUP BY ALL
ORDER BY runs DESC, process, node, namespace
LIMIT 8`,
  },
  {
    title: 'What happened in one cluster? Nodes that hold nothing of it are not even asked',
    sql: `SELECT namespace, operation, outcome, count(*) AS events
FROM kubearmor.events
WHERE cluster = 'plant'
GROUP BY ALL
ORDER BY events DESC, namespace, operation, outcome
LIMIT 6`,
  },
  {
    title: 'Is anything missing? The account of every event received, by node',
    sql: `SELECT node, connector, stream, sum(received)::BIGINT AS received, sum(stored)::BIGINT AS stored,
       sum(dead_lettered)::BIGINT AS dead_lettered, sum(dropped)::BIGINT AS dropped
FROM armorlake.ledger
GROUP BY ALL
ORDER BY node, connector, stream`,
  },
];

/** What is asked while an edge is frozen, and again when it has woken. */
export const wholeNetwork = `SELECT node, count(*) AS events, count(*) FILTER (outcome = 'blocked') AS blocked, max(received_at) AS latest
FROM kubearmor.events
GROUP BY node
ORDER BY node`;
