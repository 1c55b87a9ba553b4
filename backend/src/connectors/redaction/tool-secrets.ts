import { addCookies } from './headers.js';
import type { NameKind } from './names.js';
import { nameKind } from './names.js';
import type { ShellText } from './shell.js';
import type { AddSpan, Text } from './text.js';
import { isNamePart, isQuote } from './text.js';
import { looksRandom } from './randomness.js';
import type { ToolRule } from './tool-table.js';
import { toolRules } from './tool-table.js';
import { secretOf } from './values.js';
import type { Word } from './words.js';
import { wordsOf } from './words.js';

/** Command lines within command lines, as `sh -c "…"`, are followed so deep. */
const MAX_DEPTH = 3;
/** Tools that may be under way in one command, as `sudo docker exec db mysql`. */
const MAX_TOOLS = 5;
const MAX_WORD = 512;
/** Names of pairs that hold no secret: `vault kv put secret/app username=x`. */
const openNames =
  /^(?:-|.*(?:user|username|user_name|login|host|hostname|port|url|uri|endpoint|name|ttl|type|policies|region|env|environment|mode|level|debug|version|path|email|role_id|database|db|bucket|account|project|size|count|enabled|timeout|server|address|addr|zone|locale|lang|node_env|log_level|tz)$)/i;

interface RuleState {
  readonly rule: ToolRule;
  /** Words of the subcommand that were seen. */
  seen: number;
  /** Words since then that are no flags. */
  places: number;
  last: Word | null;
  /** Whether the next word is its value. */
  expecting: boolean;
  reads: boolean;
  /** What the name of a setting says of the value behind it. */
  setting: NameKind;
}

/**
 * Secrets that known tools take: `mysql -px`, `curl -u user:x`, `vault login x`, `echo x | sudo -S …`.
 * @param spare is told what somebody searches for, as in `grep password=`
 */
export function findToolSecrets(text: Text, shell: ShellText, add: AddSpan, spare: AddSpan): void {
  findIn(text, shell, 0, text.length, 0, add, spare);
}

