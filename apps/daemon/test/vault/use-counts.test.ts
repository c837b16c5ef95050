// How often a grant was used: by many at once, by clocks that are set, over restarts, and after what was kept of it was put back or taken away.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeValue } from '@holdfast/protocol/codec/cbor';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { AmountLimits } from '@holdfast/protocol/vault/circumstances';
import { share } from '@holdfast/testkit/shares';
import { countUses } from '../../src/agent/counted-uses.ts';
import type { AuditWriter } from '../../src/audit/writer.ts';
import { StateStore } from '../../src/state/store.ts';
import type { Account } from '../../src/vault/account.ts';
import { ByteCounts } from '../../src/vault/byte-counts.ts';
import { HandleTable } from '../../src/vault/mint.ts';
import { UseCounts } from '../../src/vault/use-counts.ts';
import { asItIs, LogWorld, random } from '../audit/log-world.ts';
import { MemoryDisk } from '../audit/memory-disk.ts';

const facts = { scheme: 'https', host: 'api.example.com', port: 443, method: 'GET', path: '/v1/me' };
const basis = { warrant: new Uint8Array(32), rulesVersion: undefined, ask: undefined };
const hourMs = 3_600_000;
const usedUp = (act: () => void): void => assert.throws(act, (thrown) => codeOf(thrown) === 'fence_uses');

/** One agent's grant, its log and its clock, over any number of runs of the daemon. */
class Scene {
  wallMs = 1_790_000_000_000;
  monotonicMs = 5_000_000;
  readonly clock = { nowMs: () => this.wallMs, monotonicMs: () => this.monotonicMs };
  /** Whether checkpoints can be made. */
  signing = true;
  readonly disk = new MemoryDisk();
  readonly store = new StateStore(':memory:');
  readonly holder: { session: Uint8Array; agent: Uint8Array; grant: Uint8Array; item: Uint8Array; name: string };
  readonly world: LogWorld;

  private constructor(world: LogWorld) {
    this.world = world;
    this.holder = { session: random(16), agent: world.agent, grant: random(16), item: random(16), name: 'demo' };
  }

  static async make(): Promise<Scene> {
    return new Scene(await LogWorld.make());
  }

  async run(): Promise<{ audit: AuditWriter; counts: UseCounts; table: HandleTable }> {
    const audit = await this.world.open(this.disk, {
      clock: this.clock,
      ...(this.signing ? {} : { sign: () => Promise.reject(new Error('nobody signs')) }),
      run: { id: random(16), startedMs: this.monotonicMs },
    });
    const counts = new UseCounts(this.clock);
    await countUses(
      { primitives, agent: this.world.agent, audit, store: this.store },
      { uses: counts, bytes: new ByteCounts(this.clock) },
    );
    const table = new HandleTable({
      primitives,
      clock: this.clock,
      staleness: () => undefined,
      recorder: () => audit,
      policy: { paths: 'keep', redacting: asItIs },
      counts,
    });
    return { audit, counts, table };
  }

  async use(table: HandleTable, uses: AmountLimits, grant = this.holder.grant, budget?: Account): Promise<string> {
    const holder = { ...this.holder, grant };
    const accounts: Account[] = [{ kind: 'grant', id: grant, uses }, ...(budget === undefined ? [] : [budget])];
    try {
      await table.consume(await table.mint(holder, facts), holder, facts, basis, accounts);
      return 'used';
    } catch (thrown) {
      return codeOf(thrown);
    }
  }
}

