import type { ServerMethod } from '@armorlake/proto';
import { grafanaPlugin, serverStreaming, unary } from '@armorlake/proto';
import { tailSelection } from '../shared/index.js';
import { tailKey } from '../shared/tail-key.js';
import { PluginError } from './errors.js';
import type { Report } from './fault-log.js';
import type { LinkPlace } from './frames/field-config.js';
import type { Notice } from './frames/frame.js';
import type { Instances } from './instances.js';
import type { Metrics } from './metrics.js';
import { jsonOf, parseTailRequest } from './requests.js';
import { follow } from './tail/follow.js';
import type { LiveField } from './tail/lines.js';
import { lineFields, noticeLine } from './tail/lines.js';
import { packetOf } from './tail/packet.js';
import { Pump } from './tail/pump.js';

export interface StreamParts {
  readonly instances: Instances;
  readonly metrics: Metrics;
  readonly report: Report;
}

type StreamRequest = Pick<grafanaPlugin.SubscribeStreamRequest, 'path' | 'data' | 'pluginContext'>;

const PREFIX = 'tail/';

/**
 * Live tails: channel `tail/<tailKey of the request>`, the request as the stream's data. Grafana runs one stream a
 * channel, whoever looks, and ends it some seconds after the last one has gone.
 */
export function streamMethods(parts: StreamParts): readonly ServerMethod[] {
  const { Stream } = grafanaPlugin;
  const { metrics } = parts;
  let open = 0;
  /** Streams that run, for who comes later. */
  const running = new Map<string, Pump>();
  metrics.gauge('live_streams', () => open);
  return [
    unary(Stream.method.subscribeStream, (request) => {
      const { OK, NOT_FOUND } = grafanaPlugin.SubscribeStreamResponse_Status;
      const fields = lineFields(placeOf(request, parts));
      try {
        check(request);
        return { status: OK, data: packetOf(fields, running.get(channelOf(request))?.standing() ?? [], null) };
      } catch (thrown) {
        const error = PluginError.from(thrown);
        // What is wrong with a request is said where its lines would be.
        if (error.code !== 'NOT_FOUND') return { status: OK, data: refusal(fields, error) };
        return { status: NOT_FOUND };
      }
    }),
    unary(Stream.method.publishStream, () => ({
      status: grafanaPlugin.PublishStreamResponse_Status.PERMISSION_DENIED,
    })),
    serverStreaming(Stream.method.runStream, (call) => {
      const abort = new AbortController();
      open += 1;
      const sent = (lines: number): void => {
        metrics.count('tail_rows_total', {}, lines);
      };
      const place = placeOf(call.request, parts);
      const pump = new Pump(call, place, sent, abort.signal);
      const channel = channelOf(call.request);
      running.set(channel, pump);
      call.once('cancelled', () => {
        open -= 1;
        abort.abort();
        if (running.get(channel) === pump) running.delete(channel);
      });
      run(call.request, parts, pump, abort.signal).catch((thrown: unknown) => {
        // It stays open: Grafana would only begin it again, and fail again.
        if (abort.signal.aborted) return;
        call.write({ data: refusal(lineFields(place), parts.report(thrown)) });
      });
    }),
  ];
}

async function run(request: StreamRequest, parts: StreamParts, pump: Pump, signal: AbortSignal): Promise<void> {
  const { client } = parts.instances.of(request.pluginContext);
  const selection = check(request);
  await pump.run(follow(client, selection, signal), selection.table);
}

/** What is followed. @throws PluginError NOT_FOUND, BAD_REQUEST; QueryError. */
function check({ path, data }: StreamRequest): { readonly table: string; readonly where: string } {
  if (!path.startsWith(PREFIX)) throw new PluginError('NOT_FOUND', 'There is no such stream.');
  const request = parseTailRequest(jsonOf(data));
  // One channel, one stream: another's request under this name would show its rows.
  if (path !== PREFIX + tailKey(request)) throw new PluginError('NOT_FOUND', 'The stream has the name of another.');
  return tailSelection(request);
}

/** Where links lead; nowhere when the settings are wrong, which is told where they are needed. */
function placeOf({ pluginContext }: StreamRequest, { instances }: StreamParts): LinkPlace {
  try {
    const { links, uid } = instances.of(pluginContext).settings;
    return { links, dataSource: uid };
  } catch {
    return { links: { process: '', workload: '', sightings: '' }, dataSource: '' };
  }
}

/** The same path of another data source is another stream. */
function channelOf({ path, pluginContext }: StreamRequest): string {
  return JSON.stringify([String(pluginContext?.orgId), pluginContext?.dataSourceInstanceSettings?.uid, path]);
}

/** Why there are no lines, as a notice and as a line. */
function refusal(fields: readonly LiveField[], error: PluginError): Buffer {
  const notice: Notice = { severity: 'error', text: error.text };
  const nowMs = Date.now();
  return packetOf(fields, [noticeLine(fields, notice, error.text, nowMs)], notice);
}
