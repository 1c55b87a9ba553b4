/** Tools of databases, registries, secret stores and clouds: `tools | subcommand | secrets`, in the notation of tool-table.ts. Facts from the tools' manuals. */
export const toolsOfServices = `
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
redis-cli keydb-cli valkey-cli | ACL SETUSER | >*
redis-cli keydb-cli valkey-cli | acl setuser | >*
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
consul | kv put | #2! @1
etcdctl | put | @1
etcdctl | set | @1
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
docker podman | secret create | <
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
`;
