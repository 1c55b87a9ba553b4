import type { Command } from 'commander';
import { Option } from 'commander';
import { ArmorlakeError } from '../core/index.js';
import { listOption } from './options.js';

/** The filters of `karmor logs`. */
export interface EventFilters {
  readonly logFilter: 'policy' | 'system' | 'all';
  readonly namespace?: string;
  readonly pod?: string;
  readonly container?: string;
  readonly host?: string;
  readonly operation?: string;
  readonly type?: string;
  readonly source?: string;
  readonly resource?: string;
  readonly labels: readonly string[];
}

/** Adds those filters. */
export function withEventFilters(command: Command): Command {
  return withRowFilters(
    command.addOption(
      new Option('--logFilter <which>', 'policy: alerts; system: logs; all: both')
        .choices(['policy', 'system', 'all'])
        .default('policy'),
    ),
  );
}

/** Adds those that don't choose the table. */
export function withRowFilters(command: Command): Command {
  return command
    .option('--namespace <name>', 'Kubernetes namespace')
    .option('--pod <name>', 'pod name')
    .option('--container <name>', 'container name')
    .option('--host <name>', 'the host KubeArmor runs on')
    .option('--operation <name>', 'Process, File, Network, Capabilities, Syscall, …')
    .option('--logType, --type <name>', 'ContainerLog, HostLog, MatchedPolicy, …')
    .option('--source <regex>', 'regular expression on who did it')
    .option('--resource <regex>', 'regular expression on what was touched')
    .addOption(listOption('--labels <key=value>', 'a label of the pod'));
}

/** The filters as the node's live tail takes them: exact by column, patterns by column, labels. */
export interface RowFilters {
  readonly equal: Readonly<Record<string, string>>;
  readonly match: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

const operations = [
  'Process',
  'File',
  'Network',
  'Capabilities',
  'Syscall',
  'Device',
  'NetworkFirewall',
  'AlertThreshold',
];

/** The table that holds what is asked for. */
export function tableOf({ logFilter }: EventFilters): string {
  return { policy: 'kubearmor.alerts', system: 'kubearmor.logs', all: 'kubearmor.events' }[logFilter];
}

/** The options as filters of rows. @throws ArmorlakeError BAD_REQUEST for a label without value */
export function rowFilters(options: Omit<EventFilters, 'logFilter'>): RowFilters {
  const { namespace, pod, container, host, type, source, resource } = options;
  // People write `--operation process`, as karmor lets them.
  const operation =
    operations.find((each) => each.toLowerCase() === options.operation?.toLowerCase()) ?? options.operation;
  return {
    equal: given({ namespace, pod, container, host, operation, type }),
    match: given({ source, resource }),
    labels: Object.fromEntries(options.labels.flatMap((each) => each.split(',')).map(labelPair)),
  };
}

function labelPair(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new ArmorlakeError('BAD_REQUEST', `--labels ${text} is no key=value.`, {
    hint: 'Write it as --labels app=shop.',
  });
}

function given(values: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}

/** A condition of SQL with its values bound. */
export interface Condition {
  readonly sql: string;
  readonly params: readonly string[];
}

/** The filters as one condition; empty when there are none. */
export function conditionOf({ equal, match, labels }: RowFilters): Condition {
  const parts = [
    ...Object.keys(equal).map((column) => `${column} = ?`),
    ...Object.keys(match).map((column) => `regexp_matches(${column}, ?)`),
    ...Object.keys(labels).map(() => 'labels[?] = ?'),
  ];
  const params = [...Object.values(equal), ...Object.values(match), ...Object.entries(labels).flat()];
  return { sql: parts.join(' AND '), params };
}
