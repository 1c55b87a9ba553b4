import type { Scope } from '../../../shared/index.js';

export interface CliQuery {
  readonly sql: string;
  readonly scope: Scope;
  readonly perNode: boolean;
  readonly partial: 'warn' | 'fail' | 'ignore' | null;
  readonly rows: number | null;
}

/** The query as `armorlake query …` for a POSIX shell (bash, zsh where text holds invisible characters). */
export function cliText({ sql, scope, perNode, partial, rows }: CliQuery): string {
  return [
    'armorlake query',
    ...scope.clusters.map((name) => `--cluster=${quoted(name)}`),
    ...scope.nodes.map((name) => `--node=${quoted(name)}`),
    ...Object.entries(scope.labels).flatMap(([key, values]) =>
      values.map((value) => `--label=${quoted(`${key}=${value}`)}`),
    ),
    ...(partial === null ? [] : [`--partial=${partial}`]),
    ...(perNode ? ['--per-node'] : []),
    ...(rows === null ? [] : [`--limit=${String(rows)}`]),
    // SQL may begin with a comment, which looks like an option.
    ...(sql.startsWith('-') ? ['--'] : []),
    quoted(sql, true),
  ].join(' ');
}

/** Text may come from events: nothing of it is seen by the shell, and nothing invisible reaches the clipboard. */
function quoted(value: string, always = false): string {
  if (!always && /^[\w./:@%+=-]+$/.test(value)) return value;
  // Line ends within quotes are harmless, and SQL stays readable with them.
  if (!/[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/u.test(value)) return `'${value.replaceAll("'", `'\\''`)}'`;
  return `$'${value.replace(/[\\'\n]|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (character === '\n') return '\\n';
    if (character === '\\' || character === "'") return `\\${character}`;
    return code > 0xffff ? `\\U${hex(code, 8)}` : code > 0x7f ? `\\u${hex(code, 4)}` : `\\x${hex(code, 2)}`;
  })}'`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
