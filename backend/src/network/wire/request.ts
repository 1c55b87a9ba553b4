import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { network } from '@armorlake/proto';
import { ArmorlakeError } from '../../core/index.js';
import type { NodeFacts, ScatterRequest } from '../../query/index.js';
import { METADATA_LIMITS } from '../limits.js';
import { EPOCH, readGaps, readTime, writeGaps } from './metadata.js';
import { sentence, toBigint, toCount, toNumber } from './text.js';

/** Fragments of one request, and milliseconds of one query; more was not made by a query node. */
const MOST_FRAGMENTS = 1_000;
/** Characters of a query's id and of a fragment's name: the id is kept in the account of queries. */
const MOST_NAME = 200;
const MOST_TIMEOUT_MS = 3_600_000;
const MOST_MISSING_COLUMNS = 100;

export function writeRequest(request: ScatterRequest): MessageInitShape<typeof network.RequestSchema> {
  const { queryId, fragments, timeRange, nowMicros, budget, timeoutMs, who, origin } = request;
  return {
    queryId,
    fragments: fragments.map(({ name, sql }) => ({ name, sql })),
    timeRange: {
      ...(timeRange.fromMicros === null ? {} : { fromMicros: toBigint(timeRange.fromMicros) }),
      ...(timeRange.toMicros === null ? {} : { toMicros: toBigint(timeRange.toMicros) }),
    },
    expects: request.expects.map(({ table, columns }) => ({
      table,
      columns: columns.map((column) => ({ ...column })),
    })),
    ...(request.tail === null ? {} : { tail: request.tail }),
    nowMicros: toBigint(nowMicros),
    budgetRows: toBigint(budget.rows),
    budgetBytes: toBigint(budget.bytes),
    timeoutMs: Math.max(1, Math.ceil(timeoutMs)),
    who,
    ...(origin === null ? {} : { origin }),
  };
}

/** @throws ArmorlakeError BAD_REQUEST for a request no query node makes */
export function readRequest(request: MessageShape<typeof network.RequestSchema> | undefined): ScatterRequest {
  const names = request?.fragments.map(({ name }) => name) ?? [];
  if (request === undefined || names.length === 0 || names.length > MOST_FRAGMENTS) {
    throw new ArmorlakeError('BAD_REQUEST', `A request has 1 to ${MOST_FRAGMENTS} fragments, not ${names.length}.`);
  }
  if ([request.queryId, ...names].some((name) => name.length > MOST_NAME)) {
    throw new ArmorlakeError('BAD_REQUEST', `The names in a request have ${MOST_NAME} characters at most.`);
  }
  if (new Set(names).size < names.length) {
    throw new ArmorlakeError('BAD_REQUEST', 'A request has two fragments of the same name.');
  }
  return {
    queryId: request.queryId,
    fragments: request.fragments.map(({ name, sql }) => ({ name, sql })),
    timeRange: {
      fromMicros: request.timeRange?.fromMicros === undefined ? null : toNumber(request.timeRange.fromMicros),
      toMicros: request.timeRange?.toMicros === undefined ? null : toNumber(request.timeRange.toMicros),
    },
    expects: request.expects
      .slice(0, MOST_FRAGMENTS)
      .map(({ table, columns }) => ({ table, columns: columns.map(({ name, type }) => ({ name, type })) })),
    tail: request.tail ?? null,
    nowMicros: toNumber(request.nowMicros),
    budget: { rows: toNumber(request.budgetRows), bytes: toNumber(request.budgetBytes) },
    timeoutMs: Math.min(MOST_TIMEOUT_MS, request.timeoutMs),
    who: request.who,
    origin: request.origin ?? null,
  };
}

export function writeFacts(facts: NodeFacts): MessageInitShape<typeof network.FactsSchema> {
  return {
    rows: toBigint(facts.rows),
    bytes: toBigint(facts.bytes),
    ms: Math.max(0, Math.round(facts.ms)),
    slowed: facts.slowed,
    gaps: writeGaps(facts.facts.gaps),
    ...(facts.facts.shortFrom === null ? {} : { shortFrom: facts.facts.shortFrom }),
    missingColumns: [...facts.missingColumns],
  };
}

/** A member's facts, its texts and lists cut to what a reader needs. */
export function readFacts(facts: MessageShape<typeof network.FactsSchema>): NodeFacts {
  return {
    rows: toCount(facts.rows),
    bytes: toCount(facts.bytes),
    ms: facts.ms,
    slowed: facts.slowed,
    facts: {
      gaps: readGaps(facts.gaps),
      // A time that is none is short all the same: since when, nobody knows.
      shortFrom: facts.shortFrom === undefined ? null : (readTime(facts.shortFrom) ?? EPOCH),
    },
    missingColumns: facts.missingColumns
      .slice(0, MOST_MISSING_COLUMNS)
      .map((column) => sentence(column, METADATA_LIMITS.text)),
  };
}
