import { X509Certificate, createPrivateKey, webcrypto } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type * as x509Library from '@peculiar/x509';
import { ArmorlakeError, hasErrno, messageOf } from '../../core/index.js';
import { replaceFile } from '../../lake/index.js';
import { NODE_NAME } from '../types.js';
import type { NodeRole } from '../types.js';
import { hostsIn, identityIn, identityUri } from './identity.js';

type X509 = typeof x509Library;
type Extension = x509Library.Extension;

const DAY_MS = 86_400_000;
/** For clocks that are behind the CA's. */
const EARLIER_MS = 300_000;
const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** Where a certificate stands, and its key if it has been made here. */
export interface IssuedFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  /** Folder of the CA (`ca.crt`, `ca.key`). */
  readonly folder: string;
  /** Where the node's files go: `ca.crt`, `NAME.crt`, `NAME.key`; the CA's folder by default. */
  readonly out?: string;
  readonly name: string;
  readonly role: NodeRole;
  /** Host names and IP addresses others dial a hub by. */
  readonly hosts?: readonly string[];
  readonly days?: number;
  readonly nowMs: number;
}

/** What a certificate says. */
export interface CertificateFacts {
  readonly name: string | null;
  readonly role: NodeRole | null;
  readonly hosts: readonly string[];
  readonly isCa: boolean;
  readonly issuer: string;
  readonly fingerprint: string;
  readonly validFrom: string;
  readonly validTo: string;
  /** Negative when it has expired. */
  readonly daysLeft: number;
}

/**
 * Makes a network's CA: `ca.crt` and `ca.key` (0600) in the folder, valid for 10 years.
 * @throws ArmorlakeError CONFLICT when there is one
 */
export async function initCa(folder: string, nowMs: number, days = 3_650): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(folder, 'ca.crt'), join(folder, 'ca.key')];
  if (existsSync(cert) || existsSync(key)) {
    throw new ArmorlakeError('CONFLICT', `${folder} has a CA already.`, {
      hint: 'Its nodes would no longer be known with a new one; choose another folder.',
    });
  }
  const library = await load();
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const made = await library.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['Armorlake network CA'] }],
    notBefore: new Date(nowMs - EARLIER_MS),
    notAfter: new Date(nowMs + days * DAY_MS),
    signingAlgorithm: SIGNATURE,
    keys,
    extensions: [
      new library.BasicConstraintsExtension(true, 0, true),
      new library.KeyUsagesExtension(library.KeyUsageFlags.keyCertSign | library.KeyUsageFlags.cRLSign, true),
      await library.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await writeKey(key, keys.privateKey);
  writeCertificate(cert, made.toString('pem'));
  return { cert, key };
}

/**
 * Issues a node's certificate and key (0600), valid for 30 days unless told otherwise.
 * @throws ArmorlakeError NOT_FOUND without a CA, BAD_REQUEST for a name, host or time that can't be
 */
export async function issue(options: IssueOptions): Promise<IssuedFiles> {
  const { folder, name, role, nowMs, hosts = [], days = 30 } = options;
  const out = options.out ?? folder;
  if (!NODE_NAME.test(name) || name === 'ca') {
    throw new ArmorlakeError('BAD_REQUEST', `${JSON.stringify(name)} can't be a node's name here.`, {
      hint: '1 to 63 letters, digits, dots, dashes or underscores, with a letter or digit at both ends; not "ca".',
    });
  }
  if (!(days > 0 && days <= 3_650)) {
    throw new ArmorlakeError('BAD_REQUEST', `A certificate is valid for up to 3650 days, not ${days}.`);
  }
  const library = await load();
  const ca = await readCa(library, folder);
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const notAfter = Math.min(nowMs + days * DAY_MS, ca.cert.notAfter.getTime());
  const made = await library.X509CertificateGenerator.create({
    subject: [{ CN: [name] }],
    issuer: ca.cert.subjectName,
    notBefore: new Date(nowMs - EARLIER_MS),
    notAfter: new Date(notAfter),
    signingAlgorithm: SIGNATURE,
    signingKey: ca.key,
    publicKey: keys.publicKey,
    extensions: await nodeExtensions(library, { name, role, hosts }, keys.publicKey, ca.cert),
  });
  mkdirSync(out, { recursive: true, mode: 0o700 });
  const files = { ca: join(out, 'ca.crt'), cert: join(out, `${name}.crt`), key: join(out, `${name}.key`) };
  if (out !== folder) writeCertificate(files.ca, ca.cert.toString('pem'));
  await writeKey(files.key, keys.privateKey);
  writeCertificate(files.cert, made.toString('pem'));
  return files;
}

