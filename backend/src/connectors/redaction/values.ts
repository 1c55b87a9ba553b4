import { isCommand, isOnlyCommand } from './commands.js';
import { looksRandom } from './randomness.js';
import type { ShellText } from './shell.js';
import type { Text } from './text.js';
import { isNamePart, isQuote, isSpace, quoteAt } from './text.js';

/** A value as it was read: `quoted` when it stood in quotes of its own; `next` is where reading goes on. */
export interface Value {
  readonly start: number;
  readonly end: number;
  readonly quoted: boolean;
}

/** Longest value that is replaced; of a longer one the beginning is. */
const MAX_VALUE = 4096;
/** So much of a value says what it is. */
const LOOK = 256;

const DOLLAR = 0x24;
const BACKSLASH = 0x5c;

/**
 * Reads values out of one text, in time linear in the text whatever is asked: what it found out about the end of a
 * word or the lack of a quote it keeps.
 */
export class ValueReader {
  readonly #text: Text;
  readonly #shell: ShellText;
  /** The unquoted word read last. */
  #wordStart = -1;
  #wordEnd = -1;
  /** From here on there is no closing quote of this form. */
  readonly #unclosed = new Map<string, number>();

  constructor(text: Text, shell: ShellText) {
    this.#text = text;
    this.#shell = shell;
  }

