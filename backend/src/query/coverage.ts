import { ArmorlakeError } from '../core/index.js';
import type { CoverageFacts, GapFact } from '../engine/index.js';
import { completeFacts } from '../engine/index.js';
import type { NodeSelection } from './request.js';

/** What one node did for a query. */
export interface NodeCoverage {
  readonly name: string;
  readonly status: 'answered' | 'failed' | 'pruned';
  readonly code: string | null;
  readonly message: string | null;
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly ms: number | null;
}

/** Of the nodes expected to answer: asked, answered, pruned, failed; and how complete what they hold is. */
export interface Coverage {
  readonly complete: boolean;
  readonly expected: number;
  readonly asked: number;
  readonly answered: number;
  readonly failed: number;
  readonly pruned: number;
  readonly nodes: readonly NodeCoverage[];
  readonly gaps: {
    readonly nodes: number;
    readonly minutes: number;
    readonly worst: readonly (GapFact & { readonly node: string })[];
  };
  readonly retention: { readonly nodesShort: number; readonly from: string | null };
}

/** One node's part of an answer, with how complete its rows are. */
export interface NodeAnswer {
  readonly coverage: NodeCoverage;
  readonly facts: CoverageFacts;
}

/** A query that may not be answered in part, and was; carries what its nodes did. */
export class PartialResult extends ArmorlakeError {
  readonly coverage: Coverage;

  constructor(message: string, coverage: Coverage) {
    super('PARTIAL_RESULT', message, { hint: 'See coverage for each node; partial: "warn" takes what there is.' });
    this.coverage = coverage;
  }
}

const WORST_GAPS = 5;

/** The coverage of an answer of these nodes. */
export function coverageOf(answers: readonly NodeAnswer[]): Coverage {
  const nodes = answers.map((answer) => answer.coverage);
  const count = (status: NodeCoverage['status']): number => nodes.filter((node) => node.status === status).length;
  const [failed, pruned] = [count('failed'), count('pruned')];
  const gapped = answers.filter(({ facts }) => facts.gaps.worst.length > 0);
  const short = answers.flatMap(({ facts }) => facts.shortFrom ?? []);
  return {
    // Where nobody was expected, nobody can say that there was nothing.
    complete: nodes.length > 0 && failed === 0 && gapped.length === 0 && short.length === 0,
    expected: nodes.length,
    asked: nodes.length - pruned,
    answered: count('answered'),
    failed,
    pruned,
    nodes,
    gaps: {
      nodes: gapped.length,
      minutes: gapped.reduce((sum, { facts }) => sum + facts.gaps.minutes, 0),
      worst: gapped
        .flatMap(({ coverage, facts }) => facts.gaps.worst.map((gap) => ({ node: coverage.name, ...gap })))
        .sort((left, right) => right.minutes - left.minutes)
        .slice(0, WORST_GAPS),
    },
    // The latest: from then on all of them are whole.
    retention: { nodesShort: short.length, from: short.toSorted().at(-1) ?? null },
  };
}

/** The names of a selection that are nobody's: a slip of the pen must not look like a node where nothing happened. */
export function strangersOf({ names }: NodeSelection, isKnown: (name: string) => boolean): readonly NodeAnswer[] {
  return [...new Set(names)]
    .filter((name) => !isKnown(name))
    .map((name) => ({
      coverage: {
        name,
        status: 'failed',
        code: 'NOT_FOUND',
        message: 'No node of this name is known here.',
        rows: null,
        bytes: null,
        ms: null,
      },
      facts: completeFacts,
    }));
}

/** What a node is selected by. */
export interface NodeIdentity {
  readonly name: string;
  /** The clusters of the events it holds. */
  readonly clusters: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** True when a query with this selection expects the node to answer; what isn't named selects all. */
export function selects(selection: NodeSelection, node: NodeIdentity): boolean {
  const { names, clusters, labels } = selection;
  if (names !== undefined && !names.includes(node.name)) return false;
  if (clusters !== undefined && !node.clusters.some((cluster) => clusters.includes(cluster))) return false;
  return Object.entries(labels ?? {}).every(([label, values]) => values.includes(node.labels[label] ?? ''));
}
