/** A DuckDB identifier, always quoted. The only way an identifier gets into SQL. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A dotted name, as `kubearmor.logs`, each part quoted. */
export function quoteQualified(...parts: readonly string[]): string {
  return parts.map(quoteIdentifier).join('.');
}

/** A DuckDB string literal, for statements that take no parameters (ATTACH, COPY, SET). */
export function quoteString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * Event text made safe for a terminal: C0/C1 controls (ANSI escapes included) and the Unicode direction and
 * invisible format characters become visible `\u{…}` escapes.
 */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** An absolute path of two parts or more, where a word begins. */
const ABSOLUTE = /(?<![\w.:/\\-])(?:\/[\w.@%+~-]+){2,}\/?/g;

/** A sentence with `…` in place of each absolute path: where the files of a host are is its operator's business. */
export function withoutPaths(text: string): string {
  return text.replaceAll(ABSOLUTE, '…');
}

/**
 * A name as DuckDB compares it: only A to Z are lowered. JavaScript's `toLowerCase` takes the Kelvin sign for a k and É for é,
 * so that two names would be one here and two there.
 */
export function foldName(name: string): string {
  return name.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
