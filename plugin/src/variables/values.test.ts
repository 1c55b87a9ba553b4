// @vitest-environment jsdom
import '../testing/browser.mjs';
import { FieldType, createDataFrame, dateTime } from '@grafana/data';
import type { DataFrame } from '@grafana/data';
import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { NodeInfo, ValuesRequest, Variables } from '../../shared/index.js';
import type { ArmorlakeQuery } from '../types.js';
import type { VariableQuery } from './query.js';
import { defaultVariable } from './query.js';
import type { Lookup, ValuesDoor } from './values.js';
import { lookUp, lookUpError, valuesOfFrames } from './values.js';

const info = (name: string, cluster: string, site: string): NodeInfo => ({
  name,
  cluster,
  labels: { site },
  role: 'edge',
  state: 'alive',
  version: '',
  lastContact: null,
  clockOffsetMs: null,
});

/** The data source: what it was asked. */
class Door implements ValuesDoor {
  readonly values: ValuesRequest[] = [];
  readonly queries: ArmorlakeQuery[] = [];
  frames: DataFrame[] = [];
  errors: { message?: string }[] | undefined;

  readonly resources: ValuesDoor['resources'] = {
    nodes: () =>
      Promise.resolve({ nodes: [info('b', 'west', 'north'), info('a', 'east', 'south'), info('c', '', 'north')] }),
    values: (request) => {
      this.values.push(request);
      return Promise.resolve({
        values: [
          { value: 'shop', count: 5 },
          { value: 'evil\u202e', count: 1 },
        ],
        truncated: true,
      });
    },
  };

  readonly query: ValuesDoor['query'] = ({ targets }) => {
    this.queries.push(...targets);
    return of({ data: this.frames, ...(this.errors === undefined ? {} : { errors: this.errors }) });
  };
}

const variables: Variables = {
  lookup: (name) => {
    if (name === 'ns') return { values: ['shop', 'ci'], all: false };
    return name === 'all' ? { values: ['a'], all: true } : null;
  },
  formatted: (reference) => reference,
};
const range = { from: dateTime(1_000), to: dateTime(9_000), raw: { from: 'now-1h', to: 'now' } };
const lookup: Lookup = {
  variables,
  range,
  request: {
    requestId: 'r',
    interval: '1m',
    intervalMs: 60_000,
    range,
    scopedVars: {},
    timezone: 'utc',
    app: 'dashboard',
    startTime: 0,
  },
};
const variable = (changes: Partial<VariableQuery>): VariableQuery => ({ ...defaultVariable(), ...changes });

