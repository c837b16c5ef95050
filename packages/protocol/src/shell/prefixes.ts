// Programs that run the rest of their own words: `sudo rm x` is `rm x` with a wrapper [SHELL-11]. Each says which of its options take values, and
// how many operands of its own stand before the command.

import { list, type OptionTable } from './options.ts';

export interface Prefix extends OptionTable {
  /** Operands before the command. */
  readonly operands?: number;
  /** Options may stand after its operands as well. */
  readonly more?: true;
  /** `NAME=value` may stand before the command. */
  readonly assigns?: true;
  /** With one of these options it runs nothing. */
  readonly idle?: readonly string[];
  /** The rest is joined and read by a shell: always, or with one of these options. */
  readonly joins?: true | readonly string[];
  /** Every operand is a script of its own. */
  readonly scripts?: true;
  /** Options whose value is a script for a shell. */
  readonly script?: readonly string[];
  /** Options whose value is the program that the operands are given to. */
  readonly program?: readonly string[];
  /** Options whose value is the directory that the command runs in. */
  readonly directory?: readonly string[];
  /** The command stands after `--`, wherever that is; without it, as usual. */
  readonly marker?: true;
  /** The command stands after this option: `xterm -e rm x`. */
  readonly after?: readonly string[];
  /** The command runs on another machine, or in another root. */
  readonly elsewhere?: true;
}

const plain: Prefix = {};

/** By the program's name; loaders and emulators have one for each machine. */
export function prefixOf(name: string): Prefix | undefined {
  if (/^ld(?:-[\w-]+)?\.so/.test(name) || /^ld-[\w-]+\.so/.test(name)) return loader;
  if (/^qemu-(?!system|img|io|nbd|ga\b)/.test(name)) return { flags: 'v', values: 'LsgEUrBpdD0' };
  return prefixes.get(name);
}

const loader: Prefix = {
  long: list('--library-path --preload --audit --argv0'),
  longFlags: ['--inhibit-cache'],
  idle: ['--list', '--verify'],
};

