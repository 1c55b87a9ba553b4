// @vitest-environment jsdom
import '../testing/browser.mjs';
import { CoreApp, LoadingState, dateTime } from '@grafana/data';
import type { PanelData, TimeRange } from '@grafana/data';
import { setBackendSrv, setTemplateSrv } from '@grafana/runtime';
import type { BackendSrv, BackendSrvRequest, TemplateSrv } from '@grafana/runtime';
import { cleanup, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { of, throwError } from 'rxjs';
import React, { useState } from 'react';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultQuery } from '../../shared/index.js';
import type { Coverage, Estimate, FrameCustom, ValuesRequest } from '../../shared/index.js';
import { dataSource, part } from '../testing/grafana.js';
import { testIds } from '../testIds.js';
import { text } from '../text.js';
import type { ArmorlakeQuery } from '../types.js';
import { QueryEditor } from './QueryEditor.js';

const words = text.editor;
const range: TimeRange = {
  from: dateTime('2026-01-01T00:00:00Z'),
  to: dateTime('2026-01-01T06:00:00Z'),
  raw: { from: 'now-6h', to: 'now' },
};
const column = (name: string, type = 'VARCHAR') => ({ name, type, description: '' });
const small: Estimate = { nodes: 3, rows: 1_200, bytes: 90 };
const large: Estimate = { nodes: 1_940, rows: 38_000_000, bytes: 4_000_000 };

/** Grafana's side of the plugin: its answers, and what it was asked. */
class Grafana {
  estimate = small;
  problem: { code: string; message: string; position?: number } | null = null;
  readonly values: ValuesRequest[] = [];
  /** Of the frame that a query is answered with. */
  meta: { readonly custom?: FrameCustom } = {};

  readonly fetch = ({ url, data }: BackendSrvRequest) => {
    const path = url.includes('/api/ds/query') ? 'ds/query' : (url.split('/resources/')[1] ?? '');
    const answer = this.#answer(path, data);
    return answer === undefined ? throwError(() => ({ status: 404, data: {} })) : of({ data: answer });
  };

  readonly asked: unknown[] = [];

  #answer(path: string, data: unknown): unknown {
    switch (path) {
      case 'ds/query':
        this.asked.push(data);
        return {
          results: { A: { frames: [{ schema: { refId: 'A', fields: [], meta: this.meta }, data: { values: [] } }] } },
        };
      case 'catalog':
        return {
          databases: [
            {
              name: 'kubearmor',
              tables: [
                { name: 'alerts', kind: 'table', description: '', columns: [column('namespace'), column('policy')] },
                { name: 'logs', kind: 'table', description: '', columns: [column('namespace'), column('host')] },
              ],
            },
          ],
        };
      case 'nodes':
        return { nodes: [{ name: 'edge-1', cluster: 'north', labels: { site: 'a' }, role: 'edge', state: 'up' }] };
      case 'values':
        this.values.push(data as ValuesRequest);
        return {
          values: [
            { value: 'shop', count: 1_204 },
            { value: 'evil\u202e', count: 1 },
          ],
          truncated: false,
        };
      case 'explain':
        return this.problem === null
          ? {
              sql: '',
              explanation: {
                columns: [],
                merge: null,
                subqueries: 0,
                fragments: [],
                nodes: [],
                estimate: this.estimate,
              },
            }
          : { sql: null, error: this.problem };
      default:
        return undefined;
    }
  }
}

let grafana = new Grafana();
beforeEach(() => {
  grafana = new Grafana();
  setBackendSrv(part<BackendSrv>({ fetch: grafana.fetch as BackendSrv['fetch'] }));
  setTemplateSrv(part<TemplateSrv>({ replace: (value = '') => value, getVariables: () => [] }));
  const view = document.createElement('div');
  view.className = 'main-view';
  document.body.append(view);
});
afterEach(() => {
  cleanup();
  document.body.replaceChildren();
});

