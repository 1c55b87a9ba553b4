import type { IncomingMessage } from 'node:http';
import { get } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArmorlakeError } from '../backend/src/core/index.js';
import { QueryApi } from './support/query-api.js';

let api: QueryApi;
let port: number;
const open: Tail[] = [];

beforeEach(async () => {
  api = await QueryApi.open();
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  const address = api.app.server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});

afterEach(async () => {
  for (const tail of open.splice(0)) tail.close();
  await api[Symbol.asyncDispose]();
});

/** Adds alerts (odd seqs) and logs (even ones) up to a seq, as one commit. */
async function commit(first: number, last: number): Promise<void> {
  const rows = (table: string, rest: number): string =>
    `INSERT INTO kubearmor.${table} BY NAME SELECT now()::TIMESTAMP AS time, 'n1' AS node, i::BIGINT AS seq, 'h' || (i % 4) AS host, 'shop' AS namespace, '/bin/sh -c ' || i AS source, 'line one' || chr(10) || chr(13) || 'data: two' AS resource, MAP {'app': 'a' || (i % 3)} AS labels${table === 'alerts' ? ', (i % 10)::UTINYINT AS severity' : ''} FROM range(${first}, ${last + 1}) r(i) WHERE i % 2 = ${rest}`;
  await api.lake.connection.run(rows('alerts', 1));
  await api.lake.connection.run(rows('logs', 0));
  api.lake.commit(last);
}

interface Event {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly schema: { readonly name: string }[]; readonly rows: unknown[][] };
}

/** One client of the stream. */
class Tail {
  readonly events: Event[] = [];
  readonly notices: string[] = [];
  text = '';
  readonly #response: IncomingMessage;

  constructor(response: IncomingMessage) {
    this.#response = response;
    let pending = '';
    response.setEncoding('utf8');
    response.on('error', () => undefined);
    response.on('data', (piece: string) => {
      this.text += piece;
      pending += piece;
      const blocks = pending.split('\n\n');
      pending = blocks.pop() ?? '';
      for (const block of blocks.filter((each) => !each.startsWith(':'))) {
        const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
        if (field('event') === 'notice') this.notices.push(field('data'));
        else
          this.events.push({ id: field('id'), type: field('event'), data: JSON.parse(field('data')) as Event['data'] });
      }
    });
  }

  get status(): number | undefined {
    return this.#response.statusCode;
  }

  /** The seqs of all rows so far. */
  seqs(): number[] {
    return this.events
      .filter((event) => event.type === 'rows')
      .flatMap(({ data }) => data.rows.map((row) => Number(row[data.schema.findIndex(({ name }) => name === 'seq')])));
  }

  close(): void {
    this.#response.destroy();
  }
}

function tail(query: string, headers: Record<string, string> = {}): Promise<Tail> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: `/api/v1/tail?${query}`, headers }, (response) => {
      const client = new Tail(response);
      open.push(client);
      resolve(client);
    }).on('error', reject);
  });
}

it('gives what is committed from now on, in the order of seq, and says where it began', async () => {
  await commit(1, 10);
  const client = await tail('table=alerts');
  await expect.poll(() => client.events.length).toBe(1);
  expect(client.events[0]).toMatchObject({ type: 'open', id: '{"n1":10}' });
  await commit(11, 20);
  await expect.poll(() => client.seqs()).toEqual([11, 13, 15, 17, 19]);
  expect(client.events.at(-1)?.id).toBe('{"n1":20}');
  // Line breaks in event text are JSON escapes: they end no SSE field.
  expect(client.text).not.toContain('\ndata: two');
});

it('resumes after the last id, without loss or doubling', async () => {
  await commit(1, 10);
  const first = await tail('table=kubearmor.events', { 'last-event-id': '{"n1":4,"other":99}' });
  await expect.poll(() => first.seqs()).toEqual([5, 6, 7, 8, 9, 10]);
  const { id } = first.events.at(-1) ?? { id: '' };
  first.close();
  await commit(11, 14);
  const second = await tail('table=events', { 'last-event-id': id });
  await expect.poll(() => second.seqs()).toEqual([11, 12, 13, 14]);
});

