import type { DecodedFrame } from './frames.js';
import { decodeFrame } from './frames.js';
import type { PanelQuery, QueryOptions } from './plugin-host.js';
import { PluginHost } from './plugin-host.js';
import { ModelNode, range, storedAlerts } from './plugin-model.js';

export interface Answered {
  readonly frames: readonly DecodedFrame[];
  readonly error: string;
  readonly status: number;
  readonly errorSource: string;
}

/** The headers of an alert rule's evaluation. */
export const alertHeaders: Readonly<Record<string, string>> = {
  FromAlert: 'true',
  'http_X-Rule-Uid': 'rule-1',
  'http_X-Rule-Name': 'a rule',
};

/** A node over a lake of this test's own, and the data source's backend that asks it. */
export class PluginLake implements AsyncDisposable {
  readonly node: ModelNode;
  readonly host: PluginHost;

  private constructor(node: ModelNode, host: PluginHost) {
    this.node = node;
    this.host = host;
  }

  /** With the alerts of `plugin-model.ts`. */
  static async open(jsonData: Readonly<Record<string, unknown>> = {}): Promise<PluginLake> {
    const node = await ModelNode.open();
    await node.store('kubearmor.alerts', storedAlerts);
    const url = await node.api.app.listen({ host: '127.0.0.1', port: 0 });
    const host = await PluginHost.start({ dataSource: { jsonData: { urls: [url], ...jsonData } } });
    return new PluginLake(node, host);
  }

  /** One query over the day of the stored alerts. */
  async ask(model: object, query: Partial<PanelQuery> = {}, options: QueryOptions = {}): Promise<Answered> {
    const { A } = await askAll(this.host, [{ ...dayOf(model), ...query }], options);
    if (A === undefined) throw new Error('The query was not answered.');
    return A;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host.close();
    await this.node[Symbol.asyncDispose]();
  }
}

/** A panel's query over the day of the stored alerts. */
export function dayOf(model: object): PanelQuery {
  const { fromMs, toMs, intervalMs, maxDataPoints } = range;
  return { model, fromMs, toMs, intervalMs, maxDataPoints };
}

/** SQL as the editor saves it. */
export function written(queryType: string, sql: string, more: object = {}): object {
  return { schemaVersion: 1, queryType, editor: 'sql', sql, ...more };
}

export async function askAll(
  host: PluginHost,
  queries: readonly PanelQuery[],
  options: QueryOptions = {},
): Promise<Readonly<Record<string, Answered>>> {
  const answers = await host.queryData(queries, options);
  return Object.fromEntries(
    Object.entries(answers).map(([refId, answer]) => [refId, { ...answer, frames: answer.frames.map(decodeFrame) }]),
  );
}
