import { foldName } from '../../core/index.js';
import type { QueryNode, TreeRecord } from '../../engine/index.js';
import { contains, isRecord, recordOf, recordsOf, textOf, typeOf } from '../../engine/index.js';

/** A CTE that reads nothing of the network: what names it can run by itself, when it is given along. */
interface SteadyCte {
  readonly entry: TreeRecord;
  /** Names of the CTEs it reads, which are steady too. */
  readonly needs: readonly string[];
}

/** The CTEs in sight by name in lower case; null for those that can't be given along. */
export type CteScope = ReadonlyMap<string, SteadyCte | null>;

/** The scope within a query: with its own CTEs. A name that is given twice is given along nowhere. */
export function scopeWithin(node: QueryNode, outer: CteScope, readsNetwork: (node: TreeRecord) => boolean): CteScope {
  const entries = entriesOf(node);
  const recursive = foldName(textOf(node, 'cte_name'));
  if (entries.length === 0 && recursive === '') return outer;
  const scope = new Map(outer);
  if (recursive !== '') scope.set(recursive, null);
  for (const entry of entries) {
    const name = nameOf(entry);
    const needs = namedIn(entry, scope);
    const steady = !contains(entry, readsNetwork) && needs.every((each) => scope.get(each) !== null);
    scope.set(name, steady && !scope.has(name) && !givesAny(entry, scope) ? { entry, needs } : null);
  }
  return scope;
}

/** The query with the CTEs that it reads; the same where it reads none, or one that can't be given along. */
export function alone(node: QueryNode, scope: CteScope): QueryNode {
  const named = namedIn(node, scope);
  const map = recordOf(node, 'cte_map');
  if (named.length === 0 || map === null || givesAny(node, scope)) return node;
  const needed = new Set(named);
  // A set that grows while it is gone through: what is needed by what is needed.
  for (const name of needed) for (const each of scope.get(name)?.needs ?? []) needed.add(each);
  const given = [...scope].flatMap(([name, cte]) => (needed.has(name) ? [cte?.entry ?? null] : []));
  if (given.includes(null)) return node;
  return { ...node, cte_map: { ...map, map: [...given, ...entriesOf(node)] } };
}

/** The node without its steady CTEs that nothing reads any more: what has CTEs of its own can't be split. */
export function withoutUnused(node: TreeRecord, scope: CteScope): TreeRecord {
  const map = recordOf(node, 'cte_map');
  if (map === null) return node;
  const { cte_map: _, ...rest } = node;
  const kept: TreeRecord[] = [];
  for (const entry of entriesOf(node).toReversed()) {
    const name = nameOf(entry);
    const only: CteScope = new Map([[name, null]]);
    const used = [rest, ...kept].some((each) => namedIn(each, only).length > 0);
    if (used || (scope.get(name) ?? null) === null) kept.unshift(entry);
  }
  return { ...node, cte_map: { ...map, map: kept } };
}

function entriesOf(node: QueryNode): readonly TreeRecord[] {
  const map = recordOf(node, 'cte_map');
  return map === null ? [] : recordsOf(map, 'map');
}

function nameOf(entry: TreeRecord): string {
  return foldName(textOf(entry, 'key'));
}

/** Names of the scope that are read at or below a node. */
function namedIn(node: TreeRecord, scope: CteScope): readonly string[] {
  const names = new Set<string>();
  contains(node, (each) => {
    const name = foldName(textOf(each, 'table_name'));
    if (typeOf(each) === 'BASE_TABLE' && textOf(each, 'schema_name') === '' && scope.has(name)) names.add(name);
    return false;
  });
  return [...names];
}

/** Whether a CTE below gives a name of the scope another meaning. */
function givesAny(node: TreeRecord, scope: CteScope): boolean {
  return contains(node, (each) => {
    if (scope.has(foldName(textOf(each, 'cte_name')))) return true;
    return isRecord(each['cte_map']) && entriesOf(each).some((entry) => scope.has(nameOf(entry)));
  });
}
