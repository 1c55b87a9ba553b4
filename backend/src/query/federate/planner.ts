import { foldName } from '../../core/index.js';
import type { IsAggregate } from './aggregate-fragment.js';
import { AggregateSplit, aggregates, averagedBy } from './aggregate-fragment.js';
import type { TableScope } from './canonical.js';
import { canonical } from './canonical.js';
import { splitRows } from './row-fragment.js';
import type { TableUse } from './scan-fragment.js';
import { filterMayMoveTo, namesIn, reachesUnnamedColumns, scanFragment, splitWhere } from './scan-fragment.js';
import { travels } from './shipping.js';
import type { Split } from './split.js';
import { NotSplittable, cannot } from './split.js';
import { resolveSubqueries } from './subqueries.js';
import type { Expression, TreeRecord, QueryNode, TableRef } from '../../engine/index.js';
import {
  baseTable,
  conjunction,
  contains,
  isQueryNode,
  isSubquery,
  mapChildrenAsync,
  recordOf,
  recordsOf,
  selectNode,
  textOf,
  textsOf,
  typeOf,
  withAlias,
} from '../../engine/index.js';
import type {
  FederatedTable,
  Fragment,
  FragmentKind,
  Plan,
  ResultColumn,
  SqlFrontend,
  SubqueryRunner,
} from './types.js';

/** What the planner knows of the network and of DuckDB. */
export interface PlannerContext {
  readonly frontend: SqlFrontend;
  readonly isAggregate: IsAggregate;
  /** Runs subqueries that come first; null leaves them to the merge. */
  readonly subqueries: SubqueryRunner | null;
  /** The federated table of this name, or null; names in any case. */
  findTable(schema: string, name: string): FederatedTable | null;
}

/**
 * Splits a query into fragments, which every node runs on its own lake, and a merge over their answers: each SELECT
 * over exactly one federated table becomes one fragment (agg or rows), any other federated table a scan. The merge
 * equals the query run over all rows in one place.
 */
export async function plan(root: QueryNode, context: PlannerContext): Promise<Plan> {
  const columns = await context.frontend.describe(root);
  const { frontend, subqueries: runner } = context;
  const readsNetwork = (node: TreeRecord): boolean =>
    typeOf(node) === 'BASE_TABLE' &&
    context.findTable(textOf(node, 'schema_name'), textOf(node, 'table_name')) !== null;
  const resolved = runner === null ? root : await resolveSubqueries(root, { frontend, runner, readsNetwork });
  const planning = new Planning(context, namesIn(resolved), resolved === root ? { node: root, columns } : null);
  const merge = await planning.rewrite(resolved, []);
  return { fragments: planning.fragments, merge, columns };
}

const numeric = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\))$/;

class Planning {
  readonly fragments: Fragment[] = [];
  readonly #context: PlannerContext;
  /** All names in the whole query: columns of other names aren't shipped by scans. */
  readonly #names: ReadonlySet<string>;

  /** What the whole query gives, already known. */
  readonly #whole: { readonly node: QueryNode; readonly columns: readonly ResultColumn[] } | null;

  constructor(
    context: PlannerContext,
    names: ReadonlySet<string>,
    whole: { readonly node: QueryNode; readonly columns: readonly ResultColumn[] } | null,
  ) {
    this.#context = context;
    this.#names = names;
    this.#whole = whole;
  }

