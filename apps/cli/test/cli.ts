// The command line as a process, with a home of its own, and a daemon's door that a test plays.

import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FrameReader } from '@holdfast/protocol/codec/framing';
import {
  decodeDoorRequest,
  encodeDoorReply,
  maxDoorFrameBytes,
  type DoorReply,
  type DoorRequest,
} from '@holdfast/protocol/door/wire';

const bin = fileURLToPath(new URL('../bin/holdfast.cjs', import.meta.url));

/** Program and words, for whoever starts it otherwise. */
export function commandLine(parameters: readonly string[]): readonly [string, readonly string[]] {
  return [process.execPath, [bin, ...parameters]];
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly home?: string;
  readonly input?: string | Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
  /** Called with each piece of stdout; true: stdout is closed, as `head` does it. */
  readonly onOutput?: (text: string) => boolean;
}

export function cli(
  parameters: readonly string[],
  { home, input = '', environment = {}, onOutput }: CliOptions = {},
): Promise<Ran> {
  const { PATH = '', TMPDIR } = process.env;
  const env = {
    PATH,
    HOME: '/nonexistent',
    HOLDFAST_HOME: home ?? '/nonexistent/holdfast',
    ...(TMPDIR !== undefined && { TMPDIR }),
    ...environment,
  };
  const [file, words] = commandLine(parameters);
  const child = spawn(file, words, { env, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (onOutput?.(text) === true) child.stdout.destroy();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

export function newHome(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-cli-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, 'home');
}

/** One caller at the played door. */
export interface Guest {
  reply(...replies: readonly DoorReply[]): void;
  /** The last of it: replies, then the end. */
  finish(...replies: readonly DoorReply[]): void;
  end(): void;
  /** As when the daemon is killed. */
  reset(): void;
}

export interface PlayedDoor {
  readonly home: string;
  readonly heard: DoorRequest[];
}

export interface PlayedLog {
  readonly agent: Uint8Array;
  /** Absent: somebody's. */
  readonly fleet?: Uint8Array;
  readonly agentKey?: Uint8Array;
  /** Of those before `events`, which were pruned. */
  readonly leaves?: readonly Uint8Array[];
  readonly events: readonly Uint8Array[];
  readonly checkpoints?: readonly Uint8Array[];
  /** Events that a checkpoint covers; absent: all. */
  readonly signed?: number;
}

/** What a daemon with that log answers. */
export function auditPage({ part, from, limit }: Extract<DoorRequest, { kind: 'audit' }>, played: PlayedLog): DoorReply {
  const {
    agent,
    fleet = new Uint8Array(32),
    agentKey = new Uint8Array(65).fill(4),
    leaves = [],
    events,
    checkpoints = [],
  } = played;
  const pruned = leaves.length;
  const first = part === 'events' ? pruned : 0;
  const all = { events, leaves, checkpoints }[part];
  const items = all.slice(Math.max(0, from - first)).slice(0, limit);
  const total = first + all.length;
  const signed = played.signed ?? pruned + events.length;
  return { kind: 'audit-page', agent, fleet, agentKey, total, signed, pruned, items };
}

/** A door in a home of its own; `answer` is called for each frame of each caller. */
export async function playDoor(t: TestContext, answer: (request: DoorRequest, guest: Guest) => void): Promise<PlayedDoor> {
  const home = newHome(t);
  mkdirSync(path.join(home, 'run'), { recursive: true, mode: 0o700 });
  chmodSync(path.join(home, 'run'), 0o700);
  const heard: DoorRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const reader = new FrameReader(maxDoorFrameBytes);
    const guest: Guest = {
      reply: (...replies) => replies.forEach((reply) => void socket.write(encodeDoorReply(reply))),
      finish: (...replies) => {
        for (const reply of replies) socket.write(encodeDoorReply(reply));
        socket.end();
      },
      end: () => void socket.end(),
      reset: () => void socket.destroy(),
    };
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const request of reader.push(chunk).map(decodeDoorRequest)) {
        heard.push(request);
        answer(request, guest);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path.join(home, 'run', 'daemon.sock'), resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { home, heard };
}
