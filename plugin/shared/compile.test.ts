import { describe, expect, it } from 'vitest';
import { adHocCondition } from './ad-hoc.js';
import { builderSql, compileQuery, unlimitedSql } from './compile.js';
import { defaultBuilder, defaultQuery } from './defaults.js';
import { globPattern } from './glob.js';
import { autoBucketMs, intervalLiteral, intervalMs } from './intervals.js';
import type { AggregateFunction, ArmorlakeModel, BuilderQuery, FilterOperator, QueryType } from './model.js';
import { aggregateFunctions } from './model.js';
import { operatorsOf, wantsNoValue } from './operators.js';
import { knownTables } from './tables.js';
import { zoneOffsets } from './time-zone.js';

const context = { fromMs: 0, toMs: 3_600_000, intervalMs: 1_000, maxDataPoints: 100 };

/** A seeded choice. */
class Choice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(count: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 4_294_967_296) * count);
  }

  of<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to choose from');
    return item;
  }

  some<T>(items: readonly T[], most: number): readonly T[] {
    return Array.from({ length: this.below(most + 1) }, () => this.of(items));
  }
}

function valueFor(choice: Choice, operator: FilterOperator, type: string): string {
  if (operator.endsWith('cidr')) return choice.of(['10.0.0.0/8', '::1', '2001:db8::/33']);
  if (type === 'TIMESTAMP') return choice.of(['2026-01-01', '0']);
  if (/INT|DOUBLE/.test(type)) return choice.of(['1', '-2.5', '3']);
  return choice.of(["o'x", '/usr/bin', "';--", '$', 'a"b', '日本', 'x y']);
}

function randomModel(seed: number): ArmorlakeModel {
  const choice = new Choice(seed);
  const table = choice.of(knownTables.filter(({ time }) => time !== null));
  const type: QueryType = choice.of(table.event ? ['table', 'timeseries', 'logs'] : ['table', 'timeseries']);
  const columns = [...table.columns];
  const plain = columns.filter(([, kind]) => kind === 'VARCHAR').map(([name]) => name);
  const filters = choice.some(columns, 4).map(([name, kind]) => {
    const key = kind.startsWith('MAP') && choice.below(2) === 0 ? 'app' : undefined;
    const operator = choice.of(operatorsOf({ name, type: kind }, key));
    const values = wantsNoValue(operator) ? [] : [valueFor(choice, operator, key === undefined ? kind : 'VARCHAR')];
    return { column: name, ...(key === undefined ? {} : { key }), operator, values };
  });
  const parts: Partial<BuilderQuery> = {
    filters,
    columns: choice.some(columns, 5).map(([name]) => name),
    groupBy: choice.some(plain, 2),
    aggregates: choice
      .some<AggregateFunction>(aggregateFunctions, 3)
      .map((each) => ({ function: each, column: choice.of(plain) })),
    timeBucket: choice.of([null, 'auto', '5m', '1d']),
    limit: 1 + choice.below(500),
  };
  return { ...defaultQuery(type, table.name), builder: { ...defaultBuilder(table.name, type), ...parts } };
}

