import type { FlatPairs } from '../../lake/index.js';

/** Labels as pairs; `duplicate` says that a key came twice, and then its last value counts. */
export interface Labels {
  readonly pairs: FlatPairs;
  readonly duplicate: boolean;
  readonly redacted: boolean;
}

/** Parses KubeArmor's Labels, `app=web,tier=front`, and remembers the texts it saw lately. */
export class LabelReader {
  readonly #redact: (pairs: FlatPairs) => FlatPairs;
  readonly #known = new Map<string, Labels>();

  /** @param redact what makes a value safe to store */
  constructor(redact: (pairs: FlatPairs) => FlatPairs = (pairs) => pairs) {
    this.#redact = redact;
  }

  read(text: string): Labels {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const parsed = parseLabels(text);
    const pairs = this.#redact(parsed.pairs);
    const labels = { ...parsed, pairs, redacted: pairs !== parsed.pairs };
    if (text.length <= 4096) {
      if (this.#known.size >= 512) this.#known.clear();
      this.#known.set(text, labels);
    }
    return labels;
  }
}

/** A key as Kubernetes and containers have them; what isn't one before `=` belongs to the text before it. */
const label = /^[A-Za-z0-9_][\w./:-]*=/;

/**
 * `k=v` pairs apart by commas, each split at its first `=`. Without Kubernetes these are a container's labels, whose
 * values are any text: a piece without a key goes on with the value before it. One at the beginning is a key.
 */
export function parseLabels(text: string): Labels {
  const values = new Map<string, string>();
  let duplicate = false;
  let last: string | null = null;
  let commas = '';
  for (const item of text.split(',')) {
    if (item === '') commas += ',';
    else if (last !== null && !label.test(item)) values.set(last, `${values.get(last) ?? ''}${commas},${item}`);
    else {
      const equals = item.indexOf('=');
      const key = equals < 0 ? item : item.slice(0, equals);
      duplicate ||= values.has(key);
      values.set(key, equals < 0 ? '' : item.slice(equals + 1));
      last = equals < 0 ? null : key;
    }
    if (item !== '') commas = '';
  }
  return { pairs: [...values].flat(), duplicate, redacted: false };
}
