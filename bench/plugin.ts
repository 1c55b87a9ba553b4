import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PluginHost } from '../test/support/plugin-host.js';
import type { Bench, BenchOptions, Figure } from './bench.js';
import { median } from './bench.js';
import { NodeProcess, cpuMicros } from './processes.js';
import { fillLake, settingsOf } from './sample.js';

const TIMES = 11;
/** Runs that only warm all up. */
const WARM = 3;
const EVENTS = 150_000;
const ARROW = 'application/vnd.apache.arrow.stream';

/** Another text each time: the plugin keeps no answer for it. */
type SqlOf = (time: number) => string;

const tableSql: SqlOf = (time) =>
  `SELECT time, node, seq, namespace, pod, process, resource, outcome FROM kubearmor.logs WHERE seq > ${time}`;

/** 1,000 moments of 100 workloads, of five values each. */
const seriesSql: SqlOf = (time) =>
  `SELECT make_timestamp((seq // 100) * 60000000) AS time, node, 'workload ' || (seq % 100) AS workload,
  host_pid, pid, ppid, uid, length(resource) AS length FROM kubearmor.logs WHERE seq > ${time}`;

interface Case {
  readonly what: string;
  readonly type: 'table' | 'timeseries';
  readonly sqlOf: SqlOf;
  readonly rows: number;
  /** Queries of one request; a table has 50,000 rows at most. */
  readonly queries: number;
  /** How much the way through the plugin may add, ms. */
  readonly atMost: number;
}

const cases: readonly Case[] = [
  { what: '1,000 rows × 8', type: 'table', sqlOf: tableSql, rows: 1_000, queries: 1, atMost: 15 },
  { what: '100,000 rows × 8 (2 tables)', type: 'table', sqlOf: tableSql, rows: 50_000, queries: 2, atMost: 120 },
  { what: '100,000 rows × 8 as series', type: 'timeseries', sqlOf: seriesSql, rows: 100_000, queries: 1, atMost: 120 },
];

