import { QueryError } from '../errors.js';
import type { ArmorlakeModel, CompiledQuery, QueryContext } from '../model.js';
import { shown } from '../quoting.js';
import { tableOf } from '../tables.js';
import { nodesOf } from '../values.js';
import { behaviourSql } from './behaviour-sql.js';
import { BEHAVIOUR_GROUPS, TREE_BOUNDS } from './bounds.js';
import { isBlankTarget, targetRow } from './target.js';
import { treeSql } from './tree-sql.js';

export { BEHAVIOUR_GROUPS, TREE_BOUNDS } from './bounds.js';
export { isBlankTarget } from './target.js';
export { treeCtes } from './tree-sql.js';

/** What a dashboard asks whose variables name no event yet: an answer of no rows, from the node that is asked first. */
const NOTHING = 'SELECT NULL::BIGINT AS seq WHERE FALSE';

function compiled(sql: string, nodes: CompiledQuery['nodes'], rows: number): CompiledQuery {
  return { sql, nodes, perNode: false, rows, fill: { mode: 'none' }, bucketMs: null, originalPosition: null };
}

function refuseOtherTables(table: string): void {
  const { name, columns } = tableOf(table);
  if (columns.size === 0 || columns.has('process')) return;
  throw new QueryError(`${shown(name)} does not say which process did what.`, {
    hint: 'Choose kubearmor.events, kubearmor.logs or kubearmor.alerts.',
  });
}

/**
 * SQL of a process tree or graph. A tree lies on one node, which answers all of it; what pods do is asked of all nodes.
 * @throws QueryError
 */
export function compileProcess(model: ArmorlakeModel, context: QueryContext): CompiledQuery {
  const { process, queryType, scope } = model;
  if (queryType === 'graph' && process.graph === 'behaviour') {
    refuseOtherTables(model.builder.table);
    return compiled(behaviourSql(model, context), nodesOf(scope), BEHAVIOUR_GROUPS);
  }
  const { target } = process;
  if (target === null || isBlankTarget(target)) return compiled(NOTHING, {}, 1);
  const sql = treeSql(targetRow(target, model.interpolated === true, context.toMs), context);
  return compiled(sql, { names: [target.node.trim()] }, TREE_BOUNDS.processes);
}
