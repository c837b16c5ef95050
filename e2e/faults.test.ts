// What goes wrong around it: killed processes, a full disk, no bubblewrap, a relay that is gone, clocks that jump. Each ends in a clear message
// with the next step, nothing recorded is lost, and nothing runs unsealed or unrecorded.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { assertVerifies, call, caller, consumedOnce, eventsOf, statusUntil } from '../packages/testkit/src/caller.ts';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { failureOf, Installation, jsonOf, type Ran } from '../packages/testkit/src/installation.ts';
import type { LiveProgram } from '../packages/testkit/src/live-program.ts';
import { gone } from '../packages/testkit/src/processes.ts';
import { startOrigin, streamAnswer, type Origin } from '../packages/testkit/src/origin.ts';

const secret = newCanary();

describe('kill -9', () => {
  let holdfast: Installation;
  let origin: Origin;
  before(async () => {
    origin = await startOrigin((seen, request, response) =>
      seen.url === '/v1/stream' ? streamAnswer(seen, request, response) : void response.end('ok\n'),
    );
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.giveCredential('demo', secret, origin, { env: 'DEMO_TOKEN' });
  });
  after(async () => {
    await holdfast.remove();
    await origin.close();
  });
  const curl = (): Promise<Ran> => holdfast.run(['curl', '-sS', `https://localhost:${origin.port}/v1/me`]);

  it('of the daemon: start ends and says so, the open session is gone, nothing recorded is lost', async () => {
    const urls = Array.from({ length: 20 }, (_, index) => `https://localhost:${origin.port}/v1/many-${index}`);
    assert.equal((await holdfast.run(['curl', '-sS', '-Z', ...urls])).code, 0);
    const recorded = await eventsOf(holdfast);
    const mark = `mark-${process.pid}-${Date.now()}`;
    const open = holdfast.session(['sh', '-c', `curl -sSN https://localhost:${origin.port}/v1/stream & exec sleep 1000`, mark]);
    await open.waitFor(/data: 3/);
    const { daemon } = await holdfast.parts();
    process.kill(daemon, 'SIGKILL');
    assert.equal(await holdfast.ended(), 3);
    assert.match(holdfast.log, /the daemon ended \(SIGKILL\)/);
    assert.equal((await open.ended).code, 125);
    assert.match(open.complained, /\(daemon_unreachable\)\n.*npm start/);
    await gone(mark);

    await holdfast.start();
    const now = await eventsOf(holdfast);
    assert.deepEqual(now.slice(0, recorded.length), recorded);
    consumedOnce(now);
    await assertVerifies(holdfast);
    assert.equal((await curl()).stdout, 'ok\n');
    consumedOnce(await eventsOf(holdfast));
  });

  it('of custody, the relay, or start itself: it ends as a whole and starts again as it was', async () => {
    for (const part of ['custody', 'relay'] as const) {
      process.kill((await holdfast.parts())[part], 'SIGKILL');
      assert.equal(await holdfast.ended(), 3, part);
      await holdfast.start();
      assert.equal((await curl()).stdout, 'ok\n', part);
    }
    process.kill(holdfast.startPid, 'SIGKILL');
    await holdfast.ended();
    // The home is free once the daemon has noticed; until then a start says that it is taken.
    for (let tries = 0; tries < 20; tries += 1) {
      const failed = await holdfast.start().then(() => undefined, String);
      if (failed === undefined) break;
      assert.match(failed, /\((already_running|port_taken)\)/);
    }
    assert.equal((await curl()).stdout, 'ok\n');
    await assertVerifies(holdfast);
    const items = jsonOf<{ items: { name: string }[] }>(await holdfast.operator(['vault', 'list', '--json'])).items;
    assert.deepEqual(
      items.map(({ name }) => name),
      ['demo'],
    );
  });
});

describe('a passphrase for custody', () => {
  it('seals the keys; a wrong one is told as such and changes nothing', async () => {
    const holdfast = await Installation.create();
    const parameters = ['--passphrase-file', holdfast.passphraseFile];
    await holdfast.settle({ parameters });
    assert.match((await holdfast.cli(['status', '--json'])).stdout, /"custody":"software"/);
    await holdfast.stop();
    const wrong = path.join(holdfast.folder, 'wrong');
    await writeFile(wrong, 'another passphrase\n');
    for (const attempt of [['--passphrase-file', wrong], []]) {
      const said = await holdfast.start({ parameters: attempt }).then(() => 'it started', String);
      assert.match(said, /\((passphrase_wrong|custody_unavailable|custody_refused)\)\n +next: /);
    }
    await holdfast.start({ parameters });
    assert.match((await holdfast.cli(['status', '--json'])).stdout, /"state":"live"/);
    await holdfast.remove();
  });
});

