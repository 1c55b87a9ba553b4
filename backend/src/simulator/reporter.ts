import type { Act } from './acts.js';
import type { Draft } from './event.js';
import type { GeneratorOptions } from './options.js';
import type { Policy } from './policies.js';
import { policyOf } from './policies.js';
import { alertOf, logOf, thresholdOf } from './records.js';
import { Throttle } from './throttle.js';

/** A draft once its time (µs since the Unix epoch) is known; undefined when the throttle holds it back. */
export type DraftAt = (micros: number) => Draft | undefined;

/** What happened without becoming an event. */
export interface Tally {
  throttled: number;
}

/** KubeArmor's part: what becomes of an act that it sees. */
export class Reporter {
  readonly #options: Pick<GeneratorOptions, 'clusterName' | 'throttle'>;
  readonly #tally: Tally;
  readonly #throttle: Throttle;

  constructor(options: Pick<GeneratorOptions, 'clusterName' | 'throttle'>, tally: Tally) {
    this.#options = options;
    this.#tally = tally;
    this.#throttle = new Throttle(options.throttle);
  }

  /** One event, or two for a refused exec. */
  report(act: Act): readonly DraftAt[] {
    const { clusterName } = this.#options;
    const policy = policyOf(act);
    const log: DraftAt = (micros) => ({
      stream: 'logs',
      event: logOf(act, clusterName, micros, policy?.action === 'Block'),
    });
    if (policy === undefined) return [log];
    const alert: DraftAt = (micros) => this.#alert(act, policy, micros);
    return policy.action === 'Block' && act.operation === 'Process' ? [alert, log] : [alert];
  }

  #alert(act: Act, policy: Policy, micros: number): Draft | undefined {
    const { clusterName, throttle } = this.#options;
    const { place } = act;
    switch (this.#throttle.judge(place.containerId === '' ? place.host.name : place.containerId, micros)) {
      case 'send':
        return { stream: 'alerts', event: alertOf(act, policy, clusterName, micros) };
      case 'mark':
        this.#tally.throttled += 1;
        if (throttle === undefined) return undefined;
        return { stream: 'alerts', event: thresholdOf(place, throttle, clusterName, micros) };
      case 'hold':
        this.#tally.throttled += 1;
        return undefined;
    }
  }
}
