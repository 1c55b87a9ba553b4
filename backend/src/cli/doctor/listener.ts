import { createServer } from 'node:net';
import { join } from 'node:path';
import { TokenStore, refuseExposed } from '../../api/index.js';
import { formatAddress } from '../../config/index.js';
import type { NodeConfig } from '../../config/index.js';
import { ArmorlakeError, hasErrno, isLoopback, messageOf } from '../../core/index.js';
import type { Client } from '../client.js';
import type { Check } from './check.js';
import { fail, ok, warn } from './check.js';

/** What the listener's address is used by now. */
export interface ListenerFindings {
  readonly checks: readonly Check[];
  /** True when the node answers there. */
  readonly running: boolean;
}

/** The address a node would listen on: free, taken by a node, or by something else. */
export async function listenerChecks(
  config: NodeConfig,
  client: Client,
  signal: AbortSignal,
): Promise<ListenerFindings> {
  const where = formatAddress(config.http);
  const exposure = exposureChecks(config);
  const taken = await bindProblem(config.http);
  if (taken === undefined) {
    return { checks: [ok('port', `${where} is free; no node runs there`), ...exposure], running: false };
  }
  if (!hasErrno(taken, 'EADDRINUSE')) {
    const check = fail(
      'port',
      `${where} can't be listened on: ${messageOf(taken)}`,
      'Name another address with --http.',
    );
    return { checks: [check, ...exposure], running: false };
  }
  const running = await isNode(client, signal);
  const check = running
    ? ok('port', `a node answers at ${client.url}`)
    : fail(
        'port',
        `something that is no node, or one that isn't ready, holds ${where}`,
        'End it, or name another port with --http.',
      );
  return { checks: [check, ...exposure], running };
}

function exposureChecks({ http, data }: NodeConfig): readonly Check[] {
  if (isLoopback(http.host)) return [];
  if (http.insecure) {
    return [
      warn(
        'exposure',
        `${formatAddress(http)} may be open to the network without protection`,
        'Configure http.tls and tokens, and leave --insecure-http out.',
      ),
    ];
  }
  try {
    refuseExposed(http.host, http.tls !== null, TokenStore.open(join(data, 'tokens.json')).size, false);
    return [ok('exposure', `${formatAddress(http)} is reachable from outside, with TLS and tokens`)];
  } catch (thrown) {
    const error = ArmorlakeError.from(thrown);
    return [fail('exposure', error.message, error.hint ?? 'Listen on 127.0.0.1.')];
  }
}

/** Why an address can't be listened on; undefined when it can. */
export function bindProblem({ host, port }: { readonly host: string; readonly port: number }): Promise<unknown> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => {
      server.close(() => {
        resolve(undefined);
      });
    });
  });
}

async function isNode(client: Client, signal: AbortSignal): Promise<boolean> {
  try {
    await client.request('/readyz', { signal, deadlineMs: 5000 });
    return true;
  } catch {
    return false;
  }
}
