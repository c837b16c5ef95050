// What is known of programs: what their operands are, which short options take a value, whether long options may be shortened, what they do to
// files. Without an entry operands may be files that are read and written, and options may take values or not: knowing less denies more.

/** What a program does with a file that it is given. `names`: looks at it without its content; `unknown`: reads it, and may write it. */
export type Access = 'read' | 'write' | 'both' | 'unknown' | 'names';

export interface ProgramFacts {
  /** What operands are; `text`: no files. */
  readonly operands?: Access | 'text';
  /** The last operand is written, the others are `operands`. */
  readonly lastWritten?: true;
  /** The first operand that is no flag is a pattern or script. */
  readonly firstIsText?: true;
  /** Letters of short options that take a value. */
  readonly values?: string;
  /** Long options, and single-dash ones of more than a letter, that take their value as the next word. */
  readonly longValues?: readonly string[];
  /** Options whose value is text, not a file. */
  readonly text?: readonly string[];
  /** Options whose value is written. */
  readonly writes?: readonly string[];
  /** With one of these flags its operands are written. */
  readonly writesWith?: readonly string[];
  /** Options of more than a letter begin with one dash: letters are never joined. */
  readonly singleDash?: true;
  /** Long options may be shortened as long as nothing else begins so. */
  readonly shortens?: true;
  /** Takes what is below a folder along: always, or with one of these flags. */
  readonly descends?: true | readonly string[];
  /** `+NAME` may stand before all else. */
  readonly toolchain?: true;
  /** Operands name hosts: without a scheme, or after `user@`. */
  readonly hosts?: 'urls' | 'first' | 'remote';
}
