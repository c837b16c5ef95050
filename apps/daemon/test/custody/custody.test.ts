// The daemon's custody: typed calls over the real child, in both isolations; what it is when it dies; and what can be seen of it from
// outside: its descriptors, namespaces, environment and files.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { utf8 } from '@holdfast/protocol/codec/bytes';
import { certifySessionKey, verifySessionKey } from '@holdfast/protocol/blind/session-key';
import type { KeyDescription } from '@holdfast/protocol/custody/wire';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { openSealed, sealTo } from '@holdfast/protocol/seal/hpke';
import { codeOf } from '@holdfast/protocol/errors';
import { share } from '@holdfast/testkit/shares';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { patienceMs } from '@holdfast/testkit/patience';

import { Custody } from '../../src/custody/custody.ts';
import { custodyCommand, findBubblewrap, treeProgram, type Isolation } from '../../src/custody/program.ts';
import { noneLeft } from '../sandbox/daemon.ts';

const fleet = new Uint8Array(32).fill(1);
const agent = new Uint8Array(16).fill(2);
const binding = { fleet, agent };
const grant = { kind: 'grant', fleet, grant: agent, item: agent, agent } as const;

/** A folder that goes with its test, however that ends. */
function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-custody-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function noNamespaces(): string | false {
  const bubblewrap = findBubblewrap();
  if (bubblewrap === undefined) return 'bubblewrap is not installed';
  try {
    execFileSync(bubblewrap, ['--unshare-all', '--unshare-user', '--ro-bind', '/', '/', 'true'], { stdio: 'pipe' });
    return false;
  } catch (thrown) {
    return `bubblewrap does not work here: ${String((thrown as { stderr?: unknown }).stderr ?? thrown)}`;
  }
}

const isolations: readonly (readonly [Isolation, string | false])[] = [
  ['namespaces', noNamespaces()],
  ['permissions', false],
];

/** The process and all that it started, the innermost last: under bubblewrap that is Node. */
function processTree(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return [pid, ...(children === '' ? [] : children.split(' ').flatMap((child) => processTree(Number(child))))];
}

/** Without the shell that keeps bubblewrap, and its watcher. */
const kept = (pid: number): number[] =>
  processTree(pid).filter((each) => !readFileSync(`/proc/${each}/cmdline`, 'utf8').includes('holdfast-keeper'));

const alive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

