import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { withDeadline } from './deadline.js';

describe('withDeadline', () => {
  it('aborts after its time, whatever the garbage collector does meanwhile', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const signal = withDeadline(new AbortController().signal, 200);
    const collecting = setInterval(collect, 20);
    const [event] = await once(signal, 'abort', { signal: AbortSignal.timeout(5000) });
    clearInterval(collecting);
    expect(event).toMatchObject({ type: 'abort' });
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
  });

  it('aborts with the other signal, before or after it was made, and with its reason', () => {
    const caller = new AbortController();
    const later = withDeadline(caller.signal, 60_000);
    expect(later.aborted).toBe(false);
    const reason = new Error('the client went away');
    caller.abort(reason);
    expect([later.aborted, later.reason]).toEqual([true, reason]);
    expect(withDeadline(caller.signal, 60_000).reason).toBe(reason);
  });
});
