// An agent's reader behind a relay that lies: each attack is named by its code, takes no wrong state, stops minting within its bound, and
// does no harm that lasts once the relay is honest again.

import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { controlTopic, parseEntry, type Head } from '@holdfast/protocol/blind/entry';
import { signPulse } from '@holdfast/protocol/blind/pulse';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { rekeyFleet } from '@holdfast/protocol/journal/compose';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import * as attacks from '../../../../packages/testkit/src/attacks.ts';
import type { Script } from '../../../../packages/testkit/src/hostile-relay.ts';
import { copyOf } from '../../../../packages/testkit/src/memory-relay.ts';
import { share } from '../../../../packages/testkit/src/shares.ts';
import { World } from '../../../../packages/testkit/src/world.ts';
import { Follower, TestFleet } from './follower.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

interface Scene {
  readonly fleet: TestFleet;
  readonly reader: Follower;
}

/** A reader that has read an honest relay's whole history and may mint. */
async function settled(t: TestContext): Promise<Scene> {
  const fleet = await TestFleet.begin(t);
  const reader = await Follower.enrolled(t, fleet);
  await fleet.pulse(reader.nowMs.wall);
  await reader.start();
  await reader.settled();
  return { fleet, reader };
}

/** The relay turns hostile: at once, and for whoever comes back. */
function turn({ reader }: Scene, script: Script): void {
  reader.hostile.script = script;
  reader.hostile.cut();
}

async function honestAgain({ fleet, reader }: Scene): Promise<void> {
  fleet.relay.storeOf = () => fleet.relay.store;
  turn({ fleet, reader }, {});
  const { position } = fleet.world.operator.replica.state.control;
  await reader.until(
    () => reader.link.state === 'connected' && reader.fresh.refusal === undefined && reader.head === position,
    'all read and fresh',
  );
}

const last = ({ fleet }: Scene): Uint8Array => fleet.world.relay.read(controlTopic).at(-1) ?? assert.fail();
const headOf = (wire: Uint8Array): Head => ({
  position: parseEntry(primitives, wire).statement.position,
  hash: parseEntry(primitives, wire).hash,
});

