import type { Clock, Logger } from '../core/index.js';
import type { Audience, RefusalReason } from './access.js';
import type { Metrics } from './metrics.js';

/** One line as often for the same address and reason. */
const EVERY_MS = 60_000;
/** Addresses that are told apart; what comes from more is told together. */
const MOST_KEYS = 256;

/** A request that was not let in. */
export interface Refused {
  readonly address: string;
  readonly reason: RefusalReason;
  readonly route: string;
  readonly audience: Audience;
}

/** Writes refused requests to log and metrics, so that guessing is seen and can't fill the disk. Never a token's text. */
export class RefusalLog {
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** By reason and address: when it was last told, and what came since. */
  readonly #told = new Map<string, { readonly atMs: number; times: number; last: Refused }>();

  constructor(metrics: Metrics, logger: Logger, clock: Clock) {
    this.#metrics = metrics;
    this.#logger = logger;
    this.#clock = clock;
  }

  add(refused: Refused): void {
    this.#metrics.onRefusal(refused.reason);
    const now = this.#clock.monotonicMs();
    for (const [key, { atMs, times, last }] of this.#told) {
      if (now - atMs < EVERY_MS) continue;
      this.#told.delete(key);
      if (times > 0) this.#tell(last, times);
    }
    const own = `${refused.reason} ${refused.address}`;
    const key = this.#told.has(own) || this.#told.size < MOST_KEYS ? own : 'others';
    const known = this.#told.get(key);
    if (known === undefined) {
      this.#told.set(key, { atMs: now, times: 0, last: refused });
      this.#tell(refused, 1);
    } else {
      known.times += 1;
      known.last = refused;
    }
  }

  #tell({ address, reason, route, audience }: Refused, times: number): void {
    const wanted = audience === 'anybody' ? audience : [...audience, 'admin'].join(' or ');
    this.#logger.warn({ address, reason, route, wanted, times }, 'A request was refused at the door.');
  }
}
