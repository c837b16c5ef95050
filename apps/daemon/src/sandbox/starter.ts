// Runs inside the sandbox before the payload does, as the same process: opens the door's listening socket where the payload will
// live, hands it to the daemon, checks that the sandbox is what the daemon ordered, and becomes the payload. spec/sandbox.md.
//
// Nothing of it stays: no descriptor, no process, no file that the payload could alter. It reads nothing that a payload may have
// written (it starts in `/`, with an empty environment). Imports nothing of the project: the daemon hands over its text.

import { closeSync, readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';

/** What the daemon answers to the door: everything that the payload starts with. */
export interface GoAhead {
  readonly file: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Mount points that must be there, and must be read-only. */
  readonly readOnly: readonly string[];
}

/** Said on the channel by the starter, in this order: `door` (with the socket), then `ready`; `failed` instead of either. */
export interface StarterMessage {
  readonly kind: 'door' | 'ready' | 'failed';
  readonly text: string;
}

const door = createServer();
door.on('error', (error) => fail(`no door: ${error.message}`));
// Without the daemon there is nobody to serve the session.
process.on('disconnect', () => process.exit(1));
process.once('message', (goAhead: GoAhead) => {
  const fault = unprotected(goAhead.readOnly);
  if (fault !== undefined) fail(`${fault} is not read-only inside: something changed it during the start`);
  else become(goAhead);
});
door.listen({ host: '127.0.0.1', port: Number(process.argv[2]), exclusive: true }, () =>
  process.send?.({ kind: 'door', text: '' }, door),
);

function fail(text: string): void {
  process.send?.({ kind: 'failed', text }, undefined, undefined, () => process.exit(1));
}

/** The first path that is no mount point or can be written. [SANDBOX-14] The order of mountinfo is the order of mounting: the last one counts. */
function unprotected(paths: readonly string[]): string | undefined {
  const options = new Map<string, string>();
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [, , , , point, flags] = line.split(' ');
    if (point === undefined || flags === undefined) continue;
    options.set(
      point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8))),
      flags,
    );
  }
  return paths.find((path) => !(options.get(path) ?? '').split(',').includes('ro'));
}

function become({ file, argv, cwd, environment }: GoAhead): void {
  process.removeAllListeners('disconnect');
  process.once('disconnect', () => {
    try {
      process.chdir(cwd);
      // The daemon keeps its own files from others; what an agent makes in the tree is as open as what people make there.
      process.umask(0o022);
      closeInherited();
      // Node ignores these two; an ignored signal would stay ignored in the payload. Listening and stopping restores the default.
      for (const signal of ['SIGPIPE', 'SIGXFSZ'] as const) process.on(signal, () => undefined).removeAllListeners(signal);
      process.execve?.(file, argv, environment);
    } catch (error) {
      process.stderr.write(`holdfast: ${error instanceof Error ? error.message : String(error)}\n`);
    }
    process.exit(125);
  });
  door.close();
  process.send?.({ kind: 'ready', text: '' }, undefined, undefined, () => process.disconnect?.());
}

/** What bwrap and the shells before it passed on without close-on-exec. [SANDBOX-8] */
function closeInherited(): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const descriptor = Number(name);
    if (descriptor <= 2) continue;
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1];
      const closesOnExec = (Number.parseInt(flags ?? '0', 8) & 0o2000000) !== 0;
      if (!closesOnExec) closeSync(descriptor);
    } catch {
      // the descriptor of the folder that was just read
    }
  }
}
