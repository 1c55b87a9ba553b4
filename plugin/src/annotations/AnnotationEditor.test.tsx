// @vitest-environment jsdom
import '../testing/browser.mjs';
import { cleanup, configure, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React, { useState } from 'react';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeGrafana, dataSource, resource } from '../testing/grafana.js';
import { testIds } from '../testIds.js';
import { text } from '../text.js';
import type { ArmorlakeQuery } from '../types.js';
import { AnnotationEditor } from './AnnotationEditor.js';
import { annotationTarget } from './target.js';

// Machines are slow at times.
configure({ asyncUtilTimeout: 20_000 });

const words = text.annotations;
let grafana = new FakeGrafana();
beforeEach(() => {
  grafana = new FakeGrafana().install();
  const column = { name: 'namespace', type: 'VARCHAR', description: '' };
  const alerts = { name: 'alerts', kind: 'table', description: '', columns: [column] };
  grafana.answers.set(resource('catalog'), { databases: [{ name: 'kubearmor', tables: [alerts] }] });
  grafana.answers.set(resource('nodes'), { nodes: [] });
});
afterEach(cleanup);

function show(saved: ArmorlakeQuery): ArmorlakeQuery[] {
  const changes: ArmorlakeQuery[] = [];
  function Page(): React.JSX.Element {
    const [query, setQuery] = useState(saved);
    return (
      <AnnotationEditor
        datasource={dataSource()}
        query={query}
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

async function choose(option: string): Promise<void> {
  await userEvent.click(within(screen.getByTestId(testIds.annotations.kind)).getByRole('combobox'));
  await userEvent.click(await screen.findByText(option));
}

describe('the annotation editor', () => {
  it.each([
    ['a new one', annotationTarget(undefined)],
    ['one with parts missing', { refId: 'Anno', annotation: 'gaps' as const }],
    ['SQL', { refId: 'Anno', sql: 'SELECT 1' }],
  ])('changes nothing in %s by being opened', async (_, saved: ArmorlakeQuery) => {
    const changes = show(Object.freeze(saved));
    await waitFor(() => {
      expect(grafana.asked.map(({ path }) => path)).toEqual(
        expect.arrayContaining([resource('catalog'), resource('nodes')]),
      );
    });
    expect(changes).toEqual([]);
  });

  it('changes the kind, whose table has filters of its own', async () => {
    const blocks = annotationTarget(undefined);
    const filters = [{ column: 'namespace', operator: 'is', values: ['shop'] }] as const;
    const changes = show({
      ...blocks,
      ...(blocks.builder === undefined ? {} : { builder: { ...blocks.builder, filters } }),
    });
    await choose(words.kinds.gaps.label);
    expect(changes.at(-1)).toMatchObject({
      queryType: 'annotations',
      annotation: 'gaps',
      builder: { table: 'armorlake.gaps', filters: [] },
    });
    await choose(words.kinds.sql.label);
    expect(changes.at(-1)).toMatchObject({ annotation: 'sql' });
    expect(screen.getByTestId(testIds.editor.sql)).toBeTruthy();
  });

  async function kindsOffered(): Promise<readonly string[]> {
    await userEvent.click(within(screen.getByTestId(testIds.annotations.kind)).getByRole('combobox'));
    const labels = Object.values(words.kinds).map(({ label }) => label);
    // An option's text is its label and description.
    const options = (await screen.findAllByRole('option')).map(({ textContent }) => textContent);
    return labels.filter((label) => options.some((option) => option.startsWith(label)));
  }

  const usual = [words.kinds.blocks.label, words.kinds.gaps.label, words.kinds.sql.label];

  it('offers firings only where the nodes have them', async () => {
    show(annotationTarget(undefined));
    await waitFor(() => {
      expect(grafana.asked.map(({ path }) => path)).toContain(resource('catalog'));
    });
    expect(await kindsOffered()).toEqual(usual);
    cleanup();
    grafana.answers.set(resource('catalog'), {
      databases: [{ name: 'armorlake', tables: [{ name: 'firings', kind: 'table', description: '', columns: [] }] }],
    });
    show(annotationTarget(undefined));
    await waitFor(async () => {
      expect(await kindsOffered()).toEqual([usual[0], words.kinds.firings.label, usual[1], usual[2]]);
    });
  });

  it('keeps saved firings that the nodes do not have, and says why nothing is drawn', async () => {
    const changes = show({ ...annotationTarget(undefined), annotation: 'firings' });
    expect((await screen.findByRole('alert')).textContent).toBe(words.noFirings);
    expect(await kindsOffered()).toContain(words.kinds.firings.label);
    expect(changes).toEqual([]);
  });
});
