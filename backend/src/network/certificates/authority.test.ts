import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../core/index.js';
import { systemTime } from '../time.js';
import type { Time } from '../time.js';
import { initCa, inspect, issue, renew } from './authority.js';
import { identityIn } from './identity.js';
import { NodeCertificate } from './node-certificate.js';

const now = Date.parse('2026-03-01T12:00:00Z');
const DAY_MS = 86_400_000;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'armorlake-certificates-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function at(wallMs: number): Time {
  return { ...systemTime, wallMs: () => wallMs };
}

describe('the certificate authority', () => {
  it('makes a CA once, with a key nobody else can read', async () => {
    const { cert, key } = await initCa(folder, now);
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect(inspect(cert, now)).toMatchObject({ isCa: true, name: null, role: null, issuer: 'CN=Armorlake network CA' });
    expect(inspect(cert, now).daysLeft).toBeCloseTo(3_650);
    await expect(initCa(folder, now)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('issues certificates that say who a node is, what it may do and where it listens', async () => {
    await initCa(folder, now);
    const out = join(folder, 'q1');
    const hosts = ['hub.example', '10.0.0.7', '::1'];
    const files = await issue({ folder, out, name: 'q1', role: 'query', hosts, nowMs: now });
    expect(statSync(files.key).mode & 0o777).toBe(0o600);
    const [leaf, ca] = [files.cert, files.ca].map((path) => new X509Certificate(readFileSync(path)));
    expect(leaf?.verify((ca as X509Certificate).publicKey)).toBe(true);
    expect(leaf?.ca).toBe(false);
    expect(leaf?.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
    expect(leaf?.checkHost('hub.example')).toBe('hub.example');
    expect(leaf?.checkIP('10.0.0.7')).toBe('10.0.0.7');
    expect(identityIn(leaf as X509Certificate)).toEqual({ name: 'q1', role: 'query' });
    expect(inspect(files.cert, now)).toMatchObject({ name: 'q1', role: 'query', isCa: false });
    expect(inspect(files.cert, now).hosts).toHaveLength(3);
    expect(inspect(files.cert, now + 10 * DAY_MS).daysLeft).toBeCloseTo(20);
  });

  it('renews with the same name, role and hosts and a new key', async () => {
    await initCa(folder, now);
    const files = await issue({ folder, name: 'q1', role: 'query', hosts: ['hub.example', '10.0.0.7'], nowMs: now });
    const before = readFileSync(files.key, 'utf8');
    await renew({ folder, name: 'q1', nowMs: now + 25 * DAY_MS });
    expect(readFileSync(files.key, 'utf8')).not.toBe(before);
    expect(inspect(files.cert, now)).toMatchObject({ name: 'q1', role: 'query', hosts: ['hub.example', '10.0.0.7'] });
    expect(inspect(files.cert, now).daysLeft).toBeCloseTo(55);
    await expect(renew({ folder, name: 'q2', nowMs: now })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it.each(['ca', '', '../q1', 'a b', 'CN=x', 'x'.repeat(64)])('refuses %j as a name', async (name) => {
    await initCa(folder, now);
    await expect(issue({ folder, name, role: 'edge', nowMs: now })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('refuses hosts that are none, odd lengths of time, and a folder without a CA', async () => {
    await expect(issue({ folder, name: 'e1', role: 'edge', nowMs: now })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await initCa(folder, now);
    const odd = [{ hosts: ['a,URI:armorlake://query/e1'] }, { days: 0 }, { days: NaN }, { days: 9_999 }];
    for (const each of odd) {
      const issued = issue({ folder, name: 'e1', role: 'edge', nowMs: now, ...each });
      await expect(issued).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    }
  });
});

describe("a node's certificate", () => {
  const check = (
    paths: { ca: string; cert: string; key: string },
    over: { name?: string; role?: 'edge' | 'query'; at?: number } = {},
  ) =>
    new NodeCertificate(
      paths,
      { name: over.name ?? 'e1', role: over.role ?? 'edge' },
      at(over.at ?? now),
      silentLogger,
    );

  it('is used when all fits, and tells its days', async () => {
    await initCa(folder, now);
    const paths = await issue({ folder, name: 'e1', role: 'edge', nowMs: now });
    expect(check(paths).current().cert).toEqual(readFileSync(paths.cert));
    expect(check(paths).daysLeft()).toBeCloseTo(30);
    expect(check(paths, { at: now + 31 * DAY_MS }).daysLeft()).toBeCloseTo(-1);
    expect(check({ ...paths, cert: join(folder, 'none') }).daysLeft()).toBeNull();
  });

  it('has a sentence for each thing that can be wrong', async () => {
    await initCa(folder, now);
    const other = join(folder, 'other');
    await initCa(other, now);
    const e1 = await issue({ folder, name: 'e1', role: 'edge', nowMs: now });
    const e2 = await issue({ folder, name: 'e2', role: 'edge', nowMs: now });
    const says = (sentence: RegExp, run: () => unknown): void => {
      expect(run).toThrow(expect.objectContaining({ code: 'BAD_CONFIG', message: expect.stringMatching(sentence) }));
    };
    says(/e1.crt expired on 2026-03-31/, () => check(e1, { at: now + 31 * DAY_MS }).current());
    says(/is not valid before 2026-03-01/, () => check(e1, { at: now - DAY_MS }).current());
    says(/was issued by another CA than .*other/, () => check({ ...e1, ca: join(other, 'ca.crt') }).current());
    says(/key .*e2.key does not belong to .*e1.crt/, () => check({ ...e1, key: e2.key }).current());
    says(/e1.crt is e1's, but this node is called e9/, () => check(e1, { name: 'e9' }).current());
    says(/allows the role edge, not query/, () => check(e1, { role: 'query' }).current());
    says(/Can't read .*none/, () => check({ ...e1, cert: join(folder, 'none') }).current());
    const ca = { ca: join(folder, 'ca.crt'), cert: join(folder, 'ca.crt'), key: join(folder, 'ca.key') };
    says(/is no certificate of an Armorlake node/, () => check(ca).current());
    writeFileSync(e1.cert, 'nothing');
    says(/e1.crt is no certificate in PEM form/, () => check(e1).current());
  });

  it('is loaded again when its files have changed and fit together', async () => {
    await initCa(folder, now);
    const paths = await issue({ folder, name: 'e1', role: 'edge', nowMs: now });
    let look = (): void => undefined;
    const time: Time = { ...at(now), every: (_ms, run) => ((look = run), () => undefined) };
    const certificate = new NodeCertificate(paths, { name: 'e1', role: 'edge' }, time, silentLogger);
    certificate.current();
    const seen: Buffer[] = [];
    certificate.watch(({ cert }) => seen.push(cert));
    look();
    expect(seen).toHaveLength(0);
    const old = readFileSync(paths.key);
    await renew({ folder, name: 'e1', nowMs: now });
    const renewed = readFileSync(paths.key);
    writeFileSync(paths.key, old);
    look();
    expect(seen).toHaveLength(0);
    writeFileSync(paths.key, renewed);
    look();
    expect(seen).toEqual([readFileSync(paths.cert)]);
    look();
    expect(seen).toHaveLength(1);
  });
});
