import { foldName } from '../../core/index.js';
import { childrenOf, contains, isStar, isSubquery } from './build.js';
import { bareMoments, momentTypes } from './functions.js';
import { isRecord, recordsOf, textOf, textsOf } from './tree.js';
import type { Json, TreeRecord } from './tree.js';
import { visit } from './walk.js';

/** DuckDB's mark for "no place in the SQL". */
const nowhere: Json = { '#': '18446744073709551615' };

function constant(type: string, value: Json): TreeRecord {
  return {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: '',
    query_location: nowhere,
    value: { type: { id: type, type_info: null }, is_null: false, value },
  };
}

/** `CAST('text' AS type)`: what DuckDB makes of a typed literal. */
export function typedLiteral(type: 'TIMESTAMP' | 'DATE' | 'TIME', text: string): TreeRecord {
  return {
    class: 'CAST',
    type: 'OPERATOR_CAST',
    alias: '',
    query_location: nowhere,
    child: constant('VARCHAR', text),
    cast_type: { id: type, type_info: null },
    try_cast: false,
  };
}

/** A SELECT of expressions without FROM, as a statement. */
export function selectOf(expressions: readonly TreeRecord[]): TreeRecord {
  return {
    node: {
      type: 'SELECT_NODE',
      modifiers: [],
      cte_map: { map: [] },
      select_list: expressions,
      from_table: { type: 'EMPTY', alias: '', sample: null, query_location: nowhere },
      where_clause: null,
      group_expressions: [],
      group_sets: [],
      aggregate_handling: 'STANDARD_HANDLING',
      having: null,
      sample: null,
      qualify: null,
    },
    named_param_map: [],
  };
}

/** `CAST(expression AS type)`. */
export function castTo(type: string, expression: TreeRecord): TreeRecord {
  return { ...typedLiteral('TIMESTAMP', ''), child: expression, cast_type: { id: type, type_info: null } };
}

/** `TRY(expression)`: NULL where it would fail, without ending the transaction it runs in. */
export function attempt(expression: TreeRecord): TreeRecord {
  return { class: 'OPERATOR', type: 'OPERATOR_TRY', alias: '', query_location: nowhere, children: [expression] };
}

/** The type a node that means the present moment has; undefined for other nodes. */
function momentOf(record: TreeRecord): 'TIMESTAMP' | 'DATE' | 'TIME' | undefined {
  if (textOf(record, 'class') === 'FUNCTION') return momentTypes[foldName(textOf(record, 'function_name'))];
  if (textOf(record, 'class') !== 'COLUMN_REF') return undefined;
  const [name, ...rest] = textsOf(record, 'column_names');
  return name !== undefined && rest.length === 0 && bareMoments.has(foldName(name))
    ? momentTypes[foldName(name)]
    : undefined;
}

/** The SELECT items without an alias that are so: what is done to them would change their column names. */
export function unnamedItems(statement: TreeRecord, isSo: (item: TreeRecord) => boolean): readonly TreeRecord[] {
  const found: TreeRecord[] = [];
  visit(statement, 'statement', {
    enter(record, kind) {
      if (kind !== 'query') return;
      for (const item of recordsOf(record, 'select_list')) {
        if (textOf(item, 'alias') === '' && isSo(item)) found.push(item);
      }
    },
  });
  return found;
}

/** The statement with these names for its items. */
export function nameItems(statement: TreeRecord, names: ReadonlyMap<TreeRecord, string>): TreeRecord {
  if (names.size === 0) return statement;
  return visit(statement, 'statement', {
    leave(record, _kind, original) {
      const name = names.get(original);
      return name === undefined ? record : { ...record, alias: name };
    },
  });
}

/** Whether an item reads a table in a subquery; one with a star around it gives several columns, with names of their own. */
export function readsTable(item: TreeRecord): boolean {
  return contains(item, (each) => tableOf(each) !== undefined) && !isStarred(item);
}

function isStarred(expression: TreeRecord): boolean {
  return !isSubquery(expression) && (isStar(expression) || [...childrenOf(expression)].some(isStarred));
}

export function holdsMoment(record: TreeRecord): boolean {
  let found = false;
  visit(record, 'class' in record ? 'expression' : 'statement', {
    enter(each) {
      found ||= momentOf(each) !== undefined;
    },
  });
  return found;
}

/**
 * Replaces `now()`, `current_date` and their like with one moment, as UTC literals.
 * @param moment as `2026-01-31 12:00:00.123456`
 * @param names the column names of items that hold such a moment, which they keep.
 */
