// Every vector of spec/vectors for what travels through a relay: the verdict must be the one it names, not just any refusal.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytes, decode, integer, list, optional, record, type Schema } from '@holdfast/protocol/codec/schema';
import {
  parseAccessList,
  verifyFirstAccessList,
  verifyNextAccessList,
  type AccessList,
} from '@holdfast/protocol/blind/access-list';
import { assertFollows, parseEntry, verifyEntry, type Verified } from '@holdfast/protocol/blind/entry';
import { parseRelayFrame, parseRequest } from '@holdfast/protocol/blind/frames';
import { compareHeads, headOf, verifyFreshness } from '@holdfast/protocol/blind/freshness';
import { assertPulseAge, parsePulse, verifyPulse, type Pulse } from '@holdfast/protocol/blind/pulse';
import { verifyRelayAuth } from '@holdfast/protocol/blind/relay-auth';
import { parseSignal, verifySignal } from '@holdfast/protocol/blind/signal';
import { encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import { bytesUpTo } from '@holdfast/protocol/codec/schema';
import { fromHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';

const root = join(import.meta.dirname, '../../../../spec/vectors');

interface Vector {
  readonly about: string;
  readonly clauses: readonly string[];
  readonly expect: string;
  readonly input: unknown;
}

/** Hex becomes bytes; the schema says where. */
function input<T>(schema: Schema<T>, vector: Vector): T {
  const bytesOf = (value: unknown): Value => {
    if (typeof value === 'string') return fromHex(value) ?? value;
    if (Array.isArray(value)) return value.map(bytesOf);
    if (typeof value !== 'object' || value === null) return value as Value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, bytesOf(item)]));
  };
  return decode(schema, encodeValue(bytesOf(vector.input)), 1 << 20);
}

const wire = bytesUpTo(1 << 20);
const key = bytes(65);
const time = integer();

const entryInput = record({
  wire,
  authorKey: key,
  tip: optional(record({ position: integer(), hash: bytes(32), atMs: time })),
});
const accessInput = record({ wire, previous: optional(wire), genesis: optional(wire) });
const pulseInput = record({ wire, fleet: bytes(32), deviceKey: key, nowMs: time, maxAgeMs: time, newest: optional(wire) });
const freshnessInput = record({
  wire,
  fleet: bytes(32),
  nonce: bytes(32),
  relayKey: key,
  topics: list(bytes(16), { max: 8 }),
  seen: optional(record({ topic: bytes(16), position: integer(), hash: bytes(32) })),
});
const signalInput = record({ wire, fleet: bytes(32), reader: bytes(16), senderKey: key, nowMs: time });
const relayInput = record({
  request: optional(wire),
  frame: optional(wire),
  auth: optional(
    record({ fleet: bytes(32), principal: bytes(16), nonce: bytes(32), relay: key, signature: bytes(64), publicKey: key }),
  ),
});

const verifiers: Readonly<Record<string, (vector: Vector) => Promise<void>>> = {
  entry: async (vector) => {
    const { wire: bytesOfEntry, authorKey, tip } = input(entryInput, vector);
    const entry = await verifyEntry(primitives, parseEntry(primitives, bytesOfEntry), authorKey);
    assertFollows(tip, entry);
  },
  'access-list': async (vector) => {
    const given = input(accessInput, vector);
    const accessList = parseAccessList(given.wire);
    if (given.genesis !== undefined) await verifyFirstAccessList(primitives, accessList, parseEntry(primitives, given.genesis));
    else
      await verifyNextAccessList(
        primitives,
        parseAccessList(given.previous ?? new Uint8Array()) as Verified<AccessList>,
        accessList,
      );
  },
  pulse: async (vector) => {
    const { wire: bytesOfPulse, newest, maxAgeMs, ...known } = input(pulseInput, vector);
    const before = newest === undefined ? undefined : (parsePulse(newest) as Verified<Pulse>);
    const pulse = await verifyPulse(primitives, parsePulse(bytesOfPulse), { ...known, newest: before });
    assertPulseAge(pulse, { nowMs: known.nowMs, maxAgeMs });
  },
  freshness: async (vector) => {
    const { wire: bytesOfFreshness, seen, ...asked } = input(freshnessInput, vector);
    const statement = await verifyFreshness(primitives, bytesOfFreshness, asked);
    if (seen !== undefined) compareHeads(seen, headOf(statement, seen.topic));
  },
  signal: async (vector) => {
    const { wire: bytesOfSignal, ...known } = input(signalInput, vector);
    await verifySignal(primitives, parseSignal(bytesOfSignal), known);
  },
  relay: async (vector) => {
    const { request, frame, auth } = input(relayInput, vector);
    if (request !== undefined) parseRequest(request);
    if (frame !== undefined) parseRelayFrame(frame);
    if (auth !== undefined) {
      const { signature, publicKey, ...statement } = auth;
      await verifyRelayAuth(primitives, statement, signature, publicKey);
    }
  },
};

for (const [format, verify] of Object.entries(verifiers)) {
  const files = readdirSync(join(root, format)).filter((name) => name.endsWith('.json'));
  test(`${format}: there are vectors`, () => assert.ok(files.length >= 9, `${files.length} vectors`));
  for (const file of files) {
    const vector = JSON.parse(readFileSync(join(root, format, file), 'utf8')) as Vector;
    test(`${format}/${file}: ${vector.about}`, async () => {
      const verdict = await verify(vector).then(
        () => 'ok',
        (error: unknown) => codeOf(error),
      );
      assert.equal(verdict, vector.expect);
    });
  }
}