describe('the values of a variable', () => {
  it('are looked up within the range, the limit, the scope, and the filters of other variables', async () => {
    const door = new Door();
    const query = variable({
      kind: 'pods',
      limit: 20,
      scope: { clusters: ['west'], nodes: [], labels: {} },
      filters: [
        { column: 'namespace', operator: 'is', values: ['$ns'] },
        { column: 'workload', operator: 'is', values: ['$all'] },
      ],
    });
    const found = await lookUp(query, { ...lookup, search: 'we' }, door);
    expect(door.values).toEqual([
      {
        table: 'kubearmor.events',
        column: 'pod',
        filters: [{ column: 'namespace', operator: 'is', values: ['shop', 'ci'] }],
        scope: { clusters: ['west'], nodes: [], labels: {} },
        search: 'we',
        limit: 20,
        fromMs: 1_000,
        toMs: 9_000,
      },
    ]);
    expect(found).toEqual({
      values: [
        { value: 'shop', text: 'shop' },
        { value: 'evil\u202e', text: 'evil\\u{202e}' },
      ],
      truncated: true,
    });
  });

  it('of a label are those of its key', async () => {
    const door = new Door();
    await lookUp(variable({ kind: 'values', table: 'kubearmor.logs', column: 'labels', key: 'app' }), lookup, door);
    expect(door.values).toMatchObject([{ table: 'kubearmor.logs', column: 'labels', key: 'app' }]);
  });

  it.each([
    [{ kind: 'nodes' }, ['a', 'b', 'c']],
    [{ kind: 'clusters' }, ['east', 'west']],
    [{ kind: 'nodes', scope: { clusters: [], nodes: [], labels: { site: ['north'] } } }, ['b', 'c']],
    [{ kind: 'nodes', scope: { clusters: ['$all'], nodes: ['a', 'b'], labels: {} } }, ['a', 'b']],
    [{ kind: 'nodes', limit: 2 }, ['a', 'b']],
  ] satisfies [Partial<VariableQuery>, string[]][])('%j are those the network knows', async (changes, names) => {
    const { values, truncated } = await lookUp(variable(changes), lookup, new Door());
    expect(values.map(({ value }) => value)).toEqual(names);
    expect(truncated).toBe('limit' in changes);
  });

  it('of nodes are narrowed by what is typed', async () => {
    const { values } = await lookUp(variable({ kind: 'nodes' }), { ...lookup, search: 'B' }, new Door());
    expect(values).toEqual([{ value: 'b', text: 'b' }]);
  });

  it('of SQL are those of its answer', async () => {
    const door = new Door();
    door.frames = [
      createDataFrame({ fields: [{ name: 'policy', type: FieldType.string, values: ['p', 'q', 'p', null] }] }),
    ];
    const { values } = await lookUp(variable({ kind: 'sql', sql: 'SELECT policy', limit: 9 }), lookup, door);
    expect(values.map(({ value }) => value)).toEqual(['p', 'q']);
    expect(door.queries).toMatchObject([{ queryType: 'table', editor: 'sql', sql: 'SELECT policy', sqlLimit: 9 }]);
  });

  it('of failing SQL are its error', async () => {
    const door = new Door();
    door.errors = [{ message: 'no such column' }];
    await expect(lookUp(variable({ kind: 'sql', sql: 'SELECT x' }), lookup, door)).rejects.toThrow('no such column');
  });

  it('are none before there is anything to look up', async () => {
    const door = new Door();
    expect(await lookUp(variable({ kind: 'values' }), lookup, door)).toEqual({ values: [], truncated: false });
    expect(door.values).toEqual([]);
  });
});

describe('the values of SQL', () => {
  it('have texts of their own, in columns by name', () => {
    const frame = createDataFrame({
      fields: [
        { name: 'n', type: FieldType.number, values: [1, 2] },
        { name: '__text', type: FieldType.string, values: ['One', null] },
        { name: '__value', type: FieldType.number, values: [1, 2] },
      ],
    });
    expect(valuesOfFrames([frame])).toEqual([
      { value: '1', text: 'One' },
      { value: '2', text: '2' },
    ]);
  });

  it('may be numbers and times', () => {
    const of = (type: FieldType, value: unknown): unknown =>
      valuesOfFrames([createDataFrame({ fields: [{ name: 'x', type, values: [value] }] })]);
    expect(of(FieldType.number, 7.5)).toEqual([{ value: '7.5', text: '7.5' }]);
    expect(of(FieldType.time, 0)).toEqual([{ value: '1970-01-01T00:00:00.000Z', text: '1970-01-01T00:00:00.000Z' }]);
    expect(of(FieldType.boolean, false)).toEqual([{ value: 'false', text: 'false' }]);
  });

  it('are what the rows hold, not how they are shown', () => {
    const frame = createDataFrame({ fields: [{ name: 'pod', type: FieldType.string, values: ['a\\u{202e}b'] }] });
    expect(valuesOfFrames([frame])).toEqual([{ value: 'a\u202eb', text: 'a\\u{202e}b' }]);
  });

  it('of no rows, or no fields, are none', () => {
    expect(valuesOfFrames([])).toEqual([]);
    expect(valuesOfFrames([createDataFrame({ fields: [] })])).toEqual([]);
  });
});

describe('an error of a look-up', () => {
  it('is the sentence of whoever refused', () => {
    const refused = {
      status: 502,
      data: { error: { code: 'NETWORK', message: 'No node answers.', hint: 'Start one.' } },
    };
    expect(lookUpError(refused).message).toBe('No node answers. Start one.');
    expect(lookUpError(new Error('late')).message).toBe('late');
  });
});
