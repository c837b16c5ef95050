// How many bytes passed with a grant: of many uses at once, by clocks that are set, over restarts and kills, and after what was kept of it was put back.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AuditReport } from '@holdfast/protocol/audit/event';
import { encodeValue } from '@holdfast/protocol/codec/cbor';
import { codeOf } from '@holdfast/protocol/errors';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { AmountLimits } from '@holdfast/protocol/vault/circumstances';
import { share } from '@holdfast/testkit/shares';
import { countUses } from '../../src/agent/counted-uses.ts';
import type { AuditWriter } from '../../src/audit/writer.ts';
import { StateStore } from '../../src/state/store.ts';
import { budgetAmong, type Account } from '../../src/vault/account.ts';
import { ByteCounts, ByteFlow } from '../../src/vault/byte-counts.ts';
import { ByteLedger, maxRecent } from '../../src/vault/byte-ledger.ts';
import { UseCounts } from '../../src/vault/use-counts.ts';
import { LogWorld, random } from '../audit/log-world.ts';
import { MemoryDisk } from '../audit/memory-disk.ts';

const hourMs = 3_600_000;
const grant = random(16);
const inAll = (total: number): AmountLimits => ({ total, windows: [] });
const ofGrant = (bytes: AmountLimits): Account => ({ kind: 'grant', id: grant, bytes });
const pursesOf = (counts: ByteCounts, accounts: readonly Account[], handle: Uint8Array) =>
  accounts.map((account) => counts.purse(account, handle, () => account.bytes));
const inAnHour = (max: number): AmountLimits => ({ windows: [{ max, windowMs: hourMs }] });

/** One agent's log and clock, over any number of runs of the daemon. */
class Scene {
  wallMs = 1_790_000_000_000;
  monotonicMs = 5_000_000;
  readonly clock = { nowMs: () => this.wallMs, monotonicMs: () => this.monotonicMs };
  readonly disk = new MemoryDisk();
  readonly store = new StateStore(':memory:');
  readonly world: LogWorld;

  private constructor(world: LogWorld) {
    this.world = world;
  }

  static async make(): Promise<Scene> {
    return new Scene(await LogWorld.make());
  }

  async run(): Promise<{ audit: AuditWriter; counts: ByteCounts; flow: (limits: AmountLimits, budget?: Account) => ByteFlow }> {
    const run = { id: random(16), startedMs: this.monotonicMs };
    const audit = await this.world.open(this.disk, { clock: this.clock, run });
    const counts = new ByteCounts(this.clock);
    const log = { primitives, agent: this.world.agent, audit, store: this.store };
    await countUses(log, { uses: new UseCounts(this.clock), bytes: counts });
    await audit.appendDurable({ kind: 'daemon-start', version: '1' });
    const flow = (limits: AmountLimits, budget?: Account): ByteFlow => {
      const handle = random(16);
      const accounts = [ofGrant(limits), ...(budget === undefined ? [] : [budget])];
      const use = { session: random(16), handle, grant, item: random(16), ...budgetAmong(accounts) };
      const report = (kind: 'bytes-reserved' | 'bytes-returned', bytes: number): AuditReport => ({ kind, ...use, bytes });
      return new ByteFlow(pursesOf(counts, accounts, handle), {
        reserved: (bytes) => audit.appendDurable(report('bytes-reserved', bytes)),
        returned: (bytes) => audit.note(report('bytes-returned', bytes)),
      });
    };
    return { audit, counts, flow };
  }
}

/** Takes chunks until it is refused or has them all; resolves with what passed. */
async function pass(flow: ByteFlow, bytes: number, chunk: number, code = 'fence_bytes'): Promise<number> {
  let passed = 0;
  try {
    for (; passed < bytes; passed += chunk) await flow.take(chunk);
  } catch (thrown) {
    assert.equal(codeOf(thrown), code);
  }
  return passed;
}

