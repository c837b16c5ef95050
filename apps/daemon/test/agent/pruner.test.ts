// When records may go: each of the five conditions of [AUDIT-69] by itself, and whoever would have more go by a clock, a policy or a relay of his own.

import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it, test } from 'node:test';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import type { AuditPolicy } from '@holdfast/protocol/audit/policy';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { numbered, quiet } from '@holdfast/testkit/numbered';
import { countedSoFar, countUses } from '../../src/agent/counted-uses.ts';
import { Pruner, type PrunerParts } from '../../src/agent/pruner.ts';
import type { AuditWriter } from '../../src/audit/writer.ts';
import { StateStore } from '../../src/state/store.ts';
import { ByteCounts } from '../../src/vault/byte-counts.ts';
import { UseCounts } from '../../src/vault/use-counts.ts';
import { LogWorld, pruned, random } from '../audit/log-world.ts';
import { MemoryDisk } from '../audit/memory-disk.ts';
import { Machine } from './machine.ts';

const dayMs = 86_400_000;
/** Long ago: whatever the clock here says, more time than any retention of these tests has passed. */
const wMs = 1_600_000_000_000;
const yearMs = 366 * dayMs;

class Scene {
  readonly disk = new MemoryDisk();
  readonly store = new StateStore(':memory:');
  readonly world: LogWorld;
  /** The machine's clock, as far as it is off. */
  offMs = 0;
  readonly clock = { nowMs: () => Date.now() + this.offMs, monotonicMs: () => performance.now() };

  private constructor(world: LogWorld) {
    this.world = world;
  }

  static async make(): Promise<Scene> {
    return new Scene(await LogWorld.make());
  }

  run(): Promise<AuditWriter> {
    return this.world.open(this.disk, { clock: this.clock });
  }

  /** A closed file of so many records, and what else `more` writes into it. */
  async file(more: (audit: AuditWriter) => Promise<unknown> = async () => {}): Promise<void> {
    const audit = await this.run();
    for (let number = 0; number < 5; number += 1) await audit.appendDurable(numbered(number));
    await more(audit);
    await audit.close();
  }

  /** Three files, of which the first two may go; `change`: what is different. */
  async pruner(change: (audit: AuditWriter) => Partial<PrunerParts> = () => ({})) {
    const audit = await this.run();
    await audit.appendDurable(numbered(99));
    const { agent } = this.world;
    const policy: AuditPolicy = { version: 1, silenced: [], retentionDays: 30 };
    const ends = audit.closedSegments.map(({ next }) => next);
    const parts: PrunerParts = {
      audit,
      agent,
      store: this.store,
      shipper: { reached: async () => audit.closedSegments.length },
      counted: async () => ({ size: audit.size, open: [] }),
      policy: () => policy,
      pulseAtMs: () => wMs + 30 * dayMs,
      log: quiet,
      ...change(audit),
    };
    const pruner = new Pruner(parts);
    const look = async (): Promise<number> => {
      await pruner.pruning.now();
      pruner.pruning.stop();
      return audit.firstKept;
    };
    return { audit, pruner, look, ends };
  }
}

async function scene(): Promise<Scene> {
  const made = await Scene.make();
  await made.file();
  await made.file();
  return made;
}

describe('records go', () => {
  it('[AUDIT-69] where all five conditions hold: hashes stay, and the log says by which policy, seen when, at which pulse', async () => {
    const { audit, pruner, look, ends } = await (await scene()).pruner();
    pruner.cosigned(audit.size, wMs);
    assert.equal(await look(), ends.at(-1));
    const told = (await audit.read({ from: audit.firstKept, limit: 100 })).map(decodeEvent).find(({ kind }) => kind === 'pruned');
    assert.ok(told?.kind === 'pruned');
    assert.deepEqual(
      [told.below, told.version, told.retentionDays, told.seenAtMs, told.pulseAtMs],
      [ends.at(-1), 1, 30, wMs, wMs + 30 * dayMs],
    );
    await audit.close();
  });

  it('[AUDIT-69] once each, and a look with nothing due writes nothing', async () => {
    const { audit, pruner, ends } = await (await scene()).pruner();
    pruner.cosigned(audit.size, wMs);
    await pruner.pruning.now();
    const { size } = audit;
    await pruner.pruning.now();
    pruner.pruning.stop();
    assert.deepEqual([audit.size, audit.firstKept], [size, ends.at(-1)]);
    await audit.close();
  });

  it('[AUDIT-69] not the growing file, however old', async () => {
    const made = await Scene.make();
    const { audit, pruner, look } = await made.pruner(() => ({ shipper: { reached: async () => 7 } }));
    pruner.cosigned(audit.size, wMs);
    assert.equal(await look(), 0);
    await audit.close();
  });
});

