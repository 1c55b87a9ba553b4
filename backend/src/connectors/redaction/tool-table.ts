/** How a tool takes a secret. */
export interface ToolRule {
  /** Words that come first, as `login`, `kv put`. */
  readonly subcommand: readonly string[];
  /** `flag` takes one, `place` is one, `pairs` are `name=secret`, `input` reads one from a pipe or here-string, `pattern` is what is searched for. */
  readonly kind: 'flag' | 'place' | 'pairs' | 'input' | 'pattern' | 'cookies';
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

/**
 * One rule a line: `tools | subcommand | secrets`. A secret is `-p` (the next word, or `--p=`), `-p*` (attached), `-p?`
 * (both); `#1` (the first word that is no flag), `#-1` (the last); `=` (each `name=value`); `<` (what is piped in), `<-S`
 * (when that flag is given); `~` (a pattern that is searched for and stays: `~1` the first word, `~-e` behind a flag).
 * `%-b` (a cookie). `^:` at its end says that the secret stands behind a colon, `^:@` and before an @; `!` that it must
 * look random. The facts are from the tools' manuals.
 */
const table = `
mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlcheck mysqlbinlog mysqlslap mysqlpump mysql_upgrade mysqlsh |  | -p*
mariadb mariadb-dump mariadb-admin mariadb-import mariadb-check mariadb-show mariadb-backup xtrabackup innobackupex mydumper myloader mycli |  | -p*
mydumper myloader mycli |  | -p
mysqladmin | password | #1
mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop bsondump |  | -p?
docker podman nerdctl helm skopeo buildah oras crane az regctl cosign ctr | login | -p
docker podman nerdctl helm skopeo buildah oras crane regctl gh vault az glab hub | login | <--password-stdin
crane | auth login | -p
helm | registry login | -p
helm | repo add | --password
skopeo buildah podman |  | --creds^: --src-creds^: --dest-creds^:
ctr |  | --user^: -u^:
crictl |  | --creds^:
ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldappasswd ldapmodrdn ldapcompare ldapexop |  | -w?
ldappasswd |  | -s? -a?
smbclient rpcclient smbget smbmap net winexe wmic smbcacls smbtree pth-winexe |  | -U?^% --user^%
smbmap |  | -p
net | user | #2 #3
net | use | #3
sshpass |  | +-p?
redis-cli keydb-cli valkey-cli |  | -a --pass
redis-cli keydb-cli valkey-cli | auth | #1 #2
redis-cli keydb-cli valkey-cli | AUTH | #1 #2
redis-cli keydb-cli valkey-cli | CONFIG SET requirepass | #1
redis-cli keydb-cli valkey-cli | config set requirepass | #1
redis-cli keydb-cli valkey-cli | CONFIG SET masterauth | #1
redis-cli keydb-cli valkey-cli | config set masterauth | #1
redis-cli keydb-cli valkey-cli | ACL SETUSER | #2^>
redis-server valkey-server redis-sentinel redis-benchmark |  | --requirepass --masterauth -a
curl |  | %-b %--cookie -u?^: -U?^: --user^: --proxy-user^: --oauth2-bearer --pass --proxy-pass --tlspassword --ftp-account
curlie |  | -u?^: --user^:
http https xh xhs httpie |  | -a^: --auth^:
wget wget2 |  | --password --http-password --ftp-password --proxy-password --http-passwd --proxy-passwd
ab |  | -A?^: -P?^:
wrk hey siege bombardier oha vegeta |  | -a^: -A^:
hey |  | -a^:
aria2c |  | --http-passwd --ftp-passwd --all-proxy-passwd --rpc-secret --rpc-passwd
zip zipcloak |  | -P?
unzip funzip |  | -P?
7z 7za 7zr 7zz p7zip |  | -p*
rar unrar |  | -p* -hp*
useradd usermod adduser |  | -p
newusers chpasswd |  | <^:
passwd |  | <
sudo |  | <-S <-Sk <-kS <-nS <--stdin <-SE <-iS <-Si
su doas kinit smbpasswd pdbedit |  | <
cryptsetup |  | <
openssl | passwd | #-1 <-stdin
openssl | enc | -k -K

gpg gpg2 gpgsm |  | --passphrase <--passphrase-fd <--passphrase-fd=0
ssh-keygen |  | -N -P
ssh-add |  | <
keytool jarsigner apksigner keytool.exe |  | -storepass -keypass -srcstorepass -deststorepass -srckeypass -destkeypass -new -new_pass
sqlcmd bcp osql isql |  | -P?
sqlcmd bcp |  | -P?
tsql fisql freebcp |  | -P?
sqlplus sqlplus64 exp imp expdp impdp sqlldr rman |  | #1^/@ userid^/@ target^/@
psql pg_dump pg_restore pg_dumpall createdb createuser |  | --password
cqlsh |  | -p
nodetool |  | -pw
influx |  | -password -p -t
snowsql snow |  | -p --authenticator-token
clickhouse-client clickhouse |  | --password
vault bao | login | #1 <
vault bao | kv put | =
vault bao | kv patch | =
vault bao | write | token secret_id
vault bao | unwrap | #1
vault bao | operator unseal | #1
vault bao | token lookup | #1
vault bao | token renew | #1
vault bao | token revoke | #1
vault bao | auth | #1
consul |  | -encrypt -token
consul | keyring | -install -use -remove
consul nomad | acl set-agent-token | #2
consul | kv put | #2!
nomad serf |  | -encrypt -token
etcdctl |  | --user^: --password
pulumi | config set | #2!
pulumi | config set --secret | ~1 #2
pulumi | login | <
aws | configure set aws_secret_access_key | #1
aws | configure set aws_session_token | #1
aws | configure set aws_access_key_id | #1
aws | ssm put-parameter | --value!
aws | secretsmanager | --secret-string --secret-binary
aws | iam | --password --old-password --new-password
aws | lambda | --environment!
gcloud | config set auth/access_token | #1
gcloud | config set access_token | #1
gcloud |  | --access-token
gcloud | sql users | --password
gsutil |  | Credentials:gs_secret_access_key
az | keyvault secret set | --value
az |  | --account-key --sas-token --admin-password --connection-string!
az | login | -p --password --federated-token
az | ad sp | --password
az | sql | -p --admin-password -W
az | vm | --admin-password
az | acr login | -p
kubectl oc k3s kustomize | create secret | --from-literal^= --docker-password
kubectl oc | config set-credentials | --token --password
kubectl oc | patch secret | -p!
oc |  | --token
oc | login | -p
kubeadm |  | --certificate-key --token
kubeadm | join | --token
docker | swarm join | --token
docker | secret create | <
heroku | config:set | =
heroku | config:add | =
fly flyctl | secrets set | =
fly flyctl | auth | -t
railway | variables | --set^=
vercel |  | -t --token
vercel | env add | <
netlify ntl |  | --auth -a
netlify | env:set | #2
wrangler | secret put | <
supabase | secrets set | =
doppler | secrets set | =
firebase |  | --token
ngrok | authtoken | #1
ngrok | config add-authtoken | #1
ngrok |  | --authtoken
cloudflared | service install | #1
cloudflared |  | --token
tailscale |  | --authkey --auth-key
wg |  | private-key preshared-key
twine | upload | -p --password
poetry | config | #2! #3!
poetry | publish | -p
pip pip3 uv |  | --token
cargo | login | #1
gem |  | -k
gem | push | --key
nuget dotnet |  | -ApiKey --api-key -apikey
nuget | setapikey | #1
nuget | setApiKey | #1
nuget | push | #2!
nuget dotnet | nuget push | -k
nuget | sources | -password
dotnet | user-secrets set | #2
dotnet | nuget add source | -p --password
composer | config | #2! #3!
bundler | config | #-1^: #-1!
npm pnpm yarn | config set | #2! #1^=
npm pnpm yarn |  | --otp --_authToken
wpa_passphrase |  | #2
nmcli |  | password wifi-sec.psk 802-11-wireless-security.psk 802-1x.password wifi-sec.wep-key0
iwconfig iw |  | key
iwctl |  | --passphrase
ipmitool |  | -P?
ipmitool ipmi-console | user set password | #2
snmpwalk snmpget snmpset snmpbulkwalk snmptrap snmpgetnext snmptable |  | -A -X
snmpusm snmpcmd |  | -A -X
htpasswd | -b | #-1
htpasswd | -bc | #-1
htpasswd | -cb | #-1
htpasswd | -nb | #-1
htpasswd | -bn | #-1
htpasswd | -nbB | #-1
htpasswd | -bnB | #-1
htpasswd | -nBb | #-1
htpasswd | -bB | #-1
htpasswd | -Bb | #-1
htpasswd | -bcB | #-1
htpasswd | -cbB | #-1
htpasswd | -Bbc | #-1
htpasswd | -Bbn | #-1
htpasswd | -nbm | #-1
htpasswd | -bm | #-1
htdigest |  | <
mkpasswd |  | #1!
caddy | hash-password | --plaintext -p
mosquitto_pub mosquitto_sub mosquitto_rr |  | -P?
mosquitto_passwd | -b | #-1
mqtt |  | -pw
kadmin kadmin.local kadmind |  | -w -p! -pw
samba-tool | user | --newpassword --password #4!
samba-tool | user create | #2
samba-tool | user add | #2
samba-tool |  | --adminpass
rabbitmqctl | add_user | #2
rabbitmqctl | change_password | #2
rabbitmqctl | authenticate_user | #2
rabbitmqadmin |  | -p --password
rclone |  | --password
rclone | obscure | #1
s3cmd |  | --secret_key --access_key!
mc mcli | alias set | #3 #4
mc mcli | config host add | #3 #4
mc mcli | admin user add | #2 #3
swift |  | -K
openstack |  | --os-password
lftp |  | -u^, --user^,
ncftp ncftpget ncftpput |  | -p
svn svnsync |  | --password
p4 |  | -P
hg |  | --password
gh hub | secret set | -b --body
gh | auth login | <--with-token
gh | variable set | -b!
glab | auth login | -t --token
glab | variable set | #2 -v
tea | login add | -t
act |  | -s^=
sentry-cli |  | --auth-token --api-key
sonar-scanner sonar |  | -t
snyk | auth | #1
snyk | config set | #1^=
wandb | login | #1
huggingface-cli hf | login | --token
kaggle |  | -k
databricks |  | --token
jfrog jf jfrog-cli |  | --access-token --password --apikey
jf jfrog | c add | --access-token
argocd |  | --password --auth-token --current-password --new-password --account-password
rancher | login | --token -t
flux |  | --token --password
velero kops eksctl |  | --token
gitlab-runner | register | --registration-token -r --token -t
gitlab-runner |  | --registration-token --token
buildkite-agent |  | --token
circleci |  | --token
drone |  | --token -t
jenkins-cli jenkins-cli.jar |  | -auth^:
grafana-cli grafana | admin reset-admin-password | #1
airflow | users create | -p --password
airflow | connections add | --conn-password --conn-uri
superset flask fabmanager |  | --password
wp | user create | --user_pass
wp | config create | --dbpass
wp | core install | --admin_password
wp |  | --admin_password --user_pass --dbpass
drush |  | --account-pass --db-su-pw
drush | user:password | #2
drush | upwd | #2
occ |  | --admin-pass
odoo odoo-bin |  | -w --db_password
magento |  | --admin-password --db-password
doctl |  | -t --access-token
doctl | auth init | -t
linode-cli hcloud scw exo civo vultr-cli ibmcloud bx |  | --token --root_pass -p!
ibmcloud bx | login | -p --apikey
scw |  | secret-key
oci |  | --passphrase
terraform tofu terragrunt packer | login | <
jupyter jupyter-lab jupyter-notebook |  | --token
x11vnc |  | -passwd
vncpasswd |  | <
vncviewer xvnc4viewer |  | -passwd
xfreerdp xfreerdp3 wlfreerdp freerdp mstsc sdl-freerdp |  | /p:* -p* /gp:* /pth:*
rdesktop |  | -p
plink pscp psftp putty kitty klink winscp |  | -pw
psexec psexec64 |  | -p
evil-winrm |  | -p -H
crackmapexec cme nxc netexec |  | -p -H
hydra medusa ncrack patator |  | -p
impacket-psexec impacket-wmiexec impacket-smbexec impacket-secretsdump impacket-mssqlclient impacket-getuserspns impacket-getnpusers psexec.py wmiexec.py smbexec.py secretsdump.py mssqlclient.py GetUserSPNs.py atexec.py dcomexec.py impacket-atexec impacket-dcomexec ticketer.py getTGT.py GetADUsers.py lookupsid.py |  | #1^:@ -hashes^: -aesKey
bloodhound-python bloodhound certipy certipy-ad |  | -p -password -hashes^:
ldapdomaindump |  | -p
sqlmap |  | --auth-cred^: --proxy-cred^:
wpscan |  | --api-token --http-auth^: --proxy-auth^:
shodan | init | #1
restic kopia |  | --password
etcdctl | auth | --user^:
cadvisor |  | --http_auth_file!
teamviewer | passwd | #1
teamviewer | --passwd | #1
anydesk |  | --set-password <--set-password
youtube-dl yt-dlp |  | -p --password --video-password --ap-password
mpop msmtp mutt swaks sendemail sendEmail |  | -ap -xp --auth-password --password
swaks |  | -ap -apt
sendemail sendEmail |  | -xp
mount mount.cifs mount.davfs |  | password^=
sshfs curlftpfs |  | user^=
bw | unlock | #1
bw | login | #2
op | signin | #-1!
lpass | login | <
keepassxc-cli |  | <
storcli perccli ipmicfg |  | passwd
racadm |  | -p
esxcli vmware-cmd govc vicfg |  | --password -p!
ipa-client-install ipa-server-install realm |  | -w -p! -a
pkcs11-tool pkcs15-tool yubico-piv-tool ykman |  | -p --pin --so-pin --new-pin -P!
fscrypt veracrypt truecrypt |  | -p --password --new-password
qpdf |  | --password --user-password --owner-password
pdftk |  | user_pw owner_pw input_pw
qpdf | --encrypt | #1 #2
pdftotext pdfimages |  | -upw -opw
steghide outguess |  | -p
nats |  | --password --token
elasticsearch-users | useradd | -p
elasticsearch-users | passwd | -p
base64 |  | <^:
grep egrep fgrep zgrep rgrep pcregrep rg ag ack ugrep zegrep bzgrep xzgrep git-grep findstr select-string |  | ~1 ~-e ~--regexp
git | grep | ~1 ~-e
find fd locate plocate mlocate fdfind |  | ~-name ~-iname ~-path ~-ipath ~-regex ~-iregex ~1
journalctl |  | ~-g ~--grep
pgrep pkill |  | ~1
`;

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
  for (const line of table.split('\n')) {
    const [tools = '', subcommand = '', secrets = ''] = line.split('|').map((part) => part.trim());
    const own = words(secrets).map((spec) => ruleOf(spec, words(subcommand)));
    for (const tool of words(tools)) rules.set(tool, [...(rules.get(tool) ?? []), ...own]);
  }
  return rules;
}

function words(text: string): readonly string[] {
  return text.split(' ').filter((word) => word !== '');
}
