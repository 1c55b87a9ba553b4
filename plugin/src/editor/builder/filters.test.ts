import { describe, expect, it } from 'vitest';
import { isUnfinished, newFilter, operatorsFor, takesKey, withColumn, withOperator } from './filters.js';

const column = (name: string, type: string) => ({ name, type, description: '' });
const columns = [
  column('time', 'TIMESTAMP'),
  column('namespace', 'VARCHAR'),
  column('process', 'VARCHAR'),
  column('severity', 'UTINYINT'),
  column('labels', 'MAP(VARCHAR, VARCHAR)'),
];
const is = { column: 'namespace', operator: 'is', values: ['shop'] } as const;

describe('filters of the builder', () => {
  it('begin with the namespace, or the first column', () => {
    expect(newFilter(columns)).toEqual({ column: 'namespace', operator: 'is', values: [] });
    expect(newFilter([column('level', 'INTEGER')])).toMatchObject({ column: 'level', operator: '=' });
    expect(newFilter([])).toEqual({ column: '', operator: 'is', values: [] });
  });

  it('get the operator that fits another column, and lose their values', () => {
    expect(withColumn(columns, is, 'severity')).toEqual({ column: 'severity', operator: '>=', values: [] });
    expect(withColumn(columns, is, 'process')).toEqual({ column: 'process', operator: 'is', values: [] });
    expect(withColumn(columns, is, 'labels')).toEqual({ column: 'labels', operator: 'is', values: [] });
    expect(withColumn(columns, { column: 'severity', operator: '>=', values: ['5'] }, 'labels')).toMatchObject({
      operator: 'is',
    });
  });

  it('keep an operator that another version saved among those offered', () => {
    expect(operatorsFor(columns, { ...is, column: 'severity' })[0]).toBe('is');
  });

  it('lose their values with an operator that takes none', () => {
    expect(withOperator(is, 'is set')).toEqual({ column: 'namespace', operator: 'is set', values: [] });
    expect(withOperator(is, 'glob')).toEqual({ ...is, operator: 'glob' });
  });

  it('say when they do nothing yet', () => {
    expect(isUnfinished(columns, is)).toBe(false);
    expect(isUnfinished(columns, { ...is, values: [] })).toBe(true);
    expect(isUnfinished(columns, { ...is, operator: 'is set', values: [] })).toBe(false);
    expect(isUnfinished(columns, { ...is, column: '' })).toBe(true);
    expect(isUnfinished(columns, { ...is, column: 'labels' })).toBe(true);
    expect(isUnfinished(columns, { ...is, column: 'labels', key: 'app' })).toBe(false);
    expect(takesKey(columns, { ...is, column: 'labels' })).toBe(true);
    expect(takesKey(columns, is)).toBe(false);
  });
});
