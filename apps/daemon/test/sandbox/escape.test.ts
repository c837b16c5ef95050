// Attacker code inside a session. Where it makes sense, the same attempt with one control taken away succeeds: so each control is
// known to be the one that holds. spec/sandbox.md.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Alteration } from '../../src/sandbox/launch.ts';
import type { SandboxRequest } from '../../src/sandbox/start.ts';
import { systemCallsAvailable, writeCaller } from './system-call.ts';
import {
  dataSecret,
  installation,
  isRoot,
  makeWorld,
  operatorSecret,
  requestFor,
  run,
  script,
  start,
  without,
  type World,
} from './world.ts';

const noCalls = systemCallsAvailable ? false : 'the test program of raw calls is for x86_64';

async function shell(
  t: TestContext,
  world: World,
  source: string,
  alteration: Alteration = {},
  change: Partial<SandboxRequest> = {},
): Promise<string> {
  const { output, errors } = await run(t, requestFor(world, ['sh', '-c', source], change), alteration);
  return output + errors;
}

test('[SANDBOX-5] no file of the operator or of Holdfast is there to be read', async (t) => {
  const world = makeWorld(t);
  const words = [operatorSecret, dataSecret];
  const source = `grep -rsl -D skip --exclude-dir=dev --exclude-dir=proc --exclude-dir=sys --exclude-dir=usr -e '${words[0]}' -e '${words[1]}' / ; ls -A ${world.operatorHome}; cat ${world.operatorHome}/.ssh/id ${world.data}/journal`;
  const own = join(world.root, 'holdfast');
  mkdirSync(own);
  // Toolchains and packages would only make the search long.
  const small = { callerPath: '/usr/bin:/bin', installation: own };
  const seen = await shell(t, world, source, {}, small);
  assert.doesNotMatch(seen, new RegExp(`${words[0]}|${words[1]}|\\.ssh\n`));
  assert.match(seen, /^src\n/m);
  const open: Alteration = {
    words: (list) => list.toSpliced(list.indexOf('--bind'), 0, '--ro-bind', world.operatorHome, world.operatorHome),
  };
  assert.match(await shell(t, world, source, open, small), new RegExp(words[0] ?? ''));
});

test('[SANDBOX-5] withheld data inside Holdfast’s own folder is masked', async (t) => {
  const world = makeWorld(t);
  const own = join(world.root, 'holdfast');
  const data = join(own, '.data');
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'key'), dataSecret);
  writeFileSync(join(own, 'program'), 'program\n');
  const request = requestFor(world, ['sh', '-c', `cat ${own}/program; ls -A ${data}; cat ${data}/key; touch ${data}/x`], {
    installation: own,
    withheld: [world.data, data],
  });
  const outcome = await run(t, request);
  assert.equal(outcome.output, 'program\n');
  assert.match(outcome.errors, /Read-only file system/);
});

test('[SANDBOX-2] other processes are not to be seen, and process 1 tells nothing', async (t) => {
  const world = makeWorld(t);
  const source =
    'echo /proc/[0-9]*; tr "\\0" " " < /proc/1/cmdline; tr "\\0" "\\n" < /proc/1/environ; grep -E "^(Cap|Seccomp:|NoNew)" /proc/1/status';
  const seen = await shell(t, world, source);
  assert.ok(!seen.includes(world.data) && !seen.includes(world.scopeHome), 'arguments travel by descriptor [SANDBOX-9]');
  assert.match(seen, /bwrap --args 5 --/);
  assert.deepEqual(seen.match(/Cap(Prm|Eff|Bnd|Inh|Amb):\t0{16}/g)?.length, 5);
  assert.match(seen, /NoNewPrivs:\t1\nSeccomp:\t2/);
  const processes = /\/proc\/\d+(?: \/proc\/\d+)*/.exec(seen)?.[0].split(' ') ?? [];
  assert.ok(processes.length <= 4, seen);
  const count = 'echo /proc/[0-9]* | wc -w';
  assert.ok(Number(await shell(t, world, count)) <= 4);
});

