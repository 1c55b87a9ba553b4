import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, BenchOptions, Figure } from './bench.js';
import { NodeProcess, SimulatorProcess } from './processes.js';

const MIB = 2 ** 20;
const LIMIT_BYTES = 384 * MIB;
const DAY_SECONDS = 86_400;

/** A memory cgroup (version 1 or 2) for the node; null where this user may not make one. */
class MemoryGroup {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  static create(bytes: number): MemoryGroup | null {
    for (const [root, limit] of [
      ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
      ['/sys/fs/cgroup', 'memory.max'],
    ] as const) {
      const path = join(root, `armorlake-bench-${process.pid}`);
      try {
        mkdirSync(path);
        try {
          writeFileSync(join(path, limit), String(bytes));
          return new MemoryGroup(path);
        } catch {
          rmdirSync(path);
        }
      } catch {
        // Not allowed, or another version.
      }
    }
    return null;
  }

  /** Runs what follows inside. */
  get wrapper(): readonly string[] {
    return ['/bin/sh', '-c', `echo $$ > '${this.#path}/cgroup.procs' && exec "$@"`, 'sh'];
  }

  /** Processes killed for want of memory. */
  get killed(): number {
    for (const file of ['memory.oom_control', 'memory.events']) {
      try {
        return Number(/^oom_kill (\d+)/m.exec(readFileSync(join(this.#path, file), 'utf8'))?.[1] ?? 0);
      } catch {
        // The other version.
      }
    }
    return 0;
  }

  close(): void {
    rmdirSync(this.#path);
  }
}

async function withNode<Result>(
  data: string,
  rate: number,
  wrapper: readonly string[],
  task: (node: NodeProcess) => Promise<Result>,
): Promise<Result> {
  const simulator = await SimulatorProcess.start('--rate', String(rate));
  try {
    const node = await NodeProcess.start(data, ['--profile', 'edge', '--kubearmor', simulator.address], wrapper);
    try {
      return await task(node);
    } finally {
      await node.end();
    }
  } finally {
    await simulator.end();
  }
}

/** The most memory all processes have at 50 events/s, while one query after the other runs. */
async function memory(data: string, seconds: number): Promise<readonly Figure[]> {
  const group = MemoryGroup.create(LIMIT_BYTES);
  try {
    const { most, parts } = await withNode(data, 50, group?.wrapper ?? [], async (node) => {
      let most = 0;
      let parts = '';
      const until = performance.now() + seconds * 1000;
      while (performance.now() < until) {
        const query = node.query(
          "SELECT workload, process, resource, count(*), max(time) FROM kubearmor.events WHERE resource LIKE '%a%' GROUP BY ALL ORDER BY 4 DESC LIMIT 100",
        );
        const rss = node.group.rssBytes();
        if (rss > most) parts = `engine ${Math.round((rss - node.group.rssOf(node.group.pid)) / MIB)}`;
        most = Math.max(most, rss);
        await query;
        await delay(200);
      }
      return { most, parts };
    });
    const note =
      group === null
        ? `${parts}; no cgroup could be made here`
        : `${parts}; inside a cgroup of 384 MiB, ${group.killed} processes killed`;
    return [
      {
        what: 'edge: RSS of all processes, 50 events/s, queries running',
        value: most / MIB,
        unit: 'MiB',
        bar: { atMost: 320 },
        note,
      },
    ];
  } finally {
    group?.close();
  }
}

/** Bytes written for each event, WAL and checkpoints together, while many come. */
async function loadedBytes(data: string, seconds: number): Promise<number> {
  return withNode(data, 1000, [], async (node) => {
    await delay(seconds * 1000);
    return node.group.writtenBytes() / (await node.storedEvents());
  });
}

async function quiet(data: string, seconds: number): Promise<readonly Figure[]> {
  return withNode(data, 20, [], async (node) => {
    // What a start costs is not of interest.
    await delay(5000);
    const [cpu, written, began] = [node.group.cpuMicros(), node.group.writtenBytes(), performance.now()];
    await delay(seconds * 1000);
    const took = (performance.now() - began) / 1000;
    const share = (node.group.cpuMicros() - cpu) / 1e6 / took;
    const bytes = (node.group.writtenBytes() - written) / took;
    return [
      { what: 'edge: share of a core at 20 events/s', value: share * 100, unit: '%', bar: { atMost: 5 } },
      {
        what: 'edge: written to disk in a day at 20 events/s',
        value: (bytes * DAY_SECONDS) / 1e6,
        unit: 'MB',
        bar: { atMost: 1000 },
        note: `extrapolated from ${Math.round(took)} s: ${Math.round(bytes / 20)} B an event of commits, checkpoints not counted`,
      },
    ];
  });
}

async function run({ folder, seconds, say }: BenchOptions): Promise<readonly Figure[]> {
  say('profile edge: memory');
  const figures = await memory(join(folder, 'memory'), Math.min(seconds, 30));
  say('profile edge: bytes written under load');
  const data = join(folder, 'loaded');
  const loaded = await loadedBytes(data, Math.min(seconds, 40));
  say('profile edge: CPU and bytes written at rest');
  return [
    ...figures,
    // On a lake that holds rows already: an empty one costs less for a while.
    ...(await quiet(data, Math.min(seconds, 40))),
    { what: 'edge: written to disk at 1,000 events/s', value: loaded, unit: 'B/event', note: 'WAL and checkpoints' },
  ];
}

export const edgeBench: Bench = { name: 'edge', what: 'profile edge on a small host', run };
