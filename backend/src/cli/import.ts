import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { formatDuration } from '../config/index.js';
import { ArmorlakeError } from '../core/index.js';
import type { Clock } from '../core/index.js';
import type { Client } from './client.js';
import type { CliContext, ClientOptions } from './context.js';
import { clientOf, withClientOptions } from './context.js';
import type { EarlierImport, FileImport, ImportAccount } from './import-history.js';
import { accountOf, connectorOf, earlierImports, postLines } from './import-history.js';
import { ImportProgress } from './import-progress.js';
import type { FileSurvey, RecordChunk } from './import-records.js';
import { ImportReader, chunksOf, surveyFile } from './import-records.js';
import type { ImportSource } from './import-source.js';
import { openSource } from './import-source.js';
import type { Io } from './io.js';
import { errorText } from './text.js';

interface ImportOptions extends ClientOptions {
  readonly again?: boolean;
}

const help = `
Examples:
  karmor logs --logFilter all --json > events.ndjson
  armorlake import events.ndjson
  armorlake import /tmp/kubearmor.log
  kubectl logs -n kubearmor deploy/kubearmor-relay | armorlake import -

It reads JSON lines, pretty-printed JSON and arrays, KubeArmor's own file (-logPath), answers of OpenSearch,
Elasticsearch and Loki, log files of Docker, containerd and Fluent Bit, kubectl logs, journalctl -o json or export, and
karmor's text; UTF-8 or UTF-16, plain, gzip or zstd. What a file is, its content says.

An import that was interrupted goes on where it was when it is started again, and a file that has grown goes on after
what it held: the node's ledger says which records are committed. A finished file is imported again only with --again.
A pipe is imported as it comes, and once more when it is piped in once more.`;

/** `armorlake import FILE`: recorded events into a node's lake. */
export function importCommand(context: CliContext): Command {
  const { io } = context;
  return withClientOptions(new Command('import'), io)
    .description('bring in recorded KubeArmor events from a file or a pipe')
    .argument('<file>', 'the recording, in any form; - for standard input')
    .option('--again', 'import a file that is already imported once more')
    .addHelpText('after', help)
    .action(async (file: string, options: ImportOptions) => {
      context.setExitCode(await run(context, file, options));
    });
}

async function run({ io, clock }: CliContext, file: string, options: ImportOptions): Promise<number> {
  try {
    const client = clientOf(options, io);
    const source = await openSource(file === '-' ? file : resolve(io.cwd, file), io);
    if (source.isFile) await importFile(client, source, options.again === true, io, clock);
    else await importPipe(client, source, io, clock);
    return 0;
  } catch (thrown) {
    const error = ArmorlakeError.from(thrown);
    io.err(errorText(error));
    return 1;
  }
}

async function importFile(client: Client, source: ImportSource, again: boolean, io: Io, clock: Clock): Promise<void> {
  const { name } = source;
  const earlier = await earlierImports(client, io.signal);
  const survey = await surveyFile(source, hashesByRecords(earlier));
  if (survey.records === 0) {
    await io.out(`${name} holds no events.\n`);
    return;
  }
  const plan = planOf(survey, earlier, again);
  if (plan.finished !== null) {
    await io.out(`${name} is already imported: ${accountText(plan.finished)}. (--again imports it once more.)\n`);
    return;
  }
  if (plan.from > plan.import.base) io.err(`Going on after record ${plan.from} of ${survey.records}.\n`);
  else if (plan.from > 0) {
    io.err(`Its first ${plan.from} records are imported already: going on after them, of ${survey.records}.\n`);
  }
  const started = clock.monotonicMs();
  const progress = new ImportProgress(survey.records, plan.from, io, clock);
  const connector = connectorOf(plan.import);
  const chunks = chunksOf(new ImportReader(source), plan.from, survey.records);
  await new Sender(client, connector, plan.from - plan.import.base, io).send(chunks, progress);
  await printAccount(client, connector, source, survey.form, clock.monotonicMs() - started, io);
}

/** A pipe can be read once only: it is sent as it comes, after the look at its beginning. */
async function importPipe(client: Client, source: ImportSource, io: Io, clock: Clock): Promise<void> {
  const connector = `import:pipe:${randomBytes(8).toString('hex')}`;
  const started = clock.monotonicMs();
  const reader = new ImportReader(source);
  const progress = new ImportProgress(null, 0, io, clock);
  await new Sender(client, connector, 0, io).send(chunksWithEvents(reader), progress);
  if (progress.records === 0) await io.out(`${source.name} holds no events.\n`);
  else await printAccount(client, connector, source, reader.form, clock.monotonicMs() - started, io);
}

/** The chunks of a pipe; those before its first event wait for it. @throws ArmorlakeError when there is none */
async function* chunksWithEvents(reader: ImportReader): AsyncGenerator<RecordChunk> {
  let waiting: RecordChunk[] = [];
  const refuse = (): void => {
    const refusal = reader.refusal(waiting.reduce((sum, chunk) => sum + chunk.records, 0));
    if (refusal !== null) throw refusal;
  };
  for await (const chunk of chunksOf(reader)) {
    waiting.push(chunk);
    if (reader.events === 0) {
      if (waiting.length >= MOST_WAITING) refuse();
      continue;
    }
    yield* waiting;
    waiting = [];
  }
  refuse();
}

