import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Workplace, run } from './cli-support.js';
import { expectBalanced, expectContiguous, identities, identityOf } from './support/account.js';
import { canMount, mountSmallDisk } from './support/small-disk.js';
import { TestKubeArmor, TestNode, until } from './support/node-process.js';
import { stuck } from './support/stuck.js';

const MIB = 1 << 20;
// Whole nodes, on machines that do other things too.
vi.setConfig({ testTimeout: 300_000 });
const linux = process.platform === 'linux';

let place: Workplace;
const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await place.close();
});

async function startKubeArmor(input: Parameters<typeof TestKubeArmor.start>[1]): Promise<TestKubeArmor> {
  const kubearmor = await TestKubeArmor.start(place, input);
  cleanups.push(() => kubearmor.close());
  return kubearmor;
}

/** Every event handed over is stored, once. */
async function expectAllStored(node: TestNode, kubearmor: TestKubeArmor): Promise<void> {
  const truth = await kubearmor.truth();
  let received = 0;
  await until(
    async () => (received = await node.received()) === truth.length,
    () => `${received} of ${truth.length} events are received`,
  );
  expect([...(await identities(node)).values()].sort()).toEqual(truth.map(identityOf).sort());
  await expectContiguous(node);
  await expectBalanced(node);
}

/** Resident memory of a process in bytes. */
function rssOf(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1024;
}

describe('SQL that costs the engine', () => {
  it('is refused in the end, and ingest goes on with nothing lost', async () => {
    const kubearmor = await startKubeArmor({ rate: 1500, seed: 31, lossless: true });
    const node = await TestNode.start(place, { args: ['--kubearmor', kubearmor.address] });
    await until(async () => (await node.count('kubearmor.events')) > 300, 'events');
    for (const restarts of [1, 2]) {
      expect(await node.query(stuck, { timeoutMs: 1500 })).toMatchObject({ status: 504, error: { code: 'DEADLINE' } });
      await until(async () => {
        const { engine } = await node.status();
        return engine.state === 'ready' && engine.restarts === restarts;
      }, `restart ${restarts}`);
    }
    expect(await node.query(stuck)).toMatchObject({ status: 400, error: { code: 'NOT_ALLOWED' } });
    const before = await node.count('kubearmor.events');
    await until(async () => (await node.count('kubearmor.events')) > before + 300, 'ingest goes on');
    kubearmor.pause();
    await expectAllStored(node, kubearmor);
    expect(await node.rows('FROM armorlake.gaps')).toEqual([]);
  });

  it.each([
    ['a cross product', 'SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c'],
    ['a large list', 'SELECT len(list(a)) FROM (SELECT a FROM range(1000000000) t(a))'],
    ['a large text', "SELECT length(string_agg(repeat('x', 1000), '')) FROM range(100000000)"],
    ['a large sort', 'SELECT * FROM range(2000000000) t(a) ORDER BY hash(a) DESC LIMIT 900000'],
    [
      'recursion without end',
      'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r',
    ],
  ])('%s ends with an error in time, and the node lives', async (_name, sql) => {
    const node = await TestNode.start(place, { args: ['--profile', 'edge'] });
    const started = performance.now();
    const answer = await node.query(sql, { timeoutMs: 2000 });
    expect(answer.status, JSON.stringify(answer)).toBeGreaterThanOrEqual(400);
    expect(answer.error?.code).toMatch(/^(DEADLINE|LIMIT_EXCEEDED|NOT_ALLOWED|NOT_READY|INTERNAL|BAD_QUERY)$/);
    expect(performance.now() - started).toBeLessThan(10_000);
    await until(async () => (await node.query('SELECT 1')).status === 200, 'it answers again');
  });
});

describe.runIf(linux)('an engine that does not move (SIGSTOP; needs Linux)', () => {
  it('costs logs before alerts, all in the ledger, and no more memory than the bound', async () => {
    const queueBytes = 4 * MIB;
    const kubearmor = await startKubeArmor({ rate: 2500, seed: 32, lossless: true });
    const node = await TestNode.start(place, {
      args: ['--kubearmor', kubearmor.address],
      environment: { ARMORLAKE_LIMITS_INGEST_QUEUE: String(queueBytes) },
    });
    await until(async () => (await node.count('kubearmor.events')) > 1000, 'events');
    const engine = await node.enginePid();
    const { pid } = node.running;
    const before = rssOf(pid);
    const sentBefore = kubearmor.sent;
    process.kill(engine, 'SIGSTOP');
    cleanups.push(() => process.kill(engine, 'SIGCONT'));
    let most = 0;
    await until(() => {
      most = Math.max(most, rssOf(pid));
      return kubearmor.sent > sentBefore + 8_000;
    }, 'much more is sent than the queue holds');
    // The doors that need no engine answer meanwhile.
    for (const path of ['/healthz', '/metrics', '/api/v1/status']) {
      const response = await fetch(`${node.url}${path}`, { signal: AbortSignal.timeout(8000) });
      expect([path, response.status]).toEqual([path, 200]);
    }
    process.kill(engine, 'SIGCONT');
    cleanups.pop();
    expect(most - before).toBeLessThan(150 * MIB);
    const stored = await node.count('kubearmor.events');
    await until(async () => (await node.count('kubearmor.events')) > stored + 1000, 'events are stored again');
    kubearmor.pause();
    const truth = await kubearmor.truth();
    await until(async () => (await node.received()) === truth.length, 'all are accounted for');
    const [drops] = await node.rows(
      "SELECT sum(dropped) FILTER (stream = 'logs')::BIGINT AS logs, coalesce(sum(dropped) FILTER (stream = 'alerts'), 0)::BIGINT AS alerts FROM armorlake.ledger",
    );
    expect(drops?.alerts).toBe(0);
    expect(Number(drops?.logs)).toBeGreaterThan(1000);
    expect(await node.rows('SELECT DISTINCT reason FROM armorlake.ledger WHERE dropped > 0')).toEqual([
      { reason: 'queue_full' },
    ]);
    const kept = [...(await identities(node)).values()];
    expect(kept.length).toBe(truth.length - Number(drops?.logs));
    const alerts = truth.filter(({ stream }) => stream === 'alerts').map(identityOf);
    expect(kept.filter((identity) => identity.startsWith('alerts')).sort()).toEqual(alerts.sort());
    await expectContiguous(node);
    await expectBalanced(node);
    expect((await node.status()).engine.restarts).toBe(0);
  });
});

