// Plain pipes for a payload without a terminal. Node's own are sockets, and a program that opens /dev/stdin or /dev/stderr by name
// cannot open a socket; so these are FIFOs, whose names are gone before the payload starts.

import { execFile } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Pipes {
  /** The payload's descriptors 0, 1 and 2; call `closeTheirs` once the child has them. */
  readonly theirs: readonly [number, number, number];
  readonly input: Socket;
  readonly output: Socket;
  readonly errors: Socket;
  closeTheirs(): void;
}

/** `mkfifo` is the program's path. */
export async function makePipes(mkfifo: string): Promise<Pipes> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-'));
  const descriptors: number[] = [];
  const open = (name: string, flags: number): number => {
    const descriptor = openSync(name, flags);
    descriptors.push(descriptor);
    return descriptor;
  };
  try {
    const [stdin, stdout, stderr] = [join(folder, '0'), join(folder, '1'), join(folder, '2')] as const;
    await run(mkfifo, ['-m', '600', stdin, stdout, stderr]);
    // Each end opens at once if the other is there; a reader that does not wait comes first.
    const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
    const ourErrors = open(stderr, O_RDONLY | O_NONBLOCK);
    const ourOutput = open(stdout, O_RDONLY | O_NONBLOCK);
    const theirOutput = open(stdout, O_WRONLY);
    const theirErrors = open(stderr, O_WRONLY);
    const firstReader = open(stdin, O_RDONLY | O_NONBLOCK);
    const ourInput = open(stdin, O_WRONLY);
    const theirInput = open(stdin, O_RDONLY);
    closeSync(firstReader);
    return {
      theirs: [theirInput, theirOutput, theirErrors],
      input: new Socket({ fd: ourInput, readable: false, writable: true }),
      output: new Socket({ fd: ourOutput, readable: true, writable: false }),
      errors: new Socket({ fd: ourErrors, readable: true, writable: false }),
      closeTheirs: () => [theirInput, theirOutput, theirErrors].forEach((descriptor) => closeSync(descriptor)),
    };
  } catch (error) {
    for (const descriptor of descriptors) closeSync(descriptor);
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
