import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FilterOperator } from '../plugin/shared/index.js';
import { ModelNode } from './support/plugin-model.js';

let node: ModelNode;

const events = [
  {
    process: '/usr/bin/curl',
    resource: '/usr/bin/curl -s http://a',
    remote_ip: '10.1.2.3',
    host_pid: 5,
    tags: ['mitre', 'net'],
    labels: { app: 'web', 'a"b]': "o'x" },
  },
  {
    process: '/usr/binary',
    resource: '/usr/bin',
    remote_ip: '::ffff:10.1.2.4',
    host_pid: 50,
    tags: ['file'],
    labels: { app: 'db' },
  },
  { process: '/usr/bin', resource: '/usr/bin/curling', remote_ip: '11.0.0.1', host_pid: 500 },
  {
    process: '/opt/Ünïcode/x',
    resource: '/etc/passwd',
    remote_ip: '2001:db8::1',
    host_pid: 5000,
    tags: [],
    labels: {},
  },
  { process: '/usr/bin/sub/curl', resource: '/', remote_ip: '2001:0DB9:0:0::1', namespace: 'shop' },
  { namespace: 'kube-system', remote_ip: 'fe80::1%eth0' },
  { remote_ip: 'not an address', namespace: '100%' },
];

beforeAll(async () => {
  node = await ModelNode.open();
  await node.store('kubearmor.logs', events);
});

afterAll(async () => {
  await node[Symbol.asyncDispose]();
});

const cases: readonly [string, FilterOperator, readonly string[], readonly number[]][] = [
  ['process', 'path is', ['/usr/bin'], [3]],
  ['process', 'path under', ['/usr/bin'], [1, 3, 5]],
  ['process', 'path under', ['/usr/bin/'], [1, 3, 5]],
  ['process', 'path under', ['/'], [1, 2, 3, 4, 5]],
  ['resource', 'path is', ['/usr/bin/curl'], [1]],
  ['resource', 'path under', ['/usr/bin'], [1, 2, 3]],
  ['process', 'glob', ['/usr/bin/*'], [1]],
  ['process', 'glob', ['/usr/**/curl'], [1, 5]],
  ['process', 'glob', ['/usr/bin/**/curl'], [1, 5]],
  ['process', 'glob', ['/opt/?n?code/[w-y]'], [4]],
  ['process', 'glob', ['/opt/*/[!x]'], []],
  ['resource', 'glob', ['/usr/bin/c?rl'], [1]],
  ['process', 'not glob', ['/usr/**'], [4, 6, 7]],
  ['process', 'matches', ['bin(/|$)'], [1, 3, 5]],
  ['process', 'does not match', ['bin'], [4, 6, 7]],
  ['process', 'starts with', ['/usr/bin', '/opt'], [1, 2, 3, 4, 5]],
  ['process', 'contains', ['binary'], [2]],
  ['process', 'does not contain', ['usr'], [4, 6, 7]],
  ['namespace', 'is', ['shop', '100%'], [5, 7]],
  ['namespace', 'is not', ['shop'], [1, 2, 3, 4, 6, 7]],
  ['namespace', 'is not', ['shop', '100%'], [1, 2, 3, 4, 6]],
  ['namespace', 'is set', [], [5, 6, 7]],
  ['namespace', 'is not set', [], [1, 2, 3, 4]],
  ['namespace', 'is', [], [1, 2, 3, 4, 5, 6, 7]],
  ['remote_ip', 'in cidr', ['10.0.0.0/8'], [1, 2]],
  ['remote_ip', 'in cidr', ['10.1.2.4'], [2]],
  ['remote_ip', 'in cidr', ['10.0.0.0/7'], [1, 2, 3]],
  ['remote_ip', 'in cidr', ['10.1.2.2/31'], [1]],
  ['remote_ip', 'in cidr', ['0.0.0.0/0'], [1, 2, 3]],
  ['remote_ip', 'in cidr', ['::ffff:10.0.0.0/104'], [1, 2]],
  ['remote_ip', 'in cidr', ['2001:db8::/32'], [4]],
  ['remote_ip', 'in cidr', ['2001:db8::/31'], [4, 5]],
  ['remote_ip', 'in cidr', ['2001:db8::1'], [4]],
  ['remote_ip', 'in cidr', ['fe80::/10'], [6]],
  ['remote_ip', 'in cidr', ['::/0'], [4, 5, 6]],
  ['remote_ip', 'in cidr', ['fe80::/10', '11.0.0.0/24'], [3, 6]],
  ['remote_ip', 'not in cidr', ['::/0', '10.0.0.0/8'], [3, 7]],
  ['tags', 'has any', ['file', 'net'], [1, 2]],
  ['tags', 'has none', ['file'], [1, 3, 4, 5, 6, 7]],
  ['tags', 'is set', [], [1, 2]],
  ['tags', 'is not set', [], [3, 4, 5, 6, 7]],
  ['labels', 'is set', [], [1, 2]],
  ['host_pid', '>=', ['50'], [2, 3, 4]],
  ['host_pid', '<', ['50'], [1]],
  ['host_pid', '=', ['5', '500'], [1, 3]],
  ['host_pid', '!=', ['5'], [2, 3, 4, 5, 6, 7]],
  ['time', '>=', ['2026-01-01T12:00:00Z'], [1, 2, 3, 4, 5, 6, 7]],
  ['time', '>', ['1767268800000'], []],
];

describe('filters of the builder, asked of a node', () => {
  it.each(cases)('%s %s %j', async (column, operator, values, expected) => {
    expect(await node.matching('kubearmor.logs', { column, operator, values })).toEqual(expected);
  });

  it('reads a label by key, then value', async () => {
    const of = (key: string, operator: FilterOperator, ...values: string[]) =>
      node.matching('kubearmor.logs', { column: 'labels', key, operator, values });
    expect(await of('app', 'is', 'web')).toEqual([1]);
    expect(await of('app', 'is not', 'web')).toEqual([2, 3, 4, 5, 6, 7]);
    expect(await of('app', 'is set')).toEqual([1, 2]);
    expect(await of('app', 'matches', '^(w|d)')).toEqual([1, 2]);
    expect(await of('a"b]', 'is', "o'x")).toEqual([1]);
  });
});