describe('the builder', () => {
  it('writes SQL that asks the same when it is run as SQL', () => {
    for (let seed = 1; seed <= 2_000; seed += 1) {
      const model = randomModel(seed);
      const asBuilder = compileQuery(model, context);
      const written = { editor: 'sql', sql: unlimitedSql(model), sqlLimit: model.builder.limit } as const;
      const asSql = compileQuery({ ...model, ...written }, context);
      expect(asSql.sql).toBe(asBuilder.sql);
      expect([asSql.fill, asSql.bucketMs, asSql.rows]).toEqual([asBuilder.fill, asBuilder.bucketMs, asBuilder.rows]);
    }
  });

  it('makes the groups of a time series text, as numbers would be its values', () => {
    const grouped = (type: QueryType, table: string, ...groupBy: string[]): string => {
      const model = defaultQuery(type, table);
      return builderSql({ ...model, builder: { ...model.builder, groupBy } }).split('\n')[0] ?? '';
    };
    const numbers = ['severity', 'remote_port', 'uid'];
    expect(grouped('timeseries', 'kubearmor.alerts', 'policy', 'labels[app]', 'tags', ...numbers)).toBe(
      "SELECT $__timeGroup(time, auto, 0) AS time, policy, labels['app'] AS app, tags, " +
        'CAST(severity AS VARCHAR) AS severity, CAST(remote_port AS VARCHAR) AS remote_port, CAST(uid AS VARCHAR) AS uid, ' +
        'count(*) AS count',
    );
    expect(grouped('timeseries', 'falco.events', 'priority')).toContain('CAST(priority AS VARCHAR) AS priority');
    expect(grouped('table', 'kubearmor.alerts', 'severity')).toMatch(/^SELECT severity\b/);
  });

  it('leaves no macro in what a node is asked', () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      expect(compileQuery(randomModel(seed), context).sql).not.toContain('$__');
    }
  });

  it('asks no node for a variable that no dashboard replaced', () => {
    const model = defaultQuery('table');
    const filters = [{ column: 'pod', operator: 'is', values: ['$pod'] }] as const;
    const left = { ...model, builder: { ...model.builder, filters } };
    expect(() => compileQuery(left, context)).toThrow('The variable $pod has no value here.');
    expect(compileQuery({ ...left, interpolated: true }, context).sql).toContain("pod = '$pod'");
    expect(() => compileQuery({ ...model, scope: { ...model.scope, nodes: ['${n}'] } }, context)).toThrow(
      '${n} has no value',
    );
  });

  it('refuses values that are none', () => {
    const model = defaultQuery('table');
    const compile = (column: string, operator: FilterOperator, value: string) => () =>
      compileQuery(
        { ...model, builder: { ...model.builder, filters: [{ column, operator, values: [value] }] } },
        context,
      );
    expect(compile('severity', '>=', 'high')).toThrow('The filter on severity wants a number, not "high".');
    expect(compile('severity', '>=', '1 OR TRUE')).toThrow('wants a number');
    expect(compile('time', '>=', 'yesterday')).toThrow('The filter on time wants a time, not "yesterday".');
    expect(compile('remote_ip', 'in cidr', '10.0.0.0/99')).toThrow('"10.0.0.0/99" is no address block.');
  });
});

describe('variables in the builder', () => {
  const of = (column: string, operator: FilterOperator, value: string): ArmorlakeModel => {
    const model = defaultQuery('table');
    return { ...model, builder: { ...model.builder, filters: [{ column, operator, values: [value] }] } };
  };

  it.each<[string, FilterOperator]>([
    ['remote_ip', 'not in cidr'],
    ['process', 'path is'],
    ['process', 'path under'],
    ['process', 'glob'],
    ['process', 'not glob'],
  ])('run, but are no SQL for %s %s', (column, operator) => {
    const sentence = `The filter on ${column} can not be written as SQL with the variable $x in it.`;
    expect(() => builderSql(of(column, operator, '$x'))).toThrow(sentence);
    expect(builderSql(of(column, operator, '10.0.0.0/8'))).toContain('10');
  });

  it.each<[FilterOperator, string]>([
    ['is', '/usr/$x'],
    ['contains', '$x$y'],
    ['matches', '^[[x]]'],
  ])('are no SQL within a text: %s %s', (operator, value) => {
    expect(() => builderSql(of('process', operator, value))).toThrow('can not be written as SQL with the variable');
  });

  it('with a format are one text', () => {
    expect(builderSql(of('process', 'is', '${x:csv}'))).toContain("  AND process = '${x:csv}'\n");
    expect(builderSql(of('process', 'contains', 'a${x:csv}'))).toContain("  AND contains(process, 'a${x:csv}')\n");
  });
});

