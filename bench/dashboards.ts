import { mkdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { execSession } from '../plugin/shared/index.js';
import type { Asker, Board } from '../test/support/dashboards.js';
import { asked, askersOf, boards } from '../test/support/dashboards.js';
import { PluginHost } from '../test/support/plugin-host.js';
import type { Bench, BenchOptions, Figure } from './bench.js';
import { median } from './bench.js';
import type { Lake } from './network.js';
import { Network, deriveLake } from './network.js';
import { cpuMicros } from './processes.js';
import { fillLake, settingsOf } from './sample.js';

const NODES = 3;
const TIMES = 5;
const HOUR_MS = 3_600_000;
/** The share of all events that lies within a dashboard's default range, one hour. */
const SHARE = 0.2;
const BAR_MS = 2000;
/** Another range each time: the plugin has kept no answer of it. */
const STEP_MS = 70_000;
/** Pixels of a panel as wide as the dashboard. */
const WIDTH = 1240;
/** Most that an analyst may paste at once. */
const INDICATORS = 500;

interface Opened {
  readonly ms: number;
  readonly cpuMs: number;
  /** What it waited for at the end. */
  readonly last: string;
}

/** What asks as soon as the dashboard is opened. */
function opening(board: Board): readonly Asker[] {
  return askersOf(board).filter(({ closed }) => !closed);
}

/** Every query of a dashboard at once, as the browser asks them when it opens. */
class Opener {
  readonly #host: PluginHost;
  readonly #network: Network;

  constructor(host: PluginHost, network: Network) {
    this.#host = host;
    this.#network = network;
  }

  async open(board: Board, chosen: ReadonlyMap<string, string>, time: number): Promise<Opened> {
    const toMs = Date.now() - time * STEP_MS;
    const before = this.#cpuMicros();
    const began = performance.now();
    const askers = opening(board).map(async (asker) => {
      await this.#ask(board, asker, chosen, toMs);
      return { title: asker.title, ms: performance.now() - began };
    });
    const answered = (await Promise.all(askers)).toSorted((left, right) => right.ms - left.ms);
    const [last] = answered;
    return { ms: last?.ms ?? 0, cpuMs: (this.#cpuMicros() - before) / 1000, last: last?.title ?? '' };
  }

  async #ask(board: Board, asker: Asker, chosen: ReadonlyMap<string, string>, toMs: number): Promise<void> {
    const maxDataPoints = asker.maxDataPoints ?? WIDTH;
    const range = { fromMs: toMs - HOUR_MS, toMs, maxDataPoints, intervalMs: Math.ceil(HOUR_MS / maxDataPoints) };
    const queries = asker.targets.map((target) => ({ ...range, model: asked(board, target, chosen) }));
    const results = await this.#host.queryData(queries, { headers: { 'X-Dashboard-Uid': board.uid } });
    const failed = Object.values(results).find(({ error }) => error !== '');
    if (failed !== undefined) throw new Error(`${board.uid}: ${asker.title}: ${failed.error}`);
  }

  /** CPU time of the plugin and of all nodes. */
  #cpuMicros(): number {
    return this.#network.cpuMicros() + cpuMicros(this.#host.process.child.pid ?? 0);
  }
}

/** What a reader has chosen: the session and the event of an attack within the last hour, and as much to hunt for as may be. */
async function choose(network: Network): Promise<ReadonlyMap<string, string>> {
  const [event] = await network.rows(
    `SELECT node, seq, concat_ws('|', node, coalesce(container_id, host), ${execSession}) FROM kubearmor.logs
     WHERE exec_session IS NOT NULL AND operation = 'Process' AND time >= now()::TIMESTAMP - INTERVAL 45 MINUTE
     ORDER BY time, node, seq LIMIT 1`,
  );
  const [node = '', seq = '', session = ''] = (event ?? []).map(String);
  const paths = await network.rows('SELECT DISTINCT process FROM kubearmor.logs WHERE process IS NOT NULL ORDER BY 1');
  const known = paths.slice(0, 20).map(([path]) => String(path));
  const unknown = Array.from({ length: INDICATORS - known.length }, (_, index) =>
    index % 2 === 0 ? `198.51.${index >> 8}.${index & 255}` : `host-${index}.example.net`,
  );
  const indicators = [...known, ...unknown].join(' ');
  return new Map(Object.entries({ event_node: node, seq, session, indicators }));
}

async function run({ folder, events, say }: BenchOptions): Promise<readonly Figure[]> {
  const each = Math.round(events / NODES);
  const rate = (each * SHARE) / (HOUR_MS / 1000);
  say(`a sample of ${each} events, ${rate.toFixed(1)} a second`);
  const sample = join(folder, 'sample');
  await fillLake(settingsOf(sample), each, rate);
  say(`${NODES} lakes of as many`);
  const lakes: Lake[] = [];
  for (let index = 1; index <= NODES; index++) {
    const name = `edge-${index}`;
    const data = join(folder, name);
    mkdirSync(data);
    await deriveLake(join(sample, 'lake.duckdb'), data, name, 1);
    lakes.push({ name, data });
  }
  const network = await Network.start(folder, lakes);
  const host = await PluginHost.start({ dataSource: { jsonData: { urls: [network.url] } } });
  try {
    const opener = new Opener(host, network);
    const chosen = await choose(network);
    const figures: Figure[] = [];
    for (const board of boards) {
      say(board.title);
      const times: Opened[] = [];
      // The first one warms all up.
      for (let time = 0; time <= TIMES; time++) times.push(await opener.open(board, chosen, time));
      figures.push(figureOf(board, times.slice(1)));
    }
    return figures;
  } finally {
    await host.close();
    await network.end();
  }
}

function figureOf(board: Board, times: readonly Opened[]): Figure {
  const fastest = times.reduce((least, each) => (each.ms < least.ms ? each : least));
  const queries = opening(board).reduce((sum, { targets }) => sum + targets.length, 0);
  return {
    what: `${board.title}: ${queries} queries at once`,
    value: median(times.map(({ ms }) => ms)),
    unit: 'ms',
    bar: { atMost: BAR_MS },
    note: [
      `fastest ${fastest.ms.toFixed(0)} ms`,
      `${median(times.map(({ cpuMs }) => cpuMs)).toFixed(0)} ms CPU of all processes`,
      `last came “${fastest.last}”`,
      `load ${loadavg()[0]?.toFixed(1) ?? '?'}`,
    ].join('; '),
  };
}

export const dashboardsBench: Bench = {
  name: 'dashboards',
  what: `all queries of each dashboard over ${NODES} nodes, the last hour with a fifth of all events`,
  run,
};
