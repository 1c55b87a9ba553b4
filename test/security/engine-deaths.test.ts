import { afterEach, beforeEach, expect, it } from 'vitest';
import { asked } from '../../backend/src/query/index.js';
import { GuardedLake, codeOf, slow } from '../support/guarded-lake.js';

let lake: GuardedLake;
beforeEach(async () => {
  lake = await GuardedLake.open();
});
afterEach(async () => {
  await lake[Symbol.asyncDispose]();
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('an attacker who kills the engine again and again is refused, and a neighbour answered', async () => {
  const deaths: string[] = [];
  let over = false;
  const attack = async (): Promise<string | null> => {
    for (let number = 0; ; number++) {
      // Each time another text.
      const ask = lake.ask(`${slow} -- ${number}`, 'mallory');
      const died = codeOf(lake.query(ask));
      if (!(await lake.works(ask, died))) return await died;
      const { restarts } = lake.engine;
      lake.signal('SIGSEGV');
      deaths.push((await died) ?? 'answered');
      await lake.ready(restarts + 1);
    }
  };
  const attacking = attack().finally(() => (over = true));
  const outcomes: (string | null)[] = [];
  const neighbour = async (name: string): Promise<void> => {
    for (let query = 0; !over || query < 150; query++) {
      outcomes.push(
        await codeOf(lake.query(lake.ask(`SELECT count(*), '${name} ${query % 20}' FROM kubearmor.logs`, 'ann'))),
      );
    }
  };
  await Promise.all([neighbour('left'), neighbour('right')]);
  expect(await attacking).toBe('FORBIDDEN');
  expect(deaths.length).toBeLessThanOrEqual(6);
  expect(new Set(deaths)).toEqual(new Set(['NOT_READY']));
  const answered = outcomes.filter((code) => code === null).length;
  expect(answered / outcomes.length).toBeGreaterThanOrEqual(0.95);
  // What failed fell with the engine; nobody was refused for another's doing.
  expect(outcomes.filter((code) => code !== null && code !== 'NOT_READY')).toEqual([]);
  expect(() => lake.strikes.check(asked('SELECT 1', []), 'ann')).not.toThrow();
});

it.each(['query', 'explain', 'tail', 'fragment'] as const)(
  'what dies alone by way of %s is struck, and refused after two times',
  async (way) => {
    const sql = 'SELECT host FROM kubearmor.logs';
    const enter = (): Promise<unknown> => {
      if (way === 'query') return lake.query(lake.ask(sql, null));
      if (way === 'explain') return lake.answers.explain(lake.ask(sql, null), new AbortController().signal);
      return way === 'tail' ? lake.tail('seq % 2 = 0', 'ann') : lake.fragment(sql, 'ann at q1');
    };
    for (const restarts of [1, 2]) {
      // Stopped, so that it dies with the statement in it however fast that is.
      lake.signal('SIGSTOP');
      const entered = codeOf(enter());
      for (let round = 0; round < 5; round++) await turn();
      lake.signal('SIGKILL');
      expect(await entered).toBe('NOT_READY');
      await lake.ready(restarts);
    }
    expect(await codeOf(enter())).toBe('NOT_ALLOWED');
    expect(lake.engine.restarts).toBe(2);
  },
);

it('whoever leaves at once is still in the account of the death', async () => {
  const leaving = new AbortController();
  const ask = lake.ask(slow, 'mallory');
  const left = codeOf(lake.query(ask, leaving.signal));
  expect(await lake.works(ask, left)).toBe(true);
  lake.signal('SIGSTOP');
  leaving.abort();
  expect(await left).toBe('CANCELLED');
  lake.signal('SIGKILL');
  await lake.ready(1);
  // It runs alone from now on.
  expect(lake.strikes.companyOf(asked(slow, []), null)).toMatch(/^alone /);
  expect(await codeOf(lake.query(lake.ask('SELECT 1', 'ann')))).toBeNull();
});

it('of several that ran each runs alone when it is asked again, and success clears it', async () => {
  const asks = [lake.ask(slow, 'ann'), lake.ask(`${slow} AND a.range > 5`, 'bob')];
  const died = asks.map((ask) => codeOf(lake.query(ask)));
  for (const ask of asks) expect(await lake.works(ask, Promise.all(died))).toBe(true);
  lake.signal('SIGSEGV');
  expect(await Promise.all(died)).toEqual(['NOT_READY', 'NOT_READY']);
  await lake.ready(1);
  const alone = new AbortController();
  const again = lake.ask(slow, 'ann');
  const running = codeOf(lake.query(again, alone.signal));
  expect(await lake.works(again, running)).toBe(true);
  // A third, of whom nothing is suspected, waits meanwhile.
  expect(await codeOf(lake.query(lake.ask('SELECT 1', 'carol', 300)))).toBe('BUSY');
  alone.abort();
  expect(await running).toBe('CANCELLED');
  expect(await codeOf(lake.query(lake.ask('SELECT 1', 'carol')))).toBeNull();
});

it('nobody is refused a statement for what another did with values of its own, or with too little time', async () => {
  const sql = 'SELECT count(*) FROM kubearmor.logs WHERE process || $1 IS NULL';
  const kill = async (params: readonly string[], restarts: number): Promise<void> => {
    lake.signal('SIGSTOP');
    const ask = lake.ask(sql, 'mallory');
    const died = codeOf(lake.query({ ...ask, request: { ...ask.request, params: [...params] } }));
    for (let round = 0; round < 5; round++) await turn();
    lake.signal('SIGKILL');
    expect(await died).toBe('NOT_READY');
    await lake.ready(restarts);
  };
  await kill(['x'], 1);
  await kill(['x'], 2);
  const counted = (token: string, value: string): Promise<string | null> => {
    const ask = lake.ask(sql, token);
    return codeOf(lake.query({ ...ask, request: { ...ask.request, params: [value] } }));
  };
  expect(await counted('mallory', 'x')).toBe('NOT_ALLOWED');
  expect(await counted('mallory', 'y')).toBeNull();
  expect(await counted('ann', 'y')).toBeNull();
  expect(await counted('ann', 'x')).toBeNull();
});

it('a run that somebody gives little time is not the run of who has more', async () => {
  const hurried = codeOf(lake.fragment(slow, 'mallory at q1', 800));
  const patient = codeOf(lake.fragment(slow, 'ann at q1', 20_000));
  expect(await hurried).toBe('DEADLINE');
  const goesOn = new Promise((resolve) => setTimeout(resolve, 300, 'goes on'));
  expect(await Promise.race([patient, goesOn])).toBe('goes on');
});

it('what anybody does at a query node without tokens is not held against all of its users', async () => {
  for (let death = 0; death < 4; death++) {
    lake.signal('SIGSTOP');
    const died = codeOf(lake.fragment(`SELECT ${death} AS x FROM kubearmor.logs`, 'at q1'));
    for (let round = 0; round < 5; round++) await turn();
    lake.signal('SIGKILL');
    expect(await died).toBe('NOT_READY');
    await lake.ready(death + 1);
  }
  expect(await codeOf(lake.fragment('SELECT host FROM kubearmor.logs', 'at q1'))).toBeNull();
});
