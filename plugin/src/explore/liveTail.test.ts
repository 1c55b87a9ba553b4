// @vitest-environment jsdom
import '../testing/browser.mjs';
import { FieldType, LiveChannelConnectionState, LiveChannelEventType, LoadingState } from '@grafana/data';
import type { DataFrame, DataFrameJSON, DataQueryResponse, LiveChannelAddress, LiveChannelEvent } from '@grafana/data';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { defaultQuery, tailKey } from '../../shared/index.js';
import type { ArmorlakeModel, NodeInfo } from '../../shared/index.js';
import { text } from '../text.js';
import type { TailDoor } from './liveTail.js';
import { isLive, liveTail, tailRequest } from './liveTail.js';

const model = defaultQuery('logs', 'kubearmor.alerts');
const info = (name: string, cluster: string, site: string): NodeInfo => ({
  name,
  cluster,
  labels: { site },
  role: 'edge',
  state: 'alive',
  version: '',
  lastContact: null,
  clockOffsetMs: null,
});
const nodes = () =>
  Promise.resolve({ nodes: [info('b', 'west', 'north'), info('a', 'west', 'south'), info('c', 'east', 'north')] });

/** Grafana Live: which channels were opened, and whose events they carry. */
class Live {
  readonly addresses: LiveChannelAddress[] = [];
  readonly events = new Subject<LiveChannelEvent<DataFrameJSON>>();
  readonly door: TailDoor = {
    uid: 'lake',
    nodes,
    live: {
      getStream: (address: LiveChannelAddress) => {
        this.addresses.push(address);
        return this.events as Observable<LiveChannelEvent<never>>;
      },
    },
  };

  message(...bodies: string[]): void {
    const schema = { fields: [{ name: 'body', type: FieldType.string }] };
    this.events.next({ type: LiveChannelEventType.Message, message: { schema, data: { values: [bodies] } } });
  }

  status(changes: { message?: unknown; error?: unknown }): void {
    const { Connected } = LiveChannelConnectionState;
    this.events.next({ type: LiveChannelEventType.Status, id: 'x', timestamp: 0, state: Connected, ...changes });
  }
}

async function followed(live: Live, asked: ArmorlakeModel = model): Promise<DataQueryResponse[]> {
  const seen: DataQueryResponse[] = [];
  liveTail(live.door, 'A', asked).subscribe((response) => seen.push(response));
  await vi.waitFor(() => {
    expect(live.addresses).toHaveLength(1);
  }, 60_000);
  return seen;
}

function bodies(response: DataQueryResponse | undefined): unknown[] {
  return response?.data.flatMap((frame: DataFrame) => frame.fields[0]?.values ?? []) ?? [];
}

describe('a live tail', () => {
  it('opens the channel of its rows and shows them as they come', async () => {
    const live = new Live();
    const seen = await followed(live);
    const request = { table: 'kubearmor.alerts', filters: [], adHocFilters: [] };
    expect(live.addresses).toEqual([
      { scope: 'ds', namespace: 'lake', stream: 'lake', path: `tail/${tailKey(request)}`, data: request },
    ]);
    expect(seen).toEqual([{ key: 'A-tail', data: [], state: LoadingState.Streaming }]);
    live.message('one');
    live.message('two', 'three');
    expect(bodies(seen.at(-1))).toEqual(['one', 'two', 'three']);
    expect(seen.at(-1)).toMatchObject({ key: 'A-tail', state: LoadingState.Streaming });
  });

  it('takes the rows that come with the subscription', async () => {
    const live = new Live();
    const seen = await followed(live);
    live.status({
      message: { schema: { fields: [{ name: 'body', type: FieldType.string }] }, data: { values: [['zero']] } },
    });
    expect(bodies(seen.at(-1))).toEqual(['zero']);
  });

  it('says what is wrong with the channel, keeps its rows, and goes on', async () => {
    const live = new Live();
    const seen = await followed(live);
    live.message('one');
    live.status({ error: 'permission denied' });
    expect(seen.at(-1)?.errors).toEqual([{ refId: 'A', message: 'permission denied' }]);
    expect(bodies(seen.at(-1))).toEqual(['one']);
    live.status({ error: { odd: true } });
    expect(seen.at(-1)?.errors?.[0]?.message).toBe(text.explore.live.failed);
    live.message('two');
    expect(seen.at(-1)?.errors).toBeUndefined();
  });

  it('holds no more rows than the query asks for', async () => {
    const live = new Live();
    const seen = await followed(live, { ...model, builder: { ...model.builder, limit: 2 } });
    live.message('one', 'two', 'three');
    expect(bodies(seen.at(-1))).toEqual(['two', 'three']);
  });

  it('stops with its reader', async () => {
    const live = new Live();
    const subscription = liveTail(live.door, 'A', model).subscribe();
    await vi.waitFor(() => {
      expect(live.events.observed).toBe(true);
    }, 60_000);
    subscription.unsubscribe();
    expect(live.events.observed).toBe(false);
  });

  it.each([
    ['SQL', { ...model, editor: 'sql' }],
    ['a table', defaultQuery('table')],
  ] satisfies [string, ArmorlakeModel][])('of %s is an error with its own sentence', (_, asked) => {
    const live = new Live();
    const seen: DataQueryResponse[] = [];
    liveTail(live.door, 'A', asked).subscribe((response) => seen.push(response));
    expect(seen).toHaveLength(1);
    expect(seen[0]?.errors).toEqual([{ refId: 'A', message: text.explore.live.onlyBuilder }]);
    expect(live.addresses).toEqual([]);
  });
});

describe('what a live tail asks for', () => {
  const scoped = (scope: Partial<ArmorlakeModel['scope']>): ArmorlakeModel => ({
    ...model,
    scope: { ...model.scope, ...scope },
  });

  it('has the scope as filters on the rows', async () => {
    const filtersOf = async (asked: ArmorlakeModel) => (await tailRequest(asked, nodes)).filters;
    expect(await filtersOf(scoped({ nodes: ['z'] }))).toEqual([{ column: 'node', operator: 'is', values: ['z'] }]);
    expect(await filtersOf(scoped({ clusters: ['west'] }))).toEqual([
      { column: 'node', operator: 'is', values: ['a', 'b'] },
    ]);
    expect(await filtersOf(scoped({ clusters: ['west'], labels: { site: ['north'] } }))).toEqual([
      { column: 'node', operator: 'is', values: ['b'] },
    ]);
  });

  it('is nothing when no node is in scope', async () => {
    for (const scope of [{ labels: { site: ['nowhere'] } }, { nodes: [''] }]) {
      await expect(tailRequest(scoped(scope), nodes)).rejects.toThrow(text.explore.live.noNodes);
    }
  });
});

describe('a dashboard goes on live', () => {
  it('with logs of the builder that say so, and nothing else', () => {
    const query = { refId: 'A', ...model, live: true };
    expect(isLive(query)).toBe(true);
    expect(isLive({ ...query, live: false })).toBe(false);
    expect(isLive({ ...query, queryType: 'table' })).toBe(false);
    expect(isLive({ ...query, editor: 'sql' })).toBe(false);
    expect(isLive({ ...query, derived: { kind: 'volume' } })).toBe(false);
  });
});
