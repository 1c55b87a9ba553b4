import { Command } from 'commander';
import type { CliContext, ClientOptions } from './context.js';
import { clientOf, withClientOptions } from './context.js';
import type { Condition, EventFilters } from './event-filters.js';
import { conditionOf, rowFilters, tableOf, withEventFilters } from './event-filters.js';
import { eventLine, rowsAsObjects } from './event-line.js';
import { countOption } from './options.js';
import { coverageNotices } from './coverage-notices.js';
import { printFollowed } from './tail.js';
import { jsonLine } from './text.js';

interface LogsOptions extends ClientOptions, EventFilters {
  readonly limit?: number;
  readonly json?: boolean;
  readonly follow?: boolean;
}

const DEFAULT_LIMIT = 100;

const help = `
Examples:
  armorlake logs                                            the latest alerts
  armorlake logs --logFilter system --operation Process --namespace shop --limit 20
  armorlake logs --logFilter all --resource '/etc/(passwd|shadow)' --json
  armorlake logs --follow --labels app=shop`;

/** `armorlake logs`: stored or live events, with the filters of `karmor logs`. */
export function logsCommand(context: CliContext): Command {
  return withEventFilters(withClientOptions(new Command('logs'), context.io))
    .description('events with the filters of karmor logs, stored or live')
    .addOption(
      countOption('--limit <rows>', `the latest so many (default ${DEFAULT_LIMIT}); with --follow: end after them`),
    )
    .option('--follow', 'the events as they come, instead of stored ones')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', help)
    .action(async (options: LogsOptions) => {
      const request = { table: tableOf(options), condition: conditionOf(rowFilters(options)) };
      if (options.follow === true) await printFollowed(context, options, request);
      else await printStored(context, options, request);
    });
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
  for (const row of rows) await io.out(options.json === true ? jsonLine(row) : eventLine(row));
  for (const notice of coverageNotices(answer.coverage)) io.err(`${notice}\n`);
}
