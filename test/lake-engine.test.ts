import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../backend/src/core/index.js';
import type { EngineSupervisor } from '../backend/src/engine/index.js';
import { codeRangeBytes, untouchedBytes } from '../backend/src/engine/launch.js';
import type { QueuedBatch } from '../backend/src/lake/index.js';
import { IngestQueue, kubearmorAlerts, kubearmorLogs } from '../backend/src/lake/index.js';
import { DataFolder, packRows, plainRows, startEngine } from './support/lake-fixture.js';

const linux = process.platform === 'linux';

interface Info {
  readonly lastSeq: number;
  readonly lastBatch: number;
  readonly pid: number;
  readonly rows: Readonly<Record<string, number>>;
}

async function infoOf(engine: EngineSupervisor): Promise<Info> {
  return (await engine.call('info', {})) as Info;
}

/** The rows of a query, as the engine streams them. */
async function rowsOf(engine: EngineSupervisor, sql: string): Promise<unknown[][]> {
  const { chunks } = await engine.stream('query', {
    sql,
    queryId: 'test',
    limits: { rows: 1_000_000, bytes: 1 << 28, timeoutMs: 30_000 },
  });
  const pieces: Uint8Array[] = [];
  for await (const chunk of chunks) pieces.push(chunk);
  return JSON.parse(`[${Buffer.concat(pieces).toString('utf8')}]`) as unknown[][];
}

function restarted(engine: EngineSupervisor): Promise<void> {
  return new Promise((resolve) => engine.onRestart(resolve));
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // An orphan that has ended may wait for its new parent to notice.
    return !linux || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function until(condition: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** mulberry32 */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function queued(rows: number, priority: QueuedBatch['priority'] = 'other'): QueuedBatch {
  const table = priority === 'alerts' ? kubearmorAlerts : kubearmorLogs;
  const { buffer } = packRows(table, rows, plainRows(1_700_000_000_000_000));
  const ledger = { connector: 'c1', stream: table.name, received: rows, stored: rows, deadLettered: 0, dropped: 0 };
  return { buffer, priority, rows, ledger: [{ ...ledger, reason: null }], gaps: [] };
}

function queueFor(engine: EngineSupervisor, maxBytes = 1 << 28): IngestQueue {
  const queue = new IngestQueue({ engine, maxBytes, logger: silentLogger });
  engine.onRestart(() => queue.engineRestarted());
  return queue;
}

describe('the lake engine', () => {
  it.each([1, 2, 3])('loses and doubles nothing when it is killed at random moments (seed %i)', async (seed) => {
    using folder = new DataFolder();
    const next = random(seed);
    // Checkpoints at a small WAL, so that kills hit them too.
    const engine = await startEngine(folder, { checkpointWalBytes: 4 << 20 });
    const queue = queueFor(engine);
    queue.start((await infoOf(engine)).lastBatch);
    let pushed = 0;
    const outcomes: Promise<string>[] = [];
    for (let kill = 0; kill < 5; kill++) {
      const back = restarted(engine);
      for (let batch = 0; batch < 8; batch++) {
        const rows = 1 + Math.floor(next() * 3000);
        pushed += rows;
        outcomes.push(queue.push(queued(rows, next() < 0.3 ? 'alerts' : 'other')));
      }
      await new Promise((resolve) => setTimeout(resolve, next() * 150));
      if (engine.pid !== undefined) process.kill(engine.pid, 'SIGKILL');
      await back;
    }
    await queue.drain(AbortSignal.timeout(30_000));
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['committed']));
    const [[count, distinct, low, high]] = (await rowsOf(
      engine,
      'SELECT count(*), count(DISTINCT seq), min(seq), max(seq) FROM kubearmor.events',
    )) as [number[]];
    expect([count, distinct, low, high]).toEqual([pushed, pushed, 1, pushed]);
    expect(
      await rowsOf(
        engine,
        'SELECT sum(received)::BIGINT, sum(stored)::BIGINT, sum(dropped)::BIGINT FROM armorlake.ledger',
      ),
    ).toEqual([[pushed, pushed, 0]]);
    expect(await rowsOf(engine, 'SELECT count(*) FROM armorlake.gaps')).toEqual([[0]]);
    expect(engine.restarts).toBe(5);
    await queue.close();
    await engine.close();
  });

  it('comes back at once, and rejects what was in flight with NOT_READY', async () => {
    using folder = new DataFolder();
    const begun = performance.now();
    const engine = await startEngine(folder);
    const startMs = performance.now() - begun;
    const back = restarted(engine);
    const { pid } = await infoOf(engine);
    expect(engine.pid).toBe(pid);
    const inFlight = engine.call('append', { batch: 1 }, { bulk: queued(100_000).buffer });
    const started = performance.now();
    process.kill(pid, 'SIGKILL');
    await expect(inFlight).rejects.toMatchObject({ code: 'NOT_READY' });
    await back;
    // A restart is a start, not a start after a pause; by how much the machine is busy changes meanwhile.
    expect(performance.now() - started).toBeLessThan(10 * startMs);
    expect((await infoOf(engine)).pid).not.toBe(pid);
    await engine.close();
    expect(alive(pid)).toBe(false);
  });

  it('ends with its parent, which writes a crash gap at the next start', async () => {
    using folder = new DataFolder();
    const parent = spawn(
      process.execPath,
      ['--import', 'tsx', fileURLToPath(new URL('support/engine-parent.ts', import.meta.url)), folder.path],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const enginePid = Number(await firstLine(parent));
    expect(alive(enginePid)).toBe(true);
    parent.kill('SIGKILL');
    await until(() => !alive(enginePid), 60_000);
    const engine = await startEngine(folder);
    expect(await rowsOf(engine, 'SELECT connector, stream, cause, to_time >= from_time FROM armorlake.gaps')).toEqual([
      ['*', '*', 'crash', true],
    ]);
    expect((await infoOf(engine)).lastSeq).toBe(100);
    await engine.close();
  });

  it('names the process that holds the lake', async () => {
    using folder = new DataFolder();
    const first = await startEngine(folder);
    const started = performance.now();
    await expect(startEngine(folder)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(`process ${first.pid}`) as string,
    });
    expect(performance.now() - started).toBeGreaterThan(4900);
    await first.close();
  });

  it.runIf(linux)('survives a statement that ignores its memory limit, and the queue goes on', async () => {
    using folder = new DataFolder();
    // tsx has a worker thread, which needs as much room for code again.
    const dataLimitBytes = (700 << 20) + codeRangeBytes();
    const engine = await startEngine(
      folder,
      { memoryLimitBytes: 200 << 20 },
      {
        entry: fileURLToPath(new URL('support/raw-engine.ts', import.meta.url)),
        nodeArguments: ['--import', 'tsx'],
        dataLimitBytes,
      },
    );
    const queue = queueFor(engine);
    queue.start(0);
    await queue.push(queued(1000));
    const { pid } = await infoOf(engine);
    const limit = Number(/Max data size\s+(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1]);
    const untouched = untouchedBytes({ entry: '', dataLimitBytes, poolThreads: 8, threads: folder.settings().threads });
    expect(limit - dataLimitBytes).toBeLessThanOrEqual(untouched + 1024);
    expect(limit).toBeGreaterThanOrEqual(dataLimitBytes);
    await expect(engine.call('raw', 'SELECT len(range(150000000))')).rejects.toMatchObject({
      code: expect.stringMatching(/INTERNAL|NOT_READY/) as string,
    });
    expect(await queue.push(queued(1000))).toBe('committed');
    expect((await infoOf(engine)).rows['kubearmor.logs']).toBe(2000);
    await queue.close();
    await engine.close();
  });

  it('answers pings and queries while it appends and checkpoints', async () => {
    using folder = new DataFolder();
    const engine = await startEngine(folder, { checkpointWalBytes: 4 << 20 });
    const queue = queueFor(engine);
    queue.start(0);
    const pushes = Array.from({ length: 30 }, () => queue.push(queued(4000)));
    let longest = 0;
    let done = false;
    const begun = performance.now();
    const all = Promise.all(pushes).then(() => (done = true));
    while (!done) {
      const started = performance.now();
      await engine.call('ping', {});
      longest = Math.max(longest, performance.now() - started);
      await rowsOf(engine, 'SELECT count(*) FROM kubearmor.logs');
    }
    await all;
    // Appends and checkpoints leave room: the loop is never away for a large part of the time.
    expect(longest).toBeLessThan((performance.now() - begun) / 2);
    expect((await infoOf(engine)).rows['kubearmor.logs']).toBe(120_000);
    await queue.close();
    await engine.close();
    expect(existsSync(folder.file('lake.duckdb.wal'))).toBe(false);
  });
});