test('[SANDBOX-2] a signal to everybody, or to the process group, reaches nobody outside', async (t) => {
  const world = makeWorld(t);
  // The test itself would die of it.
  assert.equal((await run(t, requestFor(world, ['sh', '-c', 'kill -9 -1; kill -9 0']))).code, 137);
  assert.equal((await run(t, requestFor(world, script('try { process.kill(-1, 9) } catch {} process.kill(0, 9)')))).code, 137);
});

test('[SANDBOX-2] no setting of the kernel can be written', async (t) => {
  const world = makeWorld(t);
  // Written back as it is: the control must not change the machine. hostname would be the namespace's own.
  const source =
    'for f in kernel/core_pattern kernel/modprobe vm/overcommit_memory kernel/hotplug; do v=$(cat /proc/sys/$f 2>/dev/null) && printf %s "$v" 2>/dev/null > /proc/sys/$f && echo wrote $f; done; true';
  assert.doesNotMatch(await shell(t, world, source), /wrote/);
  // Nobody else has this power to begin with.
  if (!isRoot) return;
  const open = without(['--ro-bind', '/proc/sys', '/proc/sys'], ['--remount-ro', '/proc']);
  assert.match(await shell(t, world, source, open), /wrote vm\/overcommit_memory|wrote kernel\/core_pattern/);
});

test('[SANDBOX-2] /proc itself is read-only', async (t) => {
  const world = makeWorld(t);
  const source = 'echo renamed > /proc/self/comm && echo wrote; echo h > /proc/sysrq-trigger';
  assert.doesNotMatch(await shell(t, world, source), /wrote/);
  assert.match(await shell(t, world, source.split(';')[0] ?? '', without(['--remount-ro', '/proc'])), /wrote/);
});

test('[SANDBOX-2] /proc tells nothing of the machine that only its owner may read, nor of other programs’ keys', async (t) => {
  const world = makeWorld(t);
  const source =
    'cd /proc; for f in kcore kmsg kpage* keys key-users timer_list slabinfo vmallocinfo locks sysrq-trigger; do [ -e $f ] && dd if=$f bs=1 count=1 2>/dev/null | wc -c; done | sort -u; ls acpi asound scsi 2>/dev/null | grep -v :';
  assert.equal((await run(t, requestFor(world, ['sh', '-c', source]))).output.trim(), '0');
  // Owned by root, and readable by a payload that is root: not by capabilities, by owner.
  if (!isRoot || !existsSync('/proc/kpageflags')) return;
  const peek = requestFor(world, ['dd', 'if=/proc/kpageflags', 'of=/dev/null', 'bs=8', 'count=1']);
  assert.notEqual((await run(t, peek)).code, 0);
  assert.equal((await run(t, peek, without(['--ro-bind', '/dev/null', '/proc/kpageflags']))).code, 0);
});

test('[SANDBOX-2] process 1 and the payload’s own tracing lead nowhere', { skip: noCalls }, async (t) => {
  const world = makeWorld(t);
  writeCaller(join(world.tree, 'call'));
  // Whatever it makes process 1 do, that has no more power than itself: no capability, the same filter, the same mounts.
  const source =
    'grep -E "^(CapEff|Seccomp):" /proc/1/status; ls -A /proc/1/root/ | sort > /tmp/a; ls -A / | sort | cmp - /tmp/a && echo same; readlink /proc/1/ns/* | sort > /tmp/b; readlink /proc/self/ns/* | sort | cmp - /tmp/b && echo same';
  const { output } = await run(t, requestFor(world, ['sh', '-c', source]));
  assert.equal(output, 'CapEff:\t0000000000000000\nSeccomp:\t2\nsame\nsame\n');
  // PTRACE_ATTACH stops it, and with it the news of the payload's end; the session can be ended all the same.
  const sandbox = await start(t, requestFor(world, ['sh', '-c', './call 101 16 1; echo attached; sleep 600']));
  await once(sandbox.output, 'data');
  sandbox.kill();
  assert.equal(await sandbox.exited, 137);
});

