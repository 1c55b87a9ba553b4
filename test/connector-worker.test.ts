import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ConnectorStatus, WorkerBatch, WorkerConfig } from '../backend/src/connectors/index.js';
import { ConnectorWorker, loadRedactionKey } from '../backend/src/connectors/index.js';
import { silentLogger } from '../backend/src/core/index.js';
import { hubConfig, testLimits } from './support/connector-lane.js';
import { logBytes, LogService } from './support/log-service.js';
import { readPackedRows } from './support/packed-rows.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const entry = new URL('../backend/dist/worker-main.js', import.meta.url);
const limits = { ...testLimits, logsCommitMs: 20, alertsCommitMs: 20 };

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'armorlake-worker-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

class Fixture {
  readonly batches: WorkerBatch[] = [];
  statuses: readonly ConnectorStatus[] = [];
  readonly worker: ConnectorWorker;

  /** @param commit what becomes of batches; null: they are not settled */
  constructor(config: Partial<WorkerConfig> = {}, commit: 'committed' | 'dropped' | null = 'committed', from = entry) {
    const { lost: _lost, ...rest } = hubConfig({ limits, ...config });
    this.worker = new ConnectorWorker({
      entry: from,
      config: rest,
      logger: silentLogger,
      onBatch: (batch) => {
        this.batches.push(batch);
        if (commit !== null) queueMicrotask(() => this.worker.settle(batch.id, commit));
      },
      onStatus: (connectors) => (this.statuses = connectors),
    });
    this.worker.start();
    cleanups.push(() => this.worker.stop());
  }

  rows() {
    return this.batches.flatMap(({ buffer }) => readPackedRows(buffer)).flatMap(({ rows }) => rows);
  }

  async untilRows(count: number): Promise<void> {
    await vi.waitFor(() => expect(this.batches.reduce((sum, { info }) => sum + info.rows, 0)).toBe(count), {
      timeout: 60_000,
      interval: 10,
    });
  }
}

function kubearmor(address: string) {
  return {
    name: 'ka',
    address,
    cluster: 'edge',
    tls: null,
    streams: ['logs'] as const,
    filters: { alerts: 'all', logs: 'all' } as const,
  };
}

async function streaming(fixture: Fixture): Promise<void> {
  await vi.waitFor(() => expect(fixture.statuses).toMatchObject([{ state: 'streaming' }]), {
    timeout: 60_000,
    interval: 10,
  });
}

