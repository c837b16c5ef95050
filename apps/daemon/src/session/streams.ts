// Carries a session's bytes between the CLI's door connection and the sandbox, with back-pressure both ways: a slow terminal slows the
// command down, nothing is dropped and nothing piles up.

import type { Readable, Writable } from 'node:stream';
import { maxChunkBytes, type DoorReply } from '@holdfast/protocol/door/wire';
import type { Caller } from '../door/server.ts';

interface SandboxStreams {
  readonly input: Writable;
  readonly output: Readable;
  readonly errors: Readable | undefined;
  resize(columns: number, rows: number): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

const signals = new Set<string>(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGTSTP', 'SIGWINCH', 'SIGKILL']);

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
  sandbox.input.on('error', () => {}); // the command closed its input: what comes after is nobody's
  sandbox.input.on('drain', () => caller.release());
  sandbox.input.on('close', () => caller.release());
  caller.onFrame((frame) => {
    switch (frame.kind) {
      case 'input':
        if (!sandbox.input.write(frame.data) && !sandbox.input.destroyed) caller.hold();
        break;
      case 'input-end':
        sandbox.input.end();
        break;
      case 'resize':
        void sandbox.resize(frame.columns, frame.rows);
        break;
      case 'signal':
        if (signals.has(frame.name)) sandbox.signal(frame.name as NodeJS.Signals);
        break;
      default: // a second request on a running session has no meaning: ignored [DOOR-4]
    }
  });
  await Promise.all([pump(sandbox.output, caller, 'output'), sandbox.errors && pump(sandbox.errors, caller, 'errors')]);
}
