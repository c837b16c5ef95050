// Plain pipes for a payload without a terminal. Node's own are sockets, and a program that opens /dev/stdin or /dev/stderr by name
// cannot open a socket; FIFOs with names block such a program when the other end is closed already. Node makes no anonymous pipes,
// but a shell does, for its here-documents.

import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { once } from 'node:events';
import { Socket } from 'node:net';

export interface Pipes {
  /** The payload's descriptors 0, 1 and 2; call `closeTheirs` once the child has them. */
  readonly theirs: readonly [number, number, number];
  readonly input: Socket;
  readonly output: Socket;
  readonly errors: Socket;
  closeTheirs(): void;
}

/** Three empty here-documents, held open until the shell's input ends. */
const holdThreePipes = 'exec 3<<E 4<<E 5<<E\nE\nE\nE\necho; read -r _';

/** `sh` is the program's path. */
export async function makePipes(sh: string): Promise<Pipes> {
  const holder = spawn(sh, ['-c', holdThreePipes], { stdio: ['pipe', 'pipe', 'ignore'], env: {} });
  holder.stdin.on('error', () => undefined);
  const opened: number[] = [];
  const open = (descriptor: number, flags: number): number => {
    const own = openSync(`/proc/${holder.pid ?? 0}/fd/${descriptor}`, flags);
    opened.push(own);
    if (!fstatSync(own).isFIFO()) throw new Error(`${sh} makes no pipes for here-documents`);
    return own;
  };
  try {
    await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')]);
    const { O_RDONLY, O_WRONLY } = constants;
    const ours = [open(3, O_WRONLY), open(4, O_RDONLY), open(5, O_RDONLY)] as const;
    const theirs = [open(3, O_RDONLY), open(4, O_WRONLY), open(5, O_WRONLY)] as const;
    // The holder's own ends would keep the pipes from ending.
    holder.stdin.end();
    await once(holder, 'exit');
    const input = new Socket({ fd: ours[0], readable: false, writable: true });
    // A socket would be shut down; a pipe ends by closing.
    input.on('finish', () => input.destroy());
    return {
      theirs,
      input,
      output: new Socket({ fd: ours[1], readable: true, writable: false }),
      errors: new Socket({ fd: ours[2], readable: true, writable: false }),
      closeTheirs: () => theirs.forEach((descriptor) => closeSync(descriptor)),
    };
  } catch (error) {
    for (const descriptor of opened) closeSync(descriptor);
    holder.kill('SIGKILL');
    throw error;
  }
}
