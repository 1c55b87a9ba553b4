import type { QueryTable } from './sources.js';

export interface CatalogColumn {
  readonly name: string;
  readonly type: string;
  readonly description: string;
  /** The sender's own name of the field, where there is one. */
  readonly source?: string;
}

export interface CatalogTable {
  readonly name: string;
  readonly kind: QueryTable['kind'];
  readonly description: string;
  readonly columns: readonly CatalogColumn[];
}

/** What can be queried: databases (the schemas of the lake) → tables → columns. */
export interface Catalog {
  readonly databases: readonly { readonly name: string; readonly tables: readonly CatalogTable[] }[];
}

export function catalogOf(tables: readonly QueryTable[]): Catalog {
  const names = [...new Set(tables.map((table) => table.schema))];
  return {
    databases: names.map((name) => ({
      name,
      tables: tables
        .filter((table) => table.schema === name)
        .map((table) => ({
          name: table.name,
          kind: table.kind,
          description: table.description,
          columns: table.columns.map(({ name: column, type, description, source }) =>
            source === undefined ? { name: column, type, description } : { name: column, type, description, source },
          ),
        })),
    })),
  };
}
