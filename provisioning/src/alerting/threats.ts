import { isExec } from '../../../plugin/shared/index.js';
import { amount, sighting } from './certainties.js';
import type { RuleGroup } from './rule.js';
import { around } from './rule.js';

/** A pod or process outside of Kubernetes has no workload. */
export const owner = 'coalesce(workload, pod, container, host)';
/** One of that name in another cluster is another workload. */
export const eachWorkload = 'cluster, namespace, owner';
/** Where it was, for people, and in parts. */
export function placeOf(name: string): string {
  return `concat_ws('/', cluster, namespace, ${name}) AS place, coalesce(cluster, '') AS cluster, coalesce(namespace, '') AS namespace, coalesce(workload, '') AS workload`;
}
/** So many names of one workload have a row each: who makes up thousands must not make the answer too long to judge. */
export const mostNames = 20;

/** Namespaces of which the name says that people work there by hand. */
const notProduction = '(^|-)(dev|development|test|testing|stage|staging|sandbox|ci)(-|$)';
const shell = "regexp_matches(process, '/(sh|bash|dash|ash|zsh|ksh|fish|busybox)$')";
/** Flags of an open, calls and LSM hooks that change what a path holds. */
const writing =
  "regexp_matches(data, '(?i)O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|UNLINK|RENAME|CHMOD|CHOWN|TRUNCATE|MKNOD|MKDIR|RMDIR|SYMLINK|SYS_LINK|PATH_LINK')";
const secrets = '/etc/g?shadow-?|(/var)?/run/secrets/(kubernetes.io|eks.amazonaws.com)/serviceaccount/[^ ]*token';
/** On a host, programs that ask for a password look it up all day; in a container nobody logs in. */
const logins =
  "(namespace IS NULL AND regexp_full_match(coalesce(process, ''), '(/usr)?/(s?bin|lib/(systemd|openssh)|libexec(/openssh)?)/(sshd(-session|-auth)?|sudo|su|login|passwd|chpasswd|chage|useradd|usermod|userdel|unix_chkpwd|cron|crond|atd|systemd(-[a-z]+)?)'))";
const miners =
  '(?i)(^|[/ ])(xmrig|xmr-stak|minerd|cpuminer|cgminer|bfgminer|ethminer|nbminer|lolminer|phoenixminer|t-rex|kinsing|kdevtmpfsi)([ -]|$)|stratum[+](tcp|ssl)|--donate-level|--coin[= ](monero|xmr)|randomx';
const pools =
  '(?i)(minexmr|supportxmr|nanopool|nicehash|moneroocean|hashvault|herominers|2miners|f2pool|unmineable|c3pool)|(^|[.])xmr[.-]';
const poolPorts = '3333, 5555, 7777, 9999, 14433, 14444, 45560, 45700';
const backConnect =
  '(?i)/dev/(tcp|udp)/|(^|[/ ])(nc|ncat|netcat)([.][a-z]+)? .*(-e|-c|--exec|--sh-exec)[ =]|socat .*exec:|mkfifo .*(nc|ncat|telnet|openssl) |socket[.]socket.*(dup2|pty[.]spawn|subprocess)|fsockopen.*(exec|proc_open)|-MIO::?Socket';
/** Addresses of this host, this network, or no network. */
export const inside =
  "regexp_matches(remote_ip, '^(10[.]|127[.]|0[.]|192[.]168[.]|172[.](1[6-9]|2[0-9]|3[01])[.]|169[.]254[.]|100[.](6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])[.]|(?i)(::1?$|::ffff:(10|127|192[.]168)[.]|fe[89ab]|f[cd]))')";

/**
 * Events of one kind, an instance for each node, workload, outcome and name, so that silencing one name hides no other.
 * The names of a workload that were heard first, wherever it runs, stand for themselves, all others for each other.
 */
