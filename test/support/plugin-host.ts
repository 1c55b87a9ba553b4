import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { credentials } from '@grpc/grpc-js';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { GrpcClient, goPlugin, grafanaPlugin, health } from '../../proto/src/index.js';

/** The backend as tsc leaves it; `ARMORLAKE_PLUGIN_EXECUTABLE` names a packaged one to be tested instead. */
const BUILT = new URL('../../plugin/backend/dist/backend/main.js', import.meta.url).pathname;

/** What Grafana puts into the environment of a plugin. */
export const hostEnvironment: Readonly<Record<string, string>> = {
  grafana_plugin_type: 'datasource',
  PLUGIN_PROTOCOL_VERSIONS: '2',
  PLUGIN_MIN_PORT: '10000',
  PLUGIN_MAX_PORT: '25000',
  GF_VERSION: '12.2.0',
};

/** A line of the plugin's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** How the test's data source is set. */
export interface DataSource {
  readonly uid?: string;
  readonly name?: string;
  readonly url?: string;
  readonly jsonData?: Readonly<Record<string, unknown>>;
  readonly secureJsonData?: Readonly<Record<string, string>>;
  /** Raised when the settings change. */
  readonly lastUpdatedMS?: number;
  readonly orgId?: number;
}

/** One query of a panel; `model` is what the dashboard saved. */
export interface PanelQuery {
  readonly refId?: string;
  readonly model: object;
  readonly queryType?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly intervalMs?: number;
  readonly maxDataPoints?: number;
}

export interface QueryOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly login?: string;
  readonly signal?: AbortSignal;
}

/** What came of one query. */
export interface QueryResult {
  /** Each an Arrow IPC file. */
  readonly frames: readonly Buffer[];
  readonly error: string;
  readonly status: number;
  readonly errorSource: string;
}

export interface HealthResult {
  readonly status: 'OK' | 'ERROR' | 'UNKNOWN';
  readonly message: string;
  readonly details: unknown;
}

export interface ResourceResult {
  readonly code: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: unknown;
}

export interface StartOptions {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Called for each data source that a call doesn't name. */
  readonly dataSource?: DataSource;
  /** Program and first arguments in place of the built backend. */
  readonly command?: readonly string[];
}

