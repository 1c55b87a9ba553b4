import { limitsOf } from './defaults.js';
import type { AlertCoverage, ArmorlakeModel } from './model.js';
import type { AnswerStats, Coverage } from './node-api.js';
import { printable } from './printable.js';

/** Nodes a sentence names, at most; `meta.custom` has all. */
const NAMED = 5;

/** One notice for all that an answer lacks; Grafana shows one of each severity at most. */
export interface CoverageNotice {
  readonly severity: 'info' | 'warning';
  readonly text: string;
}

/** The rows that the user could raise a query's limit to; 0: the limit is not the user's. */
export function mostRows({ queryType, derived }: ArmorlakeModel): number {
  return derived !== undefined || queryType === 'tree' || queryType === 'graph' ? 0 : limitsOf(queryType).most;
}

/**
 * What a reader must know of an answer's completeness; null when there is nothing to say.
 * @param policy with `ignore`, only that rows were cut
 * @param most rows the limit could be raised to
 */
export function coverageNotice(
  coverage: Coverage,
  stats: Pick<AnswerStats, 'rows' | 'truncated'>,
  policy: 'warn' | 'fail' | 'ignore' = 'warn',
  most = Infinity,
): CoverageNotice | null {
  const ignored = policy === 'ignore';
  const lacks = ignored
    ? []
    : [...absence(coverage), ...missingNodes(coverage), ...gaps(coverage), ...retention(coverage)];
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
