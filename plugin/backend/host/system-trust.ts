import * as tls from 'node:tls';

/** What bun, and Node.js from 22.19 and 24.5 on, have besides. */
interface TrustStore extends Pick<typeof tls, 'rootCertificates'> {
  readonly getCACertificates?: (kind: 'default' | 'system') => readonly string[];
  readonly setDefaultCACertificates?: (certificates: readonly string[]) => void;
}

/**
 * Trusts the system's CAs besides those that the runtime came with, wherever no CA is given. An older Node.js can't: it
 * stays with its own.
 */
export function trustSystem(store: TrustStore = tls): void {
  const { getCACertificates, setDefaultCACertificates } = store;
  if (getCACertificates === undefined || setDefaultCACertificates === undefined) return;
  setDefaultCACertificates([...new Set([...getCACertificates('default'), ...getCACertificates('system')])]);
}