describe('ad hoc filters', () => {
  const of = (table: string, key: string, operator: string, ...values: string[]): string =>
    adHocCondition(table, [{ key, operator, values }]);

  it.each([
    ['kubearmor.alerts', 'pod', '=', ['a'], "(pod = 'a')"],
    ['kubearmor.alerts', 'pod', '!=|', ['a', 'b'], "((pod IS NULL OR pod NOT IN ('a', 'b')))"],
    ['kubearmor.alerts', 'pod', '=~', ['^a'], "(regexp_matches(pod, '^a'))"],
    ['kubearmor.alerts', 'pod', '!~', ['^a'], "(NOT coalesce(regexp_matches(pod, '^a'), FALSE))"],
    ['kubearmor.alerts', 'severity', '>', ['5'], '(severity > 5)'],
    ['kubearmor.alerts', 'severity', '=~', ['^1'], "(regexp_matches(severity::VARCHAR, '^1'))"],
    ['kubearmor.alerts', 'host_pid', '!~', ['1$'], "(NOT coalesce(regexp_matches(host_pid::VARCHAR, '1$'), FALSE))"],
    ['kubearmor.alerts', 'tags', '=~', ['^M'], "(len(list_filter(tags, lambda item: regexp_matches(item, '^M'))) > 0)"],
    ['kubearmor.alerts', 'tags', '=', ['a'], "(list_has_any(tags, ['a']))"],
    ['kubearmor.alerts', 'labels[a b]', '=', ["'"], "(labels['a b'] = '''')"],
    ['kubearmor.alerts', 'pod', '=', [], 'TRUE'],
    ['kubearmor.logs', 'policy', '=', ['p'], '(FALSE)'],
    ['kubearmor.logs', 'policy', '!=', ['p'], 'TRUE'],
    ['armorlake.gaps', 'namespace', '=', ['shop'], 'TRUE'],
    ['armorlake.gaps', 'node', '=', ['n1'], "(node = 'n1')"],
    ['falco.events', 'rule', '=', ['r'], "(rule = 'r')"],
  ] as const)('on %s: %s %s %j', (table, key, operator, values, expected) => {
    expect(of(table, key, operator, ...values)).toBe(expected);
  });

  it('refuse what they can not be', () => {
    expect(() => of('kubearmor.alerts', 'pod', 'LIKE', 'x')).toThrow('has an unknown operator "LIKE"');
    expect(() => of('kubearmor.alerts', 'labels[', '=', 'x')).toThrow('is no column');
  });
});

describe('small things', () => {
  it.each([
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['1w', 604_800_000],
    ['0s', null],
    ['5', null],
    ['1M', null],
    ['-1s', null],
    ["1s'", null],
  ])('interval %s is %s ms', (text, ms) => {
    expect(intervalMs(text)).toBe(ms);
  });

  it('write intervals in their largest whole unit', () => {
    expect([250, 90_000, 3_600_000, 604_800_000, 0].map(intervalLiteral)).toEqual([
      "INTERVAL '250 milliseconds'",
      "INTERVAL '90 seconds'",
      "INTERVAL '1 hours'",
      "INTERVAL '7 days'",
      "INTERVAL '0 milliseconds'",
    ]);
  });

  it('widen buckets to what people read, never finer than asked', () => {
    expect(autoBucketMs({ fromMs: 0, toMs: 3_600_000, intervalMs: 17_000, maxDataPoints: 1_000 })).toBe(30_000);
    expect(autoBucketMs({ fromMs: 0, toMs: 365 * 864e5, intervalMs: 1_000, maxDataPoints: 10 })).toBe(37 * 864e5);
  });

  it('know when clocks change', () => {
    const offsets = zoneOffsets('Europe/Berlin', Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1));
    expect(offsets.map(({ fromMs, offsetMs }) => [new Date(fromMs).toISOString(), offsetMs / 60_000])).toEqual([
      ['2026-01-01T00:00:00.000Z', 60],
      ['2026-03-29T01:00:00.000Z', 120],
      ['2026-10-25T01:00:00.000Z', 60],
    ]);
  });

  it.each([
    ['/usr/*/x?', '/usr/[^/]*/x[^/]'],
    ['/usr/**/x', '/usr/(?:.*/)?x'],
    ['/usr/**', '/usr/.*'],
    ['a.b+c(d)', 'a\\.b\\+c\\(d\\)'],
    ['[!a-c][]x]', '[^a-c][\\]x]'],
    ['[', '\\['],
  ])('glob %s is %s', (glob, pattern) => {
    expect(globPattern(glob)).toBe(pattern);
  });
});
