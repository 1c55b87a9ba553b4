import { foldName } from '../../core/index.js';
import type { QueryNode, TreeRecord } from '../../engine/index.js';
import {
  allowedAggregates,
  baseTable,
  columnRef,
  recordOf,
  recordsOf,
  selectNode,
  subqueryRef,
  textOf,
  textsOf,
  withAlias,
} from '../../engine/index.js';
import type { SchemaFrontend } from '../../engine/host.js';
import type { NetworkTable, PlanAnswer, PlanCall, PlannedFragment } from './calls.js';
import { guardsOfList } from './guards.js';
import { plan } from './planner.js';
import { checkSplittable, rootOf, withDescriptions } from './prepared-tree.js';
import { constraintsOf } from './prune.js';
import { outgoingSql } from './shipping.js';
import type { FederatedTable, Fragment, Plan, ResultColumn, SubqueryRunner } from './types.js';

/** A contained statement with its parameters and `now()` in place, and the tables it reads. */
export interface BoundStatement {
  readonly statement: TreeRecord;
  /** What columns are called that have parameters in them, by their place; null for others. */
  readonly names: readonly (string | null)[];
  readonly tables: readonly string[];
}

/** Name of the one fragment of a query that runs whole. */
const WHOLE = 'armorlake_whole';

/** Thrown through the planner when a subquery's answer is not there yet. */
class SubqueryFirst extends Error {
  constructor(
    readonly sql: string,
    readonly maxRows: number,
  ) {
    super('a subquery has to be answered first');
  }
}

/**
 * Plans a query for the network: its fragments as SQL that travels, and the merge as SQL over their names.
 * @throws ArmorlakeError BAD_QUERY when the query can't be bound to the network's tables.
 */
export async function planQuery(
  call: PlanCall,
  bound: BoundStatement,
  frontend: SchemaFrontend,
  tables: readonly NetworkTable[],
): Promise<PlanAnswer> {
  const root = await withDescriptions(rootOf(bound.statement), frontend);
  if (call.mode === 'split') checkSplittable(root);
  const runner = answered(call, frontend);
  try {
    const planned =
      call.mode === 'whole' ? await planWhole(root, frontend, tables) : await planSplit(root, frontend, runner, tables);
    const { fragments } = planned;
    const constraints = call.mode === 'whole' ? [] : await constraintsOf(fragments, call.beforeMicros, frontend);
    const sqls: PlannedFragment[] = [];
    for (const [index, fragment] of fragments.entries()) {
      const constraint = constraints[index];
      sqls.push({
        name: fragment.name,
        kind: fragment.kind,
        table: fragment.table,
        sql: outgoingSql(await frontend.print(fragment.node), fragment.columns),
        columns: fragment.columns,
        guards: fragment.guards,
        mostRows: fragment.mostRows,
        reads: call.mode === 'whole' ? readsOf(bound.tables, tables) : readsOf([fragment.table], tables),
        constraint: {
          values: [...(constraint?.values ?? [])].map(([column, allowed]) => [column, [...allowed]] as const),
          beforeMicros: constraint?.beforeMicros ?? null,
        },
      });
    }
    return {
      kind: 'plan',
      columns: planned.columns.map(({ name, type }, index) => ({ name: bound.names[index] ?? name, type })),
      fragments: sqls,
      merge: await frontend.print(planned.merge),
      tables: bound.tables,
      subqueries: call.resolved.length,
    };
  } catch (thrown) {
    if (thrown instanceof SubqueryFirst) return { kind: 'subquery', sql: thrown.sql, maxRows: thrown.maxRows };
    throw thrown;
  }
}

async function planSplit(
  root: QueryNode,
  frontend: SchemaFrontend,
  subqueries: SubqueryRunner,
  tables: readonly NetworkTable[],
): Promise<Plan> {
  const federated = new Map<string, FederatedTable>(
    tables.map((table) => [
      foldName(`${table.schema}.${table.name}`),
      { schema: table.schema, name: table.name, columns: table.columns.map((column) => column.name) },
    ]),
  );
  return await plan(root, {
    frontend,
    subqueries,
    isAggregate: (name) => allowedAggregates.has(name),
    findTable: (schema, name) => federated.get(foldName(`${schema}.${name}`)) ?? null,
  });
}

/** The query as one fragment; its columns are numbered, since two may have the same name. */
async function planWhole(root: QueryNode, frontend: SchemaFrontend, tables: readonly NetworkTable[]): Promise<Plan> {
  const columns = await frontend.describe(root);
  const names = columns.map((_, index) => `armorlake_c${index}`);
  const fragment: Fragment = {
    name: WHOLE,
    kind: 'rows',
    table: '',
    node: selectNode({ from_table: subqueryRef(root, 'fragment', names) }),
    columns: columns.map(({ type }, index): ResultColumn => ({ name: `armorlake_c${index}`, type })),
    guards: guardsOfWhole(root, columns, tables),
    mostRows: null,
    filter: null,
  };
  const list = columns.map(({ name }, index) => withAlias(columnRef(`armorlake_c${index}`), name));
  const merge = selectNode({
    select_list: list,
    from_table: baseTable('', WHOLE, ''),
  });
  return { fragments: [fragment], merge, columns };
}

/** What is known of the columns of a query over one table: of any other its list tells nothing. */
function guardsOfWhole(
  root: QueryNode,
  output: readonly ResultColumn[],
  tables: readonly NetworkTable[],
): Fragment['guards'] {
  const from = recordOf(root, 'from_table');
  const name = from === null ? '' : foldName(`${textOf(from, 'schema_name')}.${textOf(from, 'table_name')}`);
  const table = tables.find((each) => foldName(`${each.schema}.${each.name}`) === name);
  if (from === null || table === undefined || textsOf(from, 'column_name_alias').length > 0) {
    return output.map(() => null);
  }
  const columns = new Set(table.columns.map((column) => column.name));
  return guardsOfList(recordsOf(root, 'select_list'), { alias: textOf(from, 'alias') || table.name, columns }, output);
}

/** Gives the answers that are there; asks for the first that isn't. */
function answered(call: PlanCall, frontend: SchemaFrontend): SubqueryRunner {
  const answers = new Map(call.resolved.map(({ sql, rows }) => [sql, rows]));
  return {
    run: async (node, maxRows) => {
      const sql = await frontend.print(node);
      const rows = answers.get(sql);
      if (rows === undefined) throw new SubqueryFirst(sql, maxRows);
      return { rows };
    },
  };
}

function readsOf(names: readonly string[], tables: readonly NetworkTable[]): readonly string[] {
  const byName = new Map(tables.map((table) => [`${table.schema}.${table.name}`, table.reads]));
  return [...new Set(names.flatMap((name) => byName.get(name) ?? [name]))];
}
