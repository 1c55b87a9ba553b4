import { Server, ServerCredentials } from '@grpc/grpc-js';
import { ArmorlakeError, isLoopback } from '../../core/index.js';
import { addressOf } from '../backbone.js';
import type { Backbone, HubDial, HubService, HubTarget, Listening } from '../backbone.js';
import type { NodeCertificate } from '../certificates/node-certificate.js';
import { MESSAGE_BYTES } from '../limits.js';
import type { Time } from '../time.js';
import type { NetworkTokens } from '../tokens.js';
import { Callers } from './callers.js';
import { GrpcDial } from './grpc-dial.js';
import { hubMethods } from './hub-methods.js';
import { ReloadingCredentials } from './tls.js';

export interface GrpcOptions {
  /** Where others may join; null: nowhere. Port 0 takes a free one. */
  readonly listen: HubTarget | null;
  /** This node's certificate and the network's CA; null: no TLS. */
  readonly certificate: NodeCertificate | null;
  /** Go beyond loopback without TLS. */
  readonly insecure: boolean;
  /** What callers without TLS have to show; null: nothing. */
  readonly tokens: NetworkTokens | null;
  /** Absolute path of a file with the token that is shown to hubs without TLS; null: none. */
  readonly tokenFile: string | null;
  readonly time: Time;
}

/** The built-in backbone: gRPC over HTTP/2, with mutual TLS everywhere but on loopback. */
export class GrpcBackbone implements Backbone {
  readonly #options: GrpcOptions;

  constructor(options: GrpcOptions) {
    this.#options = options;
  }

  dial(target: HubTarget): HubDial {
    const { certificate, time, tokenFile } = this.#options;
    this.#mayUse(target, 'join');
    return new GrpcDial({ address: addressOf(target), certificate, tokenFile, time });
  }

  async listen(service: HubService): Promise<Listening> {
    const { listen, certificate, tokens, time } = this.#options;
    if (listen === null) throw new ArmorlakeError('BAD_CONFIG', 'No address to listen on is configured.');
    this.#mayUse(listen, 'listen');
    const server = new Server({
      'grpc.max_receive_message_length': MESSAGE_BYTES,
      // Connections whose other side is gone without a word are closed, too.
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
    });
    const callers = new Callers(certificate, tokens, time);
    hubMethods(server, service, callers);
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
      callers.close();
      throw thrown;
    });
    const close = (): Promise<void> => {
      reloading?.stop();
      callers.close();
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