describe('a relay that lies', () => {
  test('an honest one: everything is read, and stays fresh', async (t) => {
    const { fleet, reader } = await settled(t);
    await fleet.write('one');
    fleet.relay.push();
    await reader.pass(1000);
    assert.equal(reader.head, fleet.world.operator.replica.state.control.position);
    await reader.pass(180_000);
    assert.equal(reader.fresh.refusal, undefined);
    assert.deepEqual(reader.codes, []);
  });

  const substitutions: Readonly<
    Record<string, { readonly code: string; readonly script: (scene: Scene) => Promise<Script> | Script }>
  > = {
    'entries in reverse': { code: 'entry_gap', script: () => attacks.reversed }, // [ENTRY-6]
    'an entry left out': { code: 'entry_gap', script: () => attacks.withoutFirst },
    'a bit of the signature flipped': { code: 'signature_invalid', script: () => attacks.flipped }, // [ENTRY-3]
    'another body': {
      code: 'signature_invalid',
      script: () => attacks.retold(({ sealed }) => ({ sealed: sealed.toReversed() })),
    },
    'another author': { code: 'author_unknown', script: ({ reader }) => attacks.retold(() => ({ author: reader.id })) }, // [JOURNAL-2]
    'another audience': { code: 'signature_invalid', script: () => attacks.retold(() => ({ audience: 'fleet' })) },
    'another epoch': { code: 'signature_invalid', script: () => attacks.retold(({ epoch }) => ({ epoch: epoch + 1 })) },
    'another topic': { code: 'entry_foreign', script: ({ reader }) => attacks.retold(() => ({ topic: reader.id })) },
    'another position': {
      code: 'signature_invalid',
      script: () => attacks.retold(({ position }) => ({ position: position + 1 })),
    },
    'another time': { code: 'signature_invalid', script: () => attacks.retold(({ atMs }) => ({ atMs: atMs + 1 })) },
    "another fleet's entry": { code: 'entry_foreign', script: async () => attacks.replaced((await World.begin()).genesis) }, // [JOURNAL-2]
    "an agent's entry in the operators' topic": {
      code: 'entry_foreign',
      script: async ({ fleet }) => attacks.replaced((await (await fleet.world.enroll('other')).write({ kind: 'enrolled' })).wire),
    },
    "an entry that an agent signed as if it were a device's": {
      code: 'author_unknown',
      script: async ({ fleet }) => {
        const { operator } = fleet.world;
        const agent = await fleet.world.enroll('traitor');
        const forged = await operator.forge(
          { kind: 'egress-end', rule: primitives.random(16) },
          { author: agent.id, id: primitives.random(16) },
        );
        return attacks.replaced(forged.wire);
      },
    },
  };
  for (const [name, { code, script }] of Object.entries(substitutions)) {
    test(`${name}: ${code}`, async (t) => {
      const scene = await settled(t);
      const { fleet, reader } = scene;
      const before = reader.head;
      const hostile = await script(scene); // what it takes may be history itself: nothing of it is pushed
      for (const each of ['one', 'two', 'three']) await fleet.write(each);
      turn(scene, hostile);
      await reader.until(() => reader.codes.includes(code), code);
      assert.equal(reader.head, before);
      assert.equal(reader.link.error, code);
      await reader.pass(61_000);
      assert.equal(reader.fresh.refusal, 'stale_relay'); // [FRESH-8]
      assert.equal(reader.head, before);
      await honestAgain(scene);
    });
  }

  test("yesterday's store, also after a restart: entry_stale, and nothing is minted", async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    const yesterday = copyOf(fleet.world, fleet.relay.store.pulse);
    await fleet.write('today');
    fleet.relay.push();
    await reader.pass(1000);
    const today = reader.head;
    fleet.relay.storeOf = () => yesterday;
    turn(scene, {});
    await reader.until(() => reader.codes.includes('entry_stale'), 'entry_stale'); // [FRESH-7]
    reader.stop();
    await reader.start();
    await reader.pass(5_000);
    assert.deepEqual([reader.link.error, reader.head, reader.fresh.refusal], ['entry_stale', today, 'stale_relay']);
    await honestAgain(scene);
  });

  test('a rolled back relay that hides it as well as it can without its key: the same pages are never the newest', async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    const before = reader.head ?? assert.fail();
    turn(scene, attacks.cutShort(before));
    await fleet.write('withheld');
    fleet.relay.push();
    await reader.pass(61_000);
    assert.deepEqual([reader.head, reader.fresh.refusal], [before, 'stale_relay']);
    await honestAgain(scene);
  });

  test('pushes alone withheld: what came is read at the next question, 15 s later', async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    turn(scene, { answer: (frame) => (frame.kind === 'push-entry' || frame.kind === 'push-pulse' ? [] : [frame]) });
    await reader.settled();
    await fleet.write('quiet');
    fleet.relay.push();
    await reader.pass(16_000);
    assert.equal(reader.head, fleet.world.operator.replica.state.control.position);
  });

  test('every entry twice in its page: taken once', async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    for (const each of ['one', 'two']) await fleet.write(each);
    turn(scene, attacks.doubled);
    await reader.until(() => reader.head === fleet.world.operator.replica.state.control.position, 'all read');
    await reader.pass(61_000);
    assert.equal(reader.fresh.refusal, undefined);
  });

  test('everything twice: nothing happens', async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    turn(scene, attacks.stuttering);
    await reader.settled();
    await fleet.write('twice');
    await fleet.pulse(reader.nowMs.wall + 1);
    fleet.relay.push();
    await reader.pass(30_000);
    assert.equal(reader.head, fleet.world.operator.replica.state.control.position);
    assert.deepEqual(
      [reader.link.state, reader.fresh.refusal, new Set(reader.codes)],
      ['connected', undefined, new Set(['relay_unreachable'])],
    );
  });
});

