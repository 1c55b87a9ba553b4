import { foldName } from '../../core/index.js';
import { averaging, coalesce, decompose, distinctIrrelevant, distinctPushed, givesNumbers } from './aggregates.js';
import type { TableScope } from './canonical.js';
import { canonical, ownColumn } from './canonical.js';
import type { IsCollated } from './collation.js';
import { arrived, collatedIn } from './collation.js';
import { guardOf } from './guards.js';
import type { Split } from './split.js';
import { cannot } from './split.js';
import type { Expression, TreeRecord, QueryNode } from '../../engine/index.js';
import {
  childrenOf,
  classOf,
  columnRef,
  contains,
  functionCall,
  integer,
  integerOf,
  isStar,
  isSubquery,
  isWindow,
  mapChildren,
  recordOf,
  recordsOf,
  selectNode,
  textOf,
  textsOf,
  typeOf,
  withAlias,
} from '../../engine/index.js';
import type { ResultColumn } from './types.js';

/** Tells aggregates from other functions, by name in lower case. */
export type IsAggregate = (name: string) => boolean;

/** What the split of an aggregating SELECT starts from. */
export interface AggregateQuery {
  readonly node: QueryNode;
  readonly scope: TableScope;
  /** What the SELECT gives. */
  readonly output: readonly ResultColumn[];
  readonly isAggregate: IsAggregate;
  /** Whether an argument of avg is a number: other averages need the values. */
  readonly isNumber: (argument: Expression) => boolean;
}

export function isAggregateCall(expression: Expression, isAggregate: IsAggregate): boolean {
  return classOf(expression) === 'FUNCTION' && isAggregate(foldName(textOf(expression, 'function_name')));
}

/** True when the SELECT groups or aggregates. */
export function aggregates(node: QueryNode, isAggregate: IsAggregate): boolean {
  return (
    recordsOf(node, 'group_expressions').length > 0 ||
    textOf(node, 'aggregate_handling') === 'FORCE_AGGREGATES' ||
    recordOf(node, 'having') !== null ||
    recordsOf(node, 'select_list').some((item) => hasAggregate(item, isAggregate)) ||
    recordsOf(node, 'modifiers').some((modifier) => hasAggregate(modifier, isAggregate))
  );
}

/** True when an aggregate stands in the expression, outside subqueries (their aggregates are their own). */
function hasAggregate(expression: TreeRecord, isAggregate: IsAggregate): boolean {
  if (isSubquery(expression)) return false;
  if (isAggregateCall(expression, isAggregate)) return true;
  for (const child of childrenOf(expression)) if (hasAggregate(child, isAggregate)) return true;
  return false;
}

/** What the SELECT averages, outside subqueries. */
export function averagedBy(node: QueryNode): readonly Expression[] {
  const found: Expression[] = [];
  const look = (record: TreeRecord): void => {
    if (isSubquery(record)) return;
    const name = classOf(record) === 'FUNCTION' ? foldName(textOf(record, 'function_name')) : '';
    if (averaging.has(name)) found.push(...recordsOf(record, 'children').slice(0, 1));
    for (const child of childrenOf(record)) look(child);
  };
  for (const key of ['select_list', 'modifiers']) recordsOf(node, key).forEach(look);
  for (const key of ['having', 'qualify']) look(recordOf(node, key) ?? {});
  return found;
}

/**
 * Splits an aggregating SELECT over one table: the fragment groups each node's rows and computes partial aggregates;
 * the merge groups those, with HAVING, QUALIFY, windows, ORDER BY and LIMIT as they were.
 * Throws NotSplittable when something in it needs the rows themselves.
 */
export class AggregateSplit {
  readonly #query: AggregateQuery;
  readonly #items: readonly Expression[];
  readonly #isCollated: IsCollated;
  readonly #aliases = new Map<string, Expression>();
  readonly #groups: Expression[] = [];
  readonly #groupOf = new Map<string, number>();
  readonly #distinct: Expression[] = [];
  readonly #distinctOf = new Map<string, number>();
  readonly #partials: Expression[] = [];
  readonly #partialOf = new Map<string, number>();