const datasource = dataSource({ defaultTable: 'kubearmor.alerts' });

interface Shown {
  readonly changes: ArmorlakeQuery[];
  readonly runs: () => number;
}

function show(query: ArmorlakeQuery, more: { readonly data?: PanelData; readonly app?: CoreApp } = {}): Shown {
  const changes: ArmorlakeQuery[] = [];
  let runs = 0;
  function Panel(): React.JSX.Element {
    const [current, setCurrent] = useState(query);
    return (
      <QueryEditor
        datasource={datasource}
        query={current}
        range={range}
        onRunQuery={() => {
          runs++;
        }}
        onChange={(changed) => {
          changes.push(changed);
          setCurrent(changed);
        }}
        {...more}
      />
    );
  }
  render(<Panel />);
  return { changes, runs: () => runs };
}

const saved: ArmorlakeQuery = { refId: 'A', ...defaultQuery('table', 'kubearmor.alerts') };

describe('opening a query', () => {
  it.each([
    ['a new one', { refId: 'A' }],
    ['one of this version', saved],
    ['one written by hand', { refId: 'A', editor: 'sql' as const, sql: 'SELECT 1' }],
    ['one of each type', { ...saved, queryType: 'logs' as const }],
    ['one of a newer version', { refId: 'A', schemaVersion: 99 }],
  ])('changes nothing in %s, also when catalog, nodes and estimate have come', async (_, query: ArmorlakeQuery) => {
    const { changes, runs } = show(Object.freeze(query));
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(changes).toEqual([]);
    expect(runs()).toBe(0);
  });

  it('says so when a newer version saved it, and begins anew only when told to', async () => {
    const { changes } = show({ refId: 'A', schemaVersion: 99, queryType: 'table' });
    expect(screen.getByText(/newer version/)).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: words.startAnew }));
    expect(changes).toEqual([expect.objectContaining({ refId: 'A', schemaVersion: 1, queryType: 'table' })]);
  });
});

describe('the top row', () => {
  it('runs a small query at once', async () => {
    const { runs } = show(saved);
    await screen.findByText('3 nodes · 1.2 k rows · ≤ 90 B');
    await userEvent.click(screen.getByTestId(testIds.editor.run));
    await waitFor(() => {
      expect(runs()).toBe(1);
    });
  });

  it('runs a large query on the second click, and knows it then', async () => {
    grafana.estimate = large;
    const { runs } = show(saved);
    await screen.findByText('1,940 nodes · 38 M rows · ≤ 4 MB');
    await userEvent.click(screen.getByTestId(testIds.editor.run));
    const really = await screen.findByRole('button', { name: /1,940 nodes, ≤ 4 MB/ });
    expect(runs()).toBe(0);
    await userEvent.click(really);
    await waitFor(() => {
      expect(runs()).toBe(1);
    });
    await userEvent.click(await screen.findByRole('button', { name: words.run }));
    await waitFor(() => {
      expect(runs()).toBe(2);
    });
  });

  it('waits for the estimate before it runs anything', async () => {
    grafana.estimate = large;
    const { runs } = show(saved);
    await userEvent.click(screen.getByTestId(testIds.editor.run));
    await screen.findByRole('button', { name: /1,940 nodes, ≤ 4 MB/ });
    expect(runs()).toBe(0);
  });

  it('changes the type, keeping the rest', async () => {
    const { changes } = show(saved);
    await userEvent.click(screen.getByRole('radio', { name: words.types.timeseries.label }));
    expect(changes.at(-1)).toMatchObject({ refId: 'A', queryType: 'timeseries', builder: { timeBucket: 'auto' } });
  });

  it('opens the choice of nodes by keyboard', async () => {
    const { changes } = show(saved);
    const button = screen.getByTestId(testIds.editor.scope);
    expect(button.getAttribute('aria-expanded')).toBe('false');
    button.focus();
    await userEvent.keyboard('{Enter}');
    await userEvent.type(await screen.findByRole('combobox', { name: words.scope.clusters }), 'nor');
    await userEvent.click(await screen.findByText('north'));
    expect(changes.at(-1)).toMatchObject({ scope: { clusters: ['north'] } });
    expect(await screen.findByText('1 match now')).toBeTruthy();
  });
});

