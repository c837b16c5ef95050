// The session's own terminal: `script` makes it and copies its bytes to and from the daemon. spec/sandbox.md [SANDBOX-11].

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Programs } from './probe.ts';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Screens are smaller, and TIOCSWINSZ holds 16 bits. */
const maxCells = 10_000;

/** Descriptor on which the chain tells the terminal's name, in the child. */
export const nameDescriptor = 3;

/**
 * The words that start `inner` on a terminal of `size`. The shell sets the size, tells the name, and starts `inner` as a job in a process group
 * of its own: the kernel stops no group that has no parent in its session, and Ctrl-Z would do nothing.
 *
 * The processes between the shell and the payload are deaf to the signals of the keyboard: they share the terminal's foreground group with it,
 * and their end would be the session's. The starter restores the defaults for the payload.
 * Each word of `inner` is quoted here.
 */
export function onTerminal(programs: Programs, size: TerminalSize, inner: readonly string[]): string[] {
  const { columns, rows } = clamp(size);
  const words = inner.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const steps = [
    `${programs.stty} cols ${columns} rows ${rows}`,
    `readlink /proc/self/fd/0 >&${nameDescriptor}`,
    'set -m',
    `(trap '' INT QUIT TSTP TTIN TTOU; exec ${words} ${nameDescriptor}>&-)`,
  ];
  return [programs.script, '-q', '-e', '-E', 'always', '-c', steps.join('; '), '/dev/null'];
}

/**
 * Sets the size of one terminal; the kernel tells its foreground group. One change at a time, for two at once end in either order; of those
 * that wait the last one counts.
 */
export class TerminalSizes {
  readonly #stty: string;
  readonly #name: string;
  #wanted: TerminalSize | undefined;
  #setting: Promise<void> | undefined;

  constructor(stty: string, name: string) {
    this.#stty = stty;
    this.#name = name;
  }

  /** Resolves when this size or a later one is set. */
  set(size: TerminalSize): Promise<void> {
    this.#wanted = clamp(size);
    return (this.#setting ??= this.#setAll());
  }

  async #setAll(): Promise<void> {
    try {
      for (let size = this.#wanted; size !== undefined; size = this.#wanted) {
        this.#wanted = undefined;
        const words = ['-F', this.#name, 'cols', String(size.columns), 'rows', String(size.rows)];
        await once(spawn(this.#stty, words, { stdio: 'ignore', env: {} }), 'exit');
      }
    } finally {
      this.#setting = undefined;
    }
  }
}

function clamp({ columns, rows }: TerminalSize): TerminalSize {
  const cells = (count: number): number => Math.min(Math.max(Math.trunc(count) || 1, 1), maxCells);
  return { columns: cells(columns), rows: cells(rows) };
}