describe('uses of a grant', () => {
  // [FENCE-31]
  it('are no more than the budget, whoever asks at once and how often the daemon is started', async () => {
    const scene = await Scene.make();
    const limits = { total: 100, windows: [] };
    const told: string[] = [];
    for (let run = 0; run < 3; run += 1) {
      const { audit, counts, table } = await scene.run();
      const calls = share({ ci: 60, soak: 250 });
      told.push(...(await Promise.all(Array.from({ length: calls }, () => scene.use(table, limits)))));
      assert.equal(counts.usedOf(scene.holder.grant, limits).total, Math.min(100, told.filter((each) => each === 'used').length));
      await audit.close();
    }
    assert.deepEqual([told.filter((each) => each === 'used').length, new Set(told)], [100, new Set(['used', 'fence_uses'])]);
    const { audit } = await scene.run();
    const events = await scene.world.events(audit);
    assert.equal(events.filter(({ kind }) => kind === 'consumed').length, 100);
    assert.ok(events.some((event) => event.kind === 'handle-refused' && event.code === 'fence_uses'));
  });

  // [VAULT-17]
  it('count in the budget of their agent as well: of two grants together no more than it has, over restarts; each grant holds beside it', async () => {
    const scene = await Scene.make();
    const grants = [scene.holder.grant, random(16)] as const;
    const budget: Account = { kind: 'budget', id: random(16), uses: { total: 100, windows: [] } };
    const told: string[] = [];
    for (let run = 0; run < 3; run += 1) {
      const { audit, counts, table } = await scene.run();
      const calls = share({ ci: 60, soak: 250 });
      const call = (at: number) => scene.use(table, { total: 70, windows: [] }, grants[at % 2], budget);
      told.push(...(await Promise.all(Array.from({ length: calls }, (_, at) => call(at)))));
      const used = told.filter((each) => each === 'used').length;
      assert.equal(counts.usedOf(budget.id, { windows: [] }).total, used);
      assert.equal(counts.usedOf(grants[0], { windows: [] }).total + counts.usedOf(grants[1], { windows: [] }).total, used);
      await audit.close();
    }
    assert.deepEqual([told.filter((each) => each === 'used').length, new Set(told)], [100, new Set(['used', 'budget_spent'])]);
    const { audit, table } = await scene.run();
    const larger: Account = { ...budget, uses: { total: 1000, windows: [] } };
    assert.equal(await scene.use(table, { total: 1, windows: [] }, grants[0], larger), 'fence_uses');
    assert.equal(
      await scene.use(table, { total: 1000, windows: [] }, grants[0], larger),
      'used',
      'the count goes on under other limits',
    );
    assert.equal(
      await scene.use(table, { total: 1000, windows: [] }, grants[0], { ...larger, uses: { total: 101, windows: [] } }),
      'budget_spent',
    );
    await audit.close();
  });

  // [FENCE-31]
  it('in a window come back with time alone: no clock that is set gives one', async () => {
    const scene = await Scene.make();
    const limits = { windows: [{ max: 2, windowMs: hourMs }] };
    const { audit, counts, table } = await scene.run();
    assert.equal(await scene.use(table, limits), 'used');
    scene.monotonicMs += hourMs / 2;
    assert.deepEqual([await scene.use(table, limits), await scene.use(table, limits)], ['used', 'fence_uses']);
    for (const set of [hourMs, -3 * hourMs, 365 * 24 * hourMs]) {
      scene.wallMs += set;
      usedUp(() => counts.assertLeft({ kind: 'grant', id: scene.holder.grant, uses: limits }));
    }
    scene.monotonicMs += hourMs / 2;
    assert.deepEqual([await scene.use(table, limits), await scene.use(table, limits)], ['used', 'fence_uses']);
    await audit.close();
  });

  // [FENCE-31]
  it('in a window are still there after a restart, also with the clock set back', async () => {
    const scene = await Scene.make();
    const limits = { windows: [{ max: 1, windowMs: hourMs }] };
    const first = await scene.run();
    assert.equal(await scene.use(first.table, limits), 'used');
    await first.audit.close();
    scene.monotonicMs = 10;
    scene.wallMs -= 24 * hourMs;
    const second = await scene.run();
    usedUp(() => second.counts.assertLeft({ kind: 'grant', id: scene.holder.grant, uses: limits }));
    await second.audit.close();
    scene.wallMs += 25 * hourMs;
    const third = await scene.run();
    assert.equal(await scene.use(third.table, limits), 'used');
    await third.audit.close();
  });

  // [FENCE-31]
  it('that cannot be written count all the same', async () => {
    const scene = await Scene.make();
    const limits = { total: 1, windows: [] };
    const counts = new UseCounts(scene.clock);
    const recorder = {
      append: async () => {},
      appendDurable: () => Promise.reject(new HoldfastError('audit_unavailable', 'no disk')),
    };
    const table = new HandleTable({
      primitives,
      clock: scene.clock,
      staleness: () => undefined,
      recorder: () => recorder,
      policy: { paths: 'keep', redacting: asItIs },
      counts,
    });
    assert.deepEqual([await scene.use(table, limits), await scene.use(table, limits)], ['audit_unavailable', 'fence_uses']);
  });

  // [FENCE-32]
  it('are the same whatever became of their index, and a log that was cut is found by it', async () => {
    const scene = await Scene.make();
    const limits = { windows: [{ max: 100, windowMs: hourMs }] };
    const kept: (Uint8Array | undefined)[] = [];
    for (let run = 0; run < 3; run += 1) {
      scene.signing = run < 2;
      const { audit, table } = await scene.run();
      kept.push(scene.store.useIndex(scene.world.agent));
      for (let use = 0; use < 4; use += 1) assert.equal(await scene.use(table, limits), 'used');
      await audit.close();
    }
    const { agent } = scene.world;
    kept.push(encodeValue({ v: 1, size: 5, grants: [] })); // of a version that counted something else
    for (const older of [...kept, undefined]) {
      if (older === undefined) scene.store.forget(agent);
      else scene.store.saveUseIndex(agent, older);
      const { audit, counts } = await scene.run();
      assert.deepEqual(counts.usedOf(scene.holder.grant, limits), { total: 12, windows: [12] });
      await audit.close();
    }
    const other = await LogWorld.make();
    const shorter = await other.open(new MemoryDisk());
    await assert.rejects(
      countUses(
        { primitives, agent, audit: shorter, store: scene.store },
        { uses: new UseCounts(scene.clock), bytes: new ByteCounts(scene.clock) },
      ),
      (thrown) => codeOf(thrown) === 'audit_truncated',
    );
    await shorter.close();
  });
});
