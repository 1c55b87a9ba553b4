import { isNothing } from './shapes.js';
import type { Json, TreeRecord } from './tree.js';
import { isList, isRecord, printTree, recordsOf, textOf, textsOf } from './tree.js';

/**
 * Keys that say nothing of what a statement means, or that DuckDB's parser never fills: the parameters named here are
 * found again in the tree itself, and (NOT) MATERIALIZED is a hint that is printed but not read.
 */
const silent: ReadonlySet<string> = new Set(['query_location', 'named_param_map', 'materialized']);

/**
 * Whether two trees mean the same SQL: equal but for what is silent, for keys left out that would say nothing, and for
 * what DuckDB's parser itself writes in one of two forms.
 */
export function isSame(left: Json | undefined, right: Json | undefined): boolean {
  // Trees of our own leave out what says nothing.
  if (left === undefined) return isNothing(right);
  if (right === undefined) return isNothing(left);
  if (isList(left)) {
    return isList(right) && left.length === right.length && left.every((each, index) => isSame(each, right[index]));
  }
  if (!isRecord(left)) return left === right;
  if (!isRecord(right)) return false;
  return isSameRecord(plain(left), plain(right));
}

function isSameRecord(left: TreeRecord, right: TreeRecord): boolean {
  const number = numberOf(left);
  if (number !== null && number === numberOf(right)) return textOf(left, 'alias') === textOf(right, 'alias');
  for (const key of Object.keys(left)) {
    if (!silent.has(key) && !isSame(left[key], right[key])) return false;
  }
  return Object.keys(right).every((key) => key in left || silent.has(key) || isNothing(right[key]));
}

/** The one form of what DuckDB reads in two: truth values, VALUES, negations, and AND within AND. */
function plain(record: TreeRecord): TreeRecord {
  switch (textOf(record, 'type')) {
    case 'OPERATOR_CAST':
      return truthOf(record) ?? record;
    case 'SUBQUERY':
      return valuesOf(record) ?? record;
    case 'OPERATOR_NOT':
      return negated(record) ?? record;
    case 'CONJUNCTION_AND':
    case 'CONJUNCTION_OR':
      return { ...record, children: flat(record) };
    default:
      return record;
  }
}

const opposites: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: 'COMPARE_NOTEQUAL',
  COMPARE_NOTEQUAL: 'COMPARE_EQUAL',
  COMPARE_LESSTHAN: 'COMPARE_GREATERTHANOREQUALTO',
  COMPARE_GREATERTHANOREQUALTO: 'COMPARE_LESSTHAN',
  COMPARE_GREATERTHAN: 'COMPARE_LESSTHANOREQUALTO',
  COMPARE_LESSTHANOREQUALTO: 'COMPARE_GREATERTHAN',
  COMPARE_DISTINCT_FROM: 'COMPARE_NOT_DISTINCT_FROM',
  COMPARE_NOT_DISTINCT_FROM: 'COMPARE_DISTINCT_FROM',
  COMPARE_IN: 'COMPARE_NOT_IN',
  COMPARE_NOT_IN: 'COMPARE_IN',
};

/** `NOT (a = b)` as `a <> b`. */
function negated(not: TreeRecord): TreeRecord | null {
  const [only, ...more] = recordsOf(not, 'children');
  if (only === undefined || more.length > 0 || textOf(only, 'alias') !== '') return null;
  const child = plain(only);
  const opposite = opposites[textOf(child, 'type')];
  return opposite === undefined ? null : { ...child, type: opposite, alias: textOf(not, 'alias') };
}

/** The conditions of an AND, those of an AND within it among them. */
function flat(conjunction: TreeRecord): readonly TreeRecord[] {
  return recordsOf(conjunction, 'children').flatMap((child) =>
    textOf(child, 'type') === textOf(conjunction, 'type') && textOf(child, 'alias') === '' ? flat(child) : [child],
  );
}

/** `CAST('t' AS BOOLEAN)` as the constant. */
function truthOf(cast: TreeRecord): TreeRecord | null {
  const { cast_type: type, child } = cast;
  const constant = isRecord(child) && textOf(child, 'class') === 'CONSTANT' ? child['value'] : null;
  if (!isRecord(type) || type['id'] !== 'BOOLEAN' || cast['try_cast'] !== false || !isRecord(constant)) return null;
  const value = constant['value'];
  if (value !== 't' && value !== 'f') return null;
  return {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: textOf(cast, 'alias'),
    value: { type: { id: 'BOOLEAN', type_info: null }, is_null: false, value: value === 't' },
  };
}

