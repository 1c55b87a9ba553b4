import { limitsOf } from './defaults.js';
import type { AlertCoverage, ArmorlakeModel } from './model.js';
import type { AnswerStats, Coverage } from './node-api.js';
import { printable } from './printable.js';

/** Nodes a sentence names, at most; `meta.custom` has all. */
const NAMED = 5;

/** Of the range: a gap of less changes hardly any panel, and stays with the account and the tables about nodes. */
const GAP_SHARE = 0.01;
/** Throttling is one container's silence, and the events before it came. */
const THROTTLE_SHARE = 0.1;
/** Events that are known to be lost matter however short it took. */
const GAP_EVENTS = 100;
/** Gaps that coverage lists, at most. */
const LISTED = 5;

/** One notice for all that an answer lacks; Grafana shows one of each severity at most. */
export interface CoverageNotice {
  readonly severity: 'info' | 'warning';
  readonly text: string;
}

/** The rows that the user could raise a query's limit to; 0: the limit is not the user's. */
export function mostRows({ queryType, derived }: ArmorlakeModel): number {
  return derived !== undefined || queryType === 'tree' || queryType === 'graph' ? 0 : limitsOf(queryType).most;
}

export interface NoticeOptions {
  /** With `ignore`, only that rows were cut. */
  readonly policy?: 'warn' | 'fail' | 'ignore';
  /** Rows the limit could be raised to. */
  readonly most?: number;
  /** Of the time range; left out: it is not known, and any gap is told. */
  readonly rangeMinutes?: number;
}

/**
 * What a reader must know of an answer's completeness; null when there is nothing to say. Gaps too small to change what a
 * panel shows are none of it: the triangle would stand on every panel, and nobody would look at it.
 */
export function coverageNotice(
  coverage: Coverage,
  stats: Pick<AnswerStats, 'rows' | 'truncated'>,
  { policy = 'warn', most = Infinity, rangeMinutes = 0 }: NoticeOptions = {},
): CoverageNotice | null {
  const ignored = policy === 'ignore';
  const lacks = ignored
    ? []
    : [
        ...absence(coverage),
        ...missingNodes(coverage),
        ...(gapsMatter(coverage, rangeMinutes) ? gaps(coverage) : []),
        ...retention(coverage),
      ];
  const warnings = [...lacks, ...cut(stats, most)];
  const remarks = (ignored ? [] : coverage.nodes)
    .filter(({ status, message }) => status === 'answered' && message !== null && message !== '')
    .map(({ name, message }) => `${printable(name)}: ${printable(message ?? '')}.`);
  const shownRemarks = [
    ...remarks.slice(0, NAMED),
    ...(remarks.length > NAMED ? [`${remarks.length - NAMED} more nodes have remarks.`] : []),
  ];
  const sentences = [...warnings, ...shownRemarks];
  if (sentences.length === 0) return null;
  return { severity: warnings.length > 0 ? 'warning' : 'info', text: sentences.join(' ') };
}

/** Why an alert must not be judged by this answer: who is missing; null when its condition holds. */
export function coverageShortfall(coverage: Coverage, condition: AlertCoverage): string | null {
  if (condition.mode === 'ignore') {
    // Whoever answers decides; where all that were asked failed, a count of 0 is nobody's.
    return coverage.asked > 0 && coverage.answered === 0 ? missingNodes(coverage).join(' ') : null;
  }
  if (coverage.expected === 0) return absence(coverage).join(' ');
  if (condition.mode === 'atLeast') {
    const present = coverage.expected - coverage.failed;
    const percent = (present / coverage.expected) * 100;
    if (percent >= condition.percent) return null;
    const share = `Only ${present} of ${coverage.expected} expected nodes (${Math.floor(percent * 10) / 10} %) answered`;
    return `${share}, at least ${condition.percent} % are asked for: ${named(failedOf(coverage))}.`;
  }
  const lacks = [...missingNodes(coverage), ...(condition.gaps ? [...gaps(coverage), ...retention(coverage)] : [])];
  return lacks.length === 0 ? null : lacks.join(' ');
}

function absence({ expected }: Coverage): readonly string[] {
  return expected > 0
    ? []
    : ['No node was asked: none that stores events has joined, or the scope names none that is known.'];
}

/** Who did not answer, as a sentence; none when all did. */
export function missingNodes(coverage: Coverage): readonly string[] {
  if (coverage.failed === 0) return [];
  const verb = `did not answer: ${named(failedOf(coverage))}.`;
  return [`${coverage.failed} of ${count(coverage.expected, 'node')} ${verb}`];
}

function failedOf(coverage: Coverage): readonly string[] {
  return coverage.nodes
    .filter(({ status }) => status === 'failed')
    .map(({ name, message }) =>
      message === null || message === ''
        ? printable(name)
        : `${printable(name)} (${printable(message).replace(/\.$/, '')})`,
    );
}

function named(names: readonly string[]): string {
  const more = names.length > NAMED ? [`and ${names.length - NAMED} more`] : [];
  return [...names.slice(0, NAMED), ...more].join(', ');
}

/** Whether what is missing can change what a panel shows, one gap or many together. */
function gapsMatter({ gaps: { nodes, minutes: total, worst } }: Coverage, rangeMinutes: number): boolean {
  if (nodes === 0) return false;
  const [least, ofThrottling] = [GAP_SHARE * rangeMinutes, THROTTLE_SHARE * rangeMinutes];
  const large = worst.some(({ cause, minutes: long, estimated }) =>
    cause === 'throttle' ? long >= ofThrottling : long >= least || (estimated ?? 0) >= GAP_EVENTS,
  );
  // What is not listed is as long as the last that is, at most; each node's minutes are rounded up to the next.
  const hidden = worst.length >= LISTED && (worst.at(-1)?.minutes ?? 0) >= least;
  return large || hidden || total - nodes >= ofThrottling * nodes;
}

function gaps({ gaps: found }: Coverage): readonly string[] {
  if (found.nodes === 0) return [];
  const [worst] = found.worst;
  const example =
    worst === undefined
      ? ''
      : ` (the longest: ${printable(worst.node)}, ${printable(worst.cause)}, ${minutes(worst.minutes)})`;
  const have = `${count(found.nodes, 'node')} ${found.nodes === 1 ? 'has' : 'have'}`;
  return [
    `${have} gaps of ${minutes(found.minutes)} in this range${example}: events may be missing, see armorlake.gaps.`,
  ];
}

function retention({ retention: { nodesShort, from } }: Coverage): readonly string[] {
  if (nodesShort === 0) return [];
  const who = `${count(nodesShort, 'node')} ${nodesShort === 1 ? 'remembers' : 'remember'}`;
  return [`${who} only what came after ${from ?? 'the beginning of the range'}.`];
}

function cut({ rows, truncated }: Pick<AnswerStats, 'rows' | 'truncated'>, most: number): readonly string[] {
  if (!truncated) return [];
  const more = `There are more than these ${count(rows, 'row')}`;
  return [
    rows < most
      ? `${more}: narrow the range or the filters, aggregate, or raise the limit.`
      : `${more}, which are the most that are shown: aggregate, or narrow the range or the filters.`,
  ];
}

function count(number: number, what: string): string {
  return `${number.toLocaleString('en-US')} ${what}${number === 1 ? '' : 's'}`;
}

function minutes(number: number): string {
  return `${String(Math.round(number * 10) / 10)} min`;
}
