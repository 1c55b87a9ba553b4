import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, afterAll, beforeEach, describe, expect, it } from 'vitest';
import { credentials } from '@grpc/grpc-js';
import { GrpcClient, network } from '@armorlake/proto';
import { silentLogger } from '../backend/src/core/index.js';
import { connect } from 'node:tls';
import { NodeCertificate, initCa, inspect, issue, renew, systemTime } from '../backend/src/network/index.js';
import type {
  Backbone,
  CertificatePaths,
  HubTarget,
  IssuedFiles,
  NodeRole,
  Time,
} from '../backend/src/network/index.js';
import { TestNetwork, alive, ask, grpcBackbone, grpcWiring, until } from './support/network.js';
import type { TestNode } from './support/network.js';

const DAY_MS = 86_400_000;
const { join: joinMethod, watch, relay, forget } = network.NetworkService.method;
let folder: string;
let other: string;
let hubFiles: IssuedFiles;
let e1Files: IssuedFiles;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'armorlake-tls-'));
  other = join(folder, 'other');
  const nowMs = Date.now();
  await initCa(folder, nowMs);
  await initCa(other, nowMs);
  hubFiles = await issue({ folder, name: 'q1', role: 'query', hosts: ['127.0.0.1', 'localhost'], nowMs });
  e1Files = await issue({ folder, name: 'e1', role: 'edge', nowMs });
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork(grpcWiring());
});
afterEach(async () => {
  await net.close();
});

function backbone(paths: CertificatePaths, name: string, role: NodeRole, wallMs = Date.now()): Backbone {
  const time = { ...systemTime, wallMs: () => wallMs };
  const certificate = new NodeCertificate(paths, { name, role }, time, silentLogger);
  return grpcBackbone({ certificate });
}

async function detailOf(node: TestNode): Promise<string> {
  await until(() => node.node.links()[0]?.detail !== null, 'a refusal');
  return node.node.links()[0]?.detail ?? '';
}

async function hub(): Promise<TestNode & { address: HubTarget }> {
  return await net.hub('q1', { backbone: backbone(hubFiles, 'q1', 'query') });
}

/** A client that has a certificate but none of our manners. */
function rawClient({ ca, cert, key }: CertificatePaths, { host, port }: HubTarget): GrpcClient {
  const paths = { ca, cert, key };
  const files = new NodeCertificate(paths, { name: 'e1', role: 'edge' }, systemTime, silentLogger).current();
  return new GrpcClient(`${host}:${port}`, credentials.createSsl(files.ca, files.key, files.cert));
}

