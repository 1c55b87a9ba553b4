import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ArmorlakeError, messageOf } from '../../core/index.js';
import type { ErrorShape, Logger } from '../../core/index.js';
import type { Stop, Time } from '../time.js';
import { identityIn } from './identity.js';
import type { CertifiedIdentity } from './identity.js';

/** PEM files, by absolute path. */
export interface CertificatePaths {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The files' contents, known to belong together. */
export interface CertificateFiles {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

const RELOAD_MS = 5_000;
const DAY_MS = 86_400_000;

/** A node's own certificate as its files have it: checked before use, read again when they change. */
export class NodeCertificate {
  readonly #paths: CertificatePaths;
  readonly #node: CertifiedIdentity;
  readonly #time: Time;
  readonly #log: Logger;
  readonly #watchers = new Set<(files: CertificateFiles) => void>();
  /** Of other nodes' certificates, the CA that they were last found to be of. */
  readonly #issuers = new WeakMap<X509Certificate, X509Certificate>();
  #last: CertificateFiles | null = null;
  #ca: X509Certificate | null = null;
  #stop: Stop = () => undefined;

  /** @param node who this node is and what it wants to be in the network */
  constructor(paths: CertificatePaths, node: CertifiedIdentity, time: Time, log: Logger) {
    this.#paths = paths;
    this.#node = node;
    this.#time = time;
    this.#log = log;
  }

  /**
   * The files as they are now.
   * @throws ArmorlakeError BAD_CONFIG with a sentence of its own for each thing that can be wrong with them
   */
  current(): CertificateFiles {
    const files = this.#read();
    this.#ca = check(files, this.#paths, this.#node, this.#time.wallMs());
    this.#last = files;
    return files;
  }

  /**
   * Why a connection that another node's certificate opened may not go on: a handshake looks at it only once, but it can
   * end, and the network's CA can be replaced. Null: it may.
   */
  trouble(peer: X509Certificate): ErrorShape | null {
    const whose = identityIn(peer)?.name ?? 'the other side';
    if (this.#time.wallMs() >= Date.parse(peer.validTo)) {
      return refused(
        `The certificate of ${whose} expired on ${isoDay(peer.validTo)}.`,
        'Renew it with `armorlake cert renew`.',
      );
    }
    const ca = this.#ca;
    if (ca === null || this.#issuers.get(peer) === ca) return null;
    if (!peer.checkIssued(ca) || !peer.verify(ca.publicKey)) {
      return refused(
        `The certificate of ${whose} is of another CA than the network's.`,
        'Issue one with the CA of today.',
      );
    }
    this.#issuers.set(peer, ca);
    return null;
  }

  /** When it expires, milliseconds since 1970; null when it can't be read. */
  expiresMs(): number | null {
    try {
      return Date.parse(new X509Certificate(this.#read().cert).validTo);
    } catch {
      return null;
    }
  }

  /** Days until it expires, negative afterwards; null when it can't be read. For status, health and metrics. */
  daysLeft(): number | null {
    const expires = this.expiresMs();
    return expires === null ? null : (expires - this.#time.wallMs()) / DAY_MS;
  }

  /** Told of new files, once they are complete and fit. */
  watch(changed: (files: CertificateFiles) => void): Stop {
    this.#watchers.add(changed);
    if (this.#watchers.size === 1) this.#stop = this.#poll();
    return () => {
      if (this.#watchers.delete(changed) && this.#watchers.size === 0) this.#stop();
    };
  }

  #poll(): Stop {
    let complained: string | null = null;
    return this.#time.every(RELOAD_MS, () => {
      const before = this.#last;
      try {
        const files = this.#read();
        if (before !== null && same(before, files)) return;
        const fresh = this.current();
        for (const changed of this.#watchers) changed(fresh);
        complained = null;
        this.#log.info({ cert: this.#paths.cert }, 'The network certificate was loaded anew.');
      } catch (thrown) {
        // The old one stays in use while somebody is still writing the new.
        const message = messageOf(thrown);
        if (message !== complained) this.#log.warn({ reason: message }, "The network certificate can't be renewed.");
        complained = message;
      }
    });
  }

  #read(): CertificateFiles {
    const { ca, cert, key } = this.#paths;
    return { ca: readPem('ca', ca), cert: readPem('cert', cert), key: readPem('key', key) };
  }
}

/** @returns the CA */
function check(
  files: CertificateFiles,
  paths: CertificatePaths,
  node: CertifiedIdentity,
  nowMs: number,
): X509Certificate {
  const ca = parse(files.ca, paths.ca);
  const cert = parse(files.cert, paths.cert);
  const fail = (sentence: string, hint: string): never => {
    throw new ArmorlakeError('BAD_CONFIG', sentence, { hint });
  };
  const again = `\`armorlake cert issue ${node.name} --role ${node.role}\``;
  let fits: boolean;
  try {
    fits = cert.checkPrivateKey(createPrivateKey(files.key));
  } catch {
    fits = false;
  }
  if (!fits) fail(`The key ${paths.key} does not belong to ${paths.cert}.`, `Make both anew with ${again}.`);
  if (!cert.checkIssued(ca) || !cert.verify(ca.publicKey)) {
    fail(`${paths.cert} was issued by another CA than ${paths.ca}.`, `Make it anew with the network's CA: ${again}.`);
  }
  if (nowMs >= Date.parse(ca.validTo)) fail(`The network's CA ${paths.ca} has expired.`, 'Make a new one.');
  if (nowMs >= Date.parse(cert.validTo)) {
    fail(`${paths.cert} expired on ${isoDay(cert.validTo)}.`, 'Renew it with `armorlake cert renew`.');
  }
  if (nowMs < Date.parse(cert.validFrom)) {
    fail(`${paths.cert} is not valid before ${isoDay(cert.validFrom)}.`, "Compare this machine's clock with the CA's.");
  }
  const identity = identityIn(cert);
  if (identity === null)
    return fail(`${paths.cert} is no certificate of an Armorlake node.`, `Make one with ${again}.`);
  if (identity.name !== node.name) {
    fail(`${paths.cert} is ${identity.name}'s, but this node is called ${node.name}.`, `Make one with ${again}.`);
  }
  if (node.role === 'query' && identity.role !== 'query') {
    fail(
      `${paths.cert} allows the role edge, not query.`,
      `Make one with ${again}, or start the node with --role edge and without --network.`,
    );
  }
  return ca;
}

function refused(message: string, hint: string): ErrorShape {
  return { code: 'UNAUTHENTICATED', message, hint };
}

function parse(pem: Buffer, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (thrown) {
    throw new ArmorlakeError('BAD_CONFIG', `${path} is no certificate in PEM form: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}

function readPem(what: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw new ArmorlakeError('BAD_CONFIG', `Can't read ${path} (\`network.tls.${what}\`): ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}

function same(one: CertificateFiles, other: CertificateFiles): boolean {
  return one.ca.equals(other.ca) && one.cert.equals(other.cert) && one.key.equals(other.key);
}

function isoDay(date: string): string {
  return new Date(date).toISOString().slice(0, 10);
}
