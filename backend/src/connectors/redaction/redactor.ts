import { createHmac } from 'node:crypto';
import type { FlatPairs } from '../../lake/index.js';
import { findNamedValues } from './named-values.js';
import { isSecretName } from './names.js';
import type { SecretSpan } from './spans.js';
import { mergeSpans } from './spans.js';
import { findAuthorization, findPrivateKeys, findTokens, findUrlSecrets } from './tokens.js';
import { findToolSecrets } from './tool-flags.js';

/**
 * A text without any of these has no secret that we would find. Three small expressions, because they are several
 * times as fast as one large one, and every text passes here.
 */
const secretWords = /pass|pwd|secret|token|credential|key|auth|bearer|eyj/i;
const secretForms = /:\/\/|A[KS]IA|gh[pousr]_|_pat_|glpat-|xox[a-z]-|[rs]k_(?:live|test)_|AIza|npm_|hvs\./;
const tools =
  /mysql|mariadb|mongo|docker|podman|nerdctl|helm|skopeo|buildah|oras|crane|az |ldap|client|redis-cli|curl|zip|7z|rar|user(?:add|mod)/;

function isSuspicious(text: string): boolean {
  return secretWords.test(text) || secretForms.test(text) || (text.includes(' -') && tools.test(text));
}

const REMEMBERED_LENGTH = 512;
const REMEMBERED_TEXTS = 4096;
const alreadyRedacted = /^\[redacted:[0-9a-f]{12}\]$/;

/**
 * Replaces secrets in command lines by `[redacted:<hash>]`, the first 12 hex digits of their HMAC-SHA256 with the
 * node's key: equal secrets stay equal, and nobody without the key can try guesses. Time is linear in the text.
 */
export class Redactor {
  readonly #key: Uint8Array;
  readonly #remembered = new Map<string, string>();
  readonly #secretNames = new Map<string, boolean>();

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
      const redacted = this.#isSecret(pairs[index] ?? '') ? this.#hashed(value) : this.redact(value);
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

  #isSecret(name: string): boolean {
    let secret = this.#secretNames.get(name);
    if (secret === undefined) {
      secret = isSecretName(name);
      if (this.#secretNames.size >= 1024) this.#secretNames.clear();
      this.#secretNames.set(name, secret);
    }
    return secret;
  }

  #replace(text: string): string {
    if (!isSuspicious(text)) return text;
    let safe = '';
    let at = 0;
    for (const { start, end } of findSecrets(text)) {
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

function findSecrets(text: string): readonly SecretSpan[] {
  const spans: SecretSpan[] = [];
  const add = (start: number, end: number): void => {
    spans.push({ start, end });
  };
  findPrivateKeys(text, add);
  findAuthorization(text, add);
  findUrlSecrets(text, add);
  findTokens(text, add);
  findNamedValues(text, add);
  findToolSecrets(text, add);
  return mergeSpans(spans);
}
