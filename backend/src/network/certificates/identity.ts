import type { X509Certificate } from 'node:crypto';
import { NODE_NAME } from '../types.js';
import type { NodeRole } from '../types.js';

/** Who a certificate says its holder is. */
export interface CertifiedIdentity {
  readonly name: string;
  readonly role: NodeRole;
}

/** The URI that stands for a node in its certificate's alternative names. */
export function identityUri({ name, role }: CertifiedIdentity): string {
  return `armorlake://${role}/${name}`;
}

/** The node a certificate was issued to; null unless its URI and its common name say so alike. */
export function identityIn(certificate: X509Certificate): CertifiedIdentity | null {
  const uris = alternativeNames(certificate).filter((each) => each.startsWith('URI:armorlake://'));
  const [only] = uris;
  if (only === undefined || uris.length > 1) return null;
  const match = /^URI:armorlake:\/\/(edge|query)\/([^/]+)$/.exec(only);
  const [role, name] = [match?.[1], match?.[2]];
  if (name === undefined || !NODE_NAME.test(name) || certificate.subject !== `CN=${name}`) return null;
  return role === 'query' || role === 'edge' ? { name, role } : null;
}

/** The hosts and IP addresses it is made for. */
export function hostsIn(certificate: X509Certificate): readonly string[] {
  return alternativeNames(certificate).flatMap((each) => {
    const match = /^(?:DNS|IP Address):(.*)$/.exec(each);
    return match?.[1] === undefined ? [] : [match[1]];
  });
}

/** Node quotes a name that holds a comma, so a separator is never part of one of ours. */
function alternativeNames(certificate: X509Certificate): readonly string[] {
  return (certificate.subjectAltName ?? '').split(', ');
}
