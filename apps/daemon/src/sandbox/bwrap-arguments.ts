// The argument list of bwrap: words, data that it reads from pipes, and open descriptors that it mounts. They travel over a pipe
// as well (`--args FD`), because the command line of bwrap can be read by the payload. spec/sandbox.md [SANDBOX-9].

/** A descriptor of ours that the child gets under a number of its own; the caller keeps it and closes it. */
export interface OpenFile {
  readonly fd: number;
}

/** A word; or bytes, in whose place bwrap sees the number of a pipe with them; or a descriptor, likewise. */
export type Argument = string | Uint8Array | OpenFile;

export interface PackedArguments {
  /** NUL-separated, for `--args`. */
  readonly words: Uint8Array;
  /** What the child gets from `firstDescriptor` on: a pipe to be filled with these bytes, or a copy of this descriptor. */
  readonly descriptors: readonly (Uint8Array | OpenFile)[];
}

/** Gives each piece of data and each descriptor its number in the child, counting from `firstDescriptor`. */
export function packArguments(list: readonly Argument[], firstDescriptor: number): PackedArguments {
  const descriptors: (Uint8Array | OpenFile)[] = [];
  const words = list.map((argument) => {
    if (typeof argument === 'string') return argument;
    descriptors.push(argument);
    return String(firstDescriptor + descriptors.length - 1);
  });
  return { words: Buffer.from(words.map((word) => `${word}\0`).join('')), descriptors };
}
