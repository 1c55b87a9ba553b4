import { ArmorlakeError } from '../core/index.js';
import type { NetworkRight, NetworkTokens } from '../network/index.js';
import { requireRole } from './access.js';
import type { Role, TokenStore } from './tokens.js';

const rolesOf: Readonly<Record<NetworkRight, readonly Role[]>> = { join: ['intake'], ask: ['read'], forget: [] };

/** The node's tokens as its network port without TLS asks for them: with one token every caller needs one. */
export function networkTokens(tokens: TokenStore): NetworkTokens {
  return {
    get any() {
      return tokens.size > 0;
    },
    check(given, right) {
      if (tokens.size === 0) return;
      const token = given === null ? null : tokens.authenticate(given);
      if (token === null) {
        throw new ArmorlakeError(
          'UNAUTHENTICATED',
          given === null
            ? `This hub asks for a token ${right === 'forget' ? 'before it forgets a node' : 'on its network port without TLS'}.`
            : 'This hub does not know the token.',
          { hint: 'Name a file with one in `network.tokenFile`; `armorlake token create` at the hub makes one.' },
        );
      }
      requireRole(token.role, rolesOf[right]);
    },
  };
}
