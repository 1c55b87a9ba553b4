import { foldName } from '../../core/index.js';
import { atLeast, bounded, boundedList, boundedValue, itemsOf, occurrences, textConstant, unnamed } from './bounded.js';
import { functionCall, integer, integerOf, operator } from './build.js';
import { growthOf } from './growth.js';
import { capturesOf, guardLambdaBodies } from './lambdas.js';
import {
  COMPUTED_TEXT_BYTES,
  COMPUTED_WILDCARDS,
  computedPatternHint,
  constantText,
  patternKindOf,
  patternOf,
} from './patterns.js';
import type { PatternKind } from './patterns.js';
import { guardedRegexp, isRegexp } from './regexps.js';
import { castTo, unnamedItems } from './rewrite.js';
import type { Json, TreeRecord } from './tree.js';
import { isList, isRecord, recordsOf, textOf } from './tree.js';
import { visit } from './walk.js';
import { asRegexp } from './wildcards.js';

/** The product of both lengths at most: so many steps they take, and none of a vector's 2,048 calls looks for an interrupt. */
const distances: Readonly<Record<string, number>> = {
  levenshtein: 100_000,
  editdist3: 100_000,
  damerau_levenshtein: 100_000,
  jaro_similarity: 10_000_000,
  jaro_winkler_similarity: 10_000_000,
};

/** What is looked for, by the place of the argument: the search compares it at each place of the text. */
const needles: Readonly<Record<string, number>> = {
  contains: 1,
  instr: 1,
  position: 1,
  replace: 1,
  split: 1,
  split_part: 1,
  str_split: 1,
  string_split: 1,
  string_to_array: 1,
  strpos: 1,
};
const NEEDLE_BYTES = 10_000;

/** Finding all matches of a regular expression may read on to the end of the text for each of them. */
const allMatches: ReadonlySet<string> = new Set([
  'regexp_extract_all',
  'regexp_split_to_array',
  'regexp_split_to_table',
  'regexp_replace',
  'str_split_regex',
  'string_split_regex',
]);
const ALL_MATCHES_BYTES = 10_000;

/** Bytes beyond ASCII: marks that combine are sorted in quadratic time. */
const MARK_BYTES = 500;

/** JSON paths are parsed recursively. */
const paths = /^(json_exists|json_extract|json_value|->)/;
const PATH_BYTES = 10_000;

/** Lists and maps that are compared each with each, by the places of the arguments, and how long they may be. */
const quadratic: Readonly<Record<string, { readonly places: readonly number[]; readonly most: number }>> = {
  list_intersect: { places: [0, 1], most: 50_000 },
  array_intersect: { places: [0, 1], most: 50_000 },
  list_has_any: { places: [0, 1], most: 50_000 },
  list_has_all: { places: [0, 1], most: 50_000 },
  array_has_any: { places: [0, 1], most: 50_000 },
  array_has_all: { places: [0, 1], most: 50_000 },
  '&&': { places: [0, 1], most: 50_000 },
  '@>': { places: [0, 1], most: 50_000 },
  '<@': { places: [0, 1], most: 50_000 },
  map: { places: [0], most: 50_000 },
  map_from_entries: { places: [0], most: 50_000 },
};
const MAP_ENTRIES = 1000;

/** Lists of a lambda that uses more than its own element, and of `list_reduce`, whose value may grow with each. */
const CAPTURING_ITEMS = 10_000;
/** The same where the lambda goes through another list each time. */
const NESTED_ITEMS = 1000;
export const reduces: ReadonlySet<string> = new Set(['list_reduce', 'array_reduce', 'reduce']);

/** Functions whose text is hardly longer than their first argument; how much `replace` may make of it is bounded. */
const keepsLength =
  /^(l?trim|rtrim|lower|upper|lcase|ucase|reverse|replace|regexp_(replace|extract)|split_part|strip_accents)$/;

