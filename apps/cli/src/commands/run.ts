// `holdfast run`: a command in a sealed session. This side only carries bytes and window sizes; what comes out is the command's own.

import path from 'node:path';
import { homedir } from 'node:os';
import type { ChildTerms, DoorRequest } from '@holdfast/protocol/door/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import { parseSize, unitMs } from '@holdfast/protocol/vault/circumstance-terms';
import { CarriedInput, windowSize } from '../carried-input.ts';
import { DoorCall, findHome } from '../door-client.ts';
import { Output, usage, written } from '../output.ts';
import { refusedLines, waitingLine } from './refused.ts';

/** Own failures, as `env` and `timeout` do: never mistaken for the command's. [CLI-16] */
const runFailed = 125;
/** What a shell says of a command that wrote to a closed pipe. */
const brokenPipe = 141;

export interface RunOptions {
  readonly scope: string;
  readonly passEnv: readonly string[];
  /** Says nothing of what did not pass. */
  readonly quiet?: boolean;
  readonly child?: boolean;
  readonly only?: string;
  readonly host?: readonly string[];
  readonly uses?: number;
  readonly bytes?: string;
  readonly life?: string;
  readonly depth?: number;
}

/** Names under which people keep secrets; the point of Holdfast is that a session need not have them. */
const looksSecret = /(^|_)(TOKEN|SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|APIKEY|KEY|PAT)(_|$)/i;

/** Variables of the caller that the operator named for this call, apart from placeholders, which the daemon adds. [CLI-10] */
function chosenEnvironment(names: readonly string[], environment: NodeJS.ProcessEnv): Record<string, string> {
  const chosen: Record<string, string> = {};
  for (const name of ['LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'COLORTERM', 'NO_COLOR', ...names]) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,255}$/.test(name))
      throw usage(`--pass-env takes the name of a variable, not ${name}`, 'to set one: holdfast run -- env NAME=value …');
    const value = environment[name];
    if (value !== undefined) chosen[name] = value;
  }
  return chosen;
}

function warnOfSecrets(names: readonly string[]): void {
  for (const name of names) {
    if (looksSecret.test(name))
      process.stderr.write(
        `holdfast: warning: the session can read ${name}; to let it use a secret that it cannot read: holdfast vault add … --env ${name}\n`,
      ); // [CLI-10]
  }
}

/** How much less it may than its parent; undefined: it is no child. [CLI-27] */
function childOf({ child, only, host, uses, bytes, life, depth }: RunOptions): ChildTerms | undefined {
  const terms = {
    ...(uses !== undefined && { uses }),
    ...(bytes !== undefined && { bytes: parseSize(bytes, '--bytes') }),
    ...(depth !== undefined && { depth }),
  };
  if (child !== true) {
    if (only === undefined && host === undefined && life === undefined && Object.keys(terms).length === 0) return undefined;
    throw usage('--only, --host, --uses, --bytes, --life and --depth are for a child', 'add --child');
  }
  if (only === undefined)
    throw usage('--child needs --only: what it may do', "for example --only vault:use:NAME, or --only '' for nothing");
  return {
    only: only.split(',').filter((each) => each !== ''),
    ...terms,
    ...(host !== undefined && { hosts: host.map(placeOf) }),
    ...(life !== undefined && { lifeS: secondsOf(life) }),
  };
}

function placeOf(host: string): string {
  const { name, port = '443' } = /^(?<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(?<port>[1-9]\d{0,4}))?$/.exec(host)?.groups ?? {};
  if (name === undefined) throw usage(`--host takes HOST or HOST:PORT in lower case, not ${host}`);
  return `${name}:${port}`;
}

function secondsOf(life: string): number {
  const [, count, unit] = /^(\d{1,4})(s|m|h)$/.exec(life) ?? [];
  const seconds = (Number(count) * (unitMs[unit ?? ''] ?? 0)) / 1000;
  if (!(seconds >= 1 && seconds <= 3600)) throw usage('--life is 1s to 1h', 'for example --life 10m');
  return seconds;
}

function terminalOf(): { columns: number; rows: number; term: string } | undefined {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined;
  return { ...windowSize(), term: process.env['TERM'] ?? 'dumb' };
}

/** Resolves with the exit code. */
export async function run(command: readonly string[], options: RunOptions): Promise<number> {
  try {
    return await carry(command, options);
  } catch (thrown) {
    new Output(false).failed(thrown); // [CLI-16]
    return runFailed;
  }
}

async function carry(command: readonly string[], options: RunOptions): Promise<number> {
  const environment = chosenEnvironment(options.passEnv, process.env);
  warnOfSecrets(options.passEnv);
  const terminal = terminalOf();
  const child = childOf(options);
  const door = process.env['HOLDFAST_DOOR'];
  const request: DoorRequest =
    child !== undefined && door !== undefined
      ? { kind: 'run-child', command, child, ...(terminal && { terminal }) }
      : {
          kind: 'run',
          scope: options.scope,
          command,
          cwd: process.cwd(),
          path: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
          home: path.resolve(homedir()),
          environment,
          ...(terminal && { terminal }),
          ...(child && { child }),
        };
  const call = await (request.kind === 'run' ? DoorCall.open(findHome()) : DoorCall.inside(door ?? ''));
  let input: CarriedInput | undefined;
  let code: number | undefined;
  let refused: readonly string[] = [];
  const closed = () => {
    code = brokenPipe; // nobody reads on: the session ends with its connection
    call.close();
  };
  process.stdout.on('error', closed);
  process.stderr.on('error', closed);
  try {
    call.send(request);
    for await (const reply of call.replies()) {
      if (reply.kind === 'started') input = new CarriedInput(call, terminal);
      else if (reply.kind === 'input-taken') input?.taken(reply.bytes);
      else if (reply.kind === 'stopped') input?.suspend();
      else if (reply.kind === 'output') await written(process.stdout, reply.data);
      else if (reply.kind === 'errors') await written(process.stderr, reply.data);
      else if (reply.kind === 'waiting') {
        // At a terminal the screen is the command's.
        if (terminal === undefined && options.quiet !== true) await said(waitingLine(reply));
      } else if (reply.kind === 'exited') {
        code = reply.code;
        refused = refusedLines(reply, options.scope);
      }
    }
  } finally {
    input?.release();
    call.close();
  }
  if (code === undefined)
    throw new HoldfastError('daemon_unreachable', 'the daemon went away, and the session with it', {
      next: 'start it again: npm start',
    });
  if (options.quiet !== true && code !== brokenPipe) for (const line of refused) await said(line);
  return code;
}

const said = (line: string): Promise<void> => written(process.stderr, Buffer.from(`${line}\n`));
