import {
  QueryError,
  builderSql,
  defaultQuery,
  isBlank,
  isBlankTarget,
  parseModel,
  tokenize,
  unlimitedSql,
} from '../../shared/index.js';
import type { ArmorlakeModel, Recipe } from '../../shared/index.js';
import type { ArmorlakeQuery } from '../types.js';

export type ReadQuery = { readonly model: ArmorlakeModel } | { readonly problem: string; readonly hint: string };

/** A saved query as the editor shows it. Reading writes nothing: only a change by the user is saved. */
export function readQuery(query: ArmorlakeQuery, defaultTable: string | undefined, rowLimit?: number): ReadQuery {
  try {
    return { model: parseModel(query, defaultTable, rowLimit) };
  } catch (thrown) {
    if (!(thrown instanceof QueryError)) throw thrown;
    return { problem: thrown.message, hint: thrown.hint ?? '' };
  }
}

/** The SQL that the builder makes, or why it makes none. */
export type BuiltSql = { readonly sql: string } | { readonly problem: string };

export function builtSql(model: ArmorlakeModel, write = builderSql): BuiltSql {
  try {
    return { sql: write(model) };
  } catch (thrown) {
    if (!(thrown instanceof QueryError)) throw thrown;
    return { problem: thrown.hint === undefined ? thrown.message : `${thrown.message} ${thrown.hint}` };
  }
}

/** Whether the SQL says something else than the builder: then going back to the builder loses it. */
export function isEditedSql(model: ArmorlakeModel): boolean {
  if (model.editor !== 'sql' || model.sql.trim() === '') return false;
  // Earlier versions wrote the builder's limit into the SQL.
  return ![unlimitedSql, builderSql].some((write) => {
    const built = builtSql(model, write);
    return 'sql' in built && sameSql(built.sql, model.sql);
  });
}

/** Whether replacing the query loses work: it is neither a new query nor one that a recipe began. */
export function holdsWork(model: ArmorlakeModel, recipes: readonly Recipe[]): boolean {
  if (!isBlankTarget(model.process.target)) return true;
  const beginnings = recipes.map((recipe) => fromRecipe(model, recipe));
  if (model.editor === 'sql') return isEditedSql(model) && !beginnings.some(({ sql }) => sameSql(sql, model.sql));
  const { table } = model.builder;
  const known = [defaultQuery(model.queryType, table), ...beginnings];
  return !known.some(({ builder }) => JSON.stringify(builder) === JSON.stringify(model.builder));
}

/**
 * What a recipe makes; who is asked, what it means when somebody is missing, and whether it is live stay as they are.
 * "Whole query on each node" belongs to the SQL it was set for, and a recipe asked so would count each node by itself.
 */
export function fromRecipe(model: ArmorlakeModel, recipe: Recipe): ArmorlakeModel {
  const { queryType = 'table' } = recipe.query;
  const { scope, partial, alertCoverage, live } = model;
  const kept = { scope, partial, alertCoverage, ...(live === undefined ? {} : { live }) };
  return { ...defaultQuery(queryType, model.builder.table), ...recipe.query, ...kept };
}

/** Layout, comments and the case of words aside. */
function sameSql(left: string, right: string): boolean {
  return meaning(left) === meaning(right);
}

function meaning(sql: string): string {
  return tokenize(sql)
    .filter((token) => !isBlank(token))
    .map(({ kind, text }) => (kind === 'word' ? text.toLowerCase() : text))
    .join(' ');
}

/** Trees and graphs are drawn around an event: nobody writes their SQL. */
export function hasTwoEditors({ queryType }: ArmorlakeModel): boolean {
  return queryType === 'table' || queryType === 'timeseries' || queryType === 'logs';
}

/** From the builder to SQL: the SQL begins as what the builder makes. */
export function intoSql(model: ArmorlakeModel): Partial<ArmorlakeModel> {
  const built = builtSql(model, unlimitedSql);
  return { editor: 'sql', sql: 'sql' in built ? built.sql : '', sqlLimit: model.builder.limit };
}

/** Back to the builder as it was left; the SQL goes. */
export function intoBuilder(): Partial<ArmorlakeModel> {
  return { editor: 'builder', sql: '' };
}

/** Whether there is anything a node could say about it. */
export function isAskable(model: ArmorlakeModel): boolean {
  const { queryType, process } = model;
  if (queryType === 'tree' || (queryType === 'graph' && process.graph === 'process'))
    return !isBlankTarget(process.target);
  if (queryType === 'graph') return true;
  return model.editor === 'builder' || model.sql.trim() !== '';
}
