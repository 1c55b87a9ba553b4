import type { Clock, Logger } from '../core/index.js';
import { SparseLog } from '../core/index.js';
import type { Audience, RefusalReason } from './access.js';
import type { Metrics } from './metrics.js';

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
  readonly #lines: SparseLog<Refused>;

  constructor(metrics: Metrics, logger: Logger, clock: Clock) {
    this.#metrics = metrics;
    this.#lines = new SparseLog(clock, ({ address, reason, route, audience }, times) => {
      const wanted = audience === 'anybody' ? audience : [...audience, 'admin'].join(' or ');
      logger.warn({ address, reason, route, wanted, times }, 'A request was refused at the door.');
    });
  }

  add(refused: Refused): void {
    this.#metrics.onRefusal(refused.reason);
    this.#lines.add(`${refused.reason} ${refused.address}`, refused);
  }
}
