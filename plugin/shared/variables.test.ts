import { describe, expect, it } from 'vitest';
import { defaultQuery } from './defaults.js';
import type { ArmorlakeModel, Filter } from './model.js';
import type { Variables } from './variables.js';
import { interpolateModel, interpolateSql, interpolateText } from './variables.js';

const variables: Variables = {
  lookup: (name, field) => {
    if (name === 'user') return { values: [field === 'login' ? 'ada' : 'Ada'], all: false };
    const found = new Map([
      ['ns', ['shop', "o'ps"]],
      ['one', ['1']],
      ['empty', []],
      ['blank', ['']],
      ['width', ['$__auto_interval_width']],
    ]).get(name);
    if (name === 'every') return { values: ['a', 'b'], all: true };
    if (name === 'box') return { values: [''], all: false, textBox: true };
    return found === undefined ? null : { values: found, all: false };
  },
  formatted: (reference) => `<${reference}>`,
};

const sql = (text: string): string => interpolateSql(text, variables).text;

describe('variables in SQL', () => {
  it.each([
    ['a IN ($ns)', "a IN ('shop', 'o''ps')"],
    ['a = ${one}', "a = '1'"],
    ['a = [[one]] AND b', "a = '1' AND b"],
    ['a = ${user.login}', "a = 'ada'"],
    ['a IN ($empty)', 'a IN (NULL)'],
    ["a = '$one${user.login}'", "a = '1ada'"],
    ["a = E'$one'", "a = E'1'"],
    ['a AS "$one"', 'a AS "1"'],
    ["a = $$$one'$$", "a = '1'''"],
    ['a = $$ plain $$', 'a = $$ plain $$'],
    ['${ns:raw} ${ns:csv}', '<${ns:raw}> <${ns:csv}>'],
    ["'${ns:glob}'", "'<${ns:glob}>'"],
    ['-- $ns\n/* $ns */ $unknown $1 $__timeFilter(t)', '-- $ns\n/* $ns */ $unknown $1 $__timeFilter(t)'],
    ['[[1, 2], [one]]', '[[1, 2], [one]]'],
    ['E${one} x${one}y 1-$one', "E '1' x '1' y 1- '1'"],
    ['$__conditionalAll(a IN ($ns), $ns)', "(a IN ('shop', 'o''ps'))"],
    ['$__conditionalAll(f(a, [1, 2]) IN ($every), $every) AND b', 'TRUE AND b'],
    ['$__conditionalAll($__conditionalAll(a IN ($every), $every) OR b = $one, $one)', "(TRUE OR b = '1')"],
    ['$__conditionalAll(a IN ($no), $no)', '$__conditionalAll(a IN ($no), $no)'],
    ['$__conditionalAll(a', '$__conditionalAll(a'],
  ])('%s', (text, expected) => {
    expect(sql(text)).toBe(expected);
  });

  it.each(["a IN ('$ns')", "a = '$one$ns'", "a = E'$ns'", 'a AS "$ns"', 'a = $$$ns$$'])(
    'of several values are none within quotes: %s',
    (text) => {
      expect(() => sql(text)).toThrow('The variable $ns stands within quotes, and has several values.');
    },
  );

  it('keep the places of what is around them', () => {
    const text = 'SELECT $ns, bad FROM t WHERE $__conditionalAll(x IN ($ns) AND wrong, $ns) AND last';
    const mapped = interpolateSql(text, variables);
    for (const word of ['bad', 'wrong', 'last']) {
      expect(mapped.originalPosition(mapped.text.indexOf(word))).toBe(text.indexOf(word));
    }
  });
});

describe('variables in the builder', () => {
  const model: ArmorlakeModel = defaultQuery('table');
  const filtered = (...values: string[]): readonly Filter[] => {
    const filters: readonly Filter[] = [{ column: 'pod', operator: 'is', values }];
    return interpolateModel({ ...model, builder: { ...model.builder, filters } }, variables).builder.filters;
  };

  it('become values of their own, each combination', () => {
    expect(interpolateText('/$ns/$one', variables)).toEqual(['/shop/1', "/o'ps/1"]);
    expect(filtered('x', '$ns')).toEqual([{ column: 'pod', operator: 'is', values: ['x', 'shop', "o'ps"] }]);
    expect(filtered('$HOME costs $5')).toEqual([{ column: 'pod', operator: 'is', values: ['$HOME costs $5'] }]);
  });

  it('drop the filter when All is chosen', () => {
    expect(filtered('x', '$every')).toEqual([]);
  });

  it.each([['$empty'], ['$blank'], ['/$ns/$empty']])('let no row pass without a value: %s', (value) => {
    expect(filtered(value)).toEqual([
      { column: 'pod', operator: 'is set', values: [] },
      { column: 'pod', operator: 'is not set', values: [] },
    ]);
  });

  it('leave the filter to its other values, and an empty text box to nothing', () => {
    expect(filtered('x', '$empty')).toEqual([{ column: 'pod', operator: 'is', values: ['x'] }]);
    expect(filtered('$box')).toEqual([{ column: 'pod', operator: 'is', values: [''] }]);
    expect(filtered()).toEqual([{ column: 'pod', operator: 'is', values: [] }]);
    expect(filtered('')).toEqual([{ column: 'pod', operator: 'is', values: [''] }]);
  });

  it.each<Partial<ArmorlakeModel['scope']>>([
    { nodes: ['$empty'] },
    { nodes: ['$blank'], clusters: ['$ns'] },
    { clusters: ['$empty'] },
    { labels: { site: ['$empty'], zone: ['$every'] } },
    { labels: { site: ['$blank'] } },
  ])('ask nobody without a value: %j', (named) => {
    const scope = { ...model.scope, ...named };
    expect(interpolateModel({ ...model, scope }, variables).scope).toEqual({ clusters: [], nodes: [''], labels: {} });
  });

  it('narrow the scope, and All does not', () => {
    const scope = { nodes: ['$ns'], clusters: ['$every'], labels: { site: ['$one'], zone: ['$every'] } };
    expect(interpolateModel({ ...model, scope }, variables).scope).toEqual({
      nodes: ['shop', "o'ps"],
      clusters: [],
      labels: { site: ['1'] },
    });
  });

  it('are replaced once: what a value looks like does not matter', () => {
    const tricky: Variables = { ...variables, lookup: () => ({ values: ['$ns'], all: false }) };
    const filters: readonly Filter[] = [{ column: 'pod', operator: 'is', values: ['$x'] }];
    const once = interpolateModel({ ...model, builder: { ...model.builder, filters } }, tricky);
    expect(once.builder.filters[0]?.values).toEqual(['$ns']);
    expect(interpolateModel(once, variables)).toBe(once);
  });

  it('have room for one value where one is meant', () => {
    const target = { by: 'event', node: '$ns', seq: '1' } as const;
    expect(() => interpolateModel({ ...model, process: { ...model.process, target } }, variables)).toThrow(
      'The process\'s event takes one value, but "$ns" has several.',
    );
    const bucket = { ...model, builder: { ...model.builder, timeBucket: '$width' } };
    expect(interpolateModel(bucket, variables).builder.timeBucket).toBe('auto');
  });

  it('are what a click sets only where the event is two variables', () => {
    const of = (node: string, seq: string): unknown => {
      const target = { by: 'event', node, seq } as const;
      return interpolateModel({ ...model, process: { ...model.process, target } }, variables).process.variables;
    };
    expect(of('$one', '${width}')).toEqual({ node: 'one', seq: 'width' });
    expect(of('${one:text}', '${one:raw}')).toBeUndefined();
    expect(of('edge-1', '$one')).toBeUndefined();
  });
});
