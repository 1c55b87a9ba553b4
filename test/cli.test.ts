import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Running } from './cli-support.js';
import { Workplace, isAlive, run } from './cli-support.js';

const published = fileURLToPath(new URL('data/kubearmor-published-events.ndjson', import.meta.url));
const operate = fileURLToPath(new URL('../docs/operate.md', import.meta.url));
const publishedLines = readFileSync(published, 'utf8').trim().split('\n').length;

const place = new Workplace();
afterAll(() => place.close());

/** As the node's log tells it. */
function enginePid(node: Running): number {
  const line = node.err.split('\n').find((each) => each.includes('engine is ready')) ?? '';
  return Number(/"pid":(\d+)/.exec(line)?.[1]);
}

describe('usage', () => {
  it('helps, with examples', async () => {
    for (const command of [
      'node',
      'query',
      'status',
      'tail',
      'logs',
      'import',
      'token',
      'cert',
      'forget',
      'doctor',
      'demo',
    ]) {
      const { code, out } = await run([command, '--help']);
      expect(code, command).toBe(0);
      expect(out, command).toContain(`Usage: armorlake ${command}`);
    }
  });

  it('ends with 2 and a suggestion on a wrong command line', async () => {
    expect(await run(['qery', 'SELECT 1'])).toMatchObject({ code: 2, err: expect.stringContaining('query') });
    expect(await run(['node', '--nme', 'x'])).toMatchObject({ code: 2, err: expect.stringContaining('--name') });
    expect(await run(['query', '--format', 'xml', 'SELECT 1'])).toMatchObject({ code: 2 });
  });

  it('refuses unknown keys by name before anything starts', async () => {
    const file = place.path('wrong.yaml');
    writeFileSync(file, 'htpp:\n  port: 1\n');
    const { code, err, out } = await run(['node', '--config', file], { cwd: place.folder });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/"htpp" in .*wrong\.yaml .*did you mean "http"\?/);
  });

  it('says what to do when no node answers', async () => {
    const { code, err } = await run(['status', '--url', 'http://127.0.0.1:2']);
    expect(code).toBe(1);
    expect(err).toMatch(/Nothing listens at http:\/\/127\.0\.0\.1:2\.[^]*armorlake node/);
  });
});

