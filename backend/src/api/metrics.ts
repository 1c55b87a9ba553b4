import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { QueryService } from '../query/index.js';
import type { RefusalReason } from './access.js';
import type { NodeFigures } from './ports.js';

/** The node's figures in Prometheus' form. Those of other parts are read when they are asked for. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #queries = new Histogram({
    name: 'armorlake_query_seconds',
    help: 'Time of queries, by outcome: ok or the error code',
    labelNames: ['outcome'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers: [this.#registry],
  });
  readonly #requests = new Counter({
    name: 'armorlake_http_requests_total',
    help: 'HTTP requests, by route and status',
    labelNames: ['route', 'status'] as const,
    registers: [this.#registry],
  });

  readonly #refusals = new Counter({
    name: 'armorlake_http_refused_total',
    help: 'HTTP requests that were not let in, by reason',
    labelNames: ['reason'] as const,
    registers: [this.#registry],
  });

  onQuery({ ms, error }: { readonly ms: number; readonly error: string | null }): void {
    this.#queries.observe({ outcome: error ?? 'ok' }, ms / 1000);
  }

  onRequest(route: string, status: number): void {
    this.#requests.inc({ route, status: String(status) });
  }

  onRefusal(reason: RefusalReason): void {
    this.#refusals.inc({ reason });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The text of one scrape. */
  async text(
    figures: NodeFigures,
    queries: Pick<QueryService, 'running' | 'waiting' | 'unaccounted'>,
  ): Promise<string> {
    return (await this.#registry.metrics()) + '\n' + (await snapshot(figures, queries).metrics());
  }
}

interface Series {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What is so now: a registry for one scrape. */
function snapshot(figures: NodeFigures, queries: Pick<QueryService, 'running' | 'waiting' | 'unaccounted'>): Registry {
  const registry = new Registry();
  const { ingest, engine, lake, connectors, network } = figures;
  const add = (name: string, help: string, series: readonly Series[], counter = false): void => {
    const labelNames = Object.keys(series[0]?.labels ?? {});
    const options = { name: `armorlake_${name}`, help, labelNames, registers: [registry] };
    for (const { labels, value } of series.length === 0 ? [] : series) {
      const metric = registry.getSingleMetric(options.name);
      if (counter) {
        const counted = metric instanceof Counter ? metric : new Counter(options);
        counted.inc(labels ?? {}, value);
      } else {
        const gauge = metric instanceof Gauge ? metric : new Gauge(options);
        gauge.set(labels ?? {}, value);
      }
    }
  };
  const one = (value: number): readonly Series[] => [{ value }];
  add('ingest_committed_events_total', 'Events committed since the start', one(ingest.committedRows), true);
  add('ingest_dropped_events_total', 'Events dropped since the start', one(ingest.droppedEvents), true);
  add('ingest_queue_bytes', 'Bytes of events that wait for their commit', one(ingest.queuedBytes));
  add('ingest_queue_events', 'Events that wait for their commit', one(ingest.queuedRows));
  add('ingest_lag_seconds', 'Age of the oldest batch that waits', one(ingest.lagMs / 1000));
  add('disk_full', '1 while nothing is stored for want of room', one(ingest.diskFull ? 1 : 0));
  const each = (value: (connector: (typeof connectors)[number]) => number): readonly Series[] =>
    connectors.map((connector) => ({ labels: { connector: connector.name }, value: value(connector) }));
  add(
    'connector_up',
    '1 while a connector receives events',
    each(({ state }) => (state === 'streaming' ? 1 : 0)),
  );
  add(
    'connector_events_per_second',
    'Over the last minute',
    each(({ rate }) => rate),
  );
  add(
    'connector_breaks_total',
    'Stream breaks since the start',
    each(({ breaks }) => breaks),
    true,
  );
  add('connector_restarts_total', 'Restarts of the connectors’ worker', one(figures.workerRestarts), true);
  add('engine_up', '1 while the database engine answers', one(engine.state === 'ready' ? 1 : 0));
  add('engine_restarts_total', 'Restarts of the database engine', one(engine.restarts), true);
  add('queries_running', 'Queries that run', one(queries.running));
  add('queries_waiting', 'Queries that wait for their turn', one(queries.waiting));
  add('query_account_dropped_total', 'Rows dropped of the account of queries', one(queries.unaccounted), true);
  if (network !== null) {
    const inState = (state: string): number => network.nodes.filter((node) => node.state === state).length;
    const states = ['alive', 'failed'].map((state) => ({ labels: { state }, value: inState(state) }));
    add('network_nodes', 'Nodes that are expected to answer, by state', states);
    add('network_links', 'Hubs this node is joined to', one(network.links.filter((link) => link.hub !== null).length));
    const { certificate } = network;
    if (certificate !== null) {
      add('network_certificate_days', 'Days until the network certificate expires', one(certificate.daysLeft));
    }
  }
  const processes = [{ labels: { process: 'api' }, value: process.memoryUsage.rss() }];
  if (lake !== null) processes.push({ labels: { process: 'engine' }, value: lake.rssBytes });
  add('process_resident_bytes', 'Resident memory, by process', processes);
  if (lake !== null) {
    add('lake_last_seq', 'The last seq committed', one(lake.lastSeq));
    add('lake_hot_bytes', 'Bytes of the lake file in use', one(lake.hotBytes));
    add('lake_wal_bytes', 'Bytes of the write-ahead log', one(lake.walBytes));
    add('lake_archive_bytes', 'Bytes of archive files', one(lake.archiveBytes));
    add('lake_archive_away', '1 while the archive folder can not be read', one(lake.archiveAway ? 1 : 0));
    add('engine_memory_bytes', 'What DuckDB’s buffers hold', one(lake.memoryBytes));
    const rows = Object.entries(lake.rows).map(([table, value]) => ({ labels: { table }, value }));
    add('lake_rows', 'Hot rows, by table', rows);
    // Those without a table are always there, at 0 too: a rule that looks at growth needs a beginning.
    const lost = Object.entries({ '*': 0, ...lake.lost }).map(([table, value]) => ({ labels: { table }, value }));
    add('lake_lost_events', 'Events lost after they were stored, since the lake began', lost);
  }
  return registry;
}