describe('a relay that loses what is asked', () => {
  for (const kind of ['auth', 'read', 'fresh'] as const) {
    test(`every ${kind}: nothing is minted after a minute, and everything is read once they arrive`, async (t) => {
      const scene = await settled(t);
      const { fleet, reader } = scene;
      const before = reader.head;
      turn(scene, attacks.dropping(kind));
      await fleet.write('unheard');
      await reader.pass(90_000);
      assert.deepEqual([reader.fresh.refusal, reader.head], ['stale_relay', before]); // [FRESH-8]
      await honestAgain(scene);
    });
  }

  test('every watch and every pulse asked for: what was written is read at the next question, and the pulse goes on ageing', async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    turn(scene, attacks.dropping('watch', 'pulse-get'));
    await fleet.write('unwatched');
    await fleet.pulse(reader.nowMs.wall + 1);
    const age = reader.fresh.pulseAgeMs ?? assert.fail();
    await reader.pass(90_000);
    assert.equal(reader.head, fleet.world.operator.replica.state.control.position);
    assert.equal(reader.fresh.pulseAgeMs, age + 90_000);
    await honestAgain(scene);
  });
});

describe('what a relay kept of before a restart', () => {
  test('a freshness statement: freshness_forged, for its nonce was of another question', async (t) => {
    const scene = await settled(t);
    const { reader } = scene;
    let kept: Uint8Array | undefined;
    turn(scene, { answer: (frame) => (frame.kind === 'freshness' ? ((kept = frame.freshness), [frame]) : [frame]) });
    await reader.until(() => kept !== undefined, 'a statement');
    await reader.settled();
    reader.stop();
    reader.hostile.script = attacks.staleFreshness(kept ?? assert.fail());
    await reader.start();
    await reader.pass(30_000);
    assert.ok(reader.codes.includes('freshness_forged'), reader.codes.join(' ')); // [FRESH-5]
    assert.equal(reader.fresh.refusal, 'stale_relay');
    await honestAgain(scene);
  });

  test('a pulse: the newest one that was taken stays the newest, and as old as it is', async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    const older = fleet.relay.store.pulse ?? assert.fail();
    await reader.pass(hourMs / 60);
    await fleet.pulse(reader.nowMs.wall);
    fleet.relay.push();
    await reader.pass(10_000);
    const age = reader.fresh.pulseAgeMs ?? assert.fail();
    reader.stop();
    fleet.relay.store.pulse = older;
    await reader.start();
    await reader.settled();
    await reader.pass(20_000);
    assert.ok((reader.fresh.pulseAgeMs ?? 0) >= age + 20_000); // [PULSE-4] [PULSE-7]
    assert.ok(reader.codes.includes('pulse_stale'), reader.codes.join(' '));
  });
});