describe('a node beside a simulated KubeArmor', () => {
  const events = 600;
  let url = '';
  const ask = async (sql: string): Promise<unknown[][]> => {
    const { code, out, err } = await run(['query', '--format', 'json', '--url', url, sql]);
    expect(code, err).toBe(0);
    return (JSON.parse(out) as { rows: unknown[][] }).rows;
  };

  beforeAll(async () => {
    const simulator = place.start([
      ...['simulate', 'kubearmor', '--listen', '127.0.0.1:0', '--rate', '2000', '--count', String(events)],
      ...['--lossless', '--truth', 'truth.ndjson'],
    ]);
    const [, address = ''] = await simulator.says(/ready at (\S+:\d+)\./);
    const node = place.start([
      ...['node', '--name', 'cli', '--data', 'lake', '--http', '127.0.0.1:0'],
      ...['--kubearmor', address, '--log-level', 'error'],
    ]);
    [, url = ''] = await node.says(/ready at (http:\S+) /);
    const stored = 'SELECT coalesce(sum(stored), 0)::BIGINT FROM armorlake.ledger';
    while (Number((await ask(stored))[0]?.[0]) < events) continue;
  });

  it('holds what the simulator handed over', async () => {
    const truth = readFileSync(place.path('truth.ndjson'), 'utf8').trim().split('\n');
    expect(truth).toHaveLength(events);
    expect(await ask('SELECT count(*), count(DISTINCT seq), min(seq), max(seq) FROM kubearmor.events')).toEqual([
      [events, events, 1, events],
    ]);
  });

  it('answers as table, JSON and CSV, from argument and stdin', async () => {
    const sql = "SELECT '=1+1' AS formula, 'a,b' AS comma, chr(27) || '[31m' AS ansi, 7 AS n";
    const table = await run(['query', '--url', url], { input: sql });
    expect(table).toMatchObject({ code: 0, err: expect.stringMatching(/^1 row in \d+ ms\n/) });
    expect(table.out).toContain('\\u{1b}[31m');
    expect(table.out).not.toContain('\u001b');
    const csv = await run(['query', '--url', url, '--format', 'csv', sql]);
    expect(csv.out).toBe(`formula,comma,ansi,n\r\n'=1+1,"a,b",\u001b[31m,7\r\n`);
    const json = await run(['query', '--format', 'json', sql], { environment: { ARMORLAKE_URL: url } });
    expect(JSON.parse(json.out)).toMatchObject({ rows: [['=1+1', 'a,b', '\u001b[31m', 7]], coverage: { answered: 1 } });
  });

  it('says when the answer was cut', async () => {
    const { code, err } = await run(['query', '--url', url, '--limit', '5', 'FROM kubearmor.logs']);
    expect(code).toBe(0);
    expect(err).toMatch(/^5 rows in[^]*cut at the row limit/);
  });

  it('points at the error in the SQL and ends with 1', async () => {
    const { code, out, err } = await run(['query', '--url', url, 'SELECT * FROM kubearmor.alert']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('kubearmor.alerts');
    expect(await run(['query', '--url', url, 'DROP TABLE kubearmor.logs'])).toMatchObject({ code: 1 });
  });

  it('shows its status', async () => {
    const { code, out } = await run(['status', '--url', url]);
    expect(code).toBe(0);
    expect(out).toMatch(/Connectors\n[^]*kubearmor +kubearmor +streaming/);
    const json = await run(['status', '--url', url, '--json']);
    expect(JSON.parse(json.out)).toMatchObject({
      ready: true,
      nodes: [{ name: 'cli' }],
      connectors: [{ kind: 'kubearmor' }],
    });
  });

  it('lists events by the filters of karmor logs', async () => {
    const { code, out } = await run([
      ...['logs', '--url', url, '--json', '--logFilter', 'system', '--operation', 'process'],
      ...['--source', '^/', '--limit', '7'],
    ]);
    expect(code).toBe(0);
    const rows = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows).toHaveLength(7);
    expect(new Set(rows.map((row) => row.operation))).toEqual(new Set(['Process']));
    const none = await run(['logs', '--url', url, '--namespace', "x' OR 1=1 --"]);
    expect(none).toMatchObject({ code: 0, out: '' });
  });

  it('imports a file once, goes on where it was, and counts rejects', async () => {
    const file = place.path('events.ndjson');
    copyFileSync(published, file);
    appendFileSync(file, '\nthis is no event\n\n');
    const accepted = `${publishedLines + 1} records, ${publishedLines} stored, 1 rejected`;
    const first = await run(['import', '--url', url, file]);
    expect(first).toMatchObject({ code: 0, out: expect.stringContaining(accepted) });
    const second = await run(['import', '--url', url, file]);
    expect(second).toMatchObject({ code: 0, out: expect.stringContaining('already imported') });
    const imported = "SELECT count(*) FROM kubearmor.events WHERE starts_with(connector, 'import:')";
    expect(await ask(imported)).toEqual([[publishedLines]]);
    const again = await run(['import', '--url', url, '--again', file]);
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining(accepted) });
    expect(await ask(imported)).toEqual([[2 * publishedLines]]);
  });

  it('is found healthy by doctor where the node runs', async () => {
    const port = new URL(url).port;
    const args = ['doctor', '--data', 'lake', '--http', `127.0.0.1:${port}`, '--json'];
    const { out } = await run(args, { cwd: place.folder });
    const report = JSON.parse(out) as { checks: { name: string; status: string; message: string }[] };
    expect(report.checks.find((check) => check.name === 'port')).toMatchObject({ status: 'ok' });
    expect(report.checks.filter((check) => check.status === 'fail' && check.name !== 'disk')).toEqual([]);
  });

  it('serves the metrics that docs/operate.md describes', async () => {
    const served = [...(await (await fetch(`${url}/metrics`)).text()).matchAll(/^# TYPE (\S+)/gm)].map(
      (match) => match[1],
    );
    // A node that is alone says nothing of a network.
    const text = readFileSync(operate, 'utf8');
    const documented = new Set([...text.matchAll(/`(armorlake_(?!network_)[a-z_]+)`/g)].map((match) => match[1]));
    expect([...documented].toSorted()).toEqual(served.toSorted());
  });

  it('needs a token from the first one on', async () => {
    const first = await run(['token', 'create', 'reader', '--role', 'read', '--url', url]);
    expect(first).toMatchObject({ code: 1, err: expect.stringContaining('role admin') });
    const owner = { ARMORLAKE_URL: url, ARMORLAKE_TOKEN: await tokenOf('owner', 'admin', { ARMORLAKE_URL: url }) };
    const reader = { ARMORLAKE_URL: url, ARMORLAKE_TOKEN: await tokenOf('reader', 'read', owner) };
    const refused = await run(['query', '--url', url, 'SELECT 1']);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('ARMORLAKE_TOKEN') });
    expect(await run(['query', 'SELECT 1'], { environment: reader })).toMatchObject({ code: 0 });
    const forbidden = await run(['token', 'list'], { environment: reader });
    expect(forbidden).toMatchObject({ code: 1, err: expect.stringContaining('role read may not') });
    const list = await run(['token', 'list', '--json'], { environment: owner });
    expect(JSON.parse(list.out)).toMatchObject({ tokens: [{ name: 'owner' }, { name: 'reader', role: 'read' }] });
    expect(await run(['token', 'revoke', 'reader'], { environment: owner })).toMatchObject({ code: 0 });
    expect(await run(['query', 'SELECT 1'], { environment: reader })).toMatchObject({ code: 1 });
  });

  async function tokenOf(name: string, role: string, environment: Record<string, string>): Promise<string> {
    const { code, out, err } = await run(['token', 'create', name, '--role', role], { environment });
    expect(code, err).toBe(0);
    return out.trim();
  }
});