function findIn(
  text: Text,
  shell: ShellText,
  from: number,
  to: number,
  depth: number,
  add: AddSpan,
  spare: AddSpan,
): void {
  let tools: RuleState[][] = [];
  /** What an `echo` gives to the next command of the pipe. */
  let echoed: Word | null = null;
  let piped: Word | null = null;
  let isEcho = false;
  let hereString = false;
  /** Whether the next word is what `<(echo x)` gives in the place of a file. */
  let isFile = false;
  for (const word of wordsOf(text, shell, from, to)) {
    const value = text.slice(word.start, Math.min(word.end, word.start + MAX_WORD));
    const nests = word.quoted && depth < MAX_DEPTH && /[\s;|]/.test(value);
    if (nests) findIn(text, shell, word.start, word.end, depth + 1, add, spare);
    if (hereString || (value.startsWith('<<<') && value.length > 3)) {
      const own = hereString ? word : { ...word, start: word.start + 3 };
      for (const state of tools.flat()) if (isReading(state)) addSecret(text, own, state.rule, add);
      hereString = false;
    } else if (value === '<<<') hereString = true;
    else if (/^<\((?:echo|printf)$/.test(value)) isFile = true;
    else if (isFile) {
      if (/^(?:-[neE]+|(?:%[sb](?:\\n)?)+)$/.test(value)) continue;
      isFile = false;
      for (const state of tools.flat()) {
        if (state.expecting || isReading(state)) addSecret(text, lastLine(text, word), state.rule, add);
        state.expecting = false;
      }
    } else {
      const name = commandOf(value);
      const isShell = name === 'echo' || name === 'printf';
      if (isShell) isEcho = true;
      else if (isEcho && !/^-[neE]+$/.test(value)) echoed = word;
      for (const states of tools) for (const state of states) offer(text, word, value, state, add, spare);
      const rules = toolRules.get(name);
      if (rules !== undefined && tools.length < MAX_TOOLS && !word.quoted) {
        tools = [...tools, rules.map((rule) => stateOf(rule))];
      }
    }
    if (word.ends !== '') {
      close(text, tools, piped, add);
      piped = word.ends === '|' ? echoed : null;
      echoed = null;
      isEcho = false;
      tools = [];
    }
  }
  close(text, tools, piped, add);
}

/** Whether the tool reads a secret from what is piped into it, or stands in the place of a file. */
function isReading({ rule, reads, seen }: RuleState): boolean {
  return reads && seen === rule.subcommand.length;
}

/** The last line that an `echo` in brackets writes, without its quotes: `'user\nsecret')`. */
function lastLine(text: Text, word: Word): Word {
  const end = word.end - (text.charCodeAt(word.end - 1) === 0x29 ? 1 : 0);
  const own = word.quoted ? word : inner(text, word.start, end);
  const value = text.slice(own.start, Math.min(own.end, own.start + MAX_WORD)).replace(/(?:\\[rn])+$/, '');
  return {
    ...own,
    start: own.start + Math.max(0, value.lastIndexOf('\\n') + 2 * Number(value.includes('\\n'))),
    end: own.start + value.length,
  };
}

/** The name of a command in a word: `/usr/bin/curl`, `$(curl`, `x=1;curl`. */
function commandOf(value: string): string {
  let at = value.length;
  while (at > 0 && isNamePart(value.charCodeAt(at - 1))) at--;
  return at === 0 ? value : value.slice(at);
}

function stateOf(rule: ToolRule): RuleState {
  return {
    rule,
    seen: 0,
    places: 0,
    last: null,
    expecting: false,
    reads: rule.kind === 'input' && rule.flag === '',
    setting: null,
  };
}

/** What the command's end tells: the last word, and what is read from the pipe. */
function close(text: Text, tools: readonly (readonly RuleState[])[], piped: Word | null, add: AddSpan): void {
  for (const state of tools.flat()) {
    const { rule, last } = state;
    if (rule.kind === 'place' && rule.place < 0 && last !== null) addSecret(text, last, rule, add);
    if (rule.kind === 'input' && piped !== null && isReading(state)) addSecret(text, piped, rule, add);
  }
}

function offer(text: Text, word: Word, value: string, state: RuleState, add: AddSpan, spare: AddSpan): void {
  const { rule } = state;
  if (state.expecting) {
    state.expecting = false;
    take(text, word, rule, add, spare);
    return;
  }
  const wanted = rule.subcommand[state.seen];
  if (wanted !== undefined) {
    if (value === wanted) state.seen++;
    return;
  }
  if (rule.flag !== '') {
    offerFlag(text, word, value, state, add, spare);
    return;
  }
  if (value.startsWith('-') && value.length > 1) return;
  // `username=x` behind `vault login` has a name that tells what it is.
  if (rule.kind === 'place' && rule.after === '' && /^[A-Za-z_]\w*=\S/.test(value) && !value.endsWith('=')) return;
  state.places++;
  state.last = word;
  if (rule.kind === 'setting') {
    if (state.places === rule.place)
      state.setting = nameKind(value.slice(Math.max(value.lastIndexOf(':'), value.lastIndexOf('/')) + 1));
    else if (state.places === rule.place + 1 && state.setting !== null) addSecret(text, word, rule, add, state.setting);
  } else if (rule.kind === 'pairs') addPair(text, word, value, add);
  else if (state.places === rule.place) take(text, word, rule, add, spare);
}

function offerFlag(text: Text, word: Word, value: string, state: RuleState, add: AddSpan, spare: AddSpan): void {
  const { rule } = state;
  const { flag, form } = rule;
  if (!value.startsWith('-')) state.places++;
  if (rule.first && state.places > 0) return;
  if (!value.startsWith(flag)) {
    // `curl -sSu user:secret`
    if (form === 'both' && rule.after !== '' && /^-[A-Za-z#]+$/.test(value) && value.endsWith(flag.slice(1)))
      state.expecting = flag.length === 2;
    return;
  }
  if (rule.kind === 'input') {
    if (value.length === flag.length) state.reads = true;
    return;
  }
  if (value.length === flag.length) {
    state.expecting = form !== 'attached';
    return;
  }
  const next = value.charAt(flag.length);
  if (next === '=' || (form !== 'next' && !flag.startsWith('--'))) {
    const skip = flag.length + (next === '=' ? 1 : 0);
    take(text, inner(text, word.start + skip, word.end), rule, add, spare);
  }
}

function take(text: Text, word: Word, rule: ToolRule, add: AddSpan, spare: AddSpan): void {
  if (rule.kind === 'pattern') spare(word.start, word.end);
  else if (rule.kind === 'cookies') addCookies(text, word.start, add);
  else addSecret(text, word, rule, add);
}

/** A part of a word without the quotes around that part. */
function inner(text: Text, start: number, end: number): Word {
  const quote = text.charCodeAt(start);
  const isQuoted = isQuote(quote) && end - start >= 2 && text.charCodeAt(end - 1) === quote;
  return isQuoted
    ? { start: start + 1, end: end - 1, quoted: true, ends: '' }
    : { start, end, quoted: false, ends: '' };
}

function addSecret(
  text: Text,
  word: Word,
  rule: ToolRule,
  add: AddSpan,
  kind: 'sure' | 'likely' = rule.likely ? 'likely' : 'sure',
): void {
  let { start, end } = word;
  // A flag for a command that tells the secret: `--password-command 'echo x'`; other commands stay.
  if (rule.flag.endsWith('-command')) {
    const told = /^(?:echo|printf)\s{1,4}(?:-n\s{1,4})?/.exec(text.slice(start, Math.min(end, start + 24)))?.[0];
    if (told === undefined) return;
    start += told.length;
  }
  if (text.charCodeAt(start) === 0x24 && text.charCodeAt(start + 1) === 0x27) {
    start += 2;
    end--;
  }
  if (rule.after !== '') {
    const value = text.slice(start, Math.min(end, start + MAX_WORD));
    const from = value.indexOf(rule.after);
    // `curl -u token:` has the token in the place of the user.
    if (rule.after === ':' && from >= 16 && from === value.length - 1 && looksRandom(value.slice(0, from), 16)) {
      add(start, start + from);
      return;
    }
    if (
      from < 0 ||
      (rule.after === '=' && openNames.test(value.slice(0, from))) ||
      /^\w+:\/\//.test(value) ||
      (rule.after === '/' && from === 0)
    )
      return;
    if (rule.before !== '' && value.lastIndexOf(rule.before) > from) end = start + value.lastIndexOf(rule.before);
    start += from + 1;
    const own = inner(text, start, end);
    start = own.start;
    end = own.end;
  }
  while (end > start && /[;)]/.test(text.slice(end - 1, end)) && !word.quoted) end--;
  if (end <= start) return;
  const secret = secretOf(text, { start, end, quoted: word.quoted }, kind);
  if (secret !== null) add(secret.start, secret.end);
}

function addPair(text: Text, word: Word, value: string, add: AddSpan): void {
  const equals = value.indexOf('=');
  if (equals <= 0 || openNames.test(value.slice(0, equals))) return;
  const { start, end, quoted } = inner(text, word.start + equals + 1, word.end);
  const secret = end > start ? secretOf(text, { start, end, quoted: quoted || word.quoted }, 'sure') : null;
  if (secret !== null) add(secret.start, secret.end);
}