describe('freshness', () => {
  const forged: Readonly<Record<string, { readonly code: string; readonly script: (scene: Scene) => Promise<Script> | Script }>> =
    {
      'a statement of before': { code: 'freshness_forged', script: () => attacks.replayedFreshness() }, // [FRESH-5]
      'another key': {
        code: 'freshness_forged', // [FRESH-3]
        script: async ({ fleet, reader }) =>
          attacks.signedFreshness(
            await SoftwareKeyHolder.generate(primitives),
            fleet.world.fleet,
            () => reader.journal.controlHead() ?? assert.fail(),
          ),
      },
      "an operator's key": {
        code: 'freshness_forged',
        script: ({ fleet, reader }) =>
          attacks.signedFreshness(
            fleet.world.operator.holder,
            fleet.world.fleet,
            () => reader.journal.controlHead() ?? assert.fail(),
          ),
      },
      "the relay's key, another fleet": {
        code: 'freshness_forged', // [FRESH-4]
        script: ({ fleet, reader }) =>
          attacks.signedFreshness(
            fleet.world.relayKeys,
            primitives.random(32),
            () => reader.journal.controlHead() ?? assert.fail(),
          ),
      },
      "the relay's key, an older head": {
        code: 'entry_stale', // [FRESH-7]
        script: ({ fleet }) =>
          attacks.signedFreshness(fleet.world.relayKeys, fleet.world.fleet, () => headOf(fleet.world.genesis)),
      },
      "the relay's key, another head at the same place": {
        code: 'entry_fork', // [FRESH-7]
        script: ({ fleet, reader }) =>
          attacks.signedFreshness(fleet.world.relayKeys, fleet.world.fleet, () => ({
            position: reader.head ?? 0,
            hash: primitives.random(32),
          })),
      },
      'another relay key in the welcome': {
        code: 'relay_impostor',
        script: async () => attacks.impostor((await SoftwareKeyHolder.generate(primitives)).publicKeys.sign),
      }, // [RELAY-3]
      'no answer': { code: 'relay_unreachable', script: () => attacks.silent('fresh') },
      'a refusal': { code: 'relay_refused', script: () => attacks.failing('fresh', 'relay_refused') },
      'a refusal that means something else elsewhere': {
        code: 'agent_revoked',
        script: () => attacks.failing('read', 'agent_revoked'),
      },
    };
  for (const [name, { code, script }] of Object.entries(forged)) {
    test(`${name}: ${code}, and nothing is minted after a minute`, async (t) => {
      const scene = await settled(t);
      const { fleet, reader } = scene;
      const before = reader.head;
      turn(scene, await script(scene));
      if (code === 'agent_revoked') await fleet.write('to-be-read');
      await reader.pass(90_000);
      assert.ok(reader.codes.includes(code), reader.codes.join(' '));
      assert.deepEqual([reader.fresh.refusal, reader.head], ['stale_relay', before]);
      assert.ok(
        reader.journal.state !== undefined &&
          [...reader.journal.state.agents.values()].every(({ revoked }) => revoked === undefined),
      );
      await honestAgain(scene);
    });
  }

  test("a head further on that never comes, signed with the relay's key, confirms nothing", async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    turn(
      scene,
      attacks.signedFreshness(fleet.world.relayKeys, fleet.world.fleet, () => ({
        position: 10_000,
        hash: primitives.random(32),
      })),
    );
    await reader.pass(61_000);
    assert.equal(reader.fresh.refusal, 'stale_relay');
    await honestAgain(scene);
  });

  for (const [name, script] of Object.entries(attacks.breaches)) {
    test(`${name}: relay_protocol`, async (t) => {
      const scene = await settled(t);
      const { reader } = scene;
      turn(scene, script);
      await reader.until(() => reader.codes.includes('relay_protocol'), 'relay_protocol'); // [RELAY-5]
      await reader.pass(61_000);
      assert.ok(reader.hostile.connections < 25, `it knocks with patience: ${reader.hostile.connections} times`);
      await honestAgain(scene);
    });
  }

  test('the bound is 60 s from the question, to the second; a slow answer does not stretch it', async (t) => {
    const scene = await settled(t);
    const { reader } = scene;
    const held = Promise.withResolvers<void>();
    let questions = 0;
    reader.hostile.script = {
      answer: async (frame) => {
        if (frame.kind !== 'freshness') return [frame];
        questions += 1;
        if (questions === 1) await held.promise;
        return questions === 1 ? [frame] : [];
      },
    };
    await reader.until(() => questions === 1, 'a question');
    await reader.pass(10_000);
    held.resolve();
    await reader.pass(1_000);
    assert.ok((reader.fresh.relayAgeMs ?? 0) >= 11_000, 'as old as the question, not as the answer');
    await reader.pass(60_000 - (reader.fresh.relayAgeMs ?? 0));
    assert.deepEqual([reader.fresh.relayAgeMs, reader.fresh.refusal], [60_000, undefined]);
    await reader.pass(1_000);
    assert.equal(reader.fresh.refusal, 'stale_relay');
  });
});

