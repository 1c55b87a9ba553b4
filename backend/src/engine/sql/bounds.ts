import { foldName } from '../../core/index.js';
import { tableOf } from './rewrite.js';
import type { TreeRecord } from './tree.js';
import { isRecord, recordsOf, textOf, textsOf } from './tree.js';
import { visit } from './walk.js';

/** What one reading of a time-bounded table says about `time`: constants it is at least, and at most. */
export interface TableBounds {
  readonly table: string;
  readonly lower: readonly TreeRecord[];
  readonly upper: readonly TreeRecord[];
}

type Side = 'lower' | 'upper';

const sides: Readonly<Record<string, readonly Side[]>> = {
  COMPARE_GREATERTHAN: ['lower'],
  COMPARE_GREATERTHANOREQUALTO: ['lower'],
  COMPARE_LESSTHAN: ['upper'],
  COMPARE_LESSTHANOREQUALTO: ['upper'],
  COMPARE_EQUAL: ['lower', 'upper'],
};

/**
 * Each reading of the given tables with the constants its own SELECT's WHERE compares `time` with. Only the AND-ed
 * conditions count; a condition that isn't understood bounds nothing, which is always right.
 * @param tables `schema.name` in lower case.
 */
export function timeBounds(statement: TreeRecord, tables: ReadonlySet<string>): readonly TableBounds[] {
  const found: TableBounds[] = [];
  visit(statement, 'statement', {
    enter(record, kind) {
      if (kind !== 'query') return;
      const from = record['from_table'];
      if (!isRecord(from)) return;
      const items = itemsOf(from);
      const where = record['where_clause'];
      for (const item of items) {
        const table = tableOf(item);
        if (table === undefined || !tables.has(table)) continue;
        const bounds = { lower: [] as TreeRecord[], upper: [] as TreeRecord[] };
        if (isRecord(where)) {
          for (const condition of conjuncts(where)) collect(condition, namesOf(item, items.length === 1), bounds);
        }
        found.push({ table, ...bounds });
      }
    },
  });
  return found;
}

/** The FROM items joined in one SELECT, without those of subqueries. */
function itemsOf(from: TreeRecord): readonly TreeRecord[] {
  switch (textOf(from, 'type')) {
    case 'JOIN':
      return [from['left'], from['right']].filter(isRecord).flatMap(itemsOf);
    case 'PIVOT':
      return isRecord(from['source']) ? itemsOf(from['source']) : [];
    default:
      return [from];
  }
}

/** The ways the item's `time` may be written: `time` (when it is the only item), `alias.time`, `schema.table.time`. */
function namesOf(item: TreeRecord, alone: boolean): ReadonlySet<string> {
  const alias = textOf(item, 'alias');
  const names = new Set(alone ? ['time'] : []);
  if (alias === '') {
    names.add(foldName(`${textOf(item, 'table_name')}.time`));
    names.add(foldName(`${textOf(item, 'schema_name')}.${textOf(item, 'table_name')}.time`));
  } else {
    names.add(foldName(`${alias}.time`));
  }
  // Renamed columns: `logs AS l(a, b)` may call anything `time`.
  return textsOf(item, 'column_name_alias').length > 0 ? new Set() : names;
}

function conjuncts(condition: TreeRecord): readonly TreeRecord[] {
  return textOf(condition, 'type') === 'CONJUNCTION_AND'
    ? recordsOf(condition, 'children').flatMap(conjuncts)
    : [condition];
}

function collect(condition: TreeRecord, names: ReadonlySet<string>, into: Record<Side, TreeRecord[]>): void {
  const isTime = (side: unknown): boolean =>
    isRecord(side as TreeRecord) && names.has(foldName(textsOf(side as TreeRecord, 'column_names').join('.')));
  if (textOf(condition, 'type') === 'COMPARE_BETWEEN') {
    const { input, lower, upper } = condition;
    if (!isTime(input)) return;
    if (isRecord(lower) && isSteady(lower)) into.lower.push(lower);
    if (isRecord(upper) && isSteady(upper)) into.upper.push(upper);
    return;
  }
  const wanted = sides[textOf(condition, 'type')];
  const { left, right } = condition;
  if (wanted === undefined || !isRecord(left) || !isRecord(right)) return;
  for (const side of wanted) {
    if (isTime(left) && isSteady(right)) into[side].push(right);
    // `'2026-01-01' <= time`: the sides change places.
    const mirrored = wanted.length === 2 ? side : side === 'lower' ? 'upper' : 'lower';
    if (isTime(right) && isSteady(left)) into[mirrored].push(left);
  }
}

/** True for expressions whose value doesn't depend on rows: constants, parameters and calls of those. */
function isSteady(expression: TreeRecord): boolean {
  let steady = true;
  visit(expression, 'expression', {
    enter(record, kind) {
      if (kind !== 'expression') return;
      if (!['CONSTANT', 'CAST', 'FUNCTION', 'OPERATOR', 'PARAMETER'].includes(textOf(record, 'class'))) {
        steady = false;
      }
    },
  });
  return steady;
}
