import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Workplace } from './cli-support.js';

const place = new Workplace();
afterAll(() => place.close());

/** The demo puts its folder below TMPDIR. */
const environment = { TMPDIR: place.folder };

/** Processes whose command line names something below the folder, with their states (Linux); ended ones have none. */
function processesBelow(folder: string): readonly { readonly pid: number; readonly state: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      if (!/^\d+$/.test(name) || !readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(folder)) return [];
      const [, state = ''] = /\) (\S)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
      return [{ pid: Number(name), state }];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

describe('armorlake demo', () => {
  it('answers for three edges from any folder, names the one that hangs, ends with 0 and leaves nothing', async () => {
    const demo = place.start(['demo', '--once'], { environment });
    const { code, out, err } = await demo.finished;
    expect(code, err).toBe(0);
    expect(out).toMatch(/Network: 3 of 3 nodes up[^]*edge-1 +edge +up[^]*edge-2 +edge +up[^]*edge-3 +edge +up/);
    expect(out).toMatch(/1\. Which policies fire[^]*3 of 3 nodes answered/);
    expect(out).toMatch(/1 of 1 node answered, edge-1 and edge-2 not asked: no row has such a cluster/);
    expect(out).toMatch(
      /FROM armorlake\.ledger[^]*edge-3 +kubearmor +alerts +[1-9][^]*edge-3 +kubearmor-2 +alerts +[1-9]/,
    );
    const [, frozen = '', woken = ''] = /5\. edge-2 hangs([^]*)6\. edge-2 goes on([^]*)/.exec(out) ?? [];
    expect(frozen).toMatch(/edge-1 +[1-9][^]*edge-3 +[1-9][^]*2 of 3 nodes answered; edge-2 failed: /);
    expect(frozen).not.toMatch(/^edge-2 /m);
    expect(woken).toMatch(/edge-1 +[1-9][^]*edge-2 +[1-9][^]*edge-3 +[1-9][^]*3 of 3 nodes answered/);
    expect(readdirSync(place.folder)).toEqual([]);
  });

  it('stays up, and ends everything on a signal', async () => {
    const demo = place.start(['demo'], { environment });
    const [, url = ''] = await demo.says(/The query node stays up at (\S+) until/);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    demo.kill('SIGINT');
    expect(await demo.finished).toMatchObject({ code: 0 });
    await expect(fetch(`${url}/readyz`)).rejects.toThrow();
    expect(readdirSync(place.folder)).toEqual([]);
  });

  it('ends everything, a frozen edge included, when it is killed', async () => {
    const demo = place.start(['demo'], { environment });
    const running = (): ReturnType<typeof processesBelow> => processesBelow(`${place.folder}/`);
    await demo.says(/edge-2 hangs/);
    await expect.poll(() => running().map(({ state }) => state), { interval: 10 }).toContain('T');
    demo.kill('SIGKILL');
    await demo.finished;
    await expect.poll(running, { interval: 100 }).toEqual([]);
    for (const name of readdirSync(place.folder)) rmSync(join(place.folder, name), { recursive: true });
  });
});
