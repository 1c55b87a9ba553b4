import { Command } from 'commander';
import type { NodeConfig } from '../config/index.js';
import { formatAddress } from '../config/index.js';
import { createLogger } from '../core/index.js';
import type { CliContext } from './context.js';
import type { NodeCliOptions } from './node-options.js';
import { nodeConfigOf, withNodeOptions } from './node-options.js';
import { untilEnd, withEndOption } from './until-end.js';

const help = `
Examples:
  armorlake node --kubearmor 127.0.0.1:32767
  armorlake node --name edge-1 --data /var/lib/armorlake --config /etc/armorlake.yaml --profile edge
  armorlake node --name second --data ./second --http 127.0.0.1:7480     a second node on the same machine
  armorlake node --name query --network 127.0.0.1:7471                   a query node that others join
  armorlake node --name edge-2 --data ./edge-2 --http 127.0.0.1:7481 --join 127.0.0.1:7471 --kubearmor 10.0.0.7:32767

SIGTERM or SIGINT stops it: what it holds is written first. A second signal ends it at once.`;

/** `armorlake node`: runs a node until a signal. */
export function nodeCommand(context: CliContext): Command {
  return withEndOption(withNodeOptions(new Command('node')))
    .description('run a node: pull events in, keep them, answer queries')
    .addHelpText('after', help)
    .action(async (options: NodeCliOptions & { readonly untilStdinEnds?: boolean }) => {
      const config = nodeConfigOf(options, context.io);
      context.setExitCode(await run(context, config, options.untilStdinEnds === true));
    });
}

async function run({ io, startNode }: CliContext, config: NodeConfig, untilStdinEnds: boolean): Promise<number> {
  const logger = createLogger(config.logLevel, { node: config.name });
  const end = untilEnd(io, untilStdinEnds);
  try {
    const node = await startNode(config, logger, end.signal).catch((thrown: unknown) => {
      // Told to stop while it started: that is no failure.
      if (end.signal.aborted) return null;
      throw thrown;
    });
    if (node === null) return 0;
    try {
      await io.out(`Armorlake node ${config.name} is ready at ${node.url} (${purpose(config)}).\n`);
      await end.reached;
    } finally {
      await node.close();
    }
    return 0;
  } finally {
    end.close();
  }
}

/** What the node does, in a few words. */
function purpose({ data, kubearmor, network }: NodeConfig): string {
  const from = kubearmor.map(({ address }) => address).join(', ');
  const pulls = from === '' ? 'no KubeArmor configured' : `pulling from ${from}`;
  return [
    `data in ${data}`,
    ...(network.store ? [pulls] : ['storing no events itself']),
    ...(network.join.length === 0 ? [] : [`joining ${network.join.map(formatAddress).join(', ')}`]),
    ...(network.listen === null ? [] : ['open for others to join']),
  ].join(', ');
}
