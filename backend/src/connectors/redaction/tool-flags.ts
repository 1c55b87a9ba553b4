import type { AddSpan } from './spans.js';

/** How a tool takes a secret by a short flag. */
interface ToolRule {
  readonly flags: readonly string[];
  /** attached: `-px`; next: `-p x`; both. */
  readonly form: 'attached' | 'next' | 'both';
  /** The secret is what stands behind the first of these in the value, as `user:secret`. */
  readonly after?: string;
  /** Only behind this subcommand, as `docker login`. */
  readonly subcommand?: string;
}

const mysql: ToolRule = { flags: ['-p'], form: 'attached' };
const mongo: ToolRule = { flags: ['-p'], form: 'both' };
const login: ToolRule = { flags: ['-p'], form: 'next', subcommand: 'login' };
const ldap: ToolRule = { flags: ['-w'], form: 'both' };
const samba: ToolRule = { flags: ['-U'], form: 'both', after: '%' };
const sevenZip: ToolRule = { flags: ['-p'], form: 'attached' };
const userTool: ToolRule = { flags: ['-p'], form: 'next' };

const rules = new Map<string, ToolRule>([
  ...['mysql', 'mysqldump', 'mysqladmin', 'mysqlimport', 'mysqlshow', 'mysqlcheck'].map(
    (name) => [name, mysql] as const,
  ),
  ...['mariadb', 'mariadb-dump', 'mariadb-admin', 'mariadb-import', 'mariadb-check'].map(
    (name) => [name, mysql] as const,
  ),
  ...['mongo', 'mongosh', 'mongodump', 'mongorestore', 'mongoexport', 'mongoimport'].map(
    (name) => [name, mongo] as const,
  ),
  ...['docker', 'podman', 'nerdctl', 'helm', 'skopeo', 'buildah', 'oras', 'crane', 'az'].map(
    (name) => [name, login] as const,
  ),
  ...['ldapsearch', 'ldapadd', 'ldapmodify', 'ldapdelete', 'ldapwhoami', 'ldappasswd'].map(
    (name) => [name, ldap] as const,
  ),
  ...['smbclient', 'rpcclient'].map((name) => [name, samba] as const),
  ...['7z', '7za', '7zr', 'rar', 'unrar'].map((name) => [name, sevenZip] as const),
  ...['useradd', 'usermod'].map((name) => [name, userTool] as const),
  ['sshpass', { flags: ['-p'], form: 'both' }],
  ['redis-cli', { flags: ['-a'], form: 'next' }],
  ['curl', { flags: ['-u', '-U', '--user', '--proxy-user'], form: 'both', after: ':' }],
  ['zip', { flags: ['-P'], form: 'next' }],
  ['unzip', { flags: ['-P'], form: 'both' }],
]);

/** Secrets that known tools take by short flags: `mysql -px`, `sshpass -p x`, `curl -u user:x`, `docker login -p x`. */
export function findToolSecrets(text: string, add: AddSpan): void {
  const word = /[^\s\0]+/g;
  let rule: ToolRule | undefined;
  let armed = false;
  let expecting = false;
  for (let match = word.exec(text); match !== null; match = word.exec(text)) {
    const quoted = /^["'`]/.test(match[0]);
    const start = match.index + (quoted ? 1 : 0);
    const value = unquoteEnd(match[0].slice(quoted ? 1 : 0));
    const found = rules.get(value.slice(value.lastIndexOf('/') + 1));
    if (found !== undefined && !expecting) {
      rule = found;
      armed = found.subcommand === undefined;
      continue;
    }
    if (rule === undefined) continue;
    if (expecting) {
      expecting = false;
      addValue(rule, value, start, add);
      if (rule.after === undefined) rule = undefined;
      continue;
    }
    if (/^(?:\|\|?|&&?|;)$/.test(value) || value.endsWith(';')) {
      rule = undefined;
      continue;
    }
    if (value === rule.subcommand) armed = true;
    if (!armed) continue;
    const flag = rule.flags.find((each) => value.startsWith(each));
    if (flag === undefined) continue;
    if (value.length === flag.length) expecting = rule.form !== 'attached';
    else if (rule.form !== 'next') {
      const skip = flag.length + (flag.startsWith('--') && value.charAt(flag.length) === '=' ? 1 : 0);
      if (flag.startsWith('--') && skip === flag.length) continue;
      addValue(rule, value.slice(skip), start + skip, add);
    }
  }
}

function addValue(rule: ToolRule, value: string, start: number, add: AddSpan): void {
  const from = rule.after === undefined ? 0 : value.indexOf(rule.after) + 1;
  if (rule.after !== undefined && from === 0) return;
  if (value.length > from) add(start + from, start + value.length);
}

function unquoteEnd(word: string): string {
  let end = word.length;
  while (end > 0 && '"\'`'.includes(word.charAt(end - 1))) end--;
  return word.slice(0, end);
}
