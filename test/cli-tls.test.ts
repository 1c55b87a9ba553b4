import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { certificateChecks } from '../backend/src/cli/doctor/certificates.js';
import { loadConfig } from '../backend/src/config/index.js';
import { systemClock } from '../backend/src/core/index.js';
import { Workplace, run } from './cli-support.js';
import type { CertificateOptions } from './support/certificates.js';
import { makeCertificate } from './support/certificates.js';

const DAY_MS = 86_400_000;

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.close());

function write(name: string, pem: string): string {
  writeFileSync(place.path(name), pem);
  return place.path(name);
}

describe('a node with TLS', () => {
  it('answers over https to a command that knows its CA, and says what to do otherwise', async () => {
    const ca = makeCertificate({ name: 'Test CA', isCa: true });
    const own = makeCertificate({ name: 'node', issuer: ca, ips: ['127.0.0.1'] });
    const config = write('node.yaml', 'http: { tls: { cert: node.crt, key: node.key } }');
    write('node.crt', own.cert);
    write('node.key', own.key);
    const node = place.start(['node', '--config', config, '--data', 'lake', '--http', '127.0.0.1:0']);
    const [, url = ''] = await node.says(/ready at (https:\S+) /);
    const environment = { NODE_EXTRA_CA_CERTS: write('ca.crt', ca.cert) };
    expect(await run(['query', '--url', url, 'SELECT 1'], { environment })).toMatchObject({ code: 0 });
    const stranger = await run(['query', '--url', url, 'SELECT 1']);
    expect(stranger).toMatchObject({ code: 1, err: expect.stringContaining('NODE_EXTRA_CA_CERTS') });
  });
});

describe('doctor, of a certificate for KubeArmor', () => {
  const ca = makeCertificate({ name: 'KubeArmor CA', isCa: true });

  function examine(leaf: Partial<CertificateOptions>, files: { ca?: string; key?: string } = {}) {
    const own = makeCertificate({ name: 'client', issuer: ca, ...leaf });
    const paths = {
      ca: write('ca.crt', files.ca ?? ca.cert),
      cert: write('client.crt', own.cert),
      key: write('client.key', files.key ?? own.key),
    };
    const file = write('node.yaml', JSON.stringify({ kubearmor: [{ address: '127.0.0.1:1', tls: paths }] }));
    const config = loadConfig({ file, environment: {}, flags: new Map(), cwd: place.folder });
    return certificateChecks(config, systemClock)[0];
  }

  it('is content with one that is in order', () => {
    expect(examine({ notAfter: new Date(Date.now() + 90 * DAY_MS) })).toMatchObject({ status: 'ok' });
  });

  it.each<[string, Partial<CertificateOptions>, { ca?: string; key?: string }, string, RegExp]>([
    ['that ends soon', {}, {}, 'warn', /^ends at/],
    ['that has ended', { notAfter: new Date(Date.now() - DAY_MS) }, {}, 'fail', /^ended at/],
    ['not valid yet', { notBefore: new Date(Date.now() + DAY_MS) }, {}, 'fail', /^valid only from/],
    ['with another key', {}, { key: makeCertificate({ name: 'x' }).key }, 'fail', /is not the key of/],
    ['with a key that is none', {}, { key: 'nonsense' }, 'fail', /./],
    ['of another CA', {}, { ca: makeCertificate({ name: 'Other', isCa: true }).cert }, 'fail', /is not issued by/],
    ['of the same subject as its CA', { name: 'KubeArmor CA' }, {}, 'fail', /same subject/],
    ['with a CA that is none', {}, { ca: makeCertificate({ name: 'leaf' }).cert }, 'fail', /is no CA/],
  ])('warns of one %s', (_, leaf, files, status, message) => {
    const check = examine(leaf, files);
    expect(check?.message).toMatch(message);
    expect(check).toMatchObject({ status, fix: expect.stringMatching(/\w/) });
  });
});
