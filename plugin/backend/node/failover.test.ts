import { describe, expect, it } from 'vitest';
import type { PluginErrorCode } from '../errors.js';
import { PluginError } from '../errors.js';
import { Candidates } from './failover.js';
import { answerTimeout } from './failures.js';

const tls = { ca: null, client: null, serverName: null, skipVerify: false };

/** Asks of three nodes; `failing` says how each fails. */
class Fixture {
  nowMs = 0;
  asked: string[] = [];
  readonly failing = new Map<string, PluginError>();
  readonly candidates = new Candidates(['http://a', 'http://b', 'http://c'], tls, () => this.nowMs);

  fail(name: string, code: PluginErrorCode): void {
    this.failing.set(name, new PluginError(code, `${name} fails.`, { hint: `Mend ${name}.` }));
  }

  /** The nodes asked, in their order, up to the one that answers. */
  async ask(): Promise<string> {
    this.asked = [];
    await this.candidates
      .firstOf(({ url }) => {
        const name = url.slice(-1);
        this.asked.push(name);
        const failure = this.failing.get(name);
        return failure === undefined ? Promise.resolve(name) : Promise.reject(failure);
      })
      .catch(() => undefined);
    return this.asked.join('');
  }
}

describe('several nodes', () => {
  it('are asked by preference; who failed comes last for ten seconds', async () => {
    const fixture = new Fixture();
    expect(await fixture.ask()).toBe('a');
    fixture.fail('a', 'NETWORK');
    expect([await fixture.ask(), await fixture.ask()]).toEqual(['ab', 'b']);
    fixture.nowMs = 9_999;
    expect(await fixture.ask()).toBe('b');
    fixture.failing.clear();
    fixture.nowMs = 10_001;
    expect(await fixture.ask()).toBe('a');
  });

  it('are tried again by one request at a time, ever more rarely up to once a minute', async () => {
    const fixture = new Fixture();
    fixture.fail('a', 'NETWORK');
    expect(await fixture.ask()).toBe('ab');
    const waits = [10_000, 20_000, 40_000, 60_000, 60_000];
    for (const wait of waits) {
      fixture.nowMs += wait - 1;
      expect(await fixture.ask()).toBe('b');
      fixture.nowMs += 1;
      expect(await fixture.ask()).toBe('ab');
    }
    fixture.nowMs += 60_000;
    // The one that tries is still waiting for its connection.
    let fail: (reason: PluginError) => void = () => undefined;
    const probed: string[] = [];
    const probe = fixture.candidates.firstOf(({ url }) => {
      probed.push(url);
      return url === 'http://a' ? new Promise((_, reject) => (fail = reject)) : Promise.resolve(url);
    });
    expect([await fixture.ask(), await fixture.ask()]).toEqual(['b', 'b']);
    fail(new PluginError('NETWORK', 'a fails.'));
    expect(await probe).toBe('http://b');
    expect(probed).toEqual(['http://a', 'http://b']);
    fixture.failing.clear();
    fixture.nowMs += 60_000;
    expect(await fixture.ask()).toBe('a');
    fixture.fail('a', 'NETWORK');
    expect(await fixture.ask()).toBe('ab');
    fixture.nowMs += 10_000;
    expect(await fixture.ask()).toBe('ab');
  });

  it('are asked again, all of them, when all had failed', async () => {
    const fixture = new Fixture();
    for (const name of 'abc') fixture.fail(name, 'TLS');
    expect(await fixture.ask()).toBe('abc');
    fixture.failing.delete('c');
    expect([await fixture.ask(), await fixture.ask()]).toEqual(['abc', 'c']);
  });

  it('are not asked when the question is wrong, or nobody waits any more', async () => {
    for (const code of ['BAD_QUERY', 'UNAUTHENTICATED', 'CANCELLED', 'DEADLINE', 'BUSY'] as const) {
      const fixture = new Fixture();
      fixture.fail('a', code);
      expect([await fixture.ask(), await fixture.ask()]).toEqual(['a', 'a']);
    }
  });

  it('are asked from the next question on, when one is connected and silent', async () => {
    const fixture = new Fixture();
    fixture.failing.set('a', answerTimeout('http://a', 100));
    expect([await fixture.ask(), await fixture.ask()]).toEqual(['a', 'b']);
  });

  it('that all fail are all told of', async () => {
    const fixture = new Fixture();
    for (const name of 'abc') fixture.fail(name, 'NETWORK');
    const failing = fixture.candidates.firstOf(({ url }) =>
      Promise.reject(fixture.failing.get(url.slice(-1)) ?? new Error()),
    );
    await expect(failing).rejects.toMatchObject({
      code: 'NETWORK',
      message: 'a fails. b fails. c fails.',
      hint: 'Mend a.',
    });
  });
});
