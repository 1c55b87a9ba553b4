import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { ArmorlakeError, printable } from '../core/index.js';
import type { Client, Coverage } from './client.js';
import type { CliContext } from './context.js';
import { coverageNotices } from './coverage-notices.js';
import { examples, wholeNetwork } from './demo/examples.js';
import { demoInGrafana } from './demo/in-grafana.js';
import { DemoNetwork, edgeCount } from './demo/network.js';
import type { Counts } from './demo/watch.js';
import { watch } from './demo/watch.js';
import { networkText } from './network-status.js';
import { renderTable } from './table.js';

/** Events that make the examples worth reading. */
const ENOUGH_EVENTS = 2000;
const ENOUGH_MS = 30_000;
const FROZEN = 'edge-2';
/** An edge that has woken is back long before. */
const AWAKE_MS = 30_000;
const LOOK_MS = 100;

const help = `
Starts four simulated KubeArmors, three edge nodes that pull from them (one of them from two), and a query node without
data that the edges join; asks the query node; freezes one edge and wakes it again; and goes on until Ctrl+C. The ports
are 7470 (HTTP), 7471 (network) and 32767, or free ones where those are taken. Everything is removed at the end.

With --grafana it runs from a clone of the repository. Three simulated KubeArmors tell of a day that ends in an attack,
and a Grafana of this machine (in the PATH, or at GRAFANA_HOME) shows the dashboards and alert rules at
http://127.0.0.1:3000, or a free port: with data of its own, on loopback only, calling nothing outside.`;

interface DemoOptions {
  readonly once?: boolean;
  readonly grafana?: boolean;
  readonly plugin?: string;
}

/** `armorlake demo`: the main job in one command. */
export function demoCommand(context: CliContext): Command {
  return new Command('demo')
    .description('see it work: simulated KubeArmors → edge nodes → one answer for all of them')
    .option('--grafana', 'show it in a Grafana of this machine: dashboards and alert rules of a day with an attack')
    .option(
      '--plugin <folder>',
      'with --grafana: the unpacked plugin (default: plugin/dist, built where it is missing)',
    )
    .option('--once', 'end after the examples; with --grafana as soon as the dashboards have data')
    .addHelpText('after', help)
    .action(async (options: DemoOptions) => {
      context.setExitCode(await run(context, options));
    });
}

async function run(context: CliContext, { once = false, grafana = false, plugin }: DemoOptions): Promise<number> {
  const { io } = context;
  const folder = mkdtempSync(join(tmpdir(), 'armorlake-demo-'));
  try {
    if (grafana)
      await demoInGrafana(context, {
        folder,
        once,
        plugin: plugin === undefined ? undefined : resolve(io.cwd, plugin),
      });
    else await demoOnTheConsole(context, folder, once);
    return 0;
  } catch (thrown) {
    if (io.signal.aborted) return 0;
    throw thrown;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    if (!once) await io.out('The demo has ended; its folder is removed.\n');
  }
}

async function demoOnTheConsole(context: CliContext, folder: string, once: boolean): Promise<void> {
  const { io, launcher } = context;
  await io.out('Armorlake demo: three edges keep the events of their KubeArmors, one query node answers for all.\n');
  const network = await DemoNetwork.start(launcher, folder, io.signal);
  try {
    await io.out(`${network.lines().map(indent).join('\n')}\n\n`);
    await show(context, network);
    if (once) return;
    await io.out(nextSteps(network));
    const failure = await Promise.race([watch(context, network.client, { done: () => false }), network.broken()]);
    if (failure !== undefined) throw new ArmorlakeError('INTERNAL', failure);
  } finally {
    await network.end();
  }
}

async function show(context: CliContext, network: DemoNetwork): Promise<void> {
  const { io, clock } = context;
  await watch(context, network.client, { done: enough(clock.monotonicMs()) });
  await io.out(`\n${networkText(await network.status(io.signal), clock.wallMs())}`);
  for (const [index, { title, sql }] of examples.entries()) {
    await io.out(`\n${index + 1}. ${title}\n\n${indent(sql)}\n\n`);
    await ask(context, network.client, sql);
  }
  await showFrozen(context, network, examples.length + 1);
}

/** An edge hangs: the answer comes all the same and names it; it wakes: the answer is whole again. */
async function showFrozen(context: CliContext, network: DemoNetwork, number: number): Promise<void> {
  const { io } = context;
  await io.out(`\n${number}. ${FROZEN} hangs (it was sent SIGSTOP): who answers now?\n\n${indent(wholeNetwork)}\n\n`);
  const wake = network.node(FROZEN).freeze();
  try {
    await ask(context, network.client, wholeNetwork);
  } finally {
    await wake();
  }
  await io.out(`\n${number + 1}. ${FROZEN} goes on (SIGCONT): the same question again\n\n`);
  await whenUp(context, network, FROZEN);
  await ask(context, network.client, wholeNetwork);
}

async function ask({ io }: CliContext, client: Client, sql: string): Promise<void> {
  const { schema, rows, stats, coverage } = await client.query(sql, { signal: io.signal });
  const count = `${stats.rows} ${stats.rows === 1 ? 'row' : 'rows'} in ${stats.elapsedMs.toFixed(0)} ms`;
  await io.out(`${renderTable(schema, rows, 48)}${count}; ${printable(coverageText(coverage))}\n`);
}

/** Who answered, who was left out and why, and what is missing. */
function coverageText(coverage: Coverage | null | undefined): string {
  if (coverage === null || coverage === undefined) return 'coverage unknown';
  const { asked, answered, nodes } = coverage;
  const notices = coverageNotices(coverage);
  if (nodes.some(({ status }) => status === 'failed')) return notices.join('\n');
  const pruned = nodes.filter(({ status }) => status === 'pruned');
  const reasons = [...new Set(pruned.map(({ message }) => message ?? 'not needed'))].join('; ');
  const left = pruned.length === 0 ? '' : `, ${pruned.map(({ name }) => name).join(' and ')} not asked: ${reasons}`;
  return [`${answered} of ${asked} ${asked === 1 ? 'node' : 'nodes'} answered${left}`, ...notices].join('\n');
}

async function whenUp({ io, clock }: CliContext, network: DemoNetwork, name: string): Promise<void> {
  const startedMs = clock.monotonicMs();
  for (;;) {
    const { nodes } = await network.status(io.signal);
    const node = nodes.find((each) => each.name === name);
    if (node?.state === 'alive') return;
    if (clock.monotonicMs() - startedMs > AWAKE_MS) {
      throw new ArmorlakeError('INTERNAL', `${name} did not come back: ${node?.reason ?? 'it is not known any more'}`);
    }
    await sleep(LOOK_MS, undefined, { signal: io.signal });
  }
}

function enough(startedMs: number): (counts: Counts, nowMs: number) => boolean {
  return ({ nodes, logs, alerts }, nowMs) =>
    alerts > 0 && nodes === edgeCount && (logs + alerts >= ENOUGH_EVENTS || nowMs - startedMs > ENOUGH_MS);
}

function nextSteps({ client: { url } }: DemoNetwork): string {
  const option = url === 'http://127.0.0.1:7470' ? '' : ` --url ${url}`;
  return `
The query node stays up at ${url} until Ctrl+C. Try in another terminal:
  npx armorlake status${option}
  npx armorlake logs --follow${option}
  npx armorlake query${option} "SELECT node, namespace, operation, count(*) FROM kubearmor.logs GROUP BY ALL"
  npx armorlake query${option} --explain "SELECT policy, count(*) FROM kubearmor.alerts GROUP BY ALL"
  curl ${url}/api/v1/catalog

`;
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ');
}