describe('the builder', () => {
  it('suggests values with their counts, asked for within the time range', async () => {
    const { changes } = show(saved);
    await userEvent.click(screen.getByTestId(testIds.editor.addFilter));
    await userEvent.click(await screen.findByRole('combobox', { name: words.builder.values('namespace') }));
    expect(await screen.findByText('1,204')).toBeTruthy();
    expect(screen.getByText('evil\\u{202e}')).toBeTruthy();
    await userEvent.click(screen.getByText('shop'));
    expect(changes.at(-1)).toMatchObject({
      builder: { filters: [{ column: 'namespace', operator: 'is', values: ['shop'] }] },
    });
    expect(grafana.values[0]).toMatchObject({
      table: 'kubearmor.alerts',
      column: 'namespace',
      fromMs: Date.parse('2026-01-01T00:00:00Z'),
      toMs: Date.parse('2026-01-01T06:00:00Z'),
    });
    expect(screen.getByTestId(testIds.editor.preview).textContent).toContain("namespace = 'shop'");
  });

  it('folds its SQL where the answer needs the room, until it is asked for', async () => {
    show(saved, { app: CoreApp.Explore });
    expect(screen.queryByTestId(testIds.editor.preview)).toBeNull();
    await userEvent.click(screen.getByRole('button', { name: words.builder.preview }));
    expect(screen.getByTestId(testIds.editor.preview).textContent).toContain('SELECT');
    cleanup();
    show({ refId: 'A', ...defaultQuery('logs') });
    expect(screen.queryByTestId(testIds.editor.preview)).toBeNull();
  });

  it('takes a typed limit within what is allowed when it is left', async () => {
    const { changes } = show(saved);
    const limit = screen.getByRole('spinbutton', { name: words.builder.limit });
    await userEvent.clear(limit);
    await userEvent.type(limit, '999999');
    expect(changes).toEqual([]);
    await userEvent.tab();
    expect(changes.at(-1)).toMatchObject({ builder: { limit: 50_000 } });
  });
});

describe('SQL', () => {
  it('begins with what the builder makes and goes back without a question while it is unchanged', async () => {
    const { changes } = show(saved);
    await userEvent.click(screen.getByRole('radio', { name: words.mode.sql }));
    expect(changes.at(-1)).toMatchObject({ editor: 'sql', sql: expect.stringContaining('FROM kubearmor.alerts') });
    await userEvent.click(screen.getByRole('radio', { name: words.mode.builder }));
    expect(changes.at(-1)).toMatchObject({ editor: 'builder' });
    expect(screen.queryByText(words.backTitle)).toBeNull();
  });

  it('asks before it throws away SQL that somebody wrote', async () => {
    const { changes } = show({ ...saved, editor: 'sql', sql: 'SELECT 42' });
    await userEvent.click(screen.getByRole('radio', { name: words.mode.builder }));
    expect(await screen.findByText(words.backTitle)).toBeTruthy();
    expect(changes).toEqual([]);
    await userEvent.click(screen.getByRole('button', { name: words.cancel }));
    expect(changes).toEqual([]);
    await userEvent.click(screen.getByRole('radio', { name: words.mode.builder }));
    await userEvent.click(await screen.findByRole('button', { name: words.backConfirm }));
    expect(changes).toEqual([expect.objectContaining({ editor: 'builder', sql: '' })]);
  });

  it("shows the node's judgement", async () => {
    grafana.problem = { code: 'UNKNOWN_TABLE', message: 'There is no table nowhere.', position: 14 };
    show({ ...saved, editor: 'sql', sql: 'SELECT 1 FROM nowhere' });
    expect((await screen.findByTestId(testIds.editor.problem)).textContent).toContain('There is no table nowhere.');
  });
});

