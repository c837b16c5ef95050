// What a person types, as it goes to a session: raw at a terminal, never more ahead than the door allows, with window sizes and signals; and how
// Ctrl-Z gives the terminal back for a while, as it does with any program.

import { maxChunkBytes, maxInputAheadBytes } from '@holdfast/protocol/door/wire';
import type { DoorCall } from './door-client.ts';

/** Node reads at most this much of a stream at once. */
const maxReadBytes = 64 * 1024;
/** Nobody stops us where no shell looks after its jobs; then the command goes on. */
const stopsWithinMs = 200;

const carried: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'];

export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

/** Of our terminal; what is usual where it tells none. */
export function windowSize(): WindowSize {
  return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
}

export class CarriedInput {
  private readonly call: DoorCall;
  private readonly terminal: boolean;
  private aheadBytes = 0;
  private released = false;
  private suspended = false;
  private readonly onData = (data: Buffer): void => this.carry(data);
  private readonly onEnd = (): void => this.call.send({ kind: 'input-end' });
  private readonly onResize = (): void => this.tellSize();
  private readonly onSignal = (name: NodeJS.Signals): void => {
    if (name === 'SIGCONT') this.resume();
    this.call.send({ kind: 'signal', name });
  };

  /** Begins at once; `terminal`: the session has one of its own, made for a window of this size. */
  constructor(call: DoorCall, terminal: WindowSize | undefined) {
    this.call = call;
    this.terminal = terminal !== undefined;
    const { stdin, stdout } = process;
    if (this.terminal) stdin.setRawMode(true);
    stdin.on('data', this.onData).on('end', this.onEnd).on('error', this.onEnd);
    if (terminal !== undefined) {
      stdout.on('resize', this.onResize);
      const { columns, rows } = windowSize();
      if (columns !== terminal.columns || rows !== terminal.rows) this.tellSize(); // it was changed while the session was made
    }
    for (const name of carried) process.on(name, this.onSignal);
  }

  /** The session has taken so much. [DOOR-7] */
  taken(bytes: number): void {
    this.aheadBytes -= bytes;
    if (!this.released && !this.suspended && this.aheadBytes <= maxInputAheadBytes - maxReadBytes) process.stdin.resume();
  }

  /** The command was stopped: so are we, with everything that our shell started together with us, until it continues us. */
  suspend(): void {
    if (!this.terminal || this.released || this.suspended) return;
    this.suspended = true;
    process.stdin.setRawMode(false);
    process.stdin.pause();
    process.kill(0, 'SIGTSTP');
    setTimeout(() => {
      if (this.suspended) this.onSignal('SIGCONT');
    }, stopsWithinMs);
  }

  /** The terminal is as it was before. */
  release(): void {
    this.released = true;
    const { stdin, stdout } = process;
    if (this.terminal) stdin.setRawMode(false);
    stdin.off('data', this.onData).off('end', this.onEnd).off('error', this.onEnd).pause();
    stdout.off('resize', this.onResize);
    for (const name of carried) process.off(name, this.onSignal);
  }

  private resume(): void {
    if (!this.suspended) return;
    this.suspended = false;
    process.stdin.setRawMode(true);
    this.tellSize();
    this.taken(0);
  }

  private carry(data: Buffer): void {
    this.aheadBytes += data.length;
    if (this.aheadBytes > maxInputAheadBytes - maxReadBytes) process.stdin.pause();
    for (let offset = 0; offset < data.length; offset += maxChunkBytes)
      this.call.send({ kind: 'input', data: data.subarray(offset, offset + maxChunkBytes) });
  }

  private tellSize(): void {
    this.call.send({ kind: 'resize', ...windowSize() });
  }
}
