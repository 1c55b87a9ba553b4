/**
 * The tree DuckDB makes of a SELECT (json_serialize_sql) and gives back as SQL (json_deserialize_sql): an internal format
 * of DuckDB 1.5, known only to this folder and held by golden tests. A tree is plain JSON and is never changed: rewriting
 * copies the records along the changed path.
 */

/**
 * A number kept as DuckDB wrote it, where JavaScript's would change it: 16 digits and more lose their end, and the DOUBLE
 * 10.0 would come back as the integer 10, which DuckDB refuses.
 */
export interface BigNumber {
  readonly '#': string;
}

export type Json = null | boolean | number | string | readonly Json[] | TreeRecord;
export interface TreeRecord {
  readonly [key: string]: Json;
}

/** What json_serialize_sql said: the statements, or why there are none. */
export type Serialized =
  | { readonly ok: true; readonly statements: readonly TreeRecord[] }
  | { readonly ok: false; readonly type: string; readonly message: string; readonly codePoint: number | null };

export function isRecord(value: Json | undefined): value is TreeRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The text under a key; '' when there is none. */
export function textOf(record: TreeRecord, key: string): string {
  const value = record[key];
  return typeof value === 'string' ? value : '';
}

/** The records of a list under a key. */
export function recordsOf(record: TreeRecord, key: string): readonly TreeRecord[] {
  const value = record[key];
  return isList(value) ? value.filter(isRecord) : [];
}

export function textsOf(record: TreeRecord, key: string): readonly string[] {
  const value = record[key];
  return isList(value) ? value.filter((each) => typeof each === 'string') : [];
}

/** Byte offset of a node in the SQL, or null where DuckDB knows none. */
export function locationOf(record: TreeRecord): number | null {
  const value = record['query_location'];
  return typeof value === 'number' ? value : null;
}

// A string literal (group 1 unset), or a number.
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)/g;

/**
 * Parses DuckDB's JSON.
 * @throws SyntaxError when it isn't JSON; DuckDB writes an infinite constant so.
 */
export function parseTree(text: string): Json {
  return JSON.parse(
    text.replace(tokens, (token, number: string | undefined) =>
      number === undefined || (number.length < 16 && /^-?\d+$/.test(number)) ? token : `{"#":"${number}"}`,
    ),
  ) as Json;
}

/** The inverse of `parseTree`. Inside JSON strings every quote is escaped, so the pattern meets only BigNumbers. */
export function printTree(tree: Json): string {
  return JSON.stringify(tree).replace(/\{"#":"([-+\d.eE]+)"\}/g, '$1');
}

/** Reads the answer of json_serialize_sql. */
export function readSerialized(text: string): Serialized {
  const root = parseTree(text);
  if (!isRecord(root)) throw new SyntaxError('json_serialize_sql gave no object');
  if (root['error'] === false) return { ok: true, statements: recordsOf(root, 'statements') };
  const position = Number.parseInt(textOf(root, 'position'), 10);
  return {
    ok: false,
    type: textOf(root, 'error_type'),
    message: textOf(root, 'error_message'),
    codePoint: Number.isNaN(position) ? null : position,
  };
}

/** What json_deserialize_sql takes for one statement. */
export function printStatement(statement: TreeRecord): string {
  return printTree({ error: false, statements: [statement] });
}

/** A character offset (UTF-16, as JavaScript counts) from DuckDB's byte offset into the same text. */
export function characterOffset(sql: string, byteOffset: number): number {
  return Buffer.from(sql, 'utf8').subarray(0, byteOffset).toString('utf8').length;
}

/** The same from a count of code points, as DuckDB's parser gives the places of syntax errors. */
export function offsetOfCodePoint(sql: string, codePoints: number): number {
  return Array.from(sql).slice(0, codePoints).join('').length;
}
