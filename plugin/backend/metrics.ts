import type { NodeObserver } from './node/client.js';

type Labels = Readonly<Record<string, string>>;

interface Series {
  readonly labels: string;
  value: number;
}

interface Histogram {
  readonly labels: string;
  readonly counts: number[];
  sum: number;
  count: number;
}

/** Upper bounds of the time histograms, seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const PREFIX = 'armorlake_plugin_';

const COUNTERS = {
  calls_total: 'Calls of Grafana, by method and outcome',
  node_requests_total: 'Requests to nodes, by path and outcome',
  node_received_bytes_total: 'Bytes of the answers of nodes',
  tail_rows_total: 'Rows sent on live streams',
} as const;
const HISTOGRAMS = {
  call_seconds: 'Time of a call of Grafana, by method',
  node_request_seconds: 'Time of a request to a node until its whole answer is there, by path',
} as const;
const GAUGES = {
  instances: 'Data sources in use',
  live_streams: 'Live streams that are open',
} as const;

/** Figures of this process in Prometheus' text form. Labels are ours: codes, paths and methods, never a user's text. */
export class Metrics implements NodeObserver {
  readonly #counters = new Map<keyof typeof COUNTERS, Map<string, Series>>();
  readonly #histograms = new Map<keyof typeof HISTOGRAMS, Map<string, Histogram>>();
  readonly #gauges = new Map<keyof typeof GAUGES, () => number>();

  count(name: keyof typeof COUNTERS, labels: Labels, by = 1): void {
    const series = childOf(this.#counters, name);
    const key = labelText(labels);
    const known = series.get(key);
    if (known === undefined) series.set(key, { labels: key, value: by });
    else known.value += by;
  }

  observe(name: keyof typeof HISTOGRAMS, labels: Labels, seconds: number): void {
    const series = childOf(this.#histograms, name);
    const key = labelText(labels);
    const histogram = series.get(key) ?? { labels: key, counts: BUCKETS.map(() => 0), sum: 0, count: 0 };
    series.set(key, histogram);
    BUCKETS.forEach((bound, index) => {
      if (seconds <= bound) histogram.counts[index] = (histogram.counts[index] ?? 0) + 1;
    });
    histogram.sum += seconds;
    histogram.count += 1;
  }

  /** A gauge is read when somebody asks. */
  gauge(name: keyof typeof GAUGES, read: () => number): void {
    this.#gauges.set(name, read);
  }

  /** A call of Grafana, at its end. */
  onCall(method: string, outcome: string, ms: number): void {
    this.count('calls_total', { method, outcome });
    this.observe('call_seconds', { method }, ms / 1000);
  }

  onRequest(path: string, outcome: string, seconds: number, bytes: number): void {
    this.count('node_requests_total', { path, outcome });
    this.count('node_received_bytes_total', {}, bytes);
    this.observe('node_request_seconds', { path }, seconds);
  }

  text(): string {
    const lines: string[] = [];
    for (const [name, series] of this.#counters) {
      head(lines, PREFIX + name, COUNTERS[name], 'counter');
      for (const { labels, value } of series.values()) lines.push(`${PREFIX}${name}${braces(labels)} ${value}`);
    }
    for (const [name, series] of this.#histograms) {
      head(lines, PREFIX + name, HISTOGRAMS[name], 'histogram');
      for (const each of series.values()) histogramLines(lines, PREFIX + name, each);
    }
    for (const [name, read] of this.#gauges) {
      head(lines, PREFIX + name, GAUGES[name], 'gauge');
      lines.push(`${PREFIX}${name} ${read()}`);
    }
    processLines(lines);
    return `${lines.join('\n')}\n`;
  }
}

function childOf<Name, Value>(all: Map<Name, Map<string, Value>>, name: Name): Map<string, Value> {
  const known = all.get(name);
  if (known !== undefined) return known;
  const made = new Map<string, Value>();
  all.set(name, made);
  return made;
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replaceAll(/[\\"\n]/g, '_')}"`)
    .join(',');
}

function braces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}

function head(lines: string[], name: string, help: string, type: string): void {
  lines.push(`# HELP ${name} ${help}.`, `# TYPE ${name} ${type}`);
}

function histogramLines(lines: string[], name: string, { labels, counts, sum, count }: Histogram): void {
  const withBound = (bound: string): string => braces(`${labels === '' ? '' : `${labels},`}le="${bound}"`);
  BUCKETS.forEach((bound, index) => lines.push(`${name}_bucket${withBound(String(bound))} ${counts[index] ?? 0}`));
  lines.push(`${name}_bucket${withBound('+Inf')} ${count}`);
  lines.push(`${name}_sum${braces(labels)} ${sum}`, `${name}_count${braces(labels)} ${count}`);
}

function processLines(lines: string[]): void {
  const { user, system } = process.cpuUsage();
  head(lines, 'process_cpu_seconds_total', 'CPU time of the plugin', 'counter');
  lines.push(`process_cpu_seconds_total ${(user + system) / 1e6}`);
  head(lines, 'process_resident_memory_bytes', 'Memory of the plugin', 'gauge');
  lines.push(`process_resident_memory_bytes ${process.memoryUsage.rss()}`);
  head(lines, 'process_start_time_seconds', 'When the plugin was started', 'gauge');
  lines.push(`process_start_time_seconds ${Math.round(Date.now() / 1000 - process.uptime())}`);
}