for (const kind of ['pipes', 'a terminal'] as const) {
  test(`[SANDBOX-8] process 1 holds no descriptor that leads out, with ${kind}`, async (t) => {
    const world = makeWorld(t);
    // Whoever traces process 1 has its descriptors: a folder of the host among them would be a way out.
    const source = 'for fd in /proc/1/fd/*; do echo "held $(readlink $fd)"; done; ls -d /proc/1/fd/*/. 2>/dev/null; true';
    const terminal = kind === 'pipes' ? undefined : { columns: 300, rows: 24, term: 'xterm' };
    const { output } = await run(t, requestFor(world, ['sh', '-c', source], { terminal }));
    const held = output.trim().split(/\r?\n/);
    assert.ok(held.length >= 3, output);
    for (const each of held) assert.match(each, /^held (pipe:\[\d+\]|anon_inode:\[eventfd\]|\/dev\/(null|pts\/\d+|console))$/);
  });
}

const mountCalls: readonly (readonly [string, ...string[]])[] = [
  ['mount read-write again', '165', '@none', '@/usr', '@none', String(0x20 | 0x1000), '0'],
  ['mount something', '165', '@tmpfs', '@/tmp', '@tmpfs', '0', '0'],
  ['unmount', '166', '@/etc', '2'],
  ['unmount /proc/sys', '166', '@/proc/sys', '2'],
  ['another root', '155', '@/tmp', '@/tmp'],
  ['chroot', '161', '@/tmp'],
  ['a user namespace', '272', String(0x10000000)],
  ['a mount namespace', '272', String(0x20000)],
  ['a file system by the new calls', '430', '@tmpfs', '0'],
  ['a copy of a mount', '428', '4294967196', '@/usr', '1'],
];

for (const [name, ...args] of mountCalls) {
  test(`[SANDBOX-2] mounts stay as they are: ${name}`, { skip: noCalls }, async (t) => {
    const world = makeWorld(t);
    writeCaller(join(world.tree, 'call'));
    const request = requestFor(world, ['./call', ...args]);
    assert.equal((await run(t, request)).code, 1);
    // Not by the filter alone: without it the kernel refuses as well, for want of capabilities and of user namespaces.
    const alone = (await run(t, request, without(['--seccomp', 1]))).code;
    assert.notEqual(alone, 0);
  });
}

test('[SANDBOX-2] without the user namespace root could write the machine', { skip: noCalls }, async (t) => {
  const world = makeWorld(t);
  writeCaller(join(world.tree, 'call'));
  const request = requestFor(world, ['./call', ...(mountCalls[0]?.slice(1) ?? [])]);
  assert.equal((await run(t, request)).code, 1);
  if (!isRoot) return;
  const open = without(['--unshare-user'], ['--disable-userns'], ['--cap-drop', 'ALL'], ['--seccomp', 1]);
  const kept: Alteration = { ...open, words: (list) => ['--cap-add', 'ALL', ...(open.words?.(list) ?? [])] };
  assert.equal((await run(t, request, kept)).code, 0, 'the control: /usr is writable again');
});

test('[SANDBOX-2] user namespaces are at an end inside', async (t) => {
  const world = makeWorld(t);
  const source = 'unshare -U true && echo made; bwrap --ro-bind / / true && echo sealed; true';
  assert.doesNotMatch(await shell(t, world, source), /made|sealed/);
  assert.doesNotMatch(await shell(t, world, source, without(['--seccomp', 1])), /made|sealed/);
  assert.match(await shell(t, world, source, without(['--seccomp', 1], ['--disable-userns'])), /made/);
});

