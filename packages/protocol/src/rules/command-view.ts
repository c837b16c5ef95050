// One command of a shell text as rules look at it, spec/rules.md. Each part is computed when first asked for.

import type { ShellCommand } from '../shell/read.ts';
import { CommandWords } from './command-words.ts';
import { hostsOf, type HostTouch } from './hosts.ts';
import { canonicalPath, hole, type Surroundings } from './touched-path.ts';
import { factsOf } from './known-programs.ts';
import type { ProgramFacts } from './programs.ts';
import { touchesOf, type Touch } from './touches.ts';

export class CommandView {
  readonly command: ShellCommand;
  readonly #facts: ProgramFacts;
  readonly #surroundings: Surroundings;
  #words: CommandWords | undefined;
  #touches: readonly Touch[] | undefined;
  #hosts: readonly HostTouch[] | undefined;
  #said: string | undefined;

  constructor(command: ShellCommand, surroundings: Surroundings) {
    this.command = command;
    this.#facts = factsOf(command.name);
    this.#surroundings = { home: surroundings.home, directory: directoryOf(command, surroundings) };
  }

  get words(): CommandWords {
    return (this.#words ??= new CommandWords(this.command.words, this.#facts));
  }

  get touches(): readonly Touch[] {
    return (this.#touches ??= touchesOf({
      command: this.command,
      words: this.words,
      facts: this.#facts,
      surroundings: this.#surroundings,
    }));
  }

  get hosts(): readonly HostTouch[] {
    return (this.#hosts ??= hostsOf(this.command, this.words, this.#facts));
  }

  /** What it says: its words and here-documents, in lower case, comments of SQL and runs of white space as one space. */
  get said(): string {
    return (this.#said ??= saidBy(this.command));
  }
}

function directoryOf({ directory: entered }: ShellCommand, surroundings: Surroundings): string {
  if (entered === undefined) return surroundings.directory;
  return entered === '' ? hole : canonicalPath(entered, surroundings, false).text;
}

function saidBy({ program, words, redirections }: ShellCommand): string {
  const documents = redirections.flatMap(({ heredoc, operator, target }) =>
    heredoc || operator.startsWith('<<') ? [target.text] : [],
  );
  const all = [program.text, ...words.map(({ text }) => text), ...documents].join(' ');
  return all
    .toLowerCase()
    .replaceAll(/\/\*[^*]*\*+\/|\s+/g, ' ')
    .replaceAll(/ {2,}/g, ' ');
}
