import type { ServerMethod } from '@armorlake/proto';
import { feeder, rawServerStreaming, unary } from '@armorlake/proto';
import type { Hub } from './hub.js';

const { healthCheck, watchAlerts, watchLogs, watchMessages } = feeder.LogService.method;

/** KubeArmor's LogService: filters it doesn't know end the stream at once with OK, as KubeArmor's own does. */
export function logService(hub: Hub): readonly ServerMethod[] {
  return [
    unary(healthCheck, ({ nonce }) => ({ Retval: nonce })),
    rawServerStreaming(watchMessages, (call) => {
      hub.subscribe('messages', call);
    }),
    rawServerStreaming(watchAlerts, (call) => {
      if (call.request.Filter === 'all' || call.request.Filter === 'policy') hub.subscribe('alerts', call);
      else call.end();
    }),
    rawServerStreaming(watchLogs, (call) => {
      if (call.request.Filter === 'all' || call.request.Filter === 'system') hub.subscribe('logs', call);
      else call.end();
    }),
  ];
}
