// What a shell text would run, spec/shell.md. This reader knows plain words joined by `&&`, `;` and `|`; whatever else a text holds makes
// all of it opaque.

/** One word after quote removal. `dynamic`: parts of it are known only when the shell runs; they stand as U+FFFC in `text`. `glob`: has
 * unquoted pathname patterns or braces left. */
export interface Word {
  readonly text: string;
  readonly dynamic: boolean;
  readonly glob: boolean;
}

export interface Redirection {
  readonly operator: string;
  readonly descriptor: number | undefined;
  readonly target: Word;
  readonly heredoc: boolean;
}

/** One simple command that the text may run, wherever it stands: pipes, lists, substitutions, functions, heredocs, `bash -c`, wrappers. */
export interface ShellCommand {
  /** Last part of the program's path, as the system would look it up; undefined when only known at run time. */
  readonly name: string | undefined;
  /** The program as written. */
  readonly program: Word;
  /** Arguments, without the program. */
  readonly words: readonly Word[];
  readonly assignments: readonly { readonly name: string; readonly value: Word }[];
  readonly redirections: readonly Redirection[];
  /** `['sudo', 'env', 'bash -c']`, outermost first. */
  readonly wrappers: readonly string[];
  /** Name of the interpreter that its output is piped into, if any. */
  readonly feeds: string | undefined;
  /** Name of the command whose output it reads. */
  readonly fedBy: string | undefined;
  /** Set by a literal `cd X &&` before it. */
  readonly directory: string | undefined;
}

/** What could not be understood: why, and which program would run it if that is known. */
export interface Opaque {
  readonly why: 'syntax' | 'too_long' | 'too_deep' | 'dynamic_program' | 'dynamic_script' | 'unknown_wrapper' | 'inline_code';
  readonly program: string | undefined;
  readonly excerpt: string;
}

/** A file or host that inline code (python -c, node -e, perl -e, heredoc to an interpreter) names in a literal. */
export interface Mention {
  readonly kind: 'path' | 'url';
  readonly text: string;
  readonly by: string;
}

export interface ShellReading {
  readonly commands: readonly ShellCommand[];
  readonly opaque: readonly Opaque[];
  readonly mentions: readonly Mention[];
}

const maxCharacters = 1024 * 1024;
const interpreters: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'zsh', 'python', 'python3', 'node', 'perl', 'ruby']);

/** Never throws. */
export function readShell(text: string): ShellReading {
  const opaque = (why: Opaque['why']): ShellReading => ({
    commands: [],
    opaque: [{ why, program: undefined, excerpt: text.slice(0, 80) }],
    mentions: [],
  });
  if (text.length > maxCharacters) return opaque('too_long');
  if (!/^[A-Za-z0-9_@%+=:,./~ &;|-]*$/.test(text) || /(?<!&)&(?!&)|\|\||[A-Za-z0-9_]=[^ ]* [^&;|]/.test(text))
    return opaque('syntax');
  const commands = text.split(/&&|;/).flatMap((list) => pipeline(list.split('|')));
  return { commands, opaque: [], mentions: [] };
}

function pipeline(parts: readonly string[]): ShellCommand[] {
  const split = parts.map((part) => part.split(' ').filter((word) => word !== ''));
  const nameOf = (words: readonly string[] | undefined) => words?.[0]?.split('/').at(-1);
  return split.flatMap((words, index) => {
    const [program, ...rest] = words.map((word): Word => ({ text: word, dynamic: false, glob: false }));
    if (program === undefined) return [];
    const next = nameOf(split[index + 1]);
    const command: ShellCommand = {
      name: nameOf(words),
      program,
      words: rest,
      assignments: [],
      redirections: [],
      wrappers: [],
      feeds: next !== undefined && interpreters.has(next) ? next : undefined,
      fedBy: nameOf(split[index - 1]),
      directory: undefined,
    };
    return [command];
  });
}