export function freezeMoments(
  statement: TreeRecord,
  moment: string,
  names: ReadonlyMap<TreeRecord, string>,
): TreeRecord {
  const [date = '', time = ''] = moment.split(' ');
  const texts = { TIMESTAMP: moment, DATE: date, TIME: time };
  return visit(statement, 'statement', {
    leave(record, kind, original) {
      if (kind !== 'expression') return record;
      const type = momentOf(record);
      const frozen =
        type === undefined ? record : { ...typedLiteral(type, texts[type]), alias: textOf(record, 'alias') };
      const name = names.get(original);
      return name === undefined ? frozen : { ...frozen, alias: name };
    },
  });
}

/** `schema.name` of a FROM item that is a table of a schema, in lower case; undefined for CTEs and other items. */
export function tableOf(record: TreeRecord): string | undefined {
  if (textOf(record, 'type') !== 'BASE_TABLE' || textOf(record, 'schema_name') === '') return undefined;
  return foldName(`${textOf(record, 'schema_name')}.${textOf(record, 'table_name')}`);
}

/**
 * Puts a query in the place of tables, under the table's alias or name.
 * @param sources by `schema.name` in lower case: the query node that gives the table's rows.
 */
export function replaceTables(statement: TreeRecord, sources: ReadonlyMap<string, TreeRecord>): TreeRecord {
  return visit(statement, 'statement', {
    leave(record, kind) {
      if (kind === 'expression') return unqualify(record, sources);
      const table = kind === 'table' ? tableOf(record) : undefined;
      const source = table === undefined ? undefined : sources.get(table);
      if (source === undefined) return record;
      return {
        type: 'SUBQUERY',
        alias: textOf(record, 'alias') || textOf(record, 'table_name'),
        sample: record['sample'] ?? null,
        query_location: record['query_location'] ?? nowhere,
        subquery: { node: source, named_param_map: [] },
        column_name_alias: record['column_name_alias'] ?? [],
      };
    },
  });
}

/** `kubearmor.logs.time` → `logs.time`: a subquery's alias has no schema. */
function unqualify(record: TreeRecord, sources: ReadonlyMap<string, TreeRecord>): TreeRecord {
  if (textOf(record, 'class') !== 'COLUMN_REF') return record;
  const [schema, table, ...rest] = textsOf(record, 'column_names');
  if (schema === undefined || table === undefined || rest.length === 0) return record;
  if (!sources.has(foldName(`${schema}.${table}`))) return record;
  return { ...record, column_names: [table, ...rest] };
}

/** Puts statements before a statement, each as a CTE of its name that is not materialized. */
export function withCtes(statement: TreeRecord, ctes: ReadonlyMap<string, TreeRecord>): TreeRecord {
  const node = statement['node'];
  if (!isRecord(node) || ctes.size === 0) return statement;
  const own = isRecord(node['cte_map']) ? recordsOf(node['cte_map'], 'map') : [];
  const added = [...ctes].map(([key, query]) => ({
    key,
    value: { aliases: [], query, materialized: 'CTE_MATERIALIZE_NEVER', key_targets: [] },
  }));
  return { ...statement, node: { ...node, cte_map: { map: [...added, ...own] } } };
}

/** Adds `LIMIT rows` to a statement that has no LIMIT, and lowers a larger constant one; the reader stops there anyway. */
export function limitRows(statement: TreeRecord, rows: number): TreeRecord {
  const node = statement['node'];
  if (!isRecord(node)) return statement;
  const from = node['from_table'];
  if (isRecord(from) && textOf(from, 'type') === 'SHOW_REF') return statement;
  const modifiers = recordsOf(node, 'modifiers');
  const last = modifiers.at(-1);
  const limit = constant('BIGINT', rows);
  if (last === undefined || !textOf(last, 'type').startsWith('LIMIT')) {
    const added = { type: 'LIMIT_MODIFIER', limit, offset: null };
    return { ...statement, node: { ...node, modifiers: [...modifiers, added] } };
  }
  if (textOf(last, 'type') !== 'LIMIT_MODIFIER') return statement;
  const given = last['limit'];
  if (isRecord(given) && constantNumber(given) <= rows) return statement;
  if (isRecord(given) && Number.isNaN(constantNumber(given))) return statement;
  return { ...statement, node: { ...node, modifiers: [...modifiers.slice(0, -1), { ...last, limit }] } };
}

/** The number of a constant; Infinity for NULL (no limit), NaN for what is no plain number. */
function constantNumber(expression: TreeRecord): number {
  const value = expression['value'];
  if (textOf(expression, 'class') !== 'CONSTANT' || !isRecord(value)) return NaN;
  if (value['is_null'] === true) return Infinity;
  if (typeof value['value'] === 'number') return value['value'];
  return isRecord(value['value']) && '#' in value['value'] ? Number(value['value']['#']) : NaN;
}