describe('the pulse', () => {
  test('everything withheld by a relay that signs what it likes: minting stops when the pulse is as old as the fleet allows', async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    const head = reader.journal.controlHead() ?? assert.fail();
    turn(
      scene,
      attacks.signedFreshness(fleet.world.relayKeys, fleet.world.fleet, () => head),
    );
    const yesterday = copyOf(fleet.world, fleet.relay.store.pulse);
    fleet.relay.storeOf = () => yesterday;
    await fleet.write('a-revocation-say');
    await fleet.pulse(reader.nowMs.wall + hourMs);
    await reader.pass(30_000);
    assert.equal(reader.fresh.refusal, undefined);
    reader.nowMs.wall += dayMs - 60_000;
    reader.nowMs.monotonic += dayMs - 60_000;
    await reader.pass(20_000);
    assert.equal(reader.fresh.refusal, undefined);
    await reader.pass(20_000);
    assert.deepEqual([reader.fresh.refusal, reader.head], ['stale_pulse', head.position]);
    await honestAgain(scene);
  });

  test('one that names entries which were not shown does not count until they are', async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    const head = reader.journal.controlHead() ?? assert.fail();
    turn(
      scene,
      attacks.both(
        attacks.cutShort(head.position),
        attacks.signedFreshness(fleet.world.relayKeys, fleet.world.fleet, () => head),
      ),
    );
    await reader.settled();
    await reader.pass(hourMs / 60);
    const age = reader.fresh.pulseAgeMs ?? assert.fail();
    await fleet.write('withheld');
    await fleet.pulse(reader.nowMs.wall);
    fleet.relay.push();
    await reader.pass(2_000);
    assert.ok((reader.fresh.pulseAgeMs ?? 0) >= age, 'the old pulse goes on ageing'); // [PULSE-8]
    await honestAgain(scene);
    assert.ok((reader.fresh.pulseAgeMs ?? Infinity) < age);
  });

  const refused: Readonly<Record<string, { readonly code: string; readonly wire: (scene: Scene) => Promise<Uint8Array> }>> = {
    "an agent's": {
      code: 'pulse_forged', // [PULSE-2]
      wire: async ({ fleet, reader }) => {
        const { id, holder } = await fleet.world.enroll('traitor');
        return (
          await signPulse(holder, {
            v: 1,
            fleet: fleet.world.fleet,
            id: primitives.random(16),
            device: id,
            atMs: reader.nowMs.wall,
            control: headOf(last({ fleet, reader })),
          })
        ).wire;
      },
    },
    "an agent's in a device's name": {
      code: 'pulse_forged',
      wire: async ({ fleet, reader }) => {
        const { holder } = await fleet.world.enroll('traitor');
        const { id } = fleet.world.operator;
        return (
          await signPulse(holder, {
            v: 1,
            fleet: fleet.world.fleet,
            id: primitives.random(16),
            device: id,
            atMs: reader.nowMs.wall,
            control: headOf(last({ fleet, reader })),
          })
        ).wire;
      },
    },
    "another fleet's": {
      code: 'pulse_forged', // [PULSE-3]
      wire: async ({ fleet, reader }) => {
        const { holder, id } = fleet.world.operator;
        return (
          await signPulse(holder, {
            v: 1,
            fleet: primitives.random(32),
            id: primitives.random(16),
            device: id,
            atMs: reader.nowMs.wall,
            control: headOf(last({ fleet, reader })),
          })
        ).wire;
      },
    },
    'one of the future': { code: 'pulse_time', wire: ({ fleet, reader }) => fleet.pulse(reader.nowMs.wall + 6 * 60_000) }, // [PULSE-5]
    'an old one': { code: 'pulse_stale', wire: ({ fleet, reader }) => fleet.pulse(reader.nowMs.wall - hourMs) }, // [PULSE-4]
    'no pulse at all': { code: 'codec_truncated', wire: () => Promise.resolve(new Uint8Array()) }, // [PULSE-1]
  };
  for (const [name, { code, wire }] of Object.entries(refused)) {
    test(`${name}: ${code}, and the good one is as old as it is`, async (t) => {
      const scene = await settled(t);
      const { reader } = scene;
      const pulse = await wire(scene);
      await reader.pass(10_000);
      const age = reader.fresh.pulseAgeMs ?? assert.fail();
      reader.hostile.toClients([{ kind: 'push-pulse', pulse }]);
      await reader.pass(1_000);
      assert.deepEqual([reader.codes, reader.fresh.pulseAgeMs, reader.link.state], [[code], age + 1_000, 'connected']);
    });
  }

  test('the same pulse again makes nothing younger', async (t) => {
    const { fleet, reader } = await settled(t);
    await reader.pass(10_000);
    const age = reader.fresh.pulseAgeMs ?? assert.fail();
    reader.hostile.toClients([{ kind: 'push-pulse', pulse: fleet.relay.store.pulse ?? assert.fail() }]);
    await reader.pass(1_000);
    assert.equal(reader.fresh.pulseAgeMs, age + 1_000);
  });
});

