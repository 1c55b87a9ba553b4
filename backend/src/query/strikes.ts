import { createHash } from 'node:crypto';
import type { Clock } from '../core/index.js';
import { ArmorlakeError } from '../core/index.js';

const STRIKES = 2;
const REFUSED_MS = 10 * 60_000;
/** Statements and callers remembered. */
const REMEMBERED = 1000;

interface Record {
  readonly count: number;
  readonly lastMs: number;
}

/** Remembers which statements, and whose tokens, got an engine killed: after two times they are refused for 10 minutes. */
export class Strikes {
  readonly #clock: Clock;
  readonly #records = new Map<string, Record>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param token name of the caller's token; null where none is configured.
   * @throws ArmorlakeError NOT_ALLOWED for the statement, FORBIDDEN for the token.
   */
  check(sql: string, token: string | null): void {
    const statement = this.#refusedFor(statementKey(sql));
    if (statement !== null) {
      throw new ArmorlakeError('NOT_ALLOWED', `This statement stopped the database engine twice.`, {
        hint: `It is refused for ${statement} more minutes. Narrow its time range or aggregate earlier.`,
      });
    }
    const caller = token === null ? null : this.#refusedFor(tokenKey(token));
    if (caller !== null) {
      throw new ArmorlakeError('FORBIDDEN', `Queries of the token ${token ?? ''} stopped the database engine twice.`, {
        hint: `It is refused for ${caller} more minutes.`,
      });
    }
  }

  /** The statement got an engine killed. */
  strike(sql: string, token: string | null): void {
    for (const key of [statementKey(sql), ...(token === null ? [] : [tokenKey(token)])]) {
      const nowMs = this.#clock.monotonicMs();
      const before = this.#records.get(key);
      const count = before !== undefined && nowMs - before.lastMs < REFUSED_MS ? before.count : 0;
      this.#records.delete(key);
      this.#records.set(key, { count: count + 1, lastMs: nowMs });
      const [oldest] = this.#records.keys();
      if (this.#records.size > REMEMBERED && oldest !== undefined) this.#records.delete(oldest);
    }
  }

  /** The statement ran well: it was another's fault. */
  clear(sql: string): void {
    this.#records.delete(statementKey(sql));
  }

  /** Minutes that a key is still refused; null when it isn't. */
  #refusedFor(key: string): number | null {
    const record = this.#records.get(key);
    if (record === undefined || record.count < STRIKES) return null;
    const leftMs = record.lastMs + REFUSED_MS - this.#clock.monotonicMs();
    return leftMs > 0 ? Math.ceil(leftMs / 60_000) : null;
  }
}

function statementKey(sql: string): string {
  return `statement ${createHash('sha256').update(sql).digest('base64')}`;
}

function tokenKey(token: string): string {
  return `token ${token}`;
}
