// @vitest-environment jsdom
import '../testing/browser.mjs';
import { cleanup, configure, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React, { useState } from 'react';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeGrafana, Failure, dataSource, resource } from '../testing/grafana.js';
import { testIds } from '../testIds.js';
import { text } from '../text.js';
import type { VariableQuery } from './query.js';
import { defaultVariable } from './query.js';
import { VariableEditor } from './VariableEditor.js';

// Machines are slow at times.
configure({ asyncUtilTimeout: 20_000 });

const words = text.variables;
let grafana = new FakeGrafana();
beforeEach(() => {
  grafana = new FakeGrafana().install();
  const columns = ['namespace', 'pod'].map((name) => ({ name, type: 'VARCHAR', description: '' }));
  const labels = { name: 'labels', type: 'MAP(VARCHAR, VARCHAR)', description: '' };
  const tables = ['alerts', 'events'].map((name) => ({
    name,
    kind: 'table',
    description: '',
    columns: [...columns, labels],
  }));
  grafana.answers.set(resource('catalog'), { databases: [{ name: 'kubearmor', tables }] });
  grafana.answers.set(resource('nodes'), {
    nodes: [{ name: 'edge-1', cluster: 'west', labels: {}, role: 'edge', state: 'alive' }],
  });
  grafana.answers.set(resource('values'), {
    values: [
      { value: 'shop', count: 3 },
      { value: 'ci', count: 1 },
    ],
    truncated: false,
  });
});
afterEach(cleanup);

function show(saved: unknown): VariableQuery[] {
  const changes: VariableQuery[] = [];
  function Page(): React.JSX.Element {
    const [query, setQuery] = useState(saved);
    return (
      <VariableEditor
        datasource={dataSource()}
        query={query as VariableQuery}
        onRunQuery={() => undefined}
        onChange={(changed) => {
          changes.push(changed);
          setQuery(changed);
        }}
      />
    );
  }
  render(<Page />);
  return changes;
}

async function choose(field: string, option: string): Promise<void> {
  await userEvent.click(within(screen.getByTestId(field)).getByRole('combobox'));
  await userEvent.click(await screen.findByText(option));
}

describe('the variable editor', () => {
  it.each([
    ['a new one', '', 'values'],
    ['one with parts missing', { refId: 'x', kind: 'pods' }, 'values'],
    ['one of nodes', { refId: 'x', kind: 'nodes' }, 'nodes'],
  ])('changes nothing in %s by being opened, also when everything has come', async (_, saved: unknown, asked) => {
    const changes = show(saved);
    await waitFor(() => {
      expect(grafana.askedAt(resource(asked))).not.toEqual([]);
      expect(screen.getByTestId(testIds.variables.found).textContent).toContain('found');
    });
    expect(changes).toEqual([]);
  });

  it('says how many values there are', async () => {
    show(defaultVariable());
    await waitFor(() => {
      expect(screen.getByTestId(testIds.variables.found).textContent).toBe(words.found('2'));
    });
    expect(grafana.askedAt(resource('values'))).toMatchObject([
      { table: 'kubearmor.events', column: 'namespace', limit: 1_000 },
    ]);
  });

  it('says when there are more than it offers, and why there are none', async () => {
    grafana.answers.set(resource('values'), { values: [{ value: 'shop', count: 3 }], truncated: true });
    show(defaultVariable());
    expect(await screen.findByText(words.cut('1'))).toBeTruthy();
    cleanup();
    grafana.answers.set(
      resource('values'),
      new Failure(502, { error: { code: 'NETWORK', message: 'No node answers.' } }),
    );
    show(defaultVariable());
    expect((await screen.findByRole('alert')).textContent).toBe('No node answers.');
  });

  it('says why SQL that depends on other variables finds nothing where those have no value', async () => {
    grafana.variables.set('ns', { values: [], all: true });
    grafana.answers.set(resource('explain'), { sql: '', error: { code: 'BAD_QUERY', message: 'x' } });
    grafana.answers.set('ds/query', { results: { variable: { status: 200, frames: [] } } });
    show({ ...defaultVariable(), kind: 'sql', sql: 'SELECT pod FROM kubearmor.logs WHERE namespace IN ($ns)' });
    expect(await screen.findByText(words.unset)).toBeTruthy();
  });

  it('chooses the values of a column', async () => {
    const changes = show(defaultVariable('kubearmor.events'));
    await choose(testIds.variables.kind, words.kinds.values.label);
    expect(changes.at(-1)).toMatchObject({ kind: 'values', column: '' });
    expect(screen.getByText(words.incomplete)).toBeTruthy();
    await choose(testIds.variables.column, 'labels');
    expect(changes.at(-1)).toMatchObject({ kind: 'values', table: 'kubearmor.events', column: 'labels', key: '' });
    await userEvent.type(screen.getByRole('textbox', { name: words.key }), 'app{Enter}');
    expect(changes.at(-1)).toMatchObject({ column: 'labels', key: 'app' });
  });

  it('begins anew with one it can’t read only when told to', async () => {
    const changes = show({ refId: 'x', kind: 'odd' });
    expect(screen.getByText(/does not know this kind/u)).toBeTruthy();
    expect(changes).toEqual([]);
    await userEvent.click(screen.getByRole('button', { name: words.startAnew }));
    expect(changes).toEqual([defaultVariable()]);
  });
});
