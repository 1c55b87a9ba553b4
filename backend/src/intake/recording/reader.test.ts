import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Recorded } from './index.js';
import { RecordingReader } from './index.js';

const recording = readFileSync(
  new URL('../../../../test/data/cases/telemetry/01-stdin.ndjson', import.meta.url),
  'utf8',
).trim();
const lines = recording.split('\n');
const events = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);

/** What a reader makes of an input that comes in pieces of this size. */
function read(input: string | Buffer, size: number, strict = false): { records: Recorded[]; forms: readonly string[] } {
  const bytes = Buffer.from(input);
  const reader = new RecordingReader({ lines: strict });
  const records: Recorded[] = [];
  for (let at = 0; at < bytes.length; at += size) records.push(...reader.push(bytes.subarray(at, at + size)));
  records.push(...reader.end());
  return { records, forms: reader.forms };
}

const eventsOf = (records: readonly Recorded[]) => records.flatMap((each) => ('event' in each ? [each.event] : []));
const errorsOf = (records: readonly Recorded[]) =>
  records.flatMap((each) => ('error' in each ? [[each.line, each.error]] : []));

const each = (wrap: (line: string, index: number) => string): string =>
  events.map((_, at) => wrap(lines[at] ?? '', at)).join('\n');
const stamp = '2026-02-02T02:40:00.123456789Z';

/** A line in parts of 200 characters. */
function inParts(line: string): string[] {
  return line.match(/.{1,200}/gs) ?? [];
}

/** A field whose value comes as its size and bytes, as journald writes what isn't plain text. */
function binaryField(key: string, value: string): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(Buffer.byteLength(value)));
  return Buffer.concat([Buffer.from(`${key}\n`), size, Buffer.from(`${value}\n`)]);
}

const swapped = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
const hits = events.map((event, at) => ({ _index: 'alert', _id: String(at), _source: event }));

const forms: readonly (readonly [form: string, input: string | Buffer])[] = [
  ['JSON lines', `${recording}\n`],
  ['JSON lines', `\ufeff${recording}`],
  ['JSON lines', recording.replaceAll('\n', '\r\n\r\n')],
  ['UTF-16, JSON lines', Buffer.from(`\ufeff${recording}`, 'utf16le')],
  ['UTF-16, JSON lines', swapped(`\ufeff${recording}`)],
  ['UTF-16, JSON lines', swapped(recording)],
  ['pretty-printed JSON', events.map((event) => JSON.stringify(event, null, 2)).join('\n')],
  ['a JSON array', JSON.stringify(events)],
  ['a JSON array', JSON.stringify(events, null, '\t')],
  ['a JSON array', `[\n${lines.join(',\n')}\n]\n`],
  ['JSON lines, several objects on a line', `${lines[0] ?? ''}${lines[1] ?? ''} ${lines[2] ?? ''}`],
  [
    'an OpenSearch or Elasticsearch answer',
    JSON.stringify({ took: 2, hits: { total: { value: 3 }, hits }, aggregations: { a: [{}] } }),
  ],
  [
    'an OpenSearch or Elasticsearch answer',
    JSON.stringify({ responses: [{ hits: { hits: hits.slice(0, 1) } }, { hits: { hits: hits.slice(1) } }] }, null, 1),
  ],
  ['OpenSearch or Elasticsearch documents', hits.map((hit) => JSON.stringify(hit)).join('\n')],
  ["Docker's log file", each((line) => JSON.stringify({ log: `${line}\n`, stream: 'stdout', time: stamp }))],
  [
    "Docker's log file",
    lines
      .flatMap((line) => inParts(`${line}\n`).map((log) => JSON.stringify({ log, stream: 'stdout', time: stamp })))
      .join('\n'),
  ],
  ["CRI's log file", each((line) => `${stamp} stdout F ${line}`)],
  [
    "CRI's log file",
    lines
      .flatMap((line) =>
        inParts(line).map((part, at, all) => `${stamp} stdout ${at + 1 === all.length ? 'F' : 'P'} ${part}`),
      )
      .join('\n'),
  ],
  [
    'Fluent Bit records',
    each((line, at) => JSON.stringify({ date: 1770000000.5 + at, log: line, kubernetes: { pod_name: 'x' } })),
  ],
  [
    'Fluent Bit records',
    events.map((event) => JSON.stringify({ date: 1, log: 'text', log_processed: event })).join('\n'),
  ],
  ['a JSON array, Fluent Bit records', JSON.stringify(events.map((_, at) => ({ date: 1, log: lines[at] })))],
  [
    'a Loki answer, Loki lines',
    JSON.stringify({
      status: 'success',
      data: {
        resultType: 'streams',
        result: [{ stream: { a: 'b' }, values: lines.map((line, at) => [`17700000000${at}`, line]) }],
      },
    }),
  ],
  ['Loki lines', each((line) => JSON.stringify({ labels: {}, line, timestamp: stamp }))],
  ['kubectl logs --prefix', each((line) => `[pod/kubearmor-relay-5d9f/kubearmor-relay-server] ${line}`)],
  ['kubectl logs --prefix, kubectl logs --timestamps', each((line) => `[pod/relay/relay] ${stamp} ${line}`)],
  ['docker compose logs', each((line) => `kubearmor-1  | ${line}`)],
  ['syslog or journalctl lines', each((line) => `Feb  2 02:40:00 pump-7 kubearmor[812]: ${line}`)],
  ['journalctl -o json', each((line) => JSON.stringify({ __CURSOR: 's=1', MESSAGE: line, _PID: '7' }))],
  ['journalctl -o json', each((line) => JSON.stringify({ MESSAGE: [...Buffer.from(line)] }))],
  ['journalctl -o export', each((line) => `__CURSOR=s=1\n_PID=7\nMESSAGE=${line}\n_COMM=kubearmor\n`)],
  [
    'journalctl -o export',
    Buffer.concat(
      lines.map((line) =>
        Buffer.concat([
          Buffer.from('__CURSOR=s=1\n'),
          binaryField('OTHER', 'a\n{}\nb'),
          binaryField('MESSAGE', line),
          Buffer.from('\n'),
        ]),
      ),
    ),
  ],
  ['records of a log shipper', each((line) => JSON.stringify({ '@timestamp': stamp, message: line }))],
  ['OpenSearch or Elasticsearch documents', each((line) => JSON.stringify({ _source: { log: line } }))],
];