describe('two readers', () => {
  /** A second history from here on, by the device's own key: what a relay with a stolen one can do. */
  async function split({ fleet }: Scene): Promise<ReturnType<typeof copyOf>> {
    const other = copyOf(fleet.world, fleet.relay.store.pulse);
    const { operator } = fleet.world;
    const forked = await operator.forge(
      { kind: 'item-remove', item: primitives.random(16) },
      { audience: 'operators', id: primitives.random(16), atMs: fleet.world.tick() },
    );
    other.topics.set('00'.repeat(16), [...fleet.world.relay.read(controlTopic), forked.wire]);
    return other;
  }

  test("a relay with a device's key shows them two histories: each holds until they compare heads, then entry_fork for good", async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    const second = await Follower.enrolled(t, fleet);
    await fleet.pulse(reader.nowMs.wall);
    await second.start();
    await second.settled();
    const other = await split(scene);
    fleet.relay.storeOf = ({ principal }) => (principal === toHex(second.id) ? other : fleet.relay.store);
    await fleet.write('one-history');
    fleet.relay.push();
    await reader.pass(20_000);
    await second.pass(20_000);
    assert.equal(reader.head, second.head, 'both are at the same place, and neither can tell yet');
    assert.deepEqual([reader.fresh.refusal, second.fresh.refusal], [undefined, undefined]);

    const pulse = await fleet.pulse(reader.nowMs.wall + 30_000); // the operator is of the first history
    second.hostile.toClients([{ kind: 'push-pulse', pulse }]);
    await second.pass(1_000);
    assert.deepEqual(second.codes, ['entry_fork']); // [PULSE-8]
    await second.pass(61_000);
    assert.deepEqual(
      [second.link.error, second.fresh.refusal],
      ['entry_fork', 'stale_relay'],
      'also when the relay hides the pulse again',
    );
    assert.equal(reader.fresh.refusal === 'stale_relay' || reader.link.error === undefined, true);
  });

  test('the relay shows its own signature to the wrong one: entry_fork', async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    const other = await split(scene);
    fleet.relay.storeOf = () => other;
    turn(scene, {});
    await reader.settled();
    await reader.pass(20_000);
    const forked = reader.head;
    await fleet.write('the-true-one');
    fleet.relay.storeOf = () => fleet.relay.store;
    reader.hostile.cut();
    await reader.until(() => reader.codes.includes('entry_fork'), 'entry_fork'); // [FRESH-7]
    await reader.pass(61_000);
    assert.deepEqual([reader.fresh.refusal, reader.head], ['stale_relay', forked]);
  });

  test('the other history comes as an entry for a place that is taken: entry_fork', async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    const other = await split(scene);
    await fleet.write('the-true-one');
    fleet.relay.push();
    await reader.pass(1_000);
    reader.hostile.toClients([
      { kind: 'push-entry', topic: controlTopic, entry: other.topics.get('00'.repeat(16))?.at(-1) ?? assert.fail() },
    ]);
    await reader.pass(1_000);
    assert.ok(reader.codes.includes('entry_fork')); // [JOURNAL-3]
  });

  test('a relay alone can only keep back: the one who was shown less hears of it by the pulse', async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    const head = reader.journal.controlHead() ?? assert.fail();
    turn(
      scene,
      attacks.both(
        attacks.cutShort(head.position),
        attacks.signedFreshness(fleet.world.relayKeys, fleet.world.fleet, () => head),
      ),
    );
    await reader.settled();
    await fleet.write('for-others');
    for (let hours = 1; hours <= 24; hours += 1) {
      reader.nowMs.wall += hourMs;
      reader.nowMs.monotonic += hourMs;
      await fleet.pulse(reader.nowMs.wall);
      fleet.relay.push();
      await reader.pass(1_000);
    }
    await reader.pass(20_000);
    assert.deepEqual([reader.fresh.refusal, reader.head], ['stale_pulse', head.position]); // [PULSE-8]
  });
});

