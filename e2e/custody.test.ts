// Custody of a running fleet as the kernel shows it from outside: while it signs and opens, it has no network, no socket but its two ends to the
// daemon, no file but its keys, and nobody else's process in sight.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { call, caller } from '../packages/testkit/src/caller.ts';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { Installation } from '../packages/testkit/src/installation.ts';
import type { LiveProgram } from '../packages/testkit/src/live-program.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

/** What a running process closes while it is looked at is left out. */
const descriptors = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)];
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw thrown;
    }
  });

/** Rows of a table of the network namespace of `pid`, without its heading. */
function rows(pid: number, table: string): string[] {
  return readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n').slice(1);
}

/** Sockets of `pid` with an address, which somebody could connect to or which lead somewhere: TCP, UDP, raw, and Unix sockets with a name. */
function reachable(pid: number): string[] {
  const own = new Set(descriptors(pid).flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  const internet = ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6'].flatMap((table) =>
    rows(pid, table).filter((row) => own.has(row.trim().split(/\s+/)[9] ?? '')),
  );
  const named = rows(pid, 'unix').filter((row) => {
    const fields = row.trim().split(/\s+/);
    return own.has(fields[6] ?? '') && fields[7] !== undefined;
  });
  return [...internet, ...named];
}

describe('custody, seen from outside while it works', () => {
  let holdfast: Installation;
  let origin: Origin;
  let session: LiveProgram;
  let custody: number;
  let daemon: number;
  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.giveCredential('demo', newCanary(), origin, { env: 'DEMO_TOKEN' });
    ({ custody, daemon } = await holdfast.parts());
    session = await caller(holdfast, `https://localhost:${origin.port}/v1/me`);
    assert.equal(await call(session), '200');
  });
  after(async () => {
    await session.end();
    await holdfast.remove();
    await origin.close();
  });

  it('it is another process than the daemon, and nobody keeps its keys open or mapped', () => {
    assert.notEqual(custody, daemon);
    const folder = path.join(holdfast.home, 'daemon/custody');
    for (const pid of [daemon, custody]) {
      assert.deepEqual(
        descriptors(pid).filter((link) => link.startsWith(folder)),
        [],
        `keys are read when it starts, and not kept open: ${pid}`,
      );
      assert.ok(!readFileSync(`/proc/${pid}/maps`, 'utf8').includes(folder));
    }
  });

  it('it has no socket but its ends to the daemon, and none that has an address; the daemon has', () => {
    assert.deepEqual(reachable(custody), []);
    assert.ok(reachable(daemon).length > 0, 'the same look finds the door and the connection to the relay');
    const sockets = descriptors(custody).filter((link) => link.startsWith('socket:'));
    const stdio = [0, 1, 2].map((descriptor) => readlinkSync(`/proc/${custody}/fd/${descriptor}`));
    for (const each of sockets) assert.ok(stdio.includes(each), each);
    const files = descriptors(custody).filter((link) => link.startsWith('/'));
    for (const each of files) assert.match(each, /^\/dev\/(null|tpmrm0)$/);
  });

  it('its namespaces are its own: no interface but loopback, no route, no other process', () => {
    for (const kind of ['net', 'pid', 'user', 'ipc', 'uts', 'mnt'])
      assert.notEqual(readlinkSync(`/proc/${custody}/ns/${kind}`), readlinkSync(`/proc/${daemon}/ns/${kind}`), kind);
    const interfaces = rows(custody, 'dev').slice(1);
    assert.deepEqual(
      interfaces.map((row) => row.split(':')[0]?.trim()),
      ['lo'],
    );
    assert.deepEqual(rows(custody, 'route'), []);
    assert.match(readFileSync(`/proc/${custody}/status`, 'utf8'), /^CapEff:\s+0+$/m);
    assert.match(readFileSync(`/proc/${custody}/status`, 'utf8'), /^NoNewPrivs:\s+1$/m);
  });

  it('a session of the agent cannot name it, signal it or look at it', async () => {
    const ran = await holdfast.run(['sh', '-c', `kill -0 ${custody}; ls /proc/${custody}; true`]);
    assert.equal(ran.stdout, '');
    assert.match(ran.stderr, /No such process/);
  });
});
