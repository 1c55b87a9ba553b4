import { foldName } from '../../core/index.js';
import type { TreeRecord } from './tree.js';
import { isRecord, recordsOf, textOf } from './tree.js';

/** How DuckDB matches a pattern: all of them but LIKE's plain form try each way a wildcard may reach. */
export type PatternKind = 'like' | 'ilike' | 'glob' | 'escaped';

const kinds: Readonly<Record<string, PatternKind>> = {
  '~~': 'like',
  '!~~': 'like',
  '~~*': 'ilike',
  '!~~*': 'ilike',
  '~~~': 'glob',
  like_escape: 'escaped',
  not_like_escape: 'escaped',
  ilike_escape: 'escaped',
  not_ilike_escape: 'escaped',
};

/** The kind of pattern a call matches with its second argument; undefined for other calls. */
export function patternKindOf(call: TreeRecord): PatternKind | undefined {
  const name = foldName(textOf(call, 'function_name'));
  return Object.hasOwn(kinds, name) ? kinds[name] : undefined;
}

const advice: Readonly<Record<PatternKind, string>> = {
  like: "Without _ any number of % may stand in it; or write regexp_matches(x, 'a.*b', 's').",
  ilike: "Without _ any number of % may stand in it; or write regexp_matches(x, 'a.*b', 'is').",
  glob: "Write LIKE with %, or regexp_matches(x, 'a.*b', 's').",
  escaped: "Write regexp_matches(x, 'a.*b', 's').",
};

/** What is wrong with a pattern, and what to write instead. */
export interface PatternFault {
  readonly sentence: string;
  readonly hint: string;
}

/** Wildcards in a pattern that is a column or is computed: `%name%` and no more. */
export const COMPUTED_WILDCARDS = 2;
/** Of a text for a computed pattern with two wildcards that something follows: 2,048 of them take two seconds. */
export const COMPUTED_TEXT_BYTES = 1000;

/**
 * Whether matching it takes time out of bounds: with n wildcards that are followed by something, the slow matcher tries
 * length ** n places, and can't be interrupted.
 */
export function patternFault(kind: PatternKind, pattern: string): PatternFault | null {
  if ((kind === 'like' || kind === 'ilike') && !pattern.includes('_')) return null;
  if (innerWildcards(kind, pattern) <= 1) return null;
  const sentence = 'The pattern has more than one wildcard in its middle, which can take hours to match';
  return { sentence, hint: advice[kind] };
}

/** What a computed pattern with too many wildcards is answered with. */
export function computedPatternHint(kind: PatternKind): string {
  return `A computed pattern may have ${COMPUTED_WILDCARDS} wildcards. ${advice[kind]}`;
}

/** Runs of wildcards that something follows. */
function innerWildcards(kind: PatternKind, pattern: string): number {
  const runs = kind === 'glob' ? /\*+(?!\*|$)/gs : /%+(?!%|$)/gs;
  return pattern.match(runs)?.length ?? 0;
}

/** The text of a constant that is one; null else. */
export function constantText(expression: TreeRecord | undefined): string | null {
  const value = expression?.['value'];
  if (expression === undefined || textOf(expression, 'class') !== 'CONSTANT' || !isRecord(value)) return null;
  return typeof value['value'] === 'string' ? value['value'] : null;
}

/** The pattern that is written in the SQL, also within `lower`; a parameter; or null for one that is computed. */
export function patternOf(expression: TreeRecord | undefined): { text?: string; parameter?: string } | null {
  if (expression === undefined) return null;
  if (textOf(expression, 'class') === 'CONSTANT') return { text: constantText(expression) ?? '' };
  if (textOf(expression, 'class') === 'PARAMETER') return { parameter: textOf(expression, 'identifier') };
  const [only, ...more] = recordsOf(expression, 'children');
  const lowers = /^(lower|lcase|upper|ucase)$/i.test(textOf(expression, 'function_name'));
  return lowers && more.length === 0 ? patternOf(only) : null;
}

/** A parameter that a pattern is given as: its value is checked when it is known. */
export interface PatternParameter {
  readonly name: string;
  readonly faultOf: (pattern: string) => PatternFault | null;
}
