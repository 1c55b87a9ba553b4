import { addMethods, grafanaPlugin, unary } from '@armorlake/proto';
import type { ServerMethod } from '@armorlake/proto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Server } from '@grpc/grpc-js';
import type { PluginError } from './errors.js';
import type { Report } from './fault-log.js';
import { checkHealth } from './health.js';
import { goPluginMethods } from './host/go-plugin.js';
import { encodeQueryAnswers } from './host/query-answers.js';
import type { Instances } from './instances.js';
import type { Metrics } from './metrics.js';
import { answerQueries } from './query/answer-queries.js';
import { resourceMethod } from './resources.js';
import { streamMethods } from './streams.js';

/** Bytes of one message of Grafana's; grpc-js takes 4 MiB by itself. */
const RECEIVE_BYTES = 16 << 20;

export interface ServerParts {
  readonly instances: Instances;
  readonly metrics: Metrics;
  readonly report: Report;
  /** Called when the host wants the process to end. */
  readonly shutdown: () => void;
}

/** Grafana's plugin protocol over gRPC, not yet bound. */
export function createServer(parts: ServerParts): Server {
  const server = new Server({
    'grpc.max_receive_message_length': RECEIVE_BYTES,
    'grpc.max_send_message_length': -1,
  });
  addMethods(server, [
    ...goPluginMethods(parts.shutdown),
    queryMethod(parts),
    ...diagnosticMethods(parts),
    resourceMethod(parts),
    ...streamMethods(parts),
  ]);
  return server;
}

type QueryAnswers = MessageInitShape<typeof grafanaPlugin.QueryDataResponseSchema>;

function queryMethod({ instances, metrics, report }: ServerParts): ServerMethod {
  const answer = async (
    request: grafanaPlugin.QueryDataRequest,
    call: { on(event: 'cancelled', listener: () => void): unknown },
  ): Promise<QueryAnswers> => {
    const abort = new AbortController();
    call.on('cancelled', () => {
      abort.abort();
    });
    const begin = performance.now();
    let outcome = 'ok';
    try {
      return await answerQueries(request, instances.of(request.pluginContext), abort.signal);
    } catch (thrown) {
      const error = report(thrown);
      outcome = error.code;
      return allFailed(request, error);
    } finally {
      metrics.onCall('QueryData', outcome, performance.now() - begin);
    }
  };
  return unary(grafanaPlugin.Data.method.queryData, answer, encodeQueryAnswers);
}

/** The same error for every query of a request. */
function allFailed(request: grafanaPlugin.QueryDataRequest, error: PluginError): QueryAnswers {
  const answer = { error: error.text, status: error.status, errorSource: error.errorSource };
  return { responses: Object.fromEntries(request.queries.map(({ refId }) => [refId, answer])) };
}

function diagnosticMethods({ instances, metrics }: ServerParts): readonly ServerMethod[] {
  const { Diagnostics } = grafanaPlugin;
  return [
    unary(Diagnostics.method.checkHealth, async (request, call) => {
      const abort = new AbortController();
      call.on('cancelled', () => {
        abort.abort();
      });
      return await checkHealth(() => instances.of(request.pluginContext).settings, metrics, abort.signal);
    }),
    unary(Diagnostics.method.collectMetrics, () => ({
      metrics: { prometheus: Buffer.from(metrics.text()) },
    })),
  ];
}