/**
 * Bytes of a value as text, or about so many: what can be measured where it comes from is not computed twice, as that
 * would double with each call within a call.
 */
function bytesOf(value: TreeRecord): TreeRecord {
  const inner = boundedValue(value);
  if (inner !== null) return bytesOf(inner);
  const children = recordsOf(value, 'children');
  const [first] = children;
  const name = foldName(textOf(value, 'function_name'));
  if (first !== undefined && keepsLength.test(name)) return bytesOf(first);
  if (children.length > 1 && (name === '||' || name === 'concat')) {
    return children.map(bytesOf).reduce((left, right) => operator('+', left, right));
  }
  return functionCall('strlen', [castTo('VARCHAR', unnamed(value))]);
}

/** True for functions whose arguments may have to be bounded: these have to be seen as arguments. */
export function isGuarded(name: string): boolean {
  return (
    [distances, needles, quadratic].some((table) => Object.hasOwn(table, name)) ||
    allMatches.has(name) ||
    paths.test(name) ||
    name === 'map_concat' ||
    name === 'nfc_normalize' ||
    /(^|_)(transform|apply|filter|reduce|like_escape|ilike_escape)$/.test(name) ||
    /^(array|list)_/.test(name)
  );
}

/** The call with its arguments bounded where its time would go far beyond their length; the same where it can't. */
function guardedCall(call: TreeRecord): TreeRecord {
  const name = foldName(textOf(call, 'function_name'));
  const children = recordsOf(call, 'children');
  const [first, second] = children;
  if (first === undefined) return call;
  const replaced = (place: number, by: TreeRecord): TreeRecord =>
    by === children[place]
      ? call
      : { ...call, children: children.map((child, index) => (index === place ? by : child)) };
  const pattern = patternKindOf(call);
  if (pattern !== undefined && second !== undefined) {
    return asRegexp(call) ?? guardedPattern(call, pattern, first, second);
  }
  const product = distances[name];
  if (product !== undefined && second !== undefined) return replaced(0, distance(name, product, first, second));
  if (name === 'map_concat') {
    return { ...call, children: children.map((child) => boundedMap(child)) };
  }
  if (children.some((child) => textOf(child, 'class') === 'LAMBDA'))
    return replaced(0, guardedLambdaList(name, call, first));
  const lists = quadratic[name];
  if (lists !== undefined) {
    const hint = 'Unnest them in FROM, and join or group.';
    return {
      ...call,
      children: children.map((child, place) =>
        lists.places.includes(place) ? boundedList(child, lists.most, name, hint) : child,
      ),
    };
  }
  if (name === 'nfc_normalize') return replaced(0, guardedMarks(first));
  if (isRegexp(name)) {
    return guardedRegexp(allMatches.has(name) ? replaced(0, guardedMatches(name, children)) : call);
  }
  const place = Object.hasOwn(needles, name) ? needles[name] : paths.test(name) ? 1 : undefined;
  const needle = place === undefined ? undefined : children[place];
  if (place === undefined || needle === undefined) return call;
  const most = paths.test(name) ? PATH_BYTES : NEEDLE_BYTES;
  return replaced(place, guardedText(needle, most, `${name} takes up to ${most} bytes as its second argument`));
}

function guardedText(value: TreeRecord, most: number, what: string): TreeRecord {
  if (isShort(value)) return value;
  return bounded(value, bytesOf(value), most, what, `Write left(x, ${most}).`);
}

/** Once only, for a text made of constants: DuckDB computes it before the first row, which a guard would prevent. */
const CONSTANT_BYTES = 20_000;

/** True for what is made of short constants: nothing is to be looked at when it runs. */
function isShort(value: TreeRecord): boolean {
  let steady = true;
  visit(value, 'expression', {
    enter(record, kind) {
      const type = textOf(record, 'class');
      if (kind === 'expression' && !['CONSTANT', 'CAST', 'FUNCTION', 'OPERATOR', 'LAMBDA'].includes(type))
        steady = false;
    },
  });
  return steady && growthOf(value).bytes <= CONSTANT_BYTES;
}

