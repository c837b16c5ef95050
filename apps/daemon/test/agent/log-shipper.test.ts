// Shipping an audit log: after a day without a relay, to a relay that is full, put back, or holds another log. What is written here never waits.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { openShipped } from '@holdfast/protocol/audit/shipped-log';
import type { ShippedPiece } from '@holdfast/protocol/blind/shipment';
import { concat } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { numbered, quiet } from '@holdfast/testkit/numbered';
import { patienceMs } from '@holdfast/testkit/patience';
import { LogShipper } from '../../src/agent/log-shipper.ts';
import { LogWorld, pruned } from '../audit/log-world.ts';
import { MemoryDisk } from '../audit/memory-disk.ts';

/** What spec/audit-shipping.md says of a relay, in memory. */
class Relay {
  pieces: ShippedPiece[] = [];
  isOpen = true;
  maxPieces = Infinity;
  /** How often it was asked where its copy ends. */
  heads = 0;

  private get head() {
    const last = this.pieces.at(-1);
    if (last === undefined) return undefined;
    const content = concat(...this.pieces.filter(({ ordinal }) => ordinal === last.ordinal).map(({ bytes }) => bytes));
    return { ordinal: last.ordinal, first: last.first, offset: content.length, digest: primitives.sha256(content) };
  }

  private answer({ kind, ...asked }: { kind: string } & ShippedPiece) {
    const { head } = this;
    const shipped = { kind: 'shipped', ...(head !== undefined && { head }) };
    if (kind === 'shipment-head') {
      this.heads += 1;
      return shipped;
    }
    const goesOn = asked.ordinal === head?.ordinal ? asked.offset === head.offset : asked.offset === 0;
    if (!goesOn) return shipped;
    if (this.pieces.length >= this.maxPieces) throw new HoldfastError('shipment_full', 'no more');
    this.pieces.push(asked);
    return { kind: 'ok' };
  }

  ask<T>(asked: (exchange: RelayExchange) => Promise<T>): Promise<T> {
    const request = async (given: never) => this.answer(given);
    return asked({ request } as unknown as RelayExchange);
  }
}

const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
const ports = { log: quiet, primitives, clock };

