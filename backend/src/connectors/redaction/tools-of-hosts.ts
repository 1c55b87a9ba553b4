/** Tools of packages, networks, accounts, files and remote access, and those that search: `tools | subcommand | secrets`, in the notation of tool-table.ts. Facts from the tools' manuals. */
export const toolsOfHosts = `
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
mkpasswd | -m sha-512 | #1
mkpasswd | -m sha512crypt | #1
mkpasswd | --method=sha-512 | #1
slappasswd |  | -s
doveadm | pw | -p
saslpasswd2 |  | <
ejabberdctl prosodyctl | register | #3
ejabberdctl | change_password | #3
register_new_matrix_user cypher-shell beeline hdbsql bloodyAD coercer enum4linux-ng couchbase-cli cbq hive |  | -p
add-user.sh jboss-cli.sh |  | -p
vsql |  | -w
neo4j-admin | set-initial-password | #1
security | add-generic-password | -w
security | unlock-keychain | -p
security | import | -P
gpg-preset-passphrase |  | -P --passphrase
radtest |  | #2 #5
radclient |  | #3
wbinfo |  | -a^% --authenticate^%
domainjoin-cli | join | #3
storepasswd |  | #1
wpa_cli |  | psk
b2 | authorize-account | #2
b2 | account authorize | #2
ansible-vault | encrypt_string | #1
zfs | load-key | <
zfs | create | <
db2 | connect | using
solr | auth | -credentials^:
dokku | config:set | =
eb | setenv | =
cf | set-env | #3!
cf | login | -p
cf | auth | #2
pg_md5 |  | #1
gh | secret set | <
ntlm_auth |  | --password
cryptsetup-reencrypt |  | <
curl |  | --cert^: -E^:
kcadm.sh kcadm |  | --password --new-password -p
occ |  | --password
cmdkey |  | /pass:* /p:*
schtasks |  | /rp
schtasks.exe |  | /rp
runas |  | /password:*
ConvertTo-SecureString |  | #1 -String
dislocker |  | -u*
ldapvi |  | -w
mysql_secure_installation |  | -p*
gpgconf |  | --passphrase
snmpwalk snmpget snmpset snmpbulkwalk |  | -c
onesixtyone |  | -c
pulumi | config set |  @1
npm pnpm yarn | config set | @1
yarn | npm config set | @1
pnpm | set | @1
poetry | config | @1
snyk | config set | @1
git | config | @1
git | config --global | @1
git | config --local | @1
gcloud | config set | @1
aws | configure set | @1
composer | config | @1
composer | config --global | @1
dotnet | user-secrets set | @1
doctl | config set | @1
conan | user | -p
conan | remote login | -p
luarocks | upload | --api-key
vsce ovsx | publish | -p --pat
vsce | login | <
expo eas | login | -p
fastlane |  | --password
xcrun | notarytool | --password
xcrun | altool | -p --password
altool notarytool |  | -p --password
codesign |  | --passphrase
osslsigncode | sign | -pass
signtool | sign | /p
winrs |  | -p:* /p:*
mongosh mongo |  | --password
virsh | secret-set-value | #2 --base64
rclone | config create | pass password key client_secret secret_access_key account_key token bearer_token
rclone | config update | pass password key client_secret secret_access_key account_key token bearer_token
rclone | config password | @2
pass gopass | insert | <
secret-tool | store | <
openvpn |  | --auth-user-pass --askpass
mimikatz mimikatz.exe Rubeus.exe Rubeus rubeus pth golden silver asktgt |  | /ntlm:* /rc4:* /aes128:* /aes256:* /krbtgt:* /password:*
hashcat hashcat.bin |  | #1! #2! #3!
gitlab-rake rake |  | gitlab:password:reset[*^,]
restic rclone borg kopia |  | --password-command
wp | config set | @1
wp | option update | @1
crudini | --set | @3
uci | set | @1
`;
