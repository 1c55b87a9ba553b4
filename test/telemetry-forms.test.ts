import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as zlib from 'node:zlib';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecording } from '../backend/src/simulator/replay.js';
import { Workplace, run } from './cli-support.js';
import { expectBalanced } from './support/account.js';
import { TestNode } from './support/node-process.js';

const caseFile = (name: string): string => fileURLToPath(new URL(`data/cases/telemetry/${name}`, import.meta.url));
const recording = readFileSync(caseFile('01-stdin.ndjson'), 'utf8');

/** Cases by the form they are in; each holds two logs and an alert. */
const forms = [
  ['01-stdin.ndjson', 'JSON lines'],
  ['02-pretty.json', 'pretty-printed JSON'],
  ['04-bom.ndjson', 'JSON lines'],
  ['06-events.ndjson.gz', 'gzip, JSON lines'],
  ['07-logpath.ndjson', "JSON lines, KubeArmor's own file (-logPath)"],
  ['08-opensearch.json', 'an OpenSearch or Elasticsearch answer, OpenSearch or Elasticsearch documents'],
  ['11-kubectl-logs.txt', "kubectl logs --prefix, kubectl logs --timestamps, CRI's log file"],
] as const;

const columns =
  'time, cluster, host, namespace, pod, container_id, labels, host_pid, host_ppid, pid, uid, process, parent_process, type, operation, source, resource, data, result, outcome, cwd, policy, severity, message, action, enforcer, tags, quality';

let place: Workplace;
let node: TestNode;
beforeAll(async () => {
  place = new Workplace();
  node = await TestNode.start(place);
});
afterAll(() => place.close());

const order = (file: string, ...more: string[]) =>
  run(['import', file, '--url', node.url, ...more], { cwd: place.folder });
const rowsOf = (connector: string) =>
  node.rows(`SELECT ${columns} FROM kubearmor.events WHERE connector LIKE '${connector}' ORDER BY host_pid`);
const lastConnector = async (): Promise<string> => {
  const [row] = await node.rows('SELECT connector FROM kubearmor.events ORDER BY seq DESC LIMIT 1');
  return String(row?.connector);
};

describe.each(forms)('a recording as %s', (name, form) => {
  it('is read alike by import, POST and replay', async () => {
    const { status, body } = await node.post(readFileSync(caseFile(name)), `posted-${name}`);
    expect([status, body]).toEqual([200, { accepted: 3, rejected: 0, errors: [], form }]);
    const rows = await rowsOf(`posted-${name}`);
    expect(rows).toMatchObject([
      { host_pid: 200, host_ppid: 100, process: '/usr/bin/id', policy: null, outcome: 'happened', quality: [] },
      { host_pid: 201, host_ppid: 200, resource: '/usr/bin/curl http://store.example', uid: 0, quality: [] },
      { host_pid: 202, policy: 'no-id', severity: 5, outcome: 'blocked', tags: ['MITRE', 'T1033'], quality: [] },
    ]);
    // What is in the lake already from another form is the same recording, unless one says --again.
    const imported = await order(caseFile(name), '--again');
    expect(imported, imported.err).toMatchObject({ code: 0 });
    expect(imported.out).toMatch(`: 3 records, 3 stored, 0 rejected. Read as ${form}.\n`);
    expect(await rowsOf(await lastConnector())).toEqual(rows);
    const replayed = await readRecording(caseFile(name));
    expect(replayed).toMatchObject(await readRecording(caseFile('01-stdin.ndjson')));
  });
});

