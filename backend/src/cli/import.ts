import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { formatDuration } from '../config/index.js';
import { ArmorlakeError } from '../core/index.js';
import type { Clock } from '../core/index.js';
import type { Client } from './client.js';
import type { CliContext, ClientOptions } from './context.js';
import { clientOf, withClientOptions } from './context.js';
import { chunksOf, surveyFile } from './import-file.js';
import type { FileSurvey } from './import-file.js';
import { ImportProgress } from './import-progress.js';
import type { Io } from './io.js';

interface ImportOptions extends ClientOptions {
  readonly again?: boolean;
}

const help = `
Examples:
  karmor logs --logFilter all --json > events.ndjson
  armorlake import events.ndjson

An import that was interrupted goes on where it was when it is started again: the node's ledger says how many lines of
this very file (by its SHA-256) are committed. A finished file is imported again only with --again.`;

/** `armorlake import FILE.ndjson`: recorded events into a node's lake. */
export function importCommand(context: CliContext): Command {
  const { io } = context;
  return withClientOptions(new Command('import'), io)
    .description('bring in a file of KubeArmor events, one JSON object a line')
    .argument('<file>', 'lines as `karmor logs --json` prints them')
    .option('--again', 'import a file that is already imported once more')
    .addHelpText('after', help)
    .action(async (file: string, options: ImportOptions) => {
      await run(context, resolve(io.cwd, file), options);
    });
}

async function run({ io, clock }: CliContext, file: string, options: ImportOptions): Promise<void> {
  const client = clientOf(options, io);
  const survey = await surveyFile(file, io.signal);
  const history = await importsOf(client, survey.sha256, io.signal);
  const last = history.at(-1);
  const finished = last !== undefined && last.lines >= survey.lines;
  if (finished && options.again !== true) {
    await io.out(`${file} is already imported: ${accountText(last)}. (--again imports it once more.)\n`);
    return;
  }
  const run = last === undefined ? 1 : finished ? last.run + 1 : last.run;
  const from = finished ? 0 : (last?.lines ?? 0);
  if (from > 0) io.err(`Going on after line ${from} of ${survey.lines}.\n`);
  const started = clock.monotonicMs();
  await new FileImport(client, file, survey, run, io, clock).send(from);
  const account = (await importsOf(client, survey.sha256, io.signal)).find((each) => each.run === run);
  await io.out(
    `Imported ${file} in ${formatDuration(clock.monotonicMs() - started)}: ${account === undefined ? 'it holds no events' : accountText(account)}.\n`,
  );
}

const RETRY_MS = 1000;
/** Attempts before the import gives up. */
const ATTEMPTS = 30;

/** One import of one file. */
class FileImport {
  readonly #client: Client;
  readonly #file: string;
  readonly #survey: FileSurvey;
  readonly #run: number;
  readonly #io: Io;
  readonly #clock: Clock;

  constructor(client: Client, file: string, survey: FileSurvey, run: number, io: Io, clock: Clock) {
    this.#client = client;
    this.#file = file;
    this.#survey = survey;
    this.#run = run;
    this.#io = io;
    this.#clock = clock;
  }

  /** Sends the lines after the first `from`; where the node is busy or restarts, goes on from what it has committed. */
  async send(from: number): Promise<void> {
    const progress = new ImportProgress(this.#survey.lines, from, this.#io, this.#clock);
    let attempts = 0;
    try {
      for (;;) {
        try {
          if (attempts > 0) progress.set(await this.#committed());
          await this.#sendRest(progress);
          return;
        } catch (thrown) {
          const { code } = ArmorlakeError.from(thrown);
          if ((code !== 'BUSY' && code !== 'NOT_READY') || ++attempts >= ATTEMPTS) throw thrown;
          await sleep(RETRY_MS, undefined, { signal: this.#io.signal }).catch(() => undefined);
        }
      }
    } catch (thrown) {
      throw stopped(thrown, progress.lines, this.#survey.lines);
    } finally {
      progress.end();
    }
  }

  async #sendRest(progress: ImportProgress): Promise<void> {
    const name = importName(this.#survey.sha256, this.#run);
    for await (const chunk of chunksOf(this.#file, progress.lines, this.#io.signal)) {
      // Answered after the commit of all its lines; the next part goes only then, so what is committed is a prefix.
      await post(this.#client, name, chunk.bytes, this.#io.signal);
      progress.set(progress.lines + chunk.lines);
    }
  }

  async #committed(): Promise<number> {
    const history = await importsOf(this.#client, this.#survey.sha256, this.#io.signal);
    return history.find((each) => each.run === this.#run)?.lines ?? 0;
  }
}

function stopped(thrown: unknown, lines: number, all: number): ArmorlakeError {
  const { code, message, hint } = ArmorlakeError.from(thrown);
  return new ArmorlakeError(code, `The import stopped after line ${lines} of ${all}: ${message}`, {
    hint: hint ?? 'Start it again: it goes on where it was.',
    cause: thrown,
  });
}

async function post(client: Client, name: string, body: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void> {
  const path = `/intake/kubearmor?connector=${encodeURIComponent(name)}`;
  await client.request(path, { method: 'POST', body, contentType: 'application/x-ndjson', signal });
}

/** What the ledger says of one import of a file. */
interface ImportAccount {
  readonly run: number;
  readonly lines: number;
  readonly stored: number;
  readonly rejected: number;
  readonly dropped: number;
}

/** The connector of an import: rows carry it, and the ledger counts by it in the batch's own transaction. */
function importName(sha256: string, run: number): string {
  return `import:${sha256.slice(0, 32)}:${run}`;
}

/** The imports of this very file, in their order. */
async function importsOf(client: Client, sha256: string, signal: AbortSignal): Promise<readonly ImportAccount[]> {
  const prefix = `import:${sha256.slice(0, 32)}:`;
  // Answered once everything that an interrupted import left on its way is committed: then the ledger is exact.
  await post(client, `${prefix}1`, new Uint8Array(), signal);
  const { rows } = await client.query(
    'SELECT connector, sum(received)::BIGINT, sum(stored)::BIGINT, sum(dead_lettered)::BIGINT, sum(dropped)::BIGINT ' +
      'FROM armorlake.ledger WHERE starts_with(connector, ?) GROUP BY connector',
    { params: [prefix], signal },
  );
  return rows
    .map((row) => ({
      run: Number(String(row[0]).slice(prefix.length)),
      lines: Number(row[1]),
      stored: Number(row[2]),
      rejected: Number(row[3]),
      dropped: Number(row[4]),
    }))
    .sort((left, right) => left.run - right.run);
}

function accountText({ lines, stored, rejected, dropped }: ImportAccount): string {
  const parts = [`${lines} lines`, `${stored} stored`, `${rejected} rejected`];
  if (dropped > 0) parts.push(`${dropped} dropped`);
  return `${parts.join(', ')}${rejected > 0 ? ' (see armorlake.dead_letters)' : ''}`;
}
