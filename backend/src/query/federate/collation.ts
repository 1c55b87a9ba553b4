import { foldName } from '../../core/index.js';
import type { Expression, QueryNode, TreeRecord } from '../../engine/index.js';
import { classOf, contains, recordOf, recordsOf, textOf, textsOf } from '../../engine/index.js';
import { cannot } from './split.js';

/** Tells an expression that has a collation, or that names one which has. */
export type IsCollated = (node: TreeRecord) => boolean;

/** Types without any text in them have no collation to lose. */
const TEXT = /VARCHAR|JSON/;

export function isCollation(node: TreeRecord): boolean {
  return classOf(node) === 'COLLATE';
}

/** Of a SELECT: COLLATE itself, and the aliases of what holds it. */
export function collatedIn(node: QueryNode): IsCollated {
  const aliases = new Set(
    recordsOf(node, 'select_list')
      .filter((item) => contains(item, isCollation))
      .map((item) => foldName(textOf(item, 'alias'))),
  );
  return (each) => {
    if (isCollation(each)) return true;
    const names = classOf(each) === 'COLUMN_REF' ? textsOf(each, 'column_names') : [];
    return names.length === 1 && aliases.has(foldName(names[0] ?? ''));
  };
}

/**
 * A fragment's column as the value of the expression it was made of: a file forgets its collation. Only one that is
 * written around the whole expression is known; for any other the rows have to be shipped.
 * @param type of the expression, where it is known.
 */
export function arrived(
  column: Expression,
  of: Expression,
  isCollated: IsCollated,
  type: string | null = null,
): Expression {
  const child = isCollation(of) ? recordOf(of, 'child') : null;
  if (child !== null) return { ...of, alias: '', child: arrived(column, child, isCollated) };
  if (contains(of, isCollated) && (type === null || TEXT.test(type))) cannot('a collation within an expression');
  return column;
}
