import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { compileQuery, defaultQuery, execSession, recipes } from '../plugin/shared/index.js';
import { Workplace } from './cli-support.js';
import { asked, askersOf, boards, panelsOf } from './support/dashboards.js';
import type { Asker, Board } from './support/dashboards.js';
import { ask, joinAddress, memberGone, membersAlive, startQueryNode } from './support/federation-nodes.js';
import type { Row } from './support/node-process.js';
import { TestKubeArmor, TestNode, until } from './support/node-process.js';
import type { KubeArmorEvent } from './support/process-events.js';
import { EventMaker, blocked } from './support/process-events.js';

const HOUR_MS = 3_600_000;

/** What a dashboard asks under this title. */
function find(uid: string, title: string): { readonly board: Board; readonly asker: Asker } {
  const board = boards.find((each) => each.uid === uid);
  const asker = board === undefined ? undefined : askersOf(board).find((each) => each.title === title);
  if (board === undefined || asker === undefined) throw new Error(`${uid} asks no “${title}”.`);
  return { board, asker };
}

/** Values of the process dashboard's hidden variable, by what its text boxes say. */
async function chosenEvent(node: TestNode, written: Readonly<Record<string, string>>): Promise<unknown> {
  const board = boards.find(({ uid }) => uid === 'armorlake-process-forensics');
  const variable = board?.templating.list.find(({ name }) => name === 'event');
  if (board === undefined || variable === undefined) throw new Error('There is no variable event.');
  const { sql } = z.object({ sql: z.string() }).parse(variable.query);
  const model = { ...defaultQuery('table'), editor: 'sql', sql, sqlLimit: 1 };
  const context = { fromMs: Date.now() - HOUR_MS, toMs: Date.now(), intervalMs: 10_000, maxDataPoints: 400 };
  const query = compileQuery(asked(board, model, new Map(Object.entries(written))), context);
  const { rows, error } = await ask(node, { sql: query.sql, nodes: query.nodes });
  if (error !== undefined) throw new Error(error.message);
  return rows;
}

/** Its rows as objects, in the hour that ends then. */
async function rowsOf(
  node: TestNode,
  uid: string,
  title: string,
  toMs = Date.now(),
  written: ReadonlyMap<string, string> = new Map(),
): Promise<readonly Row[]> {
  const { board, asker } = find(uid, title);
  const context = { fromMs: toMs - HOUR_MS, toMs, intervalMs: 10_000, maxDataPoints: 400 };
  const rows: Row[] = [];
  for (const target of asker.targets) {
    const { sql, nodes, perNode, rows: limit } = compileQuery(asked(board, target, written), context);
    const answer = await ask(node, { sql, nodes, perNode, limits: { rows: limit } });
    if (answer.status !== 200) throw new Error(`${title}: ${JSON.stringify(answer.error)}`);
    rows.push(
      ...answer.rows.map((row) => Object.fromEntries(answer.schema.map(({ name }, index) => [name, row[index]]))),
    );
  }
  return rows;
}

/** A debugger looks into a process: KubeArmor calls that a Process event, too, though no program was started. */
function traces(seconds: number, pid: number, own: KubeArmorEvent = {}): KubeArmorEvent {
  const traced = { ProcessName: '/usr/bin/gdb', Resource: '/usr/bin/victim', Data: 'syscall=SYS_PTRACE' };
  return new EventMaker({ HostName: 'h1' }).exec(seconds, pid, 50, '/usr/bin/gdb', { ...traced, ...own });
}

