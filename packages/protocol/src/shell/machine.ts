// What the parts of the reader ask of each other. One reading has one machine; a place is where in the text's execution it stands.

import type { Function, ParsedScript } from 'unbash';

import type { Choices } from './choices.ts';
import type { Redirection, ShellAssignment, Word } from './command.ts';
import type { Findings } from './findings.ts';
import type { Scope } from './scope.ts';

export interface Place {
  readonly scope: Scope;
  readonly wrappers: readonly string[];
  readonly feeds: string | undefined;
  readonly fedBy: string | undefined;
  /** What stands at its standard input, as far as it is known; undefined: whatever the caller has. */
  readonly input: string | undefined;
  /** In a branch, a loop or a list: what is assigned here may not have been. */
  readonly maybe: boolean;
  readonly looping: boolean;
  /** Set inside a substitution: what the command around it has chosen. */
  readonly choices: Choices | undefined;
  /** How deep scripts, wrappers and groups are nested. */
  readonly depth: number;
  /** Names of the functions and aliases that are being run. */
  readonly active: readonly string[];
}

/** A command as it is about to run: its own prefix and redirections. */
export interface Call {
  readonly argv: readonly Word[];
  readonly assignments: readonly ShellAssignment[];
  readonly redirections: readonly Redirection[];
}

/** Every method returns what goes to standard output, as far as it is known: parts that are not stand as U+FFFC. */
export interface Machine {
  readonly findings: Findings;
  /** Reads text as a script that `program` runs. */
  script(text: string, place: Place, program: string): string;
  /** Reads code of another language; true when nothing in it is hidden. */
  code(text: string, language: string, place: Place, program: string): boolean;
  run(script: ParsedScript, place: Place): string;
  invoke(call: Call, place: Place): string;
  /** An expansion on this line may have failed, or something may have ended a loop or function: what follows may not run. */
  failing: boolean;
  /** A function that was defined, to be run at the end unless it was called before. */
  readonly uncalled: Map<Function, Place>;
  /** A name under which a process substitution's output can be read. */
  pipeName(): string;
}

/** Deeper nesting is not read [SHELL-2]. Each level takes several frames of the stack. */
export const maxDepth = 100;

export interface Expansion {
  readonly machine: Machine;
  readonly place: Place;
  readonly choices: Choices;
  /** In the program's place, a variable that the text never set is read as empty, too: `$SUDO rm`. */
  readonly program?: boolean;
}

/** What is assigned here may not have been. */
export const unsure = (place: Place, machine: Machine): boolean => place.maybe || machine.failing;

export const deeper = (place: Place, change: Partial<Place>): Place => ({ ...place, depth: place.depth + 1, ...change });

/** What a program's own reader gets: its name, its words, and where it stands. */
export interface Context {
  readonly name: string;
  readonly words: readonly Word[];
  readonly place: Place;
  readonly machine: Machine;
}
