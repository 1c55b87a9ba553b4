import { foldName } from '../../core/index.js';
import type { Expression, TreeRecord } from '../../engine/index.js';
import { columnRef, functionCall, integer, operator, recordOf, recordsOf, textOf } from '../../engine/index.js';

/** How one aggregate is split: what each node computes, and how those are put together. */
export interface Decomposition {
  /** Aggregates over the table's rows, computed by each node. */
  readonly partials: readonly Expression[];
  /** Over the columns that hold the partials, in their order. */
  merge(columns: readonly string[]): Expression;
}

/** Aggregates whose merge is the same aggregate over the partials. */
const selfMerging = new Set([
  'min',
  'max',
  'bool_and',
  'bool_or',
  'bit_and',
  'bit_or',
  'bit_xor',
  'product',
  'any_value',
]);

const counting = new Set(['count', 'count_star']);

/** Aggregates whose partials are summed; NULL where no row answered, as DuckDB has it for both. */
const summing = new Set(['sum', 'count_if', 'countif']);

export const averaging: ReadonlySet<string> = new Set(['avg', 'mean']);

/** Variance-like aggregates, by what is made of M2 (Σ(x−mean)²) and n; NULL where DuckDB gives NULL. */
const varianceFormulas: Readonly<Record<string, { minimum: number; ddof: number; root: boolean }>> = {
  var_pop: { minimum: 1, ddof: 0, root: false },
  var_samp: { minimum: 2, ddof: 1, root: false },
  variance: { minimum: 2, ddof: 1, root: false },
  stddev_pop: { minimum: 1, ddof: 0, root: true },
  stddev_samp: { minimum: 2, ddof: 1, root: true },
  stddev: { minimum: 2, ddof: 1, root: true },
};

const argExtreme: Readonly<Record<string, { merge: string; extreme: string }>> = {
  arg_min: { merge: 'arg_min', extreme: 'min' },
  argmin: { merge: 'arg_min', extreme: 'min' },
  min_by: { merge: 'arg_min', extreme: 'min' },
  arg_max: { merge: 'arg_max', extreme: 'max' },
  argmax: { merge: 'arg_max', extreme: 'max' },
  max_by: { merge: 'arg_max', extreme: 'max' },
};

/** Aggregates whose answer is no text, whatever text they look at. */
export const givesNumbers: ReadonlySet<string> = new Set([
  ...counting,
  ...summing,
  ...averaging,
  ...Object.keys(varianceFormulas),
  'bool_and',
  'bool_or',
]);

/** DISTINCT aggregates that ignore NULL: their argument becomes one more group of the fragment. */
export const distinctPushed = new Set(['count', 'sum', 'avg', 'mean']);

/** Aggregates for which DISTINCT changes nothing. */
export const distinctIrrelevant = new Set(['min', 'max', 'bool_and', 'bool_or', 'bit_and', 'bit_or', 'any_value']);

/** The split of a call of an aggregate without DISTINCT and ORDER BY, or null when its values have to be shipped. */
export function decompose(call: Expression): Decomposition | null {
  const name = foldName(textOf(call, 'function_name'));
  const children = recordsOf(call, 'children');
  const own = { filter: recordOf(call, 'filter') };
  const [first, second] = children;
  if (counting.has(name)) return { partials: [{ ...call, alias: '' }], merge: ([column = '']) => total(column) };
  if (first === undefined) return null;
  if (selfMerging.has(name) && children.length === 1) {
    return { partials: [{ ...call, alias: '' }], merge: ([value = '']) => functionCall(name, [columnRef(value)]) };
  }
  if (summing.has(name) && children.length === 1) {
    return { partials: [{ ...call, alias: '' }], merge: ([sum = '']) => functionCall('sum', [columnRef(sum)]) };
  }
  if (averaging.has(name) && children.length === 1) return average(first, own);
  const variance = varianceFormulas[name];
  if (variance !== undefined && children.length === 1) return varianceOf(first, own, variance);
  const arg = argExtreme[name];
  if (arg !== undefined && second !== undefined && children.length === 2) return argOf(call, first, second, own, arg);
  return null;
}