describe('sessions', () => {
  const uid = 'armorlake-sessions-egress';
  const toMs = Date.UTC(2026, 0, 1, 11);
  const place = new Workplace();
  const host = new EventMaker({ HostName: 'h1' });
  const onTty = { TTY: 'pts0' };
  const refused = { Result: 'Permission denied' };
  const entered = (high: number, low: number): KubeArmorEvent => ({
    ExecEvent: { ExecID: String((BigInt(high) << 32n) | BigInt(low)), ExecutableName: 'sh' },
  });
  const asks = (seconds: number, pid: number, domain: string): KubeArmorEvent =>
    host.connect(seconds, pid, '', 53, {
      Resource: 'sa_family=AF_INET sin_port=53 sin_addr=10.96.0.10',
      Data: `kfunc=UDP_SENDSKB domain=${domain} daddr=10.96.0.10 qtype=A`,
    });
  let node: TestNode;

  beforeAll(async () => {
    const keep = ['--set', 'retention.logs.age=100y', '--set', 'retention.alerts.age=100y'];
    node = await TestNode.start(place, { data: 'edge', args: keep });
    const events = [
      // Somebody on the terminal, and what goes on without one.
      host.exec(60, 100, 50, '/bin/bash', onTty),
      host.exec(70, 101, 100, '/usr/bin/id', onTty),
      traces(70, 100, onTty),
      host.exec(75, 102, 100, '/usr/bin/setsid /tmp/tool'),
      host.exec(76, 103, 102, '/tmp/tool'),
      host.connect(80, 103, '203.0.113.9', 443, { HostPPID: 1 }),
      host.exec(90, 104, 103, '/bin/cat /etc/shadow', blocked),
      host.exec(90.0001, 104, 103, '/bin/cat /etc/shadow', refused),
      // Half an hour later, on the same terminal, from the same shell.
      host.exec(1900, 110, 100, '/usr/bin/whoami', onTty),
      host.exec(1910, 111, 100, '/usr/bin/nohup /tmp/later'),
      // The daemon of the first is still there.
      host.connect(1990, 103, '203.0.113.10', 443, { HostPPID: 1 }),
      // Nobody's: another parent, another container, and a number that had not been given out yet.
      host.exec(85, 200, 1, '/usr/sbin/crond'),
      host.exec(86, 201, 103, '/usr/bin/elsewhere', { ContainerID: 'c2' }),
      host.exec(20, 202, 101, '/usr/bin/before'),
      // Two that entered the same container, told as KubeArmor does: a child has its own PID above the low half of the mark.
      host.exec(7200, 500, 1, '/bin/sh', entered(191_000, 77)),
      host.exec(7201, 501, 500, '/usr/bin/id', entered(501, 77)),
      host.exec(7202, 600, 1, '/bin/sh', entered(191_000, 88)),
      host.exec(7203, 502, 500, '/usr/bin/apt update', { ...entered(502, 77), ...refused }),
      host.exec(7203.0001, 502, 500, '/usr/bin/apt update', { ...entered(502, 77), ...blocked }),
      host.exec(7203.5, 502, 500, '/usr/bin/apt install', { ...entered(502, 77), ...blocked }),
      // More sessions than a node tells; something was refused in the first.
      host.exec(14_400, 1000, 999, '/bin/first', { ...entered(1000, 1000), ...blocked }),
      ...Array.from({ length: 120 }, (_, index) =>
        host.exec(14_401 + index, 1001 + index, 999, '/bin/sh', entered(1, 1001 + index)),
      ),
      // A miner that looked its pool up, and what others do beside it.
      asks(21_600, 700, 'pool.example'),
      host.connect(21_602, 700, '203.0.113.20', 3333),
      host.connect(21_603, 700, '203.0.113.21', 80),
      host.connect(21_700, 700, '203.0.113.20', 14_444),
      host.connect(21_701, 701, '203.0.113.20', 443),
      host.connect(21_702, 702, '203.0.113.20', 53, { ContainerID: 'c2' }),
      asks(21_800, 703, 'late.example'),
      host.connect(21_831, 703, '203.0.113.22', 80),
      // One process that does several things at a time: once it mixes them up.
      ...[0, 10, 20].flatMap((later) => [
        asks(21_900 + later, 704, 'api.example'),
        host.connect(21_901 + later, 704, '203.0.113.23', 443),
      ]),
      asks(21_940, 704, 'other.example'),
      host.connect(21_941, 704, '203.0.113.23', 443),
    ];
    const { status } = await node.post(events.map((event) => JSON.stringify(event)).join('\n'));
    expect(status).toBe(200);
  }, 300_000);
  afterAll(() => place.close());

  it('of one terminal are two after a silence, each with what it started without a terminal', async () => {
    const sessions = await rowsOf(node, uid, 'Sessions', toMs);
    expect(sessions).toMatchObject([
      { start: '2026-01-01T10:01:00.000000Z', span: 10, commands: 5, blocked: 1, egress: 2, entered: 'terminal pts0' },
      { start: '2026-01-01T10:31:40.000000Z', span: 0, commands: 2, blocked: 0, egress: 0, entered: 'terminal pts0' },
    ]);
  });

  it('have each their own transcript, by the link that the list has', async () => {
    const sessions = await rowsOf(node, uid, 'Sessions', toMs);
    const told: string[][] = [];
    for (const { session } of sessions) {
      const chosen = new Map([['session', String(session)]]);
      const rows = await rowsOf(node, uid, 'Transcript of the chosen session', toMs, chosen);
      told.push(rows.map(({ resource, operation, process }) => String(operation === 'Network' ? process : resource)));
    }
    expect(told).toEqual([
      [
        ...['/bin/bash', '/usr/bin/id', '/usr/bin/victim', '/usr/bin/setsid /tmp/tool', '/tmp/tool', '/bin/some'],
        ...['/bin/cat /etc/shadow', '/bin/some'],
      ],
      ['/usr/bin/whoami', '/usr/bin/nohup /tmp/later'],
    ]);
    // The range went on: the session's beginning lies before it.
    const later = new Map([['session', String(sessions[0]?.session)]]);
    const rest = await rowsOf(node, uid, 'Transcript of the chosen session', toMs + 65_000, later);
    expect(rest[0]).toMatchObject({ resource: '/usr/bin/id' });
  });

  it('by kubectl exec are one for all that came of what entered, and tell a refused command once', async () => {
    const sessions = await rowsOf(node, uid, 'Sessions', toMs + 2 * HOUR_MS);
    expect(sessions).toMatchObject([
      { entered: 'exec 77', commands: 4, blocked: 2, span: 3 },
      { entered: 'exec 88', commands: 1, blocked: 0, span: 0 },
    ]);
    const chosen = new Map([['session', String(sessions[0]?.session)]]);
    const rows = await rowsOf(node, uid, 'Transcript of the chosen session', toMs + 2 * HOUR_MS, chosen);
    expect(rows.map(({ resource, kind, policy }) => [resource, kind, policy])).toEqual([
      ['/bin/sh', 'log', null],
      ['/usr/bin/id', 'log', null],
      ['/usr/bin/apt update', 'alert', 'no-miners'],
      ['/usr/bin/apt install', 'alert', 'no-miners'],
    ]);
  });

  it('are cut by each node, and not those with blocked acts', async () => {
    const sessions = await rowsOf(node, uid, 'Sessions', toMs + 4 * HOUR_MS);
    expect(sessions.length).toBe(100);
    expect(sessions[0]).toMatchObject({ entered: 'exec 1000', blocked: 1 });
    expect(sessions[1]).toMatchObject({ entered: 'exec 1120' });
  });

  it('are told apart in the same way by the recipe and by the docs', () => {
    const docs = ['query.md', 'annotations.md'].map((file) =>
      readFileSync(new URL(`../docs/${file}`, import.meta.url), 'utf8'),
    );
    const recipe = recipes.find(({ id }) => id === 'sessions')?.query.sql ?? '';
    for (const text of [...docs, recipe]) expect(text).toContain(execSession);
  });

  it('lead to destinations, of which each has the name that a process in its container asked for', async () => {
    const rows = await rowsOf(node, uid, 'Destinations', toMs + 6 * HOUR_MS);
    const told = rows.map(({ remote_ip: ip, remote_port: port, domain }) => [`${String(ip)}:${String(port)}`, domain]);
    expect(new Map(told as [string, unknown][])).toEqual(
      new Map([
        ['203.0.113.20:3333', 'pool.example'],
        ['203.0.113.20:14444', 'pool.example'],
        ['203.0.113.20:443', 'pool.example'],
        ['203.0.113.20:53', ''],
        ['203.0.113.21:80', ''],
        ['203.0.113.22:80', ''],
        ['203.0.113.23:443', 'api.example'],
      ]),
    );
  });

  it('show nothing as long as none is chosen', async () => {
    expect(await rowsOf(node, uid, 'Transcript of the chosen session', toMs)).toEqual([]);
  });
});

