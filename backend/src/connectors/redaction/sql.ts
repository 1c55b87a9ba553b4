import type { AddSpan, Text } from './text.js';
import { skipSpaces } from './text.js';
import type { ValueReader } from './values.js';
import { secretOf } from './values.js';

const phrases: readonly (readonly [word: string, phrase: RegExp])[] = [
  [
    'identified',
    /^identified\s{1,4}(?:(?:with|via)\s{1,4}\S{1,64}\s{1,4}(?:by|as|using)|by)\s{1,4}(?:password\s{1,4}|values\s{1,4})?/i,
  ],
  [
    'password',
    /^password(?:\s{1,4}(?:for\s{1,4}\S{1,64}|expire|of)?\s{0,4}=?\s{0,4}|\s{0,4}\(\s{0,2}|\s{0,4}=\s{0,4})(?=N?\\{0,3}["'])/i,
  ],
  ['pgp_sym', /^pgp_sym_(?:en|de)crypt\([^,]{1,80},\s{0,4}/i],
  ['login', /^login\(\s{0,4}\\{0,3}["'][^"'\\]{1,64}\\{0,3}["']\s{0,4},\s{0,4}/i],
  ['auth=(', /^auth=\(\s{0,4}\\{0,3}["'][^"'\\]{1,64}\\{0,3}["']\s{0,4},\s{0,4}/i],
  ['mysqli_conn', /^mysqli_connect\(\s{0,4}["'][^"']{1,64}["'],\s{0,4}["'][^"']{1,64}["'],\s{0,4}/i],
  [
    'mysqli(',
    /^mysqli\(\s{0,4}\\{0,3}["'][^"'\\]{1,64}\\{0,3}["']\s{0,4},\s{0,4}\\{0,3}["'][^"'\\]{1,64}\\{0,3}["']\s{0,4},\s{0,4}/i,
  ],
  [
    'mysql_conne',
    /^mysql_connect\(\s{0,4}\\{0,3}["'][^"'\\]{1,64}\\{0,3}["']\s{0,4},\s{0,4}\\{0,3}["'][^"'\\]{1,64}\\{0,3}["']\s{0,4},\s{0,4}/i,
  ],
  [
    'pdo(',
    /^pdo\(\s{0,4}\\{0,3}["'][^"'\\]{1,100}\\{0,3}["']\s{0,4},\s{0,4}\\{0,3}["'][^"'\\]{1,64}\\{0,3}["']\s{0,4},\s{0,4}/i,
  ],
  [
    'getconnecti',
    /^getconnection\(\s{0,4}\\{0,3}["'][^"'\\]{1,100}\\{0,3}["']\s{0,4},\s{0,4}\\{0,3}["'][^"'\\]{1,64}\\{0,3}["']\s{0,4},\s{0,4}/i,
  ],
  [
    'expect',
    /^expect\s{1,4}\\{0,3}["'{][^"'{}\\]{0,32}(?:assword|assphrase)[^"'{}\\]{0,8}\\{0,3}["'}]\s{0,4}[;{]?\s{0,4}(?:exp_)?send\s{1,4}(?:--\s{1,4})?(?=\\{0,3}["'])/i,
  ],
  ['crypt', /^crypt\(\s{0,4}(?=["'])/i],
  ['addauth', /^addauth\s{1,4}digest\s{1,4}\w{1,64}:/i],
  ['auth', /^auth\(\s{0,4}\\{0,3}["'][^"'\\]{1,64}\\{0,3}["']\s{0,4},\s{0,4}/i],
];

const FIRST = new Set(phrases.map(([word]) => word.charCodeAt(0)));

/** Passwords in SQL and its like: `IDENTIFIED BY 'x'`, `PASSWORD 'x'`, `PASSWORD('x')`, `db.auth('u', 'x')`, and in scripts that log in. */
export function findSqlSecrets(text: Text, reader: ValueReader, add: AddSpan): void {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at) | 0x20;
    if (!FIRST.has(code)) continue;
    const before = at === 0 ? ' ' : text.slice(at - 1, at);
    if (/[\w-]/.test(before)) continue;
    const ahead = text.slice(at, at + 12).toLowerCase();
    const phrase = phrases.find(([word]) => ahead.startsWith(word))?.[1].exec(text.slice(at, at + 200))?.[0];
    if (phrase === undefined) continue;
    let start = skipSpaces(text, at + phrase.length);
    if (/^N\\?'/.test(text.slice(start, start + 3))) start++;
    const secret = secretOf(text, reader.read(start, 0), 'sure');
    // What is sent to a prompt ends with a line end: `send "x\r"`.
    if (secret !== null)
      add(secret.start, secret.end - (/^\\[rn]$/.test(text.slice(secret.end - 2, secret.end)) ? 2 : 0));
    at = Math.max(at + phrase.length - 1, (secret?.end ?? 0) - 1);
  }
}
