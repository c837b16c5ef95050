import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { Alteration } from '../../src/sandbox/launch.ts';
import type { Inside } from '../../src/sandbox/request.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { probe } from '../../src/sandbox/probe.ts';
import { installation, makeWorld, requestFor, run, script, start, without } from './world.ts';

test('a command gets its arguments, its input and its folder, and its output and exit code come back', async (t) => {
  const world = makeWorld(t);
  const outcome = await run(
    t,
    requestFor(world, ['sh', '-c', 'pwd; printf "%s|" "$@"; cat; echo problem >&2; exit 7', 'name', 'a b', "c'd", '']),
    {},
    async ({ input }) => void input.write('typed'),
  );
  assert.deepEqual(outcome, { code: 7, output: `${world.tree}\na b|c'd||typed`, errors: 'problem\n' });
});

test('an end by a signal is 128 + n, also of a signal that the daemon sends', async (t) => {
  const world = makeWorld(t);
  assert.equal((await run(t, requestFor(world, ['sh', '-c', 'kill -TERM $$']))).code, 143);
  const request = requestFor(world, ['sh', '-c', 'trap "echo asked; exit 9" TERM; echo ready; while :; do sleep 0.05; done']);
  const outcome = await run(t, request, {}, async ({ output, signal }) => {
    await once(output, 'data');
    signal('SIGTERM');
  });
  assert.equal(outcome.code, 9);
});

test('pipes carry what is larger than they are, and their ends', async (t) => {
  const world = makeWorld(t);
  const mebibyte = Buffer.alloc(1 << 20, 'x');
  const outcome = await run(t, requestFor(world, ['wc', '-c']), {}, async ({ input }) => {
    for (let i = 0; i < 8; i += 1) if (!input.write(mebibyte)) await once(input, 'drain');
  });
  assert.equal(outcome.output.trim(), String(8 << 20));
});

test('programs can open their standard streams by name', async (t) => {
  const world = makeWorld(t);
  const outcome = await run(t, requestFor(world, ['sh', '-c', 'echo out >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin']));
  assert.deepEqual(outcome, { code: 0, output: 'out\n', errors: 'err\n' });
});

test('[SANDBOX-9] the door is a socket inside, and the daemon accepts on it', async (t) => {
  const world = makeWorld(t);
  const source = `require('http').get(process.env.HOLDFAST_DOOR + '/hello', (reply) => reply.pipe(process.stdout))`;
  const sandbox = await start(t, requestFor(world, script(source)));
  const { createServer } = await import('node:http');
  const service = createServer((request, reply) => reply.end(`at ${request.url}`));
  sandbox.door.on('connection', (socket) => service.emit('connection', socket));
  const said = text(sandbox.output);
  assert.equal(await sandbox.exited, 0);
  assert.match(await said, /^at .*\/hello$/);
  assert.notEqual(sandbox.doorPort, 0);
});

