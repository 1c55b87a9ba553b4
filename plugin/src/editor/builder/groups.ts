import type { CatalogColumn } from '../../../shared/index.js';
import type { Suggestion } from '../ValueSelect.js';

/** The keys that the rows' MAP columns hold, by column. */
export type MapKeys = Readonly<Record<string, readonly { readonly value: string; readonly count: number }[]>>;

export function isMap({ type }: CatalogColumn): boolean {
  return type.startsWith('MAP');
}

/** What one can group by that contains what is typed: columns, and `labels[app]` for each key of a map. */
export function groupSuggestions(
  columns: readonly CatalogColumn[],
  keys: MapKeys,
  search: string,
): readonly Suggestion[] {
  const all = columns.flatMap((column): readonly Suggestion[] =>
    isMap(column)
      ? (keys[column.name] ?? []).map(({ value, count }) => ({ value: `${column.name}[${value}]`, count }))
      : [{ value: column.name, description: described(column) }],
  );
  const wanted = search.trim().toLowerCase();
  return all.filter(({ value }) => value.toLowerCase().includes(wanted));
}

/** A column's type and what it means. */
export function described({ type, description }: CatalogColumn): string {
  return description === '' ? type : `${type} · ${description}`;
}
