import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { profileLimits } from '../backend/src/config/index.js';
import { quoteString } from '../backend/src/core/index.js';
import { tableName, tables } from '../backend/src/lake/index.js';
import type { Bench, BenchOptions, Figure } from './bench.js';
import { median } from './bench.js';
import type { Lake } from './network.js';
import { Network, deriveLake, eventTables } from './network.js';
import { fillLake, settingsOf } from './sample.js';

const TIMES = 15;
const NODES = 3;
/** Networks of nodes of one size. */
const GROWTH = [1, 2, 4, 8];

/** The kinds of query a dashboard asks; what ships rows has another bar than what is pushed as an aggregate. */
const statements: readonly { readonly what: string; readonly ships: 'aggregate' | 'rows'; readonly sql: string }[] = [
  { what: 'count', ships: 'aggregate', sql: 'SELECT count(*) FROM kubearmor.events' },
  {
    what: 'time series',
    ships: 'aggregate',
    sql: "SELECT time_bucket(INTERVAL '1 minute', time) AS minute, operation, count(*) FROM kubearmor.logs GROUP BY ALL ORDER BY 1, 2",
  },
  {
    what: 'group by',
    ships: 'aggregate',
    sql: 'SELECT namespace, operation, outcome, count(*), max(time) FROM kubearmor.logs GROUP BY ALL ORDER BY ALL',
  },
  {
    what: 'top 20 + count distinct',
    ships: 'aggregate',
    sql: 'SELECT process, count(*) AS events, count(DISTINCT pod) AS pods FROM kubearmor.logs GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20',
  },
  {
    what: 'latest 100',
    ships: 'rows',
    sql: 'SELECT time, host, pod, process, resource FROM kubearmor.logs ORDER BY time DESC, node, seq LIMIT 100',
  },
  {
    what: 'LIKE + latest 100',
    ships: 'rows',
    sql: "SELECT time, host, pod, process, resource FROM kubearmor.logs WHERE resource LIKE '%passwd%' ORDER BY time DESC, node, seq LIMIT 100",
  },
  {
    what: 'distinct',
    ships: 'rows',
    sql: 'SELECT DISTINCT namespace, workload, process FROM kubearmor.logs ORDER BY ALL',
  },
  {
    what: 'median, values shipped',
    ships: 'rows',
    sql: "SELECT namespace, median(host_pid) FROM kubearmor.logs WHERE operation = 'Network' GROUP BY 1 ORDER BY 1",
  },
];

/** One DuckDB that holds the rows of all the lakes. */
async function uniteLakes(file: string, lakes: readonly string[]): Promise<DuckDBInstance> {
  const { engine } = profileLimits('server');
  const instance = await DuckDBInstance.create(file, {
    threads: String(engine.threads),
    memory_limit: `${Math.floor(engine.memoryBytes / 1024)}KiB`,
  });
  const connection = await instance.connect();
  await connection.run('CREATE SCHEMA kubearmor');
  for (const [index, lake] of lakes.entries()) {
    await connection.run(`ATTACH ${quoteString(lake)} AS lake_${index} (READ_ONLY)`);
    for (const table of eventTables) {
      const from = `FROM lake_${index}.${tableName(table)}`;
      await connection.run(
        index === 0 ? `CREATE TABLE ${tableName(table)} AS ${from}` : `INSERT INTO ${tableName(table)} ${from}`,
      );
    }
    await connection.run(`DETACH lake_${index}`);
  }
  for (const view of tables.filter(({ schema, kind }) => schema === 'kubearmor' && kind === 'view')) {
    await connection.run(`CREATE VIEW ${tableName(view)} AS ${view.sql ?? ''}`);
  }
  await connection.run('CHECKPOINT');
  connection.closeSync();
  return instance;
}

