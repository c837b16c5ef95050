// spec/vectors/codec, and what schemas make of values.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { decodeValue, encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import { FrameReader, framed } from '@holdfast/protocol/codec/framing';
import {
  bytes,
  bytesUpTo,
  decode,
  dictionary,
  encode,
  integer,
  list,
  literal,
  oneOf,
  optional,
  record,
  text,
  union,
} from '@holdfast/protocol/codec/schema';
import { fromVectorHex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

interface ValueVector extends VectorEntry {
  readonly hex: string;
  readonly value?: unknown;
}

interface FrameVector extends VectorEntry {
  readonly stream: string;
  readonly payloads?: readonly string[];
}

/** Vectors hold byte strings as {"$bytes": hex}. */
function valueOf(json: unknown): Value {
  if (typeof json !== 'object' || json === null) return json as Value;
  if (Array.isArray(json)) return json.map(valueOf);
  if ('$bytes' in json && typeof json.$bytes === 'string') return fromVectorHex(json.$bytes);
  return Object.fromEntries(Object.entries(json).map(([key, each]) => [key, valueOf(each)]));
}

describe('codec: values', () => {
  for (const { name, clause, expect, hex, value } of ownVectors<ValueVector>('codec/values').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const input = fromVectorHex(hex);
      assert.equal(await outcomeOf(() => decodeValue(input, 1024)), expect);
      if (expect !== 'ok') return;
      assert.equal(toHex(encodeValue(decodeValue(input, 1024))), hex);
      assert.equal(toHex(encodeValue(valueOf(value))), hex);
    });
  }

  it('CODEC-7: refuses more input than its reader takes', async () => {
    assert.equal(await outcomeOf(() => decodeValue(new Uint8Array(9), 8)), 'codec_limit');
  });

  it('CODEC-1: encodes nothing that has no form', async () => {
    for (const value of [1.5, Number.NaN, 2 ** 53, -0.5, '\ud800']) {
      assert.equal(await outcomeOf(() => encodeValue(value)), 'codec_shape');
    }
    assert.equal(
      await outcomeOf(() => encodeValue(Array.from({ length: 17 }).reduce<Value>((inner) => [inner], 0))),
      'codec_limit',
    );
  });
});

describe('codec: frames', () => {
  for (const { name, clause, expect, stream, payloads } of ownVectors<FrameVector>('codec/frames').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const whole = fromVectorHex(stream);
      const read = (pieceBytes: number): Uint8Array[] => {
        const reader = new FrameReader(8);
        const found: Uint8Array[] = [];
        for (let offset = 0; offset < whole.length; offset += pieceBytes)
          found.push(...reader.push(whole.slice(offset, offset + pieceBytes)));
        return found;
      };
      for (const pieceBytes of [1, 2, 3, 5, 100]) {
        assert.equal(await outcomeOf(() => read(pieceBytes)), expect);
        if (expect === 'ok') assert.deepEqual(read(pieceBytes).map(toHex), payloads);
      }
    });
  }

  it('CODEC-10: writes no frame that its reader refuses, and hands out copies', async () => {
    assert.equal(await outcomeOf(() => framed(new Uint8Array(9), 8)), 'codec_limit');
    const frame = framed(Uint8Array.of(1, 2), 8);
    const [payload] = new FrameReader(8).push(frame);
    frame.fill(0);
    assert.deepEqual(payload, Uint8Array.of(1, 2));
  });
});

describe('codec: schemas [CODEC-7] [CODEC-8] [CODEC-9]', () => {
  const example = record({
    v: literal(1),
    name: text({ min: 1, max: 4, pattern: /^[a-z]+$/ }),
    id: bytes(2),
    note: optional(bytesUpTo(3)),
    counts: list(integer({ min: 1, max: 9 }), { min: 1, max: 2 }),
    env: dictionary(text({ max: 2 }), { max: 1, key: text({ max: 3, pattern: /^[A-Z]+$/ }) }),
    level: oneOf('low', 'high'),
    act: union({ go: { far: integer() }, stop: {} }),
  });
  const good = {
    v: 1,
    name: 'abc',
    id: Uint8Array.of(1, 2),
    counts: [1],
    env: { A: 'x' },
    level: 'low',
    act: { kind: 'stop' },
  } as const;

  const faults: readonly (readonly [string, string, Value, 'codec_shape' | 'codec_limit'])[] = [
    ['CODEC-8 literal', 'v', 2, 'codec_shape'],
    ['CODEC-8 kind', 'name', 1, 'codec_shape'],
    ['CODEC-8 empty text', 'name', '', 'codec_shape'],
    ['CODEC-8 pattern', 'name', 'AB', 'codec_shape'],
    ['CODEC-7 long text', 'name', 'abcde', 'codec_limit'],
    ['CODEC-8 length of bytes', 'id', Uint8Array.of(1), 'codec_shape'],
    ['CODEC-7 long bytes', 'note', new Uint8Array(4), 'codec_limit'],
    ['CODEC-8 null is not absent', 'note', null, 'codec_shape'],
    ['CODEC-8 empty list', 'counts', [], 'codec_shape'],
    ['CODEC-7 long list', 'counts', [1, 2, 3], 'codec_limit'],
    ['CODEC-8 range', 'counts', [10], 'codec_shape'],
    ['CODEC-8 fraction', 'counts', [1.5], 'codec_shape'],
    ['CODEC-7 many keys', 'env', { A: '', B: '' }, 'codec_limit'],
    ['CODEC-8 key pattern', 'env', { a: '' }, 'codec_shape'],
    ['CODEC-8 no such choice', 'level', 'middle', 'codec_shape'],
    ['CODEC-8 no such variant', 'act', { kind: 'fly' }, 'codec_shape'],
    ['CODEC-8 variant by a property of objects', 'act', { kind: 'constructor' }, 'codec_shape'],
    ['CODEC-9 key of another variant', 'act', { kind: 'stop', far: 1 }, 'codec_shape'],
    ['CODEC-8 list for map', 'act', [], 'codec_shape'],
    ['CODEC-9 unknown key', 'more', 1, 'codec_shape'],
    ['CODEC-9 __proto__', '__proto__', 1, 'codec_shape'],
  ];

  it('takes a value and gives it back', () => {
    assert.deepEqual(decode(example, encode(example, good), 1024), {
      ...good,
      env: Object.assign(Object.create(null) as object, { A: 'x' }),
    });
    assert.ok(equalBytes(encode(example, good), encode(example, { ...good, note: undefined } as unknown as typeof good)));
  });

  for (const [name, key, value, expect] of faults) {
    it(`${name}: ${expect}`, async () => {
      const broken = Object.fromEntries([...Object.entries<Value>(good).filter(([each]) => each !== key), [key, value]]);
      assert.equal(await outcomeOf(() => decode(example, encodeValue(broken), 1024)), expect);
      assert.equal(await outcomeOf(() => encode(example, broken as unknown as typeof good)), expect);
    });
  }

  it('CODEC-8: refuses each field that is missing', async () => {
    for (const key of Object.keys(good)) {
      const rest = Object.fromEntries(Object.entries<Value>(good).filter(([each]) => each !== key));
      assert.equal(await outcomeOf(() => decode(example, encodeValue(rest), 1024)), 'codec_shape');
    }
  });
});
