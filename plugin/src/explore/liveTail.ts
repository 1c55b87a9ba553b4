import { LiveChannelScope, LoadingState, isLiveChannelMessageEvent, isLiveChannelStatusEvent } from '@grafana/data';
import type { DataFrame, DataFrameJSON, DataQueryResponse, LiveChannelAddress, LiveChannelEvent } from '@grafana/data';
import type { GrafanaLiveSrv } from '@grafana/runtime';
import { defer, from, map, mergeMap, of, startWith } from 'rxjs';
import type { Observable } from 'rxjs';
import { QueryError, clampLimit, tailKey } from '../../shared/index.js';
import type { ArmorlakeModel, Filter, NodesAnswer, Scope, TailRequest } from '../../shared/index.js';
import type { ArmorlakeQuery } from '../types.js';
import { text } from '../text.js';
import { TailBuffer } from './tailBuffer.js';

/** What a live tail needs of the data source. */
export interface TailDoor {
  readonly uid: string;
  readonly live: Pick<GrafanaLiveSrv, 'getStream'>;
  readonly nodes: () => Promise<NodesAnswer>;
}

/** Whether a dashboard's query goes on with the rows that are stored later. */
export function isLive({ live, queryType, editor, derived }: ArmorlakeQuery): boolean {
  return live === true && queryType === 'logs' && editor !== 'sql' && derived === undefined;
}

/**
 * The rows of a logs query as they are stored, the newest at the end, never more than the query's limit.
 * @param begun Rows of an ordinary answer to begin with, oldest first.
 */
export function liveTail(
  door: TailDoor,
  refId: string,
  model: ArmorlakeModel,
  begun: readonly DataFrame[] = [],
): Observable<DataQueryResponse> {
  const buffer = new TailBuffer(refId, clampLimit('logs', model.builder.limit));
  for (const frame of begun) buffer.begin(frame);
  const shown = (failed?: string): DataQueryResponse => ({
    key: `${refId}-tail`,
    data: buffer.frame === null ? [] : [buffer.frame],
    state: LoadingState.Streaming,
    ...(failed === undefined ? {} : { errors: [{ refId, message: failed }] }),
  });
  if (model.queryType !== 'logs' || model.editor !== 'builder') {
    return of({ ...shown(text.explore.live.onlyBuilder), state: LoadingState.Error });
  }
  return defer(() => from(tailRequest(model, door.nodes))).pipe(
    mergeMap((request) => door.live.getStream<DataFrameJSON>(address(door.uid, request))),
    map((event) => shown(take(buffer, event))),
    startWith(shown()),
  );
}

/** What the channel is asked for: the builder's filters, and the scope as filters on the rows. @throws QueryError */
export async function tailRequest(model: ArmorlakeModel, nodes: () => Promise<NodesAnswer>): Promise<TailRequest> {
  const { builder, scope, adHocFilters = [] } = model;
  return { table: builder.table, filters: [...builder.filters, ...(await scopeFilters(scope, nodes))], adHocFilters };
}

async function scopeFilters(scope: Scope, nodes: () => Promise<NodesAnswer>): Promise<readonly Filter[]> {
  const { clusters, labels } = scope;
  const is = (column: string, values: readonly string[]): Filter => ({ column, operator: 'is', values });
  // A scope that is nobody is no condition that says nothing.
  if (scope.nodes.length > 0 && scope.nodes.every((node) => node === ''))
    throw new QueryError(text.explore.live.noNodes);
  const named = scope.nodes.length === 0 ? [] : [is('node', scope.nodes)];
  const wanted = Object.entries(labels).filter(([, values]) => values.length > 0);
  if (wanted.length === 0 && clusters.length === 0) return named;
  // Clusters and labels are those of nodes; rows know their node's name only.
  const matching = (await nodes()).nodes.filter(
    (node) =>
      (clusters.length === 0 || clusters.includes(node.cluster)) &&
      wanted.every(([key, values]) => values.includes(node.labels[key] ?? '')),
  );
  if (matching.length === 0) throw new QueryError(text.explore.live.noNodes);
  return [...named, is('node', matching.map(({ name }) => name).sort())];
}

function address(uid: string, request: TailRequest): LiveChannelAddress {
  // 12.2 calls it namespace, later versions stream; neither knows the other's.
  const both = {
    scope: LiveChannelScope.DataSource,
    namespace: uid,
    stream: uid,
    path: `tail/${tailKey(request)}`,
    data: request,
  };
  return both;
}

/** Takes an event of the channel; what it says went wrong, if anything. */
function take(buffer: TailBuffer, event: LiveChannelEvent<DataFrameJSON>): string | undefined {
  if (isLiveChannelMessageEvent(event)) buffer.push(event.message);
  if (!isLiveChannelStatusEvent(event)) return undefined;
  const { message, error }: { message?: unknown; error?: unknown } = event;
  if (isPacket(message)) buffer.push(message);
  if (error === undefined) return undefined;
  return typeof error === 'string' ? error : error instanceof Error ? error.message : text.explore.live.failed;
}

function isPacket(value: unknown): value is DataFrameJSON {
  return typeof value === 'object' && value !== null && ('schema' in value || 'data' in value);
}
