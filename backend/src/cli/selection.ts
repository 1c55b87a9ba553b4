import type { Command } from 'commander';
import { Option } from 'commander';
import { ArmorlakeError } from '../core/index.js';
import type { Selection } from './client.js';
import { listOption } from './options.js';

/** Which nodes a query asks, and what their absence means. */
export interface SelectionOptions {
  readonly node: readonly string[];
  readonly cluster: readonly string[];
  readonly label: readonly string[];
  readonly perNode?: boolean;
  readonly partial?: 'warn' | 'fail' | 'ignore';
}

/** Adds the options that select nodes. */
export function withSelectionOptions(command: Command): Command {
  return command
    .addOption(listOption('--node <name>', 'ask only this node'))
    .addOption(listOption('--cluster <name>', 'ask only nodes with events of this cluster'))
    .addOption(
      listOption('--label <key=value>', 'ask only nodes with this label; one key more than once: any of its values'),
    )
    .option('--per-node', 'run the whole query on each node and put the answers together, whatever SQL it is')
    .addOption(
      new Option('--partial <what>', 'when a node fails: warn (default), fail, or ignore it').choices([
        'warn',
        'fail',
        'ignore',
      ]),
    );
}

/** The options as the node's door takes them. Throws BAD_REQUEST for a label that is no pair. */
export function selectionOf({ node, cluster, label, perNode, partial }: SelectionOptions): Selection {
  const labels = new Map<string, readonly string[]>();
  for (const pair of label) {
    const at = pair.indexOf('=');
    if (at < 1) {
      throw new ArmorlakeError('BAD_REQUEST', `--label ${pair} is no key=value.`, {
        hint: 'Write it as --label site=north.',
      });
    }
    const key = pair.slice(0, at);
    labels.set(key, [...(labels.get(key) ?? []), pair.slice(at + 1)]);
  }
  const nodes = {
    ...(node.length === 0 ? {} : { names: node }),
    ...(cluster.length === 0 ? {} : { clusters: cluster }),
    ...(labels.size === 0 ? {} : { labels: Object.fromEntries(labels) }),
  };
  return {
    ...(Object.keys(nodes).length === 0 ? {} : { nodes }),
    ...(perNode === true ? { perNode } : {}),
    ...(partial === undefined ? {} : { partial }),
  };
}
