import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GrpcClient, feeder } from '@armorlake/proto';
import { credentials, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSimulator } from '../backend/src/simulator/index.js';
import type { RunningSimulator } from '../backend/src/simulator/index.js';
import type { Certificate } from './support/certificates.js';
import { makeCertificate } from './support/certificates.js';

const { healthCheck } = feeder.LogService.method;

describe("the simulator's mutual TLS", () => {
  const ca = makeCertificate({ name: 'Test CA', isCa: true });
  const issuer = ca;
  const client = makeCertificate({ name: 'client', issuer });
  let folder: string;
  let simulator: RunningSimulator;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'armorlake-tls-'));
    const server = makeCertificate({ name: 'kubearmor', issuer, ips: ['127.0.0.1'] });
    const [caFile, certFile, keyFile] = ['ca.crt', 'server.crt', 'server.key'].map((file) => join(folder, file));
    if (caFile === undefined || certFile === undefined || keyFile === undefined) throw new Error('unreachable');
    await writeFile(caFile, ca.cert);
    await writeFile(certFile, server.cert);
    await writeFile(keyFile, server.key);
    simulator = await startSimulator({ listen: '127.0.0.1:0', tls: { caFile, certFile, keyFile } });
  });

  afterAll(async () => {
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function call(root: Certificate, own?: Certificate): Promise<unknown> {
    const grpc = new GrpcClient(
      simulator.address,
      credentials.createSsl(
        Buffer.from(root.cert),
        own === undefined ? null : Buffer.from(own.key),
        own === undefined ? null : Buffer.from(own.cert),
      ),
    );
    try {
      return await grpc.unary(healthCheck, { nonce: 5 }, { timeoutMs: 10_000 });
    } finally {
      grpc.close();
    }
  }

  it('takes a client whose certificate its CA signed', async () => {
    await expect(call(ca, client)).resolves.toMatchObject({ Retval: 5 });
  });

  it('refuses a client without a certificate, and one that another CA signed', async () => {
    await expect(call(ca)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    const foreign = makeCertificate({ name: 'client' });
    await expect(call(ca, foreign)).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });

  it('is refused by a client that trusts another CA', async () => {
    const other = makeCertificate({ name: 'Other CA', isCa: true });
    await expect(call(other, client)).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });
});
