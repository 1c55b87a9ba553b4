import { foldName } from '../../core/index.js';
import type { Member, PrunedColumn } from '../scatter.js';
import type { Expression, TreeRecord } from '../../engine/index.js';
import {
  classOf,
  conjunctsOf,
  contains,
  isSubquery,
  recordOf,
  recordsOf,
  textOf,
  textsOf,
  typeOf,
} from '../../engine/index.js';
import type { Fragment, SqlFrontend } from './types.js';

const prunedColumns = ['cluster', 'host', 'namespace', 'policy'] as const satisfies readonly PrunedColumn[];

/** What a fragment's WHERE demands of every row it takes. */
export interface Constraint {
  /** Column → the only values it may have; `node` and the columns whose values members promise. */
  readonly values: ReadonlyMap<string, ReadonlySet<string>>;
  /** Rows are earlier than this; microseconds since 1970. */
  readonly beforeMicros: number | null;
}

/** The constraints of each fragment; times are computed by DuckDB itself. */
export async function constraintsOf(
  fragments: readonly Fragment[],
  beforeMicros: number | null,
  frontend: SqlFrontend,
): Promise<readonly Constraint[]> {
  const conditions = fragments.map((fragment) => conjunctsOf(fragment.filter));
  const bounds = conditions.map((own) => own.flatMap(upperBoundOf));
  const times = await frontend.timesOf(bounds.flat());
  let at = 0;
  return conditions.map((own, index) => {
    const count = bounds[index]?.length ?? 0;
    const known = [beforeMicros, ...times.slice(at, at + count)].filter((time) => time !== null);
    at += count;
    return { values: allowedValues(own), beforeMicros: known.length === 0 ? null : Math.min(...known) };
  });
}

function allowedValues(conditions: readonly Expression[]): ReadonlyMap<string, ReadonlySet<string>> {
  const allowed = new Map<string, ReadonlySet<string>>();
  for (const demand of conditions.map(demandOf)) {
    if (demand === null) continue;
    const known = allowed.get(demand.column);
    allowed.set(demand.column, known === undefined ? demand.values : intersection(known, demand.values));
  }
  return allowed;
}

function intersection(left: ReadonlySet<string>, right: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...left].filter((value) => right.has(value)));
}

/** column = 'text' or column IN ('text', …), of the columns that members speak of. */
function demandOf(condition: Expression): { column: string; values: ReadonlySet<string> } | null {
  const sides =
    typeOf(condition) === 'COMPARE_EQUAL'
      ? [recordOf(condition, 'left'), recordOf(condition, 'right')].filter((side) => side !== null)
      : typeOf(condition) === 'COMPARE_IN'
        ? recordsOf(condition, 'children')
        : [];
  const named =
    typeOf(condition) === 'COMPARE_EQUAL' && literalText(sides[0] ?? {}) !== null ? sides.toReversed() : sides;
  const [first, ...constants] = named;
  const column = first === undefined ? null : columnOf(first);
  if (column === null || !(column === 'node' || prunedColumns.some((name) => name === column))) return null;
  const texts = constants.map(literalText);
  return constants.length > 0 && texts.every((text) => text !== null) ? { column, values: new Set(texts) } : null;
}

/** The constant of time < constant, time <= constant, or either turned around. */
function upperBoundOf(condition: Expression): readonly Expression[] {
  const [columnSide, constantSide] = ['COMPARE_LESSTHAN', 'COMPARE_LESSTHANOREQUALTO'].includes(typeOf(condition))
    ? ['left', 'right']
    : ['COMPARE_GREATERTHAN', 'COMPARE_GREATERTHANOREQUALTO'].includes(typeOf(condition))
      ? ['right', 'left']
      : ['', ''];
  const constant = recordOf(condition, constantSide);
  return constant !== null && columnOf(recordOf(condition, columnSide) ?? {}) === 'time' && isConstant(constant)
    ? [constant]
    : [];
}

function columnOf(expression: TreeRecord): string | null {
  return classOf(expression) === 'COLUMN_REF'
    ? (textsOf(expression, 'column_names').map(foldName).at(-1) ?? null)
    : null;
}

/** The text of a string literal; other types compare by other rules than equal text. */
function literalText(expression: TreeRecord): string | null {
  if (classOf(expression) === 'CAST') {
    const type = recordOf(expression, 'cast_type');
    return type !== null && textOf(type, 'id') === 'VARCHAR' ? literalText(recordOf(expression, 'child') ?? {}) : null;
  }
  const value = classOf(expression) === 'CONSTANT' ? recordOf(expression, 'value') : null;
  const type = value === null ? null : recordOf(value, 'type');
  const text = value?.['value'];
  return type !== null && textOf(type, 'id') === 'VARCHAR' && typeof text === 'string' ? text : null;
}

function isConstant(expression: Expression): boolean {
  return !contains(
    expression,
    (node) => classOf(node) === 'COLUMN_REF' || classOf(node) === 'PARAMETER' || isSubquery(node),
  );
}

/** Why this member can hold no row for any of the constraints, in a few words; null when it may. */
export function prunedBecause(
  member: Member,
  fragments: readonly { table: readonly string[]; constraint: Constraint }[],
): string | null {
  let reason: string | null = null;
  for (const fragment of fragments) {
    const own = excludedBy(member, fragment.constraint, fragment.table);
    if (own === null) return null;
    reason ??= own;
  }
  return reason;
}

function excludedBy(member: Member, constraint: Constraint, tables: readonly string[]): string | null {
  for (const [column, allowed] of constraint.values) {
    const held = column === 'node' ? [member.name] : heldValues(member, column);
    if (held !== null && !held.some((value) => allowed.has(value))) return `no row has such a ${column}`;
  }
  const { beforeMicros } = constraint;
  if (beforeMicros === null) return null;
  const held = member.tables.filter((table) => tables.includes(table.name));
  // A table the member does not speak of may hold anything.
  if (held.length < tables.length) return null;
  const none = held.every((table) => table.minTimeMicros !== null && table.minTimeMicros > beforeMicros);
  return none ? 'all its rows are later' : null;
}

function heldValues(member: Member, column: string): readonly string[] | null {
  const known = prunedColumns.find((name) => name === column);
  return known === undefined ? null : member.values[known];
}
