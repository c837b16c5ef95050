// The disk fails under the running parts, as the kernel would tell them: what cannot be written does not happen and says so with the next step,
// nothing that was acknowledged is lost, and once the disk is mended everything goes on by itself. The service counts, not we.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  assertVerifies,
  call,
  caller,
  consumedOnce,
  eventsOf,
  statusUntil,
  type RecordedEvent,
} from '../packages/testkit/src/caller.ts';
import { newCanary } from '../packages/testkit/src/canary.ts';
import { failureOf, Installation, jsonOf, type Ran } from '../packages/testkit/src/installation.ts';
import type { LiveProgram } from '../packages/testkit/src/live-program.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';
import { makeReadOnly, makeWritable } from '../packages/testkit/src/read-only.ts';
import { diskCalls, everythingBelow, intervene, noStrace, type Intervening } from '../packages/testkit/src/strace.ts';

type Part = 'daemon' | 'custody' | 'relay';
type Fault = 'EIO' | 'EROFS';

const secret = newCanary();

function assertClear(ran: Ran, codes: RegExp): void {
  assert.notEqual(ran.code, 0, ran.stdout);
  const error = failureOf(ran);
  assert.match(error.code, codes, ran.stdout);
  assert.ok((error.next ?? '').length > 0, ran.stdout);
}

/** A fleet whose home is a file system of its own that only `start` and commands see. */
class Scene {
  readonly holdfast: Installation;
  readonly origin: Origin;
  session!: LiveProgram;
  private recorded: readonly RecordedEvent[] = [];
  private items: string[] = [];
  private faults = 0;

  private constructor(holdfast: Installation, origin: Origin) {
    this.holdfast = holdfast;
    this.origin = origin;
  }

  static async begin(): Promise<Scene> {
    const scene = new Scene(await Installation.create(), await startOrigin());
    const { holdfast, origin } = scene;
    await mkdir(holdfast.home, { mode: 0o700 });
    await scene.start();
    await holdfast.must(['init', '--name', 'frail', '--json']);
    await holdfast.enrol('main');
    await holdfast.giveCredential('demo', secret, origin, { env: 'DEMO_TOKEN' });
    scene.items = ['demo'];
    scene.session = await caller(holdfast, scene.url);
    return scene;
  }

  get url(): string {
    return `https://localhost:${this.origin.port}/v1/me`;
  }

  async start(): Promise<void> {
    const { holdfast } = this;
    await holdfast.start({ within: ['bwrap', '--dev-bind', '/', '/', '--bind', holdfast.home, holdfast.home, '--'] });
    const user = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials'];
    holdfast.before = ['nsenter', '--target', String(holdfast.startPid), ...user, '--mount', `--wdns=${holdfast.work}`, '--'];
  }

  async end(): Promise<void> {
    await this.session.end();
    await this.holdfast.remove();
    await this.origin.close();
  }

  /** Meanwhile every call fails by which these parts change what is stored of them, or those that `when` says. */
  async failing(parts: readonly Part[], error: Fault, act: () => Promise<void>, when?: string): Promise<void> {
    const { holdfast } = this;
    const pids = await holdfast.parts();
    const disks: Intervening[] = [];
    try {
      for (const part of parts) {
        const folder = path.join(holdfast.home, part === 'custody' ? 'daemon/custody' : part);
        const intervention = { calls: ['write', ...diskCalls], paths: everythingBelow(folder), by: { error }, when };
        disks.push(await intervene(pids[part], intervention, path.join(holdfast.folder, `strace-${(this.faults += 1)}`)));
      }
      await act();
    } finally {
      let met = 0;
      for (const disk of disks) met += await disk.end();
      assert.ok(met > 0, `${parts.join(' and ')} met the fault`);
    }
  }

  operator(...words: readonly string[]): Promise<Ran> {
    return this.holdfast.operator([...words, '--json']);
  }

  async addItem(name: string): Promise<Ran> {
    const words = ['vault', 'add', name, '--host', 'api.example.com', '--attach', 'bearer', '--json'];
    const ran = await this.holdfast.operator(words, { input: 'a-secret-of-enough-bytes' });
    if (ran.code === 0) this.items.push(name);
    return ran;
  }

  /** All that must hold at any time, by the service's count, the record's and the operator's. */
  async check(): Promise<void> {
    const events = await eventsOf(this.holdfast);
    assert.deepEqual(events.slice(0, this.recorded.length), this.recorded, 'nothing recorded is lost');
    this.recorded = events;
    await assertVerifies(this.holdfast);
    const consumed = consumedOnce(events);
    assert.ok(
      consumed.length >= this.origin.seen.length,
      `the service saw ${this.origin.seen.length}, the record has ${consumed.length}`,
    );
    const { items } = jsonOf<{ items: { name: string }[] }>(await this.operator('vault', 'list'));
    for (const name of this.items)
      assert.ok(
        items.some((item) => item.name === name),
        `${name} was acknowledged`,
      );
  }

