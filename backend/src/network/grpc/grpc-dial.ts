import type { X509Certificate } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { Metadata, credentials } from '@grpc/grpc-js';
import type { ChannelOptions } from '@grpc/grpc-js';
import { GrpcClient, network } from '@armorlake/proto';
import { ArmorlakeError, messageOf } from '../../core/index.js';
import type { ErrorShape } from '../../core/index.js';
import type {
  DeliverRequestInit,
  DeliverResponse,
  HubDial,
  JoinRequestInit,
  JoinResponse,
  MessageStream,
  RelayRequestInit,
  RelayResponse,
  WatchRequestInit,
  WatchResponse,
} from '../backbone.js';
import type { NodeCertificate } from '../certificates/node-certificate.js';
import { GREETING_MS, MESSAGE_BYTES } from '../limits.js';
import type { Stop, Time } from '../time.js';
import { explainConnection } from './explain.js';
import { KeptStreams } from './kept-streams.js';
import { CallerStream, fromStatus } from './streams.js';
import { callerCredentials } from './tls.js';

const FORGET_MS = 5_000;

const channelOptions: ChannelOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES,
  'grpc-node.flow_control_window': 4 * 1024 * 1024,
  'grpc.enable_retries': 0,
  // Bulk has a connection of its own, so that heartbeats never wait behind it.
  'grpc.use_local_subchannel_pool': 1,
};

const { join, deliver, watch, relay, forget } = network.NetworkService.method;

export interface DialOptions {
  /** HOST:PORT of the hub. */
  readonly address: string;
  /** This node's certificate and the network's CA; null: no TLS. */
  readonly certificate: NodeCertificate | null;
  /** File with the token that is shown to a hub without TLS, and to any that is to forget a node; null: none. */
  readonly tokenFile: string | null;
  readonly time: Time;
}

/** The connections to one hub. They end with the hub's certificate, and are made anew with a renewed one of this node. */
export class GrpcDial implements HubDial {
  readonly #options: DialOptions;
  readonly #control: GrpcClient;
  readonly #abort = new AbortController();
  readonly #authorization: Metadata;
  readonly #call: { readonly signal: AbortSignal; readonly metadata: Metadata };
  readonly #kept: KeptStreams;
  readonly #unwatch: Stop;
  readonly #bulkClient: () => GrpcClient;
  readonly #explain: (details: string) => ErrorShape;
  /** What the hub has shown, once for each connection. */
  readonly #hubs: X509Certificate[] = [];
  readonly #answers = new Set<{ readonly over: boolean }>();
  #bulk: GrpcClient | null = null;
  #renewed = false;

  /** @throws ArmorlakeError BAD_CONFIG when the certificate or the token can't be used */
  constructor(options: DialOptions) {
    this.#options = options;
    const { address, certificate, tokenFile, time } = options;
    const secured =
      certificate === null
        ? credentials.createInsecure()
        : callerCredentials(certificate.current(), address, (hub) => this.#hubs.push(hub));
    this.#authorization = tokenFile === null ? new Metadata() : authorization(tokenFile);
    // Each stream under way hears it.
    setMaxListeners(0, this.#abort.signal);
    this.#call = { signal: this.#abort.signal, metadata: certificate === null ? this.#authorization : new Metadata() };
    this.#explain = (details) => explainConnection(address, certificate !== null, details);
    this.#kept = new KeptStreams(time);
    this.#unwatch = certificate?.watch(() => (this.#renewed = true)) ?? (() => undefined);
    this.#control = new GrpcClient(address, secured, channelOptions);
    this.#bulkClient = () => (this.#bulk ??= new GrpcClient(address, secured, channelOptions));
  }

  join(): MessageStream<JoinRequestInit, JoinResponse> {
    // Connected ahead, so that the first answer doesn't wait for it; if it fails, the answer's own stream says why.
    void this.#bulkClient()
      .ready(GREETING_MS)
      .catch(() => undefined);
    return this.#keep(new CallerStream(this.#control.bidi(join, this.#call), this.#explain));
  }

  deliver(): MessageStream<DeliverRequestInit, DeliverResponse> {
    return this.#answer(new CallerStream(this.#bulkClient().bidi(deliver, this.#call), this.#explain));
  }

  watch(request: WatchRequestInit): MessageStream<never, WatchResponse> {
    return this.#keep(new CallerStream(this.#control.serverStream(watch, request, this.#call), this.#explain));
  }

  relay(): MessageStream<RelayRequestInit, RelayResponse> {
    return this.#answer(new CallerStream(this.#bulkClient().bidi(relay, this.#call), this.#explain));
  }

  async forget(name: string, asked: AbortSignal): Promise<void> {
    try {
      const limits = { signal: AbortSignal.any([this.#call.signal, asked]), timeoutMs: FORGET_MS };
      await this.#control.unary(forget, { name }, { ...limits, metadata: this.#authorization });
    } catch (thrown) {
      throw asError(thrown, this.#explain);
    }
  }

  close(): void {
    this.#unwatch();
    this.#kept.close();
    this.#abort.abort();
    this.#control.close();
    this.#bulk?.close();
  }

  #answer<Out, In>(stream: CallerStream<Out, In>): CallerStream<Out, In> {
    for (const answer of this.#answers) if (answer.over) this.#answers.delete(answer);
    this.#answers.add(stream);
    return this.#keep(stream);
  }

  #keep<Out, In>(stream: CallerStream<Out, In>): CallerStream<Out, In> {
    return this.#kept.keep(stream, () => this.#trouble());
  }

  #trouble(): ErrorShape | null {
    const { certificate, address } = this.#options;
    for (const hub of this.#hubs) {
      const error = certificate?.trouble(hub) ?? null;
      if (error !== null) return error;
    }
    // The hub would end them with the former certificate, in the middle of an answer.
    const idle = [...this.#answers].every(({ over }) => over);
    return this.#renewed && idle
      ? { code: 'NOT_READY', message: `${address} is dialled with the new certificate.` }
      : null;
  }
}

/** Read at each dial, so that a token that was replaced is taken up. @throws ArmorlakeError BAD_CONFIG */
function authorization(tokenFile: string): Metadata {
  const metadata = new Metadata();
  let token: string;
  try {
    token = readFileSync(tokenFile, 'utf8').trim();
  } catch (thrown) {
    throw new ArmorlakeError('BAD_CONFIG', `Can't read ${tokenFile} (\`network.tokenFile\`): ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new ArmorlakeError('BAD_CONFIG', `${tokenFile} (\`network.tokenFile\`) holds no token.`, {
      hint: 'It is one line, as `armorlake token create` prints it.',
    });
  }
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

function asError(thrown: unknown, explain: (details: string) => ErrorShape): ArmorlakeError {
  if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number') {
    const details = 'details' in thrown && typeof thrown.details === 'string' ? thrown.details : thrown.message;
    const shape = fromStatus({ code: thrown.code, details }, explain);
    if (shape !== null) return ArmorlakeError.fromShape(shape);
  }
  return ArmorlakeError.from(thrown);
}
