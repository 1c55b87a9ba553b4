import { readFileSync, readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Running } from './cli-support.js';
import { Workplace, isAlive, run } from './cli-support.js';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.close());

async function startNode(name: string, ...args: string[]): Promise<{ node: Running; url: string }> {
  const common = ['node', '--name', name, '--data', name, '--http', '127.0.0.1:0', '--log-level', 'silent'];
  const node = place.start([...common, ...args]);
  const [, url = ''] = await node.says(/ready at (http:\S+) /);
  return { node, url };
}

/** The processes that this one started (Linux). */
function childrenOf(pid: number): readonly number[] {
  const stat = (name: string): string => {
    try {
      return readFileSync(`/proc/${name}/stat`, 'utf8');
    } catch {
      // It has ended meanwhile.
      return '';
    }
  };
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.filter((name) => /\) \S (\d+) /.exec(stat(name))?.[1] === String(pid)).map(Number);
}

describe('nodes on one machine', () => {
  it('run side by side with only name, data and port differing', async () => {
    const simulator = place.start(['simulate', 'kubearmor', '--listen', '127.0.0.1:0', '--rate', '500', '--no-wait']);
    const [, address = ''] = await simulator.says(/ready at (\S+:\d+)\./);
    const urls = await Promise.all(['a', 'b'].map(async (name) => (await startNode(name, '--kubearmor', address)).url));
    for (const [index, url] of urls.entries()) {
      const followed = await run(['logs', '--follow', '--logFilter', 'all', '--json', '--limit', '3', '--url', url]);
      expect(followed.code, followed.err).toBe(0);
      const rows = followed.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { node: string });
      expect(rows.map((row) => row.node)).toEqual(Array(3).fill(['a', 'b'][index]));
      const filters = ['--operation', 'process', '--where', "host = 'nowhere' OR namespace IS NOT NULL -- all"];
      const tailed = await run(['tail', 'kubearmor.logs', ...filters, '--json', '--limit', '5', '--url', url]);
      expect(tailed.code, tailed.err).toBe(0);
      const operations = tailed.out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { operation: string }).operation);
      expect(operations).toEqual(Array(5).fill('Process'));
    }
  });

  it('do not share a folder: the second names the process that has it', async () => {
    const { node } = await startNode('one');
    const second = await run(['node', '--data', 'one', '--http', '127.0.0.1:0'], { cwd: place.folder });
    expect(second.code).toBe(1);
    expect(second.err).toMatch(/The lake in \S+one is in use by process \d+\.[^]*--data/);
    expect(isAlive(node.pid)).toBe(true);
  });

  it('do not share a port: the second says which', async () => {
    const { url } = await startNode('one');
    const { host } = new URL(url);
    const second = await run(['node', '--data', 'two', '--http', host], { cwd: place.folder });
    expect(second).toMatchObject({ code: 1, out: '' });
    expect(second.err).toMatch(new RegExp(`${host} is in use\\.[^]*--http`));
  });
});

describe('a node', () => {
  it('refuses to be open to the network, before it makes a lake', async () => {
    const { code, err } = await run(['node', '--data', 'open', '--http', '0.0.0.0:0'], { cwd: place.folder });
    expect(code).toBe(2);
    expect(err).toMatch(/Listening on 0\.0\.0\.0 needs TLS \(http\.tls\) and a token\.[^]*--insecure-http/);
  });

  it('takes tokens that were made while it did not run', async () => {
    const made = await run(['token', 'create', 'owner', '--role', 'admin', '--data', 'safe'], { cwd: place.folder });
    expect(made.code, made.err).toBe(0);
    const { url } = await startNode('safe');
    expect(await run(['query', '--url', url, 'SELECT 1'])).toMatchObject({ code: 1 });
    const environment = { ARMORLAKE_TOKEN: made.out.trim() };
    expect(await run(['query', '--url', url, 'SELECT 1'], { environment })).toMatchObject({ code: 0 });
  });

  it('starts at any niceness, and takes none away: only root may', async () => {
    const args = ['node', '--data', 'nice', '--http', '127.0.0.1:0', '--profile', 'edge', '--log-level', 'silent'];
    const node = place.start(args, { wrapper: ['nice', '-n', '15'] });
    await node.says(/ready at/);
    const engines = childrenOf(node.pid);
    expect(engines).not.toEqual([]);
    expect(engines.map((pid) => getPriority(pid))).toEqual(engines.map(() => getPriority(node.pid)));
  });

  it('ends with whoever runs it, when told so', async () => {
    // The helper closes the child's stdin at once.
    const node = place.start(['node', '--data', 'child', '--http', '127.0.0.1:0', '--until-stdin-ends']);
    expect(await node.finished).toMatchObject({ code: 0 });
  });
});
