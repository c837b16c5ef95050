// What has been found so far, and how much work may still be done for it: everything that is read is paid for by its length, so the whole
// is linear in the text whatever its shape [SHELL-2].

import type { Mention, Opaque, ShellCommand, ShellReading, Why } from './command.ts';

export const maxTextCharacters = 131_072;
const maxCommands = 20_000;
const maxExcerptCharacters = 120;

/** Ends the reading from any depth; only `readShell` catches it. */
export class Exhausted extends Error {}

export class Findings {
  readonly #commands = new Map<string, ShellCommand>();
  readonly #opaque = new Map<string, Opaque>();
  readonly #mentions = new Map<string, Mention>();
  #left: number;
  /** Work done, in characters and nodes. */
  steps = 0;

  constructor(length: number) {
    this.#left = 262_144 + 6 * length;
  }

  /** Pays for work before it is done. */
  spend(steps: number): void {
    this.steps += steps;
    this.#left -= steps;
    if (this.#left < 0) throw new Exhausted();
  }

  command(command: ShellCommand): void {
    this.spend(8);
    const key = JSON.stringify(command);
    if (this.#commands.has(key)) return;
    this.spend(key.length >> 3);
    if (this.#commands.size >= maxCommands) throw new Exhausted();
    this.#commands.set(key, command);
  }

  opaque(why: Why, program: string | undefined, text: string): void {
    const excerpt = text.slice(0, maxExcerptCharacters);
    if (this.#opaque.size < maxCommands) this.#opaque.set(`${why} ${program ?? ''} ${excerpt}`, { why, program, excerpt });
  }

  mention(mention: Mention): void {
    this.spend(8);
    if (this.#mentions.size >= maxCommands) throw new Exhausted();
    this.#mentions.set(`${mention.kind} ${mention.by} ${mention.text}`, mention);
  }

  reading(): ShellReading {
    return { commands: [...this.#commands.values()], opaque: [...this.#opaque.values()], mentions: [...this.#mentions.values()] };
  }
}