describe('ConnectorWorker', () => {
  it('streams from a KubeArmor, and stops with nothing left behind', async () => {
    const service = await LogService.start();
    cleanups.push(() => service.close());
    const fixture = new Fixture({ kubearmor: [kubearmor(service.address)] });
    await streaming(fixture);
    for (let sent = 0; sent < 5000; sent++) service.last('logs').write(logBytes(`/file/${sent}`));
    await fixture.untilRows(5000);
    expect(fixture.rows().map(({ resource }) => resource)).toEqual(
      Array.from({ length: 5000 }, (_, sent) => `/file/${sent}`),
    );
    expect(fixture.rows()[0]).toMatchObject({ connector: 'ka', cluster: 'edge' });
    const ids = fixture.batches.map(({ id }) => id);
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    service.last('logs').write(logBytes('/last'));
    await vi.waitFor(() => expect(fixture.rows().at(-1)?.resource).toBe('/last'), { timeout: 60_000, interval: 10 });
    await fixture.worker.stop();
    expect(fixture.statuses).toMatchObject([{ state: 'stopped' }]);
    expect(() => fixture.worker.openIntake()).toThrow(expect.objectContaining({ code: 'NOT_READY' }));
  });

  it('answers an intake request after the commit of all its lines', async () => {
    const fixture = new Fixture({ limits: { ...limits, batchRows: 100 } }, null);
    const session = fixture.worker.openIntake();
    for (let chunk = 0; chunk < 5; chunk++) {
      const lines = Array.from({ length: 60 }, (_, line) => `{"Type":"HostLog","Resource":"${chunk}/${line}"}\n`);
      await session.write(Buffer.from(`${lines.join('')}nonsense\n`));
    }
    let answered = false;
    const result = session.finish().then((value) => {
      answered = true;
      return value;
    });
    await fixture.untilRows(300);
    expect(fixture.batches.length).toBeGreaterThan(2);
    for (const batch of fixture.batches.slice(1)) fixture.worker.settle(batch.id, 'committed');
    await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    fixture.worker.settle(fixture.batches[0]?.id ?? 0, 'committed');
    expect(await result).toMatchObject({ accepted: 300, rejected: 5 });
  });

  it('fails an intake request whose events were dropped', async () => {
    const fixture = new Fixture({}, 'dropped');
    const session = fixture.worker.openIntake();
    await session.write(Buffer.from('{"Type":"HostLog"}\n'));
    await expect(session.finish()).rejects.toMatchObject({ code: 'BUSY' });
  });

  it('holds an intake request back while its batches wait', async () => {
    const small = { ...limits, batchRows: 256, windowBytes: 200_000 };
    const fixture = new Fixture({ limits: small }, null);
    const session = fixture.worker.openIntake();
    const chunk = Buffer.from(`{"Type":"HostLog","Resource":"${'x'.repeat(500)}"}\n`.repeat(2000));
    let taken = false;
    const write = session.write(chunk).then(() => (taken = true));
    await vi.waitFor(() => expect(fixture.batches.length).toBeGreaterThan(0), { timeout: 60_000, interval: 5 });
    let settled = 0;
    while (!taken) {
      expect(fixture.batches.slice(settled).reduce((sum, { info }) => sum + info.bytes, 0)).toBeLessThan(600_000);
      for (; settled < fixture.batches.length; settled++) {
        fixture.worker.settle(fixture.batches[settled]?.id ?? 0, 'committed');
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await write;
    session.abort();
    await expect(session.finish()).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('starts a worker that died again, writes what that cost as a gap, and fails its requests', async () => {
    const service = await LogService.start();
    cleanups.push(() => service.close());
    const crashing = join(temporaryFolder(), 'crashing.mjs');
    writeFileSync(
      crashing,
      `import { parentPort } from 'node:worker_threads';
       await import(${JSON.stringify(entry.href)});
       parentPort.on('message', (message) => {
         if (message.type === 'intake' && Buffer.from(message.chunk).includes('crash')) throw new Error('crash');
       });`,
    );
    const before = Date.now() * 1000;
    const fixture = new Fixture({ kubearmor: [kubearmor(service.address)] }, 'committed', pathToFileURL(crashing));
    await streaming(fixture);
    service.last('logs').write(logBytes('before'));
    await fixture.untilRows(1);
    const session = fixture.worker.openIntake();
    await expect(session.write(Buffer.from('crash\n'))).rejects.toMatchObject({ code: 'NOT_READY' });
    await vi.waitFor(() => expect(service.watches).toHaveLength(2), { timeout: 60_000, interval: 10 });
    expect(fixture.worker.restarts).toBe(1);
    service.last('logs').write(logBytes('after'));
    await vi.waitFor(() => expect(fixture.rows().map(({ resource }) => resource)).toEqual(['before', 'after']), {
      timeout: 60_000,
      interval: 10,
    });
    const gaps = fixture.batches.flatMap(({ info }) => info.gaps);
    expect(gaps).toMatchObject([{ connector: 'ka', stream: 'logs', cause: 'worker' }]);
    expect(gaps[0]?.fromMicros).toBeGreaterThanOrEqual(before);
    expect(new Set(fixture.batches.map(({ id }) => id)).size).toBe(fixture.batches.length);
    const again = fixture.worker.openIntake();
    await again.write(Buffer.from('{"Type":"HostLog"}'));
    expect(await again.finish()).toMatchObject({ accepted: 1 });
  });
});

describe('loadRedactionKey', () => {
  it('makes a key once, readable by its owner only', async () => {
    const folder = temporaryFolder();
    const warnings: string[] = [];
    const load = (): Uint8Array => loadRedactionKey(folder, (sentence) => warnings.push(sentence));
    const key = load();
    expect(key).toHaveLength(32);
    expect(load()).toEqual(key);
    expect(warnings).toEqual([]);
    const path = join(folder, 'redaction.key');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(new Uint8Array(await readFile(path))).toEqual(key);
    await writeFile(path, 'short');
    expect(load()).toHaveLength(32);
    expect(warnings).toEqual([expect.stringMatching(/redaction\.key\.damaged was put aside: it holds 5 bytes/)]);
    await writeFile(join(folder, 'lake.json'), '{}');
    await rm(path);
    expect(load()).toHaveLength(32);
    expect(warnings.at(-1)).toMatch(/a new one was made/);
  });
});
