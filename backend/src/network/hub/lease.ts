import type { Clock } from '../../core/index.js';

import { RunningTime, Silence, defaultSilence } from '../silence.js';
import type { SilenceRules } from '../silence.js';

/** Pings whose echo may still come; at one each 250 ms that is longer than any lease. */
const MOST_PINGS = 128;

/**
 * Whether a member lives, by the echoes of our pings: each echo makes it live until so long after its ping was *sent*.
 * So an old message that comes late can't bring it back, and the member, told the same length with the ping, knows by
 * when we must not hold it to its promises any more. Time in which we did not run ourselves ends these, but it is no
 * silence: the member lives on without them until the echo of a later ping. The length follows the link: the usual age of its echoes and how much that varies.
 */
export class Lease {
  readonly #clock: Clock;
  readonly #silence: Silence;
  readonly #running: RunningTime;
  readonly #pings = new Map<number, { sentAt: number; ranMs: number; wallMs: number; leaseMs: number }>();
  #nextId = 1;
  #until: number | null = null;
  /** As `until`, in time that we ran. */
  #silentUntil = -Infinity;
  #offsetMs: number | null = null;
  #offsetRoundTrip = Infinity;

  /** @param running shared by all that one hub judges. */
  constructor(clock: Clock, rules: SilenceRules = defaultSilence, running = new RunningTime(clock)) {
    this.#clock = clock;
    this.#running = running;
    this.#silence = new Silence(rules);
  }

  /** Milliseconds of silence that the link is given now. */
  get limitMs(): number {
    return this.#silence.limitMs;
  }

  /** Whether the member still waits with what it has not told us: until then its metadata holds. */
  get promised(): boolean {
    return this.#until !== null && this.#clock.monotonicMs() < this.#until;
  }

  /** False before the first echo too. */
  get alive(): boolean {
    return this.promised || this.#running.look() < this.#silentUntil;
  }

  /** It lived, and doesn't any more: nothing it still sends may bring it back. */
  get expired(): boolean {
    return this.#until !== null && !this.alive;
  }

  /** The member's wall clock minus ours, as the quickest of the latest echoes told; null before the first. */
  get clockOffsetMs(): number | null {
    return this.#offsetMs;
  }

  /** A new ping, about to be sent. */
  ping(): { readonly id: number; readonly wallMs: number; readonly leaseMs: number } {
    const id = this.#nextId++;
    const ping = {
      sentAt: this.#clock.monotonicMs(),
      ranMs: this.#running.look(),
      wallMs: this.#clock.wallMs(),
      leaseMs: Math.ceil(this.limitMs),
    };
    this.#pings.set(id, ping);
    const [oldest] = this.#pings.keys();
    if (this.#pings.size > MOST_PINGS && oldest !== undefined) this.#pings.delete(oldest);
    return { id, wallMs: ping.wallMs, leaseMs: ping.leaseMs };
  }

  /** An echo has come; the member's wall clock when the ping came and when the echo went, milliseconds. */
  echo(id: number, receivedMs: number, sentMs: number): void {
    const ping = this.#pings.get(id);
    if (ping === undefined || this.expired) return;
    for (const earlier of this.#pings.keys()) if (earlier <= id) this.#pings.delete(earlier);
    this.#until = Math.max(this.#until ?? -Infinity, ping.sentAt + ping.leaseMs);
    this.#silentUntil = Math.max(this.#silentUntil, ping.ranMs + ping.leaseMs);
    this.#silence.measure(this.#running.look() - ping.ranMs);
    this.#compare(ping.wallMs, receivedMs, sentMs);
  }

  /** As NTP does: the offset is the surest when the round trip was the shortest; that memory fades by 5 % an echo. */
  #compare(wentMs: number, receivedMs: number, sentMs: number): void {
    const backMs = this.#clock.wallMs();
    const roundTrip = Math.max(0, backMs - wentMs - (sentMs - receivedMs));
    this.#offsetRoundTrip *= 1.05;
    if (roundTrip > this.#offsetRoundTrip) return;
    this.#offsetRoundTrip = Math.max(1, roundTrip);
    this.#offsetMs = (receivedMs - wentMs + sentMs - backMs) / 2;
  }
}
