import { foldName } from '../../core/index.js';
import type { FieldKind } from './shapes.js';
import { ctesOf, leafKinds, shapeOf } from './shapes.js';
import type { Json, TreeRecord } from './tree.js';
import { isList, isRecord, textOf } from './tree.js';

/** The CTE names visible at a place, in lower case: DuckDB's identifiers ignore case. */
export interface Scope {
  has(name: string): boolean;
}

export interface Visitor {
  /** Called for every record before its children, with the kind of the key it stands under. */
  enter?(record: TreeRecord, kind: FieldKind, scope: Scope, depth: number): void;
  /** Called after a record's children, with the record as it was; what it returns takes the record's place. */
  leave?(record: TreeRecord, kind: FieldKind, original: TreeRecord): TreeRecord;
}

export const emptyScope: Scope = new Set<string>();

/** Names in the order they are given, and those of outside: a copy for each of thousands of CTEs would be quadratic. */
class Names implements Scope {
  readonly #outer: Scope;
  readonly #places: ReadonlyMap<string, number>;

  constructor(outer: Scope, names: readonly string[]) {
    this.#outer = outer;
    this.#places = new Map(names.map((name, index): [string, number] => [foldName(name), index]).reverse());
  }

  has(name: string): boolean {
    return this.#places.has(name) || this.#outer.has(name);
  }

  /** The scope before the name at a place was given. */
  before(place: number): Scope {
    return { has: (name) => (this.#places.get(name) ?? place) < place || this.#outer.has(name) };
  }
}

/**
 * Visits a record and all below it, keeping the CTE scope, and gives the record back with what `leave` changed.
 * Records that didn't change are the same objects.
 */
export function visit(
  record: TreeRecord,
  kind: FieldKind,
  visitor: Visitor,
  scope = emptyScope,
  depth = 0,
): TreeRecord {
  visitor.enter?.(record, kind, scope, depth);
  const shape = shapeOf(record, kind);
  let result = record;
  if (shape !== undefined) {
    let inner = scope;
    const changes: Record<string, Json> = {};
    let changed = false;
    // The CTEs first: the node's other parts see their names.
    if (kind === 'query' && shape['cte_map'] === 'ctes') {
      const visited = visitCtes(record, visitor, scope, depth);
      inner = visited.scope;
      if (visited.map !== undefined) [changes['cte_map'], changed] = [visited.map, true];
    }
    // A recursive CTE is known by its name to its second part alone: in its first one DuckDB looks for a table.
    const own = textOf(record, 'cte_name');
    const second = own === '' ? inner : new Names(inner, [own]);
    for (const [key, field] of Object.entries(shape)) {
      const value = record[key];
      if (leafKinds.has(field) || field === 'ctes' || value === undefined || value === null) continue;
      const next = visitValue(value, field, visitor, key === 'right' ? second : inner, depth + 1);
      if (next !== value) [changes[key], changed] = [next, true];
    }
    if (changed) result = { ...record, ...changes };
  }
  return visitor.leave?.(result, kind, record) ?? result;
}

function visitValue(value: Json, kind: FieldKind, visitor: Visitor, scope: Scope, depth: number): Json {
  if (isRecord(value)) return visit(value, kind, visitor, scope, depth);
  if (!isList(value)) return value;
  let changed = false;
  const list = value.map((each) => {
    const next = visitValue(each, kind, visitor, scope, depth);
    changed ||= next !== each;
    return next;
  });
  return changed ? list : value;
}

function visitCtes(
  query: TreeRecord,
  visitor: Visitor,
  outer: Scope,
  depth: number,
): { scope: Scope; map: TreeRecord | undefined } {
  const ctes = ctesOf(query);
  if (ctes.length === 0) return { scope: outer, map: undefined };
  const names = new Names(
    outer,
    ctes.map(({ name }) => name),
  );
  let changed = false;
  const map = ctes.map(({ name, cte }, index) => {
    const next = visit(cte, 'ctes', visitor, names.before(index), depth + 1);
    changed ||= next !== cte;
    return { key: name, value: next };
  });
  return { scope: names, map: changed ? { map } : undefined };
}
