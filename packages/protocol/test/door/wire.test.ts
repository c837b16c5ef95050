// The door's frames: every message round-trips, nothing else is taken, whatever bytes come.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeValue } from '@holdfast/protocol/codec/cbor';
import { FrameReader, framed } from '@holdfast/protocol/codec/framing';
import {
  decodeDoorReply,
  decodeDoorRequest,
  encodeDoorReply,
  encodeDoorRequest,
  maxChunkBytes,
  maxDoorFrameBytes,
  type DoorReply,
  type DoorRequest,
} from '@holdfast/protocol/door/wire';
import { codeOf } from '@holdfast/protocol/errors';

const id = new Uint8Array(16).fill(7);
const hash = new Uint8Array(32).fill(9);

const requests: readonly DoorRequest[] = [
  { kind: 'status' },
  { kind: 'machine' },
  { kind: 'enroll', scope: 'main' },
  { kind: 'enroll', scope: 'ci.linux-2', relay: 'https://relay.example' },
  { kind: 'await-control', fleet: hash, position: 4, hash, timeoutMs: 10_000 },
  { kind: 'run', scope: 'main', command: ['env', ''], cwd: '/w', path: '/bin', home: '/h', environment: { LANG: 'C', _x1: 'é' } },
  {
    kind: 'run',
    scope: 'main',
    command: ['vim'],
    cwd: '/w',
    path: '',
    home: '/h',
    environment: {},
    terminal: { columns: 80, rows: 24, term: 'xterm' },
  },
  { kind: 'audit', agent: 'main', part: 'events', from: 0, limit: 500 },
  { kind: 'input', data: new Uint8Array(maxChunkBytes) },
  { kind: 'input-end' },
  { kind: 'resize', columns: 1, rows: 10_000 },
  { kind: 'signal', name: 'SIGUSR1' },
];

const replies: readonly DoorReply[] = [
  { kind: 'failed', code: 'refused', message: 'no', next: 'ask' },
  { kind: 'done' },
  { kind: 'started', session: id, agent: id, mode: 'sealed' },
  { kind: 'input-taken', bytes: maxChunkBytes },
  { kind: 'stopped' },
  { kind: 'waiting', ask: id.subarray(0, 16), act: 'use', withinMs: 120_000 },
  { kind: 'output', data: new Uint8Array([0, 255]) },
  { kind: 'errors', data: new Uint8Array() },
  { kind: 'exited', code: 255 },
  {
    kind: 'exited',
    code: 0,
    refused: [{ code: 'egress_denied', host: 'h.example', port: 443, granted: false, count: 2 }],
    unlisted: 1,
  },
  { kind: 'enroll-done', agent: id, fleet: hash, fleetName: 'home', scope: 'main', custody: 'software' },
];

/** Dictionaries come out without a prototype. */
const plain = <T>(value: T): T => structuredClone(value);

const payloadOf = (frame: Uint8Array): Uint8Array => frame.subarray(4);

test('every request and reply comes out as it went in', () => {
  for (const request of requests) assert.deepEqual(plain(decodeDoorRequest(payloadOf(encodeDoorRequest(request)))), request);
  for (const reply of replies) assert.deepEqual(decodeDoorReply(payloadOf(encodeDoorReply(reply))), reply);
});

test('the bytes of the simplest request are pinned', () => {
  const frame = Buffer.from(encodeDoorRequest({ kind: 'status' })).toString('hex');
  assert.equal(frame, '0000000da1646b696e6466737461747573');
});

// [DOOR-3]
test('unknown kinds, unknown keys, missing keys and wrong shapes are refused', () => {
  const refused: readonly (readonly [unknown, string])[] = [
    [{ kind: 'reveal' }, 'codec_shape'],
    [{ kind: 'status', extra: 1 }, 'codec_shape'],
    [{}, 'codec_shape'],
    [[], 'codec_shape'],
    [null, 'codec_shape'],
    [{ kind: 'enroll', scope: '../x' }, 'codec_shape'],
    [{ kind: 'enroll', scope: 'main', machine: 'another' }, 'codec_shape'],
    [{ kind: 'signal', name: 'KILL; rm' }, 'codec_shape'],
    [{ kind: 'resize', columns: 0, rows: 1 }, 'codec_shape'],
    [{ kind: 'input', data: new Uint8Array(maxChunkBytes + 1) }, 'codec_limit'],
    [{ kind: 'run', scope: 'main', command: [], cwd: '/', path: '', home: '/', environment: {} }, 'codec_shape'],
    [{ kind: 'run', scope: 'main', command: ['a'], cwd: '/', path: '', home: '/', environment: { 'A=B': '1' } }, 'codec_shape'],
    [{ kind: 'audit', agent: 'main', part: 'secrets', from: 0, limit: 1 }, 'codec_shape'],
  ];
  for (const [value, code] of refused) {
    const payload = encodeValue(value as never);
    assert.throws(() => decodeDoorRequest(payload), { code }, JSON.stringify(value)?.slice(0, 80));
  }
});

// [DOOR-3]
test('bytes after the request, a cut request and a second form of it are refused', () => {
  const payload = payloadOf(encodeDoorRequest({ kind: 'status' }));
  assert.throws(() => decodeDoorRequest(new Uint8Array([...payload, 0])), { code: 'codec_trailing' });
  assert.throws(() => decodeDoorRequest(payload.subarray(0, -1)), { code: 'codec_truncated' });
  // The map's length in one byte more than it needs.
  assert.throws(() => decodeDoorRequest(new Uint8Array([0xb8, 0x01, ...payload.subarray(1)])), { code: 'codec_noncanonical' });
});

// [DOOR-3]
test('whatever bytes come, decoding is total: a request or a codec error, never another fault', () => {
  const seeds = requests.map((request) => payloadOf(encodeDoorRequest(request)).slice(0, 4096));
  const mutated = fc
    .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { minLength: 1, maxLength: 4 }))
    .map(([seed, changes]) => {
      const bytes = seed.slice();
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 256 }), mutated), (bytes) => {
      try {
        assert.deepEqual(Buffer.from(payloadOf(encodeDoorRequest(decodeDoorRequest(bytes)))), Buffer.from(bytes)); // one form only
      } catch (thrown) {
        assert.match(codeOf(thrown), /^codec_/);
      }
    }),
    { numRuns: 600 },
  );
});

// [DOOR-2]
test('a frame that announces too much is refused before any of it is held', () => {
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(0, maxDoorFrameBytes + 1);
  assert.throws(() => new FrameReader(maxDoorFrameBytes).push(header), { code: 'codec_limit' });
  assert.throws(() => framed(new Uint8Array(maxDoorFrameBytes + 1), maxDoorFrameBytes), { code: 'codec_limit' });
});

test('frames come out whole and in order, however the stream is cut', () => {
  const stream = Buffer.concat(requests.slice(0, 8).map((request) => encodeDoorRequest(request)));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (sizes) => {
      const reader = new FrameReader(maxDoorFrameBytes);
      const found: DoorRequest[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        found.push(...reader.push(stream.subarray(at, at + size)).map(decodeDoorRequest));
        at += size;
      }
      assert.deepEqual(plain(found), requests.slice(0, 8));
      assert.equal(reader.partial, false);
    }),
    { numRuns: 50 },
  );
});