const prefixes: ReadonlyMap<string, Prefix> = new Map(
  Object.entries<Prefix>({
    // as somebody else
    sudo: {
      flags: 'ABbEHiKknPSsv',
      values: 'CDghpRrTtUu',
      long: list('--user --group --host --prompt --chdir --chroot --role --type --other-user --close-from --command-timeout'),
      longFlags: list(
        '--askpass --background --bell --preserve-env --set-home --login --non-interactive --stdin --shell --reset-timestamp --preserve-groups --remove-timestamp --validate --no-update',
      ),
      assigns: true,
      idle: list('e --edit l --list V --version --help'),
      joins: list('s i --shell --login'),
      directory: list('D --chdir'),
    },
    doas: { flags: 'Lns', values: 'aCu', assigns: true },
    pkexec: { long: ['--user'], longFlags: list('--disable-internal-agent --keep-cwd') },
    run0: {
      values: 'ugD',
      long: list('--unit --property --user --group --nice --chdir --setenv --background'),
      directory: list('D --chdir'),
    },
    gosu: { operands: 1 },
    'su-exec': { operands: 1 },
    setuidgid: { operands: 1 },
    's6-setuidgid': { operands: 1 },
    chpst: { flags: 'vP012', values: 'uUbenlLm/dofpcrtC' },
    runcon: { flags: 'c', values: 'turl', long: list('--type --user --role --range'), operands: 1 },
    sg: { values: 'c', operands: 1, script: ['c'] },
    setpriv: {
      flags: 'd',
      long: list(
        '--reuid --regid --groups --securebits --pdeathsig --ruid --euid --rgid --egid --inh-caps --ambient-caps --bounding-set --selinux-label --apparmor-profile',
      ),
      longFlags: list('--clear-groups --keep-groups --init-groups --nnp --no-new-privs --reset-env --dump'),
    },
    // with other limits, times, terminals
    nice: { flags: '0', values: 'n', long: ['--adjustment'] },
    ionice: {
      flags: 't',
      values: 'cnpPu',
      long: list('--class --classdata --pid --pgid --uid'),
      longFlags: ['--ignore'],
      idle: list('p P u'),
    },
    chrt: { flags: 'abdefimorRv', values: 'TPD', operands: 1, idle: list('p --pid m --max') },
    taskset: { flags: 'ac', longFlags: list('--cpu-list --all-tasks'), operands: 1, idle: list('p --pid') },
    numactl: { flags: 'alHs', values: 'iCNmpP', longFlags: list('--localalloc --all --balancing') },
    uclampset: { flags: 'asR', values: 'mMp', long: list('--util-clamp-min --util-clamp-max --pid') },
    logsave: { flags: 'asv', operands: 1 },
    choom: { values: 'np', long: list('--adjust --pid') },
    prlimit: { values: 'p', long: ['--pid'], longFlags: list('--verbose --noheadings --raw') },
    cpulimit: { flags: 'zibfm', values: 'pel', long: list('--pid --exe --path --limit') },
    cgexec: { values: 'g', longFlags: ['--sticky'] },
    timeout: {
      flags: 'fpv',
      values: 'ks',
      long: list('--kill-after --signal'),
      longFlags: list('--foreground --preserve-status --verbose'),
      operands: 1,
    },
    gtimeout: { flags: 'fpv', values: 'ks', long: list('--kill-after --signal'), operands: 1 },
    timelimit: { flags: 'pq', values: 'tTsS' },
    time: {
      flags: 'apqv',
      values: 'fo',
      long: list('--format --output'),
      longFlags: list('--append --portability --quiet --verbose'),
    },
    nohup: plain,
    setsid: { flags: 'cfw', longFlags: list('--ctty --fork --wait') },
    daemonize: { flags: 'av', values: 'ceElopu' },
    'start-stop-daemon': {
      flags: 'SKTHbmtvqoCN',
      values: 'xapnusgcdrkIPR',
      long: list(
        '--exec --startas --pidfile --name --user --signal --group --chuid --chdir --chroot --umask --nicelevel --retry --procsched --iosched --output',
      ),
      longFlags: list(
        '--start --stop --status --background --make-pidfile --test --oknodo --quiet --verbose --no-close --notify-await',
      ),
      script: list('x a --exec --startas'),
      program: list('x a --exec --startas'),
      directory: list('d --chdir'),
    },
    'systemd-run': {
      flags: 'dGPqrStV',
      values: 'EHMnpu',
      long: list(
        '--unit --property --description --slice --uid --gid --nice --working-directory --setenv --machine --on-active --on-calendar --on-boot',
      ),
      longFlags: list(
        '--user --system --scope --pty --pipe --wait --quiet --collect --no-block --same-dir --shell --remain-after-exit --send-sighup --no-ask-password',
      ),
      directory: ['--working-directory'],
    },
    'systemd-inhibit': { long: list('--what --who --why --mode') },
    caffeinate: { flags: 'disum', values: 'tw' },
    stdbuf: { values: 'ioe', long: list('--input --output --error') },
    unbuffer: { flags: 'p' },
    rlwrap: { flags: 'aAcdDeEhiIMNnpqrRsSUvw', values: 'bCfgHlmoOPtTz' },
    chronic: { flags: 'ev' },
    ifne: { flags: 'n' },
    retry: { values: 'dtm', long: list('--delay --times --until') },
    eatmydata: plain,
    nocache: { values: 'n' },
    setarch: { flags: 'BFILRSTXZv3', operands: 1, more: true },
    linux64: { flags: 'BFILRSTXZv3' },
    linux32: { flags: 'BFILRSTXZv3' },
    // in another root or namespace
    chroot: { longFlags: ['--skip-chdir'], long: [], operands: 1, elsewhere: true },
    'arch-chroot': { flags: 'Nr', values: 'u', operands: 1, elsewhere: true },
    schroot: {
      flags: 'prebq',
      values: 'csudD',
      long: list('--chroot --user --directory --session-name --option'),
      marker: true,
      elsewhere: true,
    },
    proot: { values: 'rbqwkvRS0', long: list('--rootfs --bind --qemu --cwd'), elsewhere: true },
    bwrap: {
      long: list(
        '--chdir --setenv --unsetenv --hostname --uid --gid --proc --dev --tmpfs --dir --seccomp --cap-add --cap-drop --argv0 --remount-ro --mqueue --lock-file --sync-fd --info-fd --exec-label',
      ),
      pairs: list(
        '--bind --ro-bind --dev-bind --bind-try --ro-bind-try --dev-bind-try --symlink --setenv --file --bind-data --ro-bind-data --chmod',
      ),
      longFlags: list(
        '--unshare-all --unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup --share-net --die-with-parent --new-session --clearenv --as-pid-1',
      ),
      directory: ['--chdir'],
    },
    firejail: { flags: 'c' },
    unshare: {
      flags: 'imnpuUCTrfcV',
      values: 'SGRw',
      long: list(
        '--setuid --setgid --root --wd --propagation --setgroups --map-users --map-groups --map-user --map-group --boottime --monotonic',
      ),
      longFlags: list(
        '--ipc --mount --net --pid --uts --user --cgroup --time --fork --map-root-user --map-current-user --map-auto --kill-child --mount-proc --keep-caps',
      ),
      directory: list('w --wd'),
    },
    nsenter: {
      flags: 'amuinpUCTrwFZe',
      values: 'tSG',
      long: list('--target --setuid --setgid'),
      longFlags: list(
        '--all --mount --uts --ipc --net --pid --user --cgroup --time --root --wd --no-fork --preserve-credentials --follow-context --env',
      ),
      elsewhere: true,
    },
    'systemd-nspawn': {
      flags: 'abqnUx',
      values: 'DMui',
      long: list('--directory --machine --user --image --bind --bind-ro --setenv'),
      elsewhere: true,
    },
    // watched by another program
    strace: {
      flags: 'cCdDfFhikqrtTvVwxyYzZ',
      values: 'abeEIoOpPsSuUX',
      long: list('--trace --output --attach --user --env'),
      longFlags: list('--follow-forks --summary-only --summary --quiet'),
    },
    ltrace: { flags: 'bcCfhiLrStTV', values: 'aADeFlnopsuwxX' },
    valgrind: { flags: 'qv' },
    catchsegv: plain,
    'dbus-run-session': { long: list('--config-file --dbus-daemon') },
    'dbus-launch': { longFlags: list('--sh-syntax --csh-syntax --exit-with-session --exit-with-x11 --auto-syntax') },
    'ssh-agent': { flags: 'cDdks', values: 'aEtOP' },
    'xvfb-run': { flags: 'al', values: 'efnpsw' },
    fakeroot: { flags: 'u', values: 'lfisb', long: list('--lib --faked'), longFlags: ['--unknown-is-real'] },
    fakechroot: { flags: 's', values: 'lceb' },
    faketime: { flags: 'fm', operands: 1 },
    torsocks: { flags: 'iq', values: 'aPpu' },
    torify: plain,
    tsocks: plain,
    proxychains: { flags: 'q', values: 'f' },
    proxychains4: { flags: 'q', values: 'f' },
    tini: { flags: 'gsvw', values: 'pe' },
    'dumb-init': { flags: 'cv', values: 'r' },
    sshpass: { flags: 'ev', values: 'dfpP' },
    // when something happens
    entr: { flags: 'acdnprxz', values: '', joins: ['s'] },
    watchexec: {
      flags: 'cnprW1',
      values: 'dewisSfo',
      long: list(
        '--exts --watch --ignore --signal --filter --shell --debounce --delay-run --on-busy-update --stop-signal --workdir',
      ),
      longFlags: list('--clear --restart --no-vcs-ignore --postpone --verbose --notify'),
      joins: true,
      marker: true,
    },
    nodemon: {
      flags: 'qVL',
      values: 'ewixd',
      long: list('--exec --ext --watch --ignore --delay --signal --config'),
      script: list('x --exec'),
    },
    hyperfine: {
      flags: 'iN',
      values: 'wrmMspncuSP',
      long: list(
        '--warmup --runs --min-runs --max-runs --setup --prepare --conclude --cleanup --parameter-scan --parameter-list --shell --style --export-json --export-csv --export-markdown --command-name --time-unit --output --input',
      ),
      longFlags: list('--ignore-failure --show-output'),
      scripts: true,
      script: list('s p c --setup --prepare --conclude --cleanup'),
    },
    concurrently: {
      flags: 'kr',
      values: 'nscpm',
      long: list(
        '--names --success --prefix --prefix-colors --max-processes --kill-others-on-fail --restart-tries --name-separator',
      ),
      longFlags: list('--raw --kill-others --group --timings --no-color'),
      scripts: true,
    },
    'cross-env': { assigns: true },
    'cross-env-shell': { assigns: true, joins: true },
    dotenv: { flags: 'o', values: 'efvc', marker: true },
    'env-cmd': { values: 'fr', long: list('--file --rc-file --environments'), longFlags: ['--no-override'] },
    // the shell's own
    command: { flags: 'p', idle: list('v V') },
    builtin: plain,
    exec: { flags: 'cl', values: 'a' },
    noglob: plain,
    nocorrect: plain,
    '-': plain,
    // terminals
    xterm: { flags: '', values: '', after: list('-e') },
    urxvt: { after: ['-e'] },
    konsole: { after: ['-e'] },
    alacritty: { after: list('-e --command') },
    kitty: { flags: '', longFlags: list('--hold --detach') },
    'gnome-terminal': { marker: true, after: list('-x') },
    'xfce4-terminal': { after: ['-x'], script: ['e'], values: 'eT' },
  }),
);