describe('what is shared between dashboards', () => {
  const process = 'armorlake-process-forensics';
  const shared = ['datasource', 'cluster', 'node', 'namespace', 'workload', 'policy', 'severity', 'filters'];
  const variablesOf = (uid: string): Map<string, Board['templating']['list'][number]> =>
    new Map(boards.find((each) => each.uid === uid)?.templating.list.map((each) => [each.name, each]));
  const shown = variablesOf('armorlake-alert-triage');

  it.each(boards)('goes along through $uid, which asks nothing for what it does not show', ({ uid }) => {
    const variables = variablesOf(uid);
    for (const name of shared) {
      const variable = variables.get(name);
      expect(variable, name).toBeDefined();
      if (variable?.hide !== 2 || name === 'datasource') continue;
      const visible = { multi: true, includeAll: false, options: [], ...shown.get(name) };
      const { multi, includeAll, options } = visible;
      expect(variable).toMatchObject({ type: 'custom', multi, includeAll, options });
    }
  });

  it.each(boards)('is named by the links of $uid only where both dashboards have it', ({ uid, json }) => {
    const own = variablesOf(uid);
    const urls = [...JSON.stringify(json).matchAll(/"url":"(\/d\/[^"]*)"/g)].map(([, url = '']) => url);
    for (const url of urls) {
      const there = variablesOf(/^\/d\/([\w-]+)/.exec(url)?.[1] ?? '');
      for (const [, name = ''] of url.matchAll(/\$\{(\w+):queryparam\}/g)) {
        expect(own.has(name), url).toBe(true);
        expect(there.has(name), url).toBe(true);
      }
    }
  });

  it('goes along by one menu of all dashboards, with time and variables', () => {
    const link = z.object({ type: z.string(), tags: z.array(z.string()), asDropdown: z.boolean() });
    const menu = link.extend({ keepTime: z.boolean(), includeVars: z.boolean() });
    for (const { json } of boards) {
      const { links, tags } = z.object({ links: z.array(menu), tags: z.array(z.string()) }).parse(json);
      const [only] = links;
      expect(links).toHaveLength(1);
      expect(only).toMatchObject({ type: 'dashboards', asDropdown: true, keepTime: true, includeVars: true });
      expect(tags).toEqual(expect.arrayContaining([...(only?.tags ?? ['none'])]));
    }
  });

  it('is no node that the process dashboard takes for its event, or gives away as a choice', () => {
    const variables = variablesOf(process);
    expect(variables.get('event_node')).toMatchObject({ type: 'textbox', hide: 0 });
    expect(variables.get('node')).toMatchObject({ type: 'custom', hide: 2 });
    for (const { uid } of boards.filter((each) => each.uid !== process)) {
      expect(variablesOf(uid).has('event_node'), uid).toBe(false);
    }
  });

  it('keeps time and data source on the way to a dashboard that asks much', () => {
    const health = JSON.stringify(boards.find(({ uid }) => uid === 'armorlake-health')?.json);
    expect(health).toContain(
      '/d/${__value.raw:percentencode}?${__url_time_range}&timezone=&var-datasource=${datasource}',
    );
  });

  it('is one level of one event: no log panel has its own', () => {
    const logs = boards.flatMap(panelsOf).filter(({ type }) => type === 'logs');
    expect(logs.map(({ title }) => title)).toEqual(['The alerts themselves', 'The latest events', 'Around it']);
    for (const { title, targets } of logs) expect(JSON.stringify(targets), title).not.toMatch(/AS level/i);
  });
});

