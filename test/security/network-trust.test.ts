import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { credentials } from '@grpc/grpc-js';
import { GrpcClient, network } from '@armorlake/proto';
import { TokenStore, networkTokens } from '../../backend/src/api/index.js';
import { silentLogger } from '../../backend/src/core/index.js';
import { NodeCertificate, initCa, issue, systemTime } from '../../backend/src/network/index.js';
import type {
  Backbone,
  CertificatePaths,
  GrpcOptions,
  HubTarget,
  NodeRole,
  Time,
} from '../../backend/src/network/index.js';
import { TestNetwork, alive, ask, grpcBackbone, grpcWiring, reason, until } from '../support/network.js';
import type { TestNode } from '../support/network.js';

const DAY_MS = 86_400_000;
let folder: string;
let net: TestNetwork;
let time: Time & { aheadMs: number };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'armorlake-trust-'));
  net = new TestNetwork(grpcWiring());
  const moved = { ...systemTime, aheadMs: 0, wallMs: (): number => Date.now() + moved.aheadMs };
  time = moved;
});
afterEach(async () => {
  await net.close();
  rmSync(folder, { recursive: true, force: true });
});

function secured(
  paths: CertificatePaths,
  name: string,
  role: NodeRole,
  clock: Time,
  more: Partial<GrpcOptions> = {},
): Backbone {
  return grpcBackbone({
    ...more,
    certificate: new NodeCertificate(paths, { name, role }, clock, silentLogger),
    time: clock,
  });
}

/** Timers of which the one that looks for new certificate files also runs when a test says so. */
function looked(): { readonly every: Time['every']; look(): void } {
  const looks: (() => void)[] = [];
  return {
    every: (ms, run) => {
      if (ms === 5_000) looks.push(run);
      return systemTime.every(ms, run);
    },
    look: () => {
      for (const run of looks) run();
    },
  };
}

function linkOf({ node }: TestNode): { readonly state: string; readonly detail: string | null } {
  return node.links()[0] ?? { state: 'none', detail: null };
}