  /** The node with its federated tables replaced; `ctes` are the CTE names in sight, in lower case. */
  async rewrite(node: TreeRecord, ctes: readonly string[]): Promise<TreeRecord> {
    if (!isQueryNode(node)) {
      const use = this.#useOf(node, ctes);
      if (use !== null) return await this.#scan(node, use, use.table.columns, []);
      return await mapChildrenAsync(node, (child) => this.rewrite(child, ctes));
    }
    const inner = [...ctes, ...cteNames(node)];
    if (typeOf(node) !== 'SELECT_NODE') return await mapChildrenAsync(node, (child) => this.rewrite(child, inner));
    return (await this.#rewriteOneTable(node, inner)) ?? (await this.#rewriteSelect(node, inner));
  }

  /** agg or rows, when the SELECT reads exactly one federated table and can be bound on its own. */
  async #rewriteOneTable(node: QueryNode, ctes: readonly string[]): Promise<QueryNode | null> {
    const from = recordOf(node, 'from_table');
    const use = from === null ? null : this.#useOf(from, ctes);
    if (from === null || use === null || recordOf(node, 'sample') !== null) return null;
    if (textsOf(from, 'column_name_alias').length > 0 || cteNames(node).length > 0) return null;
    const where = recordOf(node, 'where_clause');
    if (where !== null && contains(where, isSubquery)) return null;
    try {
      const split = await this.#split(node, use);
      const fragment = await this.#add(split.kind, use.table, split.fragment, split.mostRows, split.guards);
      return { ...split.merge, from_table: baseTable('', fragment.name, use.alias) };
    } catch (error: unknown) {
      if (error instanceof NotSplittable) return null;
      throw error;
    }
  }

