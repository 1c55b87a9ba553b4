import { afterAll, beforeAll, expect, it } from 'vitest';
import { Workplace } from '../cli-support.js';
import { TestNode, until } from '../support/node-process.js';

const place = new Workplace();
let node: TestNode;
let owner: string;

beforeAll(async () => {
  node = await TestNode.start(place);
});
afterAll(() => place.close());

async function tokens(method: string, path: string, body?: object): Promise<string> {
  const response = await fetch(`${node.url}/api/v1/tokens${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(owner === undefined ? {} : { authorization: `Bearer ${owner}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return text === '' ? '' : ((JSON.parse(text) as { token?: string }).token ?? '');
}

async function stored(): Promise<number> {
  const response = await fetch(`${node.url}/api/v1/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${owner}` },
    body: JSON.stringify({ sql: 'SELECT count(*)::INT FROM kubearmor.logs' }),
  });
  return ((await response.json()) as { rows: [[number]] }).rows[0][0];
}

/** A live tail that is open; resolves when it has ended. */
async function tail(token: string | null): Promise<{ readonly ended: Promise<string> }> {
  const response = await fetch(`${node.url}/api/v1/tail?table=kubearmor.logs`, {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
  });
  expect(response.status).toBe(200);
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Error('The answer has no body.');
  await reader.read();
  const ended = (async (): Promise<string> => {
    try {
      while (!(await reader.read()).done);
      return 'ended';
    } catch {
      return 'ended';
    }
  })();
  return { ended };
}

it('ends live tails: those without a token when the first is made, those of a token when it is revoked', async () => {
  const open = await tail(null);
  owner = await tokens('POST', '', { name: 'owner', role: 'admin' });
  expect(await open.ended).toBe('ended');
  const reader = await tokens('POST', '', { name: 'reader', role: 'read' });
  const other = await tokens('POST', '', { name: 'other', role: 'read' });
  const [theirs, stays] = [await tail(reader), await tail(other)];
  await tokens('DELETE', '/reader');
  expect(await theirs.ended).toBe('ended');
  const still = new Promise((resolve) => setTimeout(resolve, 500, 'open'));
  expect(await Promise.race([stays.ended, still])).toBe('open');
});

it('ends what is being sent with it, and the rest of it is not stored', async () => {
  const sender = await tokens('POST', '', { name: 'sender', role: 'intake' });
  const line = (index: number): string =>
    `{"Timestamp":1700000000,"HostName":"h","Type":"ContainerLog","Source":"/bin/s${index}","Operation":"Process","Resource":"/bin/x","Data":"syscall=SYS_EXECVE","Result":"Passed"}\n`;
  let go = (): void => undefined;
  const revoked = new Promise<void>((resolve) => (go = resolve));
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      // More than is taken at once.
      controller.enqueue(Buffer.from(Array.from({ length: 3000 }, (_, index) => line(index)).join('')));
      await revoked;
      controller.enqueue(Buffer.from(line(3000)));
      controller.close();
    },
  });
  const posted = fetch(`${node.url}/intake/kubearmor?connector=posted`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${sender}` },
    body,
    duplex: 'half',
  } as RequestInit);
  await until(async () => (await stored()) >= 1000, 'the beginning is stored');
  await tokens('DELETE', '/sender');
  go();
  const response = await posted;
  expect(response.status).toBe(401);
  expect(await stored()).toBeLessThanOrEqual(3000);
});
