import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import type { Role } from '../api/index.js';
import { TokenStore } from '../api/index.js';
import type { CliContext, ClientOptions } from './context.js';
import { clientOf, withClientOptions } from './context.js';
import type { Io } from './io.js';
import { renderTable } from './table.js';
import { jsonLine } from './text.js';

const created = z.object({ token: z.string() });
const listed = z.object({
  tokens: z.array(z.object({ name: z.string(), role: z.string(), created: z.string() })),
});

interface TokenOptions extends ClientOptions {
  /** The data folder of a node that doesn't run. */
  readonly data?: string;
}

const help = `
Examples:
  armorlake token create owner --role admin
  armorlake token create dashboards --role read
  armorlake token list
  armorlake token revoke dashboards

The first token is of role admin: from it on every request needs one. For a node that does not run yet, as one that
is to listen beyond loopback, name its data folder instead: --data DIR.`;

/** `armorlake token`: who may ask a node, and for what. */
export function tokenCommand(context: CliContext): Command {
  return new Command('token')
    .description('create, list and revoke the tokens of a node')
    .addHelpText('after', help)
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(revokeCommand(context));
}

function withTokenOptions(command: Command, io: Io): Command {
  return withClientOptions(command, io).option('--data <folder>', 'the data folder of a node that does not run');
}

function createCommand({ io, clock }: CliContext): Command {
  return withTokenOptions(new Command('create'), io)
    .description('make a token; it is shown only now')
    .argument('<name>', 'what it is called in lists and in armorlake.queries')
    .addOption(
      new Option('--role <role>', 'read: ask; intake: post events; admin: both, import, and tokens')
        .choices(['read', 'intake', 'admin'])
        .makeOptionMandatory(),
    )
    .action(async (name: string, options: TokenOptions & { readonly role: Role }) => {
      const body = JSON.stringify({ name, role: options.role });
      const token =
        storeOf(options, io)?.create(name, options.role, new Date(clock.wallMs())) ??
        created.parse(await clientOf(options, io).json('/api/v1/tokens', { method: 'POST', body, signal: io.signal }))
          .token;
      await io.out(`${token}\n`);
      io.err('Keep it: it is not shown again. Use it as ARMORLAKE_TOKEN.\n');
    });
}

function listCommand({ io }: CliContext): Command {
  return withTokenOptions(new Command('list'), io)
    .description('the tokens there are')
    .option('--json', 'as JSON')
    .action(async (options: TokenOptions & { readonly json?: boolean }) => {
      const tokens =
        storeOf(options, io)?.list() ??
        listed.parse(await clientOf(options, io).json('/api/v1/tokens', { signal: io.signal })).tokens;
      const columns = [{ name: 'name' }, { name: 'role' }, { name: 'created' }];
      const rows = tokens.map((token) => [token.name, token.role, token.created]);
      await io.out(options.json === true ? jsonLine({ tokens }) : renderTable(columns, rows));
    });
}

function revokeCommand({ io }: CliContext): Command {
  return withTokenOptions(new Command('revoke'), io)
    .description('take a token away; it counts at once')
    .argument('<name>', 'the name it was given')
    .action(async (name: string, options: TokenOptions) => {
      const store = storeOf(options, io);
      if (store !== null) {
        store.revoke(name);
      } else {
        const path = `/api/v1/tokens/${encodeURIComponent(name)}`;
        await clientOf(options, io).request(path, { method: 'DELETE', signal: io.signal });
      }
      await io.out(`The token ${name} is revoked.\n`);
    });
}

function storeOf({ data }: TokenOptions, { cwd }: Io): TokenStore | null {
  if (data === undefined) return null;
  const folder = resolve(cwd, data);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return TokenStore.open(join(folder, 'tokens.json'));
}
