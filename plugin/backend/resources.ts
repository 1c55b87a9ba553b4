import { grafanaPlugin, serverStreaming } from '@armorlake/proto';
import type { ServerMethod } from '@armorlake/proto';
import { z } from 'zod';
import { compileQuery, explainRefusal, resourcePaths, valuesQuery } from '../shared/index.js';
import type { ArmorlakeModel, CompiledQuery, ExplainAnswer, NodesAnswer, ValuesAnswer } from '../shared/index.js';
import { PluginError } from './errors.js';
import type { Report } from './fault-log.js';
import type { Instance, Instances } from './instances.js';
import type { Metrics } from './metrics.js';
import { jsonOf, parseExplainRequest, parseValuesRequest } from './requests.js';

export interface ResourceParts {
  readonly instances: Instances;
  readonly metrics: Metrics;
  readonly report: Report;
}

interface ResourceCall {
  readonly instance: Instance;
  readonly body: unknown;
  /** The user's login, for the node's account of queries. */
  readonly login: string;
  readonly signal: AbortSignal;
}

interface Route {
  readonly method: 'GET' | 'POST';
  answer(call: ResourceCall): Promise<unknown>;
}

/** A look-up that takes longer helps nobody who is typing. */
const VALUES_MS = 10_000;

const ROUTES: Readonly<Record<string, Route>> = {
  [resourcePaths.catalog]: {
    method: 'GET',
    answer: ({ instance, signal }) => instance.client.getJson('/api/v1/catalog', { signal }),
  },
  [resourcePaths.nodes]: {
    method: 'GET',
    answer: async ({ instance, signal }): Promise<NodesAnswer> => {
      const { nodes } = await instance.client.status(signal);
      return { nodes };
    },
  },
  [resourcePaths.values]: { method: 'POST', answer: values },
  [resourcePaths.explain]: { method: 'POST', answer: explain },
};

/** CallResource: the paths of shared/resources.ts. */
export function resourceMethod({ instances, metrics, report }: ResourceParts): ServerMethod {
  return serverStreaming(grafanaPlugin.Resource.method.callResource, (call) => {
    const { request } = call;
    const abort = new AbortController();
    call.on('cancelled', () => {
      abort.abort();
    });
    const begin = performance.now();
    const send = (outcome: string, code: number, value: unknown): void => {
      metrics.onCall('CallResource', outcome, performance.now() - begin);
      call.write({
        code,
        headers: { 'Content-Type': { values: ['application/json'] } },
        body: Buffer.from(JSON.stringify(value)),
      });
      call.end();
    };
    answer(request, instances, abort.signal).then(
      (value) => {
        send('ok', 200, value);
      },
      (thrown: unknown) => {
        const error = report(thrown);
        send(error.code, error.status, { error: error.toBody() });
      },
    );
  });
}

async function answer(
  { path, method, body, pluginContext }: grafanaPlugin.CallResourceRequest,
  instances: Instances,
  signal: AbortSignal,
): Promise<unknown> {
  const name = path.replaceAll(/^\/+|\/+$/g, '');
  const route = Object.hasOwn(ROUTES, name) ? ROUTES[name] : undefined;
  if (route === undefined || route.method !== method) {
    throw new PluginError('NOT_FOUND', `The data source has no resource ${method} ${path.slice(0, 100)}.`);
  }
  return await route.answer({
    instance: instances.of(pluginContext),
    body: route.method === 'GET' ? null : jsonOf(body),
    login: pluginContext?.user?.login ?? '',
    signal,
  });
}

const valuesRows = z.object({
  rows: z.array(z.tuple([z.string(), z.union([z.number(), z.string()])])),
  stats: z.object({ truncated: z.boolean() }),
});

async function values({ instance, body, login, signal }: ResourceCall): Promise<ValuesAnswer> {
  const { client, settings } = instance;
  const compiled = valuesQuery(parseValuesRequest(body));
  const timeoutMs = Math.min(VALUES_MS, settings.timeoutMs);
  const question = {
    ...questionOf(compiled, timeoutMs),
    // Suggestions from those who answer are better than none.
    partial: 'ignore',
    origin: { ...(login === '' ? {} : { user: login }), panel: 'values' },
  };
  const answered = valuesRows.safeParse(await client.postJson('/api/v1/query', question, { signal, timeoutMs }));
  if (!answered.success)
    throw new PluginError('NODE_INTERNAL', 'The node answered a look-up of values otherwise than asked.');
  const { rows, stats } = answered.data;
  return { values: rows.map(([value, count]) => ({ value, count: Number(count) })), truncated: stats.truncated };
}

/** What a query asks of the node. */
function questionOf(
  { sql, nodes, perNode, rows }: CompiledQuery,
  timeoutMs: number,
): Readonly<Record<string, unknown>> {
  return { sql, nodes, perNode, limits: { rows, timeoutMs } };
}

async function explain({ instance, body, signal }: ResourceCall): Promise<ExplainAnswer | { explanation: unknown }> {
  const { client, settings } = instance;
  let model: ArmorlakeModel;
  let compiled: CompiledQuery;
  try {
    const { query, context } = parseExplainRequest(body, settings);
    model = query;
    compiled = compileQuery(query, context);
  } catch (thrown) {
    return { sql: null, error: PluginError.from(thrown).toBody() };
  }
  const { sql } = compiled;
  try {
    const question = questionOf(compiled, settings.timeoutMs);
    return { sql, explanation: await client.postJson('/api/v1/explain', question, { signal }) };
  } catch (thrown) {
    const error = PluginError.from(thrown);
    // What is wrong with the query is what was asked; anything else is a failure.
    if (error.status !== 400 && error.status !== 413) throw error;
    const { position: _, ...said } = error.toBody();
    return { sql, error: { ...explainRefusal(model, said), ...positionOf(error, compiled) } };
  }
}

/** Where the error is in what the user wrote. */
function positionOf({ position }: PluginError, { originalPosition }: CompiledQuery): { position?: number } {
  if (position === undefined || originalPosition === null) return {};
  return { position: originalPosition(position) };
}