describe('clocks', () => {
  test('the machine sleeps: the wall clock jumps, the monotonic one stands still, and everything is older', async (t) => {
    const { reader } = await settled(t);
    const { relayAgeMs = 0, pulseAgeMs = 0 } = reader.fresh;
    reader.nowMs.wall += 2 * hourMs;
    assert.deepEqual(
      [reader.fresh.relayAgeMs, reader.fresh.pulseAgeMs, reader.fresh.refusal],
      [relayAgeMs + 2 * hourMs, pulseAgeMs + 2 * hourMs, 'stale_relay'],
    );
    await reader.settled();
    assert.ok((reader.fresh.pulseAgeMs ?? 0) >= pulseAgeMs + 2 * hourMs);
  });

  test('the wall clock set back or forward makes nothing younger', async (t) => {
    const { reader } = await settled(t);
    const { pulseAgeMs = 0 } = reader.fresh;
    reader.nowMs.wall -= 20 * hourMs;
    await reader.pass(30_000);
    assert.ok((reader.fresh.pulseAgeMs ?? 0) >= pulseAgeMs + 30_000);
    reader.nowMs.wall += 20 * hourMs;
    await reader.pass(30_000);
    assert.ok((reader.fresh.pulseAgeMs ?? 0) >= pulseAgeMs + 60_000);
    reader.nowMs.wall += 25 * hourMs;
    assert.equal(reader.fresh.refusal, 'stale_relay');
    await reader.pass(20_000);
    assert.equal(reader.fresh.refusal, 'stale_pulse');
  });

  test('a restart with the clock set back: the pulse is as old as it was', async (t) => {
    const { reader } = await settled(t);
    reader.nowMs.wall += 23 * hourMs;
    reader.nowMs.monotonic += 23 * hourMs;
    await reader.pass(62_000);
    const age = reader.fresh.pulseAgeMs ?? assert.fail();
    reader.stop();
    reader.nowMs.wall -= 23 * hourMs;
    reader.nowMs.monotonic = 5; // a new boot
    await reader.start();
    await reader.pass(1_000);
    assert.ok((reader.fresh.pulseAgeMs ?? 0) >= age - 62_000, `${reader.fresh.pulseAgeMs} after ${age}`); // [PULSE-7]
    reader.nowMs.monotonic += hourMs + 62_000;
    await reader.pass(20_000);
    assert.equal(reader.fresh.refusal, 'stale_pulse');
  });

  test('nothing of the relay outlives a restart: it has to answer a new question first', async (t) => {
    const scene = await settled(t);
    const { reader } = scene;
    turn(scene, attacks.silent('fresh'));
    reader.stop();
    await reader.start();
    assert.equal(reader.fresh.refusal, 'stale_relay');
    await honestAgain(scene);
  });
});

