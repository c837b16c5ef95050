// Programs outside that listen in the working tree, or beside a program on PATH: a tmux, a process manager, git's own file monitor. A session that
// could talk to them would act outside.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { hostSockets } from '../../src/sandbox/host-sockets.ts';
import { makeWorld, requestFor, run, script, without } from './world.ts';

async function listenAt(t: TestContext, path: string): Promise<void> {
  const server = createServer((socket) => socket.end('reached'));
  server.listen(path);
  await once(server, 'listening');
  t.after(() => server.close());
}

/** Connects to each and prints what came. */
const attack = (paths: readonly string[]): string[] =>
  script(`
    const net = require('net');
    (async () => {
      for (const path of ${JSON.stringify(paths)}) {
        const said = await new Promise((done) => net.connect(path).on('data', (data) => done(String(data))).on('error', (error) => done(error.code)));
        console.log(said);
      }
    })()`);

test('[SANDBOX-17] sockets of programs outside cannot be connected to, in the tree or in a folder of programs', async (t) => {
  const world = makeWorld(t);
  const programs = join(world.root, 'tools/bin');
  mkdirSync(programs, { recursive: true });
  writeFileSync(join(programs, 'tool'), '#!/bin/sh\n', { mode: 0o755 });
  mkdirSync(join(world.tree, 'deep/.state'), { recursive: true });
  const paths = [join(world.tree, '.tool.sock'), join(world.tree, 'deep/.state/daemon sock'), join(programs, 'tool.sock')];
  const masked = join(world.tree, 'masked');
  mkdirSync(masked);
  for (const path of [...paths, join(masked, 'unseen.sock')]) await listenAt(t, path);
  const callerPath = `${programs}:${process.env['PATH'] ?? ''}`;
  const request = requestFor(world, attack(paths), { callerPath, masked: [masked] });
  const { output, errors } = await run(t, request);
  assert.equal(output, 'ECONNREFUSED\n'.repeat(3), errors);
  const open = without(...paths.map((path) => ['--ro-bind', '/dev/null', path] as const));
  assert.equal((await run(t, request, open)).output, 'reached\n'.repeat(3), 'the control: nothing else stops it');
});

test("[SANDBOX-17] a session's own sockets work, and what they are called outside is left alone", async (t) => {
  const world = makeWorld(t);
  await listenAt(t, join(world.tree, 'outside.sock'));
  const own = join(world.tree, 'own.sock');
  const source = `
    const net = require('net');
    const server = net.createServer((socket) => socket.end('own')).listen('${own}', () => {
      net.connect('${own}').on('data', (data) => { console.log(String(data)); server.close(); });
    });`;
  assert.equal((await run(t, requestFor(world, script(source)))).output, 'own\n');
  const outside = connect(join(world.tree, 'outside.sock'));
  const [said] = (await once(outside, 'data')) as [Buffer];
  assert.equal(String(said), 'reached', 'outside it is what it was');
});

test('[SANDBOX-17] found by whatever name it was bound under, and only where it is shown', async (t) => {
  const world = makeWorld(t);
  const hidden = join(world.tree, 'hidden');
  mkdirSync(hidden);
  symlinkSync(world.tree, join(world.root, 'link'));
  await listenAt(t, join(world.root, 'link/by-link.sock'));
  await listenAt(t, join(hidden, 'hidden.sock'));
  await listenAt(t, join(world.root, 'elsewhere.sock'));
  await listenAt(t, join(world.tree, '.holdfast-0123456789ab')); // as another session's placeholder is born
  await listenAt(t, join(world.tree, 'moved.sock'));
  renameSync(join(world.tree, 'moved.sock'), join(world.tree, 'other.sock'));
  const listen = 'require("net").createServer().listen("relative.sock", () => console.log("up"))';
  const child = spawn(process.execPath, ['-e', listen], { cwd: world.tree, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const wanted = ['by-link.sock', 'relative.sock'].map((name) => join(world.tree, name));
  assert.deepEqual(hostSockets([world.tree], [hidden], world.tree).toSorted(), wanted);
});
