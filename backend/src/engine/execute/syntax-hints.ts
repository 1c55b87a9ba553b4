/** What people write who come from other databases, and what stands for it here. */
const habits: readonly (readonly [RegExp, string])[] = [
  [/`/, 'Names are quoted with double quotes: "my table".'],
  [/\b(from|join)\s*\$\w/i, 'A parameter is a value: write the name of the table itself, as FROM kubearmor.alerts.'],
  [/\blimit\s+\d+\s*,\s*\d/i, 'Write LIMIT 10 OFFSET 20.'],
  [/^\s*select\s+top\b/i, 'Write LIMIT 10 at the end.'],
  [/&&/, 'Write AND.'],
  [/\|\|\s*\w+\s*=/, 'Write OR; || joins texts.'],
];

/** Texts and comments, in which nothing is SQL. */
const quoted = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g;

/** What to write instead, where a syntax error shows a habit of another database; undefined else. */
export function syntaxHint(sql: string, position: number | undefined): string | undefined {
  const bare = sql.replace(quoted, (text) => ' '.repeat(text.length));
  const before = position === undefined ? '' : bare.slice(0, position);
  const word = position === undefined ? undefined : /^[a-z_]\w*/i.exec(bare.slice(position))?.[0];
  // As in max(time) time: a word of SQL is an alias behind AS only.
  if (
    word !== undefined &&
    /[\w)\]"]\s+$/.test(before) &&
    /\bselect\b/i.test(before) &&
    !/\b(from|as)\s+$/i.test(before)
  ) {
    if (aliasWords.has(word.toLowerCase())) return `A word of SQL is an alias only behind AS: AS ${word}.`;
  }
  return habits.find(([form]) => form.test(bare))?.[1];
}

/** Words that people call columns by, and that DuckDB takes for types, units and functions where no AS stands before. */
const aliasWords: ReadonlySet<string> = new Set(
  'bigint bit boolean char character coalesce date day days dec decimal float hour hours int integer interval map microsecond millisecond minute minutes month months national none nullif numeric out overlay position precision quarter real row second seconds setof smallint struct substring time timestamp trim values varchar week year years'.split(
    ' ',
  ),
);

/** A hint for a column that isn't there and was written in double quotes, which are for names. */
export function quotedTextHint(sql: string, column: string): string | undefined {
  return sql.includes(`"${column}"`) ? `A text stands in single quotes: '${column.replaceAll("'", "''")}'.` : undefined;
}
