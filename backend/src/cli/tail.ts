import { Command } from 'commander';
import { printable } from '../core/index.js';
import type { CliContext, ClientOptions } from './context.js';
import { clientOf, withClientOptions } from './context.js';
import type { Condition, EventFilters } from './event-filters.js';
import { conditionOf, rowFilters, withRowFilters } from './event-filters.js';
import { eventText } from './event-line.js';
import type { OutputForm } from './event-line.js';
import { follow } from './follow.js';
import { countOption } from './options.js';

interface TailOptions extends ClientOptions, Omit<EventFilters, 'logFilter'> {
  readonly where?: string;
  readonly limit?: number;
  readonly json?: boolean;
}

const help = `
Examples:
  armorlake tail
  armorlake tail kubearmor.logs --namespace shop --operation Process
  armorlake tail kubearmor.logs --where "operation = 'Network' AND remote_port = 443" --json`;

/** `armorlake tail`: the rows of one table as they are committed. */
export function tailCommand(context: CliContext): Command {
  return withRowFilters(withClientOptions(new Command('tail'), context.io))
    .description('follow the rows of a table as they come')
    .argument('[table]', 'kubearmor.alerts, kubearmor.logs or kubearmor.messages', 'kubearmor.alerts')
    .option('--where <condition>', 'a condition, as in a SELECT')
    .addOption(countOption('--limit <rows>', 'end after so many rows'))
    .option('--json', 'one JSON object a line')
    .addHelpText('after', help)
    .action(async (table: string, options: TailOptions) => {
      const form = options.json === true ? 'json' : 'text';
      await printFollowed(
        context,
        { ...options, form },
        {
          table,
          condition: bothOf(options.where, conditionOf(rowFilters(options))),
        },
      );
    });
}

/** The user's own condition and that of the filters; the parentheses keep an OR to itself, the line break a comment. */
function bothOf(where: string | undefined, filters: Condition): Condition {
  if (where === undefined) return filters;
  return filters.sql === '' ? { sql: where, params: [] } : { ...filters, sql: `${filters.sql} AND (${where}\n)` };
}

/** Prints what a live tail gives, until a signal or the limit. */
export async function printFollowed(
  { io }: CliContext,
  options: ClientOptions & { readonly limit?: number; readonly form: OutputForm },
  request: Parameters<typeof follow>[1],
): Promise<void> {
  let left = options.limit ?? Infinity;
  for await (const item of follow(clientOf(options, io), request, io.signal)) {
    if ('notice' in item) {
      io.err(`${printable(item.notice)}\n`);
      continue;
    }
    for (const row of item.rows.slice(0, left)) await io.out(eventText(row, options.form));
    left -= item.rows.length;
    if (left <= 0) return;
  }
}