for (const [isolation, skip] of isolations) {
  describe(`custody in ${isolation}`, { skip }, () => {
    let folder = '';
    let custody: Custody;
    let key: KeyDescription;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'holdfast-custody-'));
      custody = await Custody.start({ storeFolder: folder, isolation });
      key = await custody.bind((await custody.create('main')).key, binding);
    });
    after(async () => {
      await custody.close();
      rmSync(folder, { recursive: true });
    });

    it('keeps keys, and says what they are', async () => {
      assert.equal(custody.level, 'software, unsealed');
      assert.equal(custody.isolation, isolation);
      assert.deepEqual(key.binding, binding);
      assert.deepEqual(await custody.list(), [key]);
      assert.deepEqual(await custody.describe(key.key), key);
      const spare = await custody.create('spare');
      await custody.destroy(spare.key);
      assert.equal(await outcomeOf(() => custody.describe(spare.key)), 'key_unknown');
      assert.equal(await outcomeOf(() => custody.bind(key.key, { fleet, agent: new Uint8Array(16) })), 'custody_refused');
    });

    it('is a KeyHolder: signs and opens for its agent, refuses for others', async () => {
      const holder = custody.holder(key);
      const sealed = await sealTo(primitives, holder.publicKeys.seal, grant, utf8('credential'));
      assert.deepEqual(await openSealed(holder, primitives, grant, sealed), utf8('credential'));
      const theirs = { ...grant, agent: new Uint8Array(16) };
      assert.equal(await outcomeOf(() => openSealed(holder, primitives, theirs, sealed)), 'custody_refused');

      const nowMs = Date.now();
      const session = { v: 1, fleet, agent, key: key.publicKeys.sign, notBeforeMs: nowMs, notAfterMs: nowMs + 300_000 } as const;
      const wire = await certifySessionKey(holder, session);
      const asked = { fleet, agent, agentKey: key.publicKeys.sign, atMs: nowMs };
      assert.deepEqual((await verifySessionKey(primitives, wire, asked)).key, session.key);
      const later = { ...session, notBeforeMs: nowMs + 3_600_000, notAfterMs: nowMs + 3_900_000 };
      assert.equal(await outcomeOf(() => certifySessionKey(holder, later)), 'custody_refused');

      assert.equal(await outcomeOf(() => holder.sign('pulse', utf8('x'))), 'custody_refused');
      assert.match(await outcomeOf(() => holder.sign('entry', utf8('any bytes'))), /^codec_/);
    });

    it('answers a hundred calls at once, each its own', async () => {
      const holder = custody.holder(key);
      const sealings = await Promise.all(
        Array.from({ length: 100 }, async (_, index) => sealTo(primitives, holder.publicKeys.seal, grant, Uint8Array.of(index))),
      );
      const opened = await Promise.all(sealings.map(async (sealed) => openSealed(holder, primitives, grant, sealed)));
      assert.deepEqual(
        opened.map(([index]) => index),
        Array.from({ length: 100 }, (_, index) => index),
      );
    });

    it('has one-time keys overwritten on wipe', async () => {
      const holder = custody.holder(key);
      const { encapsulated } = await sealTo(primitives, holder.publicKeys.seal, grant, utf8('credential'));
      const lent = [await holder.open(grant, encapsulated), await holder.open(grant, encapsulated)];
      assert.ok(lent.every((each) => each.key.some((byte) => byte !== 0)));
      holder.wipe();
      for (const each of lent) assert.ok([...each.key, ...each.nonce].every((byte) => byte === 0));
    });

    it('has no socket but its stdio, which nobody else can connect to [CUSTODY-17]', () => {
      for (const pid of kept(custody.pid)) {
        const links = readdirSync(`/proc/${pid}/fd`).map((fd) => [Number(fd), readlinkSync(`/proc/${pid}/fd/${fd}`)] as const);
        const stdio = new Set(links.filter(([fd]) => fd <= 2).map(([, link]) => link));
        for (const [fd, link] of links.filter(([, link]) => link.startsWith('socket:')))
          assert.ok(stdio.has(link), `${pid} has ${fd}: ${link}`);
        // Descriptors of files: nothing of ours leaks in.
        for (const [fd, link] of links) if (link.startsWith('/')) assert.equal(link, '/dev/null', `${pid} has ${fd}: ${link}`);
        // Stdio was made in our own network namespace, whose table shows it: connected (03), a stream (0001), and without a name.
        const table = readFileSync('/proc/net/unix', 'utf8').split('\n');
        for (const link of stdio) {
          const inode = link.replace(/^socket:\[(\d+)\]$/, '$1');
          const row = table.map((line) => line.trim().split(/\s+/)).find((fields) => fields[6] === inode);
          assert.deepEqual(row?.slice(4), ['0001', '03', inode], `stdio ${link} of ${pid}`);
        }
      }
    });

    it('has no environment but what its start sets', () => {
      for (const pid of kept(custody.pid)) {
        const names = readFileSync(`/proc/${pid}/environ`, 'utf8')
          .split('\0')
          .map((each) => each.split('=')[0]);
        assert.deepEqual(
          names.filter((name) => name !== '' && name !== 'PWD'),
          [],
          `environment of ${pid}`,
        );
      }
    });

    it('overwrites the passphrase it was given', async (t) => {
      const sealedFolder = temporary(t);
      const passphrase = utf8('correct horse');
      const sealed = await Custody.start({ storeFolder: sealedFolder, passphrase, isolation });
      assert.equal(sealed.level, 'software');
      assert.ok(passphrase.every((byte) => byte === 0));
      await sealed.close();
      assert.equal(
        await outcomeOf(() => Custody.start({ storeFolder: sealedFolder, passphrase: utf8('wrong'), isolation })),
        'passphrase_wrong',
      );
      assert.equal(await outcomeOf(() => Custody.start({ storeFolder: sealedFolder, isolation })), 'passphrase_wrong');
    });

    it('when it is killed: every call fails with a code, for good; what was answered is kept', async (t) => {
      const own = temporary(t);
      const doomed = await Custody.start({ storeFolder: own, isolation });
      const kept = await doomed.bind((await doomed.create('main')).key, binding);
      const holder = doomed.holder(kept);
      const sealed = await sealTo(primitives, holder.publicKeys.seal, grant, utf8('credential'));
      const pids = processTree(doomed.pid);
      const inFlight = Array.from({ length: 50 }, async () => openSealed(holder, primitives, grant, sealed));
      process.kill(pids.at(-1) ?? 0, 'SIGKILL');
      const outcomes = (await Promise.allSettled(inFlight)).map((each) =>
        each.status === 'fulfilled' ? 'ok' : codeOf(each.reason),
      );
      assert.ok(
        outcomes.every((outcome) => outcome === 'ok' || outcome === 'custody_unavailable'),
        outcomes.join(),
      );
      await doomed.ended;
      assert.equal(await outcomeOf(() => doomed.list()), 'custody_unavailable');
      assert.equal(await outcomeOf(() => holder.open(grant, sealed.encapsulated)), 'custody_unavailable');
      await doomed.close();

      const next = await Custody.start({ storeFolder: own, isolation });
      assert.deepEqual(await next.list(), [kept]);
      assert.deepEqual(await openSealed(next.holder(kept), primitives, grant, sealed), utf8('credential'));
      await next.close();
    });

    it('when it hangs: the call fails in time, and the process is ended', async (t) => {
      const own = temporary(t);
      const hung = await Custody.start({ storeFolder: own, isolation, callTimeoutMs: 10_000 });
      const pids = processTree(hung.pid);
      process.kill(pids.at(-1) ?? 0, 'SIGSTOP');
      assert.equal(await outcomeOf(() => hung.list()), 'custody_unavailable');
      await hung.ended;
      await hung.close();
    });

    it('ends with its owner', async (t) => {
      const own = temporary(t);
      const ending = await Custody.start({ storeFolder: own, isolation });
      const pids = processTree(ending.pid);
      await ending.close();
      await ending.ended;
      // Its descriptors are closed by now; a process within bubblewrap may take a moment longer to be gone, and tells nobody.
      const deadline = performance.now() + patienceMs;
      while (pids.some(alive) && performance.now() < deadline) await setTimeout(5);
      assert.deepEqual(pids.filter(alive), []);
      assert.equal(await outcomeOf(() => ending.list()), 'custody_unavailable');
    });
  });
}