describe('the ingest queue', () => {
  it('drops logs before alerts, oldest first, and the account says so', async () => {
    using folder = new DataFolder();
    const engine = await startEngine(folder);
    const sizes = queued(1000).buffer.byteLength;
    const queue = queueFor(engine, sizes * 4);
    // Not started yet: everything waits.
    const outcomes = [
      queue.push(queued(1000)),
      queue.push(queued(1000, 'alerts')),
      queue.push(queued(999)),
      queue.push(queued(1000, 'alerts')),
      queue.push(queued(998)),
      queue.push(queued(997)),
    ];
    queue.start((await infoOf(engine)).lastBatch);
    await queue.drain(AbortSignal.timeout(20_000));
    const settled = await Promise.all(outcomes);
    expect(settled.filter((outcome) => outcome === 'committed').length).toBeGreaterThanOrEqual(3);
    expect([settled[1], settled[3]]).toEqual(['committed', 'committed']);
    expect(settled[0]).toBe('dropped');
    const [[received, stored, dropped]] = (await rowsOf(
      engine,
      'SELECT sum(received)::BIGINT, sum(stored)::BIGINT, sum(dropped)::BIGINT FROM armorlake.ledger',
    )) as [number[]];
    expect(received).toBe(5994);
    expect((stored ?? 0) + (dropped ?? 0)).toBe(5994);
    expect(queue.figures().droppedEvents).toBe(dropped);
    expect(await rowsOf(engine, 'SELECT DISTINCT reason FROM armorlake.ledger WHERE dropped > 0')).toEqual([
      ['queue_full'],
    ]);
    await queue.close();
    await engine.close();
  });

  it('waits out a full disk: drops are in the ledger, a gap row stands for the time', async () => {
    using folder = new DataFolder();
    // More is to be left free than any disk has.
    const full = await startEngine(folder, { minFreeBytes: 2 ** 60 });
    const queue = queueFor(full, 1);
    queue.start(0);
    const first = queue.push(queued(10));
    await until(() => queue.figures().diskFull, 60_000);
    expect(queue.refusal()?.code).toBe('DISK_FULL');
    const second = queue.push(queued(20));
    expect(await first).toBe('dropped');
    await queue.close();
    expect(await second).toBe('dropped');
    await full.close();
    const engine = await startEngine(folder);
    expect((await infoOf(engine)).rows['kubearmor.logs']).toBe(0);
    await engine.close();
  });
});

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.setEncoding('utf8');
    child.stdout?.on('data', (piece: string) => {
      text += piece;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.once('exit', () => reject(new Error(`the parent ended: ${text}`)));
  });
}
