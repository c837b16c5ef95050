// Carries a session's bytes between the CLI's door connection and the sandbox, with back-pressure both ways: a slow terminal slows the command
// down, a command that does not read slows the caller down by a window of input (the connection itself is always read, so that a caller who
// is gone is noticed). Nothing is dropped and nothing piles up.

import type { Readable, Writable } from 'node:stream';
import { maxChunkBytes, maxInputAheadBytes, type DoorReply } from '@holdfast/protocol/door/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Caller } from '../door/server.ts';

interface SandboxStreams {
  readonly input: Writable;
  readonly output: Readable;
  readonly errors: Readable | undefined;
  resize(columns: number, rows: number): Promise<void>;
  signal(name: NodeJS.Signals): void;
  isStopped(): boolean;
}

const signals = new Set<string>([
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGCONT',
  'SIGTSTP',
  'SIGWINCH',
  'SIGKILL',
]);

/** What stops a command at a terminal is typed there, and takes effect soon. */
const stopsWithinMs = 2_000;
const lookEveryMs = 50;

/** Tells once whenever the command has been stopped. */
class StopWatch {
  private readonly sandbox: SandboxStreams;
  private readonly told: () => void;
  private timer: NodeJS.Timeout | undefined;
  private untilMs = 0;
  private wasStopped = false;

  constructor(sandbox: SandboxStreams, told: () => void) {
    this.sandbox = sandbox;
    this.told = told;
  }

  typed(): void {
    this.untilMs = performance.now() + stopsWithinMs;
    this.timer ??= setInterval(() => this.look(), lookEveryMs).unref();
  }

  end(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private look(): void {
    const stopped = this.sandbox.isStopped();
    if (stopped && !this.wasStopped) this.told();
    this.wasStopped = stopped;
    if (performance.now() > this.untilMs) this.end();
  }
}

async function pump(stream: Readable, caller: Caller, kind: 'output' | 'errors'): Promise<void> {
  try {
    for await (const chunk of stream) {
      const bytes = chunk as Buffer;
      for (let offset = 0; offset < bytes.length; offset += maxChunkBytes) {
        const reply: DoorReply = { kind, data: bytes.subarray(offset, offset + maxChunkBytes) };
        if (!caller.reply(reply)) await caller.drained();
      }
    }
  } catch {
    // The stream broke with its process; the exit code tells the story.
  }
}

/** Resolves when all output has been handed to the door. */
export async function carryStreams(sandbox: SandboxStreams, caller: Caller): Promise<void> {
  const { input } = sandbox;
  let aheadBytes = 0;
  input.on('error', () => {}); // the command closed its input: what comes after is nobody's
  const stops = new StopWatch(sandbox, () => caller.reply({ kind: 'stopped' })); // [DOOR-17]
  const take = (data: Uint8Array) => {
    aheadBytes += data.length;
    if (aheadBytes > maxInputAheadBytes) throw new HoldfastError('codec_limit', 'more input than the session takes at once'); // [DOOR-7]
    const taken = () => {
      aheadBytes -= data.length;
      caller.reply({ kind: 'input-taken', bytes: data.length }); // [DOOR-7]
    };
    if (input.writable) input.write(data, taken);
    else taken();
  };
  caller.onFrame((frame) => {
    switch (frame.kind) {
      case 'input':
        take(frame.data);
        stops.typed();
        break;
      case 'input-end':
        input.end();
        break;
      case 'resize':
        void sandbox.resize(frame.columns, frame.rows).catch(() => {}); // the terminal ended with its session
        break;
      case 'signal':
        if (signals.has(frame.name)) sandbox.signal(frame.name as NodeJS.Signals);
        break;
      default: // a second request on a running session has no meaning: ignored [DOOR-4]
    }
  });
  await Promise.all([pump(sandbox.output, caller, 'output'), sandbox.errors && pump(sandbox.errors, caller, 'errors')]);
  stops.end();
}
