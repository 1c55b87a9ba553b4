import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate with its key, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** Common name of the subject. */
  readonly name: string;
  /** Who signs; itself when absent. */
  readonly issuer?: Certificate & { readonly name: string };
  readonly ips?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly isCa?: boolean;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const HOUR = 3_600_000;

/** Makes an X.509 certificate (ECDSA P-256) with nothing but Node: the tests run where there is no openssl. */
export function makeCertificate(options: CertificateOptions): Certificate & { readonly name: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuerKey: KeyObject = options.issuer === undefined ? privateKey : createPrivateKey(options.issuer.key);
  const signatureAlgorithm = sequence(oid('1.2.840.10045.4.3.2'));
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.from([1, ...randomSerial()])),
    signatureAlgorithm,
    commonName(options.issuer?.name ?? options.name),
    sequence(
      time(options.notBefore ?? new Date(Date.now() - HOUR)),
      time(options.notAfter ?? new Date(Date.now() + 24 * HOUR)),
    ),
    commonName(options.name),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions(options))),
  );
  const signature = sign('sha256', body, issuerKey);
  const der = sequence(body, signatureAlgorithm, tagged(0x03, Buffer.from([0]), signature));
  return {
    name: options.name,
    cert: pem('CERTIFICATE', der),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** The PEM files of a client's TLS settings, in a folder of their own. */
export function writeTlsFiles(
  ca: string,
  client: Certificate,
): { folder: string; ca: string; cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'armorlake-tls-'));
  const paths = { ca: join(folder, 'ca.crt'), cert: join(folder, 'client.crt'), key: join(folder, 'client.key') };
  writeFileSync(paths.ca, ca);
  writeFileSync(paths.cert, client.cert);
  writeFileSync(paths.key, client.key, { mode: 0o600 });
  return { folder, ...paths };
}

function extensions({ isCa = false, ips = [], dnsNames = [] }: CertificateOptions): Buffer[] {
  const basic = sequence(...(isCa ? [tagged(0x01, Buffer.from([0xff]))] : []));
  const names = [
    ...ips.map((ip) => tagged(0x87, Buffer.from(ip.split('.').map(Number)))),
    ...dnsNames.map((name) => tagged(0x82, Buffer.from(name))),
  ];
  return [
    sequence(oid('2.5.29.19'), tagged(0x01, Buffer.from([0xff])), tagged(0x04, basic)),
    ...(names.length === 0 ? [] : [sequence(oid('2.5.29.17'), tagged(0x04, sequence(...names)))]),
  ];
}

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tagged(0x06, Buffer.from(bytes));
}

function commonName(name: string): Buffer {
  return sequence(tagged(0x31, sequence(oid('2.5.4.3'), tagged(0x0c, Buffer.from(name)))));
}

function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050 ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
}

function randomSerial(): number[] {
  return Array.from({ length: 7 }, () => Math.floor(Math.random() * 256));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
