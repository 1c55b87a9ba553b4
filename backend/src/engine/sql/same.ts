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
  if (textOf(left, 'class') === 'CONSTANT' || textOf(right, 'class') === 'CONSTANT') {
    const [number, other] = [numberOf(left), numberOf(right)];
    if (number !== null && number === other) return textOf(left, 'alias') === textOf(right, 'alias');
  }
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

/** A numeric constant in one spelling: `1e2` is printed as `100.0` and read as a DECIMAL, `-(1)` as a constant. */
function numberOf(record: TreeRecord): string | null {
  if (textOf(record, 'class') === 'FUNCTION' && textOf(record, 'function_name') === '-') {
    const [only, ...more] = recordsOf(record, 'children');
    const number = only === undefined || more.length > 0 ? null : numberOf(only);
    return number === null || number === '0' ? number : number.startsWith('-') ? number.slice(1) : `-${number}`;
  }
  if (textOf(record, 'class') !== 'CONSTANT' || !isRecord(record['value'])) return null;
  const { type, is_null: isNull, value } = record['value'];
  if (!isRecord(type) || isNull !== false || value === undefined) return null;
  const id = textOf(type, 'id');
  if (!/^(U?(TINYINT|SMALLINT|INTEGER|BIGINT)|FLOAT|DOUBLE|DECIMAL)$/.test(id)) return null;
  const info = type['type_info'];
  const scale = isRecord(info) && typeof info['scale'] === 'number' ? info['scale'] : 0;
  const digits = isRecord(value) ? textOf(value, '#') : typeof value === 'number' ? printTree(value) : '';
  return digits === '' ? null : spelled(digits, id === 'DECIMAL' ? scale : 0);
}

/** Sign, digits without zeros around them, and the power of ten behind: equal for equal numbers. */
function spelled(number: string, scale: number): string | null {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(number) ?? [];
  if (whole === '') return null;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const short = digits.replace(/0+$/, '');
  const power = Number(exponent) - fraction.length - scale + (digits.length - short.length);
  return short === '' ? '0' : `${sign}${short}e${power}`;
}
