import { ArmorlakeError, printable } from '../../core/index.js';
import { clip } from './text.js';

/** As every version of Armorlake names its tables and columns; nothing else ever becomes SQL. */
const PLAIN = /^[a-z][a-z0-9_]{0,62}$/;
/** Relations and columns of a merge are called so. */
const OURS = 'armorlake_';
/** Schemas that DuckDB or the engine has itself: a table there would hide another. */
const RESERVED: ReadonlySet<string> = new Set([
  'lake',
  'state',
  'main',
  'temp',
  'memory',
  'system',
  'information_schema',
  'pg_catalog',
]);

/** What a member says of a table before it is looked at. */
export interface NamedTable {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** @throws ArmorlakeError BAD_REQUEST for tables or columns no version of Armorlake has, or one that is there twice */
export function checkNames(tables: readonly NamedTable[]): void {
  const seen = new Set<string>();
  for (const { name, columns } of tables) {
    const [schema = '', table = '', ...more] = name.split('.');
    if (!isPlain(schema) || !isPlain(table) || more.length > 0 || RESERVED.has(schema)) unusable('a table', name);
    if (seen.has(name)) twice('table', name);
    seen.add(name);
    const own = new Set<string>();
    for (const column of columns) {
      if (!isPlain(column.name)) unusable(`a column of ${name}`, column.name);
      if (own.has(column.name)) twice('column', `${name}.${column.name}`);
      own.add(column.name);
    }
  }
}

function isPlain(name: string): boolean {
  return PLAIN.test(name) && !name.startsWith(OURS);
}

function unusable(what: string, name: string): never {
  throw new ArmorlakeError('BAD_REQUEST', `It calls ${what} "${printable(clip(name, 80))}".`);
}

function twice(what: string, name: string): never {
  throw new ArmorlakeError('BAD_REQUEST', `It has the ${what} ${name} twice.`);
}