describe('a certificate that has ended', () => {
  beforeEach(async () => {
    await initCa(folder, Date.now());
  });

  const certified = async (name: string, role: NodeRole, days: number, ca = folder): Promise<CertificatePaths> => {
    const out = join(folder, name);
    return await issue({ folder: ca, out, name, role, hosts: ['127.0.0.1'], days, nowMs: Date.now() });
  };

  it("ends the member's session at the hub, and a renewed one begins the next", async () => {
    const hub = await net.hub('q1', { backbone: secured(await certified('q1', 'query', 300), 'q1', 'query', time) });
    const paths = await certified('e1', 'edge', 30);
    const edge = await net.edge('e1', [hub.address], { backbone: secured(paths, 'e1', 'edge', time) });
    await until(() => alive(hub, 'e1'));
    time.aheadMs = 31 * DAY_MS;
    await until(() => !alive(hub, 'e1'));
    expect(reason(hub, 'e1')).toMatch(/The certificate of e1 expired on /);
    await until(() => /expired on .*armorlake cert renew/.test(linkOf(edge).detail ?? ''));
    await certified('e1', 'edge', 90);
    await until(() => alive(hub, 'e1'), 'it joins by the renewed certificate');
  });

  it('takes a renewed certificate before the former one ends', async () => {
    const files = looked();
    const hub = await net.hub('q1', { backbone: secured(await certified('q1', 'query', 300), 'q1', 'query', time) });
    const paths = await certified('e1', 'edge', 30);
    const watching = { ...time, every: files.every, wallMs: () => time.wallMs() };
    const edge = await net.edge('e1', [hub.address], { backbone: secured(paths, 'e1', 'edge', watching) });
    await until(() => alive(hub, 'e1'));
    await certified('e1', 'edge', 90);
    files.look();
    await until(() => linkOf(edge).state !== 'joined', 'it leaves');
    await until(() => alive(hub, 'e1') && linkOf(edge).state === 'joined');
    time.aheadMs = 31 * DAY_MS;
    const checks = until(() => !alive(hub, 'e1')).then(() => 'gone');
    const later = new Promise((resolve) => setTimeout(resolve, 2_500, 'alive'));
    expect(await Promise.race([checks, later])).toBe('alive');
  });

  it("ends what a query node watches, and a member's session with a hub whose own has ended", async () => {
    const paths = await certified('q1', 'query', 30);
    const hub = await net.hub('q1', { backbone: secured(paths, 'q1', 'query', systemTime) });
    const edge = await net.edge('e1', [hub.address], {
      backbone: secured(await certified('e1', 'edge', 300), 'e1', 'edge', time),
    });
    const asker = await net.hub('q2', {
      join: [hub.address],
      backbone: secured(await certified('q2', 'query', 300), 'q2', 'query', time),
    });
    await until(() => alive(asker, 'e1'));
    // Only theirs: the hub's own clock stands, or its file would be at fault.
    time.aheadMs = 31 * DAY_MS;
    await until(() => linkOf(edge).state === 'refused');
    expect(linkOf(edge).detail).toMatch(/The certificate of q1 expired on /);
    await until(() => asker.node.peers()[0]?.detail != null && !alive(asker, 'e1'));
    expect(asker.node.peers()[0]?.detail).toMatch(/certificate of .* expired/);
  });

  it('ends sessions of the former CA once the hub has files of a new one', async () => {
    const paths = await certified('q1', 'query', 30);
    const files = looked();
    const hub = await net.hub('q1', { backbone: secured(paths, 'q1', 'query', { ...time, every: files.every }) });
    await net.edge('e1', [hub.address], { backbone: secured(await certified('e1', 'edge', 30), 'e1', 'edge', time) });
    await until(() => alive(hub, 'e1'));
    const next = join(folder, 'next');
    await initCa(next, Date.now());
    await certified('q1', 'query', 30, next);
    files.look();
    await until(() => !alive(hub, 'e1'));
    expect(reason(hub, 'e1')).toMatch(/of another CA than the network's|lost its connection/);
  });
});

describe('a query certificate', () => {
  const certified = async (name: string, role: NodeRole): Promise<CertificatePaths> => {
    const days = { days: 30, nowMs: Date.now() };
    return await issue({ folder, out: join(folder, name), name, role, hosts: ['127.0.0.1'], ...days });
  };
  const forgetting = (asker: TestNode): Promise<void> => asker.node.network.forget('e1', AbortSignal.timeout(60_000));

  it('makes no hub forget a node, unless with a token of an administrator of that hub', async () => {
    await initCa(folder, Date.now());
    const tokens = TokenStore.open(join(folder, 'tokens.json'));
    const hubPaths = await certified('q1', 'query');
    const hub = await net.hub('q1', {
      backbone: secured(hubPaths, 'q1', 'query', time, { tokens: networkTokens(tokens) }),
    });
    await net.edge('e1', [hub.address], { backbone: secured(await certified('e1', 'edge'), 'e1', 'edge', time) });
    const paths = await certified('q2', 'query');
    const asking = async (tokenFile: string | null): Promise<TestNode> => {
      const backbone = secured(paths, 'q2', 'query', time, { tokenFile });
      const asker = await net.hub('q2', { join: [hub.address], backbone });
      await until(() => alive(asker, 'e1'));
      return asker;
    };
    const thief = await asking(null);
    await expect(forgetting(thief)).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('armorlake forget NAME') as string,
    });
    const owner = join(folder, 'owner');
    writeFileSync(owner, tokens.create('owner', 'admin', new Date()));
    const reader = join(folder, 'reader');
    writeFileSync(reader, tokens.create('reader', 'read', new Date()));
    await expect(forgetting(thief)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await thief.node.close();
    const lesser = await asking(reader);
    await expect(forgetting(lesser)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(alive(hub, 'e1')).toBe(true);
    await lesser.node.close();
    await forgetting(await asking(owner));
    expect(hub.node.network.members()).toEqual([]);
  });

  it('stands in the account of every node that is asked by way of another hub', async () => {
    await initCa(folder, Date.now());
    const hub = await net.hub('q1', { backbone: secured(await certified('q1', 'query'), 'q1', 'query', time) });
    const paths = await certified('e1', 'edge');
    const edge = await net.edge('e1', [hub.address], { backbone: secured(paths, 'e1', 'edge', time) });
    const backbone = secured(await certified('thief', 'query'), 'thief', 'query', time);
    const thief = await net.hub('thief', { join: [hub.address], backbone });
    await until(() => alive(thief, 'e1'));
    await ask(thief, ['e1'], { who: 'alice'.repeat(100) });
    expect(edge.runner.requests.at(-1)?.who).toMatch(/^(alice)+.*… at thief at q1$/);
    expect((await ask(thief, ['e1'], { queryId: 'x'.repeat(1_000) })).error('e1')).toContain('BAD_REQUEST e1');
  });
});

describe('the network port without TLS of a hub that has tokens', () => {
  const { join: joinMethod, deliver, watch, relay, forget } = network.NetworkService.method;
  const UNAUTHENTICATED = 16;
  let tokens: TokenStore;
  let hub: TestNode & { address: HubTarget };
  beforeEach(async () => {
    tokens = TokenStore.open(join(folder, 'tokens.json'));
    hub = await net.hub('q1', { backbone: grpcBackbone({ tokens: networkTokens(tokens) }) });
  });

  const newToken = (name: string, role: 'read' | 'intake' | 'admin'): string => {
    const path = join(folder, name);
    writeFileSync(path, `${tokens.create(name, role, new Date())}\n`);
    return path;
  };
  const edgeWith = (tokenFile: string | null): Promise<TestNode> =>
    net.edge('e1', [hub.address], { backbone: grpcBackbone({ tokenFile }) });

  it('lets a local process join, relay, watch and forget only with a token', async () => {
    newToken('owner', 'admin');
    const client = new GrpcClient(`127.0.0.1:${hub.address.port}`, credentials.createInsecure());
    await expect(client.bidi(joinMethod).toArray()).rejects.toMatchObject({ code: UNAUTHENTICATED });
    await expect(client.bidi(deliver).toArray()).rejects.toMatchObject({ code: UNAUTHENTICATED });
    await expect(client.bidi(relay).toArray()).rejects.toMatchObject({ code: UNAUTHENTICATED });
    await expect(client.serverStream(watch, {}).toArray()).rejects.toMatchObject({ code: UNAUTHENTICATED });
    await expect(client.unary(forget, { name: 'e1' })).rejects.toMatchObject({ code: UNAUTHENTICATED });
    client.close();
    const edge = await edgeWith(null);
    await until(() => linkOf(edge).state === 'refused');
    expect(linkOf(edge).detail).toMatch(/asks for a token .*network\.tokenFile/);
  });

  it('lets each role do its own: intake joins, read asks, admin forgets', async () => {
    newToken('owner', 'admin');
    await edgeWith(newToken('edges', 'intake'));
    await until(() => alive(hub, 'e1'));
    const reader = newToken('reader', 'read');
    const asker = await net.hub('q2', { join: [hub.address], backbone: grpcBackbone({ tokenFile: reader }) });
    await until(() => alive(asker, 'e1'));
    await expect(asker.node.network.forget('e1', AbortSignal.timeout(5_000))).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    const joins = grpcBackbone({ tokenFile: reader }).dial(hub.address);
    const refused = await new Promise((resolve) => joins.join().handle({ message: () => undefined, closed: resolve }));
    expect(refused).toMatchObject({ code: 'FORBIDDEN' });
    joins.close();
  });

  it('ends sessions without a token when the first is made, and those of a token that is revoked', async () => {
    const edge = await edgeWith(null);
    await until(() => alive(hub, 'e1'));
    newToken('owner', 'admin');
    await until(() => !alive(hub, 'e1'));
    await edge.node.close();
    const path = newToken('edges', 'intake');
    await edgeWith(path);
    await until(() => alive(hub, 'e1'));
    tokens.revoke('edges');
    await until(() => !alive(hub, 'e1'));
    expect(reason(hub, 'e1')).toContain('does not know the token');
  });
});
