import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ArmorlakeError, silentLogger } from '../core/index.js';
import type { EngineClient } from '../engine/index.js';
import { completeFacts } from '../engine/index.js';
import { accountedFragments, accountedTails } from './accounted.js';
import type { QueryRecord } from './query-log.js';
import { QueryLog } from './query-log.js';
import type { ScatterRequest } from './scatter.js';

const clock = { wallMs: () => Date.now(), monotonicMs: () => Date.now() };
const signal = new AbortController().signal;
const noChunks = { chunk: () => Promise.resolve() };
let written: QueryRecord[] = [];
let works = true;
let log: QueryLog;

const engine: EngineClient = {
  call: (_method, parameters) => {
    if (!works) return Promise.reject(new ArmorlakeError('NOT_READY', 'It restarts.'));
    written.push(...(parameters as { readonly rows: readonly QueryRecord[] }).rows);
    return Promise.resolve(null);
  },
  stream: () => Promise.reject(new Error('Nothing streams here.')),
};

beforeEach(() => {
  vi.useFakeTimers();
  written = [];
  works = true;
  log = new QueryLog(engine, silentLogger, clock);
});

afterEach(async () => {
  await log.close();
  vi.useRealTimers();
});

const row: QueryRecord = {
  time: 0,
  id: 'q1',
  who: 'ann',
  origin: null,
  sql: 'SELECT 1',
  fragments: 1,
  rows: 2,
  bytes: 3,
  ms: 4,
  error: null,
  via: null,
};

const request: ScatterRequest = {
  queryId: 'q1',
  fragments: [
    { name: 'f0', sql: 'SELECT a' },
    { name: 'f1', sql: 'SELECT b' },
  ],
  tail: null,
  timeRange: { fromMicros: null, toMicros: null },
  expects: [],
  nowMicros: 0,
  budget: { rows: 10, bytes: 10 },
  timeoutMs: 1000,
  who: 'ann at q1',
  origin: '{"user":"ann"}',
};

describe('the account of queries', () => {
  it('is written within a second of a query, and not lost while the engine is away', async () => {
    works = false;
    log.add(row, true);
    await vi.advanceTimersByTimeAsync(5000);
    works = true;
    await vi.advanceTimersByTimeAsync(1000);
    expect(written).toEqual([row]);
  });

  it('counts nothing twice of what comes while it is written, and loses nothing of it', async () => {
    const held: (() => void)[] = [];
    let fails = true;
    const slow: EngineClient = {
      ...engine,
      call: (method, parameters) =>
        new Promise((resolve, reject) => {
          held.push(() => {
            if (fails) reject(new ArmorlakeError('NOT_READY', 'It restarts.'));
            else resolve(engine.call(method, parameters));
          });
        }),
    };
    const account = new QueryLog(slow, silentLogger, clock);
    const release = async (writing: Promise<void>): Promise<void> => {
      await vi.advanceTimersByTimeAsync(0);
      held.shift()?.();
      await writing;
    };
    account.addPart(row);
    const failing = account.flush();
    await vi.advanceTimersByTimeAsync(0);
    account.addPart(row);
    await release(failing);
    fails = false;
    const writing = account.flush();
    await vi.advanceTimersByTimeAsync(0);
    account.addPart(row);
    held.shift()?.();
    await release(writing);
    expect(written.map(({ rows }) => rows)).toEqual([4, 2]);
    await account.close();
  });

  it('counts the refusals of a caller who has too many, and nobody else', async () => {
    for (let at = 0; at < 1000; at++)
      log.add({ ...row, id: `q${at}`, sql: `SELECT ${at}`, error: 'UNKNOWN_TABLE' }, true);
    log.add({ ...row, id: 'bob', who: 'bob', error: 'UNKNOWN_TABLE' }, true);
    log.add({ ...row, id: 'read' }, true);
    await log.flush();
    expect(written.length).toBe(33);
    expect(written.map(({ id }) => id)).toEqual(expect.arrayContaining(['q0', 'q29', 'bob', 'read']));
    expect(written.find(({ id }) => id === 'q999')?.sql).toBe('970 more that failed, the last: SELECT 999');
    log.add({ ...row, id: 'later', error: 'NOT_ALLOWED' }, true);
    await vi.advanceTimersByTimeAsync(60_000);
    log.add({ ...row, id: 'next minute', error: 'NOT_ALLOWED' }, true);
    await log.flush();
    expect(written.slice(33).map(({ id, sql }) => [id, sql])).toEqual([
      ['later', '1 more that failed, the last: SELECT 1'],
      ['next minute', 'SELECT 1'],
    ]);
  });

  it('counts away no query that ran and failed: its error may say what it read', async () => {
    const codes = ['NOT_ALLOWED', 'BAD_QUERY', 'CANCELLED', 'LIMIT_EXCEEDED', 'DEADLINE', 'INTERNAL'];
    for (const error of codes) for (let at = 0; at < 40; at++) log.add({ ...row, id: `${error} ${at}`, error }, true);
    await log.flush();
    const rows = codes.map((code) => written.filter(({ id }) => id.startsWith(code)).length);
    expect(rows).toEqual([31, 40, 40, 40, 40, 40]);
  });

  it('counts away what was refused before it ran, whatever its code', async () => {
    for (let at = 0; at < 1000; at++) log.add({ ...row, id: `q${at}`, error: 'LIMIT_EXCEEDED' }, false);
    await log.flush();
    expect(written.length).toBe(31);
  });

  it('drops rows of who asks most, and nobody else’s', async () => {
    log.add({ ...row, id: 'kept', who: 'bob' }, true);
    for (let at = 0; at < 6000; at++) log.add({ ...row, id: `q${at}` }, true);
    expect(log.dropped).toBe(1001);
    await log.flush();
    expect(written.find(({ id }) => id === 'kept')).toBeDefined();
  });

  it('is bounded by row and by call, whatever a caller says of itself', async () => {
    const origin = JSON.stringify({ user: '"'.repeat(1_000_000) });
    for (let at = 0; at < 300; at++)
      log.add({ ...row, id: `q${at}`, sql: 'x'.repeat(9000), origin, error: 'y'.repeat(9000) }, true);
    const lengths: number[] = [];
    const { call } = engine;
    vi.spyOn(engine, 'call').mockImplementation((method, parameters) => {
      lengths.push(JSON.stringify(parameters).length);
      return call(method, parameters);
    });
    await log.flush();
    expect(written.length).toBe(300);
    expect(Math.max(...lengths)).toBeLessThan(2_000_000);
    expect(JSON.parse(written[0]?.origin ?? '')).toEqual({ cut: origin.slice(0, 1000) });
    expect(written[0]?.error?.length).toBe(2000);
  });

  it('cuts what a caller says once, though it has to be written twice', async () => {
    const origin = JSON.stringify({ user: '"'.repeat(5000) });
    works = false;
    log.add({ ...row, origin }, true);
    await vi.advanceTimersByTimeAsync(3000);
    works = true;
    await vi.advanceTimersByTimeAsync(1000);
    expect(JSON.parse(written[0]?.origin ?? '')).toEqual({ cut: origin.slice(0, 1000) });
  });

  it('keeps the newest rows and counts what it drops', async () => {
    for (let at = 0; at < 5002; at++) log.add({ ...row, id: `q${at}` }, true);
    expect(log.dropped).toBe(2);
    await log.flush();
    expect([written.length, written[0]?.id]).toEqual([5000, 'q2']);
  });

  it('keeps the beginning and the end of a long text', async () => {
    log.add({ ...row, sql: `SELECT 1,${' '.repeat(20_000)}* FROM kubearmor.alerts` }, true);
    log.add({ ...row, sql: `SELECT 2,${' '.repeat(20_000)}* FROM kubearmor.logs` }, true);
    await log.flush();
    expect(written.map(({ sql }) => sql)).toEqual([
      expect.stringMatching(/^SELECT 1, + … 10032 characters left out … +\* FROM kubearmor.alerts$/),
      expect.stringMatching(/^SELECT 2, .* FROM kubearmor.logs$/),
    ]);
  });

  it('writes parts less often, those of the same tail as one row', async () => {
    log.addPart({ ...row, rows: 1, bytes: 1, ms: 1 });
    log.addPart(row);
    log.addPart({ ...row, id: 'q2' });
    await vi.advanceTimersByTimeAsync(29_000);
    expect(written).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(written).toEqual([
      { ...row, rows: 3, bytes: 4, ms: 5 },
      { ...row, id: 'q2' },
    ]);
  });
});

