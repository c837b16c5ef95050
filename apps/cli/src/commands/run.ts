// `holdfast run`: a command in a sealed session. This side only carries bytes and window sizes; what comes out is the command's own.

import path from 'node:path';
import { homedir } from 'node:os';
import { maxChunkBytes } from '@holdfast/protocol/door/wire';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { DoorCall, findHome } from '../door-client.ts';

/** Own failures, as `env` and `timeout` do: never mistaken for the command's. */
export const runFailed = 125;

interface RunOptions {
  readonly scope: string;
  readonly passEnv: readonly string[];
}

const carried: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'];

/** Variables of the caller that the operator named for this call, apart from placeholders, which the daemon adds. */
function chosenEnvironment(names: readonly string[]): Record<string, string> {
  const chosen: Record<string, string> = {};
  for (const name of ['LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'COLORTERM', 'NO_COLOR', ...names]) {
    const value = process.env[name];
    if (value !== undefined) chosen[name] = value;
  }
  return chosen;
}

function terminalOf(): { columns: number; rows: number; term: string } | undefined {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined;
  return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24, term: process.env['TERM'] ?? 'dumb' };
}

/** Resolves with the exit code. */
export async function run(command: readonly string[], options: RunOptions): Promise<number> {
  try {
    return await carry(command, options);
  } catch (thrown) {
    const message = thrown instanceof HoldfastError ? thrown.message : String(thrown);
    process.stderr.write(`holdfast: ${message} (${codeOf(thrown)})\n`);
    if (thrown instanceof HoldfastError && thrown.next !== undefined) process.stderr.write(`holdfast: next: ${thrown.next}\n`);
    return runFailed;
  }
}

async function carry(command: readonly string[], options: RunOptions): Promise<number> {
  const call = await DoorCall.open(findHome());
  const terminal = terminalOf();
  call.send({
    kind: 'run',
    scope: options.scope,
    command,
    cwd: process.cwd(),
    path: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    home: path.resolve(homedir()),
    environment: chosenEnvironment(options.passEnv),
    ...(terminal && { terminal }),
  });
  const release = new AbortController();
  let code: number | undefined;
  try {
    for await (const reply of call.replies()) {
      if (reply.kind === 'started') carryInput(call, terminal !== undefined, release.signal);
      else if (reply.kind === 'output') await written(process.stdout, reply.data);
      else if (reply.kind === 'errors') await written(process.stderr, reply.data);
      else if (reply.kind === 'exited') code = reply.code;
    }
  } finally {
    release.abort();
    call.close();
  }
  if (code === undefined) throw new HoldfastError('daemon_unreachable', 'the daemon went away, and the session with it', { next: 'start it again: npm start' });
  return code;
}

function written(stream: NodeJS.WriteStream, data: Uint8Array): Promise<void> {
  return new Promise((resolve) => stream.write(data, () => resolve()));
}

function carryInput(call: DoorCall, terminal: boolean, released: AbortSignal): void {
  const { stdin, stdout } = process;
  const onData = (data: Buffer) => {
    for (let offset = 0; offset < data.length; offset += maxChunkBytes) {
      if (!call.send({ kind: 'input', data: data.subarray(offset, offset + maxChunkBytes) })) stdin.pause();
    }
  };
  const onEnd = () => call.send({ kind: 'input-end' });
  const onResize = () => call.send({ kind: 'resize', columns: stdout.columns, rows: stdout.rows });
  const onSignal = (name: NodeJS.Signals) => call.send({ kind: 'signal', name });

  if (terminal) stdin.setRawMode(true);
  stdin.on('data', onData);
  stdin.on('end', onEnd);
  stdin.on('error', onEnd);
  call.onDrain(() => stdin.resume());
  if (terminal) stdout.on('resize', onResize);
  for (const name of carried) process.on(name, onSignal);
  released.addEventListener('abort', () => {
    if (terminal) stdin.setRawMode(false);
    stdin.off('data', onData).off('end', onEnd).off('error', onEnd).pause();
    stdout.off('resize', onResize);
    for (const name of carried) process.off(name, onSignal);
  });
}
