import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { network } from '@armorlake/proto';
import { ArmorlakeError } from '../../core/index.js';
import { METADATA_LIMITS } from '../limits.js';
import { NODE_NAME } from '../types.js';
import type { GapsSummary, NetworkTable, NodeIdentity, NodeMetadata, NodeRole, ValueSets } from '../types.js';
import { checkNames } from './names.js';
import { clip, sentence, toBigint, toCount, toNumber } from './text.js';

const limits = METADATA_LIMITS;

/** A gap since 1970 has so many minutes in the year 2160. */
const MOST_MINUTES = 100_000_000;
/** Stands for a time that a member told and that is none. */
export const EPOCH = '1970-01-01T00:00:00Z';

export function writeRole(role: NodeRole): network.Role {
  return role === 'query' ? network.Role.QUERY : network.Role.EDGE;
}

/** @throws ArmorlakeError BAD_REQUEST for a role that is none */
export function readRole(role: network.Role): NodeRole {
  if (role === network.Role.QUERY) return 'query';
  if (role === network.Role.EDGE) return 'edge';
  throw new ArmorlakeError('BAD_REQUEST', `A node's role is edge or query, not ${role}.`);
}

export function writeIdentity(identity: NodeIdentity): MessageInitShape<typeof network.IdentitySchema> {
  const { name, lakeId, role, armorlakeVersion, engineVersion, schemaVersion } = identity;
  return { name, lakeId, role: writeRole(role), armorlakeVersion, engineVersion, schemaVersion };
}

/** @throws ArmorlakeError BAD_REQUEST for a name, lake or version that can't be one */
export function readIdentity(identity: MessageShape<typeof network.IdentitySchema> | undefined): NodeIdentity {
  if (identity === undefined) throw new ArmorlakeError('BAD_REQUEST', 'The node did not say who it is.');
  const { name, lakeId, armorlakeVersion, engineVersion, schemaVersion } = identity;
  if (!NODE_NAME.test(name)) {
    throw new ArmorlakeError('BAD_REQUEST', `${JSON.stringify(clip(name, 80))} is no name of a node.`, {
      hint: 'Names are 1 to 63 letters, digits, dots, dashes or underscores, with a letter or digit at both ends.',
    });
  }
  if (lakeId === '' || lakeId.length > limits.text) {
    throw new ArmorlakeError('BAD_REQUEST', `Node ${name} did not say which lake it has.`);
  }
  return {
    name,
    lakeId,
    role: readRole(identity.role),
    armorlakeVersion: sentence(armorlakeVersion, limits.version),
    engineVersion: sentence(engineVersion, limits.version),
    schemaVersion,
  };
}

/** @param values whether the promised value sets go along */
export function writeMetadata(
  metadata: NodeMetadata,
  version: number,
  values: 'values' | 'no values' = 'values',
): MessageInitShape<typeof network.MetadataSchema> {
  const { cluster, labels, tables, connectors, gaps } = metadata;
  return {
    version: toBigint(version),
    cluster,
    labels: { ...labels },
    tables: tables.map(({ name, columns, rows, bytes, minTimeMicros, retentionMs }) => ({
      name,
      columns: columns.map((column) => ({ ...column })),
      rows: toBigint(rows),
      bytes: toBigint(bytes),
      ...(minTimeMicros === null ? {} : { minTimeMicros: toBigint(minTimeMicros) }),
      ...(retentionMs === null ? {} : { retentionMs: toBigint(retentionMs) }),
    })),
    values: values === 'values' ? writeValues(metadata.values) : {},
    connectors: connectors.map((connector) => ({ ...connector })),
    gaps: writeGaps(gaps),
  };
}

/**
 * A member's metadata, bounded: value sets with too many or too long values become unknown, which is always true.
 * @throws ArmorlakeError LIMIT_EXCEEDED for more labels, tables, columns, connectors or longer names than a node has,
 * BAD_REQUEST for tables and columns of names that no node has
 */
