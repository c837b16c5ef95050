// What code inside a sealed session can find, reach and change, through the product as a person starts it. The attacks are functions that
// also run outside, where the host lets them: an attack that finds nothing there either would prove nothing here.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { inside } from '../packages/testkit/src/inside.ts';
import { Installation, root } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

type Outcomes = Record<string, string>;

/** What came of reading each file: its text's beginning, or the code of the error. */
function readEach(files: readonly string[]): Outcomes {
  const fs = process.getBuiltinModule('node:fs');
  const outcomes: Outcomes = {};
  for (const file of files) {
    try {
      outcomes[file] = `read ${fs.readFileSync(file).length}`;
    } catch (error) {
      outcomes[file] = (error as NodeJS.ErrnoException).code ?? 'failed';
    }
  }
  return outcomes;
}

/** What came of writing each file, made with its folders where it is absent. */
function writeEach(files: readonly string[]): Outcomes {
  const fs = process.getBuiltinModule('node:fs');
  const { dirname } = process.getBuiltinModule('node:path');
  const outcomes: Outcomes = {};
  for (const file of files) {
    try {
      fs.mkdirSync(dirname(file), { recursive: true });
      fs.closeSync(fs.openSync(file, 'a'));
      outcomes[file] = 'written';
    } catch (error) {
      outcomes[file] = (error as NodeJS.ErrnoException).code ?? 'failed';
    }
  }
  return outcomes;
}

/** Files below `folder` that open for writing. Nothing is written. */
function writableBelow(folder: string): string[] {
  const fs = process.getBuiltinModule('node:fs');
  const found: string[] = [];
  const look = (place: string): void => {
    for (const entry of fs.readdirSync(place, { withFileTypes: true })) {
      const name = `${place}/${entry.name}`;
      try {
        if (entry.isDirectory()) look(name);
        else if (entry.isFile()) {
          fs.closeSync(fs.openSync(name, fs.constants.O_WRONLY));
          found.push(name);
        }
      } catch {
        // refused, as it should be
      }
    }
  };
  look(folder);
  return found;
}

/** What came of connecting to each: a path of a socket, or `host:port`. */
async function connectEach(targets: readonly string[]): Promise<Outcomes> {
  const net = process.getBuiltinModule('node:net');
  const outcomes: Outcomes = {};
  for (const target of targets) {
    outcomes[target] = await new Promise<string>((resolve) => {
      const colon = target.lastIndexOf(':');
      const socket = target.startsWith('/')
        ? net.connect(target)
        : net.connect({ host: target.slice(0, colon), port: Number(target.slice(colon + 1)) });
      socket.setTimeout(30_000, () => socket.destroy(Object.assign(new Error('silence'), { code: 'ETIMEDOUT' })));
      socket.once('connect', () => {
        socket.destroy();
        resolve('connected');
      });
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'failed'));
    });
  }
  return outcomes;
}

interface Process {
  readonly pid: number;
  readonly command: string;
}

/** Every process that /proc shows, and everything that their environments and command lines say. */
function processes(): { readonly list: Process[]; readonly said: string } {
  const fs = process.getBuiltinModule('node:fs');
  const list: Process[] = [];
  let said = '';
  for (const name of fs.readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    for (const part of ['cmdline', 'environ', 'status', 'mountinfo']) {
      try {
        const text = fs.readFileSync(`/proc/${name}/${part}`, 'latin1');
        said += text;
        if (part === 'cmdline') list.push({ pid: Number(name), command: text.replaceAll('\0', ' ') });
      } catch {
        // not ours to read
      }
    }
  }
  return { list, said };
}

