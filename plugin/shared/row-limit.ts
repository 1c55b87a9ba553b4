import type { Token } from './lexer.js';
import { isBlank, tokenize } from './lexer.js';
import type { MappedText } from './mapped-text.js';
import { reservedWords } from './quoting.js';

/** Reserved words that a query can end with. */
const lastWords: ReadonlySet<string> = new Set(['all', 'asc', 'desc', 'end', 'false', 'null', 'true']);
/** Not `with`: over common table expressions, recursive ones above all, DuckDB plans a limit to twice the time and memory. */
const firstWords: ReadonlySet<string> = new Set(['select', 'from']);
const limitWords: ReadonlySet<string> = new Set(['limit', 'offset', 'fetch', 'pivot', 'unpivot']);

function wordOf({ kind, text }: Token): string {
  return kind === 'word' ? text.toLowerCase() : '';
}

/** Whether SQL could be whole with this token: what is still being written is left alone, that its errors stay its own. */
function canEnd(token: Token): boolean {
  const word = wordOf(token);
  if (token.kind === 'symbol') return token.text === ')' || token.text === ']';
  return word === '' || !reservedWords.has(word) || lastWords.has(word);
}

/** Words outside of all parentheses; null when these don't match. */
function outerWords(tokens: readonly Token[]): readonly string[] | null {
  const words: string[] = [];
  let depth = 0;
  for (const token of tokens) {
    if (token.text === '(' || token.text === '[') depth += 1;
    if (token.text === ')' || token.text === ']') depth -= 1;
    if (depth < 0) return null;
    if (depth === 0) words.push(wordOf(token));
  }
  return depth === 0 ? words : null;
}

/**
 * SQL that says itself how many rows it is asked for, so that each node sorts out and sends no more than those. SQL with a
 * limit of its own or common table expressions, and what is no whole SELECT, stays as it is.
 */
export function withRowLimit(sql: string, rows: number): MappedText {
  const unchanged: MappedText = { text: sql, originalPosition: (position) => position };
  const said = tokenize(sql).filter((token) => !isBlank(token));
  const tokens = said.at(-1)?.text === ';' ? said.slice(0, -1) : said;
  const [first] = tokens;
  const last = tokens.at(-1);
  const words = outerWords(tokens);
  if (first === undefined || last === undefined || words === null || !canEnd(last)) return unchanged;
  if (!firstWords.has(wordOf(first)) || words.some((word) => limitWords.has(word))) return unchanged;
  const limit = `\nLIMIT ${String(rows)}`;
  const at = last.end;
  return {
    text: `${sql.slice(0, at)}${limit}${sql.slice(at)}`,
    originalPosition: (position) => (position <= at ? position : Math.max(at, position - limit.length)),
  };
}
