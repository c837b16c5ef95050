// What an operator reads of a log at the relay, while its daemon is still shipping it. spec/cli.md [CLI-70].

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onceShipped, sizesOf, type UnverifiedLog } from '@holdfast/protocol/operator/shipped';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { Author } from '@holdfast/testkit/long-log';

const author = await Author.of(primitives.random(32));
const events = author.records(20);
const checkpoints = await author.sign(events, 10);
const [half, whole] = checkpoints;
assert.ok(half !== undefined && whole !== undefined);
const shown = (count: number, anchor?: Uint8Array): UnverifiedLog => ({
  whose: author.log,
  leaves: [],
  events: events.slice(0, count),
  checkpoints,
  ...(anchor !== undefined && { anchor }),
});
/** What the relay shows one time after the other, the last one from then on; and how often it was asked. */
const relay = (...logs: readonly UnverifiedLog[]) => {
  const asked = { times: 0 };
  return { asked, open: async () => logs[Math.min((asked.times += 1), logs.length) - 1] ?? assert.fail() };
};

/** A clock that goes on by what was waited. */
const patience = () => {
  let nowMs = 0;
  return {
    monotonicMs: () => nowMs,
    wait: async (ms: number) => {
      nowMs += ms;
    },
  };
};

test('[CLI-70] a topic that is ahead of what was shipped is asked again, and is taken as it is in the end', async () => {
  const shipping = relay(shown(12, whole), shown(20, whole));
  assert.deepEqual(sizesOf(primitives, await onceShipped(primitives, shipping.open, patience())), { there: 20, topic: 20 });
  assert.equal(shipping.asked.times, 2);
  const cut = relay(shown(12, whole));
  assert.deepEqual(sizesOf(primitives, await onceShipped(primitives, cut.open, patience())), { there: 12, topic: 20 });
  assert.equal(cut.asked.times, 21);
});

test('[CLI-70] nothing is waited for where the relay has what the topic names, or more, or the topic names nothing', async () => {
  for (const log of [shown(12, half), shown(10, half), shown(3), shown(0)]) {
    const there = relay(log);
    assert.equal(await onceShipped(primitives, there.open, patience()), log);
    assert.equal(there.asked.times, 1);
  }
});