export function readMetadata(metadata: MessageShape<typeof network.MetadataSchema> | undefined): NodeMetadata {
  if (metadata === undefined) throw new ArmorlakeError('BAD_REQUEST', 'The node sent no metadata.');
  const { labels, tables, connectors } = metadata;
  const labelLists = Object.entries(labels);
  atMost(labelLists.length, limits.labels, 'labels');
  atMost(tables.length, limits.tables, 'tables');
  atMost(
    tables.reduce((sum, { columns }) => sum + columns.length, 0),
    limits.columns,
    'columns',
  );
  const texts = tables.flatMap(({ columns }) => columns.map((column) => column.name.length + column.type.length));
  atMost(
    texts.reduce((sum, length) => sum + length, 0),
    limits.columnText,
    'characters of columns',
  );
  atMost(connectors.length, limits.connectors, 'connectors');
  checkNames(tables);
  return {
    cluster: name(metadata.cluster),
    labels: Object.fromEntries(labelLists.map(([key, value]) => [name(key), name(value)])),
    tables: tables.map(readTable),
    values: readValues(metadata.values),
    connectors: connectors.map(({ name: connector, kind, state, detail }) => ({
      name: name(connector),
      kind: name(kind),
      state: name(state),
      detail: sentence(detail, limits.text),
    })),
    gaps: readGaps(metadata.gaps),
  };
}

export function writeGaps(gaps: GapsSummary): MessageInitShape<typeof network.GapsSchema> {
  return {
    minutes: Math.max(0, Math.round(gaps.minutes)),
    worst: gaps.worst.map(({ to, estimated, ...gap }) => ({
      ...gap,
      ...(to === null ? {} : { to }),
      ...(estimated === null ? {} : { estimated: toBigint(estimated) }),
    })),
  };
}

/** A member's gaps: a list and texts of bounded length, times that are times, and no longer than since 1970. */
export function readGaps(gaps: MessageShape<typeof network.GapsSchema> | undefined): GapsSummary {
  return {
    minutes: Math.min(MOST_MINUTES, gaps?.minutes ?? 0),
    worst: (gaps?.worst ?? []).slice(0, limits.gaps).map((gap) => ({
      connector: sentence(gap.connector, limits.text),
      stream: sentence(gap.stream, limits.text),
      from: readTime(gap.from) ?? EPOCH,
      to: gap.to === undefined ? null : readTime(gap.to),
      cause: sentence(gap.cause, limits.text),
      minutes: gap.minutes > 0 ? Math.min(MOST_MINUTES, gap.minutes) : 0,
      estimated: gap.estimated === undefined ? null : toCount(gap.estimated),
    })),
  };
}

/** A time as nodes write it; null for a text that is none, or of no year from 1 to 9999. */
export function readTime(text: string): string | null {
  const plain = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|\+00(:?00)?)?$/.test(text);
  return plain && !Number.isNaN(Date.parse(text)) ? text : null;
}

function readTable(table: MessageShape<typeof network.TableSchema>): NetworkTable {
  return {
    name: table.name,
    columns: table.columns.map((column) => ({ name: column.name, type: column.type })),
    rows: toCount(table.rows),
    bytes: toCount(table.bytes),
    minTimeMicros: table.minTimeMicros === undefined ? null : toNumber(table.minTimeMicros),
    retentionMs: table.retentionMs === undefined ? null : toCount(table.retentionMs),
  };
}

function writeValues(values: ValueSets): MessageInitShape<typeof network.ValueSetsSchema> {
  const { cluster, host, namespace, policy } = values;
  return {
    ...(cluster === null ? {} : { cluster: { values: [...cluster] } }),
    ...(host === null ? {} : { host: { values: [...host] } }),
    ...(namespace === null ? {} : { namespace: { values: [...namespace] } }),
    ...(policy === null ? {} : { policy: { values: [...policy] } }),
  };
}

function readValues(values: MessageShape<typeof network.ValueSetsSchema> | undefined): ValueSets {
  const set = (given: { readonly values: readonly string[] } | undefined): readonly string[] | null => {
    if (given === undefined || given.values.length > limits.values) return null;
    return given.values.some((value) => value.length > limits.text) ? null : given.values;
  };
  return {
    cluster: set(values?.cluster),
    host: set(values?.host),
    namespace: set(values?.namespace),
    policy: set(values?.policy),
  };
}

/** A name is never cut: another one would be another thing. */
function name(text: string): string {
  if (text.length <= limits.text) return text;
  throw new ArmorlakeError('LIMIT_EXCEEDED', `The node's metadata has a name of more than ${limits.text} characters.`);
}

function atMost(count: number, most: number, what: string): void {
  if (count <= most) return;
  throw new ArmorlakeError('LIMIT_EXCEEDED', `The node's metadata has ${count} ${what}; ${most} are the most.`);
}