  /** The value that begins at `at`: what is in its quotes, or the word. `enclosing` is the quote it all stands in. */
  read(at: number, enclosing: number): Value {
    const text = this.#text;
    let open = at;
    if (text.charCodeAt(open) === DOLLAR && isQuote(text.charCodeAt(open + 1))) open++;
    const quote = quoteAt(text, open);
    if (quote !== '') {
      const isEnclosing = quote.length === 1 && quote.charCodeAt(0) === enclosing;
      if (isEnclosing) return { start: open, end: open, quoted: true };
      const start = open + quote.length;
      const end = this.#closing(quote, start, enclosing);
      if (end >= 0) return { start, end, quoted: true };
      return { start, end: this.#endOfWord(start), quoted: false };
    }
    return { start: at, end: this.#endOfWord(at), quoted: false };
  }

  /** The value of a query's parameter, or of a form's field: up to `&`. */
  readParameter(at: number): Value {
    const text = this.#text;
    let end = at;
    for (const stop = Math.min(text.length, at + MAX_VALUE); end < stop; end++) {
      const code = text.charCodeAt(end);
      if (isSpace(code) || isQuote(code) || code === 0x26 || code === 0x23 || code === 0x3c || code === 0x3e) break;
      if (code === BACKSLASH || (code === DOLLAR && text.charCodeAt(end + 1) === 0x28)) break;
      if ((code === 0x29 || code === 0x5d || code === 0x2c) && isEndAhead(text, end + 1)) break;
    }
    return { start: at, end: this.#shell.endOf(at, end), quoted: false };
  }

  #closing(quote: string, from: number, enclosing: number): number {
    const text = this.#text;
    if (from >= (this.#unclosed.get(quote) ?? Number.POSITIVE_INFINITY)) return -1;
    const first = quote.charCodeAt(0);
    const stop = Math.min(text.length, from + MAX_VALUE);
    for (let at = from; at < stop; at++) {
      const code = text.charCodeAt(at);
      if (code === first && (quote.length === 1 || text.startsWith(quote, at))) return at;
      if (code === enclosing && enclosing !== 0 && quote.length === 1) return -1;
      if (code === BACKSLASH) at++;
    }
    if (stop === text.length) this.#unclosed.set(quote, from);
    return -1;
  }

  #endOfWord(at: number): number {
    if (at >= this.#wordStart && at < this.#wordEnd) return this.#wordEnd;
    const end = this.#shell.endOf(at, endOfWord(this.#text, at));
    this.#wordStart = at;
    this.#wordEnd = end;
    return end;
  }
}

/** The end of an unquoted word: a space, a quote, or a sign behind which shell text, another field or the next name begins. */
function endOfWord(text: Text, from: number): number {
  const stop = Math.min(text.length, from + MAX_VALUE);
  for (let at = from; at < stop; at++) {
    const code = text.charCodeAt(at);
    if (isSpace(code) || isQuote(code)) return at;
    switch (code) {
      case BACKSLASH: {
        const next = text.charCodeAt(at + 1);
        // An escaped quote, or the `\n` and `\r` of a script's text.
        if (isQuote(next) || ((next === 0x6e || next === 0x72) && isEndAhead(text, at + 2))) return at;
        break;
      }
      case DOLLAR:
        if (text.charCodeAt(at + 1) === 0x28) return at;
        break;
      case 0x3c: // <
      case 0x3e: // >
        if (isEndAhead(text, at + 1) || '/&(<>'.includes(text.slice(at + 1, at + 2))) return at;
        break;
      case 0x3b: // ;
      case 0x7c: // |
      case 0x26: // &
        if (isEndAhead(text, at + 1) || text.charCodeAt(at + 1) === code) return at;
        if (isCommandAhead(text, at + 1) || isNameAhead(text, at + 1)) return at;
        break;
      case 0x2c: // ,
        if (isEndAhead(text, at + 1) || isNameAhead(text, at + 1)) return at;
        break;
      case 0x29: // )
      case 0x5d: // ]
      case 0x7d: // }
        if (isEndAhead(text, at + 1)) return at;
        break;
    }
  }
  return stop;
}

/** Whether a word can end here: the text's end, a space, a quote, or a sign that closes or separates. */
function isEndAhead(text: Text, at: number): boolean {
  if (at >= text.length) return true;
  const code = text.charCodeAt(at);
  return isSpace(code) || isQuote(code) || ';|&,)]}\\'.includes(String.fromCharCode(code));
}

/** Whether a command's name or path stands here. */
function isCommandAhead(text: Text, at: number): boolean {
  const ahead = text.slice(at, at + 24);
  if (/^(?:\.{0,2}\/|~\/|\$[({A-Z])/.test(ahead)) return true;
  const name = /^[a-z][a-z0-9_.-]*/.exec(ahead)?.[0] ?? '';
  return isCommand(name) && (at + name.length >= text.length || !isNamePart(text.charCodeAt(at + name.length)));
}

/** Whether `name=` or `name:` stands here, as in `a=1&b=2`, `Server=x;User Id=y`, `{a:1,b:2}`. */
function isNameAhead(text: Text, at: number): boolean {
  return /^[A-Za-z_][\w .-]{0,30}[=:]/.test(text.slice(at, at + 33));
}

const placeholders = new Set(
  'true false yes no none null nil undefined on off required optional stdin prompt env file auto default disabled enabled all any string str int bool number text hidden unset empty public private password1 basic digest bearer ntlm negotiate'
    .replace(' password1', '')
    .split(' '),
);
const roots =
  /^(?:os|process|self|this|config|cfg|settings|args|env|req|request|options|opts|params|var|local|locals|data|module|secrets|vars|input|inputs|context|ctx|event|each|random_\w+|aws_\w+|google_\w+|azurerm_\w+|window|document|response|resp|res|user|account|credentials|creds|props|state|app|client|session|token|getpass|secret)\.[A-Za-z_][\w.]*$/;
const patterns = /^[\^*]|\.[*+]|\[\^|\[[a-z]-[a-z]|\\[wWsSdDbS]|\(\?|\{\d+,?\d*\}$|^\\\(|\.\{/;
const fileName =
  /^[\w./@+-]+\.(?:pem|key|crt|cer|p12|pfx|jks|keystore|json|ya?ml|txt|env|conf|cfg|ini|pub|asc|gpg|age|sock|toml|properties|xml|sh|py|js|ts|go|rb|log|csv|db|sql|html?|tf|tfvars|gz|tgz|zip|service|md)$/i;
const code = /[;|&<>(){}=$`]|\b(?:import|sudo|curl|bash|sh)\b/;

/** Commands whose words no space separates: `wget${IFS}x`, `{wget,x}`. */
const separated = /\$\{?IFS\b|^\{[^{}\s]+,[^{}\s]*\}$/;

/**
 * The part of a value that is to be replaced, or null when it is none: references, placeholders, patterns that
 * somebody searches for, paths, commands and code stay. A `likely` one has to look random.
 */
export function secretOf(
  text: Text,
  { start, end, quoted }: Value,
  kind: 'sure' | 'likely',
  userAndSecret = false,
): { readonly start: number; readonly end: number } | null {
  let stop = Math.min(end, start + MAX_VALUE);
  let seen = text.slice(start, Math.min(stop, start + LOOK));
  const expansion = /^\$\{\w+:?[-=+]([^}]*)\}?$/.exec(seen);
  if (expansion !== null) {
    const value = expansion[1] ?? '';
    const inner = start + seen.indexOf(value, 3);
    return value === '' ? null : secretOf(text, { start: inner, end: inner + value.length, quoted }, kind);
  }
  const form = /^(?:pass|base64|plain|plaintext|clear):(?=.)/i.exec(seen)?.[0];
  if (form !== undefined) return secretOf(text, { start: start + form.length, end, quoted }, kind);
  const substitution = seen.search(/\$\(|`|<\(/);
  if (substitution >= 0) {
    stop = start + substitution;
    seen = seen.slice(0, substitution);
    if (/\s$/.test(seen)) return null;
  }
  if (separated.test(seen)) return null;
  if (quoted && stop - start > LOOK) stop = endOfFirstWord(text, start, stop);
  if (quoted && code.test(seen) && /\s/.test(seen)) {
    // Code in quotes; a word before a `;` or `|` may still be a secret.
    const first = /^[^\s;|&<>(){}=$`"']{3,}(?=[;|&] |[;|&]{2}| [;|&])/.exec(seen)?.[0];
    if (first === undefined || isCommand(first)) return null;
    stop = start + first.length;
    seen = first;
  }
  if (seen === '' || isNoSecret(seen, quoted)) return null;
  if (kind === 'likely' && !looksRandom(seen, 10)) {
    // `--auth user:secret`, `NEO4J_AUTH=neo4j/secret`
    const user = /^[A-Za-z][\w.@-]{0,40}[:/](?=[^\s/:]{3,}$)/.exec(seen)?.[0];
    if (user === undefined || !userAndSecret || /^\d{1,5}$/.test(seen.slice(user.length))) return null;
    return isNoSecret(seen.slice(user.length), quoted) ? null : { start: start + user.length, end: stop };
  }
  return { start, end: stop };
}

function isNoSecret(value: string, quoted: boolean): boolean {
  if (value.startsWith('[redacted:') || placeholders.has(value.toLowerCase())) return true;
  // References: $NAME, ${NAME}, %NAME%, {{ x }}, <name>, #{x}, @file (also @/etc/shadow), !vault, `command`.
  if (
    /^(?:\$\{?[A-Za-z_]\w*(?:\[\w+\])?\}?|\$[\d@*#?!]|\$(?:::)?env\(\w+\)(?:\\[rn])?|\$\{?\{.*|\$\{\w+.*\}|%[A-Za-z_]\w*%|\{\{.*|<[\w .-]+>|[#$@]\{.*|\{\w*\}|%[sdrqv]|%\(\w+\)s|@[./~\w-]+\.\w+|@(?:~|\.{1,2})?\/[\w./@+~-]*|@-|:\w+|\?|`[^`]+`)$/.test(
      value,
    )
  )
    return true;
  if (/^(?:id|src|source|type|name|env|file)=|^(?:[\d.]+:)?\d{2,5}:\d{2,5}(?:\/\w+)?$/.test(value)) return true;
  if (/^(?:env|file|fd|prompt|stdin|vault|op|ssm|arn|secretsmanager|ref\+\w+):|^[[{]\s*[\\"'{[\w]+.*:/.test(value))
    return true;
  if (/^([x*.•?#-])\1{2,}$/i.test(value) || /^(?:\d{1,2}|\d{1,6}(?:ms|s|m|h|d))$/.test(value)) return true;
  if (/^(?:redacted|your[-_].*|placeholder)$/i.test(value)) return true;
  if (patterns.test(value) && !looksRandom(value)) return true;
  if (
    /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ||
    /^-(?:-|[a-z]+(?:$|=))/.test(value) ||
    /^(?:ssh-(?:rsa|ed25519)|ecdsa-|AAAA[BC]3Nza|age1)/.test(value)
  )
    return true;
  if (isPath(value) || fileName.test(value) || roots.test(value) || /^[A-Za-z_][\w.]*\(/.test(value)) return true;
  return quoted && /\s/.test(value) && !isPhrase(value);
}

function isPath(value: string): boolean {
  if (/^(?:~|\.{1,2})?\/[\w.@+-]*(?:\/[\w.@+:-]*)*$/.test(value))
    return !looksRandom(value.slice(value.lastIndexOf('/') + 1), 20) && !looksRandom(value, 36);
  if (/^[A-Z]:\\/.test(value)) return true;
  return /^[a-z][a-z0-9_.-]*(?:\/[a-z0-9_.-]+)+\/?$/.test(value) && !looksRandom(value, 16);
}

/** A passphrase of a few words: no command, flag, path, address or file is among them. */
function isPhrase(value: string): boolean {
  const words = value.split(/\s+/);
  if (value.length > 128 || words.length > 12 || /^\s|\s$|\n/.test(value)) return false;
  return !words.some((word, index) => isOfCommand(word) || (index === 0 ? isCommand(word) : isOnlyCommand(word)));
}

/** A flag, `+x`, a path, a pattern of one, an address, a host or a file. */
function isOfCommand(word: string): boolean {
  return /^[-+]\w|[/\\]|[\w*]\.[\w*]|^\*|\w@\w+$|^\d{1,3}(?:\.\d{1,3}){3}|^[\w-]+:\d{1,5}$|:{2}/.test(word);
}

/** The end of a long value's first word: what is longer than a phrase is one word, or none. */
function endOfFirstWord(text: Text, start: number, end: number): number {
  for (let at = start; at < end; at++) if (isSpace(text.charCodeAt(at))) return at;
  return end;
}
