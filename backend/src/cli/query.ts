import { Command, Option } from 'commander';
import { parseDuration } from '../config/index.js';
import { ArmorlakeError, printable } from '../core/index.js';
import type { Answer, Explanation } from './client.js';
import type { CliContext, ClientOptions } from './context.js';
import { clientOf, withClientOptions } from './context.js';
import { coverageNotices } from './coverage-notices.js';
import { csvLine } from './csv.js';
import { explanationText } from './explain-text.js';
import type { Io } from './io.js';
import { readInput } from './io.js';
import { countOption } from './options.js';
import type { SelectionOptions } from './selection.js';
import { selectionOf, withSelectionOptions } from './selection.js';
import { fittedTable, renderTable, renderVertical } from './table.js';
import { errorText, jsonLine } from './text.js';

type Format = 'table' | 'vertical' | 'json' | 'csv';

interface QueryCliOptions extends ClientOptions, SelectionOptions {
  readonly explain?: boolean;
  readonly format: Format;
  readonly limit?: number;
  readonly timeout?: string;
  readonly raw?: boolean;
}

const help = `
Examples:
  armorlake query "SELECT namespace, count(*) FROM kubearmor.logs GROUP BY ALL ORDER BY 2 DESC"
  armorlake query --format csv "FROM kubearmor.alerts" > alerts.csv
  echo "SELECT * FROM armorlake.gaps" | armorlake query --format json
  armorlake query --label site=north --partial fail "SELECT count(*) FROM kubearmor.alerts"
  armorlake query --explain "SELECT policy, count(*) FROM kubearmor.alerts GROUP BY ALL"

On a terminal a table is as wide as the terminal, and turned, a line a column, when its rows don't fit; into a pipe it
is as wide as its cells: armorlake query "…" | less -S

The answer goes to stdout; the time taken and what is missing from the answer go to stderr.`;

/** \`armorlake query\`: one SELECT, as a table, JSON or CSV. */
export function queryCommand(context: CliContext): Command {
  const { io } = context;
  return withClientOptions(withSelectionOptions(new Command('query')), io)
    .description('ask a node one SELECT, which it answers for the whole network')
    .argument('[sql]', 'the SELECT; read from stdin when left out')
    .addOption(
      new Option('--format <format>', 'how to print the answer')
        .choices(['table', 'vertical', 'json', 'csv'])
        .default('table'),
    )
    .addOption(countOption('--limit <rows>', 'rows at most (default 10,000)'))
    .option('--timeout <time>', 'time at most, as 30s (the default) or 2m')
    .option('--explain', 'show what each node would run, who would be asked and why others would not; run nothing')
    .option('--raw', 'csv: leave text that a spreadsheet runs as a formula as it is (default: an apostrophe in front)')
    .addHelpText('after', help)
    .action(async (sql: string | undefined, options: QueryCliOptions) => {
      context.setExitCode(await run(context, sql, options));
    });
}

async function run({ io }: CliContext, given: string | undefined, options: QueryCliOptions): Promise<number> {
  const sql = given ?? (io.inputIsTerminal ? '' : await readInput(io.input));
  if (sql.trim() === '') {
    throw new ArmorlakeError('BAD_REQUEST', 'There is no SQL.', {
      hint: 'Write armorlake query "SELECT …", or pipe the SQL in.',
    });
  }
  const timeoutMs = options.timeout === undefined ? undefined : parseDuration(options.timeout);
  if (options.timeout !== undefined && timeoutMs === undefined) {
    throw new ArmorlakeError('BAD_REQUEST', `--timeout ${options.timeout} is no length of time.`, {
      hint: 'Write it as 30s or 2m.',
    });
  }
  if (options.explain === true && options.format === 'csv') {
    throw new ArmorlakeError('BAD_REQUEST', 'An explanation is no table.', {
      hint: 'Leave --format out, or take json.',
    });
  }
  const limits = {
    ...(options.limit === undefined ? {} : { rows: options.limit }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  const client = clientOf(options, io);
  const asked = { limits, ...selectionOf(options), signal: io.signal };
  try {
    if (options.explain === true) await printExplanation(await client.explain(sql, asked), options, io);
    else await printAnswer(await client.query(sql, asked), options, io);
    return 0;
  } catch (thrown) {
    io.err(errorText(ArmorlakeError.from(thrown), sql));
    return 1;
  }
}

async function printExplanation(explanation: Explanation, { format }: QueryCliOptions, io: Io): Promise<void> {
  await io.out(format === 'json' ? jsonLine(explanation) : explanationText(explanation));
}

async function printAnswer(answer: Answer, options: QueryCliOptions, io: Io): Promise<void> {
  switch (options.format) {
    case 'json':
      await io.out(jsonLine(answer));
      break;
    case 'csv':
      await printCsv(answer, options.raw === true, io);
      break;
    case 'vertical':
      await printPaged(renderVertical(answer.schema, answer.rows), io);
      break;
    case 'table':
      await printPaged(tableText(answer, io), io);
  }
  const { stats } = answer;
  io.err(`${stats.rows} ${stats.rows === 1 ? 'row' : 'rows'} in ${stats.elapsedMs.toFixed(0)} ms\n`);
  if (stats.truncated) io.err('The answer was cut at the row limit; there are more rows (--limit).\n');
  if (options.partial === 'ignore') return;
  for (const notice of coverageNotices(answer.coverage)) io.err(`${printable(notice)}\n`);
}

/** As wide as the terminal; turned when a row doesn't fit. */
function tableText({ schema, rows }: Answer, { outIsTerminal, columns }: Io): string {
  if (!outIsTerminal) return renderTable(schema, rows);
  return fittedTable(schema, rows, columns) ?? renderVertical(schema, rows);
}

async function printPaged(text: string, io: Io): Promise<void> {
  await io.out(text);
  const lines = text.split('\n').length - 1;
  if (io.outIsTerminal && lines > io.rows) io.err(`${lines} lines: a pager shows them, armorlake query … | less -S\n`);
}

async function printCsv(answer: Answer, raw: boolean, io: Io): Promise<void> {
  const shown = (line: string): string => (io.outIsTerminal ? `${printable(line.slice(0, -2))}\r\n` : line);
  await io.out(
    shown(
      csvLine(
        answer.schema.map((column) => column.name),
        raw,
      ),
    ),
  );
  for (const row of answer.rows) await io.out(shown(csvLine(row, raw)));
}
