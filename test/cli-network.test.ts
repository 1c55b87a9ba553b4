import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finished, Running } from './cli-support.js';
import { Workplace, run } from './cli-support.js';
import { until } from './support/node-process.js';

const published = fileURLToPath(new URL('data/kubearmor-published-events.ndjson', import.meta.url));
const place = new Workplace();
afterAll(() => place.close());

const ok = async (...args: string[]): Promise<string> => {
  const { code, out, err } = await run(args, { cwd: place.folder });
  expect(code, err).toBe(0);
  return out;
};

describe('armorlake cert', () => {
  it('makes a CA and certificates, says what to do next, and keeps keys to their owner', async () => {
    const made = await ok('cert', 'init', '--dir', 'first');
    expect(made).toMatch(
      /Made the network's CA, valid until 20[^]*ca\.key +the network's secret[^]*Next: armorlake cert issue/,
    );
    expect(await run(['cert', 'init', '--dir', 'first'], { cwd: place.folder })).toMatchObject({
      code: 1,
      err: expect.stringContaining('has a CA already'),
    });
    const issued = JSON.parse(
      await ok(
        'cert',
        'issue',
        'q1',
        '--role',
        'query',
        '--host',
        'hub.example',
        '--dir',
        'first',
        '--out',
        'q1',
        '--json',
      ),
    ) as Record<string, unknown>;
    expect(issued).toMatchObject({ name: 'q1', role: 'query', hosts: ['hub.example'], key: place.path('q1/q1.key') });
    expect(statSync(place.path('q1/q1.key')).mode & 0o777).toBe(0o600);
    expect(statSync(place.path('first/ca.key')).mode & 0o777).toBe(0o600);
    const text = await ok('cert', 'issue', 'e1', '--role', 'edge', '--dir', 'first', '--days', '5');
    expect(text).toMatch(
      /certificate of e1 \(role edge\), valid until \S+ \(5 days\)[^]*tls: \{ ca: ca\.crt, cert: e1\.crt/,
    );
    expect(await ok('cert', 'inspect', 'q1/q1.crt')).toMatch(
      /node q1, role query\n +hosts: +hub\.example\n[^]*\(30 days\)/,
    );
    expect(await ok('cert', 'inspect', 'first/ca.crt')).toContain("a network's CA");
  });

  it('renews with a new key, and does not replace by accident', async () => {
    const key = readFileSync(place.path('q1/q1.key'), 'utf8');
    const again = ['cert', 'issue', 'q1', '--role', 'edge', '--dir', 'first', '--out', 'q1'];
    expect(await run(again, { cwd: place.folder })).toMatchObject({
      code: 1,
      err: expect.stringMatching(/q1 has a certificate already[^]*cert renew q1/),
    });
    expect(await ok('cert', 'renew', 'q1', '--dir', 'first', '--out', 'q1')).toMatch(/Renewed the certificate of q1/);
    expect(readFileSync(place.path('q1/q1.key'), 'utf8')).not.toBe(key);
    await ok(...again, '--replace');
    expect(await ok('cert', 'inspect', 'q1/q1.crt')).toContain('role edge');
  });

  it('refuses what can not be', async () => {
    const wrong = (...args: string[]): Promise<Finished> =>
      run(['cert', ...args, '--dir', 'first'], { cwd: place.folder });
    expect(await wrong('issue', '../x', '--role', 'edge')).toMatchObject({ code: 2 });
    expect(await wrong('issue', 'x', '--role', 'king')).toMatchObject({ code: 2 });
    expect(await wrong('renew', 'nobody')).toMatchObject({ code: 1 });
    expect(await run(['cert', 'issue', 'x', '--role', 'edge', '--dir', 'none'], { cwd: place.folder })).toMatchObject({
      code: 1,
      err: expect.stringContaining('armorlake cert init'),
    });
  });
});

describe('a network with certificates', () => {
  let url = '';
  let hub = '';
  const edges = new Map<string, Running>();
  const tls = (name: string): string[] =>
    Object.entries({ ca: 'ca.crt', cert: `${name}.crt`, key: `${name}.key` }).flatMap(([key, file]) => [
      '--set',
      `network.tls.${key}=${place.path(join('certs', file))}`,
    ]);
  const node = (name: string, ...args: string[]): Running =>
    place.start([
      'node',
      '--name',
      name,
      '--data',
      name,
      '--http',
      '127.0.0.1:0',
      '--log-level',
      'error',
      ...tls(name),
      ...args,
    ]);
  const ask = (...args: string[]): Promise<Finished> => run(['query', '--url', url, ...args]);
  const perNode = 'SELECT node, count(*)::INTEGER AS n FROM kubearmor.events GROUP BY node ORDER BY node';

  async function startEdge(name: string, cluster: string): Promise<void> {
    const edge = node(name, '--cluster', cluster, '--set', `labels=site=${cluster}`, '--join', hub);
    edges.set(name, edge);
    const [, at = ''] = await edge.says(/ready at (http:\S+) /);
    await ok('import', published, '--url', at);
  }

  beforeAll(async () => {
    await ok('cert', 'init', '--dir', 'certs');
    await ok('cert', 'issue', 'query', '--role', 'query', '--host', '127.0.0.1', '--dir', 'certs');
    for (const name of ['edge-1', 'edge-2']) await ok('cert', 'issue', name, '--role', 'edge', '--dir', 'certs');
    [, url = ''] = await node('query', '--network', '127.0.0.1:0').says(/ready at (http:\S+) /);
    const status = (await (await fetch(`${url}/api/v1/status`)).json()) as { network: { listening: string } };
    hub = status.network.listening;
    await Promise.all([startEdge('edge-1', 'west'), startEdge('edge-2', 'east')]);
    // What an import committed is there for every later query; joining may take a moment.
    for (let nodes = 0; nodes < 2;) {
      const { out } = await ask('--format', 'json', perNode);
      nodes = out === '' ? 0 : (JSON.parse(out) as { rows: unknown[] }).rows.length;
    }
  });

  it('is in the metrics that docs/operate.md describes', async () => {
    const served = [...(await (await fetch(`${url}/metrics`)).text()).matchAll(/^# TYPE (armorlake_network_\S+)/gm)];
    const operate = readFileSync(fileURLToPath(new URL('../docs/operate.md', import.meta.url)), 'utf8');
    const documented = [...operate.matchAll(/`(armorlake_network_[a-z_]+)`/g)];
    expect(served.map((match) => match[1]).toSorted()).toEqual(documented.map((match) => match[1]).toSorted());
  });

  it('is shown by status, with the days the certificate is valid for', async () => {
    const out = await ok('status', '--url', url);
    expect(out).toMatch(/Network: 2 of 2 nodes up; role query, nodes join it at 127\.0\.0\.1:\d+\n/);
    expect(out).toMatch(/Its certificate is valid for 29 more days\n/);
    expect(out).toMatch(/^edge-1 +edge +up +\S+ +west +site=west /m);
    const json = JSON.parse(await ok('status', '--url', url, '--json')) as unknown;
    expect(json).toMatchObject({ network: { nodes: [{ name: 'edge-1' }, { name: 'edge-2' }] } });
  });

  it('is explained: fragments, who is asked and who is not, an estimate', async () => {
    const sql = 'SELECT policy, count(*) FROM kubearmor.alerts GROUP BY ALL';
    const out = await ok('query', '--url', url, '--explain', sql);
    expect(out).toMatch(
      /Fragment \S+ \(agg of kubearmor\.alerts\)[^]*GROUP BY[^]*Merge, at the asked node[^]*Nodes: 2 of 2 asked/,
    );
    expect(out).toMatch(/Estimate: 2 nodes read up to \d+ rows/);
    const json = JSON.parse(await ok('query', '--url', url, '--explain', '--format', 'json', sql)) as unknown;
    expect(json).toMatchObject({ fragments: [{ kind: 'agg' }], nodes: [{ status: 'asked' }, { status: 'asked' }] });
  });

  it('is asked in part by name, cluster and label, or node by node', async () => {
    const rows = async (...args: string[]): Promise<unknown> =>
      (JSON.parse((await ask('--format', 'json', ...args)).out) as { rows: unknown[][] }).rows;
    const only = [['edge-1', expect.any(Number)]];
    expect(await rows('--node', 'edge-1', perNode)).toEqual(only);
    expect(await rows('--cluster', 'west', perNode)).toEqual(only);
    expect(await rows('--label', 'site=west', perNode)).toEqual(only);
    expect(await rows('--per-node', 'SELECT count(*) FROM kubearmor.events')).toHaveLength(2);
    expect(await ask('--label', 'site', perNode)).toMatchObject({
      code: 2,
      err: expect.stringContaining('site=north'),
    });
  });

  it('keeps an account on each node of what a query node asked it', async () => {
    expect((await ask('--node', 'edge-1', `${perNode} -- a mark of this test`)).code).toBe(0);
    const edge = edges.get('edge-1');
    edge?.kill('SIGTERM');
    await edge?.finished;
    edges.set('edge-1', node('edge-1', '--cluster', 'west', '--set', 'labels=site=west', '--join', hub));
    await edges.get('edge-1')?.says(/ready at/);
    const account = `
      SELECT DISTINCT node, who, via FROM armorlake.queries
      WHERE (node = 'query' AND sql LIKE '%a mark of this test%') OR (node = 'edge-1' AND sql LIKE '%kubearmor%events%')
      ORDER BY node`;
    await until(async () => {
      const { rows } = JSON.parse((await ask('--format', 'json', account)).out) as { rows: unknown[][] };
      expect(rows).toEqual([
        ['edge-1', 'at query', 'query'],
        ['query', null, null],
      ]);
      return true;
    }, 'both have it in their account');
  });

  it('names a node that is gone until it is forgotten', async () => {
    const where = ['--url', url];
    const edge = edges.get('edge-2');
    edge?.kill('SIGTERM');
    await edge?.finished;
    const partial = await ask(perNode);
    expect(partial.code).toBe(0);
    expect(partial.err).toMatch(/^1 of 2 nodes answered; edge-2 failed: /m);
    expect(await ask('--partial', 'fail', perNode)).toMatchObject({ code: 1, err: expect.stringContaining('edge-2') });
    expect((await ask('--partial', 'ignore', perNode)).err).not.toContain('edge-2');
    expect(await ok('forget', 'edge-2', ...where)).toContain('edge-2 is forgotten');
    expect((await ask(perNode)).err).not.toContain('edge-2');
    expect(await run(['forget', 'edge-2', ...where])).toMatchObject({
      code: 1,
      err: expect.stringContaining('edge-2'),
    });
  });

  it('is checked by doctor: certificate and hubs', async () => {
    const common = ['doctor', '--data', 'doctor', '--http', '127.0.0.1:0'];
    const { out } = await run([...common, '--name', 'edge-2', ...tls('edge-2'), '--join', hub], { cwd: place.folder });
    expect(out).toMatch(/ ok {3}network certificate: edge-2, role edge, valid until/);
    expect(out).toMatch(new RegExp(` ok {3}hub ${hub}: it answers, and its certificate is right`));
    const other = await run([...common, '--name', 'edge-3', ...tls('edge-2'), '--join', '127.0.0.1:2'], {
      cwd: place.folder,
    });
    expect(other.code).toBe(1);
    expect(other.out).toMatch(
      /FAIL {2}network certificate: \S+edge-2\.crt is edge-2's, but this node is called edge-3/,
    );
    expect(other.out).toMatch(/FAIL {2}hub 127\.0\.0\.1:2: .*ECONNREFUSED/);
  });
});

describe('a node', () => {
  it('refuses to go beyond this machine without certificates', async () => {
    const { code, err } = await run(['node', '--data', 'far', '--network', '0.0.0.0:7471'], { cwd: place.folder });
    expect(code).toBe(2);
    expect(err).toMatch(/network\.listen is 0\.0\.0\.0:7471[^]*armorlake cert[^]*--insecure-network/);
  });
});
