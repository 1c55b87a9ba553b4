import { foldName } from '../../core/index.js';
import { bounded, occurrences, textConstant, unnamed } from './bounded.js';
import { functionCall, integer, operator } from './build.js';
import type { PatternFault } from './patterns.js';
import { patternOf } from './patterns.js';
import { castTo } from './rewrite.js';
import type { TreeRecord } from './tree.js';
import { recordsOf, textOf } from './tree.js';

const regexps: ReadonlySet<string> = new Set([
  'regexp_extract',
  'regexp_extract_all',
  'regexp_full_match',
  'regexp_matches',
  'regexp_replace',
  'regexp_split_to_array',
  'regexp_split_to_table',
  'str_split_regex',
  'string_split_regex',
]);

/** True for calls whose second argument is a regular expression. */
export function isRegexp(name: string): boolean {
  return regexps.has(name);
}

/** Open signs up to which any text is matched fast. */
const FEW_SIGNS = 50;
/** Those of a pattern whose texts can't be bounded. */
const PARAMETER_SIGNS = 1000;
/** Above the few RE2 may look at each sign for each byte: 2·10⁷ such steps take a quarter of a second. */
const MOST_STEPS = 20_000_000;
/** Of a pattern that is compiled anew for each row; each count in it weighs so much more. */
const COMPUTED_BYTES = 300;
const COUNT_BYTES = 60;
/** Classes of Unicode, counts of groups, of counts, and of a hundred and more: each may be thousands of signs. */
const HEAVY_PARTS = String.raw`\\[pP]|[)}]\{\d|\{\d*,?\d{3}`;
/** RE2 takes no more copies of a part, in all counts around it. */
const MOST_COPIES = 1000;
const PARSED_LENGTH = 10_000;

/** What is no letter: other signs, classes, and `\d`, `\w`, `\pL` and the like. */
const OPEN = /^(?:[.?*+]|\[.|\\[dDsSwWpPC])/;

/**
 * About how many signs a pattern has at which RE2 may stand all at once: those that match more than one letter or may be
 * left out or repeated, and what is added when `x{3}` is written out as `xxx`, counts within counts too.
 */
export function openSigns(pattern: string): number {
  if (pattern.length > PARSED_LENGTH) {
    if (/\{\d/.test(pattern)) return pattern.length * MOST_COPIES;
    const runs = pattern.replaceAll(/\(\?:|[()]/g, '').split(/[|[\]{}.?*+^$]+/);
    const open = pattern.match(/[.?*+[]|\\[dDsSwWpPC]/g)?.length ?? 0;
    return runs.reduce((sum, run) => sum + overlap([...run]), open);
  }
  // For each open group: the signs so far, written out, and those of its last part, which a count may follow.
  const groups = [{ sum: 0, last: 0 }];
  let signs = 0;
  let open = 0;
  // Letters in a row, whatever groups they stand in.
  let run: string[] = [];
  for (const [part, least, most] of pattern.matchAll(
    /\\.|\(\?(?:P?<\w+>|[imsU-]*:)|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|[^]/gs,
  )) {
    const group = groups.at(-1);
    if (group === undefined) break;
    const isOpen = least === undefined && OPEN.test(part);
    if (isOpen || part === '|' || least !== undefined) {
      open += overlap(run);
      run = [];
    } else if (!part.startsWith('(') && part !== ')') {
      run.push(part);
    }
    if (least !== undefined) {
      const copies = Math.max(1, Number(least), Number(most ?? 0));
      group.sum += group.last * (copies - 1);
      group.last *= copies;
    } else if (part.startsWith('(')) {
      groups.push({ sum: 0, last: 0 });
    } else if (part === ')' && groups.length > 1) {
      groups.pop();
      const outer = groups.at(-1);
      if (outer !== undefined) Object.assign(outer, { sum: outer.sum + group.sum, last: group.sum });
    } else {
      if (isOpen) open++;
      signs++;
      Object.assign(group, { sum: group.sum + 1, last: 1 });
    }
  }
  return groups.reduce((sum, each) => sum + each.sum, 0) - signs + open + overlap(run);
}

/**
 * At how many places of a row of letters RE2 may stand at once beyond one: its beginnings that are ends of it as well, as
 * all of `aaaa`; two, as in most words, are none. By the failure function of Knuth, Morris and Pratt, without regard to case.
 */
function overlap(letters: readonly string[]): number {
  const row = letters.map((each) => each.toLowerCase());
  const back = [0];
  const depths = [0];
  let most = 0;
  for (let index = 1; index < row.length; index++) {
    let length = back[index - 1] ?? 0;
    while (length > 0 && row[length] !== row[index]) length = back[length - 1] ?? 0;
    if (row[length] === row[index]) length++;
    back.push(length);
    const depth = length === 0 ? 0 : (depths[length - 1] ?? 0) + 1;
    depths.push(depth);
    most = Math.max(most, depth);
  }
  return most > 2 ? most : 0;
}

/** What is wrong with a regular expression that is a parameter. */
export function regexpFault(pattern: string): PatternFault | null {
  if (openSigns(pattern) <= PARAMETER_SIGNS) return null;
  return {
    sentence: `The regular expression has more than ${PARAMETER_SIGNS} wildcards, classes and repetitions, these written out`,
    hint: 'Ask in parts, write \\. where a dot is meant, or repeat with + and * instead of a number.',
  };
}

/** True for a pattern that is not computed, and has few open signs. */
export function isPlainRegexp(pattern: TreeRecord | undefined): boolean {
  const written = patternOf(pattern);
  return written !== null && (written.text === undefined || openSigns(written.text) <= FEW_SIGNS);
}

/** The call with its computed pattern or its text bounded; the same where neither is needed. */
export function guardedRegexp(call: TreeRecord): TreeRecord {
  const [text, pattern, ...more] = recordsOf(call, 'children');
  if (text === undefined || pattern === undefined || isPlainRegexp(pattern)) return call;
  const name = foldName(textOf(call, 'function_name'));
  const written = patternOf(pattern)?.text;
  if (written === undefined) {
    const what = `${name} takes computed patterns of up to ${COMPUTED_BYTES} bytes, without counted groups, large counts and \\p`;
    const hint = 'Write the pattern in the SQL, or pass it as a parameter.';
    return { ...call, children: [text, bounded(pattern, weight(pattern), COMPUTED_BYTES, what, hint), ...more] };
  }
  const most = Math.floor(MOST_STEPS / openSigns(written));
  const what = `${name} takes texts of up to ${most} bytes for a pattern with so many wildcards, classes and repetitions`;
  const size = functionCall('strlen', [unnamed(text)]);
  return { ...call, children: [bounded(text, size, most, what, `Write left(x, ${most}).`), pattern, ...more] };
}

/** What a computed pattern weighs: more than may be where it holds a heavy part. */
function weight(pattern: TreeRecord): TreeRecord {
  const plain = unnamed(pattern);
  const bytes = functionCall('strlen', [plain]);
  const heavy = castTo('BIGINT', functionCall('regexp_matches', [plain, textConstant(HEAVY_PARTS)]));
  const counts = operator('*', occurrences(plain, textConstant('{')), integer(COUNT_BYTES));
  return operator('+', operator('+', bytes, counts), operator('*', heavy, integer(COMPUTED_BYTES + 1)));
}
