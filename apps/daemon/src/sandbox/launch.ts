// Starts a planned session and follows it to its end. spec/sandbox.md [SANDBOX-8], [SANDBOX-9], [SANDBOX-12].
//
// The chain is daemon → (script → sh, with a terminal) → sh (keeper.ts) → bwrap → bwrap as process 1 inside → starter, which becomes the
// payload. Where the lifeline ends, all of them end.

import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { Server, type Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { HoldfastError } from '@holdfast/protocol/errors';
import { packArguments, type Argument } from './bwrap-arguments.ts';
import { makePipes, type Pipes } from './pipes.ts';
import { kept } from './keeper.ts';
import { firstDataDescriptor, infoDescriptor, lifelineDescriptor, planSession, wordsDescriptor, type Plan } from './plan.ts';
import { findPrograms, type Programs } from './probe.ts';
import { SessionProcesses } from './processes.ts';
import type { Sandbox, SandboxRequest } from './request.ts';
import type { GoAhead, StarterMessage } from './starter.ts';
import { nameDescriptor, onTerminal, TerminalSizes } from './terminal.ts';
import { PlaceWatch } from './watch.ts';

/** A start takes a tenth of a second; a machine that swaps may take long, one that takes this long hangs. */
const maxStartMs = 20_000;

/** When a session was told to end and its chain still stands, it is cut off. */
const maxEndMs = 3_000;

/** What tests change about a start to show that a control is needed: the list of bwrap, what the starter is told, how bwrap is run. */
export interface Alteration {
  words?(words: readonly Argument[]): readonly Argument[];
  bwrap?(words: readonly string[]): readonly string[];
  goAhead?(goAhead: GoAhead): GoAhead;
}

/** As `startSandbox`, with a control taken away. */
export async function launch(request: SandboxRequest, alteration: Alteration = {}): Promise<Sandbox> {
  const programs = await findPrograms();
  const plan = await planSession(request, programs.setsid);
  try {
    return await startPlanned(request, plan, programs, alteration);
  } catch (error) {
    plan.remove();
    throw error;
  }
}

async function startPlanned(request: SandboxRequest, plan: Plan, programs: Programs, alteration: Alteration): Promise<Sandbox> {
  const pipes = request.terminal === undefined ? await makePipes(programs.sh) : undefined;
  const child = spawnChain(request, plan, programs, pipes, alteration);
  plan.close();
  const streams = streamsOf(child, pipes);
  const lifeline = pipeOf(child, lifelineDescriptor) as Socket;
  const cutOff = (): void => {
    lifeline.destroy();
    child.kill('SIGKILL');
  };
  let ended = false;
  let replaced: string | undefined;
  let watch: PlaceWatch | undefined;
  let door: Server | undefined;
  let processes: SessionProcesses | undefined;
  const exited = once(child, 'exit').then(async ([code, signal]: unknown[]) => {
    ended = true;
    lifeline.destroy();
    await processes?.gone(maxEndMs);
    watch?.checkAll();
    watch?.close();
    plan.remove();
    if (replaced !== undefined) throw treeChanged(replaced);
    return typeof code === 'number' ? code : 128 + constants.signals[signal as NodeJS.Signals];
  });
  // A caller that has not asked yet, or never asks, is not a fault.
  exited.catch(() => undefined);
  try {
    const info = readUntil(pipeOf(child, infoDescriptor) as Readable, '}');
    const terminalName = pipes === undefined ? readUntil(pipeOf(child, nameDescriptor) as Readable, '\n') : undefined;
    door = await receiveDoor(child, exited);
    const { doorPort, home } = plan;
    const started = new SessionProcesses(await info);
    processes = started;
    const kill = (): void => {
      if (ended) return;
      ignoreGone(() => started.kill());
      setTimeout(cutOff, maxEndMs).unref();
    };
    // Before the starter checks the mounts, so that nothing goes unnoticed in between.
    watch = new PlaceWatch(plan.places, (path) => {
      replaced = path;
      kill();
    });
    await letGo(child, alteration.goAhead?.(plan.goAhead) ?? plan.goAhead, exited);
    const name = (await terminalName)?.trim();
    const sizes = name === undefined ? undefined : new TerminalSizes(programs.stty, name);
    return {
      door,
      doorPort,
      home,
      root: started.root,
      ...streams,
      exited,
      resize: async (columns, rows) => {
        if (!ended) await sizes?.set({ columns, rows });
      },
      signal: (signal) => {
        if (!ended) ignoreGone(() => started.signal(signal, name !== undefined));
      },
      isStopped: () => !ended && name !== undefined && isStopped(started),
      kill,
    };
  } catch (error) {
    // A chain that ended by itself says why; what one that is cut off says, a shell's "Killed", is no reason.
    const endedItself = ended;
    cutOff();
    const said = await lastWords(streams.errors ?? child.stderr);
    await exited.catch(() => undefined);
    door?.close();
    for (const stream of [streams.input, streams.output, streams.errors]) stream?.destroy();
    if (error instanceof HoldfastError) throw error;
    throw startFailed(endedItself && said !== '' ? said : String(error), error);
  }
}

function startFailed(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('sandbox_start_failed', `the sandbox did not start: ${why}`, {
    next: 'run `holdfast doctor`; if it finds nothing, report this',
    cause,
  });
}

function treeChanged(path: string): HoldfastError {
  return new HoldfastError('sandbox_tree_changed', `${path} was replaced while the session was open, so the session was ended`, {
    next: `look into ${path}, then start again; while a session is open, leave the read-only files of its tree alone`,
  });
}

function spawnChain(
  request: SandboxRequest,
  plan: Plan,
  programs: Programs,
  pipes: Pipes | undefined,
  alteration: Alteration,
): ChildProcess {
  const packed = packArguments(alteration.words?.(plan.words) ?? plan.words, firstDataDescriptor);
  const bwrap = [programs.bwrap, '--args', String(wordsDescriptor), '--', ...plan.starterCommand];
  const keeper = kept(programs.sh, lifelineDescriptor, alteration.bwrap?.(bwrap) ?? bwrap);
  const [file = '', ...rest] = request.terminal === undefined ? keeper : onTerminal(programs, request.terminal, keeper);
  const stdio: StdioOptions = [
    ...(pipes?.theirs ?? (['pipe', 'pipe', 'pipe'] as const)),
    pipes === undefined ? 'pipe' : 'ignore',
    'ipc',
    'pipe',
    'pipe',
    'pipe',
    ...packed.descriptors.map((content) => ('fd' in content ? content.fd : 'pipe')),
  ];
  // A session of its own: a payload's signal to its process group must not reach the daemon.
  const child = spawn(file, rest, { stdio, detached: true, cwd: '/', env: { PATH: '/usr/bin:/bin', SHELL: programs.sh } });
  pipes?.closeTheirs();
  for (const [index, content] of [packed.words, ...packed.descriptors].entries()) {
    if ('fd' in content) continue;
    const pipe = pipeOf(child, index === 0 ? wordsDescriptor : firstDataDescriptor + index - 1) as Writable;
    // A bwrap that ends early closes them; why it ended is told by its exit.
    pipe.on('error', () => undefined).end(content);
  }
  return child;
}

/** The published type of `stdio` ends at descriptor 4. */
function pipeOf(child: ChildProcess, descriptor: number): unknown {
  return (child.stdio as readonly unknown[])[descriptor];
}

function streamsOf(child: ChildProcess, pipes: Pipes | undefined): Pick<Sandbox, 'input' | 'output' | 'errors'> {
  const streams = pipes ?? { input: child.stdin as Writable, output: child.stdout as Readable, errors: undefined };
  // Writing to a payload that has closed its input, or ended, is an ordinary thing.
  streams.input.on('error', () => undefined);
  return { input: streams.input, output: streams.output, errors: streams.errors };
}

/** The starter's socket. @throws sandbox_start_failed */
async function receiveDoor(child: ChildProcess, exited: Promise<number>): Promise<Server> {
  const [message, handle] = await firstOf<[StarterMessage, unknown]>(child, 'message', exited);
  if (message.kind !== 'door' || !(handle instanceof Server)) throw startFailed(message.text);
  return handle;
}

/** Tells the starter what to become; settles when it has no more to say. @throws sandbox_start_failed */
async function letGo(child: ChildProcess, goAhead: GoAhead, exited: Promise<number>): Promise<void> {
  const answer = firstOf<[StarterMessage]>(child, 'message', exited);
  child.send(goAhead, () => undefined);
  const [message] = await answer;
  if (message.kind !== 'ready') throw startFailed(message.text);
  // Our end, and with it the channel: links of the chain hold copies of the other end.
  if (child.connected) child.disconnect();
}

async function firstOf<Values extends unknown[]>(child: ChildProcess, event: string, exited: Promise<number>): Promise<Values> {
  const abort = new AbortController();
  const tooLong = setTimeout(() => abort.abort(new Error(`nothing came within ${maxStartMs} ms`)), maxStartMs);
  const early = exited.then((code) => Promise.reject(new Error(`it ended with code ${code}`)));
  try {
    return (await Promise.race([once(child, event, { signal: abort.signal }), early])) as Values;
  } finally {
    clearTimeout(tooLong);
    abort.abort();
  }
}

/** Links of the chain keep the other end open, so the end of the stream says nothing. */
async function readUntil(stream: Readable, last: string): Promise<string> {
  let text = '';
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.includes(last)) break;
  }
  return text;
}

async function readAll(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** The last line that the chain wrote before it ended. */
async function lastWords(stream: Readable | null): Promise<string> {
  const text = stream === null ? '' : await readAll(stream).catch(() => '');
  return text.trim().split('\n').at(-1) ?? '';
}

function isStopped(processes: SessionProcesses): boolean {
  try {
    return processes.isStopped;
  } catch {
    return false; // it has just ended
  }
}

/** The process may end between the question and the act. */
function ignoreGone(act: () => void): void {
  try {
    act();
  } catch {
    // ESRCH or a vanished /proc entry
  }
}