async function askNode(node: NodeProcess, { queries, rows }: Case, sql: string, accept: string): Promise<number> {
  const began = performance.now();
  const asked = Array.from({ length: queries }, async (_, index) => {
    const response = await fetch(`${node.url}/api/v1/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: JSON.stringify({ sql: `${sql} AND seq <> -${index}`, limits: { rows } }),
    });
    await response.arrayBuffer();
  });
  await Promise.all(asked);
  return performance.now() - began;
}

async function askPlugin(host: PluginHost, { type, queries, rows }: Case, sql: string): Promise<number> {
  const began = performance.now();
  const results = await host.queryData(
    Array.from({ length: queries }, (_, index) => ({
      model: { schemaVersion: 1, queryType: type, editor: 'sql', sql: `${sql} AND seq <> -${index}`, sqlLimit: rows },
    })),
  );
  const ms = performance.now() - began;
  const failed = Object.values(results).find(({ error }) => error !== '');
  if (failed !== undefined) throw new Error(failed.error);
  return ms;
}

/** The fastest of each way: what else the machine does only ever adds. */
async function compare(node: NodeProcess, host: PluginHost, wanted: Case): Promise<Figure> {
  const pid = host.process.child.pid ?? 0;
  const least = { json: Infinity, arrow: Infinity, plugin: Infinity };
  let cpu = 0;
  for (let time = 0; time < TIMES + WARM; time++) {
    const sql = wanted.sqlOf(time);
    const json = await askNode(node, wanted, sql, 'application/json');
    const arrow = await askNode(node, wanted, sql, ARROW);
    const before = cpuMicros(pid);
    const plugin = await askPlugin(host, wanted, sql);
    if (time < WARM) continue;
    cpu += cpuMicros(pid) - before;
    least.json = Math.min(least.json, json);
    least.arrow = Math.min(least.arrow, arrow);
    least.plugin = Math.min(least.plugin, plugin);
  }
  return {
    what: `plugin: ${wanted.what}, added to the node's own answer`,
    value: least.plugin - least.arrow,
    unit: 'ms',
    bar: { atMost: wanted.atMost },
    baseline: { what: "the node's answer as Arrow", value: least.arrow },
    note: [
      `${(least.plugin / least.arrow).toFixed(2)} × the node's answer, which as JSON takes ${least.json.toFixed(0)} ms`,
      `${(cpu / TIMES / 1000).toFixed(0)} ms of the plugin's CPU`,
    ].join('; '),
  };
}

const CANCELS = 7;
/** An engine that used no more CPU in so long than its housekeeping takes (two of Linux's ticks) works on no query. */
const REST_MS = 150;
const REST_MICROS = 20_000;
/** It would run for minutes on all of the engine's threads. */
const endlessSql: SqlOf = (time) =>
  `SELECT count(*) AS n FROM range(1000000) a(i), range(100000) b(j) WHERE hash(i * j) % 7 = 3 AND ${time} >= 0`;

/** From the host's cancel until the engine rests, ms. */
async function cancelOnce(node: NodeProcess, host: PluginHost, sql: string): Promise<number> {
  const panel = new AbortController();
  const model = { schemaVersion: 1, queryType: 'table', editor: 'sql', sql };
  const asked = host.queryData([{ model }], { signal: panel.signal }).then(
    () => 'answered',
    () => 'cancelled',
  );
  const { enginePid } = node;
  const before = cpuMicros(enginePid);
  // Nobody but this query gives the engine so much to do.
  for (const until = performance.now() + 30_000; cpuMicros(enginePid) - before < 300_000; await delay(5)) {
    if (performance.now() > until) throw new Error('The query to be cancelled does not run.');
  }
  const cancelled = performance.now();
  panel.abort();
  let rest = { since: cancelled, used: cpuMicros(enginePid) };
  for (let now = cancelled; now - rest.since < REST_MS; now = performance.now()) {
    if (now - cancelled > 30_000) throw new Error('The cancelled query does not end.');
    const used = cpuMicros(enginePid);
    if (used - rest.used > REST_MICROS) rest = { since: now, used };
    await delay(2);
  }
  if ((await asked) !== 'cancelled') throw new Error('The query to be cancelled was answered.');
  return rest.since - cancelled;
}

/** How long an engine goes on with what the host has cancelled. */
async function cancel(node: NodeProcess, host: PluginHost): Promise<Figure> {
  const took: number[] = [];
  for (let time = 0; time < CANCELS; time++) took.push(await cancelOnce(node, host, endlessSql(time)));
  // It was the cancel that ended them: the node says so, a moment later.
  const ended = "SELECT count(*) FROM armorlake.queries WHERE error = 'CANCELLED'";
  for (const until = performance.now() + 10_000; (await node.count(ended)) < CANCELS; await delay(100)) {
    if (performance.now() > until) throw new Error('The node does not know of all cancelled queries.');
  }
  return {
    what: "plugin: from the host's cancel until the node's engine rests",
    value: Math.max(...took),
    unit: 'ms',
    bar: { atMost: 200 },
    note: `the slowest of ${CANCELS}, by its CPU time, to within 20 ms; median ${median(took).toFixed(0)} ms`,
  };
}

async function run({ folder, say }: BenchOptions): Promise<readonly Figure[]> {
  say(`a lake of ${EVENTS} events`);
  const data = join(folder, 'lake');
  await fillLake(settingsOf(data), EVENTS);
  const node = await NodeProcess.start(data, []);
  const host = await PluginHost.start({ dataSource: { jsonData: { urls: [node.url] } } });
  try {
    const figures: Figure[] = [];
    for (const wanted of cases) {
      say(wanted.what);
      figures.push(await compare(node, host, wanted));
    }
    say('cancelled queries');
    figures.push(await cancel(node, host));
    return figures;
  } finally {
    await host.close();
    await node.end();
  }
}

export const pluginBench: Bench = { name: 'plugin', what: "a panel's query beside the node's own answer", run };
