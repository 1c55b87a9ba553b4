import type { Command } from 'commander';
import type { FlagValues, NodeConfig } from '../config/index.js';
import { loadConfig, parseAddress } from '../config/index.js';
import { ArmorlakeError } from '../core/index.js';
import type { Io } from './io.js';
import { listOption } from './options.js';

/** The flags that configure a node; each stands for a key of the configuration. */
export interface NodeCliOptions {
  readonly name?: string;
  readonly data?: string;
  readonly http?: string;
  readonly kubearmor: readonly string[];
  readonly config?: string;
  readonly profile?: string;
  readonly logLevel?: string;
  readonly insecureHttp?: boolean;
  readonly network?: string;
  readonly join: readonly string[];
  readonly role?: string;
  readonly insecureNetwork?: boolean;
  readonly cluster?: string;
  readonly set: readonly string[];
}

/** Adds the flags that configure a node. */
export function withNodeOptions(command: Command): Command {
  return command
    .option('--config <file>', 'YAML file; docs/configure.md describes its keys (or ARMORLAKE_CONFIG)')
    .option('--name <name>', "the node's name (default: the host name)")
    .option('--data <folder>', 'where its lake is kept (default: armorlake-data)')
    .option('--http <host:port>', 'where it listens (default: 127.0.0.1:7470; port 0 takes a free one)')
    .addOption(listOption('--kubearmor <host:port>', 'a KubeArmor to pull from'))
    .option('--cluster <name>', 'the cluster this node speaks for')
    .addOption(listOption('--join <host:port>', "a hub's network port to join"))
    .option('--network <host:port>', 'where other nodes may join it, as 0.0.0.0:7471 (default: nowhere)')
    .option('--role <role>', 'edge or query; only query may ask other nodes (default: query with --network, else edge)')
    .option('--insecure-network', 'join and be joined beyond loopback without TLS')
    .option('--profile <profile>', 'edge or server: sets every limit at once (default: server)')
    .option('--log-level <level>', 'debug, info, warn, error or silent (default: info)')
    .option('--insecure-http', 'listen beyond loopback without TLS or without tokens')
    .addOption(listOption('--set <key=value>', 'any other key, as limits.query.rows=500'));
}

/** The configuration those flags, the environment and the file give. Throws BAD_CONFIG. */
export function nodeConfigOf(options: NodeCliOptions, { environment, cwd }: Io): NodeConfig {
  return loadConfig({ file: options.config, environment, flags: flagValues(options), cwd });
}

function flagValues(options: NodeCliOptions): FlagValues {
  const flags = new Map<string, { flag: string; value: string }>();
  for (const each of options.set) {
    const at = each.indexOf('=');
    if (at < 1) {
      throw new ArmorlakeError('BAD_CONFIG', `--set ${each} is no key=value.`, {
        hint: 'Write it as --set limits.query.rows=500.',
      });
    }
    flags.set(each.slice(0, at), { flag: `--set ${each.slice(0, at)}`, value: each.slice(at + 1) });
  }
  const put = (path: string, flag: string, value: string | undefined): void => {
    if (value !== undefined) flags.set(path, { flag, value });
  };
  put('name', '--name', options.name);
  put('data', '--data', options.data);
  put('profile', '--profile', options.profile);
  put('log.level', '--log-level', options.logLevel);
  put('http.insecure', '--insecure-http', options.insecureHttp === true ? 'true' : undefined);
  put('cluster', '--cluster', options.cluster);
  put('network.listen', '--network', options.network);
  put('network.join', '--join', options.join.length === 0 ? undefined : options.join.join(','));
  put('network.role', '--role', options.role);
  put('network.insecure', '--insecure-network', options.insecureNetwork === true ? 'true' : undefined);
  put('kubearmor', '--kubearmor', options.kubearmor.length === 0 ? undefined : options.kubearmor.join(','));
  if (options.http !== undefined) {
    const address = parseAddress(options.http);
    if (address === undefined) {
      throw new ArmorlakeError('BAD_CONFIG', `--http must be HOST:PORT, as 127.0.0.1:7470; it is "${options.http}".`);
    }
    put('http.host', '--http', address.host);
    put('http.port', '--http', String(address.port));
  }
  return flags;
}
