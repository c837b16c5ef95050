// An operator sets for how long records are kept, and two days later the first of them go from the agent's machine: hashes and proofs stay, both verifiers and
// a checkpoint from before still hold, and the operator's other device still reads all of it at the relay. The machine's own clock lets nothing go,
// the witness's and the operator's do.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { failureOf, Installation, jsonOf, root, runProgram } from '../packages/testkit/src/installation.ts';

interface Verdict {
  readonly ok?: boolean;
  readonly events: number;
  readonly root: string;
  readonly pruned?: { readonly records: number; readonly version: number; readonly retentionDays: number };
}

describe('records that are kept for a day', () => {
  /** The relay and the operator's first device, the agent's machine, and a device that joined later. */
  let hub: Installation;
  let machine: Installation;
  let phone: Installation;
  let clock: string;
  /** In one step: a program that found the file empty would take it for no move at all. */
  const moveClock = async (by: string): Promise<void> => {
    await writeFile(`${clock}.new`, `${by}\n`);
    await rename(`${clock}.new`, clock);
  };

  before(async () => {
    hub = await Installation.create();
    machine = await Installation.create();
    phone = await Installation.create();
    clock = path.join(hub.folder, 'clock');
    await moveClock('+0');
    const preload = execFileSync('faketime', ['-f', '+0', 'sh', '-c', 'printf %s "$LD_PRELOAD"']).toString();
    const moved = {
      LD_PRELOAD: preload,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    for (const each of [hub, machine, phone]) Object.assign(each.environment, moved);
    await hub.start();
    await hub.must(['init', '--name', 'story', '--json']);
    machine.relayUrl = hub.url;
    await machine.start();
    await machine.enrol('main', hub);
    await phone.join(hub, 'phone');
  });
  after(async () => {
    await machine.remove();
    await phone.remove();
    await hub.remove();
  });

  const verify = async (...words: readonly string[]): Promise<Verdict> =>
    jsonOf<Verdict>(await machine.cli(['audit', 'verify', ...words, '--json']));
  const kept = (name: string): string => path.join(machine.folder, name);
  const sessionsAtRelay = async (count: number): Promise<void> => {
    for (;;) {
      const ran = await phone.operator(['audit', 'show', '--shipped', '--what', 'session-end', '--json']);
      if (ran.code === 0 && jsonOf<{ events: unknown[] }>(ran).events.length >= count) return;
    }
  };
  /** Whether the first event is there: asked without a checkpoint, which custody does not sign while the clock is moved, for its own never was. */
  const firstIsThere = async (): Promise<boolean> => {
    const ran = await machine.cli(['audit', 'reveal', '0', '--json']);
    if (ran.code === 0) return true;
    assert.match(failureOf(ran).message, /was pruned/);
    return false;
  };
  let early: Verdict;
  let gone: number;

  it('are signed for, cosigned and shipped while they are young', async () => {
    await machine.run(['true']);
    await machine.stop();
    await machine.start(); // the next file begins
    await machine.run(['true']);
    await hub.must(['audit', 'policy', 'set', '--retention', '1d']);
    const checkpoint = await machine.cli(['audit', 'checkpoint', '--out', kept('checkpoint')]);
    assert.equal(checkpoint.code, 0, checkpoint.stderr);
    const note = await machine.cli(['audit', 'checkpoint', '--note', '--out', kept('note'), '--json']);
    assert.equal(jsonOf<{ witnesses: string[] }>(note).witnesses.length, 1);
    await sessionsAtRelay(2);
    early = await verify();
    assert.equal(early.pruned, undefined);
  });

  it('[AUDIT-69] stay while only clocks go on, and go with the next pulse, as the policy says', async () => {
    await moveClock('+2d');
    assert.ok(await firstIsThere());
    await hub.must(['pulse']);
    while (await firstIsThere());
    await moveClock('+0');
    const { pruned } = await verify();
    assert.deepEqual([pruned?.version, pruned?.retentionDays], [1, 1]);
    gone = pruned?.records ?? 0;
    assert.ok(gone > 0 && gone < early.events);
  });

  it('[AUDIT-68] leave a log that verifies, here, against what was kept from before, and elsewhere, and says what went and why', async () => {
    for (const file of ['checkpoint', 'note']) assert.equal((await verify('--checkpoint', kept(file))).pruned?.records, gone);
    const bundle = kept('bundle');
    assert.equal((await machine.cli(['audit', 'export', '--format', 'bundle', '--out', bundle])).code, 0);
    const verifier = path.join(root, 'packages/audit-verifier/bin/holdfast-verify.mjs');
    for (const words of [[bundle], [bundle, '--checkpoint', kept('checkpoint')], [bundle, '--checkpoint', kept('note')]]) {
      const said = await runProgram(process.execPath, [verifier, ...words], {});
      assert.equal(said.code, 0, said.stdout);
      assert.match(said.stdout, new RegExp(`what ${gone} records said: policy 1 had them pruned, of 1 days`));
      assert.doesNotMatch(said.stdout, /withholds/);
    }
    const shown = await machine.cli(['audit', 'show']);
    assert.match(shown.stdout, new RegExp(`^${gone} events were pruned by policy 1, which keeps them for 1 days`));
    assert.equal(failureOf(await machine.cli(['audit', 'show', '0', '--json'])).code, 'usage');
    for (const words of [['audit', 'replay'], ['time'], ['audit', 'export', '--format', 'tiles', '--out', kept('tiles')]])
      assert.equal((await machine.cli(words)).code, 0, words.join(' '));
  });

  it('[SHIP-9] are all there for the operator on another device', async () => {
    await machine.run(['true']);
    await sessionsAtRelay(3);
    const fetched = jsonOf<Verdict>(await phone.operator(['audit', 'fetch', '--json']));
    assert.equal(fetched.pruned, undefined);
    const { events } = jsonOf<{ events: { sequence: number }[] }>(await phone.operator(['audit', 'show', '--shipped', '--json']));
    assert.equal(events[0]?.sequence, 0);
    assert.ok(fetched.events > gone);
  });

  it('[AUDIT-66] are no more after a kill, and the machine goes on', async () => {
    process.kill(await machine.daemonPid(), 'SIGKILL');
    await machine.ended();
    await machine.start();
    assert.equal((await machine.run(['true'])).code, 0);
    assert.ok(((await verify()).pruned?.records ?? 0) >= gone); // the file that the kill closed is as old, by that pulse
    await sessionsAtRelay(4);
  });
});