/** `(SELECT * FROM (VALUES …) AS valueslist) AS name(columns)` as the VALUES under that name. */
function valuesOf(table: TreeRecord): TreeRecord | null {
  const { subquery } = table;
  const node = isRecord(subquery) ? subquery['node'] : null;
  if (!isRecord(node)) return null;
  const { from_table: from, select_list: list, aggregate_handling: handling, type, cte_map: ctes, ...others } = node;
  const inner = isRecord(from) ? plain(from) : null;
  const said = Object.entries(others).some(([key, value]) => !silent.has(key) && !isNothing(value));
  if (inner === null || textOf(inner, 'type') !== 'EXPRESSION_LIST' || said) return null;
  if (type !== 'SELECT_NODE' || handling !== 'STANDARD_HANDLING' || !isPlainStar(list)) return null;
  if (textsOf(inner, 'column_name_alias').length > 0 || !isNothing(inner['sample'])) return null;
  if (isRecord(ctes) && recordsOf(ctes, 'map').length > 0) return null;
  return {
    ...inner,
    alias: textOf(table, 'alias'),
    sample: table['sample'] ?? null,
    column_name_alias: table['column_name_alias'] ?? [],
  };
}

function isPlainStar(list: Json | undefined): boolean {
  const [star, ...more] = isList(list) ? list : [];
  if (!isRecord(star) || more.length > 0) return false;
  const { class: kind, type, query_location: _place, ...others } = star;
  return kind === 'STAR' && type === 'STAR' && Object.values(others).every(isNothing);
}

/** `decimal` are those without a fraction: with one they are seen by their digits. */
type NumberKind = 'double' | 'decimal' | 'exact';

/**
 * A numeric constant in one spelling: `-(1)` is read as a constant, and some are printed as a cast of their digits.
 * The same number as a DOUBLE and as an exact one are not the same: they are calculated with in other ways.
 */
function numberOf(record: TreeRecord): string | null {
  switch (textOf(record, 'class')) {
    case 'FUNCTION': {
      const [only, ...more] = textOf(record, 'function_name') === '-' ? recordsOf(record, 'children') : [];
      const number = only === undefined || more.length > 0 ? null : numberOf(only);
      return number === null || number.startsWith('0')
        ? number
        : number.startsWith('-')
          ? number.slice(1)
          : `-${number}`;
    }
    case 'CAST': {
      const { cast_type: type, child } = record;
      const kind = kindOf(type);
      const digits = isRecord(child) && textOf(child, 'class') === 'CONSTANT' ? child['value'] : null;
      if (kind === null || kind === 'exact' || record['try_cast'] !== false || !isRecord(digits)) return null;
      return typeof digits['value'] === 'string' ? spelled(digits['value'], 0, kind) : null;
    }
    case 'CONSTANT':
      return isRecord(record['value']) ? constantOf(record['value']) : null;
    default:
      return null;
  }
}

function constantOf({ type, is_null: isNull, value }: TreeRecord): string | null {
  const kind = kindOf(type);
  return kind === null || isNull !== false ? null : spelled(digitsOf(value), scaleOf(type), kind);
}

/** How a number of this type is calculated with; null for no number. */
function kindOf(type: Json | undefined): NumberKind | null {
  if (!isRecord(type)) return null;
  const id = textOf(type, 'id');
  if (id === 'DECIMAL') return scaleOf(type) === 0 ? 'decimal' : 'exact';
  if (!isNothing(type['type_info'])) return null;
  if (id === 'DOUBLE' || id === 'FLOAT') return 'double';
  return /^U?(TINYINT|SMALLINT|INTEGER|BIGINT)$/.test(id) ? 'exact' : null;
}

function scaleOf(type: Json | undefined): number {
  const info = isRecord(type) && textOf(type, 'id') === 'DECIMAL' ? type['type_info'] : null;
  return isRecord(info) && typeof info['scale'] === 'number' ? info['scale'] : 0;
}

/** Whether the printer writes a constant of this type so that it is read as another: `1e3` as `1000.0`, `1.` as `1`. */
export function isMisprinted(type: Json | undefined): boolean {
  const kind = kindOf(type);
  return kind === 'double' || kind === 'decimal';
}

/** The digits of a number of a tree, as they stand there; empty when it is none. */
export function digitsOf(value: Json | undefined): string {
  return isRecord(value) ? textOf(value, '#') : typeof value === 'number' ? printTree(value) : '';
}

/** Sign, digits without zeros around them, the power of ten behind, and how it is calculated with: equal for equal numbers. */
function spelled(number: string, scale: number, kind: NumberKind): string | null {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(number) ?? [];
  if (whole === '') return null;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const short = digits.replace(/0+$/, '');
  const power = Number(exponent) - fraction.length - scale + (digits.length - short.length);
  return short === '' ? `0 ${kind}` : `${sign}${short}e${power} ${kind}`;
}
