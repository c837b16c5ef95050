// `holdfast console`: hands out the console's bundle to browsers of this machine, by the server of its own that does it; or tells the
// bundle's hash. spec/cli.md [CLI-100], spec/console.md.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { errorCodes, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { visible, type Output } from '../output.ts';

export interface ConsoleOptions {
  readonly hash?: boolean;
  readonly relay?: string;
  readonly publicUrl?: readonly string[];
}

/** What a console's server says of itself. */
interface Serving {
  readonly relay: string;
  readonly bundle: string;
}

const server = fileURLToPath(new URL('../../../console/serve/main.ts', import.meta.url));
const askWithinMs = 2_000;

export async function serve(output: Output, { hash, relay, publicUrl = [] }: ConsoleOptions): Promise<void> {
  if (hash === true) {
    const bundle = await lineOf(started(['--hash']));
    return output.result({ bundle }, [bundle]);
  }
  const there = `http://localhost:${process.env['HOLDFAST_CONSOLE_PORT'] || '7434'}`;
  const serving = await servingAt(there);
  if (serving !== undefined) return tell(output, there, serving, true);
  const child = started([
    ...(relay === undefined ? [] : ['--relay', relay]),
    ...publicUrl.flatMap((url) => ['--public-url', url]),
  ]);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void child.process.kill());
  const address = await lineOf(child);
  const own = await servingAt(address);
  if (own === undefined) throw new HoldfastError('internal', 'the console does not answer');
  tell(output, address, own, false);
  await child.ended;
}

function tell(output: Output, address: string, { relay, bundle }: Serving, running: boolean): void {
  output.result({ address, relay, bundle, running }, [
    `Console: ${address}${running ? ' (it runs already)' : ''}`,
    `  its relay: ${visible(relay)}`,
    `  its bundle: ${visible(bundle)}`,
  ]);
}

interface Started {
  readonly process: ReturnType<typeof spawn>;
  /** Resolves with all that it said on stderr; rejects when it failed. */
  readonly ended: Promise<void>;
}

/** Apart from our terminal's signals, which we pass on; its channel ends with us, whatever ends us. */
function started(parameters: readonly string[]): Started {
  const child = spawn(process.execPath, [server, ...parameters], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once('error', reject);
  child.once('close', (code) => (code === 0 || code === null ? resolve() : reject(faultIn(said))));
  return { process: child, ended: promise };
}

/** The last word of its one line. */
async function lineOf({ process: child, ended }: Started): Promise<string> {
  let said = '';
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    const [line, rest] = said.split('\n');
    if (rest !== undefined) resolve(line?.split(' ').at(-1) ?? '');
  });
  ended.then(() => reject(new HoldfastError('internal', 'the console ended')), reject);
  return promise;
}

/** What a process of ours wrote of its fault, as `Output.failed` writes it. */
function faultIn(said: string): HoldfastError {
  const [, message = said.trim(), code = 'internal', next] =
    /^holdfast: ([\s\S]*) \((\w+)\)\n(?: {2}next: (.*)\n)?$/.exec(said) ?? [];
  const known: ErrorCode = errorCodes.find((each) => each === code) ?? 'internal';
  return new HoldfastError(known, message, next === undefined ? {} : { next });
}

/** Whoever answers there like a console; undefined: nobody does. */
async function servingAt(address: string): Promise<Serving | undefined> {
  try {
    const answer = await fetch(`${address}/relay.json`, { redirect: 'error', signal: AbortSignal.timeout(askWithinMs) });
    const { relay, bundle } = (await answer.json()) as Partial<Record<keyof Serving, unknown>>;
    return typeof relay === 'string' && typeof bundle === 'string' ? { relay, bundle } : undefined;
  } catch {
    return undefined;
  }
}
