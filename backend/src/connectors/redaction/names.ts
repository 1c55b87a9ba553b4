/** How sure a name is: what a `sure` one names is a secret, what a `likely` one names is one when it looks random. */
export type NameKind = 'sure' | 'likely' | null;

/** Last parts of names whose values are secrets: `DB_PASSWORD`, `--auth-token`, `clientSecret`, `PGPASSWORD`. */
const sureEndings =
  /(?:password|passwd|passphrase|passcode|passwort|secret|token|apikey|secretkey|accesskey|accountkey|privatekey|authkey|masterkey|psk|pwd|requirepass|masterauth|passkey|sshpass|dbpass|userpass|adminpass|rootpass|adminpw|rootpw|bindpw|rootdn_pw|oauth2bearer|storepass|keypass|sastoken|sharedaccesskey|signingkey|encryptionkey|authtoken|keybase)$/;
const sureWords = new Set([
  'pass',
  'pw',
  'pswd',
  'passw',
  'pat',
  'jwt',
  'bearer',
  'mnemonic',
  'authpass',
  'pin',
  'otp',
  'totp',
  'passw0rd',
  'rootpw',
  'bindpw',
  'unicodepwd',
  'authtok',
  'privpass',
  'unlockkey',
]);
/** What makes a `key` surely a secret: `api_key`, `aws_secret_access_key`. */
const secretKeys = new Set(
  'access account api app admin auth encryption master private secret shared signing sign storage license service session webhook hmac cipher crypto data stripe client jwt cookie unseal recovery wrapping field integration ingest ingestion write function functions subscription server consumer deploy'.split(
    ' ',
  ),
);
/** Keys that are none of locks: `public_key`, `cache-key`, `primary_key`. */
const openKeys = new Set(
  'public pub primary foreign host sort partition cache row index hot map lookup group route routing message object translation trusted i18n hash range unique order group by config label field registry known ssh recv search import export list delete gpg pgp fingerprint default fetch kms'.split(
    ' ',
  ),
);
/** Before a last part that would be sure, these say that it isn't the secret itself. */
const notIts = new Set(
  'no non disabled disable ask prompt reset forgot require requires required without empty show hide use generate random change has is need min max skip next page continuation continue starting pagination start end unk bos eos pad sep cls mask per num count total stop image pull existing tls from ref max_new csrf_field type new_line'.split(
    ' ',
  ),
);
const likelyWords = new Set(
  'auth authorization sig signature sid session sessionid sess cookie salt seed appid license licence hmac key login ticket assertion encrypt authcode credential credentials creds webhook authz sso phpsessid jsessionid csrf csrftoken xsrf'.split(
    ' ',
  ),
);

/**
 * Whether a flag's, variable's, header's or field's name says that its value is a secret. The last part decides, so
 * that `--password-file` and `tokenizer` are none; `PWD` alone is the working directory.
 */
export function nameKind(name: string): NameKind {
  const parts = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[-_.]/)
    .filter((part) => part !== '');
  const last = (parts.at(-1) ?? '').replace(/\d{1,8}$/, '');
  const before = parts.at(-2);
  if (name === 'PWD' || last === 'oldpwd') return null;
  if (/^(?:no|disable)?passwd$/.test(last) && last !== 'passwd') return null;
  if (before !== undefined && notIts.has(before)) return null;
  // `--secret NAME` names one that is kept elsewhere.
  if (name === '--secret' || name === '-secret') return 'likely';
  if (sureWords.has(last) || sureEndings.test(last)) return 'sure';
  if (last === 'base' && before === 'key') return 'sure';
  if (last === 'pem' && before === 'key') return 'likely';
  if (last === 'key') {
    if (before !== undefined && openKeys.has(before)) return null;
    return before !== undefined && secretKeys.has(before) ? 'sure' : 'likely';
  }
  if (last === 'id')
    return before === 'secret' ? (name.includes('-') ? 'likely' : 'sure') : before === 'session' ? 'likely' : null;
  if (last === 'auth') return before === 'rediscli' || before === '' ? 'sure' : 'likely';
  return likelyWords.has(last) ? 'likely' : null;
}

/** Whether the value of such a name is a secret whatever it is. */
export function isSecretName(name: string): boolean {
  return nameKind(name) === 'sure';
}