function sightings(condition: string, name: string, label = name) {
  return (number: string) => `
    WITH seen AS (
      SELECT node, cluster, namespace, ${owner} AS owner, workload, outcome, coalesce(${name}, '') AS name,
        count(*) AS events, max(seq) AS seq, min(received_at) AS heard, min(time) AS first, max(time) AS last
      FROM kubearmor.events
      WHERE $__timeFilter(received_at) AND ${condition}
      GROUP BY node, cluster, namespace, ${owner}, workload, outcome, coalesce(${name}, '')
    ), named AS (
      SELECT *, min(heard) OVER (PARTITION BY ${eachWorkload}, name) AS since FROM seen
    ), ranked AS (
      SELECT *, dense_rank() OVER (PARTITION BY ${eachWorkload} ORDER BY since, name) AS place_in_time FROM named
    ), told AS (
      SELECT *, CASE WHEN place_in_time <= ${mostNames} THEN name ELSE '(others)' END AS ${label} FROM ranked
    )
    SELECT node, ${placeOf('owner')}, outcome, ${label}, ${number}
    FROM told
    GROUP BY node, ${eachWorkload}, workload, outcome, ${label}`;
}

const sighted = 'sum(events)::BIGINT AS events';
const latestSighted = { seq: 'max(seq)', ...around('first', 'last') };
const latest = { seq: 'max(seq)', ...around() };
const events = 'count(*) AS events';
const times = '{{ printf "%.0f" .Values.A.Value }}';
const where = '{{ .Labels.place }} on {{ .Labels.node }}';

