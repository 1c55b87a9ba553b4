import { toolsOfHosts } from './tools-of-hosts.js';
import { toolsOfServices } from './tools-of-services.js';

/** How a tool takes a secret. */
export interface ToolRule {
  /** Words that come first, as `login`, `kv put`. */
  readonly subcommand: readonly string[];
  /** `flag` takes one, `place` is one, `pairs` are `name=secret`, `input` reads one from a pipe or here-string, `pattern` is what is searched for. */
  readonly kind: 'flag' | 'place' | 'pairs' | 'input' | 'pattern' | 'cookies' | 'setting';
  /** The flag, or what a word begins with. */
  readonly flag: string;
  /** `next`: `-p x` (long: `--p=x` too); `attached`: `-px`; `both`. */
  readonly form: 'next' | 'attached' | 'both';
  /** Which place, from 1; from the end when negative. */
  readonly place: number;
  /** The secret stands behind the first of these, as in `user:secret`. */
  readonly after: string;
  /** And before the last of these. */
  readonly before: string;
  /** Whether it has to look random. */
  readonly likely: boolean;
  /** Whether only flags before the first other word count: what follows is another command. */
  readonly first: boolean;
}

/*
 * One rule a line: `tools | subcommand | secrets`. A secret is `-p` (the next word, or `--p=`), `-p*` (attached), `-p?`
 * (both); `#1` (the first word that is no flag), `#-1` (the last); `=` (each `name=value`); `<` (what is piped in), `<-S`
 * (when that flag is given); `~` (a pattern that is searched for and stays: `~1` the first word, `~-e` behind a flag).
 * `%-b` (a cookie); `@1` (a setting's name, whose value comes next). `^:` at its end says that the secret stands behind
 * a colon, `^:@` and before an @; `!` that it must look random; `+` before it, that it stands before any other word.
 */

function ruleOf(spec: string, subcommand: readonly string[]): ToolRule {
  const likely = spec.endsWith('!');
  const [what = '', ends = ''] = spec.replace(/^\+|!$/g, '').split('^');
  const base = {
    subcommand,
    flag: '',
    form: 'next',
    place: 0,
    first: spec.startsWith('+'),
    after: ends.charAt(0),
    before: ends.charAt(1),
    likely,
  } as const;
  const sign = what.charAt(0);
  const rest = what.slice(1);
  if (sign === '#') return { ...base, kind: 'place', place: Number(rest) };
  if (sign === '<') return { ...base, kind: 'input', flag: rest };
  if (sign === '@') return { ...base, kind: 'setting', place: Number(rest) };
  if (sign === '%') return { ...base, kind: 'cookies', flag: rest };
  if (what === '=') return { ...base, kind: 'pairs', after: '=' };
  if (sign === '~') {
    return /^\d$/.test(rest)
      ? { ...base, kind: 'pattern', place: Number(rest) }
      : { ...base, kind: 'pattern', flag: rest };
  }
  if (what.endsWith('?')) return { ...base, kind: 'flag', flag: what.slice(0, -1), form: 'both' };
  if (what.endsWith('*')) return { ...base, kind: 'flag', flag: what.slice(0, -1), form: 'attached' };
  return { ...base, kind: 'flag', flag: what };
}

/** The rules by the tools' names. */
export const toolRules: ReadonlyMap<string, readonly ToolRule[]> = rulesByTool();

function rulesByTool(): ReadonlyMap<string, readonly ToolRule[]> {
  const rules = new Map<string, ToolRule[]>();
  for (const line of (toolsOfServices + toolsOfHosts).split('\n')) {
    const [tools = '', subcommand = '', secrets = ''] = line.split('|').map((part) => part.trim());
    const own = words(secrets).map((spec) => ruleOf(spec, words(subcommand)));
    for (const tool of words(tools)) rules.set(tool, [...(rules.get(tool) ?? []), ...own]);
  }
  return rules;
}

function words(text: string): readonly string[] {
  return text.split(' ').filter((word) => word !== '');
}
