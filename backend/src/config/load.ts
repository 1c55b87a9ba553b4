import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { ArmorlakeError, isLoopback } from '../core/index.js';
import { configKeys } from './keys.js';
import { nearest } from './nearest.js';
import { profileLimits } from './profiles.js';
import type { ConfigInput } from './schema.js';
import { configSchema } from './schema.js';
import type { FlagValues, Source, Tree } from './sources.js';
import { environmentSource, fileSource, flagSource, merge, speaksOf } from './sources.js';
import type {
  ArchiveConfig,
  HttpConfig,
  KubeArmorConfig,
  Limits,
  NetworkConfig,
  NodeConfig,
  RetentionConfig,
} from './types.js';
import { formatAddress, parseAddress } from './units.js';

const DAY_MS = 86_400_000;

export interface LoadOptions {
  /** The YAML file of --config; without it ARMORLAKE_CONFIG names one; without that there is none. */
  readonly file?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly flags: FlagValues;
  /** Relative paths in environment and flags start here. */
  readonly cwd: string;
}

/**
 * The node's configuration: flags over environment over file over the profile's defaults.
 * Throws BAD_CONFIG; each of its sentences names the key, where it was given, and the fix.
 */
export function loadConfig(options: LoadOptions): NodeConfig {
  const file = options.file ?? options.environment.ARMORLAKE_CONFIG;
  const sources: readonly Source[] = [
    flagSource(options.flags, options.cwd),
    environmentSource(options.environment, options.cwd),
    ...(file === undefined || file === '' ? [] : [fileSource(resolve(options.cwd, file))]),
  ];
  const merged = sources.reduceRight<Tree>((low, source) => merge(low, source.tree), {});
  const parsed = configSchema.safeParse(merged);
  if (!parsed.success) throw badConfig(parsed.error.issues, merged, sources);
  const pathOf = (path: string, value: string): string =>
    resolve(sourceOf(sources, path.split('.'))?.base ?? options.cwd, value);
  const config = complete(parsed.data, pathOf);
  const conflict = findConflict(config);
  if (conflict !== undefined) throw new ArmorlakeError('BAD_CONFIG', conflict);
  return config;
}

/** The host name as a node name. */
export function defaultNodeName(host: string = hostname()): string {
  const cleaned = host
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 63)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
  return cleaned === '' ? 'node' : cleaned;
}

function complete(input: ConfigInput, pathOf: (path: string, value: string) => string): NodeConfig {
  const profile = input.profile ?? 'server';
  return {
    profile,
    name: input.name ?? defaultNodeName(),
    cluster: input.cluster ?? null,
    labels: input.labels ?? {},
    data: pathOf('data', input.data ?? 'armorlake-data'),
    logLevel: input.log?.level ?? 'info',
    http: completeHttp(input.http ?? {}, pathOf),
    network: completeNetwork(input, pathOf),
    kubearmor: completeKubeArmor(input, pathOf),
    redaction: { enabled: input.redaction?.enabled ?? true },
    retention: completeRetention(input.retention ?? {}),
    archive: completeArchive(input.archive, pathOf),
    limits: completeLimits(input.limits ?? {}, profileLimits(profile)),
  };
}

function completeHttp(
  http: NonNullable<ConfigInput['http']>,
  pathOf: (path: string, value: string) => string,
): HttpConfig {
  return {
    host: http.host ?? '127.0.0.1',
    port: http.port ?? 7470,
    insecure: http.insecure ?? false,
    tls:
      http.tls === undefined
        ? null
        : { cert: pathOf('http.tls.cert', http.tls.cert), key: pathOf('http.tls.key', http.tls.key) },
  };
}

function completeNetwork(
  { network = {}, kubearmor = [] }: ConfigInput,
  pathOf: (path: string, value: string) => string,
): NetworkConfig {
  const { listen = null, tls } = network;
  const role = network.role ?? (listen === null ? 'edge' : 'query');
  return {
    listen,
    join: [...new Set(network.join ?? [])].flatMap((each) => parseAddress(each) ?? []),
    role,
    store: network.store ?? (role === 'edge' || kubearmor.length > 0),
    insecure: network.insecure ?? false,
    tokenFile: network.tokenFile === undefined ? null : pathOf('network.tokenFile', network.tokenFile),
    tls:
      tls === undefined
        ? null
        : {
            ca: pathOf('network.tls.ca', tls.ca),
            cert: pathOf('network.tls.cert', tls.cert),
            key: pathOf('network.tls.key', tls.key),
          },
  };
}

