import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ArmorlakeError, hasErrno, messageOf } from '../core/index.js';
import { replaceFile } from '../lake/index.js';

/** read: ask; intake: post events; admin: both, and tokens. */
export const roles = ['read', 'intake', 'admin'] as const;
export type Role = (typeof roles)[number];

/** A token as it is shown: never the token itself. */
export interface TokenInfo {
  readonly name: string;
  readonly role: Role;
  /** ISO 8601. */
  readonly created: string;
}

const storedToken = z.object({
  name: z.string(),
  role: z.enum(roles),
  created: z.string(),
  /** SHA-256 of the token, in hex: 256 random bits need no slow hash. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
const tokenFile = z.object({ tokens: z.array(storedToken) });

type StoredToken = z.infer<typeof storedToken>;

export const tokenName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** The node's tokens, hashed, in a file of the data folder that only its owner can read. */
export class TokenStore {
  readonly #path: string;
  #tokens: readonly StoredToken[];
  readonly #listeners: (() => void)[] = [];

  private constructor(path: string, tokens: readonly StoredToken[]) {
    this.#path = path;
    this.#tokens = tokens;
  }

  /**
   * @throws ArmorlakeError BAD_CONFIG when the file can't be read: no file means no tokens, a damaged one does not, nor
   * one that is gone while `tokens.required` is there.
   */
  static open(path: string): TokenStore {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (thrown) {
      if (hasErrno(thrown, 'ENOENT')) {
        if (!existsSync(markOf(path))) return new TokenStore(path, []);
        throw gone(`${path} is gone`, path);
      }
      throw new ArmorlakeError('BAD_CONFIG', `The tokens in ${path} can't be read: ${messageOf(thrown)}`, {
        cause: thrown,
      });
    }
    let tokens: readonly StoredToken[];
    try {
      ({ tokens } = tokenFile.parse(JSON.parse(text)));
    } catch (thrown) {
      throw new ArmorlakeError('BAD_CONFIG', `The tokens in ${path} are damaged.`, {
        hint: `Restore the file, or remove it and ${markOf(path)}, and create the tokens again.`,
        cause: thrown,
      });
    }
    if (tokens.length === 0 && existsSync(markOf(path))) throw gone(`${path} holds no token`, path);
    return new TokenStore(path, tokens);
  }

  /** Marks in the data folder that this node has tokens: a start that misses them must not be open to everybody. */
  remember(): void {
    if (this.size === 0) rmSync(markOf(this.#path), { force: true });
    else if (!existsSync(markOf(this.#path)))
      replaceFile(markOf(this.#path), 'Without tokens.json this node does not start.\n');
  }

  /** Told after each token that is made or revoked. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  get size(): number {
    return this.#tokens.length;
  }

  list(): readonly TokenInfo[] {
    return this.#tokens.map(({ name, role, created }) => ({ name, role, created }));
  }

  /**
   * Makes a token; it is given only now.
   * @throws ArmorlakeError BAD_REQUEST, CONFLICT.
   */
  create(name: string, role: Role, now: Date): string {
    if (!tokenName.test(name)) {
      throw new ArmorlakeError(
        'BAD_REQUEST',
        'A token’s name has 1 to 63 letters, digits, dots, dashes or underscores.',
      );
    }
    if (this.#tokens.some((token) => token.name === name)) {
      throw new ArmorlakeError('CONFLICT', `There is a token ${name} already.`, { hint: 'Revoke it first.' });
    }
    if (role !== 'admin' && !this.#tokens.some((token) => token.role === 'admin')) {
      throw new ArmorlakeError(
        'CONFLICT',
        'The first token has to be of role admin: from then on every request needs one.',
        {
          hint: 'armorlake token create admin --role admin',
        },
      );
    }
    const token = `alk_${randomBytes(32).toString('base64url')}`;
    this.#save([...this.#tokens, { name, role, created: now.toISOString(), hash: hashOf(token).toString('hex') }]);
    return token;
  }

  /** @throws ArmorlakeError NOT_FOUND, CONFLICT. */
  revoke(name: string): void {
    const token = this.#tokens.find((each) => each.name === name);
    if (token === undefined) throw new ArmorlakeError('NOT_FOUND', `There is no token ${name}.`);
    const rest = this.#tokens.filter((each) => each !== token);
    if (rest.length > 0 && !rest.some((each) => each.role === 'admin')) {
      throw new ArmorlakeError('CONFLICT', `${name} is the last token of role admin.`, {
        hint: 'Revoke the other tokens first, or create another admin.',
      });
    }
    this.#save(rest);
  }

  /** Whose token this is; every stored hash is compared, in constant time. */
  authenticate(token: string): TokenInfo | null {
    const hash = hashOf(token);
    let found: TokenInfo | null = null;
    for (const stored of this.#tokens) {
      if (timingSafeEqual(hash, Buffer.from(stored.hash, 'hex'))) found = stored;
    }
    return found;
  }

  #save(tokens: readonly StoredToken[]): void {
    // Without any, the mark goes first: a node that had tokens does not start without.
    this.#tokens = tokens;
    if (tokens.length === 0) this.remember();
    replaceFile(this.#path, `${JSON.stringify({ tokens }, null, 2)}\n`);
    this.remember();
    for (const listener of this.#listeners) listener();
  }
}

function gone(what: string, path: string): ArmorlakeError {
  return new ArmorlakeError('BAD_CONFIG', `${what}, but this node had tokens.`, {
    hint: `Restore it from a backup. To open the node to every local process, or to make tokens anew, remove ${markOf(path)} as well.`,
  });
}

function markOf(path: string): string {
  return join(dirname(path), 'tokens.required');
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
