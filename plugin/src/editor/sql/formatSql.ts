import { tokenize } from '../../../shared/index.js';

/**
 * SQL laid out anew; macros and variables stay as they are. `null`: it is not finished, so nothing is changed. The formatter
 * comes on first use only. Rejects when it can't be loaded (the plugin was updated since the page was).
 */
export async function formatSql(sql: string): Promise<string | null> {
  const { formatDialect, duckdb } = await import('sql-formatter');
  try {
    const formatted = formatDialect(sql, {
      dialect: duckdb,
      keywordCase: 'upper',
      paramTypes: {
        custom: [
          { regex: String.raw`\$\{[^}]*\}` },
          { regex: String.raw`\[\[[^\]]*\]\]` },
          { regex: String.raw`\$[A-Za-z_]\w*` },
        ],
      },
    });
    return withClosedMacros(formatted);
  } catch {
    return null;
  }
}

/** `$__timeFilter (time)` → `$__timeFilter(time)`: to the formatter a macro is a parameter. */
function withClosedMacros(sql: string): string {
  const tokens = tokenize(sql);
  return tokens
    .filter(
      ({ kind }, index) =>
        !(
          kind === 'space' &&
          tokens[index - 1]?.text.startsWith('$__') === true &&
          tokens[index + 1]?.text.startsWith('(') === true
        ),
    )
    .map(({ text }) => text)
    .join('');
}