function completeKubeArmor(
  { kubearmor = [], cluster }: ConfigInput,
  pathOf: (path: string, value: string) => string,
): readonly KubeArmorConfig[] {
  return kubearmor.map((each, index) => ({
    name: each.name ?? (index === 0 ? 'kubearmor' : `kubearmor-${index + 1}`),
    address: each.address,
    cluster: each.cluster ?? cluster ?? null,
    tls:
      each.tls === undefined
        ? null
        : {
            ca: pathOf('kubearmor', each.tls.ca),
            cert: pathOf('kubearmor', each.tls.cert),
            key: pathOf('kubearmor', each.tls.key),
            serverName: each.tls.serverName ?? null,
          },
    streams: [...new Set(each.streams ?? (['alerts', 'logs'] as const))],
    filters: { alerts: each.filters?.alerts ?? 'all', logs: each.filters?.logs ?? 'all' },
  }));
}

function completeRetention(retention: NonNullable<ConfigInput['retention']>): RetentionConfig {
  return {
    logsMs: retention.logs?.age ?? 7 * DAY_MS,
    alertsMs: retention.alerts?.age ?? 90 * DAY_MS,
    ledgerMs: retention.ledger?.age ?? 365 * DAY_MS,
    groupBytes: {
      logs: retention.logs?.bytes ?? null,
      alerts: retention.alerts?.bytes ?? null,
      ledger: retention.ledger?.bytes ?? null,
    },
    totalBytes: retention.total ?? null,
    freeBytes: retention.free ?? 500_000_000,
  };
}

function completeArchive(
  archive: ConfigInput['archive'],
  pathOf: (path: string, value: string) => string,
): ArchiveConfig | null {
  if (archive === undefined) return null;
  return { dir: pathOf('archive.dir', archive.dir), ageMs: archive.age ?? null, bytes: archive.bytes ?? null };
}

function completeLimits(given: NonNullable<ConfigInput['limits']>, profile: Limits): Limits {
  const { ingest = {}, engine = {}, query = {} } = given;
  return {
    ingest: {
      logsCommitMs: ingest.logsCommit ?? profile.ingest.logsCommitMs,
      alertsCommitMs: ingest.alertsCommit ?? profile.ingest.alertsCommitMs,
      queueBytes: ingest.queue ?? profile.ingest.queueBytes,
      bodyBytes: ingest.body ?? profile.ingest.bodyBytes,
    },
    engine: {
      memoryBytes: engine.memory ?? profile.engine.memoryBytes,
      dataBytes: engine.data ?? profile.engine.dataBytes,
      threads: engine.threads ?? profile.engine.threads,
      spillBytes: engine.spill ?? profile.engine.spillBytes,
      checkpointBytes: engine.checkpoint ?? profile.engine.checkpointBytes,
      maintainMs: engine.maintain ?? profile.engine.maintainMs,
    },
    query: {
      concurrency: query.concurrency ?? profile.query.concurrency,
      waiting: query.waiting ?? profile.query.waiting,
      rows: query.rows ?? profile.query.rows,
      maxRows: query.maxRows ?? profile.query.maxRows,
      bytes: query.bytes ?? profile.query.bytes,
      maxBytes: query.maxBytes ?? profile.query.maxBytes,
      timeoutMs: query.timeout ?? profile.query.timeoutMs,
      maxTimeoutMs: query.maxTimeout ?? profile.query.maxTimeoutMs,
    },
  };
}

/** What is wrong between keys that are right one by one. */
function findConflict(config: NodeConfig): string | undefined {
  const { query, engine } = config.limits;
  const twice = config.kubearmor.find((each, index) =>
    config.kubearmor.some((other, at) => at < index && other.name === each.name),
  );
  if (twice !== undefined) {
    return `Two entries of "kubearmor" are named "${twice.name}": give each a "name" of its own.`;
  }
  if (query.rows > query.maxRows)
    return 'limits.query.rows is above limits.query.maxRows: lower the first or raise the second.';
  if (query.bytes > query.maxBytes) {
    return 'limits.query.bytes is above limits.query.maxBytes: lower the first or raise the second.';
  }
  if (query.timeoutMs > query.maxTimeoutMs) {
    return 'limits.query.timeout is above limits.query.maxTimeout: lower the first or raise the second.';
  }
  const { groupBytes, totalBytes } = config.retention;
  if (
    totalBytes !== null &&
    Object.values(groupBytes).reduce<number>((sum, each) => sum + (each ?? 0), 0) > totalBytes
  ) {
    return 'The bytes of retention.logs, retention.alerts and retention.ledger are more than retention.total: lower them or raise the last.';
  }
  const room = reserveConflict(config);
  if (room !== undefined) return room;
  const network = networkConflict(config);
  if (network !== undefined) return network;
  if (engine.dataBytes <= engine.memoryBytes) {
    return 'limits.engine.data must be above limits.engine.memory, or DuckDB is stopped before it reaches its own limit: raise the first.';
  }
  return undefined;
}

const MIB = 1 << 20;
/** Besides the WAL's own bytes a checkpoint writes the lake's metadata and what it touches of older rows. */
const CHECKPOINT_SLACK_BYTES = 8 * MIB;

