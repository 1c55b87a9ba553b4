import { createHmac } from 'node:crypto';
import type { FlatPairs } from '../../lake/index.js';
import { findSecrets } from './find.js';
import { hintsOf } from './hints.js';
import type { NameKind } from './names.js';
import { nameKind } from './names.js';

const REMEMBERED_LENGTH = 512;
const REMEMBERED_TEXTS = 4096;
const REMEMBERED_NAMES = 1024;
const alreadyRedacted = /^\[redacted:[0-9a-f]{12}\]$/;

/**
 * Replaces secrets in command lines by `[redacted:<hash>]`, the first 12 hex digits of their HMAC-SHA256 with the
 * node's key: equal secrets stay equal, and nobody without the key can try guesses. Time is linear in the text.
 */
export class Redactor {
  readonly #key: Uint8Array;
  readonly #remembered = new Map<string, string>();
  readonly #names = new Map<string, NameKind>();
  readonly #kindOf = (name: string): NameKind => this.#kindOfName(name);

  /** @param key at least 16 random bytes, the same over the node's restarts */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** The text with its secrets replaced; the same string when there are none. */
  redact(text: string): string {
    if (text.length > REMEMBERED_LENGTH) return this.#replace(text);
    let safe = this.#remembered.get(text);
    if (safe === undefined) {
      safe = this.#replace(text);
      if (this.#remembered.size >= REMEMBERED_TEXTS) this.#remembered.clear();
      this.#remembered.set(text, safe);
    }
    return safe;
  }

  /** Flat pairs with the secrets in their values replaced, the whole value where the key says so; the same array when there are none. */
  redactPairs(pairs: FlatPairs): FlatPairs {
    let safe: string[] | null = null;
    for (let index = 0; index + 1 < pairs.length; index += 2) {
      const value = pairs[index + 1] ?? '';
      if (value === '') continue;
      const redacted = this.#kindOf(pairs[index] ?? '') === 'sure' ? this.#hashed(value) : this.redact(value);
      if (redacted === value) continue;
      safe ??= [...pairs];
      safe[index + 1] = redacted;
    }
    return safe ?? pairs;
  }

  /** Bytes nobody could decode, with the secrets that stand in them as text replaced; the same bytes when there are none. */
  redactBytes(bytes: Uint8Array): Uint8Array {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    const safe = this.#replace(text);
    return safe === text ? bytes : Buffer.from(safe, 'latin1');
  }

  #kindOfName(name: string): NameKind {
    let kind = this.#names.get(name);
    if (kind === undefined) {
      kind = nameKind(name);
      if (this.#names.size >= REMEMBERED_NAMES) this.#names.clear();
      this.#names.set(name, kind);
    }
    return kind;
  }

  #replace(text: string): string {
    const hints = hintsOf(text);
    if (hints === 0) return text;
    let safe = '';
    let at = 0;
    for (const { start, end } of findSecrets(text, hints, this.#kindOf)) {
      safe += text.slice(at, start) + this.#hashed(text.slice(start, end));
      at = end;
    }
    return at === 0 ? text : safe + text.slice(at);
  }

  #hashed(secret: string): string {
    if (alreadyRedacted.test(secret)) return secret;
    return `[redacted:${createHmac('sha256', this.#key).update(secret).digest('hex').slice(0, 12)}]`;
  }
}
