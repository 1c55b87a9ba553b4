import { Server, ServerCredentials, credentials } from '@grpc/grpc-js';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { GrpcClient, network } from '@armorlake/proto';
import { ArmorlakeError, isLoopback } from '../../core/index.js';
import { addressOf } from '../backbone.js';
import type { Backbone, HubDial, HubService, HubTarget, Listening } from '../backbone.js';
import type { NodeCertificate } from '../certificates/node-certificate.js';
import { GREETING_MS, MESSAGE_BYTES } from '../limits.js';
import { explainConnection } from './explain.js';
import { hubMethods } from './hub-methods.js';
import { CallerStream, fromStatus } from './streams.js';
import { ReloadingCredentials, callerCredentials } from './tls.js';

export interface GrpcOptions {
  /** Where others may join; null: nowhere. Port 0 takes a free one. */
  readonly listen: HubTarget | null;
  /** This node's certificate and the network's CA; null: no TLS. */
  readonly certificate: NodeCertificate | null;
  /** Go beyond loopback without TLS. */
  readonly insecure: boolean;
}

const FORGET_MS = 5_000;

const channelOptions: ChannelOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES,
  'grpc-node.flow_control_window': 4 * 1024 * 1024,
  'grpc.enable_retries': 0,
  // Bulk has a connection of its own, so that heartbeats never wait behind it.
  'grpc.use_local_subchannel_pool': 1,
};

const { join, deliver, watch, relay, forget } = network.NetworkService.method;

/** The built-in backbone: gRPC over HTTP/2, with mutual TLS everywhere but on loopback. */
export class GrpcBackbone implements Backbone {
  readonly #options: GrpcOptions;

  constructor(options: GrpcOptions) {
    this.#options = options;
  }

  dial(target: HubTarget): HubDial {
    const { certificate } = this.#options;
    this.#mayUse(target, 'join');
    const address = addressOf(target);
    const secured: ChannelCredentials =
      certificate === null ? credentials.createInsecure() : callerCredentials(certificate.current(), address);
    const explain = (details: string) => explainConnection(address, certificate !== null, details);
    const control = new GrpcClient(address, secured, channelOptions);
    let bulk: GrpcClient | null = null;
    const bulkClient = (): GrpcClient => (bulk ??= new GrpcClient(address, secured, channelOptions));
    const abort = new AbortController();
    const { signal } = abort;
    return {
      join: () => {
        // Connected ahead, so that the first answer doesn't wait for it; if it fails, the answer's own stream says why.
        void bulkClient()
          .ready(GREETING_MS)
          .catch(() => undefined);
        return new CallerStream(control.bidi(join, { signal }), explain);
      },
      deliver: () => new CallerStream(bulkClient().bidi(deliver, { signal }), explain),
      watch: (request) => new CallerStream(control.serverStream(watch, request, { signal }), explain),
      relay: () => new CallerStream(bulkClient().bidi(relay, { signal }), explain),
      forget: async (name, asked) => {
        try {
          await control.unary(forget, { name }, { signal: AbortSignal.any([signal, asked]), timeoutMs: FORGET_MS });
        } catch (thrown) {
          throw asError(thrown, explain);
        }
      },
      close: () => {
        abort.abort();
        control.close();
        bulk?.close();
      },
    };
  }

  async listen(service: HubService): Promise<Listening> {
    const { listen, certificate } = this.#options;
    if (listen === null) throw new ArmorlakeError('BAD_CONFIG', 'No address to listen on is configured.');
    this.#mayUse(listen, 'listen');
    const server = new Server({
      'grpc.max_receive_message_length': MESSAGE_BYTES,
      // Connections whose other side is gone without a word are closed, too.
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
    });
    hubMethods(server, service, certificate !== null);
    const reloading = certificate === null ? null : new ReloadingCredentials(certificate);
    const address = addressOf(listen);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(address, reloading ?? ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else {
          const hint = 'Choose another port with --network, or end what uses this one.';
          reject(new ArmorlakeError('BAD_CONFIG', `Can't listen on ${address}: ${error.message}`, { hint }));
        }
      });
    }).catch((thrown: unknown) => {
      reloading?.stop();
      throw thrown;
    });
    const close = (): Promise<void> => {
      reloading?.stop();
      server.forceShutdown();
      return Promise.resolve();
    };
    return { host: listen.host, port, close };
  }

  #mayUse({ host, port }: HubTarget, what: 'join' | 'listen'): void {
    const { certificate, insecure } = this.#options;
    if (certificate !== null || insecure || isLoopback(host)) return;
    const does = what === 'join' ? 'join' : 'listen on';
    throw new ArmorlakeError('BAD_CONFIG', `This node won't ${does} ${addressOf({ host, port })} without TLS.`, {
      hint: 'Make certificates with `armorlake cert init` and `armorlake cert issue` and configure `network.tls`; where the network itself is safe, --insecure-network.',
    });
  }
}

function asError(thrown: unknown, explain: (details: string) => ReturnType<ArmorlakeError['toShape']>): ArmorlakeError {
  if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number') {
    const details = 'details' in thrown && typeof thrown.details === 'string' ? thrown.details : thrown.message;
    const shape = fromStatus({ code: thrown.code, details }, explain);
    if (shape !== null) return ArmorlakeError.fromShape(shape);
  }
  return ArmorlakeError.from(thrown);
}
