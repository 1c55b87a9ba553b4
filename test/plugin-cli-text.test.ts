import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { cliText } from '../plugin/src/editor/footer/cli.js';

const plain = { scope: { clusters: [], nodes: [], labels: {} }, perNode: false, partial: null, rows: null } as const;

/** The arguments that bash makes of a command line. */
function argumentsOf(command: string): readonly string[] {
  const script = `armorlake() { printf '%s\\0' "$@"; }\n${command}`;
  const printed = execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8', env: { LC_ALL: 'C.UTF-8' } });
  return printed.split('\0').slice(0, -1);
}

describe('copy as CLI', () => {
  it('names the nodes and the options', () => {
    const text = cliText({
      sql: 'SELECT 1',
      scope: { clusters: ['north'], nodes: ['edge 1'], labels: { site: ['a', "b'c"] } },
      perNode: true,
      partial: 'fail',
      rows: 50,
    });
    expect(text).toBe(
      `armorlake query --cluster=north --node='edge 1' --label=site=a --label='site=b'\\''c' --partial=fail --per-node --limit=50 'SELECT 1'`,
    );
  });

  it.each([
    ["SELECT 'it''s', \"x\", `y`, $HOME, $(id), !x\nFROM t -- end"],
    [
      "SELECT '\u001b[31mred', '\u202etxt.exe', '\u200b', 'tab\there', 'back\\slash', 'quo''te', '\u{e0041}9'\n-- \u0007 7",
    ],
    ['-- a comment first\nSELECT 1'],
    [''],
  ])('gives the shell the SQL as it is and nothing else: %j', (sql) => {
    const args = argumentsOf(cliText({ ...plain, sql }));
    expect(args.at(-1)).toBe(sql);
    expect(args).toEqual(sql.startsWith('-') ? ['query', '--', sql] : ['query', sql]);
  });

  it('puts nothing invisible on the clipboard', () => {
    const text = cliText({ ...plain, sql: "SELECT '\u001b[2J\u202e\u200b\u2028'" });
    expect(text).toMatch(/^[\x20-\x7e]+$/);
  });

  it('keeps hostile names of nodes within their argument', () => {
    const scope = { clusters: [], nodes: ['x; rm -rf ~', "'$(id)'"], labels: { 'k\nx': ['v'] } };
    expect(argumentsOf(cliText({ ...plain, scope, sql: 'SELECT 1' }))).toEqual([
      'query',
      '--node=x; rm -rf ~',
      "--node='$(id)'",
      '--label=k\nx=v',
      'SELECT 1',
    ]);
  });
});
