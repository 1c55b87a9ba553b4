import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { NodeConfig } from '../../config/index.js';
import type { Clock } from '../../core/index.js';
import { messageOf } from '../../core/index.js';
import type { Check } from './check.js';
import { fail, ok, warn } from './check.js';

const SOON_MS = 14 * 86_400_000;

/** A certificate with what belongs to it, as configured. */
interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | null;
}

/** The certificates of the listener and of each KubeArmor: readable, in date, matching their keys and CA. */
export function certificateChecks({ http, kubearmor }: NodeConfig, clock: Clock): readonly Check[] {
  const listener = http.tls === null ? [] : [check('certificate of the listener', { ...http.tls, ca: null }, clock)];
  const clients = kubearmor.flatMap(({ name, tls }) =>
    tls === null ? [] : [check(`client certificate for ${name}`, tls, clock)],
  );
  return [...listener, ...clients];
}

function check(name: string, files: CertificateFiles, clock: Clock): Check {
  try {
    const certificate = new X509Certificate(readPem(files.cert));
    if (!certificate.checkPrivateKey(createPrivateKey(readPem(files.key)))) {
      return fail(name, `${files.key} is not the key of ${files.cert}`, 'Name the pair that was issued together.');
    }
    if (files.ca !== null) {
      const problem = caProblem(new X509Certificate(readPem(files.ca)), certificate, files.ca, clock);
      if (problem !== undefined)
        return fail(name, problem, "Take ca.crt, client.crt and client.key from KubeArmor's own secret.");
    }
    return validity(name, certificate, clock);
  } catch (thrown) {
    return fail(name, messageOf(thrown), 'Give PEM files that the node may read.');
  }
}

function caProblem(ca: X509Certificate, leaf: X509Certificate, file: string, clock: Clock): string | undefined {
  if (!ca.ca) return `${file} is no CA certificate`;
  if (Date.parse(ca.validTo) < clock.wallMs()) return `${file} ended at ${ca.validTo}`;
  if (ca.subject === leaf.subject) {
    return `${file} has the same subject as the certificate, which OpenSSL takes for self-signed`;
  }
  return leaf.checkIssued(ca) && leaf.verify(ca.publicKey) ? undefined : `the certificate is not issued by ${file}`;
}

function validity(name: string, certificate: X509Certificate, clock: Clock): Check {
  const now = clock.wallMs();
  const ends = Date.parse(certificate.validTo);
  if (Date.parse(certificate.validFrom) > now) {
    return fail(name, `valid only from ${certificate.validFrom}`, 'Check the clock of this machine.');
  }
  if (ends < now) return fail(name, `ended at ${certificate.validTo}`, 'Issue a new one.');
  return ends - now < SOON_MS
    ? warn(name, `ends at ${certificate.validTo}`, 'Issue a new one soon.')
    : ok(name, `valid until ${certificate.validTo}`);
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (thrown) {
    throw new Error(`can't read ${file}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