/** Σ of counts; 0 where no node answered with a row. */
function total(column: string): Expression {
  return castTo('BIGINT', coalesce(functionCall('sum', [columnRef(column)]), integer(0)));
}

function average(value: Expression, own: TreeRecord): Decomposition {
  return {
    partials: [functionCall('sum', [castTo('DOUBLE', value)], own), functionCall('count', [value], own)],
    merge: ([sum = '', count = '']) =>
      divide(functionCall('sum', [columnRef(sum)]), functionCall('sum', [columnRef(count)])),
  };
}

function varianceOf(
  value: Expression,
  own: TreeRecord,
  formula: { minimum: number; ddof: number; root: boolean },
): Decomposition {
  const asDouble = castTo('DOUBLE', value);
  return {
    partials: [
      functionCall('count', [value], own),
      functionCall('avg', [asDouble], own),
      functionCall('var_pop', [asDouble], own),
    ],
    merge: ([count = '', mean = '', variance = '']) => {
      const n = functionCall('sum', [columnRef(count)]);
      // Σ var·n + Σ n·(mean − M)²: the second sum is taken over lists, as M is known only when all means are.
      const weights = functionCall('list', [columnRef(count)]);
      const means = functionCall('list', [columnRef(mean)]);
      const within = functionCall('sum', [multiply(columnRef(variance), columnRef(count))]);
      const between = functionCall('armorlake_spread', [weights, means]);
      const m2 = add(within, between);
      const result = divide(m2, formula.ddof === 0 ? n : subtract(n, integer(formula.ddof)));
      const rooted = formula.root ? functionCall('sqrt', [result]) : result;
      return caseWhen(atLeast(n, formula.minimum), rooted);
    },
  };
}

function argOf(
  call: Expression,
  value: Expression,
  by: Expression,
  own: { filter: Expression | null },
  names: { merge: string; extreme: string },
): Decomposition {
  // arg_min and arg_max skip rows where the value is NULL, so their extreme must as well.
  const present: Expression = { class: 'OPERATOR', type: 'OPERATOR_IS_NOT_NULL', alias: '', children: [value] };
  const filter: Expression =
    own.filter === null
      ? present
      : { class: 'CONJUNCTION', type: 'CONJUNCTION_AND', alias: '', children: [own.filter, present] };
  return {
    partials: [{ ...call, alias: '' }, functionCall(names.extreme, [by], { filter })],
    merge: ([arg = '', extreme = '']) => functionCall(names.merge, [columnRef(arg), columnRef(extreme)]),
  };
}

function add(left: Expression, right: Expression): Expression {
  return operator('+', left, right);
}

function subtract(left: Expression, right: Expression): Expression {
  return operator('-', left, right);
}

function multiply(left: Expression, right: Expression): Expression {
  return operator('*', left, right);
}

function divide(left: Expression, right: Expression): Expression {
  return operator('/', left, right);
}

function castTo(type: 'DOUBLE' | 'BIGINT', value: Expression): Expression {
  return {
    class: 'CAST',
    type: 'OPERATOR_CAST',
    alias: '',
    child: value,
    cast_type: { id: type, type_info: null },
    try_cast: false,
  };
}

export function coalesce(...children: readonly Expression[]): Expression {
  return { class: 'OPERATOR', type: 'OPERATOR_COALESCE', alias: '', children };
}

function atLeast(left: Expression, minimum: number): Expression {
  return {
    class: 'COMPARISON',
    type: 'COMPARE_GREATERTHANOREQUALTO',
    alias: '',
    left,
    right: integer(minimum),
  };
}

/** CASE WHEN condition THEN value END. */
function caseWhen(condition: Expression, value: Expression): Expression {
  return {
    class: 'CASE',
    type: 'CASE_EXPR',
    alias: '',
    case_checks: [{ when_expr: condition, then_expr: value }],
    else_expr: nullConstant(),
  };
}

export function nullConstant(): Expression {
  return {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: '',
    value: { type: { id: 'NULL', type_info: null }, is_null: true },
  };
}
