/**
 * Commands that somebody would run behind a secret: where one of them follows a `;` or `|` inside a word, the word is
 * shell text and ends there; elsewhere such a sign may belong to a password.
 */
const commands = new Set(
  (
    'apk apt apt-get ash awk awx base64 bash busybox bzip2 cat cd chattr chmod chown chroot cp crontab csh curl cut dash date dd ' +
    'dig diff docker doas echo egrep env eval exec exit export false fetch find ftp gcc gdb git go grep gunzip gzip head history hostname id ' +
    'ifconfig insmod ip iptables java jq kill killall ksh kubectl less ln ls lsof make mkdir mkfifo mknod mount mv mysql mysqldump nc ncat ' +
    'netcat netstat nft nmap node nohup npm nsenter nslookup openssl passwd perl php pip pip3 pkill printf ps psql pwd python python2 python3 ' +
    'read rm rmdir rsync ruby run scp sed service set setsid sftp sh sleep socat sort source ss ssh stat strace su sudo systemctl tail tar tee ' +
    'telnet test tftp time timeout touch tr true umount uname unshare unset unzip useradd usermod vi vim wc wget which while whoami xargs xxd ' +
    'xz yum zcat zip zsh then do done fi if for else restic pg_dump pg_restore pg_dumpall psql mongosh mongo mongodump redis-cli helm terraform ' +
    'ansible ansible-playbook aws az gcloud gsutil vault pulumi npx yarn pnpm mvn gradle cargo rustc twine poetry borg rclone s3cmd mc gpg'
  ).split(' '),
);

export function isCommand(name: string): boolean {
  return commands.has(name);
}
