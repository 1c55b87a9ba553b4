import { goPlugin, health, unary, bidiStreaming, serverStreaming } from '@armorlake/proto';
import type { ServerMethod } from '@armorlake/proto';
import { status } from '@grpc/grpc-js';

/** The name under which go-plugin asks for health. */
const SERVICE = 'plugin';

/** What hashicorp's go-plugin wants beside a plugin's own services. @param shutdown called once the reply is on its way */
export function goPluginMethods(shutdown: () => void): readonly ServerMethod[] {
  return [
    unary(health.Health.method.check, ({ service }) => {
      if (service === '' || service === SERVICE) {
        return { status: health.HealthCheckResponse_ServingStatus.SERVING };
      }
      throw Object.assign(new Error(`There is no service ${service}.`), { code: status.NOT_FOUND });
    }),
    unary(goPlugin.GRPCController.method.shutdown, () => {
      setImmediate(shutdown);
      return {};
    }),
    bidiStreaming(goPlugin.GRPCBroker.method.startStream, (call) => {
      call.on('end', () => {
        call.end();
      });
      call.resume();
    }),
    serverStreaming(goPlugin.GRPCStdio.method.streamStdio, () => undefined),
  ];
}
