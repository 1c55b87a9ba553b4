import type { Expression, TreeRecord, QueryNode } from '../../engine/index.js';
import {
  contains,
  isQueryNode,
  isSubquery,
  mapChildrenAsync,
  recordOf,
  recordsOf,
  textOf,
  typeOf,
} from '../../engine/index.js';
import { isCollation } from './collation.js';
import { alone, scopeWithin, withoutUnused } from './steady-ctes.js';
import type { CteScope } from './steady-ctes.js';
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

/** What an IN or a comparison asks for: values of its one column, as DuckDB's text. */
interface Answer {
  readonly type: string;
  readonly values: readonly (string | null)[];
}

/** What is known on the way down: CTEs in sight, and answers by the subquery, as one list is used for several columns. */
interface Surroundings {
  readonly scope: CteScope;
  readonly answers: Map<string, Promise<Answer | null>>;
}

/**
 * The query with its uncorrelated scalar and IN subqueries run and replaced by literals, so that the conditions they
 * stand in can be pushed: those that read the network, and those over CTEs that read nothing of it, as lists of what is
 * looked for. What depends on the outer query, or has an answer that is no list of simple values, stays.
 */
export async function resolveSubqueries(node: TreeRecord, context: SubqueryContext): Promise<TreeRecord> {
  return await resolve(node, context, { scope: new Map(), answers: new Map() });
}

async function resolve(node: TreeRecord, context: SubqueryContext, around: Surroundings): Promise<TreeRecord> {
  if (isSubquery(node)) {
    const literal = await literalOf(node, context, around);
    if (literal !== null) return literal;
  }
  const scope = isQueryNode(node)
    ? scopeWithin(node, around.scope, (each) => context.readsNetwork(each))
    : around.scope;
  const resolved = await mapChildrenAsync(node, (child) => resolve(child, context, { ...around, scope }));
  return resolved === node ? node : withoutUnused(resolved, scope);
}

async function literalOf(
  subquery: Expression,
  context: SubqueryContext,
  { scope, answers }: Surroundings,
): Promise<Expression | null> {
  const kind = textOf(subquery, 'subquery_type');
  const listed = kind === 'ANY' && textOf(subquery, 'comparison_type') === 'COMPARE_EQUAL';
  const written = recordOf(recordOf(subquery, 'subquery') ?? {}, 'node');
  if (written === null || !(kind === 'SCALAR' || listed)) return null;
  const node = alone(written, scope);
  const network = contains(node, (each) => context.readsNetwork(each));
  if (node === written && !network) return null;
  const most = listed ? MAX_LIST + 1 : 2;
  const key = `${most} ${textWithoutPlaces(node)}`;
  const asked = answers.get(key) ?? answerOf(node, network, most, context);
  answers.set(key, asked);
  const answer = await asked;
  if (answer === null || answer.values.length >= most) return null;
  const { type, values } = answer;
  const literals = await literalsOf(values, type, context.frontend);
  if (!listed) return withAlias(literals[0] ?? (await nullOf(type, context.frontend)), subquery);
  const child = recordOf(subquery, 'child');
  if (child === null) return null;
  if (literals.length === 0) return withAlias(await constant('false', context.frontend), subquery);
  return withAlias({ class: 'OPERATOR', type: 'COMPARE_IN', alias: '', children: [child, ...literals] }, subquery);
}

/** Asked of the network where it reads that; else computed here. Null when it can't be bound alone, or is no list. */
async function answerOf(
  node: QueryNode,
  network: boolean,
  most: number,
  context: SubqueryContext,
): Promise<Answer | null> {
  const type = await typeOfOnlyColumn(node, context);
  // A literal has no collation.
  if (type === null || (type === 'VARCHAR' && contains(node, isCollation))) return null;
  const rows = network ? (await context.runner.run(node, most)).rows : await context.frontend.compute(node, most);
  return rows === null ? null : { type, values: rows.map(([value = null]) => value) };
}

/** Equal for subqueries that are the same but for where they stand. */
function textWithoutPlaces(node: QueryNode): string {
  return JSON.stringify(node, (key, value: unknown) => (key === 'query_location' ? undefined : value));
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

/**
 * CAST('…' AS type) for each value, made by DuckDB's own parser from one template, so no value becomes SQL. Of texts only
 * the first is cast: it gives all of them their type, and thousands of casts would take long to read.
 */
async function literalsOf(
  values: readonly (string | null)[],
  type: string,
  frontend: SqlFrontend,
): Promise<readonly Expression[]> {
  const template = await constant(`CAST('' AS ${type})`, frontend);
  const absent = await nullOf(type, frontend);
  return values.map((value, index) => {
    if (value === null) return absent;
    const child: Expression = {
      class: 'CONSTANT',
      type: 'VALUE_CONSTANT',
      alias: '',
      value: { type: { id: 'VARCHAR', type_info: null }, is_null: false, value },
    };
    return type === 'VARCHAR' && index > 0 ? child : { ...template, child };
  });
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
