import { isBlank, macros, printable, tokenize } from '../../../shared/index.js';
import type { Catalog, CatalogColumn, CatalogTable, Token } from '../../../shared/index.js';
import { described } from '../builder/groups.js';
import { countText } from '../format.js';
import type { Suggestion } from '../ValueSelect.js';
import { sqlFunctions, sqlKeywords } from './functions.js';

export interface CompletionItem {
  readonly label: string;
  readonly kind: 'table' | 'column' | 'function' | 'macro' | 'variable' | 'keyword' | 'value';
  /** What is put in the place of what is typed; `$0` in a snippet is where the cursor goes. */
  readonly insert: string;
  readonly snippet?: boolean;
  readonly detail?: string;
  readonly documentation?: string;
}

/** What completion draws on; a missing catalog leaves functions, macros and variables. */
export interface CompletionSource {
  readonly catalog: Catalog | undefined;
  /** `$name` of each dashboard variable. */
  readonly variables: readonly string[];
  values(table: string, column: string, search: string): Promise<readonly Suggestion[]>;
}

/** Where the cursor is, and what it wants. `start`: offset from which the text up to the cursor is replaced. */
export type CompletionPlace =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'table'; readonly start: number }
  | {
      readonly kind: 'expression';
      readonly start: number;
      readonly tables: readonly string[];
      readonly qualifier: string | null;
    }
  | {
      readonly kind: 'value';
      readonly start: number;
      readonly tables: readonly string[];
      readonly column: string;
      readonly typed: string;
    };

/** Reads what stands before the cursor, and which tables the statement names anywhere. */
export function placeAt(sql: string, offset: number): CompletionPlace {
  const tokens = tokenize(sql);
  const tables = tablesOf(tokens);
  const here = tokens.find(({ start, end }) => start < offset && offset <= end);
  if (here?.kind === 'comment' && !here.text.startsWith('--') && offset === here.end) return expression(offset, tables);
  if (here?.kind === 'comment') return { kind: 'nothing' };
  if (here?.kind === 'string' && (offset < here.end || !isClosed(here))) {
    const column = comparedColumn(before(tokens, here.start));
    if (column === null) return { kind: 'nothing' };
    const typed = sql.slice(here.start + 1, offset).replaceAll("''", "'");
    return { kind: 'value', start: here.start + 1, tables, column, typed };
  }
  if (here?.kind === 'quoted' || here?.kind === 'number') return { kind: 'nothing' };
  const typing = here?.kind === 'word' || here?.kind === 'variable' ? here : undefined;
  const start = typing?.start ?? offset;
  const earlier = before(tokens, start);
  if (earlier.at(-1)?.text === '.') {
    const owner = earlier.at(-2);
    const from = earlier.at(-3);
    if (owner?.kind === 'word' && from !== undefined && opensTable(from)) return { kind: 'table', start: owner.start };
    if (owner?.kind === 'word') return { ...expression(start, tables), qualifier: owner.text };
  }
  const last = earlier.at(-1);
  if (last !== undefined && opensTable(last)) return { kind: 'table', start };
  return expression(start, tables);
}

/** What fits at a place. Values are looked up by the caller. */
export function itemsAt(place: CompletionPlace, { catalog, variables }: CompletionSource): readonly CompletionItem[] {
  const tables = tablesIn(catalog);
  switch (place.kind) {
    case 'nothing':
    case 'value':
      return [];
    case 'table':
      return [...tables.map(tableItem), ...variables.map(variableItem)];
    case 'expression': {
      const named = tables.filter(({ name }) => place.tables.includes(name));
      const columns = columnsOf(named.length > 0 ? named : tables.filter(({ name }) => name === 'kubearmor.events'));
      if (place.qualifier !== null) return columns.map(columnItem);
      return [
        ...columns.map(columnItem),
        ...variables.map(variableItem),
        ...macros.map(({ name, example, signature, description }): CompletionItem => ({
          label: name,
          kind: 'macro',
          insert: example,
          detail: signature,
          documentation: description,
        })),
        ...sqlFunctions.map(({ name, call, does }): CompletionItem => ({
          label: name,
          kind: 'function',
          insert: `${name}($0)`,
          snippet: true,
          detail: call,
          documentation: does,
        })),
        ...sqlKeywords.map((word): CompletionItem => ({ label: word, kind: 'keyword', insert: word })),
      ];
    }
  }
}