describe('[AUDIT-69] nothing goes', () => {
  const stays = async (name: string, change: (ends: readonly number[]) => Partial<PrunerParts>, left = 0): Promise<void> => {
    const made = await scene();
    const ends: number[] = [];
    const { audit, pruner, look, ends: found } = await made.pruner(() => change(ends));
    ends.push(...found);
    pruner.cosigned(audit.size, wMs);
    assert.equal(await look(), left === 0 ? 0 : found[left - 1], name);
    await made.world.verify(audit);
    await audit.close();
  };

  it('that no witness has seen, or not to its end', async () => {
    const { audit, pruner, look, ends } = await (await scene()).pruner();
    pruner.cosigned((ends[1] ?? 0) - 1, wMs);
    assert.equal(await look(), ends[0]);
    await audit.close();
    const unseen = await (await scene()).pruner();
    assert.equal(await unseen.look(), 0);
    await unseen.audit.close();
  });

  it('before a pulse says that its time is over, and without a pulse', async () => {
    await stays('a millisecond early', () => ({ pulseAtMs: () => wMs + 30 * dayMs - 1 }));
    await stays('no pulse', () => ({ pulseAtMs: () => undefined }));
  });

  it('that the relay has not, all of it', async () => {
    await stays('nothing there', () => ({ shipper: { reached: async () => undefined } }));
    await stays('the first file is under way', () => ({ shipper: { reached: async () => 0 } }));
    await stays('the second file is under way', () => ({ shipper: { reached: async () => 1 } }), 1);
    await stays('another log is there', () => ({
      shipper: { reached: () => Promise.reject(new HoldfastError('shipment_conflict', 'another')) },
    }));
  });

  it('that the index does not count, all of it', async () => {
    await stays('one record', () => ({ counted: async () => ({ size: 1, open: [] }) }));
    await stays('to within the second', (ends) => ({ counted: async () => ({ size: (ends[1] ?? 0) - 1, open: [] }) }), 1);
    await stays('a use of it is open', () => ({ counted: async () => ({ size: 1000, open: [new Uint8Array(16)] }) }));
    await stays('another use is open', () => ({ counted: async () => ({ size: 1000, open: [random(16)] }) }), 2);
  });

  it('without a policy that says for how long, or where that changes meanwhile', async () => {
    await stays('none', () => ({ policy: () => undefined }));
    await stays('for ever', () => ({ policy: () => ({ version: 2, silenced: [] }) }));
    let version = 1;
    await stays('another one comes', () => ({
      policy: () => ({ version, silenced: [], ...(version === 1 && { retentionDays: 30 }) }),
      counted: async () => {
        version = 2;
        return { size: 1000, open: [] };
      },
    }));
  });

  it('of a log that is evidence', async () => {
    const { audit, pruner, look } = await (await scene()).pruner();
    pruner.cosigned(audit.size, wMs);
    audit.freeze(new HoldfastError('audit_altered', 'told so'));
    assert.equal(await look(), 0);
    await audit.close();
  });

  it('by the clock of the machine, however far it is set, when records are written or when they are looked at', async () => {
    for (const off of [-40, 40]) {
      const made = await Scene.make();
      made.offMs = off * yearMs; // what is written is dated so
      await made.file();
      const nowMs = Date.now();
      const { audit, pruner, look } = await made.pruner(() => ({ pulseAtMs: () => nowMs }));
      pruner.cosigned(audit.size, nowMs - 30 * dayMs + 1);
      assert.equal(await look(), 0);
      await audit.close();
    }
  });

  it('sooner because a witness dates what it sees later', async () => {
    const { audit, pruner, look, ends } = await (await scene()).pruner();
    pruner.cosigned(ends[0] ?? 0, wMs);
    pruner.cosigned(audit.size, wMs + 1);
    assert.equal(await look(), ends[0]);
    await audit.close();
  });
});