describe('options', () => {
  it('are closed in a dashboard and open in an alert rule', () => {
    show(saved);
    expect(screen.queryByRole('combobox', { name: words.options.alert })).toBeNull();
    cleanup();
    show(saved, { app: CoreApp.UnifiedAlerting });
    expect(screen.getByRole('combobox', { name: words.options.alert })).toBeTruthy();
  });
});

describe('the footer', () => {
  const node = (name: string, status: 'answered' | 'failed', ms: number) => ({
    name,
    status,
    code: status === 'failed' ? 'DEADLINE' : null,
    message: status === 'failed' ? 'silent for 2 s' : null,
    rows: null,
    bytes: null,
    ms,
  });
  const coverage: Coverage = {
    complete: false,
    expected: 2,
    asked: 2,
    answered: 1,
    failed: 1,
    pruned: 0,
    nodes: [node('edge-1', 'answered', 12), node('edge-2', 'failed', 2_000)],
    gaps: { nodes: 0, minutes: 0, worst: [] },
    retention: { nodesShort: 0, from: null },
  };
  const custom: FrameCustom = {
    coverage,
    stats: { rows: 1, truncated: false, elapsedMs: 41, queryId: 'q', bytes: 1_200 },
    shared: false,
  };
  const data: PanelData = {
    state: LoadingState.Done,
    timeRange: range,
    series: [{ refId: 'A', fields: [], length: 0, meta: { custom: { ...custom }, executedQueryString: 'SELECT 7' } }],
  };

  it('is not there before the first answer', () => {
    show(saved);
    expect(screen.queryByTestId(testIds.editor.footer)).toBeNull();
  });

  it('opens the account of the nodes, failed first', async () => {
    show(saved, { data });
    const footer = screen.getByTestId(testIds.editor.footer);
    expect(footer.textContent).toContain('1/2 nodes · 1 failed · 41 ms · 1.2 kB');
    await userEvent.click(footer);
    const rows = within(await screen.findByTestId(testIds.editor.drawer)).getAllByRole('row');
    expect(rows[1]?.textContent).toContain('edge-2failed');
    expect(rows[1]?.textContent).toContain('DEADLINE: silent for 2 s');
    expect(rows[2]?.textContent).toContain('edge-1answered');
    expect(screen.getByTestId(testIds.editor.retry)).toBeTruthy();
    expect(screen.getByTestId(testIds.editor.copyCli)).toBeTruthy();
  });

  it('asks the nodes that failed again, and offers the whole query when they answer', async () => {
    const again = {
      ...coverage,
      complete: true,
      expected: 1,
      asked: 1,
      failed: 0,
      nodes: [node('edge-2', 'answered', 30)],
    };
    grafana.meta = { custom: { ...custom, coverage: again } };
    const request = {
      app: CoreApp.Explore,
      requestId: 'Q1',
      interval: '1m',
      intervalMs: 60_000,
      range,
      scopedVars: {},
      targets: [],
      timezone: 'utc',
      startTime: 0,
    };
    const { runs, changes } = show(saved, { data: { ...data, request } });
    await userEvent.click(screen.getByTestId(testIds.editor.footer));
    await userEvent.click(await screen.findByTestId(testIds.editor.retry));
    expect(await screen.findByText(words.footer.retried(1, 1))).toBeTruthy();
    expect(grafana.asked).toEqual([
      expect.objectContaining({
        queries: [expect.objectContaining({ refId: 'A', scope: { clusters: [], nodes: ['edge-2'], labels: {} } })],
      }),
    ]);
    expect(runs()).toBe(0);
    await userEvent.click(screen.getByRole('button', { name: words.footer.runAgain }));
    expect(runs()).toBe(1);
    expect(changes).toEqual([]);
  });
});
