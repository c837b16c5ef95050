// What reading a shell text yields, spec/shell.md. Plain data: rules, console and tests judge these values and never the text itself.

/** Stands in a word for a part that is known only when the shell runs. */
export const hole = '\uFFFC';

/** One word after quote removal. */
export interface Word {
  /** Parts that are known only when the shell runs stand as U+FFFC. */
  readonly text: string;
  readonly dynamic: boolean;
  /** Has unquoted pathname patterns or braces left. */
  readonly glob: boolean;
}

export interface Redirection {
  readonly operator: string;
  readonly descriptor: number | undefined;
  /** Of a heredoc or here-string: its text. */
  readonly target: Word;
  readonly heredoc: boolean;
}

export interface ShellAssignment {
  readonly name: string;
  readonly value: Word;
}

/** One simple command that the text may run, wherever it stands: pipes, lists, substitutions, functions, heredocs, `bash -c`, wrappers. */
export interface ShellCommand {
  /** Last part of the program's path, as the system would look it up; undefined when only known at run time. */
  readonly name: string | undefined;
  /** The program as written. */
  readonly program: Word;
  /** Arguments, without the program. */
  readonly words: readonly Word[];
  readonly assignments: readonly ShellAssignment[];
  readonly redirections: readonly Redirection[];
  /** `['sudo', 'env', 'bash -c']`, outermost first. */
  readonly wrappers: readonly string[];
  /** Name of the interpreter that reads its output as code, if any. */
  readonly feeds: string | undefined;
  /** Name of the command whose output it reads. */
  readonly fedBy: string | undefined;
  /** Where a literal `cd` before it leads, relative to the caller's; undefined: not changed; '': changed, known only at run time. */
  readonly directory: string | undefined;
}

/** [SHELL-4] `unknown_wrapper`: runs a program that its words do not show. `inline_code`: code of another language, as far as it was not understood. */
export type Why = 'syntax' | 'too_long' | 'too_deep' | 'dynamic_program' | 'dynamic_script' | 'unknown_wrapper' | 'inline_code';

/** What could not be understood: why, and which program would run it if that is known. */
export interface Opaque {
  readonly why: Why;
  readonly program: string | undefined;
  readonly excerpt: string;
}

/** A file or host that inline code (python -c, node -e, perl -e, heredoc to an interpreter) names in a literal. */
export interface Mention {
  readonly kind: 'path' | 'url';
  readonly text: string;
  /** The interpreter's name. */
  readonly by: string;
}

export interface ShellReading {
  readonly commands: readonly ShellCommand[];
  readonly opaque: readonly Opaque[];
  readonly mentions: readonly Mention[];
}

export const literal = (text: string): Word => ({ text, dynamic: text.includes(hole), glob: false });
