import type { ErrorShape } from '../../core/index.js';
import { clip } from '../wire/text.js';

/** Starts the sentences our own check of a hub's certificate makes; they are passed on as they are. */
export const HUB_CERTIFICATE = 'The certificate of hub';

/**
 * Why a hub can't be reached, from gRPC's account of it.
 * @param address the hub's HOST:PORT
 * @param tls whether this node speaks TLS to it
 */
export function explainConnection(address: string, tls: boolean, details: string): ErrorShape {
  const known = reasons.find(({ pattern, onlyTls }) => pattern.test(details) && (tls || onlyTls !== true));
  if (known !== undefined) {
    const hint = tls ? known.hint : (known.hintWithoutTls ?? known.hint);
    return { code: 'NOT_READY', message: known.says(address, details), hint };
  }
  return { code: 'NOT_READY', message: `Hub ${address} can't be reached: ${clip(details, 500)}` };
}

interface Reason {
  readonly pattern: RegExp;
  readonly onlyTls?: boolean;
  readonly says: (address: string, details: string) => string;
  readonly hint: string;
  readonly hintWithoutTls?: string;
}

const reasons: readonly Reason[] = [
  {
    pattern: new RegExp(HUB_CERTIFICATE),
    onlyTls: true,
    says: (_address, details) => details.slice(details.indexOf(HUB_CERTIFICATE)).split('\n')[0] ?? details,
    hint: 'Only a certificate of role query (`armorlake cert issue NAME --role query`) may let others join.',
  },
  {
    pattern: /certificate has expired/i,
    onlyTls: true,
    says: (address) => `The certificate of hub ${address} has expired.`,
    hint: 'Renew it there with `armorlake cert renew`.',
  },
  {
    pattern: /certificate is not yet valid/i,
    onlyTls: true,
    says: (address) => `The certificate of hub ${address} is not valid yet.`,
    hint: 'Compare the clocks of both machines.',
  },
  {
    pattern:
      /self.signed certificate|unable to get (local )?issuer|unable to verify the first|certificate signature failure/i,
    onlyTls: true,
    says: (address) =>
      `The certificate of hub ${address} was issued by another CA than this node's \`network.tls.ca\`.`,
    hint: 'All nodes of a network have certificates of one CA: issue them with the same `armorlake cert` folder.',
  },
  {
    pattern: /does not match certificate's altnames|altnames/i,
    onlyTls: true,
    says: (address) => `The certificate of hub ${address} is not made for that address.`,
    hint: 'Issue it again with this host or IP among --hosts, or join the hub by a name that is in it.',
  },
  {
    pattern: /wrong version number|packet length too long|EPROTO|http\/0\.9/i,
    onlyTls: true,
    says: (address) => `What listens at ${address} speaks no TLS.`,
    hint: 'Check the port; a hub beyond loopback without TLS runs with --insecure-network.',
  },
  {
    pattern: /ECONNREFUSED/,
    says: (address) => `Nothing listens at ${address}.`,
    hint: 'Check the address, and that the hub runs with --network.',
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN|Name resolution failed/,
    says: (address) => `The host of ${address} has no address.`,
    hint: 'Check the name in `network.join` and the DNS.',
  },
  {
    pattern:
      /ECONNRESET|EPIPE|socket hang up|disconnected before secure|alert|Connection dropped|closed|Failed to connect \(/i,
    says: (address) => `Hub ${address} closed the connection.`,
    hint: "If it doesn't last: it takes no certificate of this CA, or this node's has expired (`armorlake cert inspect`).",
    hintWithoutTls: 'If it does so each time, it demands TLS: configure `network.tls`.',
  },
];