test('[SANDBOX-7] the environment is built, not passed on', async (t) => {
  const world = makeWorld(t);
  process.env['HOLDFAST_TEST_CANARY'] = 'leaks';
  t.after(() => delete process.env['HOLDFAST_TEST_CANARY']);
  const environment = {
    DEMO_TOKEN: 'hf_placeholder',
    HTTPS_PROXY: 'http://elsewhere',
    SSL_CERT_FILE: '/tmp/evil',
    HOME: '/tmp',
    PATH: '/tmp',
  };
  const outcome = await run(t, requestFor(world, ['env'], { environment }));
  const inside = new Map(
    outcome.output
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const door = inside.get('HOLDFAST_DOOR') ?? '';
  assert.match(door, /^http:\/\/127\.0\.0\.1:\d+$/);
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'])
    assert.equal(inside.get(name), door);
  for (const name of ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO']) {
    assert.equal(inside.get(name), '/etc/ssl/certs/ca-certificates.crt');
  }
  assert.equal(inside.get('DEMO_TOKEN'), 'hf_placeholder');
  assert.equal(inside.get('NODE_USE_ENV_PROXY'), '1');
  assert.equal(inside.get('HOME'), '/home/agent');
  assert.ok(inside.get('PATH')?.includes('/usr/bin'));
  assert.equal(inside.get('TERM'), undefined, 'no terminal');
  const known =
    /^(HOLDFAST_DOOR|DISABLE_AUTOUPDATER|DEMO_TOKEN|HOME|PATH|PWD|OLDPWD|SHLVL|_|SHELL|USER|LOGNAME|TMPDIR|LANG|LANGUAGE|LC_\w+|TZ|NODE_USE_ENV_PROXY|\w+_(PROXY|proxy)|SSL_CERT_\w+|\w*_?CA_?(CERTS|BUNDLE|INFO)|GIT_SSL_CAINFO|CARGO_HTTP_CAINFO|DENO_CERT|NIX_SSL_CERT_FILE|PIP_CERT|(PYENV|RBENV|NODENV|GOENV)_ROOT|NVM_DIR|RUSTUP_HOME|JAVA_TOOL_OPTIONS)$/;
  assert.deepEqual(
    [...inside.keys()].filter((name) => !known.test(name)),
    [],
  );
});

test('[SANDBOX-8] the payload has descriptors 0 to 2, default signals and nothing of the starter', async (t) => {
  const world = makeWorld(t);
  const source =
    'ls /proc/self/fd; grep -E "^(SigIgn|SigBlk|SigCgt)" /proc/self/status; umask; cat /proc/$$/cmdline | tr "\\0" " "';
  const { output } = await run(t, requestFor(world, ['sh', '-c', source]));
  // 3 is the folder that ls reads.
  assert.match(output, /^0\n1\n2\n3\nSigBlk:\t0+\nSigIgn:\t0+\nSigCgt:\t[0-9a-f]+\n0022\nsh -c /);
  assert.doesNotMatch(output, /starter/);
});

test('the home persists for the scope, and what is made in the tree stays', async (t) => {
  const world = makeWorld(t);
  await run(t, requestFor(world, ['sh', '-c', 'echo kept > ~/note; echo made > new; echo gone > /tmp/x']));
  assert.equal(readFileSync(join(world.scopeHome, 'note'), 'utf8'), 'kept\n');
  assert.equal(readFileSync(join(world.tree, 'new'), 'utf8'), 'made\n');
  const { output } = await run(t, requestFor(world, ['sh', '-c', 'cat ~/note new; test -e /tmp/x || echo fresh']));
  assert.equal(output, 'kept\nmade\nfresh\n');
});

test('[SANDBOX-5] a folder of programs in the home comes with what its links need, and with nothing beside it', async (t) => {
  const world = makeWorld(t);
  const bin = join(world.operatorHome, '.tool/bin');
  const venv = join(world.operatorHome, '.venvs/app');
  for (const folder of [bin, join(venv, 'bin'), join(venv, 'lib')]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(world.operatorHome, '.tool/token'), 'secret');
  writeFileSync(join(venv, 'pyvenv.cfg'), '');
  writeFileSync(join(venv, 'lib/part'), 'part\n');
  writeFileSync(join(venv, 'bin/app'), `#!/bin/sh\ncat "${venv}/lib/part"\n`, { mode: 0o755 });
  symlinkSync(join(venv, 'bin/app'), join(bin, 'app'));
  const callerPath = `${bin}:${process.env['PATH'] ?? ''}`;
  const { output } = await run(t, requestFor(world, ['sh', '-c', `app; ls -A ${world.operatorHome} ${bin}/..`], { callerPath }));
  assert.match(output, /^part\n/);
  assert.doesNotMatch(output, /token|\.ssh/);
  const direct = await run(t, requestFor(world, ['app'], { callerPath }));
  assert.equal(direct.output, 'part\n');
});

test('[SANDBOX-5] a program by its path is found where it is; one that lies in withheld data, or nowhere, is not', async (t) => {
  const world = makeWorld(t);
  const program = join(world.operatorHome, 'program');
  for (const path of [program, join(world.data, 'program')]) writeFileSync(path, '#!/bin/sh\necho ran $0\n', { mode: 0o755 });
  assert.equal((await run(t, requestFor(world, [program]))).output, `ran ${program}\n`);
  const missing = { code: 'sandbox_command_not_found' };
  await assert.rejects(startSandbox(requestFor(world, [join(world.data, 'program')])), missing);
  await assert.rejects(startSandbox(requestFor(world, ['no-such-program-here'])), missing);
  await assert.rejects(startSandbox(requestFor(world, ['./file'])), missing, 'not executable');
  await assert.rejects(startSandbox(requestFor(world, [])), missing);
  await assert.rejects(startSandbox(requestFor(world, ['/usr'])), missing, 'a folder');
  assert.deepEqual(readdirSync(world.tree), ['file'], 'a start that fails leaves nothing in the tree');
});

test('[SANDBOX-3] a working tree is one project', async (t) => {
  const world = makeWorld(t);
  const refused = { code: 'sandbox_tree_refused' };
  const inData = join(world.data, 'project');
  mkdirSync(inData);
  const link = join(world.tree, 'link');
  symlinkSync(world.data, link);
  const local = join(world.operatorHome, '.local');
  for (const cwd of [
    '/',
    '/usr',
    '/usr/share',
    '/etc',
    '/tmp',
    '/home',
    '/var/lib',
    '/proc',
    world.operatorHome,
    join(world.operatorHome, '..'),
    world.data,
    inData,
    local,
    link,
    join(world.tree, 'none'),
    join(world.tree, 'file'),
  ]) {
    await assert.rejects(startSandbox(requestFor(world, ['true'], { cwd })), refused, cwd);
  }
  const alias = join(world.root, 'alias');
  symlinkSync(world.tree, alias);
  assert.equal((await run(t, requestFor(world, ['pwd'], { cwd: alias }))).output, `${world.tree}\n`, 'by its real path');
});

test('[SANDBOX-15] Holdfast itself is read-only inside, also where it lies in the tree', async (t) => {
  const world = makeWorld(t);
  const own = join(world.tree, 'vendor/holdfast');
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'main'), 'ours\n');
  const source = `echo x >> ${own}/main; echo x > ${own}/new; mv ${world.tree}/vendor ${world.tree}/other; rm -rf ${own}; echo tried; touch ${installation}/x`;
  const { output, errors } = await run(t, requestFor(world, ['sh', '-c', source], { installation: own }));
  assert.equal(output, 'tried\n');
  assert.match(errors, /Read-only file system/);
  assert.equal(readFileSync(join(own, 'main'), 'utf8'), 'ours\n');
  assert.ok(!existsSync(join(installation, 'x')));
});