/** The network as code inside sees it. */
function network(): { readonly addresses: string[]; readonly listening: number[]; readonly unixSockets: string[] } {
  const fs = process.getBuiltinModule('node:fs');
  const os = process.getBuiltinModule('node:os');
  const addresses = Object.values(os.networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address));
  const rows = ['tcp', 'tcp6'].flatMap((name) => fs.readFileSync(`/proc/net/${name}`, 'utf8').trim().split('\n').slice(1));
  const listening = rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, , , state]) => state === '0A')
    .map(([, local = '']) => Number.parseInt(local.split(':').at(-1) ?? '', 16));
  const unixSockets = fs
    .readFileSync('/proc/net/unix', 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((row) => row.trim().split(/\s+/)[7] ?? '')
    .filter(Boolean);
  return { addresses, listening, unixSockets };
}

/** What came of asking for a name: by the system, and by a name server reached directly, over UDP. */
async function resolveName(name: string): Promise<{ readonly system: string; readonly direct: string }> {
  const dns = process.getBuiltinModule('node:dns/promises');
  const outcome = (asking: Promise<unknown>): Promise<string> =>
    asking.then(
      () => 'resolved',
      (error: NodeJS.ErrnoException) => error.code ?? 'failed',
    );
  const server = new dns.Resolver({ timeout: 1_000, tries: 1 });
  server.setServers(['1.1.1.1']);
  return { system: await outcome(dns.lookup(name)), direct: await outcome(server.resolve4(name)) };
}

/** Makes one credentialed call, then looks for the secret in all files that are not the system's or `skipped`. `backwards`: so that it is not in our own command line. */
async function searchFiles({
  url,
  backwards,
  skipped,
}: {
  readonly url: string;
  readonly backwards: string;
  readonly skipped: readonly string[];
}) {
  const fs = process.getBuiltinModule('node:fs');
  const { status } = await fetch(url);
  const secret = Buffer.from([...backwards].reverse().join(''));
  const forms = [secret, Buffer.from(secret.toString('base64')), Buffer.from(secret.toString('hex'))];
  const found: string[] = [];
  let files = 0;
  const look = (place: string): void => {
    for (const entry of fs.readdirSync(place, { withFileTypes: true })) {
      const name = place === '/' ? `/${entry.name}` : `${place}/${entry.name}`;
      if (skipped.includes(name)) continue;
      try {
        if (entry.isDirectory()) look(name);
        else if (entry.isFile()) {
          files += 1;
          const content = fs.readFileSync(name);
          if (forms.some((form) => content.includes(form))) found.push(name);
        }
      } catch {
        // not readable, so not found here
      }
    }
  };
  look('/');
  return { status, files, found };
}

/** System calls that could lead out, by name: number on x86-64 and on arm64, and arguments. The answer is an errno, or `ok`. */
const systemCalls: Readonly<Record<string, readonly [x64: number, arm64: number, parameters: string]>> = {
  'keyctl: session keyring': [250, 219, '0, -3, 0, 0, 0'],
  add_key: [248, 217, '"user", "canary", "x", 1, -3'],
  request_key: [249, 218, '"user", "canary", 0, -3'],
  'mount: remount /usr writable': [165, 40, '"none", "/usr", 0, 0x1020, 0'],
  'mount: another /proc': [165, 40, '"proc", "/tmp", "proc", 0, 0'],
  'umount /proc/sys': [166, 39, '"/proc/sys", 2'],
  'unshare: user namespace': [272, 97, '0x10000000'],
  'unshare: mount namespace': [272, 97, '0x00020000'],
  'clone: user namespace': [56, 220, '0x10000011, 0, 0, 0, 0'],
  'clone: network namespace': [56, 220, '0x40000011, 0, 0, 0, 0'],
  'clone3: user namespace': [435, 435, 'pack("Q11", 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0), 88'],
  'setns: of process 1': [308, 268, 'fileno($one), 0'],
  'mount: a cgroup tree': [165, 40, '"none", "/tmp", "cgroup2", 0, 0'],
  'fsopen: a file system by the new calls': [430, 430, '"tmpfs", 0'],
  move_mount: [429, 429, '-100, "/usr", -100, "/tmp", 0'],
  pivot_root: [155, 41, '"/tmp", "/tmp"'],
  chroot: [161, 51, '"/tmp"'],
  bpf: [321, 280, '0, 0, 0'],
  perf_event_open: [298, 241, '0, 0, -1, -1, 0'],
  userfaultfd: [323, 282, '0'],
  io_uring_setup: [425, 425, '1, 0'],
  io_uring_enter: [426, 426, '0, 0, 0, 0, 0, 0'],
  io_uring_register: [427, 427, '0, 0, 0, 0'],
  init_module: [175, 105, '"x", 1, ""'],
  kexec_load: [246, 104, '0, 0, 0, 0'],
  reboot: [169, 142, '0xfee1dead, 672274793, 0, 0'],
  swapon: [167, 224, '"/tmp", 0'],
  acct: [163, 89, '"/tmp/acct"'],
  sethostname: [170, 161, '"other", 5'],
  settimeofday: [164, 170, 'pack("q2", 1, 0), 0'],
  'syslog: the kernel log': [103, 116, '3, "x" x 64, 64'],
  fanotify_init: [300, 262, '0, 0'],
  quotactl: [179, 60, '0x800002, "/dev/x", 0, 0'],
  'ioctl: TIOCSTI': [16, 29, '0, 0x5412, "x"'],
  'socket: AF_VSOCK': [41, 198, '40, 1, 0'],
  'socket: AF_PACKET': [41, 198, '17, 3, 0'],
  open_by_handle_at: [304, 265, '-100, "x", 0'],
};

