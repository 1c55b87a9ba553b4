import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { profileLimits } from '../backend/src/config/index.js';
import type { Bench, BenchOptions, Figure } from './bench.js';
import { median } from './bench.js';
import { NodeProcess, statusBytes } from './processes.js';
import { fillLake, settingsOf } from './sample.js';

const TIMES = 15;
const MIB = 2 ** 20;

/** The end of the sample's last whole hour. */
const hourOf = "(SELECT max(time) - INTERVAL '1 hour' FROM kubearmor.logs)";

const statements: Readonly<Record<string, string>> = {
  count: 'SELECT count(*) FROM kubearmor.events',
  'group by': 'SELECT namespace, operation, outcome, count(*) FROM kubearmor.logs GROUP BY ALL ORDER BY 4 DESC',
  '1-minute series over 1 h': `SELECT time_bucket(INTERVAL '1 minute', time) AS minute, operation, count(*) FROM kubearmor.logs WHERE time >= ${hourOf} GROUP BY ALL ORDER BY 1, 2`,
  'top 20':
    'SELECT process, count(*) AS events, max(time) AS last FROM kubearmor.logs GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20',
  'LIKE + latest 100':
    "SELECT time, host, pod, process, resource FROM kubearmor.logs WHERE resource LIKE '%passwd%' ORDER BY time DESC LIMIT 100",
  distinct: 'SELECT DISTINCT namespace, workload, process FROM kubearmor.logs ORDER BY ALL',
};

interface Compared {
  readonly node: number;
  readonly direct: number;
}

/** Median ms of both ways, asked in turn. */
async function compare(node: NodeProcess, connection: DuckDBConnection, sql: string): Promise<Compared> {
  const times: { node: number[]; direct: number[] } = { node: [], direct: [] };
  for (let time = 0; time < TIMES + 2; time++) {
    const began = performance.now();
    const answer = await node.query(sql);
    const between = performance.now();
    const rows = (await connection.runAndReadAll(sql)).getRowsJS();
    const ended = performance.now();
    if (rows.length !== answer.rows.length)
      throw new Error(`${sql}: ${answer.rows.length} rows, DuckDB ${rows.length}`);
    // The first two warm both up.
    if (time < 2) continue;
    times.node.push(between - began);
    times.direct.push(ended - between);
  }
  return { node: median(times.node), direct: median(times.direct) };
}

async function starts(data: string): Promise<number> {
  const times: number[] = [];
  for (let time = 0; time < 3; time++) {
    const node = await NodeProcess.start(data, []);
    times.push(node.startMs);
    await node.end();
  }
  return median(times);
}

async function run({ folder, events, say }: BenchOptions): Promise<readonly Figure[]> {
  say(`a lake of ${events} events`);
  const data = join(folder, 'lake');
  await fillLake(settingsOf(data), events);
  mkdirSync(join(folder, 'copy'));
  copyFileSync(join(data, 'lake.duckdb'), join(folder, 'copy', 'lake.duckdb'));
  const { engine } = profileLimits('server');
  const limits = { threads: String(engine.threads), memory_limit: `${Math.floor(engine.memoryBytes / 1024)}KiB` };
  const figures: Figure[] = [
    { what: `start to ready with ${events} events`, value: await starts(data), unit: 'ms', bar: { atMost: 2000 } },
  ];
  say('queries');
  const instance = await DuckDBInstance.create(join(folder, 'copy', 'lake.duckdb'), {
    ...limits,
    access_mode: 'READ_ONLY',
  });
  const connection = await instance.connect();
  const node = await NodeProcess.start(data, []);
  try {
    for (const [what, sql] of Object.entries(statements)) {
      const { node: ours, direct } = await compare(node, connection, sql);
      const bar = { atMost: direct * 1.5 + 5 };
      figures.push({
        what: `query: ${what}`,
        value: ours,
        unit: 'ms',
        bar,
        baseline: { what: 'DuckDB called directly', value: direct },
      });
    }
    figures.push(
      {
        what: 'RSS of the API process, at most',
        value: statusBytes(node.group.pid, 'VmHWM') / 1e6,
        unit: 'MB',
        bar: { atMost: 250 },
      },
      {
        what: 'RSS of the engine, at most',
        value: statusBytes(node.enginePid, 'VmHWM') / 1e6,
        unit: 'MB',
        bar: { atMost: (engine.memoryBytes + 300 * MIB) / 1e6 },
      },
    );
  } finally {
    await node.end();
    connection.closeSync();
    instance.closeSync();
  }
  return figures;
}

export const queriesBench: Bench = { name: 'queries', what: 'answers beside DuckDB called directly', run };