describe('shipping', () => {
  let world: LogWorld;
  before(async () => {
    world = await LogWorld.make();
  });
  const begun = async (disk = new MemoryDisk()) => {
    const [audit, relay] = [await world.open(disk), new Relay()];
    const shipper = new LogShipper({ audit, link: relay, agent: world.agent, ports });
    const write = async (count: number) => {
      for (let number = 0; number < count; number += 1) await audit.appendDurable(numbered(number));
    };
    const atRelay = async () => {
      async function* shown() {
        yield* relay.pieces;
      }
      const { fleet, agent, key } = world;
      return (await openShipped({ primitives, key, fleet, agent }, shown())).events;
    };
    const end = async () => {
      shipper.shipping.stop();
      await audit.close();
    };
    return { audit, relay, shipper, write, atRelay, end, disk };
  };
  const alarms = async (audit: Awaited<ReturnType<LogWorld['open']>>) =>
    (await world.events(audit)).flatMap((event) =>
      event.kind === 'shipping-stopped' ? [event.code] : event.kind === 'shipping-resumed' ? ['resumed'] : [],
    );

  it('[SHIP-6] after a time without a relay all is there, once, over restarts and failed files', async () => {
    const first = await begun();
    await first.write(5);
    await first.shipper.shipping.now();
    first.relay.isOpen = false;
    await first.write(20);
    await first.shipper.shipping.now();
    assert.ok((await first.atRelay()).length < 25, 'nothing was shipped without a relay');
    first.disk.fault = (_, step) => (step === 'append' ? 'EIO' : undefined);
    await assert.rejects(first.audit.appendDurable(numbered(99)));
    first.disk.fault = () => undefined;
    await first.write(5);
    await first.end();
    const second = await begun(first.disk.afterKill());
    second.relay.pieces = first.relay.pieces;
    await second.write(5);
    await second.shipper.shipping.now();
    assert.deepEqual(await second.atRelay(), await world.readAll(second.audit));
    assert.deepEqual(await alarms(second.audit), []);
    await second.end();
  });

  it('[SHIP-11] while somebody reads along, what was synced is shipped by itself, and no longer than that', async () => {
    let nowMs = 0;
    const grown = { tell: () => {} };
    const relay = new Relay();
    const audit = await world.open(new MemoryDisk(), { grew: { written: () => {}, synced: () => grown.tell() } });
    const hasted = { ...ports, clock: { nowMs: () => Date.now(), monotonicMs: () => nowMs } };
    const shipper = new LogShipper({ audit, link: relay, agent: world.agent, ports: hasted });
    grown.tell = () => shipper.grew();
    const shippedUp = async (bytes: number) => {
      const lateMs = performance.now() + patienceMs;
      const total = () => relay.pieces.reduce((sum, piece) => sum + piece.bytes.length, 0);
      while (total() < bytes) {
        assert.ok(performance.now() < lateMs, 'it is not shipped');
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await audit.appendDurable(numbered(0));
    assert.equal(relay.heads, 0, 'nobody reads along');
    shipper.watched();
    await shippedUp(audit.syncedEnd.bytes ?? 0);
    await audit.append(numbered(1)); // synced a moment later
    await audit.appendDurable(numbered(2));
    await shippedUp(audit.syncedEnd.bytes ?? 0);
    nowMs = 75_000;
    const asked = relay.heads;
    await audit.appendDurable(numbered(3));
    await new Promise<void>((resolve) => void setTimeout(resolve, 200)); // nearly three times what it would take
    assert.equal(relay.heads, asked);
    shipper.shipping.stop();
    await audit.close();
  });

  it('[SHIP-6] asks the relay each time, and reads nothing as long as both have what they had when nothing was left', async () => {
    const { audit, relay, write, atRelay, end } = await begun();
    let reads = 0;
    const counting = {
      get syncedEnd() {
        return audit.syncedEnd;
      },
      syncedSegment: (ordinal: number) => {
        reads += 1;
        return audit.syncedSegment(ordinal);
      },
      frozen: false,
      note: () => {},
    };
    const shipper = new LogShipper({ audit: counting, link: relay, agent: world.agent, ports });
    const readsOf = async (): Promise<number> => {
      const [before, asked] = [reads, relay.heads];
      await shipper.shipping.now();
      assert.equal(relay.heads, asked + 1);
      return reads - before;
    };
    await write(3);
    await readsOf();
    assert.equal(await readsOf(), 1, 'what the relay says is compared once');
    for (let times = 0; times < 3; times += 1) assert.equal(await readsOf(), 0);
    await write(1);
    assert.equal(await readsOf(), 1, 'the file is read once for both');
    assert.deepEqual(await atRelay(), await world.readAll(audit));
    await readsOf();
    const kept = relay.pieces;
    relay.pieces = kept.slice(0, 1); // put back
    assert.ok((await readsOf()) > 0);
    assert.deepEqual(await atRelay(), await world.readAll(audit));
    await readsOf();
    relay.pieces = relay.pieces.map((each) => ({ ...each, bytes: primitives.random(each.bytes.length) })); // of the same length
    await readsOf();
    assert.equal(shipper.fault, 'shipment_conflict');
    shipper.shipping.stop();
    await end();
  });

  it('[SHIP-5] a relay that is full stops nothing here, is told of once, and gets the rest when there is room', async () => {
    const { audit, relay, shipper, write, atRelay, end } = await begun();
    relay.maxPieces = 1;
    for (let round = 0; round < 3; round += 1) {
      await write(3);
      await shipper.shipping.now();
    }
    assert.equal(shipper.fault, 'shipment_full');
    relay.maxPieces = Infinity;
    await shipper.shipping.now();
    assert.equal(shipper.fault, undefined);
    await write(1);
    await shipper.shipping.now();
    assert.deepEqual(await alarms(audit), ['shipment_full', 'resumed']);
    assert.deepEqual(await atRelay(), await world.readAll(audit));
    await end();
  });

  it('[SHIP-6] a relay that lost some of it gets that again; one that holds another log, or more, gets nothing', async () => {
    const { audit, relay, shipper, write, atRelay, end } = await begun();
    for (let round = 0; round < 3; round += 1) {
      await write(3);
      await shipper.shipping.now();
    }
    relay.pieces = relay.pieces.slice(0, 1);
    await shipper.shipping.now();
    assert.deepEqual(await atRelay(), await world.readAll(audit));
    const kept = relay.pieces;
    const other = (change: Partial<ShippedPiece>): ShippedPiece[] =>
      kept.map((each, at) => (at === 0 ? { ...each, ...change } : each));
    const longer = [...kept, { ordinal: 0, offset: 1_000_000, first: 0, bytes: primitives.random(100) }];
    for (const pieces of [other({ bytes: primitives.random(kept[0]?.bytes.length ?? 0) }), longer]) {
      relay.pieces = pieces;
      await write(1);
      await shipper.shipping.now();
      assert.equal(shipper.fault, 'shipment_conflict');
      assert.equal(relay.pieces, pieces);
      assert.equal(relay.pieces.length, pieces.length);
    }
    assert.deepEqual(await alarms(audit), ['shipment_conflict']);
    await end();
  });

  it('[SHIP-6, AUDIT-69] says how far the copy has come once it is held against the log, and what was pruned is shipped so', async () => {
    const first = await begun();
    await first.write(3);
    await first.end();
    const { audit, relay, shipper, write, end } = await begun(first.disk);
    assert.equal(await shipper.reached(), undefined);
    await write(3);
    await shipper.shipping.now();
    assert.equal(await shipper.reached(), 1);
    relay.isOpen = false;
    assert.equal(await shipper.reached(), undefined, 'nothing is known without a connection');
    relay.isOpen = true;
    const kept = relay.pieces;
    relay.pieces = kept.map((each) => ({ ...each, bytes: primitives.random(each.bytes.length) }));
    await assert.rejects(shipper.reached(), (thrown) => codeOf(thrown) === 'shipment_conflict');
    relay.pieces = kept;
    await audit.prune(pruned(audit.closedSegments[0]?.next ?? 0));
    await shipper.shipping.now();
    assert.equal(shipper.fault, undefined);
    async function* shown() {
      yield* relay.pieces;
    }
    const secrets = { primitives, key: world.key, fleet: world.fleet, agent: world.agent };
    const whole = await openShipped(secrets, shown());
    assert.deepEqual([whole.leaves.length, whole.events.length], [0, audit.size], 'the copy of before stays whole');
    relay.pieces = kept.slice(0, 1); // put back to within what was pruned: that cannot be given again
    await shipper.shipping.now();
    assert.equal(shipper.fault, 'shipment_conflict');
    relay.pieces = [];
    await shipper.shipping.now();
    const again = await openShipped(secrets, shown());
    assert.deepEqual([again.leaves.length, again.leaves.length + again.events.length], [audit.firstKept, audit.size]);
    assert.deepEqual(again.events, await world.readAll(audit));
    await end();
  });
});
