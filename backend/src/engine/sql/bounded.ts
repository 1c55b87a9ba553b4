import { foldName } from '../../core/index.js';
import { functionCall, integer, operator } from './build.js';
import { constantText } from './patterns.js';
import type { TreeRecord } from './tree.js';
import { isRecord, recordsOf, textOf } from './tree.js';

/** What DuckDB's `error` says when a value is too long for a function: the sentence and the hint follow. */
export const GUARD_MARK = 'armorlake limit: ';

/** `CASE WHEN size > most THEN error(…) ELSE value END`. */
export function bounded(value: TreeRecord, size: TreeRecord, most: number, what: string, hint: string): TreeRecord {
  const message = `${GUARD_MARK}${what}. ${hint}`;
  return {
    class: 'CASE',
    type: 'CASE_EXPR',
    alias: textOf(value, 'alias'),
    case_checks: [
      {
        when_expr: {
          class: 'COMPARISON',
          type: 'COMPARE_GREATERTHAN',
          alias: '',
          left: size,
          right: integer(most),
        },
        then_expr: functionCall('error', [textConstant(message)]),
      },
    ],
    else_expr: unnamed(value),
  };
}

/** `CASE WHEN value < least THEN least ELSE value END`: NULL stays NULL. */
export function atLeast(value: TreeRecord, least: number): TreeRecord {
  return {
    class: 'CASE',
    type: 'CASE_EXPR',
    alias: '',
    case_checks: [
      {
        when_expr: { class: 'COMPARISON', type: 'COMPARE_LESSTHAN', alias: '', left: value, right: integer(least) },
        then_expr: integer(least),
      },
    ],
    else_expr: value,
  };
}

/** What a bound was put around; null for other expressions. */
export function boundedValue(expression: TreeRecord): TreeRecord | null {
  const [check, ...more] = recordsOf(expression, 'case_checks');
  const value = expression['else_expr'];
  const then = check?.['then_expr'];
  if (more.length > 0 || !isRecord(then) || !isRecord(value)) return null;
  const message = constantText(recordsOf(then, 'children')[0]);
  return textOf(then, 'function_name') === 'error' && message?.startsWith(GUARD_MARK) === true ? value : null;
}

/** The value without the name it has as an argument or column. */
export function unnamed(value: TreeRecord): TreeRecord {
  return textOf(value, 'alias') === '' ? value : { ...value, alias: '' };
}

/** How often a sign of one byte stands in a text. */
export function occurrences(text: TreeRecord, sign: TreeRecord): TreeRecord {
  const without = functionCall('replace', [text, sign, textConstant('')]);
  return operator('-', functionCall('strlen', [text]), functionCall('strlen', [without]));
}

/** A text as DuckDB's tree has it. */
export function textConstant(value: string): TreeRecord {
  return {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: '',
    value: { type: { id: 'VARCHAR', type_info: null }, is_null: false, value },
  };
}

/** An upper bound of a list's length that is cheaper to have than the list, where one is known. */
export function itemsOf(value: TreeRecord): TreeRecord | number {
  const inner = boundedValue(value);
  if (inner !== null) return itemsOf(inner);
  const name = foldName(textOf(value, 'function_name'));
  const children = recordsOf(value, 'children');
  const [first] = children;
  if (name === 'list_value' || name === 'list_pack') return children.length;
  if (first !== undefined && /^(list|array)_(transform|apply|filter|sort|distinct|reverse|unique)$/.test(name)) {
    return itemsOf(first);
  }
  if (first !== undefined && /^(str_split|string_split|string_to_array|split)(_regex)?$/.test(name)) {
    return constantText(first)?.length ?? functionCall('strlen', [unnamed(first)]);
  }
  if (textOf(value, 'class') === 'CAST' && isRecord(value['child'])) {
    const inner = itemsOf(value['child']);
    if (typeof inner === 'number') return inner;
  }
  return functionCall('len', [unnamed(value)]);
}

/** A list of at most so many items. */
export function boundedList(value: TreeRecord, most: number, name: string, hint: string): TreeRecord {
  const items = itemsOf(value);
  if (typeof items === 'number' && items <= most) return value;
  const size = typeof items === 'number' ? integer(items) : items;
  return bounded(value, size, most, `${name} takes lists of up to ${most} items here`, hint);
}
