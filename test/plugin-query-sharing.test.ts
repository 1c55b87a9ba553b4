import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PluginLake, alertHeaders, askAll, dayOf, written } from './support/plugin-lake.js';

let lake: PluginLake;

beforeEach(async () => {
  lake = await PluginLake.open();
});

afterEach(async () => {
  await lake[Symbol.asyncDispose]();
});

/** What the node's account of queries has, oldest first. */
async function accountOf(): Promise<readonly Readonly<Record<string, unknown>>[]> {
  await lake.node.api.log.flush();
  return lake.node.api.engine.logged as Readonly<Record<string, unknown>>[];
}

/** Looks at so many million pairs: some ten milliseconds each. */
const slow = (millions: number): string =>
  `SELECT count(*) AS n FROM range(1000000) a(i), range(${millions}) b(j) WHERE hash(i * j) % 7 = 3`;

const quick = written('table', 'SELECT count(*) AS n FROM kubearmor.alerts');

describe('equal questions', () => {
  test('of panels and viewers at the same time are asked once', async () => {
    const panels = Array.from({ length: 5 }, () => dayOf(written('table', slow(30))));
    const viewers = await Promise.all([
      askAll(lake.host, panels, { login: 'ann' }),
      askAll(lake.host, panels, { login: 'bob' }),
    ]);
    const answers = viewers.flatMap((viewer) => Object.values(viewer));
    expect(answers).toHaveLength(10);
    expect(answers.map(({ error }) => error)).toEqual(answers.map(() => ''));
    const shared = answers.map(({ frames }) => (frames[0]?.meta['custom'] as { shared: boolean }).shared);
    expect(shared.filter((each) => !each)).toHaveLength(1);
    expect(await accountOf()).toHaveLength(1);
  });

  test('of other rows, nodes or ways are not the same', async () => {
    const models = [{}, { sqlLimit: 7 }, { perNode: true }, { scope: { clusters: ['prod'], nodes: [], labels: {} } }];
    await askAll(
      lake.host,
      models.map((more) => dayOf({ ...quick, ...more })),
    );
    expect(await accountOf()).toHaveLength(4);
  });

  test('are answered from what was answered a moment ago, but never for a rule', async () => {
    await lake.ask(quick);
    const again = await lake.ask(quick);
    expect(again.frames[0]?.meta['custom']).toMatchObject({ shared: true });
    expect(await accountOf()).toHaveLength(1);
    await lake.ask(quick, {}, { headers: alertHeaders });
    expect(await accountOf()).toHaveLength(2);
  });

  test("differ by the range, but not by how the viewers' clocks differ", async () => {
    const inRange = written('table', 'SELECT count(*) AS n FROM kubearmor.alerts WHERE $__timeFilter(time)');
    const hour = 3_600_000;
    const at = (fromMs: number) => lake.ask(inRange, { fromMs, toMs: fromMs + hour });
    // A thousandth of an hour is 3.6 s.
    await at(1_000_000_000_000 - (1_000_000_000_000 % 3600) + 10);
    await at(1_000_000_000_000 - (1_000_000_000_000 % 3600) + 3590);
    expect(await accountOf()).toHaveLength(1);
    await at(1_000_000_010_000);
    expect(await accountOf()).toHaveLength(2);
  });
});

describe('who asks', () => {
  test("stands in the node's account", async () => {
    const headers = { 'http_X-Dashboard-Uid': 'abc', 'http_X-Panel-Id': '7' };
    await lake.ask(quick, {}, { headers, login: 'ann' });
    await lake.ask(quick, {}, { headers: alertHeaders, login: 'grafana_scheduler' });
    expect((await accountOf()).map(({ origin }) => JSON.parse(String(origin)) as unknown)).toEqual([
      { user: 'ann', dashboard: 'abc', panel: '7' },
      { user: 'grafana_scheduler', panel: 'alert rule rule-1' },
    ]);
  });
});

describe('cancelling', () => {
  const endless = written('table', slow(100_000));

  async function untilRunning(count: number): Promise<void> {
    await expect.poll(() => lake.node.api.queries.running, { interval: 5 }).toBe(count);
  }

  /** The query would run for minutes: that it ends at all is the cancel's work. */
  async function untilStopped(): Promise<void> {
    await untilRunning(0);
  }

  test('stops the engine', async () => {
    const panel = new AbortController();
    const asked = lake.ask(endless, {}, { signal: panel.signal });
    asked.catch(() => undefined);
    await untilRunning(1);
    panel.abort();
    await untilStopped();
    await expect(asked).rejects.toThrow();
    expect((await accountOf())[0]).toMatchObject({ error: 'CANCELLED' });
  });

  test('stops nothing that somebody else waits for', async () => {
    const [ann, bob] = [new AbortController(), new AbortController()];
    const asked = [ann, bob].map(({ signal }) => lake.ask(endless, {}, { signal }));
    for (const each of asked) each.catch(() => undefined);
    await untilRunning(1);
    // The second has joined once the plugin has answered something that was asked after it.
    await lake.ask(quick);
    ann.abort();
    await expect(asked[0]).rejects.toThrow();
    await lake.ask(written('table', 'SELECT 1 AS x'));
    expect(lake.node.api.queries.running).toBe(1);
    bob.abort();
    await untilStopped();
  });
});
