import type { Coverage } from './client.js';

/** Nodes a notice names, at most; `--format json` has all. */
const NAMED = 5;

/** What a reader must know of what an answer lacks, a line each; none when it is complete and nobody had a remark. */
export function coverageNotices(coverage: Coverage | null | undefined): readonly string[] {
  if (coverage === null || coverage === undefined) return [];
  if (coverage.expected === 0) return ['No node was asked: none that stores events has joined, or none is selected.'];
  const remarks = coverage.nodes
    .filter(({ status, message }) => status === 'answered' && message !== null && message !== undefined)
    .map(({ name, message }) => `${name}: ${message ?? ''}.`);
  if (coverage.complete) return remarks;
  const notices = [
    ...failureNotice(coverage),
    ...gapsNotice(coverage.gaps ?? null),
    ...retentionNotice(coverage.retention ?? null),
  ];
  return [...(notices.length > 0 ? notices : ['Incomplete: see coverage in --format json.']), ...remarks];
}

function failureNotice({ asked, answered, nodes }: Coverage): readonly string[] {
  const failed = nodes.filter(({ status }) => status === 'failed');
  if (failed.length === 0) return [];
  const named = failed.slice(0, NAMED).map(({ name, message }) => `${name} failed: ${message ?? 'no reason given'}`);
  const more = failed.length > NAMED ? [`and ${failed.length - NAMED} more`] : [];
  return [`${answered} of ${count(asked, 'node')} answered; ${[...named, ...more].join('; ')}`];
}

function gapsNotice(gaps: Coverage['gaps'] | null): readonly string[] {
  if (gaps === null || gaps === undefined || gaps.nodes === 0) return [];
  const worst = gaps.worst?.[0];
  const example =
    worst === undefined ? '' : ` (the longest: ${worst.node}, ${worst.cause}, ${round(worst.minutes)} min)`;
  return [
    `Incomplete: ${count(gaps.nodes, 'node')} ${gaps.nodes === 1 ? 'has' : 'have'} gaps of ${round(gaps.minutes)} min in this range${example}; see armorlake.gaps.`,
  ];
}

function retentionNotice(retention: Coverage['retention'] | null): readonly string[] {
  if (retention === null || retention === undefined || retention.nodesShort === 0) return [];
  const { nodesShort, from } = retention;
  const who = `${count(nodesShort, 'node')} ${nodesShort === 1 ? 'remembers' : 'remember'}`;
  return [`Incomplete: ${who} only what came after ${from ?? 'the start of the range'}.`];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function round(minutes: number): number {
  return Math.round(minutes * 10) / 10;
}
