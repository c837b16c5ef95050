// Controls of a sealed session: THREAT_MODEL.md, S. With one of them off the attack of the test succeeds, on this machine: tests
// whose attack would do harm then (signals to everybody, system files removed) are not named here.

import type { Area } from './mutation.ts';

const death = 'apps/daemon/test/sandbox/death.test.ts';
const escape = 'apps/daemon/test/sandbox/escape.test.ts';
const filter = 'apps/daemon/test/sandbox/seccomp.test.ts';
const sockets = 'apps/daemon/test/sandbox/host-sockets.test.ts';
const start = 'apps/daemon/test/sandbox/start.test.ts';
const terminal = 'apps/daemon/test/sandbox/terminal.test.ts';
const triggers = 'apps/daemon/test/sandbox/triggers.test.ts';
const inside = 'e2e/inside.test.ts';
const packages = 'e2e/clients/packages.test.ts';
const clients = 'apps/daemon/test/broker/clients.test.ts';
const programs = 'e2e/clients/programs.test.ts';
const claude = 'e2e/claude/claude-code.story.ts';

export const session: Area = {
  mutations: [
    // The secret is nowhere that the agent can read.
    {
      id: 'S-1.environment',
      off: "the daemon's whole environment is passed on",
      file: 'apps/daemon/src/sandbox/environment.ts',
      from: 'if (localeVariable.test(name) && value !== undefined)',
      to: 'if (value !== undefined)',
      red: { [start]: 'the environment is built, not passed on' },
    },
    {
      id: 'S-1.hidden-folders',
      off: "Holdfast's data is mounted",
      file: 'apps/daemon/src/sandbox/mounts.ts',
      from: `list.push('--bind', scopeHome, home);`,
      to: `list.push('--bind', scopeHome, home, ...['--ro-bind', '', ''].map((word) => word || scopeHome.replace(/(\\/[^/]+){2}$/, '')));`,
      red: {
        [escape]: 'no file of the operator or of Holdfast is there to be read',
        [inside]: 'our data, keys, passphrase and sockets are not there',
      },
    },
    {
      id: 'S-1.data-in-own-folder',
      off: "data inside Holdfast's own folder is not masked",
      file: 'apps/daemon/src/sandbox/mounts.ts',
      from: `list.push(...mask(query.hidden, query.readOnly), ...query.etc);`,
      to: `list.push(...query.etc);`,
      red: { [escape]: 'withheld data inside Holdfast’s own folder is masked' },
    },
    {
      id: 'S-1.own-processes',
      off: 'the processes of the host are to be seen',
      file: 'apps/daemon/src/sandbox/mounts.ts',
      from: `'--proc', '/proc',`,
      to: `'--ro-bind', '/proc', '/proc',`,
      red: { [escape]: 'other processes are not to be seen' },
    },
    {
      id: 'S-1.arguments',
      off: "bwrap's arguments stand in its command line, which process 1 shows",
      file: 'apps/daemon/src/sandbox/launch.ts',
      from: `const bwrap = [programs.bwrap, '--args', String(wordsDescriptor), '--', ...plan.starterCommand];`,
      to: `const bwrap = [programs.bwrap, '--args', String(wordsDescriptor), '--setenv', 'X', request.scopeHome, '--', ...plan.starterCommand];`,
      red: { [escape]: 'other processes are not to be seen' },
    },
    {
      id: 'S-1.descriptors',
      off: 'descriptors of the start stay open in the payload',
      file: 'apps/daemon/src/sandbox/starter.ts',
      from: 'if (!closesOnExec) closeSync(descriptor);',
      to: 'if (!closesOnExec) continue;',
      red: { [start]: 'the payload has descriptors 0 to 2' },
    },

    // The only way out is the broker.
    {
      id: 'S-2.own-network',
      off: 'the session shares the network of the host',
      file: 'apps/daemon/src/sandbox/plan.ts',
      from: `'--unshare-net',`,
      to: '',
      red: {
        [escape]: 'the only thing to connect to is the door',
        [inside]: "the daemon's socket, the relay, the service itself and the internet cannot be connected to",
      },
    },
    {
      id: 'S-2.host-sockets',
      off: "the host's /run, with the sockets of its services, is mounted",
      file: 'apps/daemon/src/sandbox/mounts.ts',
      from: `'--tmpfs',
    '/run',`,
      to: `'--tmpfs',
    '/run',
    '--ro-bind',
    '/run',
    '/run/host',`,
      red: { [escape]: 'the sockets of the system and its services are not there' },
    },
    {
      id: 'S-2.socket-families',
      off: 'sockets of every family can be made',
      file: 'apps/daemon/src/sandbox/seccomp.ts',
      from: 'checkArgument(0, socketFamilies, allow, errno(EAFNOSUPPORT))',
      to: 'checkArgument(0, socketFamilies, allow, Math.max(allow, errno(EAFNOSUPPORT)))',
      red: { [filter]: 'refused inside: a vsock socket' },
    },

    // It can't be undone from inside.
    {
      id: 'S-3.user-namespaces',
      off: 'code inside can make user namespaces',
      file: 'apps/daemon/src/sandbox/plan.ts',
      from: `'--disable-userns',`,
      to: '',
      red: { [escape]: 'user namespaces are at an end inside' },
    },
    {
      id: 'S-3.capabilities',
      off: 'root keeps its capabilities inside',
      file: 'apps/daemon/src/sandbox/plan.ts',
      from: `'--cap-drop',
  'ALL',`,
      to: `'--cap-add',
  'ALL',`,
      red: { [escape]: 'other processes are not to be seen, and process 1 tells nothing' },
    },
    {
      id: 'S-3.kernel-settings',
      off: '/proc/sys can be written',
      file: 'apps/daemon/src/sandbox/mounts.ts',
      from: `'--ro-bind', '/proc/sys', '/proc/sys', ...covered, '--remount-ro', '/proc'];`,
      to: `'--bind', '/proc/sys', '/proc/sys', ...covered, '--remount-ro', '/proc'];`,
      red: { [escape]: 'no setting of the kernel can be written' },
      says: '/proc/sys is not read-only inside',
    },
    {
      id: 'S-3.proc',
      off: '/proc can be written',
      file: 'apps/daemon/src/sandbox/mounts.ts',
      from: `...covered, '--remount-ro', '/proc'];`,
      to: `...covered];`,
      red: { [escape]: '/proc itself is read-only' },
      says: '/proc is not read-only inside',
    },
    {
      id: 'S-3.checked-by-the-starter',
      off: 'the starter becomes the payload without a look at the mounts',
      file: 'apps/daemon/src/sandbox/starter.ts',
      from: 'const fault = unprotected(goAhead.readOnly);',
      to: 'const fault = unprotected([]);',
      red: { [start]: 'a sandbox that is not what was ordered does not become the payload' },
    },

    // Keyring, io_uring, bpf, perf, userfaultfd, TIOCSTI.
    {
      id: 'S-4.filter',
      off: 'no system call is filtered',
      file: 'apps/daemon/src/sandbox/plan.ts',
      from: `'--seccomp',
      seccompFilter(),`,
      to: `...(seccompFilter().length === 0 ? ['--seccomp'] : []),`,
      red: { [filter]: 'refused inside: keyctl: the session keyring', [terminal]: 'a payload cannot type into its terminal' },
    },
    {
      id: 'S-4.keyring',
      off: 'keyctl is not refused',
      file: 'apps/daemon/src/sandbox/seccomp.ts',
      from: 'keyctl: 250,',
      to: '',
      red: { [filter]: 'refused inside: keyctl: the session keyring' },
    },
    {
      id: 'S-4.add-key',
      off: 'add_key is not refused',
      file: 'apps/daemon/src/sandbox/seccomp.ts',
      from: 'add_key: 248,',
      to: '',
      red: { [filter]: 'refused inside: add_key' },
    },
    {
      id: 'S-4.io-uring',
      off: 'io_uring_setup is not refused',
      file: 'apps/daemon/src/sandbox/seccomp.ts',
      from: `const answer = name.startsWith('io_uring') ? ENOSYS : EPERM;`,
      to: `if (name.startsWith('io_uring')) continue;
    const answer = EPERM;`,
      red: { [filter]: 'refused inside: io_uring_setup' },
    },
    {
      id: 'S-4.bpf',
      off: 'bpf is not refused',
      file: 'apps/daemon/src/sandbox/seccomp.ts',
      from: 'bpf: 321,',
      to: '',
      red: { [filter]: 'refused inside: bpf' },
    },
    {
      id: 'S-4.perf',
      off: 'perf_event_open is not refused',
      file: 'apps/daemon/src/sandbox/seccomp.ts',
      from: 'perf_event_open: 298,',
      to: '',
      red: { [filter]: 'refused inside: perf_event_open' },
    },
    {
      id: 'S-4.userfaultfd',
      off: 'userfaultfd is not refused',
      file: 'apps/daemon/src/sandbox/seccomp.ts',
      from: 'userfaultfd: 323,',
      to: '',
      red: { [filter]: 'refused inside: userfaultfd' },
    },
    {
      id: 'S-4.tiocsti',
      off: 'TIOCSTI is not refused',
      file: 'apps/daemon/src/sandbox/seccomp.ts',
      from: '[0x5412, 0x541c, 0x5423]',
      to: '[0x541c, 0x5423]',
      red: { [filter]: 'refused inside: TIOCSTI on what is no terminal', [terminal]: 'a payload cannot type into its terminal' },
    },
    {
      id: 'S-4.second-table',
      off: 'the x32 numbers of the same calls are let through',
      file: 'apps/daemon/src/sandbox/seccomp.ts',
      from: 'foreignFrom: 0x40000000,',
      to: 'foreignFrom: undefined,',
      red: { [filter]: 'the x32 numbers of the same calls are no second door' },
    },
    {
      id: 'S-4.high-halves',
      off: "ioctl's command is read from the other half of its argument",
      file: 'apps/daemon/src/sandbox/seccomp.ts',
      from: 'checkArgument(1, terminalCommands',
      to: 'checkArgument(1.5, terminalCommands',
      red: { [filter]: 'the same with bits above the command' },
    },
    {
      id: 'S-4.foreign-calls',
      off: 'a 32-bit call is let through',
      file: 'apps/daemon/src/sandbox/seccomp.ts',
      from: 'step(give, kill),',
      to: 'step(give, Math.min(kill, allow)),',
      red: { [filter]: 'the filter of x64 gives a verdict on every call' },
    },
    {
      id: 'S-4.names-of-keys',
      off: '/proc/keys and what else tells of the machine is shown',
      file: 'apps/daemon/src/sandbox/mounts.ts',
      from: `...machineFiles.filter(there).flatMap((name) => ['--ro-bind', '/dev/null', \`/proc/\${name}\`]),`,
      to: `...machineFiles.filter(there).flatMap(() => []),`,
      red: { [escape]: '/proc tells nothing of the machine' },
    },

    // Triggers of the working tree.
    {
      id: 'S-5.existing',
      off: 'triggers that exist can be written',
      file: 'apps/daemon/src/sandbox/mounts.ts',
      from: `return ['--ro-bind-fd', open(root, path), path];`,
      to: `return ['--bind-fd', open(root, path), path];`,
      red: { [triggers]: 'what exists of the triggers is read-only, whichever way it is attacked' },
      says: 'is not read-only inside',
    },
    {
      id: 'S-5.absent-folders',
      off: 'folders of triggers that are absent are not covered',
      file: 'apps/daemon/src/sandbox/triggers.ts',
      from: `for (const name of folders) plan.protect(join(tree, name), 'folder');`,
      to: `for (const name of folders) plan.protect(join(tree, name), undefined);`,
      red: { [triggers]: 'absent triggers cannot be made' },
    },
    {
      id: 'S-5.absent-files',
      off: 'files that would be triggers are not covered while they are absent',
      file: 'apps/daemon/src/sandbox/triggers.ts',
      from: `for (const name of files) plan.protect(join(tree, name), 'null-file');`,
      to: `for (const name of files) plan.protect(join(tree, name), undefined);`,
      red: { [triggers]: 'absent triggers cannot be made' },
    },
    {
      id: 'S-5.hooks',
      off: "git's hooks can be written",
      file: 'apps/daemon/src/sandbox/triggers.ts',
      from: `plan.protect(join(repository, 'hooks'), 'folder');`,
      to: '',
      red: {
        [triggers]: 'what exists of the triggers is read-only',
        [inside]: 'the working tree can be written, what runs from it elsewhere cannot',
      },
    },
    {
      id: 'S-5.git-config',
      off: "git's config can be written",
      file: 'apps/daemon/src/sandbox/triggers.ts',
      from: `plan.protect(join(repository, 'config'), 'file');`,
      to: '',
      red: { [triggers]: 'what exists of the triggers is read-only' },
    },
    {
      id: 'S-5.another-common-folder',
      off: 'a made-up commondir points git at another config',
      file: 'apps/daemon/src/sandbox/triggers.ts',
      from: `plan.protect(join(repository, 'commondir'), 'commondir');`,
      to: '',
      red: { [triggers]: 'absent triggers cannot be made' },
    },
    {
      id: 'S-5.bare-repository',
      off: 'the tree itself can be made into a repository',
      file: 'apps/daemon/src/sandbox/triggers.ts',
      from: `else plan.protect(missing, 'null-file');`,
      to: '',
      red: { [triggers]: 'in a folder without a repository none can be made' },
    },
    {
      id: 'S-5.configured-programs',
      off: 'what git is configured to run from the tree can be written',
      file: 'apps/daemon/src/sandbox/triggers.ts',
      from: "if (path.startsWith(`${tree}/`)) plan.protect(path, isFolder ? 'folder' : 'null-file');",
      to: "if (path === tree) plan.protect(path, isFolder ? 'folder' : 'null-file');",
      red: { [triggers]: 'what git is configured to run from the tree is read-only too' },
    },
    {
      id: 'S-5.pin',
      off: 'the folder around a read-only file can be moved away',
      file: 'apps/daemon/src/sandbox/mounts.ts',
      from: `if (protection.kind === 'pin') return ['--bind-fd', open(root, path), path];`,
      to: `if (protection.kind === 'pin') return [];`,
      red: { [triggers]: 'a folder that holds read-only places cannot be moved away' },
      says: 'was replaced while the session was open',
    },
    {
      id: 'S-5.links',
      off: 'a trigger may be a symbolic link',
      file: 'apps/daemon/src/sandbox/triggers.ts',
      from: 'if (found.isSymbolicLink()) {',
      to: 'if (found.isSocket()) {',
      red: { [triggers]: 'a trigger that is a symbolic link cannot be held in place' },
    },
    {
      id: 'S-5.links-during-the-start',
      off: 'a place that became a link is followed out of the tree',
      file: 'apps/daemon/src/sandbox/mounts.ts',
      from: 'const flags = pathOnly | constants.O_NOFOLLOW;',
      to: 'const flags = pathOnly;',
      red: { [triggers]: 'a place that became a link before it was opened is not mounted' },
    },
    {
      id: 'S-5.worktrees',
      off: 'a `.git` file is believed without the other end',
      file: 'apps/daemon/src/sandbox/triggers.ts',
      from: "|| readLine(join(own, 'gitdir')) !== join(tree, '.git')) return undefined;",
      to: ') return undefined;',
      red: { [triggers]: 'a `.git` file that another repository does not confirm brings nothing along' },
    },
    {
      id: 'S-5.replaced-from-outside',
      off: 'a session whose read-only place was replaced ends without a word of it',
      file: 'apps/daemon/src/sandbox/launch.ts',
      from: 'replaced = path;',
      to: '',
      red: { [triggers]: 'a session ends when a read-only place of its tree is replaced from outside' },
    },

    {
      id: 'S-6.made-up-worktrees',
      off: 'any number of worktrees is taken',
      file: 'apps/daemon/src/sandbox/triggers.ts',
      from: 'if (entries.length > maxWorktrees) {',
      to: 'if (entries.length > maxWorktrees * 1_000) {',
      red: { [triggers]: 'a session that makes up thousands of worktrees: the next start says what to look into' },
    },

    {
      id: 'S-7.end-of-the-daemon',
      off: 'nobody ends what the daemon leaves behind',
      file: 'apps/daemon/src/sandbox/keeper.ts',
      from: `  sweep "$number" $$\n`,
      to: '',
      red: {
        [death]: 'kill -9 of the daemon ends its sessions, with a terminal',
        'apps/daemon/test/sandbox/killed-start.test.ts': 'nor at an exact call of the chain, with pipes',
      },
    },
    {
      id: 'S-7.bwrap-that-fails',
      off: 'what a bwrap leaves that fails by itself stays',
      file: 'apps/daemon/src/sandbox/keeper.ts',
      from: '[ $code = 0 ] || sweep $$ $PPID\n',
      to: '',
      red: { 'apps/daemon/test/sandbox/keeper.test.ts': 'what a bwrap leaves that fails by itself' },
    },
    {
      id: 'S-7.end-of-bwrap',
      off: 'what is inside outlives bwrap',
      file: 'apps/daemon/src/sandbox/plan.ts',
      from: `'--die-with-parent',`,
      to: '',
      red: { [death]: 'the end of the command ends what it left running, with pipes' },
    },

    {
      id: 'S-8.what-a-registry-repeats',
      off: 'replies are not scrubbed, so npm keeps what a registry repeats',
      file: 'apps/daemon/src/broker/reply.ts',
      from: 'stages.push(scrubStream(prints));',
      to: 'scrubStream(prints);',
      red: { [packages]: '' },
    },

    {
      id: 'S-9.direct-connections',
      off: 'the session shares the network of the host',
      file: 'apps/daemon/src/sandbox/plan.ts',
      from: `'--unshare-net',`,
      to: '',
      red: { [programs]: 'one that ignores the proxy reaches nothing, by name or by address' },
    },

    {
      id: 'S-10.what-others-repeat',
      off: 'replies are not scrubbed, so the model is sent what a service repeats',
      file: 'apps/daemon/src/broker/reply.ts',
      from: 'stages.push(scrubStream(prints));',
      to: 'scrubStream(prints);',
      red: { [claude]: '' },
    },

    {
      id: 'S-11.connections',
      off: 'a session may have any number of connections',
      file: 'apps/daemon/src/broker/clients.ts',
      from: 'return this.#sockets.size + this.#streams.size >= this.#ports.limits.maxClientConnections;',
      to: 'return this.#sockets.size >= Infinity;',
      red: { [clients]: 'a tunnel without a handshake ends, and so does what comes beyond the crowd' },
    },
    {
      id: 'S-11.bodies',
      off: 'bodies at the door of a session hold as much memory as they like',
      file: 'apps/daemon/src/session/agent-door.ts',
      from: 'if (bytes > left || response.closed) {',
      to: 'if (bytes > Infinity) {',
      red: { 'apps/daemon/test/session/agent-door.test.ts': 'what requests of one session hold at once is bounded' },
    },
    {
      id: 'S-12.mask',
      off: 'what stands in place of a masked file can be read',
      file: 'apps/daemon/src/sandbox/mounts.ts',
      from: `: ['--perms', '0000', '--ro-bind-data', new Uint8Array(), path];`,
      to: `: ['--ro-bind', path, path];`,
      red: { 'apps/daemon/test/sandbox/triggers.test.ts': 'what is masked cannot be read by any means' },
    },

    // Programs outside that listen in the tree.
    {
      id: 'S-13.covers',
      off: 'sockets of programs outside are not covered',
      file: 'apps/daemon/src/sandbox/mounts.ts',
      from: `for (const path of query.sockets) list.push('--ro-bind', '/dev/null', path);`,
      to: '',
      red: { [sockets]: 'sockets of programs outside cannot be connected to' },
    },
  ],
  exceptions: {},
};
