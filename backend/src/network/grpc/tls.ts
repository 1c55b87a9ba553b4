import { X509Certificate } from 'node:crypto';
import { checkServerIdentity } from 'node:tls';
import { ServerCredentials, credentials } from '@grpc/grpc-js';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { identityIn } from '../certificates/identity.js';
import type { CertificateFiles, NodeCertificate } from '../certificates/node-certificate.js';
import type { Stop } from '../time.js';
import { HUB_CERTIFICATE } from './explain.js';

/**
 * What a node shows a hub and demands of it: the same CA, the address it dialled, and the role query.
 * @param connected told the hub's certificate, once for each connection
 */
export function callerCredentials(
  { ca, cert, key }: CertificateFiles,
  address: string,
  connected: (hub: X509Certificate) => void,
): ChannelCredentials {
  return credentials.createSsl(ca, key, cert, {
    checkServerIdentity: (host, peer) => {
      const wrong = checkServerIdentity(host, peer);
      if (wrong !== undefined) return wrong;
      const certificate = new X509Certificate(peer.raw);
      if (identityIn(certificate)?.role === 'query') {
        connected(certificate);
        return undefined;
      }
      return new Error(`${HUB_CERTIFICATE} ${address} does not allow it to be a hub.`);
    },
  });
}

/** A hub's side: demands a certificate of the network's CA, and shows its own as the files have it by now. */
export class ReloadingCredentials extends ServerCredentials {
  readonly stop: Stop;

  constructor(certificate: NodeCertificate) {
    super({ requestCert: true, rejectUnauthorized: true }, { ...certificate.current() });
    this.stop = certificate.watch((files) => this.updateSecureContextOptions({ ...files }));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
