import { randomBytes } from 'node:crypto';
import { ArmorlakeError } from '../../core/index.js';
import type { Client } from '../client.js';
import type { CliContext } from '../context.js';
import { grafanaFiles } from './grafana-files.js';
import { findGrafana } from './grafana-install.js';
import type { Place } from './grafana-links.js';
import { placesToLook } from './grafana-links.js';
import type { RuleStates } from './grafana.js';
import { Grafana } from './grafana.js';
import { DemoNetwork, edgeCount } from './network.js';
import { freePort } from './ports.js';
import { watch } from './watch.js';

const PORT = 3000;
/** The past day has arrived long before; a machine that takes longer shows what it has. */
const HISTORY_MS = 120_000;
const RULES_EVERY_MS = 5000;

/** Nodes that have told what happened until now. */
const CAUGHT_UP = `SELECT count(*) FROM (SELECT node, max(time) AS latest FROM kubearmor.events GROUP BY node)
WHERE latest >= now()::TIMESTAMP - INTERVAL 1 MINUTE`;

export interface InGrafanaOptions {
  /** Where everything is kept. */
  readonly folder: string;
  /** Ends it as soon as the dashboards have data. */
  readonly once: boolean;
  /** The unpacked plugin, where it isn't the repository's. */
  readonly plugin: string | undefined;
}

/** The demo's network with a Grafana of its own in front of it, until the signal. */
export async function demoInGrafana(context: CliContext, { folder, once, plugin }: InGrafanaOptions): Promise<void> {
  const { io, launcher, clock } = context;
  const startedMs = clock.monotonicMs();
  const install = findGrafana(io.environment);
  await io.out(`Armorlake demo in Grafana: ${install.program}\n`);
  const files = await grafanaFiles(io, plugin);
  const network = await DemoNetwork.start(launcher, folder, io.signal, 'story');
  let grafana: Grafana | undefined;
  try {
    await io.out(`${network.lines().map(indented).join('\n')}\n\n`);
    const adminPassword = randomBytes(8).toString('hex');
    grafana = Grafana.start(install, files, {
      port: await freePort(PORT),
      folder: `${folder}/grafana`,
      armorlakeUrl: network.client.url,
      adminPassword,
      environment: io.environment,
    });
    const running = grafana;
    const broken = Promise.race([networkBroken(network), running.broken()]);
    await unless(broken, io.signal, (signal) => untilThere(context, network.client, running, signal));
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    const places = await placesToLook(network.client, io.signal);
    await io.out(whatIsThere(running.url, places, adminPassword, network.client.url, seconds));
    if (!once) await unless(broken, io.signal, (signal) => watchRules(context, network.client, running, signal));
  } finally {
    await Promise.all([grafana?.end(), network.end()]);
  }
}

async function networkBroken(network: DemoNetwork): Promise<ArmorlakeError> {
  return new ArmorlakeError('INTERNAL', await network.broken());
}

/** What the work gives; when something breaks before, the work is stopped. */
async function unless<Value>(
  broken: Promise<ArmorlakeError>,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const stop = new AbortController();
  const working = work(AbortSignal.any([signal, stop.signal]));
  try {
    return await Promise.race([
      working,
      broken.then((error) => {
        throw error;
      }),
    ]);
  } finally {
    stop.abort();
    await working.catch(() => undefined);
  }
}

/** Waits until Grafana shows the dashboards, and the nodes hold the past day. */
async function untilThere(context: CliContext, client: Client, grafana: Grafana, signal: AbortSignal): Promise<void> {
  const startedMs = context.clock.monotonicMs();
  let state: 'starts' | 'is ready' | 'fails' = 'starts';
  const ready = grafana.ready(signal).then(
    () => (state = 'is ready'),
    (thrown: unknown) => {
      state = 'fails';
      throw thrown;
    },
  );
  const shown = watch(context, client, {
    signal,
    done: async ({ nodes }, nowMs) => {
      if (state !== 'is ready') return state === 'fails';
      if (nowMs - startedMs > HISTORY_MS) return true;
      return nodes === edgeCount && (await caughtUp(client, signal)) === edgeCount;
    },
    more: (nowMs) => `; Grafana ${state}, ${((nowMs - startedMs) / 1000).toFixed(0)} s`,
  });
  await Promise.all([ready, shown]);
}

async function caughtUp(client: Client, signal: AbortSignal): Promise<number> {
  const { rows } = await client.query(CAUGHT_UP, { signal });
  return Number(rows[0]?.[0] ?? 0);
}

/** The status line with the rules that fire, until the signal. */
async function watchRules(context: CliContext, client: Client, grafana: Grafana, signal: AbortSignal): Promise<void> {
  let states: RuleStates | undefined;
  let lookedMs = -Infinity;
  await watch(context, client, {
    signal,
    done: async (_counts, nowMs) => {
      if (nowMs - lookedMs >= RULES_EVERY_MS) {
        lookedMs = nowMs;
        states = await grafana.rules(signal).catch(() => states);
      }
      return false;
    },
    more: () => (states === undefined ? '' : `; ${states.firing.length} of ${states.rules} alert rules fire`),
  });
}

function whatIsThere(url: string, places: readonly Place[], password: string, node: string, seconds: number): string {
  const rows = places.map(({ name, path }) => `  ${name.padEnd(22)}${url}${path}`);
  return `
Ready after ${seconds.toFixed(0)} s. Open in a browser on this machine:

${rows.join('\n')}

Somebody broke in here today: docs/tour.md finds it, dashboard by dashboard. Rules fire within a minute or two.
Grafana listens on loopback only. Who reaches it there may see and explore all of it without a log-in (role Editor);
to change more, log in as admin with the password ${password}, which goes with the demo.
The query node is at ${node}: npx armorlake status --url ${node}
Ctrl+C ends all of it and removes its folder.

`;
}

function indented(line: string): string {
  return `    ${line}`;
}
