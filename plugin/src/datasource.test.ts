// @vitest-environment jsdom
import './testing/browser.mjs';
import {
  CoreApp,
  FieldType,
  SupplementaryQueryType,
  createDataFrame,
  dateTime,
  hasLogsContextSupport,
  hasQueryExportSupport,
  hasQueryImportSupport,
  hasQueryModificationSupport,
  hasToggleableQueryFiltersSupport,
} from '@grafana/data';
import type { DataFrame, DataFrameJSON, DataQueryRequest, DataQueryResponse, LiveChannelAddress } from '@grafana/data';
import { setGrafanaLiveSrv } from '@grafana/runtime';
import type { GrafanaLiveSrv } from '@grafana/runtime';
import { Subject } from 'rxjs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultQuery } from '../shared/index.js';
import { FakeGrafana, dataSource } from './testing/grafana.js';
import type { ArmorlakeQuery } from './types.js';

let grafana = new FakeGrafana();
let channel = new Subject<unknown>();
let addresses: LiveChannelAddress[] = [];
beforeEach(() => {
  grafana = new FakeGrafana().install();
  channel = new Subject();
  addresses = [];
  const live: Partial<GrafanaLiveSrv> = {
    getStream: (address) => {
      addresses.push(address);
      return channel as never;
    },
  };
  setGrafanaLiveSrv(Object.assign(Object.create(null), live));
});

const logs: ArmorlakeQuery = { refId: 'A', ...defaultQuery('logs', 'kubearmor.alerts') };

function request(
  targets: ArmorlakeQuery[],
  more: Partial<DataQueryRequest<ArmorlakeQuery>> = {},
): DataQueryRequest<ArmorlakeQuery> {
  return {
    requestId: 'r',
    interval: '1s',
    intervalMs: 1_000,
    range: { from: dateTime(0), to: dateTime(1_000), raw: { from: dateTime(0), to: dateTime(1_000) } },
    scopedVars: {},
    targets,
    timezone: 'utc',
    app: CoreApp.Dashboard,
    startTime: 0,
    ...more,
  };
}

function lines(...seqs: readonly number[]): DataFrame {
  return createDataFrame({
    refId: 'A',
    fields: [
      { name: 'timestamp', type: FieldType.time, values: [...seqs] },
      { name: 'body', type: FieldType.string, values: seqs.map((seq) => `line ${String(seq)}`) },
      { name: 'id', type: FieldType.string, values: seqs.map((seq) => `edge/${String(seq)}`) },
    ],
  });
}

function packet(...seqs: readonly number[]): DataFrameJSON {
  const { fields } = lines(...seqs);
  return {
    schema: { fields: fields.map(({ name, type }) => ({ name, type })) },
    data: { values: fields.map(({ values }) => [...values]) },
  };
}

function bodies(response: DataQueryResponse | undefined): unknown[] {
  return response?.data.flatMap((frame: DataFrame) => frame.fields[1]?.values ?? []) ?? [];
}

async function seen(asked: DataQueryRequest<ArmorlakeQuery>, least: number): Promise<DataQueryResponse[]> {
  const responses: DataQueryResponse[] = [];
  dataSource()
    .query(asked)
    .subscribe((response) => responses.push(response));
  await vi.waitFor(() => {
    expect(responses.length).toBeGreaterThanOrEqual(least);
  }, 60_000);
  return responses;
}