describe('lockboxes', () => {
  for (const [name, plant] of Object.entries({
    none: () => undefined,
    "somebody else's": ({ fleet }: Scene) =>
      fleet.world.relay.lockbox(fleet.world.lockboxPlace('fleet', 1, fleet.world.operator.id)),
    'an older one of the same member': ({ fleet, reader }: Scene) =>
      fleet.world.relay.lockbox(fleet.world.lockboxPlace('fleet', 0, reader.id)),
    nonsense: () => new Uint8Array(64),
  })) {
    test(`${name}: epoch_key_missing, counted, nothing is skipped, and the right one is taken once it comes`, async (t) => {
      const scene = await settled(t);
      const { fleet, reader } = scene;
      const before = reader.head;
      await fleet.world.operator.act(rekeyFleet);
      turn(scene, {
        answer: async (frame, line, asked) => (await attacks.lockboxes(plant(scene)).answer?.(frame, line, asked)) ?? [frame],
      });
      await reader.pass(61_000);
      assert.ok(reader.codes.includes('epoch_key_missing'), reader.codes.join(' ')); // [AUDIENCE-9]
      assert.deepEqual([reader.head, reader.fresh.refusal, reader.journal.undecryptable > 0], [before, 'stale_relay', true]);
      reader.stop();
      await reader.start();
      await honestAgain(scene);
      assert.equal(reader.journal.undecryptable, 0); // [LOCKBOX-5]
    });
  }
});

describe('floods', () => {
  test('pushes before the greeting is over are not listened to, and no connection is left behind', async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    const forked = await signPulse(fleet.world.operator.holder, {
      v: 1,
      fleet: fleet.world.fleet,
      id: primitives.random(16),
      device: fleet.world.operator.id,
      atMs: reader.nowMs.wall,
      control: { position: 0, hash: primitives.random(32) },
    });
    turn(scene, {
      answer: (frame) =>
        frame.kind === 'welcome'
          ? [frame, ...Array.from({ length: 3000 }, () => ({ kind: 'push-pulse', pulse: forked.wire }) as const)]
          : [frame],
    });
    await reader.pass(30_000);
    assert.deepEqual([reader.hostile.open, reader.link.state, reader.codes], [1, 'connected', ['relay_unreachable']]);
  });

  test('pages without an end are given up', async (t) => {
    const scene = await settled(t);
    const { fleet, reader } = scene;
    await fleet.write('more');
    const page = Array.from({ length: 3 }, () => new Uint8Array(256 * 1024));
    turn(scene, {
      answer: (frame) =>
        frame.kind === 'entries' ? [{ ...frame, entries: page, head: { position: 2 ** 40, hash: new Uint8Array(32) } }] : [frame],
    });
    await reader.until(() => reader.codes.includes('codec_limit'), 'codec_limit');
    await honestAgain(scene);
  });

  for (const [name, push] of Object.entries({
    'entries that are there already': ({ fleet }: Scene) =>
      ({ kind: 'push-entry', topic: controlTopic, entry: fleet.world.genesis }) as const,
    'pulses that are none': () => ({ kind: 'push-pulse', pulse: new Uint8Array(16) }) as const,
    'the same pulse': ({ fleet }: Scene) => ({ kind: 'push-pulse', pulse: fleet.relay.store.pulse ?? assert.fail() }) as const,
  })) {
    test(`${name}, faster than they can be read: the connection ends, what waits is bounded, the log is not flooded`, async (t) => {
      const scene = await settled(t);
      const { reader } = scene;
      const frame = push(scene);
      reader.hostile.toClients(Array.from({ length: share({ ci: 6_000, soak: 200_000 }) }, () => frame));
      await reader.until(() => reader.codes.includes('limit_exceeded'), 'limit_exceeded'); // [RELAY-26]
      assert.ok(reader.codes.length < 50, `${reader.codes.length} lines of log`);
      await honestAgain(scene);
    });
  }
});