  async #split(node: QueryNode, use: TableUse): Promise<Split> {
    const output = await this.#describe(node);
    const scope: TableScope = { alias: use.alias, columns: new Set(use.table.columns) };
    const { isAggregate } = this.#context;
    if (!aggregates(node, isAggregate)) return splitRows({ node, scope, output });
    const numbers = await this.#numbersAmong(averagedBy(node), node, scope);
    const isNumber = (argument: Expression): boolean => numbers.has(canonical(argument, scope));
    return new AggregateSplit({ node, scope, output, isAggregate, isNumber }).split();
  }

  /** Those of a table's expressions that are numbers. */
  async #numbersAmong(
    expressions: readonly Expression[],
    node: QueryNode,
    scope: TableScope,
  ): Promise<ReadonlySet<string>> {
    if (expressions.length === 0) return new Set();
    const select_list = expressions.map((expression) => withAlias(expression, ''));
    const columns = await this.#describe(selectNode({ select_list, from_table: node['from_table'] ?? null }));
    const numbers = expressions.filter((_, index) => numeric.test(columns[index]?.type ?? ''));
    return new Set(numbers.map((expression) => canonical(expression, scope)));
  }

  /** Binding alone fails for what depends on an outer query: then the rows have to be shipped. */
  async #describe(node: QueryNode): Promise<readonly ResultColumn[]> {
    if (node === this.#whole?.node) return this.#whole.columns;
    try {
      return await this.#context.frontend.describe(node);
    } catch (error: unknown) {
      throw new NotSplittable('it depends on what stands around it', { cause: error });
    }
  }

  /** A SELECT whose FROM is more than one table, or that looks beyond rows: its tables are scanned. */
  async #rewriteSelect(node: QueryNode, ctes: readonly string[]): Promise<QueryNode> {
    const from = recordOf(node, 'from_table');
    let where = recordOf(node, 'where_clause');
    const scans = new Map<TableRef, TableRef>();
    const leaves = from === null ? [] : leavesOf(from);
    for (const leaf of leaves) {
      const use = this.#useOf(leaf, ctes);
      if (use === null) continue;
      const others = leaves.filter((other) => other !== leaf).map((other) => this.#relationOf(other, ctes));
      const movable = from !== null && filterMayMoveTo(from, leaf) && textsOf(leaf, 'column_name_alias').length === 0;
      const { pushed, rest } = movable ? splitWhere(where, use, others) : { pushed: [], rest: [] };
      if (pushed.length > 0) where = conjunction(rest);
      scans.set(leaf, await this.#scan(leaf, use, this.#neededColumns(node, leaf, use), pushed));
    }
    const rest: QueryNode = { ...node, where_clause: where };
    return await mapChildrenAsync(rest, (child) => this.#replaceScans(child, scans, ctes));
  }

  async #replaceScans(
    node: TreeRecord,
    scans: ReadonlyMap<TableRef, TableRef>,
    ctes: readonly string[],
  ): Promise<TreeRecord> {
    const scan = scans.get(node);
    if (scan !== undefined) return scan;
    if (typeOf(node) !== 'JOIN') return await this.rewrite(node, ctes);
    return await mapChildrenAsync(node, (child) => this.#replaceScans(child, scans, ctes));
  }

  #neededColumns(select: QueryNode, leaf: TableRef, use: TableUse): readonly string[] {
    const { columns } = use.table;
    if (textsOf(leaf, 'column_name_alias').length > 0 || reachesUnnamedColumns(select, use)) return columns;
    const needed = columns.filter((name) => this.#names.has(name));
    return needed.length > 0 ? needed : columns.slice(0, 1);
  }

  #relationOf(leaf: TableRef, ctes: readonly string[]): { alias: string; columns: ReadonlySet<string> | null } {
    const use = this.#useOf(leaf, ctes);
    return use === null
      ? { alias: textOf(leaf, 'alias'), columns: null }
      : { alias: use.alias, columns: new Set(use.table.columns) };
  }

  async #scan(
    leaf: TableRef,
    use: TableUse,
    columns: readonly string[],
    conditions: readonly TreeRecord[],
  ): Promise<TableRef> {
    const guards = columns.map((name) => (foldName(name) === 'node' ? 'node' : null));
    const fragment = await this.#add('scan', use.table, scanFragment(use, columns, conditions), null, guards);
    return { ...leaf, schema_name: '', catalog_name: '', table_name: fragment.name, alias: use.alias };
  }

  async #add(
    kind: FragmentKind,
    table: FederatedTable,
    node: QueryNode,
    mostRows: number | null,
    guards: Fragment['guards'],
  ): Promise<Fragment> {
    const columns = await this.#describe(node);
    if (kind !== 'scan' && !columns.every(({ type }) => travels(type))) cannot('a value that does not travel');
    const fragment: Fragment = {
      name: `armorlake_fragment_${this.fragments.length}`,
      kind,
      table: `${table.schema}.${table.name}`,
      node,
      columns,
      guards,
      mostRows,
      filter: recordOf(innermost(node), 'where_clause'),
    };
    this.fragments.push(fragment);
    return fragment;
  }

  #useOf(node: TableRef, ctes: readonly string[]): TableUse | null {
    if (typeOf(node) !== 'BASE_TABLE') return null;
    const schema = textOf(node, 'schema_name');
    const name = textOf(node, 'table_name');
    if (schema === '' && ctes.includes(foldName(name))) return null;
    const table = this.#context.findTable(schema, name);
    return table === null ? null : { table, alias: textOf(node, 'alias') || name };
  }
}

/** The relations of a FROM, through its joins. */
function leavesOf(from: TableRef): readonly TableRef[] {
  if (typeOf(from) !== 'JOIN') return [from];
  return [recordOf(from, 'left'), recordOf(from, 'right')].flatMap((side) => (side === null ? [] : leavesOf(side)));
}

function cteNames(node: QueryNode): readonly string[] {
  const map = recordOf(node, 'cte_map');
  const own = map === null ? [] : recordsOf(map, 'map').map((entry) => foldName(textOf(entry, 'key')));
  const recursive = textOf(node, 'cte_name');
  return recursive === '' ? own : [...own, foldName(recursive)];
}

/** The SELECT that reads the table: a rows fragment wraps it to name its columns. */
function innermost(node: QueryNode): QueryNode {
  const from = recordOf(node, 'from_table');
  const subquery = from === null || typeOf(from) !== 'SUBQUERY' ? null : recordOf(from, 'subquery');
  const inner = subquery === null ? null : recordOf(subquery, 'node');
  return inner === null ? node : innermost(inner);
}
