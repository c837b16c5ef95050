// Commands that take a machine down: its processes, accounts, firewall, services, jobs, kernel.

export const machine = String.raw`
rules:
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