describe('signals', () => {
  it('reach the node through the launcher: it flushes and ends with 0, and its engine with it', async () => {
    const node = place.start(['node', '--data', 'signals', '--http', '127.0.0.1:0', '--log-level', 'info']);
    await node.says(/is ready at/);
    const engine = enginePid(node);
    expect(isAlive(engine)).toBe(true);
    node.kill('SIGTERM');
    expect(await node.finished).toMatchObject({ code: 0, signal: null });
    expect(isAlive(engine)).toBe(false);
  });
});

describe('a second signal', () => {
  it('ends the node at once, and its engine follows', async () => {
    const node = place.start(['node', '--data', 'hard', '--http', '127.0.0.1:0', '--log-level', 'info']);
    await node.says(/is ready at/);
    const engine = enginePid(node);
    node.kill('SIGTERM');
    node.kill('SIGINT');
    expect(await node.finished).toMatchObject({ code: 130 });
    await expect.poll(() => isAlive(engine), { timeout: 5000 }).toBe(false);
  });
});

describe('doctor', () => {
  it('names what is wrong and the fix, and ends with 1', async () => {
    const { code, out } = await run(
      ['doctor', '--data', 'd', '--http', '0.0.0.0:0', '--kubearmor', '127.0.0.1:9', '--json'],
      { cwd: place.folder },
    );
    expect(code).toBe(1);
    const { checks } = JSON.parse(out) as { checks: { name: string; status: string; fix?: string }[] };
    expect(checks.filter((check) => check.status === 'fail').map((check) => check.name)).toEqual(
      expect.arrayContaining(['exposure', 'kubearmor']),
    );
    for (const check of checks) expect(check.status === 'ok' || check.fix !== undefined, check.name).toBe(true);
  });
});
