import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { ArmorlakeError } from '../core/index.js';
import { Client } from './client.js';
import type { CliContext } from './context.js';
import { Child } from './demo/child.js';
import { examples } from './demo/examples.js';
import { StatusLine } from './demo/status-line.js';
import { renderTable } from './table.js';

/** KubeArmor's published events, which ship with the node. */
const RECORDED_EVENTS = fileURLToPath(new URL('../../data/published-events.ndjson', import.meta.url));

/** Events that make the examples worth reading. */
const ENOUGH_EVENTS = 2000;
const ENOUGH_MS = 30_000;
const TICK_MS = 500;
const RATE = 400;

const help = `
Starts a simulated KubeArmor and a node in a temporary folder, asks it three questions, and goes on until Ctrl+C.
The ports are 32767 and 7470, or free ones where those are taken. Everything is removed at the end.`;

/** `armorlake demo`: the main job in one command. */
export function demoCommand(context: CliContext): Command {
  return new Command('demo')
    .description('see it work: simulated KubeArmor → node → SQL')
    .option('--once', 'end after the examples')
    .addHelpText('after', help)
    .action(async (options: { readonly once?: boolean }) => {
      context.setExitCode(await run(context, options.once === true));
    });
}

async function run(context: CliContext, once: boolean): Promise<number> {
  const { io } = context;
  const folder = mkdtempSync(join(tmpdir(), 'armorlake-demo-'));
  const children: Child[] = [];
  try {
    const client = await startAll(context, folder, children);
    await watch(context, client, enough(context.clock.monotonicMs()));
    await showExamples(context, client);
    if (once) return 0;
    await io.out(nextSteps(client.url));
    const gone = Promise.race(children.map(async (child) => `The ${child.name} ended (${await child.exited}).`));
    const failure = await Promise.race([watch(context, client, () => false), gone]);
    if (failure === undefined) return 0;
    throw new ArmorlakeError('INTERNAL', failure);
  } catch (thrown) {
    if (io.signal.aborted) return 0;
    throw thrown;
  } finally {
    // Readers first: the node has written all it got when its KubeArmor goes.
    for (const child of children.reverse()) await child.end();
    rmSync(folder, { recursive: true, force: true });
    if (!once) await io.out('The demo has ended; its folder is removed.\n');
  }
}

async function startAll({ io, launcher }: CliContext, folder: string, children: Child[]): Promise<Client> {
  await io.out('Armorlake demo: a simulated KubeArmor sends events over gRPC, a node stores them and answers SQL.\n');
  const listen = `127.0.0.1:${await portOrFree(32_767)}`;
  const simulator = await Child.start(
    'simulated KubeArmor',
    launcher,
    [
      'simulate',
      'kubearmor',
      '--listen',
      listen,
      '--rate',
      String(RATE),
      '--replay',
      RECORDED_EVENTS,
      '--then-generate',
    ],
    io.signal,
  );
  children.push(simulator);
  await io.out(`  ${simulator.line}\n`);
  const address = addressIn(simulator, /at (\S+:\d+)/);
  const node = await Child.start(
    'node',
    launcher,
    [
      'node',
      '--name',
      'demo',
      '--data',
      folder,
      '--http',
      `127.0.0.1:${await portOrFree(7470)}`,
      '--kubearmor',
      address,
      '--log-level',
      'warn',
    ],
    io.signal,
  );
  children.push(node);
  await io.out(`  ${node.line}\n\n`);
  return new Client(addressIn(node, /at (https?:\S+)/), null);
}

function addressIn(child: Child, pattern: RegExp): string {
  const address = pattern.exec(child.line)?.[1];
  if (address === undefined) throw new ArmorlakeError('INTERNAL', `The ${child.name} said nothing of its address.`);
  return address.replace(/[.,]$/, '');
}

/** The port where it is free on loopback, 0 (any) otherwise. */
function portOrFree(port: number): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(0);
    });
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      server.close(() => {
        resolve(port);
      });
    });
  });
}

/** What the ledger counts. */
interface Counts {
  readonly logs: number;
  readonly alerts: number;
}

function enough(startedMs: number): (counts: Counts, nowMs: number) => boolean {
  return ({ logs, alerts }, nowMs) => logs + alerts >= ENOUGH_EVENTS || (alerts > 0 && nowMs - startedMs > ENOUGH_MS);
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
    await line.show(`  stored ${counts.logs} logs and ${counts.alerts} alerts, ${rate.toFixed(0)} a second`, nowMs);
    if (done(counts, nowMs)) break;
    await sleep(TICK_MS, undefined, { signal: io.signal }).catch(() => undefined);
  }
  await line.end();
  return undefined;
}

async function countsOf(client: Client, signal: AbortSignal): Promise<Counts> {
  const { rows } = await client.query('SELECT stream, sum(stored)::BIGINT FROM armorlake.ledger GROUP BY stream', {
    signal,
  });
  const count = (stream: string): number => Number(rows.find((row) => row[0] === stream)?.[1] ?? 0);
  return { logs: count('logs'), alerts: count('alerts') };
}

async function showExamples({ io }: CliContext, client: Client): Promise<void> {
  for (const [index, { title, sql }] of examples.entries()) {
    const answer = await client.query(sql, { signal: io.signal });
    const indented = sql.replace(/^/gm, '    ');
    await io.out(
      `\n${index + 1}. ${title}\n\n${indented}\n\n${renderTable(answer.schema, answer.rows, 60)}${answer.stats.rows} rows in ${answer.stats.elapsedMs.toFixed(0)} ms\n`,
    );
  }
}

function nextSteps(url: string): string {
  const option = url === 'http://127.0.0.1:7470' ? '' : ` --url ${url}`;
  return `
The node stays up at ${url} until Ctrl+C. Try in another terminal:
  npx armorlake status${option}
  npx armorlake logs --follow${option}
  npx armorlake query${option} "SELECT namespace, operation, count(*) FROM kubearmor.logs GROUP BY ALL"
  curl ${url}/api/v1/catalog

`;
}