test('[SANDBOX-2] programs with the setuid bit gain nothing', async (t) => {
  const world = makeWorld(t);
  const source =
    'find /usr/bin /usr/sbin -perm -4000 -type f | head -3; su -c id root </dev/null; grep -E "^CapEff" /proc/self/status';
  const seen = await shell(t, world, source);
  assert.match(seen, /CapEff:\t0{16}/);
  const { output } = await run(t, requestFor(world, ['sh', '-c', 'cut -d" " -f5,6 /proc/self/mountinfo']));
  const suid = output
    .trim()
    .split('\n')
    .filter((line) => !line.includes('nosuid'));
  assert.deepEqual(suid, [], 'every mount is nosuid');
});

test('[SANDBOX-2] device nodes: only the harmless ones, and none can be made', async (t) => {
  const world = makeWorld(t);
  const { output, errors } = await run(t, requestFor(world, ['sh', '-c', 'ls /dev; mknod m c 1 1; mknod /tmp/m b 8 0; cat m']));
  const known = /^(console|core|fd|full|null|ptmx|pts|random|shm|stderr|stdin|stdout|tty|urandom|zero)$/;
  assert.deepEqual(
    output
      .trim()
      .split('\n')
      .filter((name) => !known.test(name)),
    [],
  );
  assert.match(errors, /Operation not permitted/);
});

test('[SANDBOX-9] the only thing to connect to is the door', async (t) => {
  const world = makeWorld(t);
  const hostService = createServer((socket) => socket.end('reached'));
  hostService.listen(0, '127.0.0.1');
  await once(hostService, 'listening');
  const abstract = createServer((socket) => socket.end('reached'));
  abstract.listen(`\0holdfast-test-${process.pid}`);
  await once(abstract, 'listening');
  t.after(() => {
    hostService.close();
    abstract.close();
  });
  const address = hostService.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const source = `
    const net = require('net'), os = require('os'), dns = require('dns');
    const attempt = (name, options) => new Promise((done) => {
      const socket = net.connect(options);
      socket.on('data', (data) => done(console.log(name, String(data))));
      socket.on('error', (error) => done(console.log(name, error.code)));
      setTimeout(() => done(console.log(name, 'silence')), 30_000).unref();
    });
    (async () => {
      await attempt('host', { host: '127.0.0.1', port: ${port} });
      await attempt('abstract', { path: '\\0holdfast-test-${process.pid}' });
      await attempt('outside', { host: '192.0.2.1', port: 443 });
      await attempt('outside6', { host: '2001:db8::1', port: 443 });
      await new Promise((done) => dns.resolve('example.com', (error) => done(console.log('dns', error.code))));
      await new Promise((done) => dns.lookup('example.com', (error) => done(console.log('lookup', error.code))));
      console.log('interfaces', Object.keys(os.networkInterfaces()).join());
      process.exit(0);
    })()`;
  const { output } = await run(t, requestFor(world, script(source)));
  assert.match(
    output,
    /^host ECONNREFUSED\nabstract ECONNREFUSED\noutside ENETUNREACH\noutside6 E\w+\ndns E\w+\nlookup E\w+\ninterfaces lo\n$/,
  );
  const control = await run(t, requestFor(world, script(source)), without(['--unshare-net']));
  assert.match(control.output, /^host reached\nabstract reached\n/);
});

test('[SANDBOX-2] the sockets of the system and its services are not there', async (t) => {
  const world = makeWorld(t);
  const source =
    'ls -A /run /var/run /sys /boot /srv /opt /mnt /media 2>/dev/null; find / -xdev -type s 2>/dev/null; ls /var/run/docker.sock /run/systemd /run/dbus /sys/fs/cgroup';
  const { output } = await run(t, requestFor(world, ['sh', '-c', source]));
  assert.equal(output.replaceAll(/^\/\w+(\/\w+)?:\n|^\n/gm, ''), 'holdfast\nholdfast\n', 'the starter’s text, in /run, is all');
});

