// The door under bad callers: garbage, oversized frames, second requests, silence, a caller who is gone; and what a failed handler says.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { FrameReader, framed } from '@holdfast/protocol/codec/framing';
import { encodeValue } from '@holdfast/protocol/codec/cbor';
import {
  decodeDoorReply,
  encodeDoorRequest,
  maxDoorFrameBytes,
  type DoorReply,
  type DoorRequest,
} from '@holdfast/protocol/door/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import { failure, openDoor, type DoorHandler } from '../../src/door/server.ts';

interface Open {
  readonly path: string;
  readonly logged: string[];
  ask(...frames: readonly Uint8Array[]): Promise<DoorReply[]>;
  dial(): Promise<Socket>;
}

async function open(t: TestContext, handler: DoorHandler): Promise<Open> {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-door-'));
  const socketPath = path.join(folder, 's');
  const logged: string[] = [];
  const note = (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const door = await openDoor(socketPath, { info: note, warn: note }, handler);
  t.after(async () => {
    await door.close();
    rmSync(folder, { recursive: true });
  });
  const dial = async () => {
    const socket = connect(socketPath);
    await once(socket, 'connect');
    return socket;
  };
  const ask = async (...frames: readonly Uint8Array[]) => {
    const socket = await dial();
    for (const frame of frames) socket.write(frame);
    return repliesOf(socket);
  };
  return { path: socketPath, logged, ask, dial };
}

async function repliesOf(socket: Socket): Promise<DoorReply[]> {
  const reader = new FrameReader(maxDoorFrameBytes);
  const replies: DoorReply[] = [];
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => replies.push(...reader.push(chunk).map(decodeDoorReply)));
  await once(socket, 'close');
  return replies;
}

const done: DoorHandler = async (_request, caller) => void caller.reply({ kind: 'done' });
const status = encodeDoorRequest({ kind: 'status' });
const codesOf = (replies: readonly DoorReply[]) => replies.map((reply) => (reply.kind === 'failed' ? reply.code : reply.kind));

test('a request is answered, and the connection ends', async (t) => {
  const { ask } = await open(t, done);
  assert.deepEqual(await ask(status), [{ kind: 'done' }]);
});

// [DOOR-2] [DOOR-3]
test('bad input gets one coded answer and an end, and no handler hears of it', async (t) => {
  const heard: DoorRequest[] = [];
  const { ask } = await open(t, async (request, caller) => {
    heard.push(request);
    caller.reply({ kind: 'done' });
  });
  const tooLong = new Uint8Array([0, 0x10, 0, 1]);
  assert.deepEqual(codesOf(await ask(tooLong, status)), ['codec_limit']);
  assert.deepEqual(codesOf(await ask(framed(encodeValue({ kind: 'open-sesame' }), 1000), status)), ['codec_shape']);
  assert.deepEqual(codesOf(await ask(framed(encodeValue({ kind: 'status', as: 'operator' }), 1000))), ['codec_shape']);
  assert.deepEqual(codesOf(await ask(framed(new Uint8Array([0xff]), 1000), framed(new Uint8Array([0xff]), 1000))), [
    'codec_shape',
  ]);
  assert.deepEqual(codesOf(await ask(framed(new Uint8Array(), 1000))), ['codec_truncated']);
  assert.deepEqual(heard, []);
});

// [DOOR-3]
test('random bytes never bring the door down', async (t) => {
  const { ask, dial } = await open(t, done);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.boolean(), async (bytes, asFrame) => {
      const socket = await dial();
      socket.end(asFrame ? framed(bytes, 1000) : bytes);
      for (const code of codesOf(await repliesOf(socket))) assert.match(code, /^(codec_[a-z]+|done)$/);
    }),
    { numRuns: 80 },
  );
  assert.deepEqual(await ask(status), [{ kind: 'done' }]);
});

// [DOOR-4]
test('frames after the request belong to it, in order, also those that came before anybody listened', async (t) => {
  const { ask } = await open(t, async (request, caller) => {
    assert.equal(request.kind, 'run');
    await new Promise((resolve) => setImmediate(resolve));
    const kinds: string[] = [];
    await new Promise<void>((resolve) => {
      caller.onFrame((frame) => {
        kinds.push(frame.kind);
        if (frame.kind === 'input-end') resolve();
      });
    });
    caller.reply({ kind: 'failed', code: 'usage', message: kinds.join() });
  });
  const run = encodeDoorRequest({ kind: 'run', scope: 'main', command: ['x'], cwd: '/', path: '', home: '/', environment: {} });
  const frames = (['status', 'input-end'] as const).map((kind) => encodeDoorRequest({ kind }));
  const [reply] = await ask(run, encodeDoorRequest({ kind: 'input', data: new Uint8Array(1) }), ...frames);
  assert.equal(reply?.kind === 'failed' && reply.message, 'input,status,input-end');
});

test('what piles up before anybody listens is bounded', async (t) => {
  const { ask } = await open(t, async (_request, caller) => {
    await new Promise((resolve) => caller.gone.addEventListener('abort', resolve));
  });
  const endless = Array.from({ length: 100 }, () => encodeDoorRequest({ kind: 'input-end' }));
  assert.deepEqual(codesOf(await ask(status, ...endless)), ['codec_limit']);
});

// [DOOR-6]
test('a caller who is gone is noticed, also while it is sent more than it reads', async (t) => {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const { dial } = await open(t, async (_request, caller) => {
    caller.gone.addEventListener('abort', () => resolve());
    if (caller.gone.aborted) resolve();
    while (!caller.gone.aborted) {
      if (!caller.reply({ kind: 'output', data: new Uint8Array(60_000) })) await caller.drained();
      await new Promise((next) => setImmediate(next));
    }
  });
  const socket = await dial();
  socket.pause();
  socket.write(status);
  await new Promise((next) => setImmediate(next));
  socket.destroy();
  await gone;
});

// [DOOR-9]
test('an unexpected fault is told and logged without its message', async (t) => {
  const { ask, logged } = await open(t, () => Promise.reject(new Error('a secret in /home/somebody')));
  const [reply] = await ask(status);
  assert.equal(reply?.kind === 'failed' && reply.code, 'internal');
  assert.doesNotMatch(JSON.stringify(reply), /secret|somebody/);
  assert.match(logged.join(), /unexpectedly.*"request":"status"/);
  assert.doesNotMatch(logged.join(), /secret|somebody/);
});

test('a message that quotes too much, or what is no text, is still an answer', async (t) => {
  const long = `no such command: ${'x'.repeat(100_000)}`;
  const { ask } = await open(t, () =>
    Promise.reject(new HoldfastError('usage', `${long}\ud800`, { next: `${'y'.repeat(999)}😀` })),
  );
  assert.deepEqual(codesOf(await ask(status)), ['usage']);
  const told = failure(new HoldfastError('usage', long));
  assert.equal(told.kind === 'failed' && told.message.length, 1000);
});

test('an answer that does not fit a frame is a coded fault, not a dead daemon', async (t) => {
  const { ask } = await open(
    t,
    async (_request, caller) => void caller.reply({ kind: 'output', data: new Uint8Array(maxDoorFrameBytes) }),
  );
  assert.deepEqual(codesOf(await ask(status)), ['codec_limit']);
});

test('a socket file that a killed daemon left is replaced', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-door-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 's');
  writeFileSync(file, '');
  const door = await openDoor(file, { info: () => {}, warn: () => {} }, done);
  const socket = connect(file);
  await once(socket, 'connect');
  socket.write(status);
  assert.deepEqual(await repliesOf(socket), [{ kind: 'done' }]);
  await door.close();
});
