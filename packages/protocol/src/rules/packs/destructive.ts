// Commands that destroy what can't be had back.

export const destructive = String.raw`
rules:
  rm-outside:
    deny: shell
    command: rm|grm|trash
    flags: --recursive|-r|-R
    paths: /
    unless:
      - paths: [./*, /tmp/*, /var/tmp/*]
    severity: critical
    reason: It removes a folder outside the working tree, or one that is not known.
    instead: Name folders below the working tree, or below /tmp, as they are.
    hits:
      - rm -rf /
      - rm -fr /
      - rm -r -f /
      - rm -R --force /etc
      - rm --recursive --force ~
      - rm --recurs --forc $HOME
      - sudo rm -rf /var/log
      - rm -rf ..
      - rm -rf .
      - rm -rf ./build /
      - rm -rf $X/*
      - rm -rf "$DIR"
      - cd / && rm -rf home
      - /bin/rm -rf -- ~/Documents
      - bash -c 'rm -rf ~'
      - python3 -c "import os; os.system('rm -rf /')"
      - python3 -c "import subprocess; subprocess.run(['rm', '-rf', '/'])"
      - perl -e 'system("rm -rf /")'
      - node -e "require('child_process').execSync('rm -rf ~')"
      - rm -rf ../other/build
      - rm -rf /tmp
      - rm -rf /tmp/../home
    misses:
      - rm -rf node_modules
      - rm -rf ./build dist
      - rm -rf /tmp/build
      - d=$(mktemp -d); rm -rf "$d"
      - find . -name node_modules -type d -exec rm -rf {} +
      - find . -name '*.pyc' | xargs rm -rf
      - rm file.txt
      - rm -f /tmp/x.lock
      - echo "rm -rf /"
      - 'git commit -m "Never run rm -rf / again"'

  rm-everything:
    deny: shell
    command: rm|grm
    flags: --recursive|-r|-R
    args: ['\*', './\*', '.\*', './.\*', '\*/', '.', './', .git, .git/, ./.git, ./.git/]
    severity: critical
    reason: It empties the working tree or its history.
    instead: Name what shall go.
    hits:
      - rm -rf *
      - rm -rf .*
      - rm -rf ./*
      - rm -rf .git
    misses:
      - rm -rf build/*
      - rm *

  rm-system:
    deny: shell
    command: [rm, unlink, rmdir, shred, truncate, mv]
    paths: [/etc, /usr, /bin, /sbin, /lib, /lib64, /boot, /root, /opt, /dev, /sys, /proc, /var/lib, /var/log, /var/spool, /srv]
    unless:
      - paths: [/dev/null, /dev/shm/*, /dev/fd/*, /dev/stdout, /dev/stderr]
    severity: critical
    opaque: allow
    reason: It removes or moves files of the system.
    instead: Leave the system's files to the operator.
    hits:
      - rm /etc/shadow
      - rm -f "/etc/security/group.conf"
      - unlink /usr/bin/python3
      - mv /etc/passwd /tmp/
    misses:
      - rm build/etc/x
      - mv a b

  shred:
    deny: shell
    command: [shred, srm, wipe, scrub]
    severity: high
    reason: It overwrites files so that nothing brings them back.
    instead: Remove a file of the working tree with rm.
    hits:
      - shred -u notes.txt
    misses:
      - man shred

  find-delete:
    deny: shell
    command: find|gfind
    paths: /
    any:
      - flags: -delete
      - flags: -exec|-execdir|-ok|-okdir
        args: [rm, rmdir, unlink, shred, '*/rm']
    unless:
      - paths: [./*, /tmp/*, /var/tmp/*]
      - paths: .
        flags: -name|-iname|-path|-ipath|-regex|-iregex|-empty|-mtime|-mmin|-newer|-size|-wholename
    severity: critical
    reason: It removes all that it finds outside the working tree, or all of the tree.
    instead: Begin below the working tree, and say by name what shall go.
    hits:
      - find / -delete
      - find ~ -type f -exec rm {} +
      - find . -delete
      - find . -type f -delete
      - find . -exec rm -rf {} +
      - find $DIR -name '*.log' -delete
    misses:
      - find . -name '*.pyc' -delete
      - find build -type f -delete
      - find / -name x

  rm-found:
    deny: shell
    command: [rm, unlink, shred]
    via: [xargs, find, fd, parallel]
    paths: /
    unless:
      - paths: [./*, /tmp/*, /var/tmp/*]
    severity: critical
    reason: It removes files outside the working tree, or files that are not known.
    instead: Begin the search below the working tree.
    hits:
      - find / -type f | xargs rm -f
      - cat list.txt | xargs rm -f
    misses:
      - find . -name '*.pyc' | xargs rm -f
      - rm a b

  overwrite-disk:
    deny: shell
    any:
      - command: [mkfs, mkfs.*, mke2fs, wipefs, blkdiscard]
      - command: badblocks
        flags: -w
      - command: cryptsetup luksFormat|erase|luksErase|reencrypt
      - command: mdadm
        flags: --zero-superblock|--create|-C
      - command: hdparm
        flags: --security-erase|--security-erase-enhanced|--trim-sector-ranges|--write-sector|--make-bad-sector|--security-set-pass|--fwdownload
      - command: nvme format|sanitize|write|write-zeroes
      - command: sgdisk
        flags: --zap-all|-Z|--zap|-z|--clear|-o|--delete|-d
      - command: parted
        args: [mklabel, mktable, mkpart, rm, resizepart]
      - command: sfdisk
        flags: --delete
      - command: fdisk|gdisk|sfdisk|cfdisk|parted
        from: [echo, printf, cat, yes]
      - command: cfdisk
        flags: --zero|-z
    paths: /dev
    unless:
      - flags: --help
      - flags: --no-act
      - paths: [/dev/null, /dev/shm]
    severity: critical
    opaque: allow
    reason: It overwrites a disk or a volume.
    instead: Leave disks to the operator.
    hits:
      - mkfs.ext4 /dev/sda1
      - mkfs -t ext4 /dev/sda1
      - wipefs -a /dev/sda
      - printf 'o\nw\n' | sudo fdisk /dev/sda
      - parted /dev/sda mklabel gpt
      - parted -s /dev/nvme0n1 rm 1
      - hdparm --user-master u --security-erase p /dev/sda
    misses:
      - fdisk -l /dev/sda
      - parted /dev/sda print
      - mkfs.ext4 disk.img

  disk-tools:
    ask: shell
    command: [fdisk, gdisk, cfdisk, sfdisk, sgdisk, parted, mkswap, swapoff, mdadm, hdparm, tune2fs, resize2fs, e2fsck, fsck, lvreduce, losetup, dmsetup]
    unless:
      - flags: --list|-l|-L
      - flags: --print|-p
      - flags: --help|-h
      - flags: --detail|-D|--examine|-E|--query|-Q
      - flags: -I|-i|-t|-T|-g|-C
      - args: print
      - command: [fsck, e2fsck]
        flags: -n|-N
    severity: medium
    opaque: allow
    reason: It works on a disk.
    hits:
      - fdisk /dev/sda
    misses:
      - fdisk -l

  remove-volumes:
    deny: shell
    command:
      - zpool destroy
      - zfs destroy
      - lvremove|vgremove|pvremove
      - btrfs subvolume delete
      - cryptsetup luksFormat|erase|luksErase
    severity: critical
    opaque: allow
    reason: It destroys volumes with all that is on them.
    instead: Leave volumes to the operator.
    hits:
      - zpool destroy tank
      - lvremove -f vg0/data
    misses:
      - zpool status

  write-device:
    deny: [write, edit]
    paths: [/dev/sd*, /dev/hd*, /dev/vd*, /dev/xvd*, /dev/nvme*, /dev/mmcblk*, /dev/disk, /dev/mem, /dev/kmem, /dev/port, /dev/loop*, /dev/dm-*, /dev/mapper, /dev/md*, /dev/sr*, /dev/rdisk*]
    severity: critical
    opaque: allow
    reason: It writes to a device past its file system.
    instead: Write to a file.
    hits:
      - echo x > /dev/sda
      - cat img | sudo tee /dev/nvme0n1
      - cp img /dev/sdb
    misses:
      - dd if=/dev/sda of=backup.img
      - ls /dev/sda

  dd-device:
    deny: shell
    command: dd|dcfldd|ddrescue|pv
    args: ['of=/dev/sd*', 'of=/dev/hd*', 'of=/dev/vd*', 'of=/dev/xvd*', 'of=/dev/nvme*', 'of=/dev/mmcblk*', 'of=/dev/disk*', 'of=/dev/mapper*', 'of=/dev/mem', 'of=/dev/dm-*', 'of=/dev/md*', 'of=/dev/rdisk*', 'of=/dev/loop*', 'of=/etc/*', 'of=/boot/*']
    severity: critical
    opaque: allow
    reason: It overwrites a disk.
    instead: Write to a file.
    hits:
      - dd if=/dev/zero of=/dev/sda
      - sudo dd bs=1M if=img of=/dev/nvme0n1
    misses:
      - dd if=/dev/zero of=disk.img bs=1M count=10
      - dd if=/dev/sda of=backup.img

  write-system:
    deny: [write, edit]
    paths: [/etc, /usr, /bin, /sbin, /lib, /lib64, /boot, /sys, /proc, /var/spool/cron, /var/lib/dpkg]
    unless:
      - paths: [/proc/self/fd, /proc/*/fd, /usr/local/share/man, /proc/self/oom_score_adj]
    severity: high
    opaque: allow
    reason: It changes files of the system.
    instead: Write below the working tree and tell the operator what should go where.
    hits:
      - write: /etc/passwd
      - echo x >> /etc/hosts
      - echo 1 | sudo tee /proc/sys/kernel/sysrq
      - sed -i s/a/b/ /etc/ssh/sshd_config
      - cp evil /usr/local/bin/ls
    misses:
      - cat /etc/hosts
      - write: etc/hosts

  permissions-wide:
    deny: shell
    command: [chmod, chown, chgrp, chattr, setfacl]
    flags: --recursive|-R
    paths: /
    unless:
      - paths: [./*, ., /tmp/*, /var/tmp/*]
    severity: high
    reason: It changes permissions of folders outside the working tree.
    instead: Name files of the working tree.
    hits:
      - chmod -R 777 /
      - sudo chown -R nobody /etc
      - chmod --recursive 000 ~
    misses:
      - chmod -R u+w build
      - chmod +x run.sh

  permissions-open:
    deny: shell
    command: chmod
    args: ['777', '0777', '666', '0666', 'a+rwx', 'ugo+rwx', 'o+w', 'a+w', '+s', 'u+s', 'g+s', '?s+*', '4???', '2???', '6???']
    severity: medium
    opaque: allow
    reason: It lets everybody on this machine write here, or gives a program another user's rights.
    instead: Give the one permission that is missing, for example chmod u+x.
    hits:
      - chmod 777 app
      - chmod -R 777 .
      - chmod u+s /tmp/sh
    misses:
      - chmod 755 app
      - chmod +x run.sh

  permissions-none:
    deny: shell
    command: chmod
    args: ['000', '0', '0000', '00', 'a-rwx', 'ugo-rwx', 'a=', 'ugo=']
    paths: ['~', /]
    unless:
      - paths: [./*, /tmp/*, /var/tmp/*]
    severity: high
    opaque: allow
    reason: Nobody can get into this folder any more.
    instead: Name files of the working tree.
    hits:
      - chmod 000 ~
      - chmod a-rwx /etc
    misses:
      - chmod 000 fixture/unreadable
      - chmod 700 ~

  keys-removed:
    deny: shell
    any:
      - command: gpg|gpg2
        flags: --delete-secret-keys|--delete-secret-key|--delete-secret-and-public-key
      - command: ssh-add
        flags: -D
    severity: high
    opaque: allow
    reason: A key that is gone is gone.
    instead: Ask the operator.
    hits:
      - gpg --delete-secret-keys me
      - gpg --batch --yes --delete-secret-and-public-key ABCD
    misses:
      - gpg --list-secret-keys
      - gpg --verify x.sig

  keys-overwritten:
    deny: [write, edit]
    paths: [~/.ssh/*, id_rsa, id_ecdsa, id_ed25519, ~/.gnupg]
    unless:
      - paths: [.ssh/known_hosts, .ssh/known_hosts.old]
    severity: critical
    opaque: allow
    reason: It replaces a private key, or adds one.
    instead: Ask the operator.
    hits:
      - dd if=/dev/urandom of=~/.ssh/id_rsa
      - cp x ~/.ssh/id_ed25519
      - echo x > ~/.ssh/id_rsa
      - write: /home/dev/.ssh/id_rsa
    misses:
      - cat ~/.ssh/id_rsa.pub
      - ls ~/.ssh

  move-away:
    deny: shell
    command: mv
    any:
      - args: /dev/null
      - paths: [/etc, /usr, /bin, /sbin, /lib, /boot, /var]
    severity: critical
    opaque: allow
    reason: It moves files to where nobody finds them again, or away from where the system needs them.
    instead: Move files within the working tree.
    hits:
      - mv ~ /dev/null
      - mv important.txt /dev/null
      - sudo mv /usr/bin/python /tmp
    misses:
      - mv a.txt b.txt

  home-removed:
    deny: shell
    command: [mv, rm, rsync]
    args: ['~', '~/', /, '/\*', '~/\*', /home, /home/, '/home/\*']
    severity: critical
    opaque: allow
    reason: It takes a whole home folder or the whole system away.
    instead: Name the files that are meant.
    hits:
      - mv ~ /tmp/old
      - rm ~/*
    misses:
      - mv ~/a.txt b.txt

  fork-bomb:
    deny: shell
    text: [':(){*', ': ()*{*:*|*:*', '*(){*|*&*};*', '() { *|* & }']
    severity: critical
    opaque: allow
    reason: It starts processes without end.
    hits:
      - ':(){ :|:& };:'
      - 'bomb() { bomb | bomb & }; bomb'
    misses:
      - 'f() { echo hi; }; f'
      - 'build() { make | tee log; }; build'

  power-off:
    deny: shell
    command:
      - shutdown
      - reboot
      - halt
      - poweroff
      - telinit
      - init 0|6
      - systemctl poweroff|reboot|halt|kexec|emergency|rescue|suspend|hibernate|soft-reboot
    unless:
      - flags: --help
      - flags: --wtmp-only
      - command: shutdown
        flags: -c
    severity: high
    opaque: allow
    reason: It stops this machine.
    instead: Tell the operator that a restart is needed.
    hits:
      - sudo reboot
      - shutdown -h now
      - systemctl poweroff
    misses:
      - systemctl status nginx
      - shutdown -c

  kill-all:
    deny: shell
    any:
      - command: kill
        args: '-1'
      - command: kill
        flags: ['-1', -9|-KILL|-TERM|-15|-HUP|-INT|-QUIT|-s|--signal]
      - command: killall5
      - command: killall|pkill|skill
        args: ['*systemd*', '*sshd*', init, '*dockerd*', bash, zsh, '.', '.\*', '\*']
      - command: killall|pkill
        flags: --user|-u|-U|--uid|--euid
    severity: high
    opaque: allow
    reason: It ends processes that are not this session's own.
    instead: End one process by its number.
    hits:
      - kill -9 -1
      - kill -KILL -- -1
      - killall -u root
      - pkill -9 sshd
    misses:
      - kill 4711
      - kill -9 4711
      - pkill -f "vite dev"
      - kill -SIGUSR1 -4711

  accounts-removed:
    deny: shell
    command: [userdel, deluser, groupdel, delgroup]
    unless:
      - flags: --help
    severity: high
    opaque: allow
    reason: It removes an account of this machine.
    instead: Tell the operator which account is not needed.
    hits:
      - sudo userdel -r bob
    misses:
      - id bob

  accounts:
    ask: shell
    command: [usermod, passwd, chpasswd, useradd, adduser, groupadd, groupmod, visudo, vipw, vigr, gpasswd, chage, chsh]
    unless:
      - flags: --help
      - command: passwd
        flags: --status|-S
      - command: chage
        flags: --list|-l
    severity: high
    opaque: allow
    reason: It changes who may log in on this machine.
    hits:
      - echo root:x | chpasswd
      - sudo usermod -aG sudo eve
    misses:
      - passwd -S bob

  firewall-off:
    deny: shell
    any:
      - command: iptables|ip6tables
        flags: --flush|-F|--delete-chain|-X
      - command: iptables|ip6tables
        flags: --policy|-P
        args: [ACCEPT, accept]
      - command: nft flush
      - command: ufw disable|reset
      - command: setenforce
        args: ['0', Permissive, permissive]
      - command: aa-teardown
      - command: auditctl
        flags: -D
      - command: auditctl
        flags: -e=0
      - command: systemctl stop|disable|mask
        args: ['*firewall*', ufw*, auditd*, apparmor*, iptables*, nftables*, fail2ban*, '*holdfast*', sshd*, ssh.service]
    unless:
      - flags: --help
    severity: critical
    opaque: allow
    reason: It takes protection of this machine away.
    instead: Tell the operator what should be opened.
    hits:
      - iptables -F
      - iptables -P INPUT ACCEPT
      - sudo ufw disable
      - systemctl stop auditd
      - setenforce 0
    misses:
      - iptables -L

  services:
    ask: shell
    any:
      - command: systemctl stop|disable|mask|isolate|kill|set-default
      - command: service * stop
      - command: iptables|ip6tables
        flags: --append|-A|--delete|-D|--insert|-I|--policy|-P|--replace|-R
      - command: nft delete|add|insert
      - command: ufw delete|allow|deny
      - command: firewall-cmd
        flags: --add-service|--remove-service|--add-port|--remove-port|--panic-on|--reload|--change-interface|--add-rich-rule|--set-default-zone
      - command: aa-disable|aa-complain
      - command: apparmor_parser
        flags: --remove|-R|--complain|-C
    unless:
      - flags: --user
      - flags: --help
    severity: medium
    opaque: allow
    reason: It stops a service of the system, or changes what is let through.
    hits:
      - sudo systemctl stop nginx
    misses:
      - systemctl --user stop myapp
      - systemctl status nginx

  jobs-removed:
    deny: shell
    any:
      - command: crontab
        flags: -r
      - command: crontab
        args: /dev/null
      - command: history
        flags: -c
    severity: medium
    opaque: allow
    reason: It removes all scheduled jobs, or the record of what was typed.
    instead: Change the one line that is meant.
    hits:
      - crontab -r
      - crontab /dev/null
      - history -c
    misses:
      - crontab -l

  kernel:
    ask: shell
    any:
      - command: sysctl
        flags: -w|--write|-p|--load|--system
      - command: sysctl
        args: '*=*'
      - command: [insmod, rmmod, modprobe, kexec, grub-install, update-grub, mkinitcpio, dracut]
      - command: efibootmgr
        flags: -B|--delete-bootnum|-c|--create
    unless:
      - flags: --help|-h
      - flags: --list-modules|--listhooks|--hookhelp
      - command: modprobe
        flags: -n|--dry-run|--show-depends|-D
    severity: high
    opaque: allow
    reason: It changes the running kernel or how this machine starts.
    hits:
      - sudo modprobe nbd
      - sysctl -w kernel.panic=1
    misses:
      - sysctl kernel.panic

`;
