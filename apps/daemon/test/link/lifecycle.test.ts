// The link's own life over a relay that comes and goes: when it knocks, when it stops, and what it may not do meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { Follower, TestFleet } from './follower.ts';

async function started(t: Parameters<typeof TestFleet.begin>[0]) {
  const fleet = await TestFleet.begin(t);
  const reader = await Follower.enrolled(t, fleet);
  await fleet.pulse(reader.nowMs.wall);
  return { fleet, reader };
}

test('stopped while it connects: the connection that comes is closed, nothing is asked, it stays ended', async (t) => {
  const { reader } = await started(t);
  await reader.start();
  reader.link.stop();
  await reader.pass(120_000);
  assert.equal(reader.link.state, 'ended');
  assert.equal(reader.hostile.connections, 1);
  assert.equal(
    reader.hostile.asked.some(({ kind }) => kind === 'fresh' || kind === 'read'),
    false,
  );
  assert.equal(reader.fresh.refusal, 'stale_relay');
});

test('stopped while it catches up: no later answer brings it back to life', async (t) => {
  const { reader } = await started(t);
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  reader.hostile.script = {
    answer: async (frame, _line, asked) => {
      if (asked?.kind === 'fresh') await held;
      return [frame];
    },
  };
  await reader.start();
  await reader.until(() => reader.hostile.asked.some(({ kind }) => kind === 'fresh'), 'asked');
  reader.link.stop();
  release();
  await reader.pass(60_000);
  assert.deepEqual([reader.link.state, reader.hostile.connections], ['ended', 1]);
});

test('a relay that turns us away is asked again ever more rarely, at least every half minute, and nothing is minted', async (t) => {
  const { reader } = await started(t);
  reader.hostile.script = {
    answer: (frame, _line, asked) => [
      asked?.kind === 'auth' ? { kind: 'error', id: asked.id, code: 'relay_refused', message: 'unknown' } : frame,
    ],
  };
  await reader.start();
  const counts: number[] = [];
  for (let minute = 0; minute < 5; minute += 1) {
    const before = reader.hostile.connections;
    await reader.pass(60_000);
    counts.push(reader.hostile.connections - before);
  }
  assert.ok((counts[0] ?? 0) > (counts[4] ?? 0), String(counts));
  assert.ok((counts[4] ?? 0) >= 2 && (counts[4] ?? 0) <= 5, String(counts));
  assert.deepEqual([reader.link.error, reader.fresh.refusal], ['relay_refused', 'stale_relay']);

  reader.hostile.script = {};
  await reader.settled();
  assert.equal(reader.link.error, undefined);
});

test('a relay with another key than the one pinned hears nothing of us', async (t) => {
  const { reader } = await started(t);
  const other = (await SoftwareKeyHolder.generate(primitives)).publicKeys.sign;
  reader.hostile.script = { answer: (frame) => [frame.kind === 'welcome' ? { ...frame, relay: other } : frame] };
  await reader.start();
  await reader.pass(10_000);
  assert.deepEqual([reader.link.error, reader.hostile.asked], ['relay_impostor', []]);
});

test('a relay that greets and hangs up is not knocked at in a hurry; one that was up for a while is found again at once', async (t) => {
  const { reader } = await started(t);
  await reader.start();
  await reader.settled();
  for (let times = 0; times < 4; times += 1) {
    reader.hostile.cut();
    await reader.until(() => reader.link.state === 'connected', 'back');
  }
  const slow = reader.nowMs.monotonic;
  reader.hostile.cut();
  await reader.until(() => reader.link.state === 'waiting', 'cut');
  await reader.until(() => reader.link.state === 'connected', 'back');
  assert.ok(reader.nowMs.monotonic - slow >= 2000, 'it waits longer each time');

  await reader.pass(40_000);
  const quick = reader.nowMs.monotonic;
  reader.hostile.cut();
  await reader.until(() => reader.link.state === 'waiting', 'cut');
  await reader.until(() => reader.link.state === 'connected', 'back');
  assert.ok(reader.nowMs.monotonic - quick <= 2000);
});

test('an entry that arrives between our question and its answer is no rollback', async (t) => {
  const { fleet, reader } = await started(t);
  await reader.start();
  await reader.settled();
  const before = reader.head;
  let late: (() => void) | undefined;
  reader.hostile.script = {
    answer: (frame, line, asked) => {
      if (asked?.kind !== 'fresh' || late !== undefined) return [frame];
      // The answer was signed before the entry came, and leaves after it.
      late = () => line.toClient(frame);
      return [];
    },
  };
  await reader.until(() => late !== undefined, 'asked');
  await fleet.write('meanwhile');
  fleet.relay.push();
  await reader.until(() => reader.head !== before, 'read');
  late?.();
  await reader.pass(1000);
  assert.deepEqual([reader.link.state, reader.codes], ['connected', []]);
  assert.equal(reader.fresh.refusal, undefined);
});

test('entries that come while it catches up are read once, in order', async (t) => {
  const { fleet, reader } = await started(t);
  let first = true;
  reader.hostile.script = {
    answer: async (frame, _line, asked) => {
      if (asked?.kind === 'read' && first) {
        first = false;
        await fleet.write('one');
        await fleet.write('two');
        fleet.relay.push();
      }
      return [frame];
    },
  };
  await reader.start();
  await reader.settled();
  await reader.pass(2000);
  assert.equal(reader.head, fleet.world.operator.replica.state.control.position);
  assert.deepEqual(reader.codes, []);
});

test('pushes out of order end the connection, and the next one reads everything', async (t) => {
  const { fleet, reader } = await started(t);
  await reader.start();
  await reader.settled();
  const kept: unknown[] = [];
  reader.hostile.script = {
    answer: (frame) => {
      if (frame.kind !== 'push-entry' || kept.length > 1) return [frame];
      kept.push(frame);
      return kept.length === 2 ? [frame] : []; // the first is swallowed
    },
  };
  await fleet.write('one');
  fleet.relay.push();
  await fleet.write('two');
  fleet.relay.push();
  await reader.until(() => reader.head === fleet.world.operator.replica.state.control.position, 'read everything');
  await reader.settled();
  assert.deepEqual(reader.codes, ['entry_gap']);
});
