import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isExec } from '../plugin/shared/process/exec.js';
import { treeSql } from '../plugin/shared/process/tree-sql.js';
import { Workplace, run } from './cli-support.js';
import { TestNode } from './support/node-process.js';

const path = (name: string): string => fileURLToPath(new URL(`data/cases/telemetry/${name}.ndjson`, import.meta.url));

let place: Workplace;
let node: TestNode;
beforeAll(async () => {
  place = new Workplace();
  node = await TestNode.start(place);
});
afterAll(() => place.close());

/** The rows of a case, imported and posted; both are the same. */
async function rowsOf(name: string, columns: string) {
  const read = (connector: string) =>
    node.rows(`SELECT ${columns} FROM kubearmor.events WHERE connector LIKE '${connector}' ORDER BY seq`);
  const before = await node.count('kubearmor.events');
  const imported = await run(['import', path(name), '--url', node.url]);
  expect(imported, imported.err).toMatchObject({ code: 0, out: expect.stringContaining(' 0 rejected') });
  const rows = await node.rows(`SELECT ${columns} FROM kubearmor.events WHERE seq > ${before} ORDER BY seq`);
  expect(await node.post(readFileSync(path(name)), name)).toMatchObject({ status: 200, body: { rejected: 0 } });
  expect(await read(name)).toEqual(rows);
  return rows;
}

const ends = 'direction, remote_ip, remote_port, local_port, protocol';

it.each([
  ['15-tcp-accept', ends, [{ direction: 'ingress', remote_ip: '198.51.100.23', remote_port: null, local_port: 22 }]],
  ['16-hopopt', `${ends}, event_data['Protocol'] AS sent`, [{ protocol: 'TCP', sent: 'HOPOPT' }]],
  ['17-usb-removed', 'outcome, result', [{ outcome: 'happened', result: 'Removed' }]],
  ['18-block-passed', 'outcome, action', [{ outcome: 'happened', action: 'Block' }]],
  [
    '19-numeric-strings',
    'time, host_pid, host_ppid, pid, uid, severity, quality',
    [
      {
        time: '2023-12-28T17:16:16.000000Z',
        host_pid: 1059919,
        host_ppid: 1059916,
        pid: 1673,
        uid: 1000,
        quality: ['time:seconds'],
      },
      { host_pid: 1059920, uid: 0, severity: 7, quality: ['type:severity'] },
    ],
  ],
  [
    '21-labels-comma',
    "labels['org.opencontainers.image.description'] AS text, len(map_keys(labels)) AS labels, quality",
    [{ text: 'Fast, small, and free', labels: 3, quality: [] }],
  ],
  [
    '22-unix-socket-path',
    ends,
    [{ direction: 'egress', remote_ip: null, remote_port: null, local_port: null }, { remote_ip: null }],
  ],
  ['25-unknown-fields', 'policy, quality', [{ policy: 'no-id', quality: ['fields:unknown'] }]],
  ['26-timestamp-ms', 'time, quality', [{ time: '2026-02-02T02:40:00.123000Z', quality: ['time:milliseconds'] }]],
])('%s is stored as what happened', async (name, columns, expected) => {
  const rows = await rowsOf(name, columns);
  expect(rows).toHaveLength(expected.length);
  expect(rows).toMatchObject(expected);
});

it('the values of fields that KubeArmor does not have stay with the original', async () => {
  const kept = await node.rows(
    "SELECT DISTINCT bytes FROM armorlake.dead_letters JOIN kubearmor.alerts USING (node, seq) WHERE list_contains(quality, 'fields:unknown')",
  );
  expect(kept).toHaveLength(1);
  expect(Buffer.from(String(kept[0]?.bytes), 'base64').toString()).toContain('"tenant_id":"11"');
});

it('who is traced is not started', async () => {
  await node.post(readFileSync(path('14-ptrace')), '14-ptrace');
  const ran = await node.count(`kubearmor.events WHERE ${isExec()} AND process = '/usr/bin/gdb'`);
  expect(ran).toBe(1);
  const [root] = await node.rows("SELECT seq FROM kubearmor.logs WHERE connector = '14-ptrace' ORDER BY seq LIMIT 1");
  const target = [`FROM kubearmor.events WHERE seq = ${String(root?.seq)}`];
  const sql = treeSql(target, { fromMs: Date.UTC(2026, 1, 2), toMs: Date.UTC(2026, 1, 3) });
  const tree = await node.rows(sql);
  expect(tree.map(({ resource }) => resource)).toEqual(['/bin/bash', '/usr/bin/gdb -p 77', '/bin/sh -c id']);
});

it('replay sends numbers that are text as numbers', async () => {
  const simulate = [
    'simulate',
    'kubearmor',
    '--listen',
    '127.0.0.1:0',
    '--lossless',
    '--replay',
    path('19-numeric-strings'),
  ];
  const [, address = ''] = await place.start(simulate).says(/ready at (\S+)\.\n/);
  const reader = await TestNode.start(place, { data: 'replayed', args: ['--kubearmor', address] });
  const rows = () => reader.rows('SELECT host_pid, uid, severity FROM kubearmor.events ORDER BY host_pid');
  await expect.poll(rows, { timeout: 60_000 }).toEqual([
    { host_pid: 1059919, uid: 1000, severity: null },
    { host_pid: 1059920, uid: 0, severity: 7 },
  ]);
});