/** The backend's process as a host starts it, before or without a handshake. */
export class PluginProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** What stdout said, line by line. */
  readonly stdout: string[] = [];
  readonly log: LogLine[] = [];
  /** What stderr said that was no JSON. */
  readonly noise: string[] = [];
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;

  constructor({ environment = {}, command = defaultCommand() }: StartOptions) {
    const [program = process.execPath, ...args] = command;
    const given = Object.entries({ ...hostEnvironment, ...environment }).filter(([, value]) => value !== undefined);
    this.child = spawn(program, args, { env: { PATH: process.env['PATH'], ...Object.fromEntries(given) } });
    this.exited = once(this.child, 'close').then(([code, signal]: unknown[]) => ({
      code: code as number | null,
      signal: signal as string | null,
    }));
    createInterface({ input: this.child.stdout }).on('line', (line) => this.stdout.push(line));
    createInterface({ input: this.child.stderr }).on('line', (line) => {
      try {
        this.log.push(JSON.parse(line) as LogLine);
      } catch {
        this.noise.push(line);
      }
    });
  }

  /** The handshake's six parts. */
  async handshake(withinMs = 20_000): Promise<readonly string[]> {
    const deadline = performance.now() + withinMs;
    while (this.stdout[0] === undefined) {
      if (this.child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`No handshake: ${this.noise.join('\n')} ${JSON.stringify(this.log)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return this.stdout[0].split('|');
  }
}

/** Plays Grafana: starts the backend, shakes hands, calls it. */
export class PluginHost {
  readonly process: PluginProcess;
  /** As grpc-js takes it: `unix:/path`, or HOST:PORT. */
  readonly address: string;
  readonly client: GrpcClient;
  readonly #dataSource: DataSource;

  private constructor(started: PluginProcess, address: string, dataSource: DataSource) {
    this.process = started;
    this.address = address;
    this.client = new GrpcClient(address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      // As wide as grpc-go's windows grow by themselves.
      'grpc-node.flow_control_window': 16 << 20,
    });
    this.#dataSource = dataSource;
  }

  static async start(options: StartOptions = {}): Promise<PluginHost> {
    const started = new PluginProcess(options);
    const [core, app, network, address = '', protocol] = await started.handshake();
    if (core !== '1' || app !== '2' || protocol !== 'grpc') throw new Error(`Handshake ${started.stdout[0] ?? ''}`);
    const target = network === 'unix' ? `unix:${address}` : address;
    const host = new PluginHost(started, target, options.dataSource ?? {});
    await host.client.ready(5000);
    return host;
  }

  /** Runs panel queries; what came of each by refId (A, B, … where none is given). */
  async queryData(
    queries: readonly PanelQuery[],
    { headers = {}, login = 'admin', signal }: QueryOptions = {},
    dataSource = this.#dataSource,
  ): Promise<Readonly<Record<string, QueryResult>>> {
    const now = Date.now();
    const answer = await this.client.unary(
      grafanaPlugin.Data.method.queryData,
      {
        pluginContext: contextOf(dataSource, login),
        headers: { ...headers },
        queries: queries.map((query, index) => ({
          refId: query.refId ?? String.fromCharCode(65 + index),
          maxDataPoints: BigInt(query.maxDataPoints ?? 1000),
          intervalMS: BigInt(query.intervalMs ?? 60_000),
          timeRange: { fromEpochMS: BigInt(query.fromMs ?? now - 3_600_000), toEpochMS: BigInt(query.toMs ?? now) },
          json: Buffer.from(JSON.stringify(query.model)),
          queryType: query.queryType ?? '',
        })),
      },
      { signal },
    );
    return Object.fromEntries(
      Object.entries(answer.responses).map(([refId, { frames, error, status, errorSource }]) => [
        refId,
        { frames: frames.map((frame) => Buffer.from(frame)), error, status, errorSource },
      ]),
    );
  }

  async checkHealth(dataSource = this.#dataSource): Promise<HealthResult> {
    const answer = await this.client.unary(grafanaPlugin.Diagnostics.method.checkHealth, {
      pluginContext: contextOf(dataSource),
    });
    const status = (['UNKNOWN', 'OK', 'ERROR'] as const)[answer.status] ?? 'UNKNOWN';
    return { status, message: answer.message, details: jsonOf(answer.jsonDetails) };
  }

  async callResource(
    path: string,
    body?: unknown,
    options: { readonly method?: string; readonly signal?: AbortSignal } = {},
    dataSource = this.#dataSource,
  ): Promise<ResourceResult> {
    const chunks = (await this.client
      .serverStream(
        grafanaPlugin.Resource.method.callResource,
        {
          pluginContext: contextOf(dataSource),
          path,
          url: path,
          method: options.method ?? (body === undefined ? 'GET' : 'POST'),
          body: body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body)),
        },
        { signal: options.signal },
      )
      .toArray()) as grafanaPlugin.CallResourceResponse[];
    const [first] = chunks;
    if (first === undefined) throw new Error(`${path} answered nothing`);
    const headers = Object.fromEntries(Object.entries(first.headers).map(([name, list]) => [name, list.values]));
    return { code: first.code, headers, body: jsonOf(Buffer.concat(chunks.map((chunk) => chunk.body))) };
  }

  /** Figures in Prometheus' text form. */
  async collectMetrics(): Promise<string> {
    const answer = await this.client.unary(grafanaPlugin.Diagnostics.method.collectMetrics, {});
    return Buffer.from(answer.metrics?.prometheus ?? []).toString();
  }

  async subscribe(
    path: string,
    data: unknown,
    dataSource = this.#dataSource,
  ): Promise<{ readonly status: 'OK' | 'NOT_FOUND' | 'PERMISSION_DENIED'; readonly frame: unknown }> {
    const answer = await this.client.unary(grafanaPlugin.Stream.method.subscribeStream, {
      pluginContext: contextOf(dataSource),
      path,
      data: Buffer.from(JSON.stringify(data)),
    });
    const status = (['OK', 'NOT_FOUND', 'PERMISSION_DENIED'] as const)[answer.status] ?? 'NOT_FOUND';
    return { status, frame: jsonOf(answer.data) };
  }

  /** A running stream; each packet's `data` is a JSON frame. */
  runStream(
    path: string,
    data: unknown,
    signal: AbortSignal,
    dataSource = this.#dataSource,
  ): ClientReadableStream<grafanaPlugin.StreamPacket> {
    return this.client.serverStream(
      grafanaPlugin.Stream.method.runStream,
      { pluginContext: contextOf(dataSource), path, data: Buffer.from(JSON.stringify(data)) },
      { signal },
    );
  }

  /** What go-plugin asks from time to time. */
  async isServing(): Promise<boolean> {
    const answer = await this.client.unary(health.Health.method.check, { service: 'plugin' });
    return answer.status === health.HealthCheckResponse_ServingStatus.SERVING;
  }

  /** Ends the plugin as Grafana does; resolves when its process has gone. */
  async shutdown(): Promise<{ readonly code: number | null; readonly signal: string | null }> {
    await this.client.unary(goPlugin.GRPCController.method.shutdown, {});
    this.client.close();
    return await this.process.exited;
  }

  /** Ends it for sure. */
  async close(): Promise<void> {
    this.client.close();
    if (this.process.child.exitCode === null) this.process.child.kill('SIGKILL');
    await this.process.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function defaultCommand(): readonly string[] {
  const packaged = process.env['ARMORLAKE_PLUGIN_EXECUTABLE'];
  return packaged === undefined ? [process.execPath, BUILT] : [packaged];
}

function contextOf(
  { uid = 'armorlake', name = 'Armorlake', url = '', jsonData = {}, ...rest }: DataSource,
  login = 'admin',
): MessageInitShape<typeof grafanaPlugin.PluginContextSchema> {
  return {
    orgId: BigInt(rest.orgId ?? 1),
    pluginId: 'armorlake-kubearmor-datasource',
    user: { login, name: login, email: `${login}@localhost`, role: 'Admin' },
    dataSourceInstanceSettings: {
      id: 1n,
      uid,
      name,
      url,
      jsonData: Buffer.from(JSON.stringify(jsonData)),
      decryptedSecureJsonData: { ...rest.secureJsonData },
      lastUpdatedMS: BigInt(rest.lastUpdatedMS ?? 1),
    },
  };
}

function jsonOf(bytes: Uint8Array): unknown {
  return bytes.length === 0 ? null : (JSON.parse(Buffer.from(bytes).toString()) as unknown);
}
