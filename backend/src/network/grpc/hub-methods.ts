import { X509Certificate } from 'node:crypto';
import type { Server } from '@grpc/grpc-js';
import { addMethods, bidiStreaming, network, serverStreaming, unary } from '@armorlake/proto';
import { ArmorlakeError } from '../../core/index.js';
import type { ErrorShape } from '../../core/index.js';
import type { Caller, HubService } from '../backbone.js';
import { identityIn } from '../certificates/identity.js';
import { ServedStream, toStatus } from './streams.js';

const { join, deliver, watch, relay, forget } = network.NetworkService.method;

/** What grpc-js tells of the other side of any server call. */
interface AnyCall {
  getPeer(): string;
  getAuthContext(): { readonly sslPeerCertificate?: { readonly raw: Buffer } };
}

/** Serves a hub; with TLS only to callers with a certificate that names a node. */
export function hubMethods(server: Server, service: HubService, tls: boolean): void {
  addMethods(server, [
    bidiStreaming(join, (call) => admitted(call, tls, new ServedStream(call), (...known) => service.join(...known))),
    bidiStreaming(deliver, (call) =>
      admitted(call, tls, new ServedStream(call), (...known) => service.deliver(...known)),
    ),
    serverStreaming(watch, (call) =>
      admitted(call, tls, new ServedStream(call), (stream, caller) => service.watch(call.request, stream, caller)),
    ),
    bidiStreaming(relay, (call) => admitted(call, tls, new ServedStream(call), (...known) => service.relay(...known))),
    unary(forget, async ({ name }, call) => {
      try {
        await service.forget(name, callerOf(call, tls));
        return {};
      } catch (thrown) {
        const { code, details } = toStatus(ArmorlakeError.from(thrown).toShape());
        throw Object.assign(new Error(details), { code });
      }
    }),
  ]);
}

function admitted<S extends { close(error?: ErrorShape): void }>(
  call: AnyCall,
  tls: boolean,
  stream: S,
  serve: (stream: S, caller: Caller) => void,
): void {
  let caller: Caller;
  try {
    caller = callerOf(call, tls);
  } catch (thrown) {
    stream.close(ArmorlakeError.from(thrown).toShape());
    return;
  }
  serve(stream, caller);
}

/** @throws ArmorlakeError UNAUTHENTICATED when TLS is on and the certificate names no node */
function callerOf(call: AnyCall, tls: boolean): Caller {
  const address = call.getPeer();
  if (!tls) return { certificate: null, address };
  const raw = call.getAuthContext().sslPeerCertificate?.raw;
  const identity = raw === undefined ? null : identityIn(new X509Certificate(raw));
  if (identity === null) {
    throw new ArmorlakeError('UNAUTHENTICATED', "The caller's certificate is none of an Armorlake node.", {
      hint: 'Issue one with `armorlake cert issue`.',
    });
  }
  return { certificate: identity, address };
}
