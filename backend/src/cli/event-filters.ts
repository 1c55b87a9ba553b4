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

/** Adds those that don't choose the table. Their names are karmor's; each but `--labels` is a regular expression. */
export function withRowFilters(command: Command): Command {
  return command
    .option('-n, --namespace <regex>', 'Kubernetes namespace, in any case')
    .option('--pod <regex>', 'pod name, in any case')
    .option('--container <regex>', 'container name, in any case')
    .option('--host <regex>', 'the host KubeArmor runs on, in any case')
    .option('--operation <regex>', 'Process, File, Network, Capabilities, Syscall, …, in any case')
    .option('--logType, --type <regex>', 'ContainerLog, HostLog, MatchedPolicy, …, in any case')
    .option('--source <regex>', 'who did it')
    .option('--resource <regex>', 'what was touched')
    .addOption(listOption('-l, --labels <key=value,…>', 'labels of the pod; one that it has is enough'));
}

/** Conditions on rows: patterns by column, and labels of which one must be there. */
export interface RowFilters {
  readonly match: Readonly<Record<string, string>>;
  readonly labels: readonly (readonly [key: string, value: string])[];
}

/** The table that holds what is asked for. */
export function tableOf({ logFilter }: EventFilters): string {
  return { policy: 'kubearmor.alerts', system: 'kubearmor.logs', all: 'kubearmor.events' }[logFilter];
}

/** The options as filters of rows. @throws ArmorlakeError BAD_REQUEST for a label without value */
export function rowFilters(options: Omit<EventFilters, 'logFilter'>): RowFilters {
  const { namespace, pod, container, host, operation, type, source, resource } = options;
  return {
    // As karmor: names in any case, what processes have written as it is.
    match: { ...anyCase(given({ namespace, pod, container, host, operation, type })), ...given({ source, resource }) },
    labels: options.labels.flatMap((each) => each.split(',')).map(labelPair),
  };
}

function anyCase(patterns: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(patterns).map(([column, pattern]) => [column, `(?i)${pattern}`]));
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
export function conditionOf({ match, labels }: RowFilters): Condition {
  const parts = Object.keys(match).map((column) => `regexp_matches(${column}, ?)`);
  if (labels.length > 0) parts.push(`(${labels.map(() => 'labels[?] = ?').join(' OR ')})`);
  return { sql: parts.join(' AND '), params: [...Object.values(match), ...labels.flat()] };
}
