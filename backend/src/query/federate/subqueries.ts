import type { Expression, TreeRecord, QueryNode } from '../../engine/index.js';
import { contains, isSubquery, mapChildrenAsync, recordOf, recordsOf, textOf, typeOf } from '../../engine/index.js';
import { isCollation } from './collation.js';
import type { SqlFrontend, SubqueryRunner } from './types.js';

/** Types whose text DuckDB reads back as the same value. */
const literalType =
  /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|VARCHAR|BOOLEAN|TIMESTAMP|DATE|TIME|UUID)$/;

/** Values of an IN that become literals at most; a longer list stays a join in the merge. */
const MAX_LIST = 10_000;

/** What resolving subqueries needs. */
export interface SubqueryContext {
  readonly frontend: SqlFrontend;
  readonly runner: SubqueryRunner;
  /** True when a federated table is read at or below this node. */
  readsNetwork(node: TreeRecord): boolean;
}

/**
 * The query with its uncorrelated scalar and IN subqueries run and replaced by literals, so that the conditions they
 * stand in can be pushed. What depends on the outer query, or has an answer that is no list of simple values, stays.
 */
export async function resolveSubqueries(node: TreeRecord, context: SubqueryContext): Promise<TreeRecord> {
  if (isSubquery(node)) {
    const literal = await literalOf(node, context);
    if (literal !== null) return literal;
  }
  return await mapChildrenAsync(node, (child) => resolveSubqueries(child, context));
}

async function literalOf(subquery: Expression, context: SubqueryContext): Promise<Expression | null> {
  const kind = textOf(subquery, 'subquery_type');
  const listed = kind === 'ANY' && textOf(subquery, 'comparison_type') === 'COMPARE_EQUAL';
  const node = recordOf(recordOf(subquery, 'subquery') ?? {}, 'node');
  if (node === null || !(kind === 'SCALAR' || listed) || !contains(node, (each) => context.readsNetwork(each)))
    return null;
  const type = await typeOfOnlyColumn(node, context);
  // A literal has no collation.
  if (type === null || (type === 'VARCHAR' && contains(node, isCollation))) return null;
  const { rows } = await context.runner.run(node, listed ? MAX_LIST + 1 : 2);
  const values = rows.map(([value = null]) => value);
  const literals = await literalsOf(values, type, context.frontend);
  if (!listed)
    return values.length > 1 ? null : withAlias(literals[0] ?? (await nullOf(type, context.frontend)), subquery);
  const child = recordOf(subquery, 'child');
  if (child === null || values.length > MAX_LIST) return null;
  if (literals.length === 0) return withAlias(await constant('false', context.frontend), subquery);
  return withAlias({ class: 'OPERATOR', type: 'COMPARE_IN', alias: '', children: [child, ...literals] }, subquery);
}

function withAlias(expression: Expression, subquery: Expression): Expression {
  return { ...expression, alias: textOf(subquery, 'alias') };
}

/** The type of a subquery's one column; null when it can't be bound alone or has another shape. */
async function typeOfOnlyColumn(node: QueryNode, context: SubqueryContext): Promise<string | null> {
  try {
    const columns = await context.frontend.describe(node);
    const type = columns[0]?.type;
    return columns.length === 1 && type !== undefined && literalType.test(type) ? type : null;
  } catch {
    return null; // It depends on the outer query.
  }
}

/** CAST('…' AS type) for each value, made by DuckDB's own parser from one template, so no value becomes SQL. */
async function literalsOf(
  values: readonly (string | null)[],
  type: string,
  frontend: SqlFrontend,
): Promise<readonly Expression[]> {
  const template = await constant(`CAST('' AS ${type})`, frontend);
  const absent = await nullOf(type, frontend);
  return values.map((value) =>
    value === null
      ? absent
      : {
          ...template,
          child: {
            class: 'CONSTANT',
            type: 'VALUE_CONSTANT',
            alias: '',
            value: { type: { id: 'VARCHAR', type_info: null }, is_null: false, value },
          },
        },
  );
}

async function nullOf(type: string, frontend: SqlFrontend): Promise<Expression> {
  return await constant(`CAST(NULL AS ${type})`, frontend);
}

async function constant(sql: string, frontend: SqlFrontend): Promise<Expression> {
  const node = await frontend.parse(`SELECT ${sql}`);
  const expression = recordsOf(node, 'select_list')[0];
  if (expression === undefined) throw new TypeError(`${sql} gives no expression (${typeOf(node)})`);
  return expression;
}