/**
 * Issues a node's certificate anew, with a new key: same name, role and hosts.
 * @throws ArmorlakeError as `issue`, NOT_FOUND when the node has none in the folder
 */
export async function renew(options: Omit<IssueOptions, 'role' | 'hosts'>): Promise<IssuedFiles> {
  const path = join(options.out ?? options.folder, `${options.name}.crt`);
  const old = parse(path);
  const identity = identityIn(old);
  if (identity === null || identity.name !== options.name) {
    throw new ArmorlakeError('BAD_REQUEST', `${path} is no certificate of a node called ${options.name}.`, {
      hint: `Make one with \`armorlake cert issue ${options.name}\`.`,
    });
  }
  return await issue({ ...options, role: identity.role, hosts: hostsIn(old) });
}

/** @throws ArmorlakeError NOT_FOUND, BAD_REQUEST */
export function inspect(path: string, nowMs: number): CertificateFacts {
  const certificate = parse(path);
  const identity = identityIn(certificate);
  return {
    name: identity?.name ?? null,
    role: identity?.role ?? null,
    hosts: hostsIn(certificate),
    isCa: certificate.ca,
    issuer: certificate.issuer,
    fingerprint: certificate.fingerprint256,
    validFrom: new Date(certificate.validFrom).toISOString(),
    validTo: new Date(certificate.validTo).toISOString(),
    daysLeft: (Date.parse(certificate.validTo) - nowMs) / DAY_MS,
  };
}

async function nodeExtensions(
  library: X509,
  node: { readonly name: string; readonly role: NodeRole; readonly hosts: readonly string[] },
  publicKey: webcrypto.CryptoKey,
  ca: x509Library.X509Certificate,
): Promise<Extension[]> {
  const names = node.hosts.map((host): x509Library.JsonGeneralName => {
    if (isIP(host) !== 0) return { type: 'ip', value: host };
    if (/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host)) return { type: 'dns', value: host };
    throw new ArmorlakeError('BAD_REQUEST', `${JSON.stringify(host)} is no host name and no IP address.`);
  });
  return [
    new library.BasicConstraintsExtension(false, undefined, true),
    new library.KeyUsagesExtension(library.KeyUsageFlags.digitalSignature, true),
    new library.ExtendedKeyUsageExtension([library.ExtendedKeyUsage.clientAuth, library.ExtendedKeyUsage.serverAuth]),
    new library.SubjectAlternativeNameExtension([{ type: 'url', value: identityUri(node) }, ...names]),
    await library.SubjectKeyIdentifierExtension.create(publicKey),
    await library.AuthorityKeyIdentifierExtension.create(ca),
  ];
}

async function readCa(
  library: X509,
  folder: string,
): Promise<{ cert: x509Library.X509Certificate; key: webcrypto.CryptoKey }> {
  try {
    const cert = new library.X509Certificate(readFileSync(join(folder, 'ca.crt'), 'utf8'));
    const pkcs8 = createPrivateKey(readFileSync(join(folder, 'ca.key'))).export({ type: 'pkcs8', format: 'der' });
    return { cert, key: await webcrypto.subtle.importKey('pkcs8', pkcs8, CURVE, false, ['sign']) };
  } catch (thrown) {
    throw new ArmorlakeError('NOT_FOUND', `${folder} has no CA that can be used: ${messageOf(thrown)}`, {
      hint: 'Make one with `armorlake cert init`, or name its folder.',
      cause: thrown,
    });
  }
}

function parse(path: string): X509Certificate {
  try {
    return new X509Certificate(readFileSync(path));
  } catch (thrown) {
    const code = hasErrno(thrown, 'ENOENT') ? 'NOT_FOUND' : 'BAD_REQUEST';
    throw new ArmorlakeError(code, `${path} can't be read as a certificate: ${messageOf(thrown)}`, { cause: thrown });
  }
}

async function writeKey(path: string, key: webcrypto.CryptoKey): Promise<void> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const pem = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' });
  replaceFile(path, String(pem));
}

function writeCertificate(path: string, pem: string): void {
  replaceFile(path, pem.endsWith('\n') ? pem : `${pem}\n`);
  chmodSync(path, 0o644);
}

/** Loaded only where certificates are made: it needs a global `Reflect` extension nothing else should see. */
async function load(): Promise<X509> {
  await import('reflect-metadata');
  return await import('@peculiar/x509');
}