export function valueItems(values: readonly Suggestion[]): readonly CompletionItem[] {
  return values.map(({ value, count }) => ({
    label: printable(value),
    kind: 'value',
    insert: value.replaceAll("'", "''"),
    ...(count === undefined ? {} : { detail: countText(count) }),
  }));
}

/** The table of a place that has this column. */
export function tableWith(catalog: Catalog | undefined, tables: readonly string[], column: string): string | null {
  const found = tablesIn(catalog).find(
    ({ name, columns }) => tables.includes(name) && columns.some((each) => each.name === column),
  );
  return found?.name ?? null;
}

function tablesIn(catalog: Catalog | undefined): readonly CatalogTable[] {
  return catalog === undefined ? [] : tablesOfCatalog(catalog);
}

/** Each table by its name with the schema, as queries write it. */
export function tablesOfCatalog(catalog: Catalog): readonly CatalogTable[] {
  return catalog.databases.flatMap(({ name: database, tables }) =>
    tables.map((table) => (table.name.includes('.') ? table : { ...table, name: `${database}.${table.name}` })),
  );
}

function expression(start: number, tables: readonly string[]): CompletionPlace & { readonly kind: 'expression' } {
  return { kind: 'expression', start, tables, qualifier: null };
}

function before(tokens: readonly Token[], offset: number): readonly Token[] {
  return tokens.filter((token) => token.end <= offset && !isBlank(token));
}

function isClosed({ text }: Token): boolean {
  return text.length > 1 && text.endsWith("'") && (text.length - text.replaceAll("'", '').length) % 2 === 0;
}

function opensTable({ kind, text }: Token): boolean {
  return kind === 'word' && /^(from|join)$/i.test(text);
}

/** `schema.table` after FROM, JOIN, or a comma of such a list. */
function tablesOf(tokens: readonly Token[]): readonly string[] {
  const read = tokens.filter((token) => !isBlank(token));
  const names = new Set<string>();
  for (const [index, token] of read.entries()) {
    const [schema, dot, table] = [token, read[index + 1], read[index + 2]];
    const earlier = read[index - 1];
    if (schema.kind !== 'word' || dot?.text !== '.' || table?.kind !== 'word' || earlier === undefined) continue;
    if (opensTable(earlier) || earlier.text === ',') names.add(`${schema.text}.${table.text}`);
  }
  return [...names];
}

/** The column that a string is compared with: `namespace = '`, `namespace IN ('a', '`, `path NOT LIKE '`. */
function comparedColumn(earlier: readonly Token[]): string | null {
  let at = earlier.length - 1;
  const inList = earlier[at]?.text === '(' || earlier[at]?.text === ',';
  if (inList) {
    while (at >= 0 && earlier[at]?.text !== '(') at--;
    at--;
    if (!/^in$/i.test(earlier[at]?.text ?? '')) return null;
    at--;
  } else {
    const operator = /^([=<>!]|like|ilike|glob)$/i;
    if (!operator.test(earlier[at]?.text ?? '')) return null;
    while (at >= 0 && operator.test(earlier[at]?.text ?? '')) at--;
  }
  if (/^not$/i.test(earlier[at]?.text ?? '')) at--;
  const column = earlier[at];
  return column?.kind === 'word' ? column.text : null;
}

/** Columns of all these tables, each name once. */
function columnsOf(tables: readonly CatalogTable[]): readonly CatalogColumn[] {
  return [...new Map(tables.flatMap(({ columns }) => columns).map((column) => [column.name, column])).values()];
}

function tableItem({ name, kind, description }: CatalogTable): CompletionItem {
  return { label: name, kind: 'table', insert: name, detail: kind, documentation: description };
}

function columnItem(column: CatalogColumn): CompletionItem {
  return {
    label: column.name,
    kind: 'column',
    insert: column.name,
    detail: column.type,
    documentation: described(column),
  };
}

function variableItem(name: string): CompletionItem {
  return { label: name, kind: 'variable', insert: name, detail: 'variable' };
}