describe('custody in namespaces, seen from outside', { skip: noNamespaces() }, () => {
  it('has no network, no other process and no other file [CUSTODY-18]', async (t) => {
    const folder = temporary(t);
    const custody = await Custody.start({ storeFolder: folder, isolation: 'namespaces' });
    try {
      const inner = processTree(custody.pid).at(-1) ?? 0;
      for (const kind of ['net', 'pid', 'user', 'ipc', 'uts', 'mnt']) {
        assert.notEqual(readlinkSync(`/proc/${inner}/ns/${kind}`), readlinkSync(`/proc/self/ns/${kind}`), kind);
      }
      const interfaces = readFileSync(`/proc/${inner}/net/dev`, 'utf8')
        .split('\n')
        .slice(2)
        .map((line) => line.split(':')[0]?.trim());
      assert.deepEqual(
        interfaces.filter((name) => name !== ''),
        ['lo'],
      );
      for (const table of ['tcp', 'tcp6', 'udp', 'udp6', 'unix']) {
        const path = `/proc/${inner}/net/${table}`;
        if (existsSync(path)) assert.deepEqual(readFileSync(path, 'utf8').trim().split('\n').slice(1), [], table);
      }
      assert.match(readFileSync(`/proc/${inner}/status`, 'utf8'), /^CapEff:\s+0+$/m);
      const mounts = readFileSync(`/proc/${inner}/mountinfo`, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(' '));
      const writable = mounts.filter((fields) => fields[5]?.split(',').includes('rw') === true).map((fields) => fields[4] ?? '');
      assert.ok(writable.includes(folder));
      assert.deepEqual(
        writable.filter((path) => path !== '/' && path !== folder && !path.startsWith('/dev')),
        [],
      );
      assert.ok(
        !mounts.some((fields) => fields[4] === '/proc' || fields[4] === '/etc' || fields[4] === '/home' || fields[4] === '/root'),
      );
    } finally {
      await custody.close();
    }
  });
});