describe('the data source', () => {
  it('is known to Grafana for all it can', () => {
    const source = dataSource();
    expect(hasLogsContextSupport(source)).toBe(true);
    // What `hasSupplementaryQuerySupport` looks at; its type is not for data sources of one's own.
    expect(source.getSupportedSupplementaryQueryTypes()).toEqual([SupplementaryQueryType.LogsVolume]);
    expect(source).toMatchObject({
      getSupplementaryRequest: expect.any(Function),
      getSupplementaryQuery: expect.any(Function),
    });
    expect(hasToggleableQueryFiltersSupport(source)).toBe(true);
    expect(hasQueryModificationSupport(source)).toBe(true);
    expect(hasQueryImportSupport(source)).toBe(true);
    expect(hasQueryExportSupport(source)).toBe(true);
  });

  it('begins with logs in Explore, a time series in panels and rules, a table where there is no time', () => {
    const source = dataSource({ defaultTable: 'kubearmor.logs', rowLimit: 70 });
    const begun = (app: CoreApp): unknown[] => {
      const { queryType, builder } = source.getDefaultQuery(app);
      return [queryType, builder?.table, builder?.limit];
    };
    expect(begun(CoreApp.Explore)).toEqual(['logs', 'kubearmor.logs', 500]);
    expect(begun(CoreApp.UnifiedAlerting)).toEqual(['timeseries', 'kubearmor.logs', 50_000]);
    expect(begun(CoreApp.PanelEditor)).toEqual(['timeseries', 'kubearmor.logs', 50_000]);
    const nodes = dataSource({ defaultTable: 'armorlake.nodes', rowLimit: 70 });
    expect(nodes.getDefaultQuery(CoreApp.PanelEditor)).toMatchObject({ queryType: 'table', builder: { limit: 70 } });
    expect(nodes.getDefaultQuery(CoreApp.Explore)).toMatchObject({ queryType: 'table' });
    expect(dataSource().getDefaultQuery(CoreApp.PanelEditor)).toMatchObject({
      queryType: 'timeseries',
      builder: { table: 'kubearmor.alerts', aggregates: [{ function: 'count' }] },
    });
  });

  it('asks the backend with variables replaced, and shows a wrong query’s error beside the answers', async () => {
    grafana.variables.set('ns', { values: ['shop'] });
    grafana.answerFrames('A', [lines(1)]);
    const filters = [{ column: 'namespace', operator: 'is', values: ['$ns'] }] as const;
    const good: ArmorlakeQuery = { ...logs, builder: { ...defaultQuery('logs').builder, filters } };
    const responses = await seen(request([good, { refId: 'B', schemaVersion: 99 }]), 2);
    expect(grafana.askedAt('ds/query')).toMatchObject([
      { queries: [{ refId: 'A', interpolated: true, timezone: 'UTC', builder: { filters: [{ values: ['shop'] }] } }] },
    ]);
    expect(responses.flatMap(({ errors }) => errors ?? [])).toMatchObject([{ refId: 'B' }]);
    expect(responses.flatMap(bodies)).toEqual(['line 1']);
  });

  it('gives a table without a limit of its own the data source’s', () => {
    const asked = dataSource({ rowLimit: 70 }).applyTemplateVariables({ refId: 'A', queryType: 'table' }, {});
    expect(asked).toMatchObject({ builder: { limit: 70 }, sqlLimit: 70 });
  });

  it('follows logs in Explore’s live mode without asking for old rows', async () => {
    const responses = await seen(request([logs], { liveStreaming: true, app: CoreApp.Explore }), 1);
    await vi.waitFor(() => {
      expect(addresses).toHaveLength(1);
    }, 60_000);
    channel.next({ type: 'message', message: packet(5) });
    expect(bodies(responses.at(-1))).toEqual(['line 5']);
    expect(grafana.asked).toEqual([]);
  });

  it('puts later rows behind those of the answer in a live panel', async () => {
    grafana.answerFrames('A', [lines(3, 2, 1)]);
    const responses = await seen(request([{ ...logs, live: true }]), 2);
    expect(responses.flatMap(bodies)).toEqual(['line 1', 'line 2', 'line 3']);
    await vi.waitFor(() => {
      expect(addresses).toHaveLength(1);
    }, 60_000);
    channel.next({ type: 'message', message: packet(3, 4) });
    expect(bodies(responses.at(-1))).toEqual(['line 1', 'line 2', 'line 3', 'line 4']);
  });

  it('answers the context of a line, and fails with the reason', async () => {
    grafana.answerFrames('A-after', [lines(1, 2)]);
    const row = {
      rowId: 'edge/0',
      labels: {},
      timeEpochMs: 5,
      timeEpochNs: '5000000',
      uid: 'u',
      dataFrame: { refId: 'A' },
    };
    const contextOf = (query: ArmorlakeQuery) =>
      dataSource().getLogRowContext(row as never, { direction: 'FORWARD' as never }, query);
    expect(bodies(await contextOf(logs))).toEqual(['line 2', 'line 1']);
    grafana.answers.set('ds/query', { results: { 'A-after': { error: 'edge-1 is away', status: 502 } } });
    await expect(contextOf(logs)).rejects.toThrow('edge-1 is away');
  });
});
