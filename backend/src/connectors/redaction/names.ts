/** Last parts of names whose values are secrets: `DB_PASSWORD`, `--auth-token`, `clientSecret`, `PGPASSWORD`. */
const secretWords = new Set([
  'pass',
  'passcode',
  'passphrase',
  'pwd',
  'credential',
  'credentials',
  'accesskey',
  'accountkey',
  'authkey',
  'privatekey',
  'secretkey',
  'dbpass',
  'sshpass',
  'userpass',
]);
const secretEndings = /(?:password|passwd|passphrase|secret|token|apikey|secretkey)$/;
/** What makes a `key` a secret one: `api_key`, `aws_secret_access_key`. */
const secretKeys = new Set([
  'access',
  'account',
  'api',
  'auth',
  'encryption',
  'master',
  'private',
  'secret',
  'shared',
  'signing',
]);

/**
 * Whether a flag's, variable's or field's name says that its value is a secret. The last part decides, so that
 * `--password-file` and `tokenizer` are none; `PWD` alone is the working directory.
 */
export function isSecretName(name: string): boolean {
  const parts = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[-_.]/)
    .filter((part) => part !== '');
  const last = (parts.at(-1) ?? '').replace(/\d{1,8}$/, '');
  const before = parts.at(-2);
  if (last === 'pwd') return before !== undefined || name.startsWith('-');
  if (secretWords.has(last) || secretEndings.test(last)) return true;
  if (last === 'key') return before !== undefined && secretKeys.has(before);
  if (last === 'id') return before === 'secret';
  return last === 'auth' && before === 'rediscli';
}