describe('the network over mutual TLS', () => {
  it('joins and answers', async () => {
    const q1 = await hub();
    await net.edge('e1', [q1.address], { backbone: backbone(e1Files, 'e1', 'edge') });
    await until(() => alive(q1, 'e1'));
    expect((await ask(q1, ['e1'])).chunks).toMatchObject([{ text: 'e1 f0' }]);
  });

  it("says when the node's own certificate has expired", async () => {
    const q1 = await hub();
    const late = await net.edge('e1', [q1.address], {
      backbone: backbone(e1Files, 'e1', 'edge', Date.now() + 31 * DAY_MS),
    });
    expect(await detailOf(late)).toMatch(/e1.crt expired on .*armorlake cert renew/);
    expect(late.node.links()[0]?.state).toBe('refused');
  });

  it("says when the hub's certificate has expired", async () => {
    const nowMs = Date.now() - 31 * DAY_MS;
    const expired = await issue({
      folder,
      out: join(folder, 'old'),
      name: 'q1',
      role: 'query',
      hosts: ['127.0.0.1'],
      nowMs,
    });
    // The hub's clock is a month behind, or it would not have started.
    const q1 = await net.hub('q1', { backbone: backbone(expired, 'q1', 'query', nowMs) });
    const e1 = await net.edge('e1', [q1.address], { backbone: backbone(e1Files, 'e1', 'edge') });
    expect(await detailOf(e1)).toMatch(/The certificate of hub .* has expired/);
    await expect(net.hub('q1', { backbone: backbone(expired, 'q1', 'query') })).rejects.toMatchObject({
      code: 'BAD_CONFIG',
      message: expect.stringContaining('expired on'),
    });
  });

  it('says when the two have certificates of different CAs', async () => {
    const q1 = await hub();
    const foreign = await issue({ folder: other, name: 'e1', role: 'edge', nowMs: Date.now() });
    const e1 = await net.edge('e1', [q1.address], { backbone: backbone(foreign, 'e1', 'edge') });
    expect(await detailOf(e1)).toMatch(/The certificate of hub .* was issued by another CA/);
    expect(q1.node.network.members()).toEqual([]);
  });

  it('lets nobody in whose certificate comes from another CA, whatever it trusts itself', async () => {
    const q1 = await hub();
    const foreign = await issue({
      folder: other,
      out: join(folder, 'foreign'),
      name: 'e1',
      role: 'edge',
      nowMs: Date.now(),
    });
    const read = new NodeCertificate(foreign, { name: 'e1', role: 'edge' }, systemTime, silentLogger).current();
    const ours = new NodeCertificate(e1Files, { name: 'e1', role: 'edge' }, systemTime, silentLogger).current();
    const { host, port } = q1.address;
    for (const secured of [credentials.createSsl(ours.ca, read.key, read.cert), credentials.createSsl(ours.ca)]) {
      const client = new GrpcClient(`${host}:${port}`, secured);
      await expect(client.bidi(joinMethod, {}).toArray()).rejects.toMatchObject({ code: 14 });
      client.close();
    }
    expect(q1.node.network.members()).toEqual([]);
  });

  it('says when the certificate has another name or a lesser role', async () => {
    const q1 = await hub();
    const e9 = await net.edge('e9', [q1.address], { backbone: backbone(e1Files, 'e9', 'edge') });
    expect(await detailOf(e9)).toContain("is e1's, but this node is called e9");
    // A node that doesn't look at its own certificate is found out by the hub.
    const sly = backbone(e1Files, 'e1', 'edge');
    const named = await net.edge('e8', [q1.address], { backbone: sly });
    expect(await detailOf(named)).toContain("The certificate is e1's, but the node is called e8.");
    const grown = await net.start('e1', { role: 'query', join: [q1.address], backbone: sly });
    expect(await detailOf(grown)).toContain('The certificate of e1 allows the role edge, not query.');
    await expect(net.hub('e1', { backbone: backbone(e1Files, 'e1', 'query') })).rejects.toMatchObject({
      message: expect.stringContaining('allows the role edge, not query'),
    });
  });

  it("takes no node for a hub that isn't certified as one", async () => {
    const files = await issue({ folder, name: 'e2', role: 'edge', hosts: ['127.0.0.1'], nowMs: Date.now() });
    const fake = await net.hub('e2', { backbone: backbone(files, 'e2', 'edge') });
    const e1 = await net.edge('e1', [fake.address], { backbone: backbone(e1Files, 'e1', 'edge') });
    expect(await detailOf(e1)).toMatch(/The certificate of hub .* does not allow it to be a hub/);
  });

  it('says when the hub is dialled by a name that is not in its certificate', async () => {
    const files = await issue({
      folder,
      out: join(folder, 'hosts'),
      name: 'q1',
      role: 'query',
      hosts: ['hub.example'],
      nowMs: Date.now(),
    });
    const q1 = await net.hub('q1', { backbone: backbone(files, 'q1', 'query') });
    const e1 = await net.edge('e1', [q1.address], { backbone: backbone(e1Files, 'e1', 'edge') });
    expect(await detailOf(e1)).toMatch(/is not made for that address.*--hosts/);
  });

  it('says when one side speaks TLS and the other does not', async () => {
    const plain = await net.hub('q2');
    const e1 = await net.edge('e1', [plain.address], { backbone: backbone(e1Files, 'e1', 'edge') });
    expect(await detailOf(e1)).toMatch(/speaks no TLS/);
    const q1 = await hub();
    const bare = await net.edge('e2', [q1.address]);
    expect(await detailOf(bare)).toMatch(/demands TLS: configure `network.tls`/);
  });

  it('lets no edge ask the network, by whatever means', async () => {
    const q1 = await hub();
    const client = rawClient(e1Files, q1.address);
    const asQuery = { protocol: 1, name: 'e1', role: network.Role.QUERY, engineVersion: '1.5.5' };
    for (const role of [network.Role.QUERY, network.Role.EDGE]) {
      const watched = client.serverStream(watch, { ...asQuery, role }).toArray();
      await expect(watched).rejects.toMatchObject({ code: 7, details: expect.stringContaining('role') });
    }
    await expect(client.bidi(relay).toArray()).rejects.toMatchObject({ code: 7 });
    await expect(client.unary(forget, { name: 'e1' })).rejects.toMatchObject({ code: 7 });
    client.close();
  });

  it('refuses to go beyond loopback without TLS, unless told so', async () => {
    const bare = (insecure: boolean): Backbone => grpcBackbone({ listen: { host: '0.0.0.0', port: 0 }, insecure });
    const refused = { code: 'BAD_CONFIG', message: "This node won't listen on 0.0.0.0:0 without TLS." };
    await expect(net.hub('q1', { backbone: bare(false) })).rejects.toMatchObject(refused);
    expect(() => bare(false).dial({ host: '192.0.2.1', port: 7471 })).toThrow("won't join 192.0.2.1:7471 without TLS");
    const q1 = await net.hub('q1', { backbone: bare(true) });
    await net.edge('e1', [{ host: '127.0.0.1', port: q1.address.port }]);
    await until(() => alive(q1, 'e1'));
  });

  it('shows a renewed certificate to whoever connects from then on', async () => {
    const nowMs = Date.now();
    const out = join(folder, 'renewed');
    const files = await issue({ folder, out, name: 'q1', role: 'query', hosts: ['127.0.0.1'], nowMs });
    let look = (): void => undefined;
    const time: Time = { ...systemTime, every: (_ms, run) => ((look = run), () => undefined) };
    const certificate = new NodeCertificate(files, { name: 'q1', role: 'query' }, time, silentLogger);
    const q1 = await net.hub('q1', { backbone: grpcBackbone({ certificate }) });
    const shown = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const { ca, cert, key } = new NodeCertificate(
          e1Files,
          { name: 'e1', role: 'edge' },
          systemTime,
          silentLogger,
        ).current();
        const socket = connect({ ...q1.address, ca, cert, key, ALPNProtocols: ['h2'] }, () => {
          resolve(socket.getPeerCertificate().fingerprint256);
          socket.destroy();
        });
        socket.on('error', reject);
      });
    expect(await shown()).toBe(inspect(files.cert, nowMs).fingerprint);
    await renew({ folder, out, name: 'q1', nowMs });
    look();
    expect(await shown()).toBe(inspect(files.cert, nowMs).fingerprint);
  });

  it('says when nothing listens there', async () => {
    const q1 = await hub();
    await q1.node.close();
    const e1 = await net.edge('e1', [q1.address], { backbone: backbone(e1Files, 'e1', 'edge') });
    expect(await detailOf(e1)).toMatch(/Nothing listens at 127.0.0.1/);
  });
});
