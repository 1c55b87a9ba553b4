import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../core/index.js';
import { ArmorlakeError } from '../core/index.js';

/** A user's statement. With other values it is another one: these may be all that breaks an engine. */
export interface Asked {
  readonly text: string;
  /** Of text and values. */
  readonly key: string;
}

/** @param values those of its parameters; anything that JSON can say. */
export function asked(text: string, values: unknown): Asked {
  const key = createHash('sha256')
    .update(JSON.stringify([text, values]))
    .digest('base64');
  return { text, key: `statement ${key}` };
}

/** A statement that ran in an engine when that died. */
export interface Ran {
  /** Null: none of a user's, so that nothing is held against it. */
  readonly asked: Asked | null;
  /** The token's name; null where no token is configured. */
  readonly who: string | null;
}

/** So many deaths of an engine, in each of which it was alone, get a statement or a token refused. */
const STRIKES = { statement: 2, token: 4 } as const;
const REFUSED_MS = 10 * 60_000;
const SUSPECT_MS = 60_000;
/** Statements and callers remembered, of strikes and of suspicions. */
const REMEMBERED = 1000;

interface Strike {
  /** Deaths by who asked: nobody is refused for what one other did, who may have wanted just that. */
  readonly deaths: ReadonlyMap<string | null, number>;
  readonly lastMs: number;
}

interface Suspicion {
  readonly untilMs: number;
  readonly sinceMs: number;
}

/**
 * Remembers what ran when an engine died. What ran alone is struck: a statement that is alone twice is refused for 10
 * minutes to whom it was alone for twice, and to everybody when these were two; so is a token whose statements are alone
 * four times. When several ran, nobody knows which it was: all of them
 * are suspects for a minute, in which a suspect statement runs alone, and a suspect token's statements only beside its
 * own, so that the next death shows whose it is. Who comes under suspicion again within 10 minutes stays so for as long:
 * a minute's wait between two deaths would else hide behind the same others each time.
 */
export class Strikes {
  readonly #clock: Clock;
  readonly #strikes = new Map<string, Strike>();
  readonly #suspicions = new Map<string, Suspicion>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param token name of the caller's token; null where none is configured.
   * @throws ArmorlakeError NOT_ALLOWED for the statement, FORBIDDEN for the token.
   */
  check(asked: Asked | null, token: string | null): void {
    const statement = asked === null ? null : this.#refusedFor(asked.key, token, STRIKES.statement);
    if (statement !== null) {
      throw new ArmorlakeError('NOT_ALLOWED', `This statement stopped the database engine twice.`, {
        hint: `It is refused for ${statement} more minutes. Narrow its time range or aggregate earlier.`,
      });
    }
    const caller = token === null ? null : this.#refusedFor(tokenKey(token), token, STRIKES.token);
    if (caller !== null) {
      throw new ArmorlakeError('FORBIDDEN', `Queries of the token ${token ?? ''} stopped the database engine again.`, {
        hint: `It is refused for ${caller} more minutes.`,
      });
    }
  }

  /** An engine died, or was killed, with these statements in it: one strike a death and key at most. */
  died(ran: readonly Ran[]): void {
    const statements = new Map(ran.map(({ asked, who }) => [asked?.key ?? null, who]));
    const tokens = new Map(ran.map(({ who }) => [who === null ? null : tokenKey(who), who]));
    for (const causes of [statements, tokens]) {
      for (const [key, who] of causes) {
        if (key === null) continue;
        // What is known to do it runs alone as well: others needn't fall with it.
        this.#suspect(key);
        if (causes.size === 1) this.#strike(key, who);
      }
    }
  }

  /** Beside whom a statement may run: those of the same company. Null: everybody who is no suspect. */
  companyOf(asked: Asked | null, token: string | null): string | null {
    if (asked !== null && this.#isSuspect(asked.key)) return `alone ${randomUUID()}`;
    const key = token === null ? null : tokenKey(token);
    return key !== null && this.#isSuspect(key) ? key : null;
  }

  /** The statement ran well: it was another's fault. A token has many statements, and one of them says little of the others. */
  clear({ key }: Asked): void {
    this.#strikes.delete(key);
    this.#suspicions.delete(key);
  }

  #strike(key: string, who: string | null): void {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#strikes.get(key);
    const deaths = new Map(before !== undefined && nowMs - before.lastMs < REFUSED_MS ? before.deaths : []);
    // Two are everybody.
    if (deaths.size < 2 || deaths.has(who)) deaths.set(who, (deaths.get(who) ?? 0) + 1);
    keep(this.#strikes, key, { deaths, lastMs: nowMs });
  }

  #suspect(key: string): void {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#suspicions.get(key);
    const again = before !== undefined && nowMs - before.sinceMs < REFUSED_MS;
    keep(this.#suspicions, key, { sinceMs: nowMs, untilMs: nowMs + (again ? REFUSED_MS : SUSPECT_MS) });
  }

  #isSuspect(key: string): boolean {
    const suspicion = this.#suspicions.get(key);
    return suspicion !== undefined && this.#clock.monotonicMs() < suspicion.untilMs;
  }

  /** Minutes that a key is still refused; null when it isn't. */
  #refusedFor(key: string, token: string | null, most: number): number | null {
    const strike = this.#strikes.get(key);
    if (strike === undefined) return null;
    if (strike.deaths.size < 2 && (strike.deaths.get(token) ?? 0) < most) return null;
    const leftMs = strike.lastMs + REFUSED_MS - this.#clock.monotonicMs();
    return leftMs > 0 ? Math.ceil(leftMs / 60_000) : null;
  }
}

/** The newest are kept. */
function keep<Value>(records: Map<string, Value>, key: string, value: Value): void {
  records.delete(key);
  records.set(key, value);
  const [oldest] = records.keys();
  if (records.size > REMEMBERED && oldest !== undefined) records.delete(oldest);
}

function tokenKey(token: string): string {
  return `token ${token}`;
}