test('[SANDBOX-6] /etc holds an allow-list, the bundle and the managed files, read-only', async (t) => {
  const world = makeWorld(t);
  const etcFiles = () => [{ path: '/etc/agent/managed.json', data: Buffer.from('{}') }];
  const source =
    'cat /etc/agent/managed.json /etc/ssl/certs/ca-certificates.crt /etc/ssl/cert.pem; cat /etc/shadow; echo x > /etc/agent/managed.json; rm /etc/passwd; touch /etc/x; id -un; ls ~ >/dev/null && cat /etc/resolv.conf; wc -l < /etc/passwd';
  const { output, errors } = await run(t, requestFor(world, ['sh', '-c', source], { etcFiles }));
  assert.match(output, /^\{\}no certificates\nno certificates\n[^\n]+\n[23]\n$/);
  assert.match(errors, /shadow: No such file/);
  assert.equal(errors.match(/Read-only file system/g)?.length, 3);
  for (const path of ['/usr/x', '/etc/../usr/x', 'etc/x', '/etc']) {
    await assert.rejects(
      startSandbox(requestFor(world, ['true'], { etcFiles: () => [{ path, data: Buffer.alloc(0) }] })),
      { code: 'usage' },
      path,
    );
  }
});

test('[SANDBOX-6] managed files can name the door, and [SANDBOX-9] what a session sees can be looked up from outside', async (t) => {
  const world = makeWorld(t);
  const told: unknown[] = [];
  const etcFiles = (inside: Inside) => {
    told.push(inside.doorPort, inside.home);
    return [{ path: '/etc/agent/door', data: Buffer.from(`http://127.0.0.1:${inside.doorPort}`) }];
  };
  const source = 'ln -s /etc/agent ~/link; [ "$(cat /etc/agent/door)" = "$HOLDFAST_DOOR" ] && echo same; read -r line';
  const sandbox = await start(t, requestFor(world, ['sh', '-c', source], { etcFiles }));
  const [line] = (await once(sandbox.output, 'data')) as [Buffer];
  assert.equal(String(line), 'same\n');
  assert.deepEqual(told, [sandbox.doorPort, sandbox.home]);
  assert.equal(readFileSync(join(sandbox.root, 'etc/hostname'), 'utf8'), 'holdfast\n');
  assert.equal(readlinkSync(join(sandbox.root, sandbox.home, 'link')), '/etc/agent');
  sandbox.input.end();
  assert.equal(await sandbox.exited, 1);
});