describe.skipIf(!canMount())('a full disk (needs root on Linux, to mount a small one)', () => {
  const line = (name: string): string => JSON.stringify({ Type: 'HostLog', Operation: 'File', Cwd: name });

  async function nodeOnSmallDisk(free: string): Promise<{ node: TestNode; kubearmor: TestKubeArmor; disk: string }> {
    const disk = place.path('disk');
    const unmount = mountSmallDisk(disk, 96 * MIB);
    expect(unmount).not.toBeNull();
    const kubearmor = await startKubeArmor({ rate: 400, seed: 33, lossless: true });
    const node = await TestNode.start(place, {
      data: 'disk/lake',
      args: ['--kubearmor', kubearmor.address],
      environment: { ARMORLAKE_RETENTION_FREE: free, ARMORLAKE_LIMITS_ENGINE_CHECKPOINT: '1MiB' },
    });
    cleanups.push(async () => {
      node.running.kill('SIGKILL');
      await node.running.finished;
      unmount?.();
    });
    return { node, kubearmor, disk };
  }

  /** Leaves so many bytes of the disk; what the node writes meanwhile may leave less. */
  function fill(disk: string, leave: number): void {
    const { bavail, bsize } = statfsSync(disk);
    try {
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(Math.max(0, bavail * bsize - leave), 1));
    } catch (thrown) {
      if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC')) throw thrown;
    }
  }

  async function expectFullThenRecovered(leave: number, free: string): Promise<void> {
    const { node, kubearmor, disk } = await nodeOnSmallDisk(free);
    await until(async () => (await node.count('kubearmor.events')) > 100, 'events');
    expect((await node.post(line('before'))).status).toBe(200);
    fill(disk, leave);
    await until(async () => (await node.status()).ingest.diskFull, 'the node says that the disk is full');
    await until(async () => (await fetch(`${node.url}/readyz`)).status === 503, 'it is not ready');
    expect(await node.post(line('refused'))).toMatchObject({ status: 503, body: { error: { code: 'DISK_FULL' } } });
    const status = await run(['status', '--url', node.url], { cwd: place.folder });
    expect(`${status.out}${status.err}`).toMatch(/disk.*full/);
    rmSync(join(disk, 'ballast'));
    await until(async () => !(await node.status()).ingest.diskFull, 'it recovers by itself', 60_000);
    await until(async () => (await fetch(`${node.url}/readyz`)).status === 200, 'it is ready again');
    expect((await node.post(line('after'))).status).toBe(200);
    kubearmor.pause();
    const truth = await kubearmor.truth();
    const own = "armorlake.ledger WHERE connector = 'kubearmor'";
    await until(async () => {
      const [row] = await node.rows(`SELECT coalesce(sum(received), 0)::BIGINT AS received FROM ${own}`);
      return row?.received === truth.length;
    }, 'every event is accounted for');
    await expectContiguous(node);
    await expectBalanced(node);
    const posted = await node.rows("SELECT cwd FROM kubearmor.logs WHERE connector = 'posted' ORDER BY seq");
    expect(posted).toEqual([{ cwd: 'before' }, { cwd: 'after' }]);
    node.running.kill('SIGTERM');
    expect(await node.running.finished).toMatchObject({ code: 0 });
    const again = await TestNode.start(place, {
      data: 'disk/lake',
      environment: { ARMORLAKE_RETENTION_FREE: free, ARMORLAKE_LIMITS_ENGINE_CHECKPOINT: '1MiB' },
    });
    await expectContiguous(again);
    await expectBalanced(again);
    expect(await again.rows("FROM armorlake.gaps WHERE cause IN ('crash', 'wal', 'file')")).toEqual([]);
    again.running.kill('SIGTERM');
    await again.running.finished;
  }

  it('below the reserve is said, refuses what can wait, and recovers with a balanced account', async () => {
    await expectFullThenRecovered(8 * MIB, '16MiB');
  });

  it('to the last byte is said, refuses what can wait, and recovers with a balanced account', async () => {
    await expectFullThenRecovered(0, '9MiB');
  });
});