  /** Calls work again, without a hand. */
  async works(): Promise<void> {
    const count = this.origin.seen.length;
    assert.equal(await call(this.session), '200');
    assert.equal(this.origin.seen.length, count + 1);
    await this.check();
  }

  /** kill -9 of a part, and a start: only what is on the disk is left. */
  async crash(part: Part): Promise<void> {
    const { holdfast } = this;
    const pid = (await holdfast.parts())[part];
    const ended = holdfast.ended();
    process.kill(pid, 'SIGKILL');
    await ended;
    await this.session.end();
    await this.start();
    this.session = await caller(holdfast, this.url);
    await this.works();
  }
}

describe('a disk that fails under the running parts', { skip: noStrace() }, () => {
  let scene: Scene;
  let grants = 1;
  before(async () => {
    scene = await Scene.begin();
  });
  after(() => scene.end());

  for (const error of ['EIO', 'EROFS'] as const) {
    const name = error.toLowerCase();

    it(`the daemon's, ${error}: no use without its record; what the fleet decided meanwhile holds`, async () => {
      await scene.works();
      await scene.failing(['daemon'], error, async () => {
        const count = scene.origin.seen.length;
        for (let calls = 0; calls < 3; calls += 1) assert.equal(await call(scene.session), '403 audit_unavailable');
        assert.equal(scene.origin.seen.length, count);
        const refused = await scene.holdfast.run(['true']);
        assert.deepEqual([refused.code, /\(\w+\)\n\s+next: /.test(refused.stderr)], [125, true], refused.stderr);
        assert.equal((await scene.addItem(`meanwhile-${name}`)).code, 0, 'the relay takes it');
        await scene.holdfast.must(['vault', 'grant', `meanwhile-${name}`, '--to', 'main']);
      });
      grants += 1;
      await statusUntil(scene.holdfast, (text) => text.includes(`"grants":${grants}`));
      await scene.works();
      await scene.crash('daemon');
      await statusUntil(scene.holdfast, (text) => text.includes(`"grants":${grants}`));
    });

    it(`the relay's, ${error}: what it cannot keep is refused, calls go on, nothing that it acknowledged is lost`, async () => {
      await scene.failing(['relay'], error, async () => {
        assertClear(await scene.addItem(`never-${name}`), /^(store_failed|store_full)$/);
        assert.equal(await call(scene.session), '200', 'what is fresh stays so');
      });
      assert.equal((await scene.addItem(`later-${name}`)).code, 0);
      await scene.works();
      if (error === 'EIO') await scene.crash('relay');
    });

    it(`custody's, ${error}: no key is made that is not kept, keys that there are go on`, async () => {
      await scene.failing(['custody'], error, async () => {
        assertClear(await scene.holdfast.cli(['enroll', '--scope', `never-${name}`, '--json']), /^store_failed$/);
        assert.equal(await call(scene.session), '200');
      });
      await scene.holdfast.enrol(`later-${name}`);
      await scene.works();
      if (error === 'EIO') await scene.crash('custody');
    });
  }

  it("the daemon's at the n-th call of each kind: a call arrives and is on record, or is refused and does not arrive", async () => {
    for (const when of ['1', '2', '3']) {
      const count = scene.origin.seen.length;
      const answers: string[] = [];
      const calls = async (): Promise<void> => {
        for (let done = 0; done < 8; done += 1) answers.push(await call(scene.session));
      };
      await scene.failing(['daemon'], 'EIO', calls, when);
      for (const answer of answers) assert.match(answer, /^(200|403 audit_unavailable)$/);
      assert.equal(scene.origin.seen.length - count, answers.filter((answer) => answer === '200').length);
      await scene.works();
    }
    await scene.crash('daemon');
  });
});

describe('a home that becomes read-only under the running parts', { skip: noStrace() }, () => {
  it('nothing happens that is not on record, nothing acknowledged is lost, and it goes on once it is writable', async () => {
    const scene = await Scene.begin();
    const { holdfast } = scene;
    try {
      await scene.works();
      // Both ways at once: what is opened from now on, and what is open already.
      makeReadOnly(holdfast.startPid, holdfast.home);
      await scene.failing(['daemon', 'relay'], 'EROFS', async () => {
        const count = scene.origin.seen.length;
        assert.equal(await call(scene.session), '403 audit_unavailable');
        assert.equal(scene.origin.seen.length, count);
        assertClear(await scene.addItem('never'), /^(store_failed|home_unsafe)$/); // by the command itself, which keeps heads there
        assertClear(await holdfast.cli(['enroll', '--scope', 'never', '--json']), /^store_failed$/);
        const refused = await holdfast.run(['true']);
        assert.deepEqual([refused.code, /\(\w+\)\n\s+next: /.test(refused.stderr)], [125, true], refused.stderr);
      });
      makeWritable(holdfast.startPid, holdfast.home);
      await scene.works();
      assert.equal((await scene.addItem('later')).code, 0);
      await holdfast.enrol('later');
      await scene.crash('daemon');
    } finally {
      await scene.end();
    }
  });
});
