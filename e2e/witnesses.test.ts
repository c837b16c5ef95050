// Operators' devices as witnesses of an agent's log: a relay and a machine that lie together put both back to an older state and go on from there, under
// all their own keys. Who saw the log before finds it, cosigns nothing, and has the proof for anybody.

import assert from 'node:assert/strict';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { failureOf, Installation, jsonOf, root, runProgram, type Ran } from '../packages/testkit/src/installation.ts';

interface Witnessed {
  readonly witness: string;
  readonly isNew: boolean;
  readonly agents: readonly { readonly size?: number; readonly error?: { readonly code: string } }[];
}

describe("operators' devices as witnesses", () => {
  /** The relay and the operator's first device, the agent's machine, and a device that joined later. */
  let hub: Installation;
  let machine: Installation;
  let phone: Installation;
  let agent: string;
  const ofMain = ['audit', 'witness', '--agent', 'main', '--json'];
  const file = (name: string): string => path.join(phone.folder, name);

  before(async () => {
    hub = await Installation.create();
    machine = await Installation.create();
    phone = await Installation.create();
    await hub.start();
    await hub.must(['init', '--name', 'story', '--json']);
    machine.relayUrl = hub.url;
    await machine.start();
    agent = await machine.enrol('main', hub);
    await phone.join(hub, 'phone');
  });
  after(async () => {
    await machine.remove();
    await phone.remove();
    await hub.remove();
  });

  /** Until the device has cosigned at least so much: publishing and shipping follow on their own. */
  async function cosigned(by: Installation, atLeast: number, ...words: string[]): Promise<Witnessed & { size: number }> {
    for (;;) {
      const ran = await by.operator([...ofMain, ...words]);
      if (ran.code === 3) continue; // not all of it is there yet
      const said = jsonOf<Witnessed>(ran);
      const size = said.agents[0]?.size ?? 0;
      if (size >= atLeast) return { ...said, size };
    }
  }
  const verify = (...words: string[]): Promise<Ran> =>
    runProgram(process.execPath, [path.join(root, 'packages/audit-verifier/bin/holdfast-verify.mjs'), ...words, '--json'], {});
  const both = async (act: (from: string, to: string) => Promise<void>, name: string): Promise<void> => {
    await machine.stop();
    await hub.stop();
    await act(path.join(hub.home, 'relay'), file(`${name}-relay`));
    await act(machine.home, file(`${name}-machine`));
    await hub.start();
    await machine.start();
  };
  /** The whole machine, and the whole relay. */
  const keep = (name: string): Promise<void> => both((from, to) => cp(from, to, { recursive: true }), name);
  const putBack = (name: string): Promise<void> =>
    both(async (from, to) => {
      await rm(from, { recursive: true });
      await cp(to, from, { recursive: true });
    }, name);
  const seen = (): Promise<Buffer> => readFile(path.join(phone.home, 'operator/witness/seen'));

  const sizeByDevice = async (): Promise<number | undefined> => {
    const { stdout } = await machine.cli(['status', '--json']);
    const { agents } = JSON.parse(stdout) as { agents: { witness: { device?: { size: number } } }[] };
    return agents[0]?.witness.device?.size;
  };

  let first: Witnessed & { size: number };
  let agentKey: string;
  /** The relay's verifier key, as the agent's own machine tells it. */
  let relayKey: string;

  it('[WITNESS-19] a device reads the log, cosigns it, and its word holds on the machine and for the standalone verifier', async () => {
    assert.equal((await cosigned(phone, 1)).isNew, true);
    await machine.run(['true']);
    first = await cosigned(phone, 4, '--out', file('first'));
    assert.match(first.witness, /^holdfast\/device\/[0-9a-f]{16}\+/);
    const again = await cosigned(phone, first.size);
    assert.deepEqual([again.isNew, again.witness], [false, first.witness]);
    const here = await machine.cli(['audit', 'verify', '--checkpoint', file('first'), '--witness', first.witness, '--json']);
    assert.equal(here.code, 0, here.stdout);
    const bundle = file('bundle');
    await phone.must(['audit', 'fetch', '--out', bundle, '--json']);
    const elsewhere = await verify(bundle, '--checkpoint', file('first'), '--witness', first.witness);
    assert.equal(elsewhere.code, 0, elsewhere.stdout);
    const other = first.witness.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    assert.notEqual((await verify(bundle, '--checkpoint', file('first'), '--witness', other)).code, 0);
    const kept = file('kept');
    await machine.cli(['audit', 'checkpoint', '--out', kept]);
    agentKey = (JSON.parse(await readFile(kept, 'utf8')) as { agentKey: string }).agentKey;
    // [WITNESS-23] The daemon hears of it when it next asks the relay, and says so.
    let noted: Ran;
    do noted = await machine.cli(['audit', 'checkpoint', '--note', '--out', file('note'), '--json']);
    while ((await sizeByDevice()) !== again.size);
    relayKey = (JSON.parse(noted.stdout) as { witnesses: string[] }).witnesses[0] ?? assert.fail();
  });

  it('[WITNESS-20] machine and relay, put back together: what is shorter than was seen is told, and nothing is cosigned', async () => {
    await keep('fork');
    await machine.run(['true']);
    await machine.run(['true']);
    await cosigned(phone, first.size + 4, '--out', file('truth'));
    const before = await seen();
    await putBack('fork');
    const failed = await phone.operator(ofMain);
    assert.deepEqual([failed.code, failureOf(failed).code], [4, 'audit_truncated']);
    assert.deepEqual(await seen(), before);
  });

  it('[WITNESS-20, WITNESS-24] grown again, it is another log: found by who saw the first, with a proof that needs nothing of ours', async () => {
    const before = await seen();
    for (let times = 0; times < 4; times += 1) await machine.run(['true']);
    let failed: Ran;
    do
      failed = await phone.operator([...ofMain, '--fork-out', file('proof')]); // until it is as long, it is only shorter
    while (failed.code === 3 || failureOf(failed).code === 'audit_truncated');
    assert.deepEqual([failed.code, failureOf(failed).code], [4, 'audit_altered']);
    assert.deepEqual(await seen(), before);
    const proven = await verify(file('proof'), '--key', agentKey);
    assert.equal(proven.code, 0, proven.stdout);
    const helped = await verify(file('proof'), '--key', agentKey, '--witness', relayKey);
    assert.equal(helped.code, 0, helped.stdout); // the relay cosigned both: it had been put back
    assert.notEqual((await verify(file('proof'), '--key', agentKey, '--witness', first.witness)).code, 0);
  });

  it('[WITNESS-20, WITNESS-24, CLI-94] a device that was shown only the other history finds it by the checkpoint that it is handed', async () => {
    const laptop = await cosigned(hub, 1);
    assert.notEqual(laptop.witness, first.witness);
    const failed = await hub.operator([...ofMain, '--checkpoint', file('truth'), '--fork-out', file('proof-2')]);
    assert.deepEqual([failed.code, failureOf(failed).code], [4, 'audit_altered']);
    assert.equal((await verify(file('proof-2'), '--key', agentKey)).code, 0);
    for (const words of [
      ['audit', 'witness'],
      ['pulse', '--witness'],
    ]) {
      const all = await phone.operator([...words, '--json']);
      assert.equal(all.code, 4);
      assert.equal((JSON.parse(all.stdout) as Witnessed).agents[0]?.error?.code, 'audit_altered');
    }
  });

  it('[CLI-94] a pulse that goes on says so and does go on', async () => {
    const words = ['pulse', '--every', '12h', '--witness', '--json', '--passphrase-file', phone.passphraseFile];
    const going = phone.live(words);
    const [line = ''] = await going.waitFor(/.*\n/);
    assert.equal((JSON.parse(line) as Witnessed).agents[0]?.error?.code, 'audit_altered');
    going.kill();
    assert.equal((await going.ended).code, 0); // as of its own accord, once it is told to
  });

  it('[WITNESS-17] a device that lost what it saw is a new witness, and says so; a damaged memory is not taken for none', async () => {
    await writeFile(path.join(phone.home, 'operator/witness/seen'), 'no');
    assert.equal(failureOf(await phone.operator(ofMain)).code, 'key_invalid');
    for (const lost of ['witness/seen', `audit-${agent}`]) await rm(path.join(phone.home, 'operator', lost));
    let said: Ran;
    do said = await phone.operator(ofMain.slice(0, -1));
    while (said.code === 3); // not all of it is there yet
    assert.equal(said.code, 0, said.stderr);
    assert.match(said.stderr, /begins as a new witness/);
    const anew = await cosigned(phone, 1);
    assert.notEqual(anew.witness, first.witness);
  });
});