describe('workload behaviour', () => {
  const uid = 'armorlake-workload-behaviour';
  const toMs = Date.UTC(2026, 0, 1, 11);
  const place = new Workplace();
  const host = new EventMaker({ HostName: 'h1' });
  let node: TestNode;

  beforeAll(async () => {
    const keep = ['--set', 'retention.logs.age=100y', '--set', 'retention.alerts.age=100y'];
    node = await TestNode.start(place, { data: 'edge', args: keep });
    const events = [
      host.file(30, 100, '/etc/hosts'),
      host.exec(60, 100, 50, '/usr/bin/id'),
      traces(61, 100),
      // One act, told twice, two hours in a row; and one that only the log tells.
      ...[70, 3670].flatMap((second) => [
        host.exec(second, 101, 50, '/tmp/tool', blocked),
        host.exec(second, 101, 50, '/tmp/tool', { Result: 'Permission denied' }),
      ]),
      host.exec(3680, 102, 50, '/tmp/tool', { Result: 'Permission denied' }),
    ];
    const { status } = await node.post(events.map((event) => JSON.stringify(event)).join('\n'));
    expect(status).toBe(200);
  }, 300_000);
  afterAll(() => place.close());

  it('counts a refused execution once, though it is told as alert and as log', async () => {
    expect(await rowsOf(node, uid, 'Processes', toMs)).toMatchObject([
      { path: '/tmp/tool', count: 1, blocked: 1, before: 0 },
      { path: '/usr/bin/id', count: 1, blocked: 0 },
    ]);
    expect(await rowsOf(node, uid, 'Processes', toMs + HOUR_MS)).toMatchObject([
      { path: '/tmp/tool', count: 2, blocked: 2, before: 1 },
    ]);
    const [seen] = await rowsOf(node, uid, 'What is seen', toMs + HOUR_MS);
    expect(seen).toMatchObject({ what: 'Processes', events: 2, before: 2, different: 1 });
  });

  it('does not blame the visibility for a quiet hour', async () => {
    const remarkOn = async (what: string): Promise<unknown> =>
      (await rowsOf(node, uid, 'What is seen', toMs + HOUR_MS)).find((row) => row.what === what)?.remark;
    expect(await remarkOn('Files')).toBe('None in this time range.');
    expect(await remarkOn('Egress')).toContain('kubearmor-visibility names network');
  });
});