function distance(name: string, most: number, left: TreeRecord, right: TreeRecord): TreeRecord {
  const texts = [constantText(left), constantText(right)];
  const [one, other] = texts;
  if (typeof one === 'string' && typeof other === 'string' && one.length * other.length * 16 <= most) return left;
  const size = operator('*', bytesOf(left), bytesOf(right));
  const what = `${name} takes texts whose lengths come to no more than ${most} multiplied`;
  return bounded(left, size, most, what, 'Write left(x, 300).');
}

function guardedMarks(value: TreeRecord): TreeRecord {
  if (isShort(value)) return value;
  const text = castTo('VARCHAR', unnamed(value));
  const [bytes, characters] = [functionCall('strlen', [text]), functionCall('length', [text])];
  const size = operator('-', bytes, characters);
  const what = `Normal forms are made of texts with up to ${MARK_BYTES} bytes beyond ASCII`;
  return bounded(value, size, MARK_BYTES, what, `Write left(x, ${MARK_BYTES / 2}).`);
}

function boundedMap(value: TreeRecord): TreeRecord {
  const keys = foldName(textOf(value, 'function_name')) === 'map' ? recordsOf(value, 'children')[0] : undefined;
  const items = keys === undefined ? undefined : itemsOf(keys);
  if (typeof items === 'number' && items <= MAP_ENTRIES) return value;
  const what = `map_concat takes maps of up to ${MAP_ENTRIES} entries`;
  return bounded(value, functionCall('cardinality', [unnamed(value)]), MAP_ENTRIES, what, 'Unnest map_entries(x).');
}

function guardedLambdaList(name: string, call: TreeRecord, list: TreeRecord): TreeRecord {
  const captures = capturesOf(call);
  if (captures === 'none' && !reduces.has(name)) return list;
  const most = captures === 'lists' ? NESTED_ITEMS : CAPTURING_ITEMS;
  return boundedList(list, most, name, 'Unnest the list in FROM, and join or aggregate.');
}

