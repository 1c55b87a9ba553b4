import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Address, NodeConfig } from '../../config/index.js';
import { formatAddress } from '../../config/index.js';
import type { Clock } from '../../core/index.js';
import { ArmorlakeError, deadlineOf, hasErrno, messageOf, silentLogger } from '../../core/index.js';
import { NodeCertificate, inspect, systemTime } from '../../network/index.js';

import type { Check } from './check.js';
import { fail, ok, warn } from './check.js';
import { bindProblem } from './listener.js';

const HUB_MS = 5000;
const DAY_MS = 86_400_000;
/** Certificates live for 30 days; with less than a quarter of that left somebody has forgotten to renew. */
const SOON_DAYS = 7;

/** The node's part in the network: its port, its certificate, and whether its hubs can be reached. */
export async function networkChecks(
  config: NodeConfig,
  clock: Clock,
  running: boolean,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const { listen, join, role, tls } = config.network;
  if (listen === null && join.length === 0) return [];
  const secured = tls === null ? null : certificateOf(config, clock);
  return [
    ok('network', `role ${role}${config.network.store ? '' : ', without data of its own'}`),
    ...(secured === null ? [] : [secured.check]),
    ...(listen === null || running ? [] : [await portCheck(listen)]),
    ...(await Promise.all(join.map((hub) => hubCheck(hub, tls !== null, secured?.files ?? null, signal)))),
  ];
}

type CertificateFiles = ReturnType<NodeCertificate['current']>;

interface Secured {
  readonly check: Check;
  /** Null when they can't be used. */
  readonly files: CertificateFiles | null;
}

function certificateOf({ name, network }: NodeConfig, clock: Clock): Secured | null {
  const { tls, role, insecure } = network;
  if (tls === null) return null;
  const title = 'network certificate';
  try {
    const time = { ...systemTime, wallMs: () => clock.wallMs() };
    const files = new NodeCertificate(tls, { name, role }, time, silentLogger).current();
    const facts = inspect(tls.cert, clock.wallMs());
    const left = Math.floor(facts.daysLeft);
    const message = `${facts.name ?? name}, role ${facts.role ?? role}, valid until ${facts.validTo} (${left} ${left === 1 ? 'day' : 'days'})`;
    const caDays = (Date.parse(inspect(tls.ca, clock.wallMs()).validTo) - clock.wallMs()) / DAY_MS;
    if (left < SOON_DAYS) return { check: warn(title, message, 'Renew it with `armorlake cert renew`.'), files };
    if (caDays < 90) {
      const fix = 'Make a new CA in another folder, and issue every certificate with it.';
      return { check: warn(title, `${message}; the network's CA expires in ${Math.floor(caDays)} days`, fix), files };
    }
    if (insecure) {
      const fix = 'Leave --insecure-network out: with certificates it is not needed.';
      return { check: warn(title, `${message}; network.insecure is set all the same`, fix), files };
    }
    return { check: ok(title, message), files };
  } catch (thrown) {
    const error = ArmorlakeError.from(thrown);
    return { check: fail(title, error.message, error.hint ?? 'See docs/network.md.'), files: null };
  }
}

async function portCheck(listen: Address): Promise<Check> {
  const where = formatAddress(listen);
  const problem = await bindProblem(listen);
  if (problem === undefined) return ok('network port', `${where} is free`);
  const why = hasErrno(problem, 'EADDRINUSE') ? 'it is in use' : messageOf(problem);
  return fail('network port', `${where} can't be listened on: ${why}`, 'Name another address with --network.');
}

/** Whether a hub can be connected to and, with TLS, is who it is dialled as. */
async function hubCheck(
  hub: Address,
  encrypted: boolean,
  files: CertificateFiles | null,
  signal: AbortSignal,
): Promise<Check> {
  const title = `hub ${formatAddress(hub)}`;
  const problem = await connectProblem(hub, files, signal);
  if (problem === undefined) {
    return ok(title, files !== null ? 'it answers, and its certificate is right' : 'something listens there');
  }
  const fix = encrypted
    ? 'Check the address and the firewall; the hub needs a certificate of the same CA that names this host (`armorlake cert issue … --host`).'
    : 'Check the address and the firewall; the hub is started with --network HOST:PORT.';
  return fail(title, problem, fix);
}

function connectProblem(
  { host, port }: Address,
  files: CertificateFiles | null,
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const { signal: limit, clear } = deadlineOf(signal, HUB_MS);
    const socket: Socket =
      files === null
        ? connectTcp({ host, port })
        : connectTls({ host, port, ...files, ALPNProtocols: ['h2'] }).once('secureConnect', () => done(undefined));
    const done = (problem: string | undefined): void => {
      limit.removeEventListener('abort', late);
      clear();
      socket.destroy();
      resolve(problem);
    };
    const late = (): void => {
      done('it does not answer');
    };
    limit.addEventListener('abort', late, { once: true });
    socket.once('error', (error) => {
      done(messageOf(error));
    });
    if (files === null) socket.once('connect', () => done(undefined));
  });
}
