import { describe, expect, test } from 'vitest';
import { Sharing } from './sharing.js';

/** A question whose answers the test gives by hand. */
class Asked {
  readonly signals: AbortSignal[] = [];
  readonly #answers: { resolve: (answer: string) => void; reject: (reason: Error) => void }[] = [];

  constructor(
    readonly key = 'a',
    readonly keepMs = 0,
    readonly bytes: number | null = 1,
    readonly ofRule = false,
  ) {}

  readonly size = (): number | null => this.bytes;

  readonly ask = (signal: AbortSignal): Promise<string> => {
    this.signals.push(signal);
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
  };

  answer(text: string): void {
    for (const { resolve } of this.#answers) resolve(text);
  }

  fail(message: string): void {
    for (const { reject } of this.#answers) reject(new Error(message));
  }
}

const never = new AbortController().signal;

describe('questions in flight', () => {
  test('equal ones are asked once, and all get the answer', async () => {
    const sharing = new Sharing<string>();
    const asked = new Asked();
    const all = [sharing.ask(asked, never), sharing.ask(asked, never), sharing.ask(asked, never)];
    asked.answer('yes');
    expect(await Promise.all(all)).toEqual([
      { answer: 'yes', shared: false },
      { answer: 'yes', shared: true },
      { answer: 'yes', shared: true },
    ]);
    expect(asked.signals).toHaveLength(1);
  });

  test('others are asked by themselves', async () => {
    const sharing = new Sharing<string>();
    const [a, b] = [new Asked('a'), new Asked('b')];
    const all = [sharing.ask(a, never), sharing.ask(b, never)];
    a.answer('A');
    b.answer('B');
    expect((await Promise.all(all)).map(({ answer }) => answer)).toEqual(['A', 'B']);
  });

  test('of rules never wait behind those of panels', async () => {
    const sharing = new Sharing<string>();
    const panels = Array.from({ length: 20 }, (_, index) => new Asked(`panel ${index}`));
    for (const panel of panels) sharing.ask(panel, new AbortController().signal).catch(() => undefined);
    const rule = new Asked('rule', 0, 1, true);
    const asked = sharing.ask(rule, never);
    expect(panels.filter(({ signals }) => signals.length > 0)).toHaveLength(8);
    rule.answer('firing');
    expect(await asked).toEqual({ answer: 'firing', shared: false });
  });

  test('who leaves leaves alone; with the last the question is cancelled, and who comes then asks anew', async () => {
    const sharing = new Sharing<string>();
    const asked = new Asked();
    const [first, second] = [new AbortController(), new AbortController()];
    const one = sharing.ask(asked, first.signal);
    const two = sharing.ask(asked, second.signal);
    first.abort();
    await expect(one).rejects.toThrow();
    expect(asked.signals[0]?.aborted).toBe(false);
    second.abort();
    await expect(two).rejects.toThrow();
    expect(asked.signals[0]?.aborted).toBe(true);
    const three = sharing.ask(asked, never);
    expect(asked.signals).toHaveLength(2);
    expect(asked.signals[1]?.aborted).toBe(false);
    asked.answer('yes');
    expect(await three).toEqual({ answer: 'yes', shared: false });
  });

  test('a failure reaches all, and the next one asks again', async () => {
    const sharing = new Sharing<string>();
    const asked = new Asked('a', 1000);
    const all = [sharing.ask(asked, never), sharing.ask(asked, never)];
    asked.fail('no');
    for (const each of all) await expect(each).rejects.toThrow('no');
    void sharing.ask(asked, never);
    expect(asked.signals).toHaveLength(2);
  });

  test('an aborted signal asks nothing', async () => {
    const asked = new Asked();
    await expect(new Sharing<string>().ask(asked, AbortSignal.abort())).rejects.toThrow();
    expect(asked.signals).toHaveLength(0);
  });
});

describe('answers that are kept', () => {
  async function answered(sharing: Sharing<string>, asked: Asked): Promise<void> {
    const one = sharing.ask(asked, never);
    asked.answer('kept');
    await one;
  }

  test('are given again for so long, not longer', async () => {
    let now = 0;
    const sharing = new Sharing<string>(() => now);
    const asked = new Asked('a', 1000);
    await answered(sharing, asked);
    now = 999;
    expect(await sharing.ask(asked, never)).toEqual({ answer: 'kept', shared: true });
    now = 1000;
    void sharing.ask(asked, never);
    expect(asked.signals).toHaveLength(2);
    expect(sharing.keptBytes).toBe(0);
  });

  test('age from when they were asked: what came in meanwhile is no older than that', async () => {
    let now = 0;
    const sharing = new Sharing<string>(() => now);
    const asked = new Asked('a', 1000);
    const one = sharing.ask(asked, never);
    now = 1500;
    asked.answer('slow');
    await one;
    void sharing.ask(asked, never);
    expect(asked.signals).toHaveLength(2);
  });

  test('are not given to who wants none', async () => {
    const sharing = new Sharing<string>();
    await answered(sharing, new Asked('a', 1000));
    const fresh = new Asked('a', 0);
    void sharing.ask(fresh, never);
    expect(fresh.signals).toHaveLength(1);
  });

  test('are not kept when they have no size, as partial ones', async () => {
    const sharing = new Sharing<string>();
    const partial = new Asked('a', 1000, null);
    await answered(sharing, partial);
    void sharing.ask(partial, never);
    expect(partial.signals).toHaveLength(2);
  });

  test('are bounded by bytes, the oldest going first', async () => {
    const sharing = new Sharing<string>(() => 0);
    for (let index = 0; index < 10; index += 1) await answered(sharing, new Asked(`q${index}`, 1000, 4 << 20));
    expect(sharing.keptBytes).toBe(16 << 20);
    const [oldest, latest] = [new Asked('q0', 1000), new Asked('q9', 1000)];
    void sharing.ask(oldest, never);
    expect(oldest.signals).toHaveLength(1);
    expect((await sharing.ask(latest, never)).shared).toBe(true);
    sharing.close();
    expect(sharing.keptBytes).toBe(0);
  });
});