test('[SANDBOX-2] cgroups, names and shared memory are the session’s own', async (t) => {
  const world = makeWorld(t);
  const { output } = await run(
    t,
    requestFor(world, [
      'sh',
      '-c',
      'hostname; readlink /proc/self/ns/ipc /proc/self/ns/cgroup /proc/self/ns/net /proc/self/ns/uts /proc/self/ns/pid /proc/self/ns/mnt /proc/self/ns/user; cut -d: -f3 /proc/self/cgroup | sort -u',
    ]),
  );
  const [name, ...rest] = output.trim().split('\n');
  assert.equal(name, 'holdfast');
  const outside = spawnSync(
    'readlink',
    ['ipc', 'cgroup', 'net', 'uts', 'pid', 'mnt', 'user'].map((kind) => `/proc/self/ns/${kind}`),
  )
    .stdout.toString()
    .trim()
    .split('\n');
  for (const namespace of outside) assert.ok(!rest.includes(namespace), namespace);
  assert.equal(rest.at(-1), '/', 'the path of the host’s group does not show');
});

test('[SANDBOX-8] no channel to the daemon is left, and none of its variables', async (t) => {
  const world = makeWorld(t);
  const source = `
    console.log(process.env.NODE_CHANNEL_FD, typeof process.send);
    for (let fd = 3; fd < 64; fd += 1) {
      try { const target = require('fs').readlinkSync('/proc/self/fd/' + fd); if (target.startsWith('socket:')) console.log('socket', fd) } catch {}
    }`;
  const { output } = await run(t, requestFor(world, script(source)));
  assert.equal(output, 'undefined undefined\n');
});

test('[SANDBOX-8] the starter cannot be met by a program that an earlier session left', async (t) => {
  const world = makeWorld(t);
  const hook = 'require("fs").writeFileSync("/tmp/ran", "x")';
  for (const folder of [world.scopeHome, world.tree]) {
    for (const name of ['node', '.noderc', '.node_repl_history', 'sitecustomize.js', 'preload.cjs'])
      writeFileSync(join(folder, name), hook, { mode: 0o755 });
    writeFileSync(join(folder, 'package.json'), '{"type":"commonjs","main":"./preload.cjs"}');
    writeFileSync(join(folder, 'node.config.json'), '{"nodeOptions":{"require":["./preload.cjs"]}}');
    writeFileSync(join(folder, '.env'), 'NODE_OPTIONS=--require ./preload.cjs');
  }
  // The operator's own choice for the payload; not for the starter.
  const environment = { NODE_OPTIONS: '--require ./preload.cjs', LD_PRELOAD: `${world.tree}/evil.so` };
  const { output } = await run(t, requestFor(world, ['sh', '-c', 'ls /tmp/ran 2>/dev/null; echo end'], { environment }));
  assert.equal(output, 'end\n');
});

test('nothing that is shown read-only can be changed in place, by any of its names', async (t) => {
  const world = makeWorld(t);
  const targets = [
    '/usr/bin/env',
    '/etc/passwd',
    process.execPath,
    join(installation, 'package.json'),
    '/run/holdfast/starter.mjs',
    '/proc/self/root/usr/bin/env',
    '/proc/1/root/etc/passwd',
  ];
  const source = `
    const fs = require('fs');
    for (const path of ${JSON.stringify(targets)}) {
      for (const act of [(p) => fs.closeSync(fs.openSync(p, 'r+')), (p) => fs.chmodSync(p, 0o777), (p) => fs.unlinkSync(p), (p) => fs.renameSync(p, p + '.old'), (p) => fs.linkSync(p, '/tmp/link' + Math.random()), (p) => fs.utimesSync(p, 1, 1)]) {
        try { act(path); console.log('changed', path, String(act)) } catch (error) { if (!['EROFS', 'EXDEV', 'EPERM', 'EACCES', 'ETXTBSY', 'EBUSY'].includes(error.code)) console.log(path, error.code) }
      }
    }
    try { fs.writeFileSync('/new', ''); console.log('wrote the root') } catch {}`;
  assert.equal((await run(t, requestFor(world, script(source)))).output, '');
  assert.ok(!existsSync('/usr/bin/env.old') && readFileSync(join(installation, 'package.json'), 'utf8').length > 0);
});
