import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { Workplace } from './cli-support.js';
import { ask, joinAddress, membersAlive, startQueryNode } from './support/federation-nodes.js';
import { TestNode } from './support/node-process.js';

const long = Boolean(process.env['ARMORLAKE_TEST_LONG']);
const queries = Number(process.env['ARMORLAKE_SOAK_QUERIES'] ?? 20_000);
const lanes = 4;
const MiB = 2 ** 20;
/** Of each engine's process, whatever was asked of it before: docs/operate.md says so. */
const CEILING = 384 * MiB;

const cases = fileURLToPath(new URL('./data/cases/query/', import.meta.url));
const edges = ['edge-a', 'edge-b', 'edge-c'];

/** Resident bytes of the engines that a node has started, by their entry. */
function engineBytes(node: TestNode): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const entry = /(merge|engine)-main\.js/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[0];
      if (entry === undefined || /^PPid:\s+(\d+)$/m.exec(status)?.[1] !== String(node.running.pid)) continue;
      found.set(entry, Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024);
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

/** Three fragments or so each; no two are alike, so that none is planned before. */
function sqlOf(index: number): string {
  const tables = ['kubearmor.alerts', 'kubearmor.logs', 'kubearmor.events'];
  const table = tables[index % tables.length] ?? '';
  return [
    `SELECT host, count(*) AS n FROM ${table} WHERE ppid <> ${index} GROUP BY 1 ORDER BY 1`,
    `SELECT host, ppid FROM ${table} WHERE pid <> ${index} ORDER BY ppid LIMIT 3`,
    `SELECT host, stddev(pid), count(DISTINCT ppid) FROM ${table} WHERE ppid <> ${index} GROUP BY 1 ORDER BY 1`,
    `SELECT count(*) FROM ${table} WHERE pid <> ${index} AND ppid < (SELECT max(ppid) FROM kubearmor.alerts WHERE pid <> ${index})`,
  ][index % 4] as string;
}

const place = new Workplace();
afterAll(() => place.close());

it.skipIf(!long || process.platform !== 'linux')(
  `engines stay below ${CEILING / MiB} MiB over ${queries} queries of three edges`,
  { timeout: 7_200_000 },
  async () => {
    const query = await startQueryNode(place);
    const hub = await joinAddress(query);
    const nodes: TestNode[] = [];
    for (const name of edges) {
      const edge = await TestNode.start(place, { data: name, args: ['--join', hub] });
      await edge.post(readFileSync(`${cases}${name}.ndjson`, 'utf8'));
      nodes.push(edge);
    }
    await membersAlive(query, ...edges);
    const most = new Map<string, number>();
    const failed: string[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < queries) {
        const index = next++;
        const sql = sqlOf(index);
        const { status, coverage, error } = await ask(query, { sql });
        if (status !== 200 || coverage.failed > 0) failed.push(`${sql}: ${JSON.stringify(error ?? coverage)}`);
        if (index % 500 !== 0) continue;
        for (const node of [query, ...nodes]) {
          for (const [entry, bytes] of engineBytes(node)) most.set(entry, Math.max(most.get(entry) ?? 0, bytes));
        }
        if (process.env['ARMORLAKE_SOAK_REPORT']) {
          const told = [...engineBytes(query)].map(([entry, bytes]) => `${entry} ${Math.round(bytes / MiB)} MiB`);
          process.stdout.write(`${index}: ${told.join(', ')}\n`);
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    expect(failed).toEqual([]);
    expect((await query.status()).engine.restarts).toBe(0);
    expect(most.get('merge-main.js')).toBeGreaterThan(0);
    for (const [entry, bytes] of most) expect({ entry, below: bytes < CEILING }).toEqual({ entry, below: true });
  },
);
