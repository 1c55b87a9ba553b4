import { afterAll, beforeAll, expect, it } from 'vitest';
import { HostPaths } from '../../backend/src/api/host-paths.js';
import { ArmorlakeError } from '../../backend/src/core/index.js';
import { QueryApi } from '../support/query-api.js';

let api: QueryApi;
let admin: string;
let reader: string;
beforeAll(async () => {
  api = await QueryApi.open();
  admin = api.tokens.create('boss', 'admin', new Date(0));
  reader = api.tokens.create('reader', 'read', new Date(0));
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const query = async (token: string, sql: string): Promise<string> => {
  const headers = { authorization: `Bearer ${token}` };
  return (await api.app.inject({ method: 'POST', url: '/api/v1/query', headers, payload: { sql } })).body;
};

it('an error of the node names its files to admins alone', async () => {
  const stream = api.engine.stream.bind(api.engine);
  const file = `${api.lake.archiveFolder}/logs-1.parquet`;
  for (const code of ['INTERNAL', 'BAD_QUERY', 'LIMIT_EXCEEDED', 'DISK_FULL'] as const) {
    api.engine.stream = () => Promise.reject(new ArmorlakeError(code, `Can't open ${file} nor /etc/other/secret.key.`));
    expect(await query(admin, `SELECT '${code}'`)).toContain(file);
    const told = await query(reader, `SELECT '${code}'`);
    expect(told).toContain('…');
    expect(told).not.toContain(api.lake.folder);
    // What may be the asker's own words stays, unless it is a folder of the node.
    expect(told.includes('/etc/other')).toBe(code === 'BAD_QUERY');
  }
  api.engine.stream = stream;
});

it('a path that stands in the question is told back', async () => {
  expect(await query(reader, "SELECT CAST('/usr/bin/curl' AS INTEGER)")).toContain('/usr/bin/curl');
});

it('why a node isn’t ready, and what failed elsewhere, is told without paths', async () => {
  const [boss, other] = [{ token: 'boss', role: 'admin' } as const, { token: 'reader', role: 'read' } as const];
  api.unready = `The lake in ${api.lake.folder} is in use by process 7.`;
  const ready = async (token: string): Promise<string> =>
    (await api.app.inject({ url: '/readyz', headers: { authorization: `Bearer ${token}` } })).json().error
      .message as string;
  expect(await ready(admin)).toContain(api.lake.folder);
  expect(await ready(reader)).toBe('The lake in … is in use by process 7.');
  api.unready = null;
  const paths = new HostPaths(['/var/lib/armorlake']);
  const failed = { name: 'e1', status: 'failed', code: 'INTERNAL', rows: null, bytes: null, ms: null } as const;
  const coverage = {
    complete: false,
    expected: 1,
    asked: 1,
    answered: 0,
    failed: 1,
    pruned: 0,
    nodes: [{ ...failed, message: 'IO Error: "/srv/lake/archive/x.parquet" is gone; see https://example.org/a/b.' }],
    gaps: { nodes: 0, minutes: 0, worst: [] },
    retention: { nodesShort: 0, from: null },
  };
  expect(paths.coverage(coverage, boss)).toEqual(coverage);
  expect(paths.coverage(coverage, other).nodes[0]?.message).toBe('IO Error: "…" is gone; see https://example.org/a/b.');
  const status = {
    warnings: ['/var/lib/armorlake/lake.duckdb.wal-1 was put aside'],
    links: [{ detail: 'open /a/b/c.pem' }],
  };
  expect(paths.value(status, other)).toEqual({
    warnings: ['…/lake.duckdb.wal-1 was put aside'],
    links: [{ detail: 'open …' }],
  });
  expect(paths.value(status, boss)).toEqual(status);
});
