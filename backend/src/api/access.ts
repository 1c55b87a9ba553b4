import type { IncomingHttpHeaders } from 'node:http';
import { ArmorlakeError, isLoopback, printable } from '../core/index.js';
import type { Role, TokenStore } from './tokens.js';

/** Who makes a request. */
export interface Identity {
  /** The token's name; null where no token is configured. */
  readonly token: string | null;
  /** Null: nobody we know, which is enough for a probe. */
  readonly role: Role | null;
}

/** Who may use a route: tokens of these roles, and always admins; or anybody, as probes have no token. */
export type Audience = readonly Role[] | 'anybody';

export interface AccessOptions {
  readonly tokens: TokenStore;
  /** The address the listener is bound to. */
  readonly host: string;
  /** `--insecure-http`: callers from elsewhere need no token when there is none. */
  readonly insecure: boolean;
}

/** Why a request is not let in, as metrics count it. */
export type RefusalReason = 'no_token' | 'unknown_token' | 'role' | 'web_page' | 'foreign_host' | 'connections';

/** A request that is not let in. */
export class Refusal extends ArmorlakeError {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string, hint: string) {
    super(reason === 'no_token' || reason === 'unknown_token' ? 'UNAUTHENTICATED' : 'FORBIDDEN', message, { hint });
    this.reason = reason;
  }
}

/** The rules of a listener: who may do what. */
export class Access {
  readonly #options: AccessOptions;
  readonly #loopback: boolean;

  constructor(options: AccessOptions) {
    this.#options = options;
    this.#loopback = isLoopback(options.host);
  }

  /** Told when what `admit` says may be another: tokens were made or revoked. */
  onChange(listener: () => void): void {
    this.#options.tokens.onChange(listener);
  }

  /**
   * Who makes a request with these headers, if they may.
   * @throws Refusal
   */
  admit(headers: IncomingHttpHeaders, audience: Audience): Identity {
    const { tokens, insecure } = this.#options;
    if (tokens.size === 0 && (this.#loopback || insecure)) {
      if (this.#loopback) refuseForeignHost(headers);
      refuseWebPage(headers);
      return { token: null, role: 'admin' };
    }
    const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    const token = given === undefined ? null : tokens.authenticate(given);
    if (audience === 'anybody') return { token: token?.name ?? null, role: token?.role ?? null };
    if (token === null) {
      throw new Refusal(
        given === undefined ? 'no_token' : 'unknown_token',
        given === undefined ? 'This node asks for a token.' : 'The token is not known here.',
        'Send it as `Authorization: Bearer …`; `armorlake token create` makes one.',
      );
    }
    requireRole(token.role, audience);
    return { token: token.name, role: token.role };
  }
}

/** @throws Refusal when a token of this role may not do what those roles may, and admins. */
export function requireRole(role: Role, allowed: readonly Role[]): void {
  if (role === 'admin' || allowed.includes(role)) return;
  const wanted = [...allowed, 'admin'].join(' or ');
  throw new Refusal('role', `A token of role ${role} may not do this.`, `It needs one of role ${wanted}.`);
}

/** DNS rebinding: a web page reaches loopback under a name of its own. */
function refuseForeignHost(headers: IncomingHttpHeaders): void {
  const host = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(headers.host ?? '')?.[1] ?? '';
  if (isLoopback(host)) return;
  throw new Refusal(
    'foreign_host',
    `Requests to the host "${printable(host.slice(0, 253))}" are not answered here.`,
    'Use 127.0.0.1 or localhost, or create a token.',
  );
}

/** A web page sends its origin with fetch and forms; with images, scripts and frames only where it stands to us. */
function refuseWebPage(headers: IncomingHttpHeaders): void {
  const site = headers['sec-fetch-site'];
  if (headers.origin === undefined && (site === undefined || site === 'none' || site === 'same-origin')) return;
  throw new Refusal(
    'web_page',
    'Requests of web pages are not answered without a token.',
    'Create a token and send it.',
  );
}

/** What requests wait in turn by: their token, or their address where there are none. */
export function callerKey(identity: Pick<Identity, 'token'>, address: string): string {
  return identity.token === null ? `address ${address}` : `token ${identity.token}`;
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
