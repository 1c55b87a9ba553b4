import { PluginError } from '../errors.js';
import type { TlsSettings } from '../settings.js';
import { Target } from './exchange.js';
import { Silence } from './failures.js';

/** A node that failed is asked only after the others for so long. */
const DOWN_MS = 10_000;
/** Failures after which another node may still answer. */
const NEXT_ONE: ReadonlySet<string> = new Set(['NETWORK', 'TLS', 'NOT_ARMORLAKE', 'NOT_READY', 'DISK_FULL', 'VERSION']);

interface Candidate {
  readonly target: Target;
  downUntil: number;
}

/** The nodes of a data source by preference; what is asked of them only reads, so another may be asked again. */
export class Candidates {
  readonly #candidates: readonly Candidate[];
  readonly #now: () => number;

  /** @param now a clock that only goes forward, ms */
  constructor(urls: readonly string[], tls: TlsSettings, now: () => number) {
    this.#candidates = urls.map((url) => ({ target: new Target(url, tls), downUntil: 0 }));
    this.#now = now;
  }

  /** Asks the first, and after a failure that is the node's own the next; those that failed lately come last. */
  async firstOf<Result>(ask: (target: Target) => Promise<Result>): Promise<Result> {
    const now = this.#now();
    const isDown = ({ downUntil }: Candidate): boolean => downUntil > now;
    const order = [...this.#candidates.filter((each) => !isDown(each)), ...this.#candidates.filter(isDown)];
    const failures: PluginError[] = [];
    for (const candidate of order) {
      try {
        const result = await ask(candidate.target);
        candidate.downUntil = 0;
        return result;
      } catch (thrown) {
        const error = PluginError.from(thrown);
        const next = NEXT_ONE.has(error.code);
        // A silent node has used up this request's time, but not the following ones'.
        if (next || error.cause instanceof Silence) candidate.downUntil = this.#now() + DOWN_MS;
        if (!next) throw error;
        failures.push(error);
      }
    }
    throw together(failures);
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