describe('import', () => {
  it.each([
    ['standard input', '-'],
    ['the path of standard input', '/dev/stdin'],
  ])('takes %s', async (_what, file) => {
    const done = await run(['import', file, '--url', node.url], { input: recording });
    expect(done, done.err).toMatchObject({ code: 0, out: expect.stringContaining('3 records, 3 stored, 0 rejected') });
    expect(await rowsOf(await lastConnector())).toHaveLength(3);
  });

  it('takes a named pipe while it is written, and waits at one no longer than for a signal', async () => {
    const pipe = place.path('pipe');
    execFileSync('mkfifo', [pipe]);
    const waiting = place.start(['import', pipe, '--url', node.url]);
    const writer = createWriteStream(pipe);
    const [first = '', ...others] = recording.split('\n');
    writer.write(`${first}\n`);
    const live =
      "kubearmor.events WHERE connector LIKE 'import:pipe:%' AND resource = '/usr/bin/id -u' AND policy IS NULL";
    const before = await node.count(live);
    await expect.poll(() => node.count(live), { timeout: 60_000 }).toBeGreaterThanOrEqual(Math.max(1, before));
    writer.end(others.join('\n'));
    expect(await waiting.finished).toMatchObject({ code: 0, out: expect.stringContaining('3 records, 3 stored') });
    const idle = place.start(['import', pipe, '--url', node.url]);
    idle.kill('SIGTERM');
    expect((await idle.finished).code).not.toBe(0);
  });

  it.each([
    ['xz', Buffer.from('fd377a585a000000', 'hex'), /is an xz file.*\n.*xz -dc/],
    ['zip', Buffer.from('504b030414000000', 'hex'), /is a zip archive.*\n.*unzip -p/],
    ['cut gzip', gzipSync(recording.repeat(1000)).subarray(0, -9), /is no whole gzip file/],
    ['YAML', Buffer.from('apiVersion: v1\nkind: Pod\n'), /is YAML: all 2 records .*\n.*yq -o=json/],
    ['text before', Buffer.from(recording.replaceAll(/^/gm, 'relay says ')), /text before the JSON.*\n.*sed -E/],
    ['CSV', Buffer.from('Timestamp,HostName,Type\n1,h,HostLog\n'), /comma-separated text.*\n.*mlr/],
    ['others’ JSON', readFileSync(caseFile('23-not-kubearmor.ndjson')), /all 2 records are rejected.*\n.*jq -c/],
  ])('refuses %s in one sentence with what mends it, and stores nothing of it', async (name, bytes, sentence) => {
    const before = await node.rows('SELECT coalesce(sum(received), 0)::BIGINT AS received FROM armorlake.ledger');
    const file = place.path(`refused ${name}`);
    writeFileSync(file, bytes);
    const refused = await order(file);
    expect([refused.code, refused.out, refused.err]).toEqual([1, '', expect.stringMatching(sentence)]);
    expect(await node.rows('SELECT coalesce(sum(received), 0)::BIGINT AS received FROM armorlake.ledger')).toEqual(
      before,
    );
  });

  it('goes on after what it has when a file has grown, and is never fooled by a beginning that changed', async () => {
    const file = place.path('growing.ndjson');
    const lines = Array.from({ length: 30 }, (_, at) => `{"Type":"HostLog","Cwd":"/grown","PID":${at}}\n`);
    const stored = () =>
      node.rows("SELECT count(*) AS rows, count(DISTINCT pid) AS pids FROM kubearmor.logs WHERE cwd = '/grown'");
    writeFileSync(file, lines.slice(0, 10).join(''));
    expect(await order(file)).toMatchObject({ code: 0 });
    for (const [from, to] of [
      [10, 20],
      [20, 30],
    ] as const) {
      appendFileSync(file, lines.slice(from, to).join(''));
      const grown = await order(file);
      expect(grown).toMatchObject({ code: 0, out: expect.stringContaining(': 10 records, 10 stored') });
      expect(grown.err).toContain(`Its first ${from} records are imported already`);
      expect(await stored()).toEqual([{ rows: to, pids: to }]);
    }
    copyFileSync(file, place.path('packed'));
    expect((await order(place.path('packed'))).out).toContain('already imported');
    writeFileSync(file, [...lines.slice(1), ...lines.slice(0, 1)].join(''));
    expect((await order(file)).out).toContain(': 30 records, 30 stored');
    expect(await stored()).toEqual([{ rows: 60, pids: 30 }]);
    await expectBalanced(node);
  });
});

/** A zstd frame with one block, which is stored as it is. */
function zstdFrame(text: string): Buffer {
  const head = Buffer.from('28b52ffd0050000000', 'hex');
  head.writeUIntLE((Buffer.byteLength(text) << 3) | 1, 6, 3);
  return Buffer.concat([head, Buffer.from(text)]);
}

it('zstd is read by import, and by POST where Node.js can bound it', async () => {
  const file = place.path('recording');
  writeFileSync(file, Buffer.concat([zstdFrame(recording), zstdFrame(recording)]));
  const imported = await order(file, '--again');
  expect(imported, imported.err).toMatchObject({ code: 0, out: expect.stringContaining(': 6 records, 6 stored') });
  expect(imported.out).toContain('Read as zstd, JSON lines.');
  const posted = await node.post(zstdFrame(recording), 'zstd');
  const native = 'createZstdDecompress' in zlib;
  expect([posted.status, posted.body]).toMatchObject(
    native
      ? [200, { accepted: 3, form: 'zstd, JSON lines' }]
      : [400, { error: { hint: expect.stringContaining('gzip') } }],
  );
  writeFileSync(file, zstdFrame(recording).subarray(0, -9));
  expect(await order(file)).toMatchObject({ code: 1, err: expect.stringContaining('is no whole zstd file') });
});

describe('POST', () => {
  it('refuses what it cannot unpack, and rejects what is no event, which import would refuse whole', async () => {
    const xz = await node.post(Buffer.from('fd377a585a000000', 'hex'));
    expect([xz.status, xz.body]).toMatchObject([400, { error: { message: expect.stringContaining('an xz file') } }]);
    const foreign = await node.post(readFileSync(caseFile('23-not-kubearmor.ndjson')));
    expect([foreign.status, foreign.body]).toMatchObject([200, { accepted: 0, rejected: 2, form: '' }]);
  });
});