describe('RecordingReader', () => {
  it.each(forms)('reads %s however it comes', (form, input) => {
    for (const size of [1, 7, 100_000]) {
      const { records, forms: seen } = read(input, size);
      expect(errorsOf(records)).toEqual([]);
      expect(eventsOf(records)).toEqual(events);
      expect(seen).toEqual(expect.arrayContaining(form.split(', ')));
    }
  });

  it.each(forms)('gives of %s lines that read as the same', (_form, input) => {
    const { records } = read(input, 100_000);
    const sent = records.map(({ bytes }) => bytes.toString('utf8')).join('\n');
    const again = read(sent, 100_000, true);
    expect(again.records).toHaveLength(records.length);
    expect(eventsOf(again.records)).toEqual(events);
  });

  it("reads karmor's text, a value over lines too, and refuses what it can't tell", () => {
    const block = (resource: string): string =>
      `== Alert / 2026-02-02 02:40:00.123456 ==\nClusterName: plant\nHostName: pump-7\nType: MatchedPolicy\nResource: ${resource}\n` +
      'Operation: Process\nEventData: map[Lsm:SECURITY_BPRM_CHECK]\nResult: Passed\nATags: [NIST NIST SI-4]\nHostPID: 202\nOwner: map[Name:cart Namespace:shop Ref:Deployment]\nTags: NIST,NIST SI-4\nUID: 0\n';
    const { records, forms: seen } = read(`${block('/bin/sh -c a\nb: c')}${block('x\nResult: Passed')}`, 9);
    expect(eventsOf(records)).toEqual([
      {
        UpdatedTime: '2026-02-02 02:40:00.123456',
        ClusterName: 'plant',
        HostName: 'pump-7',
        Type: 'MatchedPolicy',
        Resource: '/bin/sh -c a\nb: c',
        Operation: 'Process',
        EventData: 'map[Lsm:SECURITY_BPRM_CHECK]',
        Result: 'Passed',
        HostPID: '202',
        Owner: { Name: 'cart', Namespace: 'shop', Ref: 'Deployment' },
        Tags: 'NIST,NIST SI-4',
        UID: '0',
      },
    ]);
    expect(errorsOf(records)).toEqual([[15, expect.stringContaining('Result stands twice')]]);
    expect(seen).toEqual(["karmor's text"]);
    const message = read('2026-02-02 02:40:00.123456  plant  pump-7  [INFO]  Started: {x}\n', 100);
    expect(eventsOf(message.records)).toMatchObject([{ Level: 'INFO', Message: 'Started: {x}', HostName: 'pump-7' }]);
  });

  it.each([
    ['a line that was cut off', `${lines[0] ?? ''}\n${(lines[1] ?? '').slice(0, 100)}\n${lines[2] ?? ''}\n`, [2], 2],
    ['a line cut off behind a comma', `{"Type":"HostLog",\n${recording}\n`, [1], 3],
    [
      'a record that the input ends in',
      `${lines[0] ?? ''}\n${JSON.stringify(events[1], null, 2).slice(0, 90)}`,
      [2],
      1,
    ],
    ['an array that is never closed', `[\n${lines.join(',\n')},\n`, [4], 3],
    ['lines in brackets without commas', `[\n${recording}\n]\n`, [5], 3],
    ['what follows JSON in its line', `${lines[0] ?? ''} x\n${lines[1] ?? ''}\n`, [1], 1],
    ['a list of other things', '[1, "a"]\n[]\n[[]]\n', [1, 2, 3], 0],
    ['numbers that break off', '{"Type":"HostLog","PID":1\n2}\n', [1, 2], 0],
    ['text and blanks', 'no event\n \t \n\n"text"\nnull', [1, 4, 5], 0],
    ['more brackets than JSON has use for', '['.repeat(100_000), [1], 0],
    ['a part of a Docker line whose end never comes', '{"log":"{\\"Type\\":","stream":"stdout"}', [1], 0],
  ])('rejects %s, and goes on', (_what, input, bad, good) => {
    for (const size of [1, 3, 100_000]) {
      const { records } = read(input, size);
      expect(errorsOf(records).map(([line]) => line)).toEqual(bad);
      expect(eventsOf(records)).toHaveLength(good);
    }
  });

  it('reads a long line while it comes, and no record with more parts than an event can have', () => {
    const many = Array.from({ length: 4000 }, () => lines[0] ?? '');
    const { records } = read(`[${many.join(',')}]`, 1 << 16);
    expect(eventsOf(records)).toHaveLength(4000);
    const wide = `{"Type":"HostLog","x":[${'[],'.repeat(500_000)}[]]}\n${lines[0] ?? ''}`;
    for (const strict of [false, true]) {
      const answer = read(wide, 1 << 16, strict);
      expect([errorsOf(answer.records).length, eventsOf(answer.records).length]).toEqual([1, 1]);
    }
  });

  it('takes each line for one record when it is told to', () => {
    const input = [
      '{',
      '[',
      `[${lines[0] ?? ''}]`,
      `${lines[0] ?? ''}${lines[1] ?? ''}`,
      '== Log ==',
      '__CURSOR=x',
      'A: b',
      lines[2] ?? '',
    ];
    expect(read(input.join('\n'), 100, true).records.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('text that only looks like journald’s export format', () => {
  const begun = '__CURSOR=s=1\n_PID=7\n';

  it.each([
    ['lines of another program', `${lines.join('\n')}\n__CURSOR=x\nA\n`],
    ['a line of capitals', `${lines.join('\n')}\n__CURSOR=x\nMESSAGE\n`],
    ['a line of another program in an export', `${begun}MESSAGE=${lines[0] ?? ''}\n\n__CURSOR=s=2\nA\n`],
  ])('hides no event behind it: %s', (_what, before) => {
    for (const size of [1, 7, 1 << 20]) {
      const { records } = read(before + lines.join('\n') + '\n', size);
      expect(eventsOf(records).slice(-events.length + 1)).toEqual(events.slice(1));
      expect(eventsOf(records).length + errorsOf(records).length).toBeGreaterThan(events.length);
    }
  });

  it('is told where the input ends in a field', () => {
    const whole = binaryField('MESSAGE', lines[0] ?? '');
    for (const cut of [10, 20, whole.length - 2]) {
      const { records } = read(Buffer.concat([Buffer.from(begun), whole.subarray(0, cut)]), 1 << 20);
      expect(errorsOf(records).map(([, error]) => error)).toEqual([
        expect.stringMatching(
          /^A field of journald's export format before line 4 can't be read: the input ends in it\.$/,
        ),
      ]);
    }
  });
});
