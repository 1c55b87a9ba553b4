import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { ERROR_STATUS } from '../../backend/src/core/index.js';
import type { ErrorCode } from '../../backend/src/core/index.js';
import type { FuzzedRequest, OpenApi } from '../support/door-fuzzer.js';
import { DoorFuzzer } from '../support/door-fuzzer.js';
import { QueryApi } from '../support/query-api.js';
import { listen } from '../support/raw-http.js';

const codes = Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]];
/** As docs/errors.md has it; nothing else. */
const failure = z.strictObject({
  error: z.strictObject({
    code: z.enum(codes),
    message: z.string().min(1),
    hint: z.string().min(1).optional(),
    position: z.number().int().nonnegative().optional(),
    node: z.string().optional(),
  }),
});

const long = process.env['ARMORLAKE_TEST_LONG'] === '1';

let shared: QueryApi;
beforeAll(async () => {
  shared = await QueryApi.open();
});
afterAll(async () => {
  await shared[Symbol.asyncDispose]();
});

it(`whatever is asked at any route is answered, or refused in the documented shape (seed 7, ${long ? 20_000 : 600} requests)`, async () => {
  const api = shared;
  const port = await listen(api.app);
  await api.lake.connection.run(
    "INSERT INTO kubearmor.logs BY NAME SELECT now()::TIMESTAMP AS time, 'n1' AS node, i::BIGINT AS seq, 'ls ' || i AS source, MAP {'app': 'a'} AS labels FROM range(1, 11) r(i)",
  );
  api.lake.commit(10);
  const own = { host: '127.0.0.1' };
  const document = (await api.app.inject({ url: '/api/v1/openapi.json', headers: own })).json<OpenApi>();
  const fuzzer = new DoorFuzzer(document, 7);
  const wrong: string[] = [];
  const seen = new Map<string, number>();
  const count = (name: string): void => void seen.set(name, (seen.get(name) ?? 0) + 1);
  for (let round = 0; round < (long ? 20_000 : 600); round += 1) {
    const request = fuzzer.next();
    const { status, text } = await answer(port, request);
    const said = JSON.stringify({ round, request: brief(request), status, text: text?.slice(0, 500) });
    // A token that was made here would ask everybody for one.
    for (const { name } of api.tokens.list()) api.tokens.revoke(name);
    count(`${request.method} ${request.url.split(/[?]|\/[^/]*$/)[0] ?? ''} ${status < 400 ? 'good' : 'bad'}`);
    if (text?.includes(api.lake.folder) === true) wrong.push(said);
    if (status < 400) continue;
    const parsed = failure.safeParse(jsonOf(text));
    const code = parsed.data?.error.code;
    // A query may be given a millisecond; nothing else that is asked is the node's fault.
    const fair = code !== undefined && status === ERROR_STATUS[code] && (status < 500 || code === 'DEADLINE');
    if (!fair) wrong.push(said);
  }
  expect(wrong).toEqual([]);
  // Both sides of each door were seen.
  for (const door of ['POST /api/v1', 'GET /api/v1', 'POST /intake', 'DELETE /api/v1/tokens']) {
    expect(
      [...seen.keys()].some((name) => name.startsWith(door)),
      JSON.stringify([...seen]),
    ).toBe(true);
  }
});

it.each([
  [{ sql: 'SELECT 1', timeRange: { from: 1e20 } }, 'BAD_REQUEST'],
  [{ sql: 'SELECT 1', timeRange: { to: -1e308 } }, 'BAD_REQUEST'],
  [{ sql: 'SELECT $1', params: [[1, 'a']] }, 'BAD_QUERY'],
  [{ sql: 'SELECT $1', params: [[true, 1]] }, 'BAD_QUERY'],
  [{ sql: "SELECT regexp_matches('a', $1)", params: ['(?=x)'] }, 'BAD_QUERY'],
])('%j is %s', async (payload, code) => {
  const answer = await shared.app.inject({
    method: 'POST',
    url: '/api/v1/query',
    headers: { host: '127.0.0.1' },
    payload,
  });
  expect([answer.json(), answer.statusCode]).toMatchObject([{ error: { code } }, 400]);
});

it.each([
  [[], []],
  [[null], [null]],
  [
    [null, 'x'],
    [null, 'x'],
  ],
  [
    [null, 1],
    [null, 1],
  ],
  [
    [1, 1.5],
    [1, 1.5],
  ],
])('a list %j is bound as it is', async (given, bound) => {
  const payload = { sql: 'SELECT $1', params: [given] };
  const answer = await shared.app.inject({
    method: 'POST',
    url: '/api/v1/query',
    headers: { host: '127.0.0.1' },
    payload,
  });
  expect(answer.json().rows).toEqual([[bound]]);
});

function jsonOf(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}

function brief({ body, ...rest }: FuzzedRequest): object {
  return { ...rest, url: rest.url.slice(0, 500), body: body?.slice(0, 1000) };
}

async function answer(
  port: number,
  { method, url, headers, body }: FuzzedRequest,
): Promise<{ status: number; text: string | null }> {
  const abort = new AbortController();
  try {
    const response = await fetch(`http://127.0.0.1:${port}${url}`, {
      method,
      headers: { ...headers },
      body,
      signal: abort.signal,
    });
    // A live tail has no end.
    const endless = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    return { status: response.status, text: endless ? null : await response.text() };
  } finally {
    abort.abort();
  }
}