describe('bytes of a grant', () => {
  // [FENCE-38]
  it('are no more than the budget, of 64 at once and both ways, over restarts and kills; what did not pass comes back', async () => {
    const scene = await Scene.make();
    const limits = inAll(2_000_000);
    let passed = 0;
    for (let run = 0; run < 4; run += 1) {
      const { audit, counts, flow } = await scene.run();
      const flows = Array.from({ length: 64 }, () => flow(limits));
      const each = share({ ci: 5000, soak: 8000 });
      const amounts = await Promise.all(flows.flatMap((one, at) => [pass(one, each, 700 + at), pass(one, each, 100 + at)]));
      passed += amounts.reduce((sum, amount) => sum + amount, 0);
      const killed = run === 1;
      if (!killed) for (const one of flows) one.end();
      const { total } = counts.usedOf(grant, limits);
      assert.ok(passed <= total && total <= 2_000_000, `${passed} of ${total}`);
      if (run === 0) assert.equal(passed, total);
      await audit.close();
    }
    assert.ok(passed > 1_000_000, `${passed}`);
    const { audit, counts, flow } = await scene.run();
    const { total } = counts.usedOf(grant, limits);
    assert.ok(total >= passed && total <= 2_000_000, `${passed} of ${total}`);
    const rest = await pass(flow(limits), 2_000_000, 1);
    assert.equal(total + rest, 2_000_000, 'to the last one');
    await audit.close();
  });

  // [VAULT-17]
  it('count in the budget of their agent as well, to the last one, over restarts and a kill; larger limits hold at once', async () => {
    const scene = await Scene.make();
    const account = (total: number): Account => ({ kind: 'budget', id, bytes: inAll(total) });
    const id = random(16);
    let passed = 0;
    for (let run = 0; run < 3; run += 1) {
      const { audit, counts, flow } = await scene.run();
      const flows = Array.from({ length: 16 }, () => flow(inAll(10_000_000), account(500_000)));
      const amounts = await Promise.all(flows.map((one, at) => pass(one, 20_000, 700 + at, 'budget_spent')));
      passed += amounts.reduce((sum, amount) => sum + amount, 0);
      if (run !== 1) for (const one of flows) one.end();
      const { total } = counts.usedOf(id, inAll(1));
      assert.ok(passed <= total && total <= 500_000, `${passed} of ${total}`);
      await audit.close();
    }
    const { audit, counts, flow } = await scene.run();
    const { total } = counts.usedOf(id, inAll(1));
    assert.equal(total + (await pass(flow(inAll(10_000_000), account(500_000)), 500_000, 1, 'budget_spent')), 500_000);
    let bytes = inAll(500_000);
    const handle = random(16);
    const one = new ByteFlow([counts.purse(account(1), handle, () => bytes)], { reserved: async () => {}, returned: () => {} });
    assert.equal(await pass(one, 10, 1, 'budget_spent'), 0);
    bytes = inAll(500_010);
    assert.equal(await pass(one, 100, 1, 'budget_spent'), 10);
    await audit.close();
  });

  // [FENCE-43]
  it('in a window come back with time alone, and those of a use that goes on are of now', async () => {
    const scene = await Scene.make();
    const limits = inAnHour(100_000);
    const { audit, counts, flow } = await scene.run();
    const used = (): number => counts.usedOf(grant, limits).windows[0] ?? Number.NaN;
    const long = flow(limits);
    await long.take(10_000);
    scene.monotonicMs += 2 * hourMs;
    const reserved = used();
    assert.ok(reserved >= 10_000, 'what it has may pass at any time');
    for (const set of [hourMs, -3 * hourMs, 365 * 24 * hourMs]) {
      scene.wallMs += set;
      assert.equal(used(), reserved);
    }
    long.end();
    assert.equal(used(), 10_000);
    scene.monotonicMs += hourMs;
    assert.equal(used(), 0);
    const next = flow(limits);
    for (let passed = 0; passed < 90_000; passed += 10_000) {
      await next.take(10_000);
      scene.monotonicMs += hourMs / 4;
    }
    next.end();
    assert.ok(used() >= 40_000 && used() < 90_000, `${used()}`);
    await audit.close();
  });

  // [FENCE-43]
  it('in a window are still there after a restart, also with the clock set back; a kill counts what was reserved until the next start', async () => {
    const scene = await Scene.make();
    const limits = inAnHour(100_000);
    const first = await scene.run();
    await first.flow(limits).take(10_000); // and never ends
    await first.audit.close();
    const reserved = first.counts.usedOf(grant, limits).total;
    assert.ok(reserved > 10_000);
    scene.monotonicMs = 10;
    scene.wallMs += 2 * hourMs;
    const second = await scene.run();
    assert.deepEqual(second.counts.usedOf(grant, limits), { total: reserved, windows: [reserved] });
    await second.audit.close();
    scene.wallMs -= 24 * hourMs;
    const third = await scene.run();
    assert.deepEqual(third.counts.usedOf(grant, limits), { total: reserved, windows: [reserved] });
    await third.audit.close();
    scene.wallMs += 26 * hourMs;
    const fourth = await scene.run();
    assert.deepEqual(fourth.counts.usedOf(grant, limits), { total: reserved, windows: [0] });
    await fourth.audit.close();
  });

  // [FENCE-32]
  it('are the same whatever became of their index', async () => {
    const scene = await Scene.make();
    const limits = inAnHour(10_000_000);
    const kept: (Uint8Array | undefined)[] = [];
    let open: ByteFlow | undefined;
    for (let run = 0; run < 3; run += 1) {
      const { audit, flow } = await scene.run();
      kept.push(scene.store.useIndex(scene.world.agent));
      for (let use = 0; use < 3; use += 1) {
        const one = flow(limits);
        await one.take(100_000);
        one.end();
      }
      open = flow(limits);
      await open.take(50_000);
      await audit.checkpoint(); // the index of the next start ends within a use
      if (run === 0) open.end();
      await audit.close();
    }
    const told = async (): Promise<unknown> => {
      const { audit, counts } = await scene.run();
      await audit.close();
      return counts.usedOf(grant, limits);
    };
    const expected = await told();
    kept.push(encodeValue({ v: 1, size: 5, grants: [] })); // as it was before bytes were counted
    for (const older of [...kept, undefined]) {
      if (older === undefined) scene.store.forget(scene.world.agent);
      else scene.store.saveUseIndex(scene.world.agent, older);
      assert.deepEqual(await told(), expected);
    }
  });

  // [FENCE-39]
  it('of a reservation that cannot be written count all the same, and none of them passes; after the end nothing does', async () => {
    const counts = new ByteCounts({ nowMs: () => 0, monotonicMs: () => 0 });
    const limits = inAll(100_000);
    const returned: number[] = [];
    let fails = true;
    const record = {
      reserved: () => (fails ? Promise.reject(new Error('no disk')) : Promise.resolve()),
      returned: (bytes: number) => void returned.push(bytes),
    };
    const flow = new ByteFlow(pursesOf(counts, [ofGrant(limits)], random(16)), record);
    await assert.rejects(async () => flow.take(1000));
    const { total } = counts.usedOf(grant, limits);
    assert.ok(total >= 1000);
    flow.end();
    assert.deepEqual([returned, counts.usedOf(grant, limits).total], [[0], total]);
    fails = false;
    const other = new ByteFlow(pursesOf(counts, [ofGrant(limits)], random(16)), record);
    await other.take(1000);
    other.end();
    other.end();
    assert.equal(counts.usedOf(grant, limits).total, total + 1000);
    await assert.rejects(async () => other.take(1), { code: 'request_cut' });
    assert.equal(returned.length, 2);
  });
});

// [FENCE-43]
it('a ledger told in fewer never says less', () => {
  const ledger = new ByteLedger();
  const uses = share({ ci: 10, soak: 50 }) * maxRecent;
  for (let at = 0; at < uses; at += 1) {
    const use = { grant, handle: random(16), bytes: 3 };
    ledger.reserved(use, at);
    ledger.returned({ ...use, bytes: 1 }, at);
  }
  const [counted = assert.fail()] = ledger.grants();
  assert.ok(counted.recent.length <= maxRecent);
  for (let since = -1; since < uses; since += 100) {
    const { total, windows } = ledger.usedOf(grant, [since]);
    assert.equal(total, 2 * uses);
    const exact = 2 * (uses - 1 - since);
    assert.ok((windows[0] ?? 0) >= exact && (windows[0] ?? 0) <= exact * (1 + 1 / 15), `${windows[0]} for ${exact}`);
  }
});
