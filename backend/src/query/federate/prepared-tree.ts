import { ArmorlakeError, quoteString } from '../../core/index.js';
import type { QueryNode, TableRef, TreeRecord } from '../../engine/index.js';
import {
  contains,
  isRecord,
  mapChildrenAsync,
  recordOf,
  selectNode,
  subqueryRef,
  textOf,
  textsOf,
  typeOf,
} from '../../engine/index.js';
import type { SqlFrontend } from './types.js';

/** Names that the planner gives: a user's of the same form would be taken for them. */
const reserved = /^armorlake_([cdghp]\d+|fragment_\d+|whole)$/i;

/**
 * Refuses what can't be split as it is written: names of the planner's own form, and samples with a seed.
 * @throws ArmorlakeError NOT_FEDERABLE
 */
export function checkSplittable(root: QueryNode): void {
  contains(root, (node) => {
    const name = namesGiven(node).find((each) => reserved.test(each));
    if (name !== undefined) {
      throw new ArmorlakeError('NOT_FEDERABLE', `The name ${name} is one of those that a query node gives itself.`, {
        hint: 'Choose another name.',
      });
    }
    const sample = recordOf(node, 'sample');
    if (sample !== null && sample['seed'] !== -1) {
      throw new ArmorlakeError('NOT_FEDERABLE', 'A sample with a seed gives other rows on each node.', {
        hint: 'Leave the seed out; or take the same rows each time: WHERE hash(node, seq) % 10 = 0.',
      });
    }
    return false;
  });
}

function namesGiven(node: TreeRecord): readonly string[] {
  const lists = ['column_name_alias', 'aliases', 'column_names'].flatMap((key) => textsOf(node, key));
  return [textOf(node, 'alias'), textOf(node, 'table_name'), textOf(node, 'key'), ...lists];
}

/** The query with each DESCRIBE answered: the network's tables are known here, and no node is asked. */
export async function withDescriptions(node: TreeRecord, frontend: SqlFrontend): Promise<TreeRecord> {
  if (typeOf(node) === 'SHOW_REF') return await described(node, frontend);
  return await mapChildrenAsync(node, (child) => withDescriptions(child, frontend));
}

async function described(show: TableRef, frontend: SqlFrontend): Promise<TableRef> {
  const rows = await frontend.rowsOf(selectNode({ from_table: show }));
  const values = rows.map(
    (row) => `(${row.map((value) => (value === null ? 'NULL' : quoteString(value))).join(', ')})`,
  );
  const names = ['column_name', 'column_type', 'null', 'key', 'default', 'extra'];
  const list = names.map((name) => `"${name}"::VARCHAR AS "${name}"`).join(', ');
  const sql = `SELECT ${list} FROM (VALUES ${values.join(', ')}) AS described(${names.map((name) => `"${name}"`).join(', ')})`;
  const query = await frontend.parse(sql);
  return subqueryRef(query, textOf(show, 'alias') || 'described');
}

/** The root query of a statement. */
export function rootOf(statement: TreeRecord): QueryNode {
  const root = statement['node'];
  if (!isRecord(root)) throw new ArmorlakeError('INTERNAL', 'DuckDB gave a statement without a query.');
  return root;
}
