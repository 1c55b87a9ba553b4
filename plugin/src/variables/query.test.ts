import { describe, expect, it } from 'vitest';
import { MAX_VALUES, QueryError } from '../../shared/index.js';
import { defaultVariable, isComplete, lookedUp, readVariable, variableModel } from './query.js';

describe('a saved variable', () => {
  it.each([[undefined], [null], [''], [{}], [{ query: '', refId: 'variable-ns' }]])(
    'that says nothing (%j) is the default',
    (saved) => {
      const { refId: _, ...read } = readVariable(saved, 'kubearmor.logs');
      const { refId: __, ...fallback } = defaultVariable('kubearmor.logs');
      expect(read).toEqual(fallback);
    },
  );

  it.each([
    ['SELECT 1'],
    [{ query: 'SELECT 1', refId: 'x' }],
    [{ ...defaultVariable(), query: 'SELECT 1' }],
    [{ sql: 'SELECT 1' }],
  ])('that is SQL (%j) stays SQL', (saved) => {
    expect(readVariable(saved)).toMatchObject({ kind: 'sql', sql: 'SELECT 1' });
  });

  it('is read as it was written', () => {
    const saved = {
      ...defaultVariable(),
      kind: 'values',
      table: 'kubearmor.logs',
      column: 'labels',
      key: 'app',
      filters: [{ column: 'namespace', operator: 'is', values: ['$ns'] }],
      scope: { clusters: ['$cluster'], nodes: [], labels: { site: ['north'] } },
      limit: 70,
    };
    expect(readVariable(JSON.parse(JSON.stringify(saved)))).toEqual(saved);
  });

  it('has a limit that holds', () => {
    expect(readVariable({ limit: 1e9 }).limit).toBe(MAX_VALUES);
    expect(readVariable({ limit: 0 }).limit).toBe(1_000);
    expect(readVariable({ limit: 'many' }).limit).toBe(1_000);
  });

  it.each([
    [{ kind: 'of a newer version' }, 'does not know this kind'],
    [{ schemaVersion: 99 }, 'newer version'],
    [{ filters: 'x' }, 'filters'],
    [5, 'neither'],
  ])('that can’t be read (%j) says why', (saved, why) => {
    expect(() => readVariable(saved)).toThrow(QueryError);
    expect(() => readVariable(saved)).toThrow(why);
  });
});

describe('a variable', () => {
  it('of namespaces, pods and policies knows its column', () => {
    expect(lookedUp({ ...defaultVariable(), kind: 'pods' })).toEqual({
      table: 'kubearmor.events',
      column: 'pod',
      key: '',
    });
    expect(lookedUp({ ...defaultVariable(), kind: 'policies' })?.table).toBe('kubearmor.alerts');
    expect(lookedUp({ ...defaultVariable(), kind: 'nodes' })).toBeNull();
  });

  it('is complete when there is something to look up', () => {
    expect(isComplete(defaultVariable())).toBe(true);
    expect(isComplete({ ...defaultVariable(), kind: 'values' })).toBe(false);
    expect(isComplete({ ...defaultVariable(), kind: 'values', column: 'pod' })).toBe(true);
    expect(isComplete({ ...defaultVariable(), kind: 'sql', sql: ' ' })).toBe(false);
  });

  it('asks its SQL with its own limit', () => {
    const query = { ...defaultVariable(), kind: 'sql', sql: 'SELECT 1', limit: 7 } as const;
    expect(variableModel(query)).toMatchObject({ queryType: 'table', editor: 'sql', sql: 'SELECT 1', sqlLimit: 7 });
  });
});
