// Commands that destroy files that can't be had back, or who may touch them.

export const files = String.raw`
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
`;
