import type { IncomingHttpHeaders } from 'node:http';
import { ArmorlakeError, isLoopback } from '../core/index.js';
import type { Role, TokenStore } from './tokens.js';

/** Who makes a request. */
export interface Identity {
  /** The token's name; null where no token is configured. */
  readonly token: string | null;
  readonly role: Role;
}

export interface AccessOptions {
  readonly tokens: TokenStore;
  /** The address the listener is bound to. */
  readonly host: string;
  /** `--insecure-http`: callers from elsewhere need no token when there is none. */
  readonly insecure: boolean;
}

/** The rules of a listener: who may do what. */
export class Access {
  readonly #options: AccessOptions;
  readonly #loopback: boolean;

  constructor(options: AccessOptions) {
    this.#options = options;
    this.#loopback = isLoopback(options.host);
  }

  /**
   * Who makes a request with these headers.
   * @throws ArmorlakeError UNAUTHENTICATED, FORBIDDEN.
   */
  identify(headers: IncomingHttpHeaders): Identity {
    const { tokens, insecure } = this.#options;
    if (tokens.size === 0 && (this.#loopback || insecure)) {
      if (this.#loopback) refuseForeign(headers);
      return { token: null, role: 'admin' };
    }
    const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    const token = given === undefined ? null : tokens.authenticate(given);
    if (token === null) {
      throw new ArmorlakeError(
        'UNAUTHENTICATED',
        given === undefined ? 'This node asks for a token.' : 'The token is not known here.',
        { hint: 'Send it as `Authorization: Bearer …`; `armorlake token create` makes one.' },
      );
    }
    return { token: token.name, role: token.role };
  }
}

/** A web page can reach loopback through the user's browser: by a name of its own (DNS rebinding) or with its origin. */
function refuseForeign(headers: IncomingHttpHeaders): void {
  const host = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(headers.host ?? '')?.[1] ?? '';
  if (!isLoopback(host)) {
    throw new ArmorlakeError('FORBIDDEN', `Requests to the host "${host}" are not answered here.`, {
      hint: 'Use 127.0.0.1 or localhost, or create a token.',
    });
  }
  if (headers.origin !== undefined) {
    throw new ArmorlakeError('FORBIDDEN', 'Requests of web pages are not answered without a token.', {
      hint: 'Create a token and send it.',
    });
  }
}

/** @throws ArmorlakeError FORBIDDEN when the role may not. */
export function requireRole(identity: Identity, allowed: readonly Role[]): void {
  if (identity.role === 'admin' || allowed.includes(identity.role)) return;
  throw new ArmorlakeError('FORBIDDEN', `A token of role ${identity.role} may not do this.`, {
    hint: `It needs one of role ${[...allowed, 'admin'].join(' or ')}.`,
  });
}

/**
 * Checked before a listener is bound: beyond loopback, requests and answers are not to be read or made by anybody.
 * @throws ArmorlakeError BAD_CONFIG.
 */
export function refuseExposed(host: string, secure: boolean, tokens: number, insecure: boolean): void {
  if (isLoopback(host) || insecure || (secure && tokens > 0)) return;
  const missing = [...(secure ? [] : ['TLS (http.tls)']), ...(tokens > 0 ? [] : ['a token'])].join(' and ');
  throw new ArmorlakeError('BAD_CONFIG', `Listening on ${host} needs ${missing}.`, {
    hint: 'Listen on 127.0.0.1 and create a token with `armorlake token create`, or say --insecure-http.',
  });
}
