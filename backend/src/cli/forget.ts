import { Command } from 'commander';
import type { CliContext, ClientOptions } from './context.js';
import { clientOf, withClientOptions } from './context.js';

const help = `
Examples:
  armorlake forget edge-7
  armorlake forget edge-7 --url http://hub.example:7470

A node that has once joined stays expected: while it is away, answers say that it is missing. Forget one that is gone
for good. One that is up is sent away, and joins again only after it was restarted; to keep it out, take its certificate
or its token away. Needs a token of role admin where there are tokens.`;

/** `armorlake forget`: a node is no longer expected to answer, and is sent away when it is up. */
export function forgetCommand({ io }: CliContext): Command {
  return withClientOptions(new Command('forget'), io)
    .description('no longer expect a node; one that is up is sent away')
    .argument('<name>', "the node's name")
    .addHelpText('after', help)
    .action(async (name: string, options: ClientOptions) => {
      const path = `/api/v1/nodes/${encodeURIComponent(name)}`;
      await clientOf(options, io).request(path, { method: 'DELETE', signal: io.signal });
      await io.out(`${name} is forgotten: no answer misses it any more. Once it is started again, it joins anew.\n`);
    });
}
