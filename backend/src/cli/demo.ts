import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { ArmorlakeError, printable } from '../core/index.js';
import type { Client, Coverage } from './client.js';
import type { CliContext } from './context.js';
import { coverageNotices } from './coverage-notices.js';
import { examples, wholeNetwork } from './demo/examples.js';
import { DemoNetwork, edgeCount } from './demo/network.js';
import { StatusLine } from './demo/status-line.js';
import { networkText } from './network-status.js';
import { renderTable } from './table.js';

/** Events that make the examples worth reading. */
const ENOUGH_EVENTS = 2000;
const ENOUGH_MS = 30_000;
const TICK_MS = 500;
const FROZEN = 'edge-2';
/** An edge that has woken is back long before. */
const AWAKE_MS = 30_000;
const LOOK_MS = 100;

const help = `
Starts four simulated KubeArmors, three edge nodes that pull from them (one of them from two), and a query node without
data that the edges join; asks the query node; freezes one edge and wakes it again; and goes on until Ctrl+C. The ports
are 7470 (HTTP), 7471 (network) and 32767, or free ones where those are taken. Everything is removed at the end.`;

/** `armorlake demo`: the main job in one command. */
export function demoCommand(context: CliContext): Command {
  return new Command('demo')
    .description('see it work: simulated KubeArmors → edge nodes → one answer for all of them')
    .option('--once', 'end after the examples')
    .addHelpText('after', help)
    .action(async (options: { readonly once?: boolean }) => {
      context.setExitCode(await run(context, options.once === true));
    });
}

async function run(context: CliContext, once: boolean): Promise<number> {
  const { io, launcher } = context;
  const folder = mkdtempSync(join(tmpdir(), 'armorlake-demo-'));
  let network: DemoNetwork | undefined;
  try {
    await io.out('Armorlake demo: three edges keep the events of their KubeArmors, one query node answers for all.\n');
    network = await DemoNetwork.start(launcher, folder, io.signal);
    await io.out(`${network.lines().map(indent).join('\n')}\n\n`);
    await show(context, network);
    if (once) return 0;
    await io.out(nextSteps(network));
    const failure = await Promise.race([watch(context, network.client, () => false), network.broken()]);
    if (failure === undefined) return 0;
    throw new ArmorlakeError('INTERNAL', failure);
  } catch (thrown) {
    if (io.signal.aborted) return 0;
    throw thrown;
  } finally {
    await network?.end();
    rmSync(folder, { recursive: true, force: true });
    if (!once) await io.out('The demo has ended; its folder is removed.\n');
  }
}

async function show(context: CliContext, network: DemoNetwork): Promise<void> {
  const { io, clock } = context;
  await watch(context, network.client, enough(clock.monotonicMs()));
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

/** What the ledgers of all nodes count. */
interface Counts {
  readonly nodes: number;
  readonly logs: number;
  readonly alerts: number;
}

function enough(startedMs: number): (counts: Counts, nowMs: number) => boolean {
  return ({ nodes, logs, alerts }, nowMs) =>
    alerts > 0 && nodes === edgeCount && (logs + alerts >= ENOUGH_EVENTS || nowMs - startedMs > ENOUGH_MS);
}

/** Shows the live status line until the counts are enough or the demo is interrupted. */
async function watch(
  { io, clock }: CliContext,
  client: Client,
  done: (counts: Counts, nowMs: number) => boolean,
): Promise<undefined> {
  const line = new StatusLine(io);
  let before: { readonly all: number; readonly atMs: number } | undefined;
  while (!io.signal.aborted) {
    const counts = await countsOf(client, io.signal);
    const nowMs = clock.monotonicMs();
    const all = counts.logs + counts.alerts;
    const rate = before === undefined ? 0 : Math.max(0, ((all - before.all) / (nowMs - before.atMs)) * 1000);
    before = { all, atMs: nowMs };
    const text = `  ${counts.nodes} nodes stored ${counts.logs} logs and ${counts.alerts} alerts, ${rate.toFixed(0)} a second`;
    await line.show(text, nowMs);
    if (done(counts, nowMs)) break;
    await sleep(TICK_MS, undefined, { signal: io.signal }).catch(() => undefined);
  }
  await line.end();
  return undefined;
}

async function countsOf(client: Client, signal: AbortSignal): Promise<Counts> {
  const { rows } = await client.query(
    "SELECT count(DISTINCT node), sum(stored) FILTER (stream = 'logs'), sum(stored) FILTER (stream = 'alerts') FROM armorlake.ledger",
    { signal },
  );
  const [nodes = 0, logs = 0, alerts = 0] = (rows[0] ?? []).map(Number);
  return { nodes, logs, alerts };
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
