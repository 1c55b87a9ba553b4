// A text, a name in quotes, a comment to the line's end; or what makes the rest unsure: other comments, dollars.
const pieces = /'[^']*'?|"[^"]*"?|--[^\n\r]*|\/\*|\$/g;
/** What may stand before a quote and give it another meaning, as in `E'…'` and `U&'…'`. */
const prefix = /[\p{L}\p{N}_$&]/u;

/**
 * The SQL with what its plain texts hold left out: a text costs what a parameter costs, however long. The SQL itself
 * where only DuckDB's own lexer knows what is a text.
 */
export function withoutTexts(sql: string): string {
  let sure = true;
  const short = sql.replace(pieces, (piece, at: number) => {
    if (piece === '/*') sure = false;
    if (piece === '$' && /^\$\w*\$/.test(sql.slice(at, at + 64))) sure = false;
    if (!piece.startsWith("'")) return piece;
    if (prefix.test(sql.charAt(at - 1))) sure = false;
    return "''";
  });
  return sure ? short : sql;
}
