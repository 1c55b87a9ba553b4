import { describe, expect, it } from 'vitest';
import { defaultQuery } from '../shared/index.js';
import { isAsked, queryText } from './describe.js';
import type { ArmorlakeQuery } from './types.js';

const table: ArmorlakeQuery = { refId: 'A', ...defaultQuery('table', 'kubearmor.alerts') };
const filters = [
  { column: 'labels', key: 'app', operator: 'is', values: ['web', 'db'] },
  { column: 'container', operator: 'is set', values: [] },
  { column: '', operator: 'is', values: [] },
] as const;

describe('a query is asked', () => {
  it.each([
    ['a builder', table, true],
    ['hidden', { ...table, hide: true }, false],
    ['SQL', { ...table, editor: 'sql', sql: 'SELECT 1' }, true],
    ['no SQL', { ...table, editor: 'sql', sql: ' \n' }, false],
    ['a tree without an event', { ...table, queryType: 'tree' }, false],
    [
      'a graph of behaviour',
      { ...table, queryType: 'graph', process: { ...defaultQuery().process, graph: 'behaviour' } },
      true,
    ],
    ['annotations', { ...table, queryType: 'annotations' }, true],
    ['annotations without SQL', { ...table, queryType: 'annotations', annotation: 'sql' }, false],
    ['a newer version, for its error', { refId: 'A', schemaVersion: 99 }, true],
  ] satisfies [string, ArmorlakeQuery, boolean][])('%s', (_, query, asked) => {
    expect(isAsked(query)).toBe(asked);
  });
});

describe('a query in a line', () => {
  it.each([
    [
      { ...table, builder: { ...defaultQuery().builder, filters } },
      'Table: kubearmor.alerts; labels[app] is web, db; container is set',
    ],
    [{ ...table, editor: 'sql', sql: ' SELECT 1 ' }, 'Table: SELECT 1'],
    [{ ...table, queryType: 'annotations', annotation: 'gaps' }, 'Gaps and throttling'],
    [
      {
        ...table,
        queryType: 'tree',
        process: { ...defaultQuery().process, target: { by: 'event', node: 'edge-1', seq: '7' } },
      },
      'Process tree: edge-1 7',
    ],
    [{ refId: 'A', schemaVersion: 99 }, 'A query that this version of the plugin can’t read'],
  ] satisfies [ArmorlakeQuery, string][])('%#', (query, text) => {
    expect(queryText(query)).toBe(text);
  });
});