export const threats: RuleGroup = {
  name: 'armorlake-threats',
  interval: '1m',
  rules: [
    {
      uid: 'armorlake-block-burst',
      title: 'Block burst in a workload',
      severity: 'high',
      // Blocks are of any technique; what they share is that something runs that must not.
      mitre: 'TA0002',
      concern: 'workload',
      minutes: 5,
      sql: (number) => `
        SELECT ${placeOf(owner)}, min(node) AS node, ${number}
        FROM kubearmor.alerts
        WHERE $__timeFilter(received_at) AND outcome = 'blocked' AND type <> 'SystemEvent'
        GROUP BY cluster, namespace, ${owner}, workload`,
      number: events,
      above: 10,
      acrossNodes: true,
      details: { seq: 'min_by(seq, node)', ...around() },
      summary: `${times} blocks in 5 minutes in {{ .Labels.place }}`,
      runbook:
        'Somebody keeps trying, or an update of the workload needs what a policy refuses. Open the triage: one policy and one process say update, several policies within minutes say attack. For an attack open the process, look at what came before the first block and at what was not blocked, and isolate the pod before it is restarted: a restart takes its files away.',
      certainty: amount,
    },
    {
      uid: 'armorlake-critical',
      title: 'Critical alert',
      severity: 'critical',
      mitre: null,
      concern: 'workload',
      minutes: 10,
      sql: (number) => `
        SELECT node, ${placeOf(owner)}, policy, outcome,
          coalesce(max(regexp_extract(array_to_string(tags, ' '), 'MITRE_(T[0-9]{4}([.][0-9]{3})?)', 1)), '') AS mitre, ${number}
        FROM kubearmor.alerts
        WHERE $__timeFilter(received_at) AND severity >= 9 AND type <> 'SystemEvent' AND outcome <> 'failed'
        GROUP BY node, cluster, namespace, ${owner}, workload, policy, outcome`,
      number: events,
      above: 0,
      details: latest,
      summary: `{{ .Labels.policy }} ({{ .Labels.outcome }}) in ${where}`,
      runbook:
        'A policy of severity 9 or 10 matched. "happened" first: nothing stopped it. Open the process: who started it, and what it and its descendants touched and connected to. "blocked": the act was refused, but whoever tried it is there; look for what they did before.',
      certainty: sighting,
    },
    {
      uid: 'armorlake-system-write',
      title: 'Write under /etc or /usr/bin',
      severity: 'high',
      mitre: 'T1543',
      concern: 'workload',
      minutes: 10,
      sql: sightings(
        `operation = 'File' AND outcome <> 'failed' AND namespace IS NOT NULL
      AND (starts_with(resource, '/etc/') OR starts_with(resource, '/usr/bin/')) AND ${writing}`,
        'process',
      ),
      number: sighted,
      above: 0,
      details: latestSighted,
      summary: `{{ .Labels.process }} wrote under /etc or /usr/bin ({{ .Labels.outcome }}) in ${where}`,
      runbook:
        'Containers come with their programs and settings: what changes them while they run is a package manager by hand, an entry point that writes its own settings (silence that process), or somebody who wants to stay. Open the process; compare the file with the image, and replace the pod. Hosts are left out: package managers, systemd and the kubelet write there every day. Watch what must not change on one by a host policy of severity 9 or 10, then “Critical alert” tells of it.',
      needsFileEvents: true,
      certainty: sighting,
    },
    {
      uid: 'armorlake-production-shell',
      title: 'Shell with a terminal in production',
      severity: 'medium',
      mitre: 'T1059.004',
      concern: 'workload',
      minutes: 10,
      sql: sightings(
        `${isExec()} AND tty IS NOT NULL AND ${shell}
      AND namespace IS NOT NULL AND NOT regexp_matches(namespace, '${notProduction}')`,
        'user_name',
        'account',
      ),
      number: sighted,
      above: 0,
      details: latestSighted,
      summary: `A shell with a terminal ran in ${where}{{ with .Labels.account }}, as {{ . }}{{ end }}`,
      runbook:
        'Somebody types inside a container. Ask who was on call: kubectl exec stands in the audit log of the API server at the same second. Nobody: open the process and read the session, then withdraw the credentials it came by. Which namespaces are not production is a pattern in the query.',
      certainty: sighting,
    },
    {
      uid: 'armorlake-sensitive-file',
      title: 'Sensitive file touched',
      severity: 'high',
      mitre: 'T1552.001',
      concern: 'workload',
      minutes: 10,
      sql: sightings(
        `outcome <> 'failed' AND (
        (operation = 'File' AND regexp_full_match(resource, '${secrets}') AND NOT ${logins})
        OR (${isExec()} AND regexp_matches(resource, '${secrets}')))`,
        'process',
      ),
      number: sighted,
      above: 0,
      details: latestSighted,
      summary: `{{ .Labels.process }} and a password file or service-account token ({{ .Labels.outcome }}) in ${where}`,
      runbook:
        'A password file or service-account token was read, or named on a command line. The application itself reads its token when it starts: silence that process of that workload, which hides no other. On hosts the programs that log people in (sshd, sudo, cron, …) are left out. A shell, cat, curl or interpreter does not: open the process, see what was sent where afterwards, and withdraw the token (delete the pod, rotate the service account).',
      needsFileEvents: true,
      certainty: sighting,
    },
    {
      uid: 'armorlake-miner',
      title: 'Crypto-miner',
      severity: 'critical',
      mitre: 'T1496',
      concern: 'workload',
      minutes: 10,
      sql: sightings(
        `(
        (${isExec()} AND regexp_matches(resource, '${miners}'))
        OR (operation = 'Network' AND regexp_matches(coalesce(domain, ''), '${pools}'))
        OR (operation = 'Network' AND direction = 'egress' AND remote_port IN (${poolPorts}) AND NOT ${inside}))`,
        'process',
      ),
      number: sighted,
      above: 0,
      details: latestSighted,
      summary: `{{ .Labels.process }} looks like a crypto-miner ({{ .Labels.outcome }}) in ${where}`,
      runbook:
        'The name, an option, a pool or a port of a miner was seen. Blocked is no end: it comes again under another name, so look at what the same parent started next. Open the process, find how it came in (download, web shell, session), hunt for its hash and its pool on all nodes, then replace the pod.',
      certainty: sighting,
    },
    {
      uid: 'armorlake-reverse-shell',
      title: 'Reverse shell',
      severity: 'critical',
      mitre: 'T1059.004',
      concern: 'workload',
      minutes: 10,
      sql: sightings(
        `(
        (${isExec()} AND regexp_matches(resource, '${backConnect}'))
        OR (operation = 'Network' AND direction = 'egress' AND remote_ip IS NOT NULL AND ${shell} AND NOT ${inside}))`,
        'process',
      ),
      number: sighted,
      above: 0,
      details: latestSighted,
      summary: `{{ .Labels.process }} looks like a reverse shell ({{ .Labels.outcome }}) in ${where}`,
      runbook:
        'A command line that ties a shell to a connection, or a shell that itself connected to the outside. Treat it as a break-in: cut the pod off by a network policy rather than deleting it, open the process, read what was typed, and hunt for the address on all nodes.',
      certainty: sighting,
    },
  ],
};
