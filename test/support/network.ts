import { createServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '../../backend/src/core/index.js';
import {
  GrpcBackbone,
  MemoryBackbone,
  MemoryWires,
  NetworkNode,
  Publication,
  emptyMetadata,
  systemTime,
} from '../../backend/src/network/index.js';
import type {
  Backbone,
  Caller,
  ChunkSink,
  FragmentRunner,
  GrpcOptions,
  HubTarget,
  NetworkNodeOptions,
  NodeIdentity,
  NodeMetadata,
  NodeRole,
} from '../../backend/src/network/index.js';
import type { NodeFacts, NodeOutcome, ScatterRequest, ScatterSink } from '../../backend/src/query/index.js';

/** One node's way to one hub, to be disturbed. */
export interface Line {
  freeze(): void;
  thaw(): void;
  cut(): void;
}

/** What carries the streams of one test, in memory or over sockets. */
export interface Wiring {
  readonly kind: 'memory' | 'grpc';
  backbone(node: string, certificate?: Caller['certificate'], port?: number): Backbone;
  /** Another address of the hub, only for this node, whose line can be disturbed. */
  via(node: string, hub: HubTarget): Promise<{ target: HubTarget; line: Line }>;
  close(): void;
}

export function memoryWiring(): Wiring {
  const wires = new MemoryWires();
  return {
    kind: 'memory',
    backbone: (node, certificate = null, port) => new MemoryBackbone(wires, node, certificate, port),
    via: (node, hub) => Promise.resolve({ target: hub, line: wires.line(node, hub) }),
    close: () => undefined,
  };
}

/** gRPC on a free port of loopback, without certificates and tokens unless they are given. */
export function grpcBackbone(options: Partial<GrpcOptions> = {}): GrpcBackbone {
  const listen = { host: '127.0.0.1', port: 0 };
  const plain = { listen, certificate: null, insecure: false, tokens: null, tokenFile: null, time: systemTime };
  return new GrpcBackbone({ ...plain, ...options });
}

export function grpcWiring(): Wiring {
  const proxies: Proxy[] = [];
  return {
    kind: 'grpc',
    backbone: (_node, _certificate, port = 0) => grpcBackbone({ listen: { host: '127.0.0.1', port } }),
    via: async (_node, hub) => {
      const proxy = await Proxy.start(hub);
      proxies.push(proxy);
      return { target: proxy.target, line: proxy };
    },
    close: () => {
      for (const proxy of proxies) proxy.close();
    },
  };
}

/** A TCP relay that can stop passing bytes on, or end its connections. */
export class Proxy implements Line {
  /** Each piece waits so long before it is passed on, and for those before it: TCP keeps the order of bytes. */
  delayMs = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #frozen = false;
  #passed = 0;
  #then: { readonly bytes: number; readonly run: () => void } | null = null;

  private constructor(server: Server, hub: HubTarget) {
    this.#server = server;
    server.on('connection', (near) => {
      const far = connect(hub.port, hub.host);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket);
        let before: Promise<void> = Promise.resolve();
        socket.on('data', (bytes) => {
          const own = this.delayMs > 0 ? delay(this.delayMs) : null;
          before = before.then(() => own).then(() => this.#pass(bytes, socket, other));
        });
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
        if (this.#frozen) socket.pause();
      }
    });
  }

  static async start(hub: HubTarget): Promise<Proxy> {
    const server = createServer();
    const proxy = new Proxy(server, hub);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get target(): HubTarget {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  /** Calls once when so many more bytes have been passed on, both ways together. */
  after(bytes: number, run: () => void): void {
    this.#then = { bytes: this.#passed + bytes, run };
  }

  #pass(bytes: Buffer, socket: Socket, other: Socket): void {
    this.#passed += bytes.length;
    if (!other.write(bytes)) {
      socket.pause();
      other.once('drain', () => {
        if (!this.#frozen) socket.resume();
      });
    }
    if (this.#then === null || this.#passed < this.#then.bytes) return;
    const { run } = this.#then;
    this.#then = null;
    run();
  }

  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  thaw(): void {
    this.#frozen = false;
    for (const socket of this.#sockets) socket.resume();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }
}

export function identity(name: string, role: NodeRole = 'edge', lakeId = `lake-${name}`): NodeIdentity {
  return { name, lakeId, role, armorlakeVersion: '0.1.0', engineVersion: '1.5.5', schemaVersion: 1 };
}

export const logsTable = {
  name: 'kubearmor.logs',
  columns: [{ name: 'time', type: 'TIMESTAMP' }],
  rows: 10,
  bytes: 1_000,
  minTimeMicros: 3_600_000_000,
  retentionMs: null,
};

export const metadata: NodeMetadata = {
  ...emptyMetadata,
  cluster: 'c1',
  labels: { site: 'berlin' },
  tables: [logsTable],
  values: { cluster: ['c1'], host: ['h1'], namespace: ['shop'], policy: [] },
};

export const facts: NodeFacts = {
  rows: 1,
  bytes: 0,
  ms: 1,
  slowed: false,
  facts: { gaps: { minutes: 0, worst: [] }, shortFrom: null },
  missingColumns: [],
};

export function request(over: Partial<ScatterRequest> = {}): ScatterRequest {
  return {
    queryId: 'q1',
    fragments: [{ name: 'f0', sql: 'SELECT 1' }],
    timeRange: { fromMicros: null, toMicros: null },
    expects: [],
    tail: null,
    nowMicros: 1,
    budget: { rows: 1_000_000, bytes: 128 * 1024 * 1024 },
    timeoutMs: 30_000,
    who: 'test',
    origin: null,
    ...over,
  };
}

/** A runner that does what it is told, and counts. */
export class TestRunner implements FragmentRunner {
  readonly requests: ScatterRequest[] = [];
  aborted = 0;
  work: (emit: ChunkSink, request: ScatterRequest, signal: AbortSignal) => Promise<NodeFacts>;

  constructor(name: string) {
    this.work = async (emit, { fragments }) => {
      for (const fragment of fragments) await emit.chunk(fragment.name, Buffer.from(`${name} ${fragment.name}`));
      return facts;
    };
  }

  async run(asked: ScatterRequest, emit: ChunkSink, signal: AbortSignal): Promise<NodeFacts> {
    this.requests.push(asked);
    signal.addEventListener('abort', () => this.aborted++);
    return await this.work(emit, asked, signal);
  }
}

/** Never ends by itself. */
export function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
}

/** Keeps what comes, and checks that nothing comes after the end. */
export class TestSink implements ScatterSink {
  readonly chunks: { node: string; fragment: string; text: string }[] = [];
  readonly outcomes = new Map<string, NodeOutcome>();
  bytes = 0;
  /** What each chunk has to wait for. */
  hold: (node: string, bytes: Uint8Array) => Promise<void> = () => Promise.resolve();

  async chunk(node: string, fragment: string, bytes: Uint8Array): Promise<void> {
    if (this.outcomes.has(node)) throw new Error(`A chunk of ${node} came after its end.`);
    this.bytes += bytes.length;
    if (bytes.length < 1_000) this.chunks.push({ node, fragment, text: Buffer.from(bytes).toString() });
    await this.hold(node, bytes);
  }

  ended(node: string, outcome: NodeOutcome): void {
    if (this.outcomes.has(node)) throw new Error(`${node} ended twice.`);
    this.outcomes.set(node, outcome);
  }

  error(node: string): string {
    const outcome = this.outcomes.get(node);
    return outcome?.status === 'failed'
      ? `${outcome.error.code} ${outcome.error.node ?? '-'}: ${outcome.error.message}`
      : '';
  }
}

/** Resolves when the condition holds; looks at it again and again. */
export async function until(condition: () => boolean, what = 'the condition', ms = 60_000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not come true in ${ms} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export interface TestNode {
  readonly node: NetworkNode;
  readonly runner: TestRunner;
  readonly publication: Publication;
  engineAgeMs: number;
}

export interface TestNodeOptions {
  readonly role?: NodeRole;
  readonly join?: readonly HubTarget[];
  readonly listen?: boolean;
  readonly stores?: boolean;
  readonly lakeId?: string;
  readonly engineVersion?: string;
  readonly dataFolder?: string;
  readonly port?: number;
  readonly certificate?: Caller['certificate'];
  readonly metadata?: NodeMetadata;
  readonly lease?: NetworkNodeOptions['lease'];
  readonly time?: NonNullable<NetworkNodeOptions['time']>;
  readonly backbone?: Backbone;
}

/** The nodes of one test; `close` ends them all. */
export class TestNetwork {
  readonly wiring: Wiring;
  readonly #nodes: NetworkNode[] = [];

  constructor(wiring: Wiring) {
    this.wiring = wiring;
  }

  /** A query node without data that others can join. */
  async hub(name: string, options: TestNodeOptions = {}): Promise<TestNode & { address: HubTarget }> {
    const hub = await this.start(name, { role: 'query', listen: true, stores: false, ...options });
    const { address } = hub.node;
    if (address === null) throw new Error('A hub listens.');
    return Object.assign(hub, { address });
  }

  async edge(name: string, join: readonly HubTarget[], options: TestNodeOptions = {}): Promise<TestNode> {
    return await this.start(name, { join, ...options });
  }

  async start(name: string, options: TestNodeOptions): Promise<TestNode> {
    const { role = 'edge', join = [], listen = false, stores = true } = options;
    const runner = new TestRunner(name);
    const publication = new Publication(options.metadata ?? metadata);
    const self = { ...identity(name, role, options.lakeId), engineVersion: options.engineVersion ?? '1.5.5' };
    const test = { runner, publication, engineAgeMs: 0 };
    const node = await NetworkNode.start({
      identity: self,
      lake: stores ? { publication, runner, engineAgeMs: () => test.engineAgeMs } : null,
      backbone: options.backbone ?? this.wiring.backbone(name, options.certificate, options.port),
      listen,
      join,
      dataFolder: options.dataFolder ?? null,
      log: silentLogger,
      ...(options.time === undefined ? {} : { time: options.time }),
      // Machines that run tests are slow at times: what doesn't test silence must not meet it.
      lease: options.lease ?? { silenceMs: 10_000, mostMs: 15_000 },
    });
    this.#nodes.push(node);
    return Object.assign(test, { node });
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.close()));
    this.wiring.close();
  }
}

export function alive({ node }: TestNode, name: string): boolean {
  return node.network.members().some((member) => member.name === name && member.alive);
}

export function reason({ node }: TestNode, name: string): string | null {
  return node.network.members().find((member) => member.name === name)?.reason ?? null;
}

/** Asks these nodes and waits for the end. */
export async function ask(
  { node }: TestNode,
  names: readonly string[],
  over: Partial<ScatterRequest> = {},
  sink = new TestSink(),
  signal = new AbortController().signal,
): Promise<TestSink> {
  await node.network.scatter(names, request(over), sink, signal);
  return sink;
}
