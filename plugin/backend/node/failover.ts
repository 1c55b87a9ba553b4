import { PluginError } from '../errors.js';
import type { TlsSettings } from '../settings.js';
import { Target } from './exchange.js';
import { Silence } from './failures.js';

/** A node that failed is asked only after the others for so long, and for twice as long each time that it fails again. */
const DOWN_MS = { first: 10_000, most: 60_000 };
/** Failures after which another node may still answer. */
const NEXT_ONE: ReadonlySet<string> = new Set(['NETWORK', 'TLS', 'NOT_ARMORLAKE', 'NOT_READY', 'DISK_FULL', 'VERSION']);

interface Candidate {
  readonly target: Target;
  downUntil: number;
  /** Of the last failure; 0: it is well. */
  downMs: number;
  /** A request tries whether it is well again: the others don't wait for that. */
  probed: boolean;
}

/** The nodes of a data source by preference; what is asked of them only reads, so another may be asked again. */
export class Candidates {
  readonly #candidates: readonly Candidate[];
  readonly #now: () => number;

  /** @param now a clock that only goes forward, ms */
  constructor(urls: readonly string[], tls: TlsSettings, now: () => number) {
    this.#candidates = urls.map((url) => ({ target: new Target(url, tls), downUntil: 0, downMs: 0, probed: false }));
    this.#now = now;
  }

  /** Asks the first, and after a failure that is the node's own the next; those that failed lately come last. */
  async firstOf<Result>(ask: (target: Target) => Promise<Result>): Promise<Result> {
    const now = this.#now();
    const isDown = ({ downUntil, probed }: Candidate): boolean => downUntil > now || probed;
    const order = [...this.#candidates.filter((each) => !isDown(each)), ...this.#candidates.filter(isDown)];
    const failures: PluginError[] = [];
    for (const candidate of order) {
      const probe = candidate.downMs > 0 && !isDown(candidate);
      if (probe) candidate.probed = true;
      try {
        const result = await ask(candidate.target);
        candidate.downUntil = 0;
        candidate.downMs = 0;
        return result;
      } catch (thrown) {
        const error = PluginError.from(thrown);
        const next = NEXT_ONE.has(error.code);
        // A silent node has used up this request's time, but not the following ones'.
        if (next || error.cause instanceof Silence) this.#failed(candidate);
        if (!next) throw error;
        failures.push(error);
      } finally {
        if (probe) candidate.probed = false;
      }
    }
    throw together(failures);
  }

  /** Many requests that fail together are one failure. */
  #failed(candidate: Candidate): void {
    const now = this.#now();
    if (candidate.downUntil > now) return;
    candidate.downMs = Math.min(DOWN_MS.most, candidate.downMs === 0 ? DOWN_MS.first : candidate.downMs * 2);
    candidate.downUntil = now + candidate.downMs;
  }

  close(): void {
    for (const { target } of this.#candidates) target.close();
  }
}

/** Several nodes' failures as one: the first's code and hint, everybody's sentence. */
function together(failures: readonly PluginError[]): PluginError {
  const [first] = failures;
  if (first === undefined) return new PluginError('BAD_SETTINGS', 'No URL of a query node is set.');
  if (failures.length === 1) return first;
  const sentences = [...new Set(failures.map(({ message }) => message))];
  return new PluginError(first.code, sentences.join(' '), {
    hint: first.hint,
    cause: first,
  });
}
