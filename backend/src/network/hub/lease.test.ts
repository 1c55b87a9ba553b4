import { describe, expect, it } from 'vitest';
import { LOOK_MS, RunningTime } from '../silence.js';
import { Lease } from './lease.js';

/** A clock that is moved by hand; the member's wall clock is so far ahead. */
function link(aheadMs = 0) {
  let now = 0;
  const clock = { wallMs: () => 1_000_000 + now, monotonicMs: () => now };
  const running = new RunningTime(clock);
  const lease = new Lease(clock, { silenceMs: 2_000, mostMs: 15_000 }, running);
  /** Time in which the hub runs, and looks. */
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= LOOK_MS) {
      now += Math.min(left, LOOK_MS);
      running.look();
    }
  };
  const stand = (ms: number): void => {
    now += ms;
  };
  const memberMs = (): number => clock.wallMs() + aheadMs;
  /** A ping and its echo, so long under way each. */
  const exchange = (thereMs: number, backMs = thereMs): void => {
    const { id } = lease.ping();
    pass(thereMs);
    const at = memberMs();
    pass(backMs);
    lease.echo(id, at, at);
  };
  return { lease, pass, stand, memberMs, exchange };
}

describe('a lease', () => {
  it('begins with the first echo and ends so long after its ping was sent', () => {
    const { lease, pass, memberMs } = link();
    const { id, leaseMs } = lease.ping();
    expect(leaseMs).toBe(2_000);
    expect([lease.alive, lease.expired]).toEqual([false, false]);
    pass(1_500);
    lease.echo(id, memberMs(), memberMs());
    expect(lease.alive).toBe(true);
    pass(499);
    expect(lease.alive).toBe(true);
    pass(1);
    expect([lease.alive, lease.expired]).toEqual([false, true]);
  });

  it('is not brought back by an echo that comes late, nor by one of no ping', () => {
    const { lease, pass, exchange } = link();
    exchange(1);
    const { id } = lease.ping();
    pass(2_500);
    lease.echo(id, 0, 0);
    lease.echo(id + 1, 0, 0);
    expect(lease.alive).toBe(false);
  });

  it('takes time in which the hub itself stood still for no silence, but for the end of what was promised', () => {
    const { lease, pass, stand, exchange } = link();
    exchange(1);
    expect([lease.alive, lease.promised]).toEqual([true, true]);
    stand(60_000);
    expect([lease.alive, lease.promised, lease.expired]).toEqual([true, false, false]);
    // An echo of a later ping comes after all that the member has told before it.
    exchange(1);
    expect([lease.alive, lease.promised]).toEqual([true, true]);
    stand(60_000);
    pass(1_900);
    expect([lease.alive, lease.promised]).toEqual([true, false]);
    pass(200);
    expect([lease.alive, lease.expired]).toEqual([false, true]);
    stand(60_000);
    expect(lease.expired).toBe(true);
  });

  it('takes each ping once', () => {
    const { lease, pass } = link();
    const first = lease.ping();
    pass(10);
    lease.echo(first.id, 0, 0);
    pass(1_980);
    const second = lease.ping();
    lease.echo(first.id, 0, 0);
    pass(20);
    expect(lease.alive).toBe(false);
    expect(second.id).toBeGreaterThan(first.id);
  });

  it('gives an unsteady link longer, up to 15 s, and a steady one 2 s again', () => {
    const { lease, exchange } = link();
    for (let each = 0; each < 20; each++) exchange(each % 2 === 0 ? 10 : 900);
    expect(lease.limitMs).toBeGreaterThan(5_000);
    expect(lease.limitMs).toBeLessThanOrEqual(15_000);
    for (let each = 0; each < 100; each++) exchange(10);
    expect(lease.limitMs).toBe(2_000);
  });

  it("tells the offset of the member's clock, within half of the quickest round trip", () => {
    const { lease, exchange } = link(300_000);
    expect(lease.clockOffsetMs).toBeNull();
    exchange(400, 20);
    expect(Math.abs((lease.clockOffsetMs ?? 0) - 300_000)).toBeLessThanOrEqual(210);
    exchange(5, 5);
    expect(lease.clockOffsetMs).toBe(300_000);
    exchange(800, 10);
    expect(lease.clockOffsetMs).toBe(300_000);
  });

  it('keeps no more than 128 pings', () => {
    const { lease } = link();
    const { id } = lease.ping();
    for (let each = 0; each < 128; each++) lease.ping();
    lease.echo(id, 0, 0);
    expect(lease.alive).toBe(false);
    lease.echo(id + 1, 0, 0);
    expect(lease.alive).toBe(true);
  });
});