function guardedMatches(name: string, children: readonly TreeRecord[]): TreeRecord {
  const [text, pattern, , options] = children;
  if (text === undefined) throw new TypeError('guardedMatches: no text');
  if (name === 'regexp_replace' && options === undefined) return text;
  const written = constantText(pattern);
  // A repetition at the very end reads what it takes; one before may read all for nothing.
  if (written !== null && !/[*+{|]/.test(written.replace(/[*+]$/, ''))) return text;
  return guardedText(
    text,
    ALL_MATCHES_BYTES,
    `${name} takes texts of up to ${ALL_MATCHES_BYTES} bytes for this pattern`,
  );
}

/** Lower than that is as far back as any window goes. */
const LEAST_OFFSET = Number.MIN_SAFE_INTEGER;

/** `lag` and `lead` over a window without an order negate their offset, and crash at the least integer. */
function guardedWindow(window: TreeRecord): TreeRecord {
  const offset = window['offset_expr'];
  if (!isRecord(offset) || Number.isSafeInteger(integerOf(offset))) return window;
  const value = castTo('BIGINT', unnamed(offset));
  return { ...window, offset_expr: atLeast(value, LEAST_OFFSET) };
}

/** ILIKE as LIKE over lower case, which is the same and has a matcher that never goes back. */
function guardedPattern(call: TreeRecord, kind: PatternKind, text: TreeRecord, pattern: TreeRecord): TreeRecord {
  const written = patternOf(pattern);
  if (written !== null) {
    // With _ in it LIKE has no such matcher either.
    if (kind !== 'ilike' || written.text?.includes('_') === true) return call;
    const lowered = [text, pattern].map((each) => functionCall('lower', [unnamed(each)]));
    const name = textOf(call, 'function_name').slice(0, -1);
    return { ...call, function_name: name, children: lowered };
  }
  const wildcard = textConstant(kind === 'glob' ? '*' : '%');
  const what = 'A pattern has too many wildcards';
  const count = occurrences(unnamed(pattern), wildcard);
  const safe = bounded(pattern, count, COMPUTED_WILDCARDS, what, computedPatternHint(kind));
  // Those at the end cost nothing.
  const inner = occurrences(functionCall('rtrim', [unnamed(pattern), wildcard]), wildcard);
  const short = guardedSubject(text, inner);
  const children = recordsOf(call, 'children').map((child) =>
    child === pattern ? safe : child === text ? short : child,
  );
  return { ...call, children };
}

/** The text of a computed pattern: with two wildcards inside, matching takes its length squared. */
function guardedSubject(text: TreeRecord, wildcards: TreeRecord): TreeRecord {
  const size = operator('*', operator('-', wildcards, integer(1)), bytesOf(text));
  const what = `A computed pattern with two wildcards inside takes texts of up to ${COMPUTED_TEXT_BYTES} bytes`;
  return bounded(
    text,
    size,
    COMPUTED_TEXT_BYTES,
    what,
    `Write left(x, ${COMPUTED_TEXT_BYTES}), or the pattern in the SQL.`,
  );
}

/**
 * The statement with bounds put around the arguments of functions that take time out of proportion: over rows it is
 * known only then how long they are. The same object where nothing needs it.
 * @param names of SELECT items that would lose theirs.
 */
export function guardStatement(statement: TreeRecord, names: ReadonlyMap<TreeRecord, string>): TreeRecord {
  return guard(statement, 'statement', names);
}

/** The same for an expression alone. */
export function guardExpression(expression: TreeRecord): TreeRecord {
  return guard(expression, 'expression', new Map());
}

function guard(
  record: TreeRecord,
  under: 'statement' | 'expression',
  names: ReadonlyMap<TreeRecord, string>,
): TreeRecord {
  return visit(record, under, {
    leave(each, kind, original) {
      if (kind !== 'expression') return each;
      const type = textOf(each, 'class');
      const guarded = guardedExpression(type, each);
      const name = names.get(original);
      return name === undefined || guarded === original ? guarded : { ...guarded, alias: name };
    },
  });
}

function guardedExpression(type: string, each: TreeRecord): TreeRecord {
  switch (type) {
    case 'FUNCTION':
      return guardedCall(guardLambdaBodies(each));
    case 'WINDOW':
      return guardedWindow(each);
    case 'COLLATE': {
      const { child } = each;
      if (!isRecord(child) || !/nfc/i.test(textOf(each, 'collation'))) return each;
      const safe = guardedMarks(child);
      return safe === child ? each : { ...each, child: safe };
    }
    default:
      return each;
  }
}

const sizes = new WeakMap<TreeRecord, number>();

/** How many records a tree has when it is written out: bounds around bounds share what they measure. */
export function writtenSize(value: Json): number {
  if (isList(value)) return value.reduce<number>((size, each) => size + writtenSize(each), 0);
  if (!isRecord(value)) return 0;
  const known = sizes.get(value);
  if (known !== undefined) return known;
  const size = Object.values(value).reduce<number>((sum, each) => sum + writtenSize(each), 1);
  sizes.set(value, size);
  return size;
}

/** SELECT items without a name of their own that `guardStatement` changes. */
export function unnamedGuarded(statement: TreeRecord): readonly TreeRecord[] {
  return unnamedItems(statement, isChanged);
}

/** A star within it gives several columns, which keep their own names. */
function isChanged(item: TreeRecord): boolean {
  if (guardExpression(item) === item) return false;
  let starred = false;
  visit(item, 'expression', {
    enter(record) {
      starred ||= textOf(record, 'class') === 'STAR';
    },
  });
  return !starred;
}
