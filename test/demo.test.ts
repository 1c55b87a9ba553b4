import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { Workplace } from './cli-support.js';

const place = new Workplace();
afterAll(() => place.close());

/** The demo puts its folder below TMPDIR. */
const environment = { TMPDIR: place.folder };

describe('armorlake demo', () => {
  it('answers its examples from any folder, ends with 0 and leaves nothing', async () => {
    const demo = place.start(['demo', '--once'], { environment });
    const { code, out, err } = await demo.finished;
    expect(code, err).toBe(0);
    expect(out).toMatch(/1\. Which policies fire/);
    expect(out).toMatch(/3\. Is anything missing\?[^]*FROM armorlake\.ledger[^]*kubearmor +alerts +[1-9]/);
    expect(readdirSync(place.folder)).toEqual([]);
  });

  it('stays up, and ends everything on a signal', async () => {
    const demo = place.start(['demo'], { environment });
    const [, url = ''] = await demo.says(/The node stays up at (\S+) until/);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    demo.kill('SIGINT');
    expect(await demo.finished).toMatchObject({ code: 0 });
    await expect(fetch(`${url}/readyz`)).rejects.toThrow();
    expect(readdirSync(place.folder)).toEqual([]);
  });
});