describe('a machine without bubblewrap', () => {
  it('run ends with 125 and the command that installs it, and never runs the command', async () => {
    const holdfast = await Installation.create();
    const masks = ['/usr/bin/bwrap', '/usr/local/bin/bwrap']
      .filter((file) => existsSync(file))
      .flatMap((file) => ['--ro-bind', '/dev/null', file]);
    await holdfast.settle({ within: ['bwrap', '--dev-bind', '/', '/', ...masks, '--'] });
    const ran = await holdfast.run(['sh', '-c', 'echo unsealed; touch unsealed']);
    assert.deepEqual([ran.code, ran.stdout], [125, '']);
    assert.match(ran.stderr, /\(sandbox_unavailable\)\n.*next: .*install/);
    assert.ok(!existsSync(path.join(holdfast.work, 'unsealed')));
    await holdfast.remove();
  });
});

describe('a full disk', () => {
  let holdfast: Installation;
  let origin: Origin;
  /** In the home, which is a small file system of its own that only `start` and commands see. */
  let filler: string;
  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
    await mkdir(holdfast.home, { mode: 0o700 });
    const { home } = holdfast;
    await holdfast.start({
      within: ['bwrap', '--dev-bind', '/', '/', '--perms', '0700', '--size', String(24 << 20), '--tmpfs', home, '--'],
    });
    const user = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials'];
    holdfast.before = ['nsenter', '--target', String(holdfast.startPid), ...user, '--mount', `--wdns=${holdfast.work}`, '--'];
    filler = path.join(`/proc/${holdfast.startPid}/root${home}`, 'filler');
    await holdfast.must(['init', '--name', 'small', '--json']);
    await holdfast.enrol('main');
    await holdfast.giveCredential('demo', secret, origin, { env: 'DEMO_TOKEN' });
  });
  after(async () => {
    await holdfast.remove();
    await origin.close();
  });

  const fill = async (): Promise<void> => {
    const file = await open(filler, 'w');
    const write = (bytes: number): Promise<unknown> => file.write(Buffer.alloc(bytes, 1));
    for (const bytes of [1 << 20, 4096, 1]) {
      for (let full = false; !full;)
        full = await write(bytes).then(
          () => false,
          (error: NodeJS.ErrnoException) => error.code === 'ENOSPC' || Promise.reject(error),
        );
    }
    await file.close();
  };

  it('no use without its record: what cannot be written does not happen, and says why and what to do', async () => {
    const session = await caller(holdfast, `https://localhost:${origin.port}/v1/me`);
    assert.equal(await call(session), '200');
    const recorded = await eventsOf(holdfast);
    await fill();
    // The last page of a file may have room for a few records more.
    let answer = '200';
    for (let calls = 0; calls < 50 && answer === '200'; calls += 1) answer = await call(session);
    assert.equal(answer, '403 audit_unavailable');
    const count = origin.seen.length;
    assert.equal(await call(session), '403 audit_unavailable');
    assert.equal(origin.seen.length, count);
    const added = await holdfast.operator(['vault', 'add', 'more', '--host', 'api.example.com', '--attach', 'bearer', '--json'], {
      input: 'a-secret-of-enough-bytes',
    });
    assert.notEqual(added.code, 0, added.stdout);
    const error = failureOf(added);
    assert.match(error.code, /^(store_full|store_failed|home_unsafe)$/, added.stdout);
    assert.ok((error.next ?? '').length > 0, added.stdout);

    await rm(filler);
    session.closeInput();
    await session.ended;
    const again = await holdfast.run(['curl', '-sS', `https://localhost:${origin.port}/v1/me`]);
    assert.equal(again.code, 0, again.stderr);
    assert.equal(origin.seen.length, count + 1);
    await assertVerifies(holdfast);
    const now = await eventsOf(holdfast);
    assert.deepEqual(now.slice(0, recorded.length), recorded, 'nothing recorded is lost');
    const consumed = consumedOnce(now).length;
    assert.ok(consumed >= origin.seen.length, `the service saw ${origin.seen.length} calls, the record has ${consumed}`);
    const items = jsonOf<{ items: { name: string }[] }>(await holdfast.operator(['vault', 'list', '--json'])).items;
    assert.deepEqual(
      items.map(({ name }) => name),
      ['demo'],
    );
    assert.equal(
      (
        await holdfast.operator(['vault', 'add', 'more', '--host', 'api.example.com', '--attach', 'bearer', '--json'], {
          input: 'a-secret-of-enough-bytes',
        })
      ).code,
      0,
    );
  });
});