describe('what is missing', () => {
  const place = new Workplace();
  let kubearmor: TestKubeArmor;
  let query: TestNode;

  beforeAll(async () => {
    query = await startQueryNode(place);
    const join = await joinAddress(query);
    const throttle = { maxAlertsPerSec: 1, droppingIntervalSec: 2 };
    kubearmor = await TestKubeArmor.start(place, { seed: 7, rate: 400, attackEvery: 50, throttle });
    await TestNode.start(place, { data: 'edge-1', args: ['--join', join, '--kubearmor', kubearmor.address] });
    const away = await TestNode.start(place, { data: 'edge-2', args: ['--join', join] });
    await membersAlive(query, 'edge-1', 'edge-2');
    const stored = async (): Promise<number> =>
      Number((await ask(query, { sql: 'SELECT count(*) FROM kubearmor.alerts' })).rows[0]?.[0]);
    await until(async () => (await stored()) > 100, 'alerts are stored', 60_000);
    kubearmor.simulator.breakStreams('reset');
    away.running.kill('SIGSTOP');
    await memberGone(query, 'edge-2');
    // Goes on, so that it can be ended.
    away.running.kill('SIGKILL');
  }, 300_000);
  afterAll(async () => {
    await kubearmor.close();
    await place.close();
  });

  it('is the node of the event that the process dashboard is about', async () => {
    const written = { event_node: 'edge-2', seq: '7' };
    expect(await chosenEvent(query, written)).toEqual([[7, 'edge-2']]);
    const { board, asker } = find('armorlake-process-forensics', 'What happened');
    const context = { fromMs: Date.now() - HOUR_MS, toMs: Date.now(), intervalMs: 10_000, maxDataPoints: 400 };
    for (const target of asker.targets) {
      const { sql, nodes } = compileQuery(asked(board, target, new Map(Object.entries(written))), context);
      const { coverage } = await ask(query, { sql, nodes });
      expect(coverage).toMatchObject({ expected: 1, failed: 1, nodes: [{ name: 'edge-2', status: 'failed' }] });
    }
  });

  it('is no node whose name only looks like the word for all', async () => {
    const { rows } = await ask(query, { sql: 'SELECT max(host_pid) FROM kubearmor.events' });
    const pid = String(rows[0]?.[0]);
    const found = [[expect.any(Number), 'edge-1']];
    expect(await chosenEvent(query, { pid })).toEqual(found);
    expect(await chosenEvent(query, { pid, event_node: '$__all' })).toEqual(found);
    expect(await chosenEvent(query, { pid, event_node: 'firewall' })).toEqual([]);
    expect(await chosenEvent(query, { seq: '7', event_node: '$__all' })).toEqual([]);
    expect(await chosenEvent(query, {})).toEqual([]);
  });

  it('is told by the tables and by the regions', async () => {
    const health = 'armorlake-health';
    const causes = async (): Promise<string> =>
      (await rowsOf(query, health, 'Gaps')).map(({ cause }) => String(cause)).join();
    await until(async () => /break.*throttle|throttle.*break/.test(await causes()), 'both are gaps', 60_000);
    const throttled = await rowsOf(query, health, 'Throttled containers');
    expect(throttled[0]).toMatchObject({ node: 'edge-1', silence: 2 });
    for (const { uid } of boards.filter(({ annotations }) => annotations.list.length > 0)) {
      const regions = await rowsOf(query, uid, 'Gaps and throttling');
      expect(new Set(regions.map(({ node }) => node)), uid).toEqual(new Set(['edge-1']));
      expect(await rowsOf(query, uid, 'Absent nodes'), uid).toMatchObject([
        { title: expect.stringMatching(/^edge-2 does not answer/) as unknown, tags: 'absent' },
      ]);
    }
  }, 300_000);
});