/** A checkpoint happens when the disk is as full as it may get: the reserve must have room for it. */
function reserveConflict({ retention, limits, network }: NodeConfig): string | undefined {
  const { checkpointBytes } = limits.engine;
  const least = checkpointBytes + CHECKPOINT_SLACK_BYTES;
  if (!network.store || retention.freeBytes >= least) return undefined;
  const size = (bytes: number): string => `${Math.ceil(bytes / MIB)}MiB`;
  return (
    `retention.free is ${size(retention.freeBytes)}, too little for a checkpoint of the lake: ` +
    `limits.engine.checkpoint (${size(checkpointBytes)}) and ${size(CHECKPOINT_SLACK_BYTES)} more are needed, ` +
    `so raise it to ${size(least)}, or lower limits.engine.checkpoint.`
  );
}

function networkConflict({ network, kubearmor }: NodeConfig): string | undefined {
  const { listen, join, role, store, insecure, tls } = network;
  if (listen !== null && role === 'edge') {
    return 'network.role is edge, but network.listen (--network) lets nodes join, which only the role query may: take one of them away.';
  }
  if (!store && role === 'edge') {
    return 'network.store is false on a node of the role edge, which would do nothing: make its role query, or let it store.';
  }
  if (!store && kubearmor.length > 0) {
    return 'network.store is false, but a KubeArmor is configured whose events are to be kept: take one of them away.';
  }
  if (tls !== null || insecure) return undefined;
  const safe = 'make certificates with `armorlake cert` and set network.tls, or pass --insecure-network';
  if (listen !== null && !isLoopback(listen.host)) {
    return `network.listen is ${formatAddress(listen)}, beyond this machine, and network.tls is missing: ${safe}.`;
  }
  const far = join.find(({ host }) => !isLoopback(host));
  return far === undefined
    ? undefined
    : `network.join names ${formatAddress(far)}, beyond this machine, and network.tls is missing: ${safe}.`;
}

function sourceOf(sources: readonly Source[], path: readonly PropertyKey[]): Source | undefined {
  return sources.find((source) => speaksOf(source, path));
}

type Issue = z.core.$ZodIssue;

function badConfig(issues: readonly Issue[], merged: Tree, sources: readonly Source[]): ArmorlakeError {
  const sentences = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => unknownKey([...issue.path, key], sources))
      : [wrongValue(issue, merged, sources)],
  );
  return new ArmorlakeError('BAD_CONFIG', sentences.join('\n'), { hint: 'docs/configure.md describes every key.' });
}

function unknownKey(path: readonly PropertyKey[], sources: readonly Source[]): string {
  const given = sourceOf(sources, path)?.describe(keyText(path)) ?? `"${keyText(path)}"`;
  const near = nearestKey(path);
  return `${given} is no key of Armorlake's configuration: ${near === undefined ? 'remove it.' : `did you mean "${near}"?`}`;
}

/** The known key that was meant: one of the same mapping, or the same word elsewhere. */
function nearestKey(path: readonly PropertyKey[]): string | undefined {
  const generic = path
    .map((step) => (typeof step === 'number' ? '[]' : String(step)))
    .join('.')
    .replaceAll('.[]', '[]');
  const prefix = generic.slice(0, generic.lastIndexOf('.') + 1);
  const word = generic.slice(prefix.length);
  const names = configKeys.flatMap((key) => {
    if (!key.path.startsWith(prefix)) return [];
    const rest = key.path.slice(prefix.length).split(/\.|\[\]\./)[0];
    return rest === undefined || rest === '' ? [] : [rest];
  });
  const sibling = nearest(word, [...new Set(names)]);
  if (sibling !== undefined) return `${prefix}${sibling}`;
  return (
    configKeys.find((key) => key.path.endsWith(`.${word}`))?.path ??
    nearest(
      generic,
      configKeys.map((key) => key.path),
    )
  );
}

function wrongValue(issue: Issue, merged: Tree, sources: readonly Source[]): string {
  const given = sourceOf(sources, issue.path)?.describe(keyText(issue.path)) ?? `"${keyText(issue.path)}"`;
  const value = valueAt(merged, issue.path);
  const must =
    issue.code === 'invalid_type' && !issue.message.startsWith('must')
      ? `must be ${article(issue.expected)}`
      : issue.message;
  return value === undefined
    ? `${given} is missing: it ${must}.`
    : `${given} ${must}; it is ${JSON.stringify(value).slice(0, 80)}.`;
}

function article(expected: string): string {
  if (expected === 'object') return 'a mapping of keys';
  return expected === 'array' ? 'a list' : `a ${expected}`;
}

function keyText(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .slice(1);
}

/** What was given there, or above it where that is no mapping (a text that stands for a list). */
function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, step) =>
      typeof at === 'object' && at !== null ? Object.entries(at).find(([key]) => key === String(step))?.[1] : at,
    tree,
  );
}
