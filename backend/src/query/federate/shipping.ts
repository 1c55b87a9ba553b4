import type { Expression, JsonObject, QueryNode } from './tree.js';
import { columnRef, objectAt, objectsAt, selectNode, subqueryRef } from './tree.js';
import type { ResultColumn, SqlFrontend } from './types.js';

/** Types that Parquet would change; they travel as text, which DuckDB reads back without loss. */
const travelsAsText = new Set(['HUGEINT', 'UHUGEINT', 'INTERVAL', 'BIT', 'TIME WITH TIME ZONE']);

/** Puts casts around what Parquet can't carry: out of the node as text, back to the type in the merge. */
export class Shipping {
  readonly #castTypes: ReadonlyMap<string, JsonObject>;

  private constructor(castTypes: ReadonlyMap<string, JsonObject>) {
    this.#castTypes = castTypes;
  }

  /** Asks DuckDB's parser for the tree of each type that travels as text. */
  static async create(frontend: SqlFrontend): Promise<Shipping> {
    const castTypes = new Map<string, JsonObject>();
    for (const type of ['VARCHAR', ...travelsAsText]) {
      const node = await frontend.parse(`SELECT CAST(NULL AS ${type})`);
      const tree = objectAt(objectsAt(node, 'select_list')[0] ?? {}, 'cast_type');
      if (tree !== null) castTypes.set(type, tree);
    }
    return new Shipping(castTypes);
  }

  /** The fragment with lossy columns cast to text. */
  outgoing(node: QueryNode, columns: readonly ResultColumn[]): QueryNode {
    return this.#wrap(node, columns, () => 'VARCHAR');
  }

  /** SELECT over what arrived, with the columns' own types again. */
  incoming(arrived: QueryNode, columns: readonly ResultColumn[]): QueryNode {
    return this.#wrap(arrived, columns, (column) => column.type);
  }

  #wrap(node: QueryNode, columns: readonly ResultColumn[], type: (column: ResultColumn) => string): QueryNode {
    if (!columns.some((column) => travelsAsText.has(column.type))) return node;
    return selectNode({
      select_list: columns.map((column) =>
        travelsAsText.has(column.type) ? this.#cast(column.name, type(column)) : columnRef(column.name),
      ),
      from_table: subqueryRef(node, 'shipped'),
    });
  }

  #cast(name: string, type: string): Expression {
    return {
      class: 'CAST',
      type: 'OPERATOR_CAST',
      alias: name,
      child: columnRef(name),
      cast_type: this.#castTypes.get(type) ?? { id: type, type_info: null },
      try_cast: false,
    };
  }
}
