/**
 * Commands that somebody would run behind a secret: where one of them follows a `;` or `|` inside a word, the word is
 * shell text and ends there; elsewhere such a sign may belong to a password. A phrase that holds one is no passphrase.
 */
const onlyCommands = (
  'apk apt apt-get ash awk awx bash busybox bzip2 chattr chmod chown chroot cp crontab csh curl dd dnf doas egrep env eval ftp gcc gdb git ' +
  'go grep gunzip gzip hostname ifconfig insmod iptables jq killall ksh kubectl ln ls lsof mkdir mkfifo mknod mv mysql mysqldump nc ncat ' +
  'netcat netstat nft nmap nohup npm nsenter nslookup openssl passwd perl php pip pip3 pkill printf ps psql pwd python python2 python3 ' +
  'rm rmdir rsync scp sed setsid sftp sh socat ss ssh strace su sudo systemctl tar telnet tftp umount uname unshare unset unzip useradd ' +
  'userdel usermod vi vim wc wget whoami xargs xxd xz yum zcat zsh pg_dump pg_restore pg_dumpall mongosh mongo mongodump redis-cli ' +
  'terraform ansible ansible-playbook aws az gcloud gsutil pulumi npx yarn pnpm mvn gradle rustc borg rclone s3cmd mc gpg docker podman ' +
  'nerdctl crictl runc containerd ctr systemd-run xmrig masscan msfconsole msfvenom meterpreter mimikatz hydra hashcat sqlmap ' +
  'linpeas chisel ngrok frpc powershell pwsh cmd.exe rundll32 regsvr32 certutil bitsadmin mshta wmic schtasks chpasswd groupadd ' +
  'modprobe rmmod sysctl setcap setenforce ufw tcpdump iwr iex base64 mkfs shutdown reboot poweroff'
).split(' ');
/** Those that are words of everyday language as well. */
const commonCommands = (
  'cat cd cut dash date dig diff echo exec exit export false fetch find head history host id ip java kill less make mount node read ruby run ' +
  'service set sleep sort source stat tail tee test time timeout touch tr true watch which while zip then do done fi if for else ' +
  'restic helm vault cargo twine poetry nice screen at alias shred wipe crack john responder function let local trap type ulimit wait jobs'
).split(' ');

const only = new Set(onlyCommands);
const commands = new Set([...onlyCommands, ...commonCommands]);

export function isCommand(name: string): boolean {
  return commands.has(name);
}

/** Whether the name is of a command and no word of everyday language. */
export function isOnlyCommand(name: string): boolean {
  return only.has(name);
}