test('[SANDBOX-1] a machine that cannot seal is told what to type, and nothing runs', async () => {
  await assert.rejects(probe(['/nonexistent']), (error: { code: string; message: string; next: string }) => {
    assert.equal(error.code, 'sandbox_unavailable');
    assert.match(error.message, /bwrap/);
    assert.match(error.next, /bubblewrap/);
    return true;
  });
});

test('[SANDBOX-1] a bubblewrap that makes no sandbox, or is too old, is told apart', async (t) => {
  const world = makeWorld(t);
  const bin = join(world.root, 'bin');
  mkdirSync(bin);
  const programs = '/usr/bin:/bin:/usr/sbin:/sbin'.split(':');
  const fake = (text: string): void => {
    writeFileSync(join(bin, 'bwrap'), text);
    chmodSync(join(bin, 'bwrap'), 0o755);
  };
  fake('#!/bin/sh\necho "--bind"\n');
  await assert.rejects(probe([bin, ...programs]), { code: 'sandbox_unavailable', message: /too old/ });
  fake(
    '#!/bin/sh\n[ "$1" = --help ] && echo "--ro-bind-fd --disable-userns" && exit\necho "No permissions to create new namespace" >&2; exit 1\n',
  );
  await assert.rejects(probe([bin, ...programs]), { code: 'sandbox_unavailable', message: /No permissions/ });
});

test('[SANDBOX-14] a sandbox that is not what was ordered does not become the payload', async (t) => {
  const world = makeWorld(t);
  const request = requestFor(world, ['touch', 'ran']);
  const dropped: Alteration = { words: without(['--remount-ro', '/etc']).words ?? assert.fail() };
  await assert.rejects(start(t, request, dropped), { code: 'sandbox_start_failed', message: /\/etc is not read-only/ });
  assert.ok(!existsSync(join(world.tree, 'ran')));
  assert.deepEqual(readdirSync(world.tree), ['file']);
});

test('a start that fails says why, and leaves nothing behind', async (t) => {
  const world = makeWorld(t);
  const broken: Alteration = { words: (list) => ['--no-such-option', ...list] };
  await assert.rejects(start(t, requestFor(world, ['true']), broken), {
    code: 'sandbox_start_failed',
    message: /no-such-option/,
  });
  assert.deepEqual(readdirSync(world.tree), ['file']);
});

test('two sessions at once have doors of their own', async (t) => {
  const world = makeWorld(t);
  const [one, two] = await Promise.all([start(t, requestFor(world, ['cat'])), start(t, requestFor(world, ['cat']))]);
  const probeServer = createServer();
  // The same port in two namespaces is no clash, nor with the host's.
  assert.ok(one.doorPort > 0 && two.doorPort > 0);
  probeServer.listen(one.doorPort, '127.0.0.1');
  await new Promise<void>((done) => probeServer.once('listening', done).once('error', () => done()));
  probeServer.close();
  for (const sandbox of [one, two]) sandbox.input.end();
  assert.deepEqual(await Promise.all([one.exited, two.exited]), [0, 0]);
  assert.deepEqual(readdirSync(world.tree), ['file']);
});
