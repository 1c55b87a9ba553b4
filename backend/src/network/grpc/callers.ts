import { X509Certificate } from 'node:crypto';
import { ArmorlakeError } from '../../core/index.js';
import type { ErrorShape } from '../../core/index.js';
import type { Caller } from '../backbone.js';
import { identityIn } from '../certificates/identity.js';
import type { NodeCertificate } from '../certificates/node-certificate.js';
import type { Time } from '../time.js';
import type { NetworkRight, NetworkTokens } from '../tokens.js';
import { KeptStreams } from './kept-streams.js';
import type { ServedStream } from './streams.js';

/** What grpc-js tells of the other side of any server call. */
export interface AnyCall {
  readonly metadata: { get(key: string): readonly unknown[] };
  getPeer(): string;
  getAuthContext(): { readonly sslPeerCertificate?: { readonly raw: Buffer } };
}

/** Who a call comes from, and why it is not to be trusted any more, if so. */
interface Proof {
  readonly caller: Caller;
  readonly trouble: () => ErrorShape | null;
}

/**
 * Tells who calls a hub: by certificate with TLS, by token without; and ends streams whose proof has ended. A certificate
 * lets a node answer or ask; what the hub expects is changed by its administrators alone, who have tokens.
 */
export class Callers {
  readonly #certificate: NodeCertificate | null;
  readonly #tokens: NetworkTokens | null;
  readonly #kept: KeptStreams;

  /**
   * @param certificate the hub's own; null: no TLS
   * @param tokens the hub's; null: none are asked for
   */
  constructor(certificate: NodeCertificate | null, tokens: NetworkTokens | null, time: Time) {
    this.#certificate = certificate;
    this.#tokens = tokens;
    this.#kept = new KeptStreams(time);
  }

  /** @throws ArmorlakeError UNAUTHENTICATED or FORBIDDEN when what the caller shows doesn't allow this. */
  admit(call: AnyCall, right: NetworkRight): Caller {
    const { caller, trouble } = this.#proofOf(call, right);
    const error = trouble();
    if (error !== null) throw ArmorlakeError.fromShape(error);
    return caller;
  }

  /** As `admit`; the stream ends with what proved its caller, or at once. */
  serve<Out, In>(
    call: AnyCall,
    right: NetworkRight,
    stream: ServedStream<Out, In>,
    serve: (stream: ServedStream<Out, In>, caller: Caller) => void,
  ): void {
    try {
      const { caller, trouble } = this.#proofOf(call, right);
      const error = trouble();
      if (error !== null) stream.close(error);
      else serve(this.#kept.keep(stream, trouble), caller);
    } catch (thrown) {
      stream.close(ArmorlakeError.from(thrown).toShape());
    }
  }

  close(): void {
    this.#kept.close();
  }

  #proofOf(call: AnyCall, right: NetworkRight): Proof {
    const address = call.getPeer();
    const own = this.#certificate;
    if (own === null) return { caller: { certificate: null, address }, trouble: this.#tokenTrouble(call, right) };
    const raw = call.getAuthContext().sslPeerCertificate?.raw;
    const peer = raw === undefined ? null : new X509Certificate(raw);
    const identity = peer === null ? null : identityIn(peer);
    if (peer === null || identity === null) {
      throw new ArmorlakeError('UNAUTHENTICATED', "The caller's certificate is none of an Armorlake node.", {
        hint: 'Issue one with `armorlake cert issue`.',
      });
    }
    const administers = right === 'forget' ? this.#administratorTrouble(call) : () => null;
    return { caller: { certificate: identity, address }, trouble: () => own.trouble(peer) ?? administers() };
  }

  #administratorTrouble(call: AnyCall): Proof['trouble'] {
    if (this.#tokens?.any !== true) {
      const message =
        'No certificate lets a node make this hub forget others: run `armorlake forget NAME` at the hub, or make a token of role admin there and name it in `network.tokenFile`.';
      return () => ({ code: 'FORBIDDEN', message });
    }
    return this.#tokenTrouble(call, 'forget');
  }

  #tokenTrouble(call: AnyCall, right: NetworkRight): Proof['trouble'] {
    const [header] = call.metadata.get('authorization');
    const token = typeof header === 'string' ? (/^Bearer +(\S+)$/i.exec(header)?.[1] ?? null) : null;
    return () => {
      try {
        this.#tokens?.check(token, right);
        return null;
      } catch (thrown) {
        return ArmorlakeError.from(thrown).toShape();
      }
    };
  }
}