describe('custody whose daemon is killed', { skip: noNamespaces() }, () => {
  it('in the midst of its start: nothing of it is left, and no other daemon sees to it [CUSTODY-18]', async (t) => {
    const folder = temporary(t);
    const start = `const { Custody } = await import(${JSON.stringify(new URL('../../src/custody/custody.ts', import.meta.url))});
      console.log('starting');
      await Custody.start({ storeFolder: ${JSON.stringify(folder)}, isolation: 'namespaces' });
      setInterval(() => {}, 60_000);`;
    for (let round = 0; round < share({ ci: 6, soak: 300 }); round += 1) {
      const daemon = spawn(process.execPath, ['--input-type=module', '-e', start], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(daemon.stdout, 'data');
      await setTimeout(Math.random() * 300);
      daemon.kill('SIGKILL');
      await noneLeft(folder);
    }
  });
});

describe('custody under the permission model [CUSTODY-17]', () => {
  it('can start nothing, and read and write nothing but its code and its store', (t) => {
    const folder = temporary(t);
    // The command of custody with another program in its place, at the same path in the list of what may be read.
    const probe = join(folder, 'probe.mjs');
    const [node, ...args] = custodyCommand({ ...treeProgram(), main: probe }, { storeFolder: folder }, undefined);
    const script = `
      import { readFileSync, writeFileSync } from 'node:fs';
      import { spawnSync } from 'node:child_process';
      import { Worker } from 'node:worker_threads';
      const tries = {
        read: () => readFileSync('/etc/passwd'),
        list: () => readFileSync(${JSON.stringify(tmpdir())} + '/x'),
        write: () => writeFileSync(${JSON.stringify(join(treeProgram().code[0] ?? '', 'x'))}, ''),
        spawn: () => spawnSync('true'),
        worker: () => new Worker('1', { eval: true }),
        code: () => new Function('return 1')(),
        own: () => writeFileSync(${JSON.stringify(join(folder, 'own'))}, ''),
      };
      for (const [name, act] of Object.entries(tries)) {
        try { act(); console.log(name, 'done'); } catch (thrown) { console.log(name, thrown.code ?? thrown.name); }
      }`;
    writeFileSync(probe, script);
    const said = execFileSync(node, args, { env: {}, encoding: 'utf8' }).trim().split('\n');
    const refused = ['read', 'list', 'write', 'spawn', 'worker'].map((name) => `${name} ERR_ACCESS_DENIED`);
    assert.deepEqual(said, [...refused, 'code EvalError', 'own done']);
  });

  it('says what to do when custody cannot start', async (t) => {
    const folder = temporary(t);
    const program = { ...treeProgram(), main: join(folder, 'absent.ts') };
    await assert.rejects(Custody.start({ storeFolder: folder, program, isolation: 'permissions' }), {
      code: 'custody_unavailable',
      next: /npm start/,
    });
    await assert.rejects(
      Custody.start({ storeFolder: folder, program: { ...program, node: '/nowhere/node' }, isolation: 'permissions' }),
      {
        code: 'custody_unavailable',
      },
    );
  });
});
