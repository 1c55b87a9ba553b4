import { foldName } from '../../core/index.js';
import { textConstant, unnamed } from './bounded.js';
import { functionCall } from './build.js';
import { constantText, patternFault, patternKindOf, patternOf } from './patterns.js';
import type { TreeRecord } from './tree.js';
import { recordsOf, textOf } from './tree.js';

/** So many wildcards at most: a regular expression looks at each of thousands for each byte of the text. */
const MOST_WILDCARDS = 200;

/**
 * A call of LIKE, ILIKE or GLOB whose pattern would take DuckDB's matcher out of bounds, as a regular expression that
 * matches the same and takes time linear in the text; null where the pattern is harmless, or has no such equal.
 */
export function asRegexp(call: TreeRecord): TreeRecord | null {
  const kind = patternKindOf(call);
  const [text, pattern, escape] = recordsOf(call, 'children');
  const written = patternOf(pattern)?.text;
  if (kind === undefined || text === undefined || pattern === undefined || written === undefined) return null;
  if (patternFault(kind, written) === null) return null;
  if ((written.match(/[%_*]/g)?.length ?? 0) > MOST_WILDCARDS) return null;
  const regexp = kind === 'glob' ? globRegexp(written) : likeRegexp(written, kind === 'escaped' ? escape : null);
  if (regexp === null) return null;
  const name = foldName(textOf(call, 'function_name'));
  const ignoresCase = name.endsWith('~~*') || name.includes('ilike');
  const [subject, wanted] = [unnamed(text), withText(unnamed(pattern), regexp)].map((each) =>
    ignoresCase ? functionCall('lower', [each]) : each,
  );
  if (subject === undefined || wanted === undefined) return null;
  const alias = textOf(call, 'alias');
  const match = functionCall('regexp_full_match', [subject, wanted, textConstant('s')]);
  if (!name.startsWith('!') && !name.startsWith('not_')) return { ...match, alias };
  return { class: 'OPERATOR', type: 'OPERATOR_NOT', alias, children: [match] };
}

/** The pattern with another text, within the same calls of `lower` and `upper`: neither changes a sign. */
function withText(pattern: TreeRecord, text: string): TreeRecord {
  const [child] = recordsOf(pattern, 'children');
  return child === undefined ? textConstant(text) : { ...pattern, children: [withText(unnamed(child), text)] };
}

/** `?` and `[…]` match bytes there, which no regular expression over characters does. */
function globRegexp(pattern: string): string | null {
  if (/[?[\]\\]/.test(pattern)) return null;
  return pattern.replaceAll(/\*+|[^*]+/g, (part) => (part.startsWith('*') ? '.*' : quoted(part)));
}

/**
 * `_` is one character of UTF-8, and only what follows the escape stands for itself.
 * @param escape the third argument; null where there is none.
 */
function likeRegexp(pattern: string, escape: TreeRecord | null | undefined): string | null {
  const sign = escape === null ? '' : constantText(escape);
  // A letter would change its case with the pattern.
  if (sign === null || !/^[^a-z%_\u0080-\uffff]?$/i.test(sign)) return null;
  let regexp = '';
  for (let index = 0; index < pattern.length; index++) {
    const each = pattern.charAt(index);
    if (sign !== '' && each === sign) {
      index++;
      // DuckDB's own error is the answer.
      if (index === pattern.length) return null;
      regexp += quoted(pattern.charAt(index));
    } else {
      regexp += each === '%' ? '.*' : each === '_' ? '.' : quoted(each);
    }
  }
  return regexp;
}

/** Behind a backslash RE2 takes each ASCII sign for itself that is no letter, digit or underscore; those need none. */
function quoted(text: string): string {
  return text.replaceAll(/[!-/:-@[-^`{-~]/g, String.raw`\$&`);
}
