import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileQuery } from '../plugin/shared/index.js';
import { Workplace } from './cli-support.js';
import { asked, askersOf, boards, panelsOf } from './support/dashboards.js';
import type { Asker, Board } from './support/dashboards.js';
import { ask, joinAddress, memberGone, membersAlive, startQueryNode } from './support/federation-nodes.js';
import type { Row } from './support/node-process.js';
import { TestKubeArmor, TestNode, until } from './support/node-process.js';
import { EventMaker, blocked } from './support/process-events.js';

const HOUR_MS = 3_600_000;

/** What a dashboard asks under this title. */
function find(uid: string, title: string): { readonly board: Board; readonly asker: Asker } {
  const board = boards.find((each) => each.uid === uid);
  const asker = board === undefined ? undefined : askersOf(board).find((each) => each.title === title);
  if (board === undefined || asker === undefined) throw new Error(`${uid} asks no “${title}”.`);
  return { board, asker };
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

describe('sessions', () => {
  const uid = 'armorlake-sessions-egress';
  const toMs = Date.UTC(2026, 0, 1, 11);
  const place = new Workplace();
  const host = new EventMaker({ HostName: 'h1' });
  const onTty = { TTY: 'pts0' };
  let node: TestNode;

  beforeAll(async () => {
    const keep = ['--set', 'retention.logs.age=100y', '--set', 'retention.alerts.age=100y'];
    node = await TestNode.start(place, { data: 'edge', args: keep });
    const events = [
      // Somebody on the terminal, and what goes on without one.
      host.exec(60, 100, 50, '/bin/bash', onTty),
      host.exec(70, 101, 100, '/usr/bin/id', onTty),
      host.exec(75, 102, 100, '/usr/bin/setsid /tmp/tool'),
      host.exec(76, 103, 102, '/tmp/tool'),
      host.connect(80, 103, '203.0.113.9', 443, { HostPPID: 1 }),
      host.exec(90, 104, 103, '/bin/cat /etc/shadow', blocked),
      // Half an hour later, on the same terminal, from the same shell.
      host.exec(1900, 110, 100, '/usr/bin/whoami', onTty),
      host.exec(1910, 111, 100, '/usr/bin/nohup /tmp/later'),
      // The daemon of the first is still there.
      host.connect(1990, 103, '203.0.113.10', 443, { HostPPID: 1 }),
      // Nobody's: another parent, another container, and a number that had not been given out yet.
      host.exec(85, 200, 1, '/usr/sbin/crond'),
      host.exec(86, 201, 103, '/usr/bin/elsewhere', { ContainerID: 'c2' }),
      host.exec(20, 202, 101, '/usr/bin/before'),
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
        ...['/bin/bash', '/usr/bin/id', '/usr/bin/setsid /tmp/tool', '/tmp/tool', '/bin/some'],
        ...['/bin/cat /etc/shadow', '/bin/some'],
      ],
      ['/usr/bin/whoami', '/usr/bin/nohup /tmp/later'],
    ]);
    // The range went on: the session's beginning lies before it.
    const later = new Map([['session', String(sessions[0]?.session)]]);
    const rest = await rowsOf(node, uid, 'Transcript of the chosen session', toMs + 65_000, later);
    expect(rest[0]).toMatchObject({ resource: '/usr/bin/id' });
  });

  it('show nothing as long as none is chosen', async () => {
    expect(await rowsOf(node, uid, 'Transcript of the chosen session', toMs)).toEqual([]);
  });
});

describe('what is shared between dashboards', () => {
  it('goes along through dashboards that do not show it, which ask nothing for it', () => {
    for (const uid of ['armorlake-workload-behaviour', 'armorlake-sessions-egress', 'armorlake-policy-effectiveness']) {
      const variables = new Map(
        (boards.find((each) => each.uid === uid)?.templating.list ?? []).map((each) => [each.name, each]),
      );
      expect([...variables.keys()], uid).toEqual(expect.arrayContaining(['policy', 'severity']));
      const carried = [...variables.values()].filter(
        ({ name, hide }) => /^(policy|severity)$/.test(name) && hide === 2,
      );
      expect(carried.map(({ type }) => type)).toEqual(carried.map(() => 'custom'));
      expect(carried.length, uid).toBe(uid === 'armorlake-policy-effectiveness' ? 1 : 2);
    }
  });

  it('is one level of one event: no log panel has its own', () => {
    const logs = boards.flatMap(panelsOf).filter(({ type }) => type === 'logs');
    expect(logs.map(({ title }) => title)).toEqual(['The alerts themselves', 'The latest events', 'Around it']);
    for (const { title, targets } of logs) expect(JSON.stringify(targets), title).not.toMatch(/AS level/i);
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
    await memberGone(query, 'edge-2', 60_000);
    // Goes on, so that it can be ended.
    away.running.kill('SIGKILL');
  }, 300_000);
  afterAll(async () => {
    await kubearmor.close();
    await place.close();
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