/** Medians of both ways, asked in turn. */
async function compare(
  network: Network,
  connection: DuckDBConnection,
  sql: string,
): Promise<{ readonly network: number; readonly direct: number; readonly bytes: number }> {
  const times: { network: number[]; direct: number[] } = { network: [], direct: [] };
  let bytes = 0;
  for (let time = 0; time < TIMES + 3; time++) {
    const asked = await network.ask(sql);
    const began = performance.now();
    const rows = (await connection.runAndReadAll(sql)).getRowsJS();
    const ended = performance.now();
    if (rows.length !== asked.rows) throw new Error(`${sql}: ${asked.rows} rows, DuckDB ${rows.length}`);
    bytes = asked.bytes;
    // The first ones warm both up.
    if (time < 3) continue;
    times.network.push(asked.ms);
    times.direct.push(ended - began);
  }
  return { network: median(times.network), direct: median(times.direct), bytes };
}

async function run({ folder, events, say }: BenchOptions): Promise<readonly Figure[]> {
  const each = Math.round(events / 2);
  say(`a sample of ${each} events`);
  const sample = join(folder, 'sample');
  await fillLake(settingsOf(sample), each);
  const lakeOf = async (name: string, share: number): Promise<Lake> => {
    const data = join(folder, name);
    mkdirSync(data);
    await deriveLake(join(sample, 'lake.duckdb'), data, name, share);
    return { name, data };
  };
  say(`${NODES} lakes of as many, and one DuckDB with all of it`);
  const lakes = [];
  for (let index = 0; index < NODES; index++) lakes.push(await lakeOf(`edge-${index}`, 1));
  const united = await uniteLakes(
    join(folder, 'all.duckdb'),
    lakes.map(({ data }) => join(data, 'lake.duckdb')),
  );
  const connection = await united.connect();
  const figures: Figure[] = [];
  say('queries');
  const network = await Network.start(folder, lakes);
  try {
    for (const { what, ships, sql } of statements) {
      const { network: ours, direct, bytes } = await compare(network, connection, sql);
      figures.push({
        what: `${NODES} × ${each.toLocaleString('en')} events: ${what}`,
        value: ours,
        unit: 'ms',
        bar: { atMost: ships === 'aggregate' ? direct * 2 + 10 : direct * 3 + 15 },
        baseline: { what: 'one DuckDB', value: direct },
        note: `${ships === 'aggregate' ? 'pushed' : 'rows shipped'}, ${(bytes / 1024).toFixed(1)} KiB`,
      });
    }
  } finally {
    await network.end();
    connection.closeSync();
    united.closeSync();
  }
  figures.push(...(await growth(folder, lakeOf, each / 5, say)));
  return figures;
}

/** The same queries over ever more nodes of one size. */
async function growth(
  folder: string,
  lakeOf: (name: string, share: number) => Promise<Lake>,
  each: number,
  say: (sentence: string) => void,
): Promise<readonly Figure[]> {
  const lakes: Lake[] = [];
  const figures: Figure[] = [];
  for (const count of GROWTH) {
    say(`${count} nodes of ${each} events`);
    while (lakes.length < count) lakes.push(await lakeOf(`small-${lakes.length}`, 1 / 5));
    const network = await Network.start(folder, lakes);
    try {
      for (const { what, sql } of statements.filter(({ what: name }) => ['time series', 'latest 100'].includes(name))) {
        const times: number[] = [];
        let bytes = 0;
        for (let time = 0; time < TIMES + 3; time++) {
          const asked = await network.ask(sql);
          bytes = asked.bytes;
          if (time >= 3) times.push(asked.ms);
        }
        const note = `${(bytes / 1024).toFixed(1)} KiB shipped`;
        figures.push({
          what: `${count} × ${each.toLocaleString('en')} events: ${what}`,
          value: median(times),
          unit: 'ms',
          note,
        });
      }
    } finally {
      await network.end();
    }
  }
  return figures;
}

export const federationBench: Bench = {
  name: 'federation',
  what: 'answers of a network beside one DuckDB with all rows; its growth from 1 to 8 nodes',
  run,
};