// [AUDIT-69]
test('what a relay shows as a cosignature without signing is no time at which a witness saw anything', async (t) => {
  const machine = await Machine.enrolled(t);
  await (await machine.start()).audit.appendDurable(numbered(1));
  await machine.stop(); // the first file is closed
  const { witness } = machine.relay;
  const add = witness.add.bind(witness);
  const kept = async (forge: (line: string) => string): Promise<number> => {
    let asked = 0;
    witness.add = async (request) => {
      asked += 1;
      const answer = await add(request);
      return answer.kind === 'cosigned' ? { ...answer, line: forge(answer.line) } : answer;
    };
    await machine.start();
    await machine.agent.publishedNote();
    assert.ok(asked > 0);
    await machine.stop();
    const store = new StateStore(path.join(machine.folder, 'journal.db'));
    const found = store.cosigned(machine.actor.id).length;
    store.close();
    return found;
  };
  const otherTime = (line: string): string => {
    const [, name = '', signature = ''] = /^(.* )(\S+)$/.exec(line.trimEnd()) ?? [];
    const bytes = Buffer.from(signature, 'base64');
    bytes.writeBigUInt64BE(1n, 4); // dated back, under the signature of another time
    return `${name}${bytes.toString('base64')}`;
  };
  assert.equal(await kept(otherTime), 0);
  assert.equal(await kept((line) => line), 1, 'with its signature it is');
});

describe('[AUDIT-69] the index of uses and bytes', () => {
  const [grant, handle] = [random(16), random(16)];
  const use = { session: random(16), handle, grant, item: random(16) };

  it('counts the same after what it counted was pruned; without it the log is no longer enough', async () => {
    const made = await Scene.make();
    const { agent } = made.world;
    const used = { kind: 'consumed', ...use, request: new Uint8Array(32) } as const;
    await made.file((audit) => audit.appendDurable(used));
    await made.file((audit) => audit.appendDurable({ ...used, handle: random(16) }));
    const totals = async () => {
      const audit = await made.run();
      const uses = new UseCounts(made.clock);
      try {
        await countUses({ primitives, agent, audit, store: made.store }, { uses, bytes: new ByteCounts(made.clock) });
        return uses.usedOf(grant, { windows: [] }).total;
      } finally {
        await audit.close();
      }
    };
    assert.equal(await totals(), 2);
    const { audit, pruner, look, ends } = await made.pruner((audit) => ({
      counted: () => countedSoFar({ primitives, agent, audit, store: made.store }),
    }));
    pruner.cosigned(audit.size, wMs);
    assert.equal(await look(), ends.at(-1));
    await audit.close();
    assert.equal(await totals(), 2);
    made.store.forget(agent);
    await assert.rejects(totals(), (thrown) => codeOf(thrown) === 'audit_truncated');
  });

  it('keeps a file in which a use began that is open, until that is over', async () => {
    const made = await Scene.make();
    const { agent } = made.world;
    await made.file((audit) => audit.appendDurable({ kind: 'bytes-reserved', ...use, bytes: 10 }));
    const { audit, pruner, ends } = await made.pruner((audit) => ({
      counted: () => countedSoFar({ primitives, agent, audit, store: made.store }),
    }));
    await audit.checkpoint();
    pruner.cosigned(audit.size, wMs);
    await pruner.pruning.now();
    assert.equal(audit.firstKept, 0);
    await audit.appendDurable({ kind: 'bytes-returned', ...use, bytes: 10 });
    await audit.checkpoint();
    await pruner.pruning.now();
    pruner.pruning.stop();
    assert.equal(audit.firstKept, ends.at(-1));
    await audit.close();
  });
});

// [AUDIT-67]
test('a log that says more than that is no log of a daemon', async () => {
  const made = await scene();
  const audit = await made.run();
  await audit.appendDurable({ kind: 'audit-policy', version: 2, silenced: [], retentionDays: 1 });
  await audit.prune(pruned(audit.closedSegments.at(-1)?.next ?? 0)); // by version 1
  await assert.rejects(made.world.verify(audit), (thrown) => codeOf(thrown) === 'audit_pruned');
  await audit.close();
});
