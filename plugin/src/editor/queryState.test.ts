import { describe, expect, it } from 'vitest';
import { builderSql, defaultQuery, unlimitedSql } from '../../shared/index.js';
import type { Recipe } from '../../shared/index.js';
import {
  builtSql,
  fromRecipe,
  holdsWork,
  intoBuilder,
  intoSql,
  isAskable,
  isEditedSql,
  readQuery,
} from './queryState.js';

const fresh = defaultQuery('table', 'kubearmor.alerts');
const written = (sql: string) => ({ ...fresh, editor: 'sql', sql }) as const;
const recipe: Recipe = {
  id: 'x',
  title: 'X',
  description: '',
  query: { queryType: 'table', builder: { ...fresh.builder, table: 'kubearmor.logs', groupBy: ['host'] } },
};

describe('reading a saved query', () => {
  it('fills in what is missing without changing what is there', () => {
    const saved = Object.freeze({ refId: 'A', sql: 'SELECT 1', editor: 'sql' as const });
    const read = readQuery(saved, 'kubearmor.logs');
    expect(read).toMatchObject({ model: { sql: 'SELECT 1', editor: 'sql', builder: { table: 'kubearmor.logs' } } });
    expect(saved).toEqual({ refId: 'A', sql: 'SELECT 1', editor: 'sql' });
  });

  it('says so when a newer version saved it', () => {
    expect(readQuery({ refId: 'A', schemaVersion: 99 }, undefined)).toMatchObject({ problem: /newer version/ });
  });
});

describe('the builder and its SQL', () => {
  it('begins SQL with what the builder makes, which is not an edit', () => {
    const model = { ...fresh, ...intoSql(fresh) };
    expect(model.sql).toBe(unlimitedSql(fresh));
    expect(model.sql).not.toContain('LIMIT');
    expect(model.sqlLimit).toBe(1_000);
    expect(isEditedSql(model)).toBe(false);
    expect({ ...model, ...intoBuilder() }).toEqual({ ...fresh, sqlLimit: fresh.builder.limit });
  });

  it('takes layout and comments for no edit, other words for one', () => {
    const { sql = '' } = intoSql(fresh);
    expect(isEditedSql(written(`-- why\n${sql.replaceAll(' ', '\n  ')}`))).toBe(false);
    expect(isEditedSql(written(sql.replace('SELECT', 'select')))).toBe(false);
    expect(isEditedSql(written(builderSql(fresh)))).toBe(false);
    expect(isEditedSql(written(`${sql} LIMIT 7`))).toBe(true);
    expect(isEditedSql(written(`${sql} OFFSET 1`))).toBe(true);
    expect(isEditedSql(written(' '))).toBe(false);
    expect(isEditedSql({ ...fresh, sql: 'SELECT 1' })).toBe(false);
  });

  it('says why it makes no SQL', () => {
    const wrong = { ...fresh, builder: { ...fresh.builder, aggregates: [{ function: 'sum' as const }] } };
    expect(builtSql(wrong)).toEqual({ problem: expect.stringContaining('wants a column') });
    expect(intoSql(wrong).sql).toBe('');
  });
});

describe('what replacing a query would lose', () => {
  it('is nothing of a new one, or of one a recipe began', () => {
    expect(holdsWork(fresh, [recipe])).toBe(false);
    expect(holdsWork({ ...fresh, ...intoSql(fresh) }, [recipe])).toBe(false);
    expect(holdsWork(fromRecipe(fresh, recipe), [recipe])).toBe(false);
  });

  it('is filters and SQL that somebody wrote', () => {
    expect(holdsWork({ ...fresh, builder: { ...fresh.builder, groupBy: ['pod'] } }, [recipe])).toBe(true);
    expect(holdsWork(written('SELECT 1'), [recipe])).toBe(true);
  });

  it('is the event a tree is drawn around', () => {
    const target = { by: 'event', node: 'edge-1', seq: '7' } as const;
    const tree = { ...defaultQuery('tree', 'kubearmor.alerts'), process: { ...fresh.process, target } };
    expect(holdsWork(tree, [recipe])).toBe(true);
    expect(holdsWork({ ...tree, process: fresh.process }, [recipe])).toBe(false);
  });

  it('is not who is asked, nor what coverage it demands, nor whether it is live: they stay', () => {
    const kept = {
      scope: { clusters: ['north'], nodes: [], labels: {} },
      partial: 'fail',
      alertCoverage: { mode: 'atLeast', percent: 90 },
      live: true,
    } as const;
    const begun = fromRecipe({ ...fresh, ...kept, perNode: true }, recipe);
    expect(begun).toMatchObject({ ...kept, builder: { table: 'kubearmor.logs' } });
    expect(begun.perNode).toBe(false);
    expect(fromRecipe(fresh, recipe)).not.toHaveProperty('live');
  });
});

describe('what a node can say something about', () => {
  it('is no empty SQL and no tree without an event', () => {
    expect(isAskable(fresh)).toBe(true);
    expect(isAskable(written(' \n'))).toBe(false);
    expect(isAskable({ ...fresh, queryType: 'tree' })).toBe(false);
    const target = { by: 'event', node: 'edge-1', seq: '7' } as const;
    expect(isAskable({ ...fresh, queryType: 'tree', process: { ...fresh.process, target } })).toBe(true);
    expect(isAskable({ ...fresh, queryType: 'graph' })).toBe(false);
    expect(isAskable({ ...fresh, queryType: 'graph', process: { ...fresh.process, graph: 'behaviour' } })).toBe(true);
  });
});