it('resumes also where 5,000 nodes are followed', async () => {
  await commit(1, 10);
  const others = Array.from({ length: 4999 }, (_, index) => [`edge-${index}.north.example`, 1_000_000_000 + index]);
  const client = await tail('table=events', {
    'last-event-id': JSON.stringify(Object.fromEntries([['n1', 8], ...others])),
  });
  expect(client.status).toBe(200);
  await expect.poll(() => client.seqs()).toEqual([9, 10]);
});

it('reads a long backlog in parts, none twice', async () => {
  await commit(1, 2600);
  const client = await tail('table=events', { 'last-event-id': '{"n1":0}' });
  await expect.poll(() => client.seqs().length).toBe(2600);
  expect(client.seqs()).toEqual(Array.from({ length: 2600 }, (_, index) => index + 1));
  expect(client.events.length).toBeGreaterThan(5);
});

it.each([
  ['table=logs&host=h2', [2, 6, 10]],
  ['table=logs&host=h2&host=h0', [2, 4, 6, 8, 10]],
  ['table=events&labels=app%3Da1', [1, 4, 7, 10]],
  ['table=events&source=%20(7%7C8)%24', [7, 8]],
  ['table=alerts&severity=7', [7, 9]],
  ['table=events&namespace=nowhere', []],
  ['table=events&where=seq%20%3E%3D%20%3F%20AND%20seq%20%3C%20%3F%20--%20x&params=[3,6]&host=h1', [5]],
  ['table=events&where=seq%20%3D%20%24n&params=%7B%22n%22%3A3%7D&namespace=shop', [3]],
  ['table=events&host=%27%20OR%20true%20--', []],
])('filters %s', async (query, seqs) => {
  await commit(1, 10);
  const client = await tail(query, { 'last-event-id': '{"n1":0}' });
  // Position 10 is reached, whatever matches.
  await commit(11, 11);
  await expect.poll(() => client.text.length).toBeGreaterThan(0);
  if (seqs.length > 0) await expect.poll(() => client.seqs().length).toBeGreaterThanOrEqual(seqs.length);
  expect(client.seqs().filter((seq) => seq <= 10)).toEqual(seqs);
});

it.each([
  ['table=nope', 400],
  ['table=kubearmor.alerts%3B%20DROP%20TABLE%20kubearmor.logs', 400],
  ['table=armorlake.ledger', 400],
  ['table=alerts&where=true)%20OR%20(random()%20%3E%200', 400],
  ['table=alerts&where=true)%20UNION%20ALL%20(SELECT%20*%20FROM%20kubearmor.alerts', 400],
  ['table=alerts&where=(SELECT%20count(*)%20FROM%20duckdb_settings())%20%3E%200', 400],
  ['table=alerts&source=%5B', 400],
  ['table=alerts&labels=app', 400],
  ['table=alerts&labels=__proto__%3Dx', 400],
  ['table=constructor', 400],
  ['table=__proto__', 400],
  ['table=alerts&unknown=x', 400],
  ['table=alerts&params=%7B', 400],
])('refuses %s', async (query, status) => {
  await commit(1, 4);
  expect((await tail(query, { 'last-event-id': '{"n1":0}' })).status).toBe(status);
});

it('refuses a Last-Event-ID that is none', async () => {
  expect((await tail('table=alerts', { 'last-event-id': '42' })).status).toBe(400);
});

it('an engine that restarts is a notice in the stream, which goes on', async () => {
  await commit(1, 2);
  const client = await tail('table=events');
  await expect.poll(() => client.events.length).toBe(1);
  const stream = api.engine.stream.bind(api.engine);
  // The call under way is answered, the next one finds no engine.
  api.engine.stream = () => {
    api.engine.stream = stream;
    return Promise.reject(new ArmorlakeError('NOT_READY', 'The database engine is not running.'));
  };
  await commit(3, 4);
  await expect.poll(() => client.notices).toEqual(['n1: The database engine is not running.']);
  await commit(5, 6);
  await expect.poll(() => client.seqs()).toEqual([3, 4, 5, 6]);
});
