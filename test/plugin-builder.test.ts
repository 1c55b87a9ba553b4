import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmorlakeModel, FilterOperator, Variables } from '../plugin/shared/index.js';
import {
  builderSql,
  compileQuery,
  emptyScope,
  interpolateModel,
  unlimitedSql,
  valuesQuery,
} from '../plugin/shared/index.js';
import { ModelNode, built, range, storedAlerts } from './support/plugin-model.js';

let node: ModelNode;

beforeAll(async () => {
  node = await ModelNode.open();
  await node.store('kubearmor.alerts', storedAlerts);
});

afterAll(async () => {
  await node[Symbol.asyncDispose]();
});

describe('tables', () => {
  it('show the latest rows of the range first, and say that they were cut', async () => {
    const compiled = compileQuery(built('table', 'kubearmor.alerts', { columns: ['node', 'seq'], limit: 2 }), range);
    const { rows, truncated } = await node.ask(compiled);
    expect(rows).toEqual([
      { node: 'n1', seq: 5 },
      { node: 'n1', seq: 4 },
    ]);
    expect(truncated).toBe(true);
    const whole = await node.ask(
      compileQuery(built('table', 'kubearmor.alerts', { columns: ['seq'], limit: 6 }), range),
    );
    expect([whole.rows.length, whole.truncated]).toEqual([6, false]);
  });

  it('group by columns and labels, with every aggregate', async () => {
    const model = built('table', 'kubearmor.alerts', {
      groupBy: ['namespace', 'labels[app]'],
      aggregates: [
        { function: 'count' },
        { function: 'count', column: 'severity' },
        { function: 'count_distinct', column: 'policy', alias: 'policies' },
        { function: 'min', column: 'severity' },
        { function: 'max', column: 'severity' },
        { function: 'sum', column: 'severity' },
        { function: 'avg', column: 'severity' },
        { function: 'median', column: 'severity' },
        { function: 'p95', column: 'severity' },
        { function: 'p99', column: 'severity' },
        { function: 'any_value', column: 'namespace' },
      ],
      orderBy: [{ by: 'labels[app]', descending: false }],
    });
    expect(await node.rows(model)).toEqual([
      {
        namespace: 'bank',
        app: 'db',
        count: 1,
        count_severity: 0,
        policies: 1,
        min_severity: null,
        max_severity: null,
        sum_severity: null,
        avg_severity: null,
        median_severity: null,
        p95_severity: null,
        p99_severity: null,
        any_value_namespace: 'bank',
      },
      {
        namespace: 'shop',
        app: 'web',
        count: 3,
        count_severity: 3,
        policies: 2,
        min_severity: 1,
        max_severity: 9,
        sum_severity: 15,
        avg_severity: 5,
        median_severity: 5,
        p95_severity: expect.closeTo(8.6),
        p99_severity: expect.closeTo(8.92),
        any_value_namespace: 'shop',
      },
      {
        namespace: 'shop',
        app: null,
        count: 2,
        count_severity: 1,
        policies: 2,
        min_severity: 1,
        max_severity: 1,
        sum_severity: 1,
        avg_severity: 1,
        median_severity: 1,
        p95_severity: 1,
        p99_severity: 1,
        any_value_namespace: 'shop',
      },
    ]);
  });

  it('refuse what is not in the answer, or not there to be aggregated', () => {
    const order = built('table', 'kubearmor.alerts', { groupBy: ['pod'], orderBy: [{ by: 'time', descending: true }] });
    expect(() => compileQuery(order, range)).toThrow('can not be ordered by time');
    const aggregate = built('table', 'kubearmor.alerts', { aggregates: [{ function: 'max' }] });
    expect(() => compileQuery(aggregate, range)).toThrow('The aggregate max wants a column.');
    const bucket = built('timeseries', 'kubearmor.alerts', { timeBucket: '5 parsecs' });
    expect(() => compileQuery(bucket, range)).toThrow('"5 parsecs" is no time bucket');
  });

  it('ask the nodes of the scope alone', () => {
    const scope = { clusters: ['east'], nodes: ['n1'], labels: { site: ['north'], empty: [] } };
    const { nodes } = compileQuery({ ...built('table', 'kubearmor.alerts'), scope }, range);
    expect(nodes).toEqual({ clusters: ['east'], names: ['n1'], labels: { site: ['north'] } });
    expect(compileQuery(built('table', 'kubearmor.alerts'), range).nodes).toEqual({});
  });
});

