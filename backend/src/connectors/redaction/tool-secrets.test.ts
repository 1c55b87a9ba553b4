import { expect, it } from 'vitest';
import { Redactor } from './redactor.js';

function expectLeft(marked: string): void {
  const safe = new Redactor(Buffer.alloc(32, 7)).redact(marked.replaceAll(/[«»]/g, ''));
  expect(safe.replaceAll(/\[redacted:[0-9a-f]{12}\]/g, '…')).toBe(marked.replaceAll(/«[^»]*»/g, '…'));
}

it.each([
  'wg set wg0 private-key <(echo «yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=»)',
  `wg set wg0 peer abc preshared-key <(echo -n '«yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=»')`,
  'virsh secret-set-value 0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f «aHVudGVyMg==»',
  'virsh -c qemu:///system secret-set-value --secret u --base64 «aHVudGVyMg==»',
  `redis-cli ACL SETUSER bob on '>«hunter2»' ~* +@all`,
  'redis-cli -h db acl setuser bob reset on >«hunter2»',
  'consul kv put db/password «hunter2»',
  'etcdctl --endpoints=e:2379 put /app/db/password «hunter2»',
  'wp config set DB_PASSWORD «hunter2» --path=/srv/www',
  'rclone config create r sftp host files.example user bob pass «hunter2»',
  'podman secret create db <(echo «hunter2»)',
  'docker secret create db <(printf %s «hunter2»)',
  `openvpn --config c.ovpn --auth-user-pass <(printf 'bob\\n«hunter2»\\n')`,
  `pass insert -e mail/work <<< '«hunter2»'`,
  'echo «hunter2» | pass insert -e mail/work',
  'secret-tool store --label=x service y <<< «hunter2»',
  `php -r "new PDO('mysql:host=h;dbname=d','u','«hunter2»');"`,
  `php -r "new mysqli('h','u','«hunter2»','d');"`,
  `jshell DriverManager.getConnection("jdbc:postgresql://h/d", "u", "«hunter2»")`,
  `mimikatz "privilege::debug" "sekurlsa::pth /user:a /domain:d /ntlm:«cc36cf7a8514893efccd332446158b1a»"`,
  'Rubeus.exe asktgt /user:a /rc4:«cc36cf7a8514893efccd332446158b1a» /ptt',
  `hashcat -m 1000 '«cc36cf7a8514893efccd332446158b1a»' rockyou.txt`,
  'gitlab-rake "gitlab:password:reset[root,«hunter2»]"',
  `restic -r /b --password-command 'echo «hunter2»' snapshots`,
  `expect -c 'spawn ssh h; expect "assword:"; send "«hunter2»\\r"; interact'`,
  '7z a -p«hunter2» out.7z /srv',
  '7z a -mhe=on -p«hunter2» out.7z',
  "sh -c '7z a -p«x» out.7z && rm -r /srv'",
])('finds the secret, and nothing else, in %s', expectLeft);

it.each([
  'wg set wg0 private-key /etc/wireguard/key listen-port 51820',
  'wg set wg0 peer abc allowed-ips 10.0.0.0/24 endpoint host:51820',
  'virsh secret-set-value u --file /run/secret',
  'redis-cli ACL SETUSER bob on nopass ~* +@read > /tmp/out',
  'redis-cli ACL WHOAMI',
  'consul kv put config/shop/replicas 3',
  'consul kv put db/password @/run/secret.txt',
  'etcdctl put /app/db/host db.prod',
  'wp config set WP_DEBUG true --raw',
  'wp option update blogname shop',
  'rclone config create r sftp host files.example user bob key_file /root/.ssh/id',
  'podman secret create db ./pw.txt',
  'docker secret create db -',
  'diff <(echo one) <(echo two)',
  'openvpn --config c.ovpn --auth-user-pass /etc/openvpn/login.txt',
  'pass show mail/work',
  'pass generate mail/work 20',
  'hashcat -m 1800 -a 0 /tmp/hashes.txt rockyou.txt -r best64.rule',
  'hashcat --show -m 1000 hashes.ntlm',
  'gitlab-rake gitlab:check SANITIZE=true',
  'rake db:migrate:status',
  `restic --password-command 'pass show backup' snapshots`,
  `expect -c 'spawn ssh h; expect "yes/no"; send "yes\\r"; interact'`,
  `expect -c 'expect "Password:"; send "$env(PW)\\r"'`,
  '7z a out.7z /srv/data',
  '7z l out.7z',
])('leaves %s as it is', expectLeft);
