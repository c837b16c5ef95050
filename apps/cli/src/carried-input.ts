// What a person types, as it goes to a session: raw at a terminal, never more ahead than the door allows, with window sizes and signals; and how
// Ctrl-Z gives the terminal back for a while, as it does with any program.

import { maxChunkBytes, maxInputAheadBytes } from '@holdfast/protocol/door/wire';
import type { DoorCall } from './door-client.ts';

/** Node reads at most this much of a stream at once. */
const maxReadBytes = 64 * 1024;
/** Nobody stops us where no shell looks after its jobs; then the command goes on. */
const stopsWithinMs = 200;

const carried: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'];

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

  /** Begins at once; `terminal`: the session has one of its own. */
  constructor(call: DoorCall, terminal: boolean) {
    this.call = call;
    this.terminal = terminal;
    const { stdin, stdout } = process;
    if (terminal) stdin.setRawMode(true);
    stdin.on('data', this.onData).on('end', this.onEnd).on('error', this.onEnd);
    if (terminal) stdout.on('resize', this.onResize);
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
    const { columns, rows } = process.stdout;
    this.call.send({ kind: 'resize', columns, rows });
  }
}