describe('time series', () => {
  it('count by bucket and group, zero where a bucket is empty', async () => {
    const model = built('timeseries', 'kubearmor.alerts', { timeBucket: '1m', groupBy: ['policy'] });
    const { fill, bucketMs } = compileQuery(model, range);
    expect([fill, bucketMs]).toEqual([{ mode: 'value', value: 0 }, 60_000]);
    expect(await node.rows(model)).toEqual(
      expect.arrayContaining([
        { time: '2026-01-01T10:00:00.000000Z', policy: 'p1', count: 2 },
        { time: '2026-01-01T10:00:00.000000Z', policy: 'p2', count: 2 },
        { time: '2026-01-01T10:02:00.000000Z', policy: 'p2', count: 1 },
      ]),
    );
  });

  it('invent no value where a maximum has none', () => {
    const model = built('timeseries', 'kubearmor.alerts', { aggregates: [{ function: 'max', column: 'severity' }] });
    expect(compileQuery(model, range).fill).toEqual({ mode: 'none' });
  });

  it('take the width of a bucket from the panel', () => {
    const widths = [
      [{ intervalMs: 1_000, maxDataPoints: 100 }, 900_000],
      [{ intervalMs: 7_200_000, maxDataPoints: 1_000 }, 7_200_000],
      [{ intervalMs: 0, maxDataPoints: 0 }, 120_000],
    ] as const;
    for (const [panel, width] of widths) {
      const { bucketMs } = compileQuery(built('timeseries', 'kubearmor.alerts'), { ...range, ...panel });
      expect(bucketMs).toBe(width);
    }
  });
});

describe('values', () => {
  const ask = async (column: string, more: object = {}): Promise<readonly unknown[]> => {
    const request = {
      table: 'kubearmor.alerts',
      column,
      filters: [],
      scope: emptyScope,
      limit: 10,
      fromMs: range.fromMs,
      toMs: range.toMs,
      ...more,
    };
    return (await node.ask(valuesQuery(request))).rows.map(({ value, count }) => [value, count]);
  };

  it('are those of the range, most frequent first', async () => {
    expect(await ask('policy')).toEqual([
      ['p2', 3],
      ['p1', 2],
      ['p3', 1],
    ]);
    expect(await ask('policy', { search: 'P2' })).toEqual([['p2', 3]]);
    expect(await ask('policy', { filters: [{ column: 'outcome', operator: 'is', values: ['blocked'] }] })).toEqual([
      ['p1', 1],
      ['p2', 1],
    ]);
    expect(await ask('labels', { key: 'app' })).toEqual([
      ['web', 3],
      ['db', 1],
    ]);
    expect(await ask('labels')).toEqual([['app', 4]]);
    expect(await ask('severity')).toEqual([
      ['1', 2],
      ['5', 1],
      ['9', 1],
    ]);
  });

  it('are cut, and the answer says so', async () => {
    const request = {
      table: 'kubearmor.alerts',
      column: 'policy',
      filters: [],
      scope: emptyScope,
      limit: 2,
      fromMs: range.fromMs,
      toMs: range.toMs,
    };
    const { rows, truncated } = await node.ask(valuesQuery(request));
    expect([rows.length, truncated]).toEqual([2, true]);
  });
});