/** Chunks without an event that a pipe may begin with. */
const MOST_WAITING = 4;

/** Hashes of earlier imports, by their number of records. */
function hashesByRecords(earlier: readonly EarlierImport[]): ReadonlyMap<number, readonly string[]> {
  const hashes = new Map<number, string[]>();
  for (const { records, hash } of earlier) hashes.set(records, [...(hashes.get(records) ?? []), hash]);
  return hashes;
}

interface Plan {
  readonly import: FileImport;
  /** Records at the file's beginning that are committed. */
  readonly from: number;
  /** The account of the import that is all of this file; null when there is something to do. */
  readonly finished: ImportAccount | null;
}

/** What is to be done about a file, when these imports were made before. */
function planOf({ sha256, records, known }: FileSurvey, earlier: readonly EarlierImport[], again: boolean): Plan {
  const hash = sha256.slice(0, 32);
  const begun = earlier.filter((each) => known.has(each.hash));
  const last = begun
    .filter((each) => each.hash === hash)
    .sort((left, right) => left.run - right.run)
    .at(-1);
  if (last !== undefined) {
    if (last.committed < records) return { import: last, from: last.committed, finished: null };
    if (!again) return { import: last, from: records, finished: last.account };
    return { import: { hash, records, base: 0, run: last.run + 1 }, from: 0, finished: null };
  }
  const base = again ? 0 : begun.reduce((most, { committed }) => Math.max(most, committed), 0);
  return { import: { hash, records, base, run: 1 }, from: base, finished: null };
}

const RETRY_MS = 1000;
/** Attempts in a row before the import gives up. */
const ATTEMPTS = 30;

/** Sends records to one connector, each once. */
class Sender {
  readonly #client: Client;
  readonly #connector: string;
  readonly #io: Io;
  /** Records of this connector that are committed. */
  #committed: number;

  constructor(client: Client, connector: string, committed: number, io: Io) {
    this.#client = client;
    this.#connector = connector;
    this.#committed = committed;
    this.#io = io;
  }

  /** Where the node is busy or restarts, goes on after what it has committed. */
  async send(chunks: AsyncIterable<RecordChunk>, progress: ImportProgress): Promise<void> {
    try {
      for await (const chunk of chunks) {
        await this.#sendChunk(chunk);
        progress.add(chunk.records);
      }
    } catch (thrown) {
      throw progress.records === 0 ? thrown : stopped(thrown, progress.text());
    } finally {
      progress.end();
    }
  }

  /** Answered after the commit of all its lines; the next chunk goes only then, so what is committed is a prefix. */
  async #sendChunk(chunk: RecordChunk): Promise<void> {
    const end = this.#committed + chunk.records;
    for (let attempts = 1; this.#committed < end; attempts++) {
      const bytes = afterLines(chunk.bytes, chunk.records - (end - this.#committed));
      try {
        await postLines(this.#client, this.#connector, bytes, this.#io.signal);
        this.#committed = end;
      } catch (thrown) {
        const { code } = ArmorlakeError.from(thrown);
        if ((code !== 'BUSY' && code !== 'NOT_READY') || attempts >= ATTEMPTS) throw thrown;
        await sleep(RETRY_MS, undefined, { signal: this.#io.signal }).catch(() => undefined);
        await this.#lookUp();
      }
    }
  }

  /** What the ledger says is committed; a node that isn't ready is asked at the next attempt. */
  async #lookUp(): Promise<void> {
    try {
      this.#committed = (await accountOf(this.#client, this.#connector, this.#io.signal)).received;
    } catch (thrown) {
      const { code } = ArmorlakeError.from(thrown);
      if (code !== 'BUSY' && code !== 'NOT_READY') throw thrown;
    }
  }
}

function afterLines(bytes: Uint8Array<ArrayBuffer>, lines: number): Uint8Array<ArrayBuffer> {
  let at = 0;
  for (let line = 0; line < lines; line++) at = bytes.indexOf(0x0a, at) + 1;
  return bytes.subarray(at);
}

function stopped(thrown: unknown, progress: string): ArmorlakeError {
  const { code, message, hint } = ArmorlakeError.from(thrown);
  return new ArmorlakeError(code, `The import stopped after ${progress}: ${message}`, {
    hint: hint ?? 'What came before is stored. Start it again: a file goes on where it was.',
    cause: thrown,
  });
}

async function printAccount(
  client: Client,
  connector: string,
  { name }: ImportSource,
  form: string,
  ms: number,
  io: Io,
): Promise<void> {
  const account = await accountOf(client, connector, io.signal);
  await io.out(`Imported ${name} in ${formatDuration(ms)}: ${accountText(account)}. Read as ${form}.\n`);
}

function accountText({ received, stored, rejected, dropped }: ImportAccount): string {
  const parts = [`${received} records`, `${stored} stored`, `${rejected} rejected`];
  if (dropped > 0) parts.push(`${dropped} dropped`);
  return `${parts.join(', ')}${rejected > 0 ? ' (see armorlake.dead_letters)' : ''}`;
}
