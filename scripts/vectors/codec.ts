// node scripts/vectors/codec.ts: vectors of spec/codec.md. `value` is JSON, with {"$bytes": hex} for byte strings.

import { encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import { fromVectorHex } from '@holdfast/testkit/vectors';
import { writeVectors } from './write.ts';

const bytes = (hex: string): Uint8Array => fromVectorHex(hex);
const jsonOf = (value: Value): unknown => {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map((each: Value) => jsonOf(each));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, jsonOf(each)]));
  return value;
};

const good: readonly (readonly [string, Value])[] = [
  ['example of the page', { n: 1, ids: [bytes('00ff'), null], ok: true }],
  ...[0, 23, 24, 255, 256, 65535, 65536, 4294967295, 4294967296, Number.MAX_SAFE_INTEGER].map(
    (n) => [`integer ${n}`, n] as const,
  ),
  ...[-1, -24, -25, -256, -257, -65536, -65537, -4294967296, -4294967297, Number.MIN_SAFE_INTEGER].map(
    (n) => [`integer ${n}`, n] as const,
  ),
  ['false', false],
  ['null', null],
  ['empty bytes', new Uint8Array(0)],
  ['bytes of 24', new Uint8Array(24).fill(7)],
  ['empty text', ''],
  ['text outside the basic plane', 'key \u{1f511}'],
  ['text with a byte order mark', '\ufeffx'],
  ['empty list', []],
  ['empty map', {}],
  ['keys by length, then bytes', { b: 1, a: 2, aa: 3, Z: 4 }],
  ['the key __proto__', Object.fromEntries([['__proto__', 1]])],
  ['16 levels', Array.from({ length: 16 }).reduce<Value>((inner) => [inner], 0)],
];

const bad: readonly (readonly [string, string, string, string])[] = [
  ['float 16', 'CODEC-2', 'f93c00', 'codec_shape'],
  ['float 64', 'CODEC-2', 'fb3ff0000000000000', 'codec_shape'],
  ['undefined', 'CODEC-2', 'f7', 'codec_shape'],
  ['simple value 32', 'CODEC-2', 'f820', 'codec_shape'],
  ['tag 1', 'CODEC-2', 'c100', 'codec_shape'],
  ['break alone', 'CODEC-2', 'ff', 'codec_shape'],
  ['integer 2^53', 'CODEC-2', '1b0020000000000000', 'codec_shape'],
  ['integer 2^64 - 1', 'CODEC-2', '1bffffffffffffffff', 'codec_shape'],
  ['integer -2^53', 'CODEC-2', '3b001fffffffffffff', 'codec_shape'],
  ['integer as key', 'CODEC-2', 'a10001', 'codec_shape'],
  ['bytes as key', 'CODEC-2', 'a1416101', 'codec_shape'],
  ['text with a lone continuation byte', 'CODEC-2', '6180', 'codec_shape'],
  ['text in overlong UTF-8', 'CODEC-2', '62c080', 'codec_shape'],
  ['text with a surrogate', 'CODEC-2', '63eda080', 'codec_shape'],
  ['23 in two bytes', 'CODEC-3', '1817', 'codec_noncanonical'],
  ['255 in three bytes', 'CODEC-3', '1900ff', 'codec_noncanonical'],
  ['65535 in five bytes', 'CODEC-3', '1a0000ffff', 'codec_noncanonical'],
  ['2^32 - 1 in nine bytes', 'CODEC-3', '1b00000000ffffffff', 'codec_noncanonical'],
  ['-1 in two bytes', 'CODEC-3', '3800', 'codec_noncanonical'],
  ['length of bytes in two bytes', 'CODEC-3', '580100', 'codec_noncanonical'],
  ['length of a list in two bytes', 'CODEC-3', '980100', 'codec_noncanonical'],
  ['indefinite bytes', 'CODEC-3', '5f4100ff', 'codec_noncanonical'],
  ['indefinite text', 'CODEC-3', '7f6161ff', 'codec_noncanonical'],
  ['indefinite list', 'CODEC-3', '9f00ff', 'codec_noncanonical'],
  ['indefinite map', 'CODEC-3', 'bf616100ff', 'codec_noncanonical'],
  ['reserved additional information', 'CODEC-3', '1c', 'codec_noncanonical'],
  ['keys in the wrong order', 'CODEC-4', 'a2616200616100', 'codec_noncanonical'],
  ['longer key first', 'CODEC-4', 'a262616100616200', 'codec_noncanonical'],
  ['key twice', 'CODEC-4', 'a2616100616101', 'codec_noncanonical'],
  ['two values', 'CODEC-5', '0000', 'codec_trailing'],
  ['a byte after a map', 'CODEC-5', 'a000', 'codec_trailing'],
  ['nothing', 'CODEC-6', '', 'codec_truncated'],
  ['length without its bytes', 'CODEC-6', '19', 'codec_truncated'],
  ['bytes cut short', 'CODEC-6', '4201', 'codec_truncated'],
  ['bytes of 2^53 - 1', 'CODEC-6', '5b001fffffffffffff', 'codec_truncated'],
  ['list of 2^53 - 1', 'CODEC-6', '9b001fffffffffffff', 'codec_truncated'],
  ['map of 2^32', 'CODEC-6', 'bb0000000100000000', 'codec_truncated'],
  ['map without its last value', 'CODEC-6', 'a16161', 'codec_truncated'],
  ['17 levels', 'CODEC-7', `${'81'.repeat(17)}00`, 'codec_limit'],
  ['17 levels of maps', 'CODEC-7', `${'a16161'.repeat(17)}00`, 'codec_limit'],
];

writeVectors('codec/values', 'What a reader makes of one encoding.', [
  ...good.map(([name, value]) => ({
    name,
    clause: 'CODEC-1',
    expect: 'ok' as const,
    hex: encodeValue(value),
    value: jsonOf(value),
  })),
  ...bad.map(([name, clause, hex, expect]) => ({ name, clause, expect: expect as 'codec_shape', hex })),
]);

writeVectors('codec/frames', 'What a reader makes of a stream of frames of at most 8 bytes; the stream may come in any pieces.', [
  { name: 'two frames', clause: 'CODEC-10', expect: 'ok', stream: '00000001f60000000200ff', payloads: ['f6', '00ff'] },
  { name: 'an empty frame', clause: 'CODEC-10', expect: 'ok', stream: '00000000', payloads: [''] },
  {
    name: 'the longest frame',
    clause: 'CODEC-10',
    expect: 'ok',
    stream: `00000008${'11'.repeat(8)}`,
    payloads: ['11'.repeat(8)],
  },
  { name: 'a frame that is cut', clause: 'CODEC-10', expect: 'ok', stream: '00000002f6', payloads: [] },
  { name: 'one byte too long', clause: 'CODEC-10', expect: 'codec_limit', stream: '00000009' },
  { name: 'a length of 2^32 - 1', clause: 'CODEC-10', expect: 'codec_limit', stream: 'ffffffff' },
]);