describe('what other nodes ask', () => {
  const facts = { rows: 5, bytes: 7, ms: 1, slowed: false, facts: completeFacts, missingColumns: [] };

  it('is in the account with the node that asks, and what this node asks itself is not there twice', async () => {
    const fragments = accountedFragments({ run: () => Promise.resolve(facts) }, log, clock);
    await fragments.run(request, noChunks, signal);
    await fragments.run({ ...request, hub: 'q1' }, noChunks, signal);
    await log.flush();
    expect(written).toMatchObject([
      { id: 'q1', who: 'ann at q1', origin: '{"user":"ann"}', sql: 'SELECT a;\nSELECT b', fragments: 2, via: 'q1' },
    ]);
    expect(written).toMatchObject([{ rows: 5, bytes: 7, error: null }]);
  });

  it('is there with its error, too', async () => {
    const refuse = (): Promise<never> => Promise.reject(new ArmorlakeError('NOT_ALLOWED', 'No.'));
    const fragments = accountedFragments({ run: refuse }, log, clock);
    await expect(fragments.run({ ...request, hub: 'q1' }, noChunks, signal)).rejects.toThrow();
    await expect(fragments.run({ ...request, tail: 'no tail', hub: 'q2' }, noChunks, signal)).rejects.toThrow();
    await log.flush();
    expect(written).toMatchObject([
      { rows: 0, error: 'NOT_ALLOWED', via: 'q1' },
      { sql: 'tail no tail', error: 'NOT_ALLOWED', via: 'q2' },
    ]);
  });
});

it('has a tail as one row: its beginning, what it got, what ended it, and not that it waited', async () => {
  const selection = {
    id: 'tail 1',
    table: 'kubearmor.logs',
    filters: { where: 'pid = 1' },
    caller: { key: 'token ann', token: 'ann' },
  };
  const answers = [0, 2, 0];
  const next = (): Promise<{ schema: []; body: Buffer; rows: number; lastSeq: number }> => {
    const rows = answers.shift();
    if (rows === undefined) return Promise.reject(new ArmorlakeError('NOT_READY', 'It is not connected.'));
    return Promise.resolve({ schema: [], body: Buffer.alloc(10 * rows), rows, lastSeq: 9 });
  };
  const tails = accountedTails({ nodes: () => [], next }, log, clock);
  await tails.next('n1', selection, null, 0, signal);
  await tails.next('n1', selection, 7, 0, signal);
  await log.flush();
  const sql = 'tail {"table":"kubearmor.logs","filters":{"where":"pid = 1"}}';
  expect(written).toMatchObject([{ id: 'tail 1', who: 'ann', sql, rows: 2, bytes: 20, error: null, via: null }]);
  await tails.next('n1', selection, 9, 0, signal);
  await expect(tails.next('n1', selection, 9, 0, signal)).rejects.toThrow('not connected');
  await log.flush();
  expect(written).toHaveLength(1);
});
