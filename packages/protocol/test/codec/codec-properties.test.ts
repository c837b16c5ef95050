// The codec over all values and all bytes: one form a value, one value a form, and nothing but its own codes.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { compareBytes, concat, equalBytes, fromHex, toHex } from '@holdfast/protocol/codec/bytes';
import { decodeValue, encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import { codeOf } from '@holdfast/protocol/errors';
import { share } from '@holdfast/testkit/shares';

const runs = { numRuns: share({ ci: 400, soak: 20_000 }) };

const { value: anyValue } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.maxSafeInteger().map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(fc.string({ maxLength: 30 }), tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
}));

/** Bytes near to valid ones: random bytes die in the first header. */
const nearlyValid = fc
  .tuple(
    anyValue,
    fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'insert', 'drop')), { minLength: 1, maxLength: 4 }),
  )
  .map(([value, edits]) => {
    let bytes = [...encodeValue(value)];
    for (const [at, byte, edit] of edits) {
      const index = at % (bytes.length + 1);
      bytes = [
        ...bytes.slice(0, index),
        ...(edit === 'drop' ? [] : [byte]),
        ...bytes.slice(edit === 'insert' ? index : index + 1),
      ];
    }
    return Uint8Array.from(bytes);
  });

describe('codec', () => {
  it('CODEC-1: reads back what it wrote, and would write it again', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const encoded = encodeValue(value);
        const again = decodeValue(encoded, encoded.length);
        assert.deepEqual(encodeValue(again), encoded);
        // Maps come back without a prototype and in canonical order; structure is compared through the encoding of a plain copy.
        assert.deepEqual(encodeValue(structuredClone(again)), encoded);
      }),
      runs,
    );
  });

  it('takes no second form of a value: whatever decodes, encodes to the same bytes', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), nearlyValid), (bytes) => {
        let value: Value;
        try {
          value = decodeValue(bytes, 4096);
        } catch (thrown) {
          assert.match(codeOf(thrown), /^codec_/);
          return;
        }
        accepted += 1;
        assert.deepEqual(encodeValue(value), bytes);
      }),
      { numRuns: share({ ci: 3000, soak: 300_000 }) },
    );
    assert.ok(accepted > 0);
  });

  it('gives copies: overwriting the input changes no result', () => {
    const bytes = encodeValue([Uint8Array.of(1, 2, 3)]);
    for (const encoded of [bytes.slice(), Buffer.from(bytes)]) {
      const value = decodeValue(encoded, 64);
      encoded.fill(0);
      assert.deepEqual(value, [Uint8Array.of(1, 2, 3)]);
    }
  });

  it('CODEC-6: allocates nothing by a claimed length', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (const claim of ['5a7fffffff', '9a7fffffff', 'ba7fffffff', '7a7fffffff']) {
      assert.throws(() => decodeValue(fromHex(claim) ?? new Uint8Array(0), 64), { code: 'codec_truncated' });
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
  });
});

describe('byte strings', () => {
  it('compare, join and print as they should', () => {
    const bytes = fc.uint8Array({ maxLength: 12 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        assert.equal(equalBytes(a, b), toHex(a) === toHex(b));
        assert.equal(Math.sign(compareBytes(a, b)), Math.sign(Buffer.compare(a, b)));
        assert.equal(toHex(concat(a, b)), toHex(a) + toHex(b));
        assert.deepEqual(fromHex(toHex(a)), a);
      }),
      runs,
    );
    for (const text of ['0', 'AB', 'zz', '0x00', ' 00']) assert.equal(fromHex(text), undefined);
  });
});
