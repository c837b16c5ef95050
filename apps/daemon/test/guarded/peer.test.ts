// Who asks, by the kernel: a Claude Code or what it started, of this user, and nobody else. Played by copies of a shell under its name.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { harnessBehind, stillRuns } from '../../src/guarded/peer.ts';

async function stage(t: TestContext) {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'holdfast-peer-')));
  const claude = path.join(folder, 'claude');
  const tree = path.join(folder, 'tree');
  mkdirSync(tree);
  copyFileSync('/bin/bash', claude);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
    rmSync(folder, { recursive: true, force: true });
  });
  /** Connects and stays until its connection ends. */
  const asks = `exec 3<>/dev/tcp/127.0.0.1/${port}; read -r _ <&3; :`;
  const connected = async (program: string, text: string, environment: Record<string, string> = {}) => {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const child = spawn(program, ['--norc', '-c', text], { cwd: tree, env: { HOME: folder, ...environment }, stdio: 'ignore' });
    const exited = once(child, 'exit');
    const [socket] = await accepted;
    const end = async () => {
      socket.end('\n');
      await exited;
    };
    return { socket, pid: child.pid ?? 0, end };
  };
  return { folder, claude, tree, asks, connected, server, port };
}

// [GUARDED-3] [GUARDED-4] [GUARDED-8]
test('a Claude Code is known by its program, with its folder, home and settings as it began', async (t) => {
  const { folder, claude, tree, asks, connected } = await stage(t);
  const { socket, pid, end } = await connected(claude, asks, { CLAUDE_CONFIG_DIR: '/elsewhere' });
  const harness = harnessBehind(socket, []);
  assert.ok(harness !== undefined);
  const { born, ...known } = harness;
  assert.deepEqual(known, { pid, version: undefined, tree, home: folder, config: '/elsewhere' });
  assert.ok(stillRuns(harness));
  assert.ok(!stillRuns({ pid, born: `${born}0` }), 'another process of that number');
  assert.equal(harnessBehind(socket, [harness]), harness, 'known before');
  assert.notEqual(harnessBehind(socket, [{ ...harness, born: `${born}0` }])?.born, `${born}0`, 'known before under that number');
  assert.equal(harnessBehind(socket, [], userInfo().uid + 1), undefined, 'of another user');
  await end();
  assert.ok(!stillRuns(harness));
});

// [GUARDED-4]
test('what it starts is its own, a hook’s shell or the agent’s; what is below none is nobody', async (t) => {
  const { claude, asks, connected } = await stage(t);
  const below = await connected(claude, `/bin/bash --norc -c '/bin/bash --norc -c "${asks}"; :'; :`);
  assert.equal(harnessBehind(below.socket, [])?.pid, below.pid);
  await below.end();
  // It leaves whoever runs these tests, who may be a Claude Code.
  const alone = await connected('/bin/bash', `setsid --fork /bin/bash --norc -c '${asks}'; :`);
  assert.equal(harnessBehind(alone.socket, []), undefined);
  await alone.end();
});

test('a connection whose other end has gone is nobody’s', async (t) => {
  const { claude, asks, connected } = await stage(t);
  const { socket, end } = await connected(claude, asks);
  await end();
  assert.equal(harnessBehind(socket, []), undefined);
});

// [GUARDED-3]
test('a connection from another address of this machine, with the port of a Claude Code’s, is not taken for it', async (t) => {
  const { claude, asks, connected, server, port } = await stage(t);
  const { socket, pid, end } = await connected(claude, asks);
  assert.equal(harnessBehind(socket, [])?.pid, pid);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const other = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2', localPort: socket.remotePort ?? 0 });
  t.after(() => other.destroy());
  const [impostor] = await accepted;
  assert.equal(impostor.remotePort, socket.remotePort);
  assert.equal(harnessBehind(impostor, []), undefined);
  await end();
});