describe('a relay on another machine', () => {
  /** Operator and relay. */
  let there: Installation;
  /** The agent's machine; its clock is ours to move, and later the relay's with it. */
  let here: Installation;
  let origin: Origin;
  let session: LiveProgram;
  let clock: string;
  let moved: Record<string, string>;
  /** In one step: a program that found the file empty would take it for no move at all. */
  const moveClock = async (by: string): Promise<void> => {
    await writeFile(`${clock}.new`, `${by}\n`);
    await rename(`${clock}.new`, clock);
  };
  /** The relay has answered since the clock was moved, and the operator has not. */
  const onlyPulseIsStale = (text: string): boolean => text.includes('stale_pulse') && !text.includes('stale_relay');

  before(async () => {
    origin = await startOrigin();
    there = await Installation.create();
    here = await Installation.create();
    clock = path.join(here.folder, 'clock');
    await moveClock('+0');
    const preload = execFileSync('faketime', ['-f', '+0', 'sh', '-c', 'printf %s "$LD_PRELOAD"']).toString();
    moved = { LD_PRELOAD: preload, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' };
    await Promise.all([there.start(), here.start({ environment: moved })]);
    await there.must(['init', '--name', 'two machines', '--json']);
    const agent = await here.enrol('main', there);
    await there.giveCredential('demo', secret, origin, { to: agent, env: 'DEMO_TOKEN' });
    await statusUntil(here, (text) => text.includes('"grants":1'));
    session = await caller(here, `https://localhost:${origin.port}/v1/me`);
  });
  after(async () => {
    await here.remove();
    await there.remove();
    await origin.close();
  });

  it('carries grants to the machine, and calls work there', async () => {
    assert.equal(await call(session), '200');
  });

  it('that is gone: calls go on for less than a minute, then nothing is minted', async () => {
    await there.stop();
    assert.equal(await call(session), '200');
    const count = origin.seen.length;
    await moveClock('+61s');
    assert.equal(await call(session), '403 stale_relay');
    assert.equal(origin.seen.length, count);
    const { agents, notices } = jsonOf<{ agents: { relayState: string }[]; notices: { code: string; next: string }[] }>(
      await here.cli(['status', '--json']),
    );
    assert.notEqual(agents[0]?.relayState, 'connected');
    assert.ok(notices.some(({ code, next }) => code === 'stale_relay' && next.length > 0));
  });

  it('that is gone: the operator is told so, with the next step', async () => {
    const ran = await there.operator(['pulse', '--json']);
    const error = failureOf(ran);
    assert.deepEqual([ran.code, error.code, (error.next ?? '').length > 0], [3, 'relay_unreachable', true]);
  });

  it('that is back: calls work again', async () => {
    await there.start({ environment: moved });
    await statusUntil(here, (text) => text.includes('"relayState":"connected"') && !text.includes('stale_relay'));
    assert.equal(await call(session), '200');
  });

  it('the machine sleeps for hours: what it knew is as old as that when it wakes, and the relay has to answer first', async () => {
    const { relay } = await there.parts();
    const { daemon, custody } = await here.parts();
    process.kill(relay, 'SIGSTOP');
    try {
      for (const pid of [daemon, custody]) process.kill(pid, 'SIGSTOP');
      await moveClock('+3h'); // no time passes on the monotonic clock, as in a sleep
      for (const pid of [daemon, custody]) process.kill(pid, 'SIGCONT');
      const count = origin.seen.length;
      assert.equal(await call(session), '403 stale_relay');
      assert.equal(origin.seen.length, count);
    } finally {
      process.kill(relay, 'SIGCONT');
    }
    await statusUntil(here, (text) => !text.includes('stale_relay'));
    assert.equal(await call(session), '200');
  });

  it('an operator of whom nothing is heard for more than a day: nothing is minted until the next pulse', async () => {
    await moveClock('+25h');
    await statusUntil(here, onlyPulseIsStale);
    const count = origin.seen.length;
    assert.equal(await call(session), '403 stale_pulse');
    assert.equal(origin.seen.length, count);
    const pulse = await there.operator(['pulse', '--json'], { environment: moved });
    assert.equal(pulse.code, 0, pulse.stdout);
    await statusUntil(here, (text) => !text.includes('stale_pulse'));
    assert.equal(await call(session), '200');
  });

  it('a restart with the clock set back by a day makes the pulse no younger', async () => {
    await moveClock('+50h');
    await statusUntil(here, onlyPulseIsStale);
    session.closeInput();
    await session.ended;
    assert.equal(await here.stop(), 0);
    await moveClock('+26h');
    await here.start({ environment: moved });
    await statusUntil(here, (text) => text.includes('"relayState":"connected"') && !text.includes('stale_relay'));
    // The clock of what runs inside was not moved with its authority's: it is not to look at the certificate's dates.
    session = await caller(here, `--insecure https://localhost:${origin.port}/v1/me`);
    const count = origin.seen.length;
    assert.equal(await call(session), '403 stale_pulse'); // [PULSE-7]
    assert.equal(origin.seen.length, count);
    const pulse = await there.operator(['pulse', '--json'], { environment: moved });
    assert.equal(pulse.code, 0, pulse.stdout);
    await statusUntil(here, (text) => !text.includes('stale_pulse'));
    assert.equal(await call(session), '200');
  });

  it('a revocation reaches the machine by itself and ends its sessions', async () => {
    const revoked = await there.operator(['revoke', 'main', '--json'], { environment: moved });
    assert.equal(revoked.code, 0, revoked.stdout);
    assert.notEqual((await session.ended).code, 0);
    const next = await here.run(['true']);
    assert.deepEqual([next.code, /\(agent_revoked\)/.test(next.stderr)], [125, true]);
    await moveClock('+0'); // custody's own clock never moved, and it signs nothing that is dated a day ahead
    await assertVerifies(here);
  });
});
