import type { ThrottleOptions } from './options.js';

/** What to do with an alert: send it, send the mark that silence begins, or hold it back. */
export type ThrottleVerdict = 'send' | 'mark' | 'hold';

interface Account {
  windowStart: number;
  inWindow: number;
  silentUntil: number;
}

/** KubeArmor's throttle: one account a container, in event time. */
export class Throttle {
  readonly #options: ThrottleOptions | undefined;
  readonly #accounts = new Map<string, Account>();

  constructor(options: ThrottleOptions | undefined) {
    this.#options = options;
  }

  /** @param micros the alert's time */
  judge(container: string, micros: number): ThrottleVerdict {
    if (this.#options === undefined) return 'send';
    let account = this.#accounts.get(container);
    if (account === undefined) {
      account = { windowStart: micros, inWindow: 0, silentUntil: 0 };
      this.#accounts.set(container, account);
    }
    if (micros < account.silentUntil) return 'hold';
    if (micros - account.windowStart >= 1_000_000) {
      account.windowStart = micros;
      account.inWindow = 0;
    }
    account.inWindow += 1;
    if (account.inWindow <= this.#options.maxAlertsPerSec) return 'send';
    account.silentUntil = micros + this.#options.droppingIntervalSec * 1_000_000;
    account.windowStart = account.silentUntil;
    account.inWindow = 0;
    return 'mark';
  }
}
