import type { ArmorlakeModel, CompiledQuery, QueryContext } from '../../shared/index.js';
import { compileQuery, explainRefusal, isWritten, mostRows, parseModel, printable } from '../../shared/index.js';
import { PluginError } from '../errors.js';
import { encodeFrame } from '../frames/arrow-file.js';
import { ask } from './ask.js';
import { checkCoverage } from './check-coverage.js';
import { checkAlertType, framesOf } from './frames-of.js';
import { isAlert, isExpression, originOf } from './origin.js';
import { keepMs, sharedRange } from './shared-range.js';
import type { Answer, AnswerQueries, Origin, QueryDataRequest, QueryDataResponse, QueryInstance } from './types.js';
import { withAccount } from './with-account.js';

type DataQuery = QueryDataRequest['queries'][number];
type DataResponse = NonNullable<QueryDataResponse['responses']>[string];

/** Who asks, and for what: the same for all queries of a request. */
interface Asker {
  readonly instance: QueryInstance;
  readonly origin: Origin;
  /** Its uid, for links that stay with it. */
  readonly dataSource: string;
  /** An alert rule judges the answer: no person sees its notices. */
  readonly alert: boolean;
  /** Grafana computes with the answer: an alert rule, or an expression of a panel. */
  readonly computed: boolean;
  readonly nowMs: number;
}

/** Answers each query of a request; one that fails is an error in its own response, never an exception. */
export const answerQueries: AnswerQueries = async (request, instance, signal) => {
  const alert = isAlert(request);
  const asker: Asker = {
    instance,
    origin: originOf(request),
    dataSource: request.pluginContext?.dataSourceInstanceSettings?.uid ?? '',
    alert,
    computed: alert || isExpression(request),
    nowMs: Date.now(),
  };
  // How many are at the node at a time, `sharing` says.
  const answered = request.queries.map(async (query): Promise<[string, DataResponse]> => [
    query.refId,
    await answerOrError(query, asker, signal),
  ]);
  return { responses: Object.fromEntries(await Promise.all(answered)) };
};

async function answerOrError(query: DataQuery, asker: Asker, signal: AbortSignal): Promise<DataResponse> {
  try {
    return { frames: await answerQuery(query, asker, signal), status: 200 };
  } catch (thrown) {
    const error = asker.instance.report(thrown);
    return { error: error.text, status: error.status, errorSource: error.errorSource };
  }
}

async function answerQuery(query: DataQuery, asker: Asker, signal: AbortSignal): Promise<Uint8Array[]> {
  const { settings } = asker.instance;
  const model = parseModel(jsonOf(query.json), settings.defaultTable, settings.rowLimit);
  if (asker.alert) checkAlertType(model);
  const context = contextOf(query, asker);
  const compiled = compileQuery(model, context);
  const { answer, shared } = await askShared(model, compiled, context, asker, signal);
  const policy = model.partial ?? settings.partial;
  checkCoverage(answer, asker.alert ? model.alertCoverage : null, policy, model.queryType);
  const { alert, computed, nowMs } = asker;
  const frames = framesOf(answer, {
    model,
    compiled,
    context,
    settings,
    alert,
    computed,
    nowMs,
    dashboard: asker.origin.dashboard,
    dataSource: asker.dataSource,
  });
  const rangeMinutes = (context.toMs - context.fromMs) / 60_000;
  const account = { answer, sql: compiled.sql, shared, policy, most: mostRows(model), rangeMinutes };
  return withAccount(frames, account).map((frame) => encodeFrame(frame, query.refId));
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (thrown) {
    throw new PluginError('BAD_QUERY', 'The saved query is no JSON.', { cause: thrown });
  }
}

function contextOf({ timeRange, intervalMS, maxDataPoints }: DataQuery, { alert }: Asker): QueryContext {
  const context = {
    fromMs: Number(timeRange?.fromEpochMS ?? 0n),
    toMs: Number(timeRange?.toEpochMS ?? 0n),
    intervalMs: Number(intervalMS),
    maxDataPoints: Number(maxDataPoints),
  };
  return alert ? context : { ...context, ...sharedRange(context) };
}

async function askShared(
  model: ArmorlakeModel,
  compiled: CompiledQuery,
  context: QueryContext,
  { instance, origin, alert, computed, nowMs }: Asker,
  signal: AbortSignal,
): Promise<{ readonly answer: Answer; readonly shared: boolean }> {
  const { client, settings, sharing } = instance;
  const { sql, nodes, perNode, rows } = compiled;
  const question = { sql, nodes, perNode, rows, timeoutMs: settings.timeoutMs };
  // A rule that joined a panel's question would wait in the panels' queue.
  const key = JSON.stringify({ ...question, alert });
  try {
    return await sharing.ask(
      {
        key,
        ofRule: alert,
        keepMs: alert || computed ? 0 : keepMs(context, nowMs),
        size: (answer) => (answer.coverage.failed === 0 ? answer.stats.bytes + key.length : null),
        ask: (all) => ask(client, question, origin, all),
      },
      signal,
    );
  } catch (thrown) {
    throw inPlace(PluginError.from(thrown), model, compiled);
  }
}

/** A node's refusal in this plugin's words, its position as one in what the user wrote. */
function inPlace(error: PluginError, model: ArmorlakeModel, { originalPosition, sql }: CompiledQuery): PluginError {
  const { node, coverage, position: at } = error;
  const { message, hint } = explainRefusal(model, error.toBody());
  const details = { hint, node, coverage, cause: error };
  if (at === undefined || message !== error.message) return new PluginError(error.code, message, details);
  const position = model.replacedSql === true ? undefined : originalPosition?.(at);
  // The limit after it is ours: it stands where more was to come.
  if (isWritten(model) && sql.startsWith('LIMIT', at) && !model.sql.startsWith('LIMIT', position ?? at)) {
    return new PluginError(error.code, "The SQL can't be understood: it ends too early.", { ...details, position });
  }
  const words = printable(/^.{0,30}/.exec(sql.slice(at))?.[0] ?? '');
  const place = position === undefined ? `near "${words}"` : `at character ${position + 1}`;
  return new PluginError(error.code, `${message.replace(/\.$/, '')} (${place}).`, { ...details, position });
}