describe('the preview', () => {
  const model = built('table', 'kubearmor.alerts', {
    columns: ['seq'],
    filters: [
      { column: 'policy', operator: 'is', values: ['$policy'] },
      { column: 'namespace', operator: 'is not', values: ['$ns', 'dev'] },
      { column: 'process', operator: 'does not contain', values: ['$ns', '/opt'] },
    ],
  });

  it('is SQL that people go on writing: macros, variables, the limit that runs', () => {
    expect(builderSql(model)).toBe(
      [
        'SELECT seq',
        'FROM kubearmor.alerts',
        'WHERE $__timeFilter(time)',
        '  AND $__conditionalAll(policy IN ($policy), $policy)',
        "  AND $__conditionalAll((namespace IS NULL OR namespace NOT IN ($ns, 'dev')), $ns)",
        "  AND $__conditionalAll(NOT coalesce((len(list_filter([$ns]::VARCHAR[], lambda each: contains(process, each))) > 0 OR contains(process, '/opt')), FALSE), $ns)",
        '  AND $__adHocFilters(kubearmor.alerts)',
        'ORDER BY time DESC NULLS LAST, node DESC NULLS LAST, seq DESC NULLS LAST',
        'LIMIT 1000',
      ].join('\n'),
    );
  });

  it.each([
    [{ values: ['p1', 'p2'], all: false }, [1, 2, 3, 4, 5]],
    [{ values: ['p1'], all: false }, [1, 2]],
    [{ values: ['p1', 'p2', 'p3'], all: true }, [1, 2, 2, 3, 4, 5]],
  ])('answers what the builder answers, with %j', async (policy, expected) => {
    const variables: Variables = {
      lookup: (name) => (name === 'policy' ? policy : name === 'ns' ? { values: [], all: true } : null),
      formatted: (reference) => reference,
    };
    const asBuilder = await node.rows(interpolateModel(model, variables));
    const asSql = await node.rows(interpolateModel({ ...model, editor: 'sql', sql: builderSql(model) }, variables));
    expect(asSql).toEqual(asBuilder);
    expect(asBuilder.map(({ seq }) => Number(seq)).sort()).toEqual(expected);
  });

  it.each<[FilterOperator, readonly string[], number]>([
    ['is', ['web-1', 'db-1'], 6],
    ['is not', ['web-1', 'x'], 2],
    ['contains', ['eb', 'zz'], 5],
    ['contains', ['a,b'], 0],
    ['does not contain', ['eb', 'db'], 1],
    ['starts with', ['we', 'd'], 6],
    ['matches', ['^w', '[0-9]{2}'], 5],
    ['does not match', ['^w'], 2],
    ['contains', [], 0],
  ])('means the same of several values: pod %s %j', async (operator, values, count) => {
    await using other = await ModelNode.open();
    await other.store('kubearmor.alerts', [...storedAlerts.slice(0, -1), { seq: 9, outcome: 'happened' }]);
    const filters = [{ column: 'pod', operator, values: ['$pods'] }];
    const asked = built('table', 'kubearmor.alerts', { columns: ['seq'], filters });
    const variables: Variables = {
      lookup: (name) => (name === 'pods' ? { values, all: false } : null),
      formatted: (reference) => reference,
    };
    const rows = await other.rows(interpolateModel(asked, variables));
    expect(rows).toHaveLength(count);
    const written = { ...asked, editor: 'sql', sql: unlimitedSql(asked) } as const;
    expect(await other.rows(interpolateModel(written, variables))).toEqual(rows);
  });

  it('knows of SQL as of the builder that its answer was cut', async () => {
    const asked = built('table', 'kubearmor.alerts', { columns: ['seq'], limit: 2 });
    const written = { ...asked, editor: 'sql', sql: unlimitedSql(asked), sqlLimit: 2 } as const;
    for (const each of [asked, written]) {
      const { rows, truncated } = await node.ask(compileQuery(each, range));
      expect([rows.length, truncated]).toEqual([2, true]);
    }
  });
});

describe('SQL of the user', () => {
  const written = (sql: string, more: Partial<ArmorlakeModel> = {}): ArmorlakeModel => ({
    ...built('table', 'kubearmor.alerts'),
    editor: 'sql',
    sql,
    ...more,
  });

  it('runs with every macro', async () => {
    const sql = `SELECT $__timeGroup(time, '1h', NULL) AS hour, $__interval_ms::BIGINT AS ms, $__interval AS width, count(*) AS n
      FROM kubearmor.alerts -- $__nothing here
      WHERE $__timeFilter(time) AND time >= $__timeFrom AND time < $__timeTo() AND $__adHocFilters(kubearmor.alerts) AND $__nodes
        AND '$__timeFilter' <> "policy" /* $__nothing /* here */ either */
      GROUP BY ALL`;
    const model = written(sql, {
      adHocFilters: [{ key: 'labels[app]', operator: '=', values: ['web'] }],
      scope: { ...emptyScope, nodes: ['n1'] },
    });
    const compiled = compileQuery(model, range);
    expect([compiled.fill, compiled.bucketMs]).toEqual([{ mode: 'null' }, 3_600_000]);
    expect((await node.ask({ ...compiled, nodes: {} })).rows).toEqual([
      { hour: '2026-01-01T10:00:00.000000Z', ms: 120_000, width: '00:02:00', n: 3 },
    ]);
  });

  it('has its errors where the user wrote them', async () => {
    const sql = 'SELECT $__timeGroup(time, 1h) AS t, polcy FROM kubearmor.alerts WHERE $__timeFilter(time)';
    const compiled = compileQuery(written(sql), range);
    const { error } = await node.ask(compiled);
    expect(compiled.originalPosition?.(error?.position ?? 0)).toBe(sql.indexOf('polcy'));
  });

  it('is cut at its own limit', async () => {
    const compiled = compileQuery(written('SELECT seq FROM kubearmor.alerts', { sqlLimit: 3 }), range);
    expect(await node.ask(compiled)).toMatchObject({ truncated: true, rows: [{}, {}, {}] });
    expect(compileQuery(written('SELECT 1', { sqlLimit: 9e9 }), range).rows).toBe(50_000);
  });

  it('is refused when there is nothing in it, or what no SQL can hold', () => {
    expect(() => compileQuery(written(' \n'), range)).toThrow('The query is empty.');
    expect(() => compileQuery(written('SELECT \u0000'), range)).toThrow('NUL');
  });
});
