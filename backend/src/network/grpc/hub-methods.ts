import type { Server } from '@grpc/grpc-js';
import { addMethods, bidiStreaming, network, serverStreaming, unary } from '@armorlake/proto';
import { ArmorlakeError } from '../../core/index.js';
import type { HubService } from '../backbone.js';
import type { Callers } from './callers.js';
import { ServedStream, toStatus } from './streams.js';

const { join, deliver, watch, relay, forget } = network.NetworkService.method;

/** Serves a hub to callers that may use it. */
export function hubMethods(server: Server, service: HubService, callers: Callers): void {
  addMethods(server, [
    bidiStreaming(join, (call) =>
      callers.serve(call, 'join', new ServedStream(call), (...known) => service.join(...known)),
    ),
    bidiStreaming(deliver, (call) =>
      callers.serve(call, 'join', new ServedStream(call), (...known) => service.deliver(...known)),
    ),
    serverStreaming(watch, (call) =>
      callers.serve(call, 'ask', new ServedStream(call), (...known) => service.watch(call.request, ...known)),
    ),
    bidiStreaming(relay, (call) =>
      callers.serve(call, 'ask', new ServedStream(call), (...known) => service.relay(...known)),
    ),
    unary(forget, async ({ name }, call) => {
      try {
        await service.forget(name, callers.admit(call, 'forget'));
        return {};
      } catch (thrown) {
        const { code, details } = toStatus(ArmorlakeError.from(thrown).toShape());
        throw Object.assign(new Error(details), { code });
      }
    }),
  ]);
}
