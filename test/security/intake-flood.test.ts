import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IntakeRequest } from '../../backend/src/intake/index.js';
import { Workplace } from '../cli-support.js';
import { expectBalanced } from '../support/account.js';
import { HubFixture } from '../support/connector-lane.js';
import { TestNode } from '../support/node-process.js';
import { QueryApi } from '../support/query-api.js';
import { RawConnection, listen } from '../support/raw-http.js';

const head = (more: string): string => `POST /intake/kubearmor HTTP/1.1\r\nHost: 127.0.0.1\r\n${more}\r\n`;

describe('a body', () => {
  let api: QueryApi;
  let port: number;
  beforeAll(async () => {
    api = await QueryApi.open({ patienceMs: 300 });
    port = await listen(api.app);
  });
  afterAll(async () => {
    await api[Symbol.asyncDispose]();
  });

  const post = (body: Buffer, gzip = true) =>
    fetch(`http://127.0.0.1:${port}/intake/kubearmor`, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { 'content-type': 'application/x-ndjson', ...(gzip && { 'content-encoding': 'gzip' }) },
    });

  it.each([
    ['that unpacks to 1,000 times its size', gzipSync(Buffer.alloc(8 << 20, 'x\n')), true],
    ['of more than a million lines', Buffer.alloc(3 << 20, '\n'), false],
    ['that unpacks to much in its second layer', gzipSync(gzipSync(Buffer.alloc(8 << 20, 'x'))), true],
    ['that unpacks to layers of nothing', gzipSync(Buffer.concat(Array(300_000).fill(gzipSync('')))), true],
    ['that unpacks to more than a body may have', gzipSync(Buffer.alloc(65 << 20, 'x')), true],
  ])('%s is refused', async (_name, body, gzip) => {
    const answer = await post(body, gzip);
    expect([answer.status, await answer.json()]).toMatchObject([413, { error: { code: 'LIMIT_EXCEEDED' } }]);
  });

  it('of events, as gzip packs them, is taken', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `{"Type":"HostLog","Timestamp":${index}}\n`).join('');
    expect((await post(gzipSync(lines))).status).toBe(200);
  });

  it.each([
    ['that is never sent', head('Content-Length: 100\r\n'), null],
    ['of a byte now and then', head('Transfer-Encoding: chunked\r\n'), '1\r\nx\r\n'],
    ['of packed bytes now and then', head('Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n'), '1\r\n\x1f\r\n'],
  ])('%s ends with DEADLINE and its connection', async (_name, begin, piece) => {
    const connection = new RawConnection(port);
    connection.socket.write(begin, 'latin1');
    const trickle = setInterval(() => piece !== null && connection.socket.write(piece, 'latin1'), 20);
    const answer = await connection.closed;
    clearInterval(trickle);
    expect(answer).toMatch(/^HTTP\/1\.1 (504|400) /);
    expect(answer).toMatch(/"code":"(DEADLINE|BAD_REQUEST)"/);
  });

  it('holds a place, and one address does not get all of them', async () => {
    await using own = await QueryApi.open();
    const at = await listen(own.app);
    const connections = Array.from({ length: 33 }, () => new RawConnection(at));
    for (const { socket } of connections) socket.write(head('Content-Length: 100\r\n'));
    await expect.poll(() => connections.filter(({ text }) => text.includes('"code":"BUSY"')).length).toBe(1);
    expect(own.intake.connectors).toHaveLength(32);
    for (const { socket } of connections) socket.destroy();
    await expect.poll(() => own.intake.aborted).toBe(32);
  });
});

it('of a body of lines that are no events 1,000 are kept, and the others counted', async () => {
  const fixture = new HubFixture();
  const { hub, clock } = fixture;
  const intake = new IntakeRequest({
    request: 1,
    lane: hub.lane('intake'),
    sink: hub.intakeSink(),
    window: hub.window,
    clock,
  });
  await intake.push(Buffer.from('x\n'.repeat(5000)));
  await intake.push(Buffer.from('{"Type":"HostLog"}\n'));
  const { accepted, rejected, errors } = await intake.finish();
  expect({ accepted, rejected }).toEqual({ accepted: 1, rejected: 5000 });
  expect(errors.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1000]);
  expect(errors.at(-1)?.error).toContain('counted as dropped');
  expect(fixture.deadLetters()).toHaveLength(1000);
  expect(fixture.account()).toEqual({ received: 5001, stored: 1, deadLettered: 1000, dropped: 4000 });
});

it.each([
  ['in one array', `[${Array(5000).fill('{}').join(',')}]`, 5000],
  ['one after another', '{}'.repeat(5000), 5000],
  ['as one object of too many parts', `{"x":[${Array(600_000).fill('[]').join(',')}]}`, 1],
])('of a line that holds no events %s as many are kept and counted', async (_how, body, rejected) => {
  const fixture = new HubFixture();
  const { hub, clock } = fixture;
  const lane = hub.lane('intake');
  const intake = new IntakeRequest({ request: 1, lane, sink: hub.intakeSink(), window: hub.window, clock });
  for (let at = 0; at < body.length; at += 1 << 18) await intake.push(Buffer.from(body.slice(at, at + (1 << 18))));
  expect(await intake.finish()).toMatchObject({ accepted: 0, rejected });
  const kept = Math.min(rejected, 1000);
  expect(fixture.account()).toEqual({ received: rejected, stored: 0, deadLettered: kept, dropped: rejected - kept });
});

it('after 50,000 of them the rest is not read, and counted', async () => {
  const fixture = new HubFixture();
  const { hub, clock } = fixture;
  const intake = new IntakeRequest({
    request: 1,
    lane: hub.lane('intake'),
    sink: hub.intakeSink(),
    window: hub.window,
    clock,
  });
  await intake.push(Buffer.from(`${'x\n'.repeat(50_000)}{"Type":"HostLog"}\n`));
  const { accepted, rejected, errors } = await intake.finish();
  expect({ accepted, rejected, last: errors.at(-1) }).toEqual({
    accepted: 0,
    rejected: 50_001,
    last: { line: 50_000, error: expect.stringContaining('counted as dropped (unread)') },
  });
  expect(fixture.account()).toEqual({ received: 50_001, stored: 0, deadLettered: 1000, dropped: 49_001 });
});

it('a flood of dead letters holds up no other post, and its account is whole', async () => {
  const place = new Workplace();
  try {
    const node = await TestNode.start(place);
    // 24 kB that unpack to two million lines.
    const bomb = gzipSync(Buffer.alloc(24_000_000, 'no events.a\n'));
    const flood = fetch(`${node.url}/intake/kubearmor`, {
      method: 'POST',
      body: new Uint8Array(bomb),
      headers: { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' },
    });
    const others = await Promise.all(Array.from({ length: 20 }, () => node.post('{"Type":"HostLog"}')));
    expect(others.map(({ status }) => status)).toEqual(others.map(() => 200));
    expect((await flood).status).toBe(413);
    // The last word of what was taken is with the ledger once an empty post is answered.
    expect((await node.post('')).status).toBe(200);
    await expectBalanced(node);
    expect(await node.count('armorlake.dead_letters')).toBe(1000);
    expect(await node.rows('SELECT DISTINCT reason FROM armorlake.ledger WHERE dropped > 0 ORDER BY reason')).toEqual([
      { reason: 'bad_lines' },
      { reason: 'unread' },
    ]);
  } finally {
    await place.close();
  }
});
