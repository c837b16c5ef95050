// What holds for every value: one encoding, any flipped bit refused, garbage ends in one coded error.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAccessList, verifyNextAccessList, type AccessList } from '@holdfast/protocol/blind/access-list';
import { controlTopic, parseEntry, verifyEntry, type Verified } from '@holdfast/protocol/blind/entry';
import {
  encodeRelayFrame,
  encodeRequest,
  maxRequestBytes,
  parseRelayFrame,
  parseRequest,
  type RelayRequest,
} from '@holdfast/protocol/blind/frames';
import { signFreshness, verifyFreshness } from '@holdfast/protocol/blind/freshness';
import { parsePulse, verifyPulse } from '@holdfast/protocol/blind/pulse';
import { parseSignal, signSignal, verifySignal } from '@holdfast/protocol/blind/signal';
import { codeOf } from '@holdfast/protocol/errors';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { FleetWorld, headAfter, newActor, worldStartMs } from '../../../testkit/src/fleet-world.ts';
import { share } from '../../../testkit/src/shares.ts';

const numRuns = share({ ci: 150, soak: 10_000 });
const exactly = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const upTo = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength: length });

const requests: fc.Arbitrary<RelayRequest> = fc.oneof(
  fc.record({
    kind: fc.constant('auth' as const),
    id: fc.nat(),
    fleet: exactly(32),
    principal: exactly(16),
    signature: exactly(64),
  }),
  fc.record({ kind: fc.constant('append' as const), id: fc.nat(), topic: exactly(16), entry: upTo(600) }),
  fc.record({
    kind: fc.constant('read' as const),
    id: fc.nat(),
    topic: exactly(16),
    from: fc.nat(),
    max: fc.integer({ min: 1, max: 1024 }),
  }),
  fc.record({
    kind: fc.constant('watch' as const),
    id: fc.nat(),
    topics: fc.array(fc.record({ topic: exactly(16), from: fc.nat() }), { minLength: 1, maxLength: 20 }),
  }),
  fc.record({
    kind: fc.constant('rendezvous-put' as const),
    id: fc.nat(),
    rendezvous: exactly(16),
    slot: fc.constantFrom('offer' as const, 'answer' as const),
    body: upTo(300),
    ttlMs: fc.integer({ min: 1, max: 900_000 }),
  }),
  fc.record({
    kind: fc.constant('fresh' as const),
    id: fc.nat(),
    nonce: exactly(32),
    topics: fc.array(exactly(16), { maxLength: 5 }),
  }),
);

test('a request is what it was after its way over the wire', () => {
  fc.assert(
    fc.property(requests, (request) => {
      const frame = encodeRequest(request);
      assert.deepEqual(parseRequest(frame), structuredClone(request));
      assert.deepEqual(encodeRequest(parseRequest(frame)), frame);
    }),
    { numRuns },
  );
});

test('garbage and altered frames end in one coded error or one value', () => {
  fc.assert(
    fc.property(
      fc.oneof(upTo(400), requests.map(encodeRequest)),
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      (bytes, at, xor) => {
        const altered = bytes.slice();
        if (altered.length > 0) altered[at % altered.length] = (altered[at % altered.length] ?? 0) ^ xor;
        for (const parse of [parseRequest, parseRelayFrame]) {
          try {
            parse(altered);
          } catch (error) {
            assert.match(codeOf(error), /^codec_/);
          }
        }
      },
    ),
    { numRuns: numRuns * 4 },
  );
});

test('a frame past its limit is not looked at', () => {
  assert.throws(() => parseRequest(new Uint8Array(maxRequestBytes + 1)), { code: 'codec_limit' }); // [RELAY-2]
});

test('a request that no relay would accept is not sent', () => {
  assert.throws(() => encodeRequest({ kind: 'read', id: 1, topic: controlTopic, from: 0, max: 5000 }), { code: 'codec_shape' });
  assert.throws(() => encodeRelayFrame({ kind: 'error', id: 1, code: 'usage', message: 'caf\u00e9' }), { code: 'codec_shape' });
});

test('any flipped bit of a signed thing is refused, and never as a fault of ours', async () => {
  const world = await FleetWorld.make();
  const [agent, relay] = [await newActor(), await newActor()];
  const { device, fleet } = world;
  const firstList = world.access;
  const list = await world.nextAccess([agent]);
  const control = headAfter(world.genesis);
  const entry = await world.entry(device, { topic: controlTopic, after: control });
  const pulse = await world.pulse(control, worldStartMs);
  const nonce = primitives.random(32);
  const freshness = await signFreshness(relay.holder, {
    v: 1,
    fleet,
    nonce,
    atMs: worldStartMs,
    heads: [{ topic: controlTopic, ...control }],
  });
  const expiresAtMs = worldStartMs + 1000;
  const signal = await signSignal(agent.holder, {
    v: 1,
    fleet,
    id: primitives.random(16),
    from: agent.id,
    audience: 'fleet',
    epoch: 0,
    expiresAtMs,
    sealed: primitives.random(20),
  });
  const key = device.holder.publicKeys.sign;
  const signed: readonly (readonly [Uint8Array, (wire: Uint8Array) => Promise<unknown>])[] = [
    [entry.wire, async (wire) => verifyEntry(primitives, parseEntry(primitives, wire), key)],
    [list.wire, async (wire) => verifyNextAccessList(primitives, firstList as Verified<AccessList>, parseAccessList(wire))],
    [
      pulse.wire,
      async (wire) =>
        verifyPulse(primitives, parsePulse(wire), { fleet, deviceKey: key, newest: undefined, nowMs: worldStartMs }),
    ],
    [
      freshness,
      async (wire) => verifyFreshness(primitives, wire, { fleet, nonce, relayKey: relay.holder.publicKeys.sign, topics: [] }),
    ],
    [
      signal.wire,
      async (wire) =>
        verifySignal(primitives, parseSignal(wire), {
          fleet,
          reader: device.id,
          senderKey: agent.holder.publicKeys.sign,
          nowMs: worldStartMs,
        }),
    ],
  ];
  for (const [wire, verify] of signed) {
    await verify(wire);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: wire.length * 8 - 1 }), async (bit) => {
        const altered = wire.slice();
        altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const code = await verify(altered).then(() => 'ok', codeOf);
        assert.ok(code !== 'ok' && code !== 'internal', `bit ${bit}: ${code}`);
      }),
      { numRuns },
    );
  }
});