/** A Perl program that makes each call and prints `name<TAB>errno`. */
function perlOfCalls(): string {
  const own = process.arch === 'arm64' ? 1 : 0;
  const lines = Object.entries(systemCalls).map(
    ([name, call]) =>
      `@words = (${call[2]}); $! = 0; $r = syscall(${call[own]}, @words); print "${name}\\t", ($r == -1 ? $!+0 : "ok"), "\\n";`,
  );
  return ['open($one, "<", "/proc/1/ns/net");', ...lines].join('\n');
}

describe('inside a sealed session', () => {
  const secret = newCanary();
  let holdfast: Installation;
  let origin: Origin;
  let parts: Awaited<ReturnType<Installation['parts']>>;
  const doorSocket = (): string => path.join(holdfast.home, 'run', 'daemon.sock');

  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.giveCredential('demo', secret, origin, { env: 'DEMO_TOKEN' });
    parts = await holdfast.parts();
    execFileSync('git', ['init', '-q', holdfast.work]);
    await mkdir(path.join(holdfast.work, '.claude'));
    await writeFile(path.join(holdfast.work, '.claude', 'settings.json'), '{}\n');
  });
  after(async () => {
    await holdfast.remove();
    await origin.close();
  });

  it('the environment is an allow-list: nothing of the caller, a placeholder for the secret', async () => {
    const environment = await inside(holdfast, () => process.env, undefined, {
      environment: { CALLERS_OWN: 'private', AWS_SECRET_ACCESS_KEY: 'private', SSH_AUTH_SOCK: '/x' },
    });
    assert.match(environment['DEMO_TOKEN'] ?? '', /^hf_[A-Za-z0-9_-]{43}$/);
    assert.deepEqual(
      Object.keys(environment).filter((name) =>
        /CALLERS|AWS_SECRET|SSH_|HOLDFAST_(HOME|PORT)|NODE_CHANNEL|PASSPHRASE/.test(name),
      ),
      [],
    );
    assert.ok(!Object.values(environment).some((value) => value?.includes('private') || value?.includes(holdfast.folder)));
  });

  it('--pass-env lets one named variable through', async () => {
    const ran = await holdfast.cli(['run', '--pass-env', 'WANTED', '--', 'sh', '-c', 'echo "$WANTED-$OTHER"'], {
      cwd: holdfast.work,
      environment: { WANTED: 'yes', OTHER: 'no' },
    });
    assert.equal(ran.stdout, 'yes-\n');
  });

  it("/proc shows the session's own processes, and neither secret nor key nor path of ours in them", async () => {
    assert.ok(
      processes().list.some(({ pid }) => pid === parts.daemon),
      'outside, the daemon is there to be seen',
    );
    const seen = await inside(holdfast, processes, undefined);
    assert.ok(seen.list.length <= 3, JSON.stringify(seen.list));
    assert.ok(!seen.list.some(({ command }) => /daemon|custody|relay|start\.ts/.test(command)), JSON.stringify(seen.list));
    assert.ok(!seen.said.includes(secret));
    assert.deepEqual(seen.said.match(/operator|passphrase|daemon\.sock/g), null);
  });

  it('no process outside can be signalled', async () => {
    const signalled = await inside(
      holdfast,
      (pids) =>
        pids.map((pid) => {
          try {
            return process.kill(pid, 0);
          } catch (error) {
            return (error as NodeJS.ErrnoException).code;
          }
        }),
      Object.values(parts),
    );
    assert.deepEqual(signalled, ['ESRCH', 'ESRCH', 'ESRCH']);
  });

  it('our data, keys, passphrase and sockets are not there', async () => {
    const files = [
      'passphrase',
      'home/operator/operator.key',
      'home/operator/recovery-code',
      'home/daemon/journal.db',
      'home/daemon/lock.db',
      'home/relay/relay.db',
      'home/run/daemon.sock',
    ].map((name) => path.join(holdfast.folder, name));
    const present = files.filter((file) => existsSync(file));
    assert.ok(present.length >= 4, `the files are where this test looks for them: ${present.join(' ')}`);
    assert.deepEqual(new Set(Object.values(await inside(holdfast, readEach, files))), new Set(['ENOENT']));
    const folders = await inside(
      holdfast,
      (places) => places.flatMap((place) => (process.getBuiltinModule('node:fs').existsSync(place) ? [place] : [])),
      [
        holdfast.home,
        path.join(holdfast.home, 'daemon', 'custody'),
        path.join(holdfast.home, 'scopes'),
        path.join(process.env['HOME'] ?? '/root', '.ssh'),
      ],
    );
    assert.deepEqual(folders, []);
  });

  it('after a credentialed call the secret is in no file that code inside can read', async () => {
    const skipped = ['/proc', '/sys', '/dev', '/usr', '/bin', '/sbin', '/lib', '/lib64', '/nix', root];
    const search = { url: `https://localhost:${origin.port}/v1/x`, backwards: [...secret].reverse().join(''), skipped };
    // A short PATH, so that no toolchains are mounted, which would only cost time.
    const result = await inside(holdfast, searchFiles, search, { environment: { PATH: '/usr/bin:/bin' } });
    assert.equal(result.status, 200);
    assert.equal(origin.seen.at(-1)?.headers.authorization, `Bearer ${secret}`);
    assert.ok(result.files > 10, `${result.files} files were read`);
    assert.deepEqual(result.found, []);
  });

  it("the daemon's socket, the relay, the service itself and the internet cannot be connected to", async () => {
    const relayPort = new URL(holdfast.url).port;
    const near = [doorSocket(), `127.0.0.1:${relayPort}`, `localhost:${origin.port}`];
    assert.deepEqual(Object.values(await connectEach(near)), ['connected', 'connected', 'connected'], 'outside they can');
    const far = ['1.1.1.1:443', '169.254.169.254:80', '[2606:4700:4700::1111]:443'].map((each) => each.replace(/[[\]]/g, ''));
    const tried = await inside(holdfast, connectEach, [...near, ...far]);
    assert.deepEqual(tried[doorSocket()], 'ENOENT');
    assert.deepEqual(
      near.slice(1).map((each) => tried[each]),
      ['ECONNREFUSED', 'ECONNREFUSED'],
    );
    for (const each of far) assert.match(tried[each] ?? '', /^E(NETUNREACH|HOSTUNREACH|CONNREFUSED|ADDRNOTAVAIL)$/, each);
  });

  it("the network is loopback with one listening port, the door's", async () => {
    const seen = await inside(holdfast, network, undefined);
    assert.deepEqual(
      seen.addresses.filter((address) => !/^(127\.|::1$)/.test(address)),
      [],
    );
    assert.equal(seen.listening.length, 1);
    assert.deepEqual(seen.unixSockets, []);
    assert.ok(network().listening.length > 1, 'outside there are more');
  });

  it("names do not resolve, by the system or by a name server of one's own", async () => {
    const outcome = await inside(holdfast, resolveName, 'exfil.example.com');
    assert.notEqual(outcome.system, 'resolved');
    assert.notEqual(outcome.direct, 'resolved');
  });

  it('the door of another session of the same agent is out of reach', async () => {
    const other = holdfast.session(['sh', '-c', 'echo door "$HOLDFAST_DOOR"; exec sleep 1000']);
    const [, host = ''] = await other.waitFor(/door http:\/\/(\S+)/);
    assert.deepEqual(await inside(holdfast, connectEach, [host]), { [host]: 'ECONNREFUSED' });
    await other.end();
  });

  it('the agent door tells what may be used, never the secret, and changes nothing', async () => {
    const answers = await inside(
      holdfast,
      async () => {
        const door = process.env['HOLDFAST_DOOR'] ?? '';
        const ask = async (where: string, options: RequestInit = {}) => {
          const reply = await fetch(`${door}${where}`, options);
          return { status: reply.status, body: await reply.text() };
        };
        return [
          await ask('/v1/vault'),
          await ask('/v1/status'),
          await ask('/v1/vault', { method: 'POST', body: '{}' }),
          await ask('/v1/nothing'),
          await ask('/v1/vault', { headers: { origin: 'https://evil.example' } }),
        ];
      },
      undefined,
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 405, 404, 403],
    );
    assert.match(answers[0]?.body ?? '', /"name":"demo"/);
    for (const { body } of answers) {
      assert.ok(!body.includes(secret));
      assert.ok(body.startsWith('{"'), 'JSON, with a code where it refuses');
    }
    for (const { body } of answers.slice(2)) assert.match(body, /"code":"(usage|refused)"/);
  });

  it('no setting of the kernel opens for writing', async () => {
    assert.deepEqual(await inside(holdfast, writableBelow, '/proc/sys'), []);
    const others = ['/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern', '/sys/kernel/uevent_helper'];
    for (const [file, outcome] of Object.entries(await inside(holdfast, writeEach, others)))
      assert.match(outcome, /^(EROFS|EACCES|ENOENT|EPERM)$/, file);
  });

  it('system calls that lead out are refused: keyrings, mounts, namespaces, typing into the terminal', async () => {
    const ran = await holdfast.run(['perl', '-e', perlOfCalls()]);
    const outcomes = ran.stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    assert.deepEqual(
      outcomes.map(([name]) => name),
      Object.keys(systemCalls),
      ran.stderr,
    );
    const refusals = new Set(['1', '28', '38', '97']); // EPERM, ENOSPC (no more namespaces), ENOSYS, EAFNOSUPPORT
    assert.deepEqual(
      outcomes.filter(([, outcome]) => !refusals.has(outcome ?? '')),
      [],
    );
  });

  it('of all families of sockets only those can be made that its own network namespace holds', async () => {
    const number = process.arch === 'arm64' ? 198 : 41;
    const source = `for my $family (0 .. 50) { for my $type (1, 2, 3, 5) { my $made = syscall(${number}, $family, $type, 0); print "$family\\n" if $made != -1 } }`;
    const ran = await holdfast.run(['perl', '-e', source]);
    assert.deepEqual([...new Set(ran.stdout.trim().split('\n').map(Number))], [1, 2, 10, 16], ran.stderr); // Unix, IPv4, IPv6, netlink
  });

  it('the keyring is empty', async () => {
    const ran = await holdfast.run(['sh', '-c', 'cat /proc/keys 2>/dev/null; true']);
    assert.equal(ran.stdout, '', 'not even names of keys');
  });

  it('tools that mount and make namespaces fail as well', async () => {
    const attempts = [
      'mount -o remount,rw /usr',
      'umount /proc/sys',
      'umount -l /proc',
      'mount -t tmpfs none /mnt',
      'unshare -Ur true',
      'unshare -m true',
      'chroot / true',
      'mount --bind /tmp /etc',
      'mknod /tmp/disk b 8 0',
    ];
    const ran = await holdfast.run([
      'sh',
      '-c',
      attempts.map((attempt) => `${attempt} >/dev/null 2>&1 && echo "done: ${attempt}"`).join('\n') + '\ntrue',
    ]);
    assert.equal(ran.stdout, '', ran.stderr);
  });

  it('descriptors are 0 to 2', async () => {
    const ran = await holdfast.run(['sh', '-c', 'ls /proc/$$/fd; true']);
    assert.deepEqual(ran.stdout.trim().split(/\s+/), ['0', '1', '2']);
  });

  it('the working tree can be written, what runs from it elsewhere cannot', async () => {
    const inTree = (name: string): string => path.join(holdfast.work, name);
    const triggers = [
      '.git/config',
      '.git/hooks/post-commit',
      '.claude/settings.json',
      '.claude/new.json',
      '.mcp.json',
      '.vscode/tasks.json',
      '.husky/pre-commit',
      '.envrc',
      '.npmrc',
    ].map(inTree);
    const outcomes = await inside(holdfast, writeEach, [...triggers, inTree('src/main.js')]);
    assert.equal(outcomes[inTree('src/main.js')], 'written');
    for (const trigger of triggers) assert.match(outcomes[trigger] ?? '', /^(EROFS|EACCES|ENXIO|ENOTDIR|EEXIST)$/, trigger);
    const ran = await holdfast.run([
      'sh',
      '-c',
      'mv .git .git-old; mv .claude .c; rm -rf .git/config .claude/settings.json; git config core.fsmonitor evil; echo "$?"',
    ]);
    assert.notEqual(ran.stdout.trim(), '0');
    assert.equal(await readFile(inTree('.claude/settings.json'), 'utf8'), '{}\n');
    assert.ok(!(await readFile(inTree('.git/config'), 'utf8')).includes('evil'));
    assert.ok(existsSync(inTree('src/main.js')));
    for (const absent of ['.mcp.json', '.vscode', '.husky', '.envrc', '.npmrc', '.git/hooks/post-commit', '.claude/new.json']) {
      assert.ok(!existsSync(inTree(absent)), `${absent} is not left behind`);
    }
  });

  it("Holdfast's own files are read-only", async () => {
    const own = [
      'package.json',
      'apps/daemon/src/main.ts',
      'apps/cli/src/main.ts',
      'apps/cli/bin/holdfast.cjs',
      'packages/protocol/src/errors.ts',
      'node_modules/planted.js',
    ].map((name) => path.join(root, name));
    assert.deepEqual(new Set(Object.values(await inside(holdfast, writeEach, own))), new Set(['EROFS']));
  });

  it('a session does not begin in a tree that holds the machine, a home or our data', async () => {
    for (const cwd of ['/', holdfast.folder, holdfast.home, process.env['HOME'] ?? '/root']) {
      const ran = await holdfast.run(['true'], { cwd });
      assert.equal(ran.code, 125, cwd);
      assert.match(ran.stderr, /\(sandbox_tree_refused\)\n.*next:/, cwd);
    }
  });

  it("a scope's home persists, and another scope does not see it", async () => {
    await holdfast.enrol('other');
    assert.equal((await holdfast.run(['sh', '-c', 'echo mine >"$HOME/note"'])).code, 0);
    assert.equal((await holdfast.run(['sh', '-c', 'cat "$HOME/note"'])).stdout, 'mine\n');
    const other = await holdfast.cli(['run', '--scope', 'other', '--', 'sh', '-c', 'ls -A "$HOME"; echo "${DEMO_TOKEN-none}"'], {
      cwd: holdfast.work,
    });
    assert.equal(other.stdout, 'none\n', other.stderr);
  });
});
