import { Command, Option } from 'commander';
import type { CliContext, ClientOptions } from './context.js';
import { clientOf, withClientOptions } from './context.js';
import type { Condition, EventFilters } from './event-filters.js';
import { conditionOf, rowFilters, tableOf, withEventFilters } from './event-filters.js';
import { eventText, rowsAsObjects } from './event-line.js';
import type { OutputForm } from './event-line.js';
import { countOption } from './options.js';
import { coverageNotices } from './coverage-notices.js';
import { printFollowed } from './tail.js';

interface LogsOptions extends ClientOptions, EventFilters {
  readonly limit?: number;
  readonly json?: boolean;
  readonly output: OutputForm;
  readonly follow?: boolean;
}

const DEFAULT_LIMIT = 100;

const help = `
Examples:
  armorlake logs                                            the latest alerts
  armorlake logs --logFilter system --operation process -n shop --limit 20
  armorlake logs -n '^(shop|bank)$' -l app=cart,app=pay -o json
  armorlake logs --logFilter all --resource '/etc/(passwd|shadow)' --json
  armorlake logs --follow --labels app=shop

The filters are those of karmor logs: regular expressions that match anywhere in the text (^ and $ bind them).`;

/** `armorlake logs`: stored or live events, with the filters of `karmor logs`. */
export function logsCommand(context: CliContext): Command {
  return withEventFilters(withClientOptions(new Command('logs'), context.io))
    .description('events with the filters of karmor logs, stored or live')
    .addOption(
      countOption('--limit <rows>', `the latest so many (default ${DEFAULT_LIMIT}); with --follow: end after them`),
    )
    .option('--follow', 'the events as they come, instead of stored ones')
    .addOption(
      new Option('-o, --output <form>', 'how to print an event')
        .choices(['text', 'json', 'pretty-json'])
        .default('text'),
    )
    .option('--json', 'one JSON object a line, as -o json')
    .addHelpText('after', help)
    .action(async (options: LogsOptions) => {
      const request = { table: tableOf(options), condition: conditionOf(rowFilters(options)) };
      if (options.follow === true) await printFollowed(context, { ...options, form: formOf(options) }, request);
      else await printStored(context, options, request);
    });
}

function formOf({ json, output }: LogsOptions): OutputForm {
  return json === true && output === 'text' ? 'json' : output;
}

async function printStored(
  { io }: CliContext,
  options: LogsOptions,
  { table, condition }: { readonly table: string; readonly condition: Condition },
): Promise<void> {
  const limit = options.limit ?? DEFAULT_LIMIT;
  const where = condition.sql === '' ? '' : `WHERE ${condition.sql} `;
  const answer = await clientOf(options, io).query(
    `SELECT * FROM ${table} ${where}ORDER BY time DESC, seq DESC LIMIT ${limit}`,
    {
      params: condition.params,
      limits: { rows: limit },
      signal: io.signal,
    },
  );
  // The latest ones, in the order in which they happened.
  const rows = rowsAsObjects(answer.schema, answer.rows).toReversed();
  for (const row of rows) await io.out(eventText(row, formOf(options)));
  for (const notice of coverageNotices(answer.coverage)) io.err(`${notice}\n`);
}
