// A session's bytes: in order, none lost, never more than a window of input, and no fault of either end that hurts the other.

import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { maxChunkBytes, maxInputAheadBytes, type DoorReply, type DoorRequest } from '@holdfast/protocol/door/wire';
import type { Caller } from '../../src/door/server.ts';
import { carryStreams } from '../../src/session/streams.ts';

class FakeCaller implements Caller {
  readonly replies: DoorReply[] = [];
  readonly gone = new AbortController().signal;
  full = false;
  private drain = Promise.withResolvers<void>();
  private listener: (frame: DoorRequest) => void = () => {};
  /** Called with each reply. */
  heard: (reply: DoorReply) => void = () => {};

  reply(reply: DoorReply): boolean {
    this.replies.push(reply);
    this.heard(reply);
    return !this.full;
  }

  drained(): Promise<void> {
    return this.drain.promise;
  }

  emptied(): void {
    this.full = false;
    this.drain.resolve();
    this.drain = Promise.withResolvers();
  }

  onFrame(listener: (frame: DoorRequest) => void): void {
    this.listener = listener;
  }

  send(...frames: readonly DoorRequest[]): void {
    for (const frame of frames) this.listener(frame);
  }

  bytesOf(kind: 'output' | 'errors'): Buffer {
    return Buffer.concat(this.replies.flatMap((reply) => (reply.kind === kind ? [reply.data] : [])));
  }

  get taken(): number {
    return this.replies.reduce((sum, reply) => sum + (reply.kind === 'input-taken' ? reply.bytes : 0), 0);
  }
}

function sandboxOf(input: Writable = new PassThrough()) {
  const done: string[] = [];
  return {
    done,
    input,
    output: new PassThrough(),
    errors: new PassThrough(),
    resize: (columns: number, rows: number) => {
      done.push(`${columns}x${rows}`);
      return columns === 13 ? Promise.reject(new Error('no terminal')) : Promise.resolve();
    },
    signal: (name: string) => void done.push(name),
    stopped: false,
    isStopped(): boolean {
      return this.stopped;
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('output and errors come whole and apart, in chunks that fit a frame, and resolve at their end', async () => {
  const caller = new FakeCaller();
  const sandbox = sandboxOf();
  const carried = carryStreams(sandbox, caller);
  const big = Buffer.alloc(3 * maxChunkBytes + 5, 'o');
  sandbox.output.end(big);
  sandbox.errors.end('e');
  await carried;
  assert.ok(caller.bytesOf('output').equals(big));
  assert.equal(caller.bytesOf('errors').toString(), 'e');
  for (const reply of caller.replies) if (reply.kind === 'output') assert.ok(reply.data.length <= maxChunkBytes);
});

test('a caller that does not read slows the command down', async () => {
  const caller = new FakeCaller();
  caller.full = true;
  const sandbox = sandboxOf();
  const carried = carryStreams(sandbox, caller);
  sandbox.output.write(Buffer.alloc(10 * maxChunkBytes));
  for (let turns = 0; turns < 10; turns += 1) await turn();
  assert.equal(caller.replies.length, 1);
  caller.emptied();
  sandbox.output.end();
  sandbox.errors.end();
  await carried;
  assert.equal(caller.bytesOf('output').length, 10 * maxChunkBytes);
});

// [DOOR-7]
test('input is told as taken when the command has taken it; more than a window ahead of that is refused', async () => {
  const caller = new FakeCaller();
  const waiting: (() => void)[] = [];
  const slow = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, taken) => void waiting.push(taken) });
  const sandbox = sandboxOf(slow);
  void carryStreams(sandbox, caller);
  const chunk: DoorRequest = { kind: 'input', data: new Uint8Array(maxChunkBytes) };
  const fitting = maxInputAheadBytes / maxChunkBytes;
  for (let sent = 0; sent < fitting; sent += 1) caller.send(chunk);
  assert.equal(caller.taken, 0);
  assert.throws(() => caller.send({ kind: 'input', data: new Uint8Array(1) }), { code: 'codec_limit' });
  while (waiting.length > 0) {
    waiting.shift()?.();
    await turn();
  }
  assert.equal(caller.taken, maxInputAheadBytes);
});

// [DOOR-7]
test('input for a command that reads none any more is taken and gone: the caller is not held up', async () => {
  const caller = new FakeCaller();
  const input = new PassThrough();
  void carryStreams(sandboxOf(input), caller);
  input.destroy(new Error('EPIPE'));
  await turn();
  for (let sent = 0; sent < 20; sent += 1) caller.send({ kind: 'input', data: new Uint8Array(maxChunkBytes) });
  assert.equal(caller.taken, 20 * maxChunkBytes);
  caller.send({ kind: 'input-end' }, { kind: 'input-end' });
});

test('sizes and signals arrive; what is no signal of a person does not, and a resize that fails hurts nobody', async () => {
  const caller = new FakeCaller();
  const sandbox = sandboxOf();
  void carryStreams(sandbox, caller);
  caller.send({ kind: 'resize', columns: 80, rows: 24 }, { kind: 'resize', columns: 13, rows: 1 });
  caller.send({ kind: 'signal', name: 'SIGTERM' }, { kind: 'signal', name: 'SIGSEGV' }, { kind: 'signal', name: 'SIGNONSENSE' });
  await turn();
  assert.deepEqual(sandbox.done, ['80x24', '13x1', 'SIGTERM']);
});

// [DOOR-17]
test('a command that is stopped after something was typed is told so, once each time', async () => {
  const caller = new FakeCaller();
  const sandbox = sandboxOf();
  void carryStreams(sandbox, caller);
  for (let times = 1; times <= 2; times += 1) {
    const told = new Promise<void>((resolve) => (caller.heard = ({ kind }) => kind === 'stopped' && resolve()));
    sandbox.stopped = true;
    caller.send({ kind: 'input', data: Buffer.from([26]) });
    const held = setTimeout(() => {}, 60_000); // a watch of its own keeps no process alive
    await told;
    clearTimeout(held);
    sandbox.stopped = false;
    await new Promise((resolve) => setTimeout(resolve, 120)); // it has to be seen running before it can be told again
    assert.equal(caller.replies.filter(({ kind }) => kind === 'stopped').length, times);
  }
});

// [DOOR-4]
test('a second request on a running session has no effect', async () => {
  const caller = new FakeCaller();
  const sandbox = sandboxOf();
  void carryStreams(sandbox, caller);
  caller.send({ kind: 'status' }, { kind: 'run', scope: 'main', command: ['x'], cwd: '/', path: '', home: '/', environment: {} });
  await turn();
  assert.deepEqual(caller.replies, []);
  assert.deepEqual(sandbox.done, []);
});

test('a stream that breaks with its process is an end like any other', async () => {
  const caller = new FakeCaller();
  const sandbox = sandboxOf();
  const carried = carryStreams(sandbox, caller);
  sandbox.output.write('last words');
  await turn();
  sandbox.output.destroy(new Error('EIO'));
  sandbox.errors.end();
  await carried;
  assert.equal(caller.bytesOf('output').toString(), 'last words');
});