  constructor(query: AggregateQuery) {
    this.#query = query;
    this.#items = recordsOf(query.node, 'select_list');
    this.#isCollated = collatedIn(query.node);
    for (const item of this.#items) {
      const alias = foldName(textOf(item, 'alias'));
      if (alias !== '' && !this.#aliases.has(alias)) this.#aliases.set(alias, item);
    }
  }

  split(): Split {
    const { node, output } = this.#query;
    if (this.#items.some((item) => contains(item, isStar))) cannot('a star among aggregates');
    if (this.#items.length !== output.length) cannot('a select item that gives several columns');
    const sets = this.#collectGroups();
    const having = recordOf(node, 'having');
    const qualify = recordOf(node, 'qualify');
    const merge: QueryNode = {
      ...node,
      select_list: this.#items.map((item, index) => withAlias(this.#rewrite(item), output[index]?.name ?? '')),
      where_clause: null,
      group_expressions: this.#groups.map((_, index) => this.#groupColumn(index)),
      group_sets: sets,
      aggregate_handling: 'STANDARD_HANDLING',
      having: having === null ? null : this.#rewriteAbove(having),
      qualify: qualify === null ? null : this.#rewriteAbove(qualify),
      modifiers: recordsOf(node, 'modifiers').map((modifier) => this.#rewriteModifier(modifier)),
    };
    const fragment = this.#fragment();
    const single = this.#groups.length + this.#distinct.length === 0;
    const columns = [...this.#groups, ...this.#distinct, ...this.#partials];
    const guards = columns.map((column) => guardOf(column, this.#query.scope));
    return { kind: 'agg', fragment, merge, mostRows: single ? 1 : null, guards };
  }

  #collectGroups(): readonly (readonly number[])[] {
    const { node } = this.#query;
    const expressions = recordsOf(node, 'group_expressions');
    if (textOf(node, 'aggregate_handling') === 'FORCE_AGGREGATES') {
      // DuckDB does not find such a group again in HAVING, and groups by the columns within it as well.
      if (contains({ ...node, where_clause: null }, this.#isCollated)) cannot('GROUP BY ALL with a collation');
      for (const item of this.#items) {
        if (!hasAggregate(item, this.#query.isAggregate) && !contains(item, isWindow)) this.#addGroup(item);
      }
      return this.#groups.length === 0 ? [] : [this.#groups.map((_, index) => index)];
    }
    const positions = expressions.map((expression) => this.#addGroup(this.#resolveGroup(expression)));
    const sets = node['group_sets'];
    if (!Array.isArray(sets)) return [];
    // DuckDB keeps the same expression under two aliases apart: one may be grouped while the other reads NULL.
    if (sets.length > 1 && this.#groups.length < positions.length) cannot('the same group twice in grouping sets');
    return sets.map((set: unknown) => {
      const groups = Array.isArray(set) ? set.map((index: unknown) => positions[Number(index)]) : [];
      return [...new Set(groups.map((group) => group ?? cannot('an unknown group')))];
    });
  }

  /** A group may be a position, a column or an alias; columns win over aliases. */
  #resolveGroup(expression: Expression): Expression {
    const position = integerOf(expression);
    if (position !== null) return this.#items[position - 1] ?? cannot('a group position');
    if (ownColumn(expression, this.#query.scope) !== null) return expression;
    return this.#aliased(expression) ?? expression;
  }

  #aliased(expression: Expression): Expression | null {
    if (classOf(expression) !== 'COLUMN_REF') return null;
    const names = textsOf(expression, 'column_names');
    return names.length === 1 ? (this.#aliases.get(foldName(names[0] ?? '')) ?? null) : null;
  }

  #addGroup(expression: Expression): number {
    const { isAggregate } = this.#query;
    if (hasAggregate(expression, isAggregate) || contains(expression, isWindow) || contains(expression, isSubquery)) {
      cannot('a group that is not an expression of one row');
    }
    return this.#register(expression, this.#groups, this.#groupOf);
  }

  #register(expression: Expression, list: Expression[], indexOf: Map<string, number>): number {
    const key = canonical(expression, this.#query.scope);
    const known = indexOf.get(key);
    if (known !== undefined) return known;
    list.push(withAlias(expression, ''));
    indexOf.set(key, list.length - 1);
    return list.length - 1;
  }

  #groupColumn(index: number): Expression {
    const group = this.#groups[index] ?? cannot('an unknown group');
    return arrived(columnRef(groupName(index)), group, this.#isCollated);
  }

  /** The expression over the fragment's columns. */
  #rewrite(expression: Expression): Expression {
    const { scope, isAggregate } = this.#query;
    const group = this.#groupOf.get(canonical(expression, scope));
    const alias = textOf(expression, 'alias');
    if (group !== undefined) return withAlias(this.#groupColumn(group), alias);
    if (isAggregateCall(expression, isAggregate)) return withAlias(this.#rewriteAggregate(expression), alias);
    switch (classOf(expression)) {
      case 'COLUMN_REF':
        if (ownColumn(expression, scope) === null && this.#aliased(expression) !== null) return expression;
        return cannot('a column that is neither grouped nor aggregated');
      case 'SUBQUERY':
        return cannot('a subquery');
      case 'STAR':
      case 'LAMBDA':
        return cannot('a star or lambda over aggregates');
      default:
        return mapChildren(expression, (child) => this.#rewrite(child));
    }
  }

  /** HAVING and QUALIFY: there an alias that is also a column could mean either. */
  #rewriteAbove(expression: Expression): Expression {
    const ambiguous = contains(expression, (node) => {
      const column = ownColumn(node, this.#query.scope);
      return column !== null && textsOf(node, 'column_names').length === 1 && this.#shadows(column);
    });
    if (ambiguous) cannot('an alias that is also a column');
    return this.#rewrite(expression);
  }

  /** True when a select item of another meaning is called like this column. */
  #shadows(column: string): boolean {
    const aliased = this.#aliases.get(column);
    return aliased !== undefined && ownColumn(aliased, this.#query.scope) !== column;
  }

  #rewriteModifier(modifier: TreeRecord): TreeRecord {
    switch (typeOf(modifier)) {
      case 'ORDER_MODIFIER':
        return {
          ...modifier,
          orders: recordsOf(modifier, 'orders').map((order) => ({
            ...order,
            expression: this.#rewriteOrder(recordOf(order, 'expression') ?? cannot('an ORDER BY')),
          })),
        };
      case 'LIMIT_MODIFIER':
      case 'LIMIT_PERCENT_MODIFIER':
        return modifier;
      case 'DISTINCT_MODIFIER':
        if (recordsOf(modifier, 'distinct_on_targets').length > 0) cannot('DISTINCT ON');
        return modifier;
      default:
        return cannot(`a ${typeOf(modifier)}`);
    }
  }

  /** In ORDER BY, a number is a position, ALL is a star, and aliases win over columns. */
  #rewriteOrder(expression: Expression): Expression {
    if (integerOf(expression) !== null || isStar(expression) || this.#aliased(expression) !== null) return expression;
    return this.#rewrite(expression);
  }

  #rewriteAggregate(call: Expression): Expression {
    const name = foldName(textOf(call, 'function_name'));
    const orders = recordOf(call, 'order_bys');
    if (orders !== null && recordsOf(orders, 'orders').length > 0) cannot(`${name} with ORDER BY`);
    if (call['distinct'] === true && !distinctIrrelevant.has(name)) return this.#rewriteDistinct(call, name);
    const [argument] = recordsOf(call, 'children');
    if (argument !== undefined && averaging.has(name) && !this.#query.isNumber(argument)) {
      cannot(`${name} of what is no number`);
    }
    const collated = recordsOf(call, 'children').some((child) => contains(child, this.#isCollated));
    if (collated && !givesNumbers.has(name)) cannot(`${name} of a text with a collation`);
    const decomposition = decompose({ ...call, distinct: false });
    if (decomposition === null) return cannot(`${name}, which needs the values`);
    const columns = decomposition.partials.map((partial) =>
      partialName(this.#register(partial, this.#partials, this.#partialOf)),
    );
    return decomposition.merge(columns);
  }

  /** A DISTINCT aggregate that ignores NULL works on the fragment's groups, once its argument is one of them. */
  #rewriteDistinct(call: Expression, name: string): Expression {
    const [argument, ...more] = recordsOf(call, 'children');
    if (argument === undefined || more.length > 0 || !distinctPushed.has(name) || recordOf(call, 'filter') !== null) {
      return cannot(`${name}(DISTINCT …), which needs the values`);
    }
    const merged = functionCall(name, [this.#distinctValue(argument)], { distinct: true });
    return name === 'count' ? coalesce(merged, integer(0)) : merged;
  }

  /** The argument out of columns; of a row each field is one, as rows without names don't travel. */
  #distinctValue(argument: Expression): Expression {
    if (classOf(argument) === 'FUNCTION' && foldName(textOf(argument, 'function_name')) === 'row') {
      return { ...argument, children: recordsOf(argument, 'children').map((field) => this.#distinctValue(field)) };
    }
    // DISTINCT in an aggregate tells apart what GROUP BY, on the node, takes for the same.
    if (contains(argument, this.#isCollated)) cannot('DISTINCT over a text with a collation');
    const group = this.#groupOf.get(canonical(argument, this.#query.scope));
    return columnRef(
      group === undefined ? distinctName(this.#register(argument, this.#distinct, this.#distinctOf)) : groupName(group),
    );
  }

  #fragment(): QueryNode {
    const { node } = this.#query;
    const groups = [
      ...this.#groups.map((group, index) => withAlias(group, groupName(index))),
      ...this.#distinct.map((value, index) => withAlias(value, distinctName(index))),
    ];
    const partials = this.#partials.map((partial, index) => withAlias(partial, partialName(index)));
    // A fragment needs a column: SELECT 'x' FROM t HAVING true groups nothing and aggregates nothing.
    if (groups.length + partials.length === 0) cannot('nothing to group or aggregate');
    return selectNode({
      select_list: [...groups, ...partials],
      from_table: recordOf(node, 'from_table'),
      where_clause: recordOf(node, 'where_clause'),
      group_expressions: groups.map((_, index) => integer(index + 1)),
      group_sets: groups.length === 0 ? [] : [groups.map((_, index) => index)],
    });
  }
}

function groupName(index: number): string {
  return `armorlake_g${index}`;
}

function distinctName(index: number): string {
  return `armorlake_d${index}`;
}

function partialName(index: number): string {
  return `armorlake_p${index}`;
}
