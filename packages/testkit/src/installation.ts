// Holdfast as a person runs it, in a home of its own: real processes, real commands, nothing of ours imported.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { lightenKey } from './light-key.ts';
import { LiveProgram } from './live-program.ts';
import type { Service } from './origin.ts';
import { ownPort } from './own-port.ts';
import { patienceMs } from './patience.ts';

/** The tree that is tested. */
export const root = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Called with each complete line of stdout, as it comes. */
  readonly onLine?: (line: string) => void;
  readonly timeoutMs?: number;
}

export interface StartOptions {
  readonly parameters?: readonly string[];
  /** With the console, on a port of its own: it is built first where it was not yet, and `start` resolves when it answers. */
  readonly console?: boolean;
  /** A program and its words before `node`, to start it in other circumstances: it becomes `start`, or waits for it as its only child. */
  readonly within?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface CredentialTerms {
  readonly paths?: readonly string[];
  readonly methods?: readonly string[];
  /** As typed: `bearer` unless said otherwise. */
  readonly attach?: string;
  readonly env?: string;
  readonly purpose?: string;
}

/** How a command failed, as it tells it with `--json`. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly next?: string;
}

/** What a command answered with `--json`: its last line. Throws all that it said when that is no answer, or tells of a failure. */
export function jsonOf<T>(ran: Ran): T {
  return answerIn(lastLine(ran), saidBy(ran));
}

/** Throws all that it said when it did not fail. */
export function failureOf(ran: Ran): Failure {
  const { error } = parsed(lastLine(ran), saidBy(ran));
  if (error === undefined) throw new Error(`no failure: ${saidBy(ran)}`);
  return error;
}

const lastLine = ({ stdout }: Ran): string => stdout.trim().split('\n').at(-1) ?? '';
/** All that it said, and its exit code. */
export const saidBy = ({ code, stdout, stderr }: Ran): string => `exit ${code}\n${stdout}${stderr}`;

function answerIn<T>(line: string, said = line): T {
  const answer = parsed(line, said);
  if (answer.error !== undefined) throw new Error(`no answer: ${said}`);
  return answer as T;
}

function parsed(line: string, said: string): { readonly error?: Failure } {
  try {
    return JSON.parse(line) as { error?: Failure };
  } catch {
    throw new Error(`not JSON: ${said}`);
  }
}

/** Process ids of the direct children. */
async function childrenOf(pid: number): Promise<number[]> {
  const listed = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return listed.trim().split(' ').filter(Boolean).map(Number);
}

/** `start` itself, below whatever wraps it. */
async function startPid(outer: number): Promise<number> {
  for (let pid: number | undefined = outer; pid !== undefined; [pid] = await childrenOf(pid)) {
    const [, script = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    if (script.endsWith('apps/cli/src/start.ts')) return pid;
  }
  throw new Error('start is not among its own processes');
}

/** Runs a program to its end. Rejects when it takes longer than `timeoutMs` (default three minutes), with what it had said. */
export function runProgram(
  file: string,
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv,
  options: RunOptions = {},
): Promise<Ran> {
  const child = spawn(file, parameters, { cwd: options.cwd ?? root, env: environment, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  let told = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (let end = stdout.indexOf('\n', told); end >= 0; end = stdout.indexOf('\n', told)) {
      options.onLine?.(stdout.slice(told, end));
      told = end + 1;
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    const timeoutMs = options.timeoutMs ?? patienceMs;
    const deadline = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${file} ${parameters.join(' ')} took longer than ${timeoutMs} ms\n${stdout}\n${stderr}`));
    }, timeoutMs);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(deadline);
      resolve({ code: code ?? (signal === null ? -1 : 128), stdout, stderr });
    });
  });
}

const passphrase = 'correct horse battery staple';

export class Installation {
  readonly home: string;
  readonly folder: string;
  /** A working tree for sessions. */
  readonly work: string;
  readonly passphraseFile: string;
  readonly environment: NodeJS.ProcessEnv;
  private readonly port: number;
  /** Where agents of this machine look for their relay, if not at the operator's own: for whoever stands in between. */
  relayUrl: string | undefined;
  /** A program and its words before every command, to run it where `start` runs. */
  before: readonly string[] = [];
  /** Where the console answers, once it was started with one. */
  consoleUrl: string | undefined;
  private main: ChildProcess | undefined;
  /** Its exit code, once it and all that it had below it are gone and everything they said has been read. */
  private over: Promise<number | null> = Promise.resolve(null);
  private ownPid: number | undefined;
  /** Everything that `start` said on stdout. */
  said = '';
  /** Everything that relay and daemon said on stderr: where a secret must never be. */
  log = '';

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.home = path.join(folder, 'home');
    this.work = path.join(folder, 'work');
    this.passphraseFile = path.join(folder, 'passphrase');
    this.port = port;
    this.environment = { ...process.env, HOLDFAST_HOME: this.home, HOLDFAST_PORT: String(port), NO_COLOR: '1' };
  }

  static async create(): Promise<Installation> {
    const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-e2e-'));
    const installation = new Installation(folder, await ownPort());
    await mkdir(installation.work);
    await writeFile(installation.passphraseFile, `${passphrase}\n`, { mode: 0o600 });
    return installation;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The process id of `start` itself. Throws before it is ready. */
  get startPid(): number {
    if (this.ownPid === undefined) throw new Error('start is not ready');
    return this.ownPid;
  }

  /** `npm start`, without npm; resolves when it prints its `ready` line. Rejects with its log when it ends before. */
  async start({ parameters = [], console = false, within = [], environment = {} }: StartOptions = {}): Promise<void> {
    const script = path.join(root, 'apps/cli/src/start.ts');
    const [file = '', ...words] = [...within, process.execPath, script, ...(console ? [] : ['--no-console']), ...parameters];
    const child = spawn(file, words, {
      cwd: root,
      env: { ...this.environment, HOLDFAST_CONSOLE_PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.main = child;
    this.over = new Promise((resolve) => child.once('close', (code) => resolve(code)));
    this.ownPid = undefined;
    this.said = '';
    const consoleAnswers = Promise.withResolvers<string>();
    this.consoleUrl = undefined;
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
      if (console && this.consoleUrl === undefined) {
        told += text;
        this.consoleUrl = /^Console: (\S+)\n/m.exec(told)?.[1];
        if (this.consoleUrl !== undefined) consoleAnswers.resolve(this.consoleUrl);
        else if (told.includes('holdfast: the console ended')) consoleAnswers.reject(new Error(told));
      }
    });
    await new Promise<void>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        this.said += text;
        if (this.said.includes(`ready ${this.url}\n`)) resolve();
      });
      child.once('error', reject);
      child.once('close', (code) => reject(new Error(`start ended with ${code}\n${this.said}${this.log}`)));
    });
    this.ownPid = await startPid(child.pid ?? process.pid);
    if (console) await consoleAnswers.promise;
  }

  /** Resolves with the exit code of `start`, whatever ended it, when `said` and `log` have all of it. */
  ended(): Promise<number | null> {
    return this.over;
  }

  /** SIGTERM, and its exit code. */
  async stop(): Promise<number | null> {
    const { main, ownPid } = this;
    if (main?.exitCode === null && main.signalCode === null) {
      if (ownPid === undefined) main.kill('SIGTERM'); // not ready yet
      else process.kill(ownPid, 'SIGTERM');
    }
    return this.ended();
  }

  /** The process id of the daemon, which `start` has below it; asks nobody. */
  async daemonPid(): Promise<number> {
    for (const pid of await childrenOf(this.startPid)) {
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
      if (words.some((word) => word.endsWith('apps/daemon/src/main.ts'))) return pid;
    }
    throw new Error('the daemon does not run');
  }

  /** The process ids of its parts. */
  async parts(): Promise<{ readonly relay: number; readonly daemon: number; readonly custody: number }> {
    const daemon = await this.daemonPid();
    // The daemon's first child; where bubblewrap wraps it, the innermost below, past the watcher that was there before.
    let custody = -1;
    for (let [next] = await childrenOf(daemon); next !== undefined; next = (await childrenOf(next)).at(-1)) custody = next;
    const relay = (await childrenOf(this.startPid)).find((pid) => pid !== daemon) ?? -1;
    return { relay, daemon, custody };
  }

  /** `holdfast …` */
  cli(parameters: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const environment = { ...this.environment, ...options.environment };
    const [file, words] = this.commandLine(parameters);
    return runProgram(file, words, environment, options);
  }

  private commandLine(parameters: readonly string[]): readonly [string, readonly string[]] {
    const [file = '', ...words] = [...this.before, process.execPath, path.join(root, 'apps/cli/src/main.ts'), ...parameters];
    return [file, words];
  }

  /** One more `npm start`, which is expected to end by itself. */
  startAgain(environment: Readonly<Record<string, string>> = {}): Promise<Ran> {
    return runProgram(process.execPath, [path.join(root, 'apps/cli/src/start.ts'), '--no-console'], {
      ...this.environment,
      ...environment,
    });
  }

  /** `holdfast …`, to be talked to while it runs. */
  live(parameters: readonly string[]): LiveProgram {
    const [file, words] = this.commandLine(parameters);
    return new LiveProgram(file, words, { cwd: this.work, environment: this.environment });
  }

  /** `holdfast run -- …` in the working tree, to its end. */
  run(command: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return this.cli(['run', '--', ...command], { cwd: this.work, ...options });
  }

  /** The same, to be talked to while it runs. */
  session(command: readonly string[]): LiveProgram {
    return this.live(['run', '--', ...command]);
  }

  /** As `cli`, for the operator's commands. After `init` the key costs little to open: most stories have many commands. */
  async operator(parameters: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const ran = await this.cli([...parameters, '--passphrase-file', this.passphraseFile], options);
    const here = this.before.length === 0;
    if (parameters[0] === 'init' && ran.code === 0 && here) lightenKey(this.home, passphrase);
    return ran;
  }

  /** As `operator`, for what has to succeed. */
  async must(parameters: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const ran = await this.operator(parameters, options);
    if (ran.code !== 0) throw new Error(`holdfast ${parameters.join(' ')} ended with ${ran.code}\n${ran.stdout}${ran.stderr}`);
    return ran;
  }

  /** A running fleet with one agent, `main`: where most stories begin. Resolves with the agent's id. */
  async settle(options: StartOptions = {}): Promise<string> {
    await this.start(options);
    await this.must(['init', '--name', 'test fleet', '--json']);
    return this.enrol('main');
  }

  /** Adds a credential for an origin of this machine; resolves with what `vault add` answered. */
  async addCredential(name: string, secret: string, origin: Service, terms: CredentialTerms = {}): Promise<Ran> {
    const { paths = [], methods = [], attach = 'bearer', env, purpose } = terms;
    const fence = [...paths.flatMap((each) => ['--path', each]), ...methods.flatMap((each) => ['--method', each])];
    const words = [
      '--host',
      `${origin.host}:${origin.port}`,
      ...(await this.trustIn(origin)),
      ...fence,
      '--attach',
      attach,
      ...(env === undefined ? [] : ['--env', env]),
      ...(purpose === undefined ? [] : ['--purpose', purpose]),
    ];
    return this.must(['vault', 'add', name, ...words, '--json'], { input: secret });
  }

  /** The same, granted to an agent. */
  async giveCredential(
    name: string,
    secret: string,
    origin: Service,
    terms: CredentialTerms & { readonly to?: string } = {},
  ): Promise<void> {
    await this.addCredential(name, secret, origin, terms);
    await this.must(['vault', 'grant', name, '--to', terms.to ?? 'main']);
  }

  /** Lets `main` reach a service of this machine without a credential. */
  async allowEgress(service: Service): Promise<void> {
    await this.must(['egress', 'allow', `${service.host}:${service.port}`, '--to', 'main', ...(await this.trustIn(service))]);
  }

  /** Puts rules, in YAML, in force. */
  applyRules(text: string): Promise<Ran> {
    return this.must(['rules', 'apply', '-', '--json'], { input: text });
  }

  /** Writes a service's authority to a file of this installation; resolves with its path. */
  async keepCa({ port, caPem }: Service): Promise<string> {
    const ca = path.join(this.folder, `ca-${port}.pem`);
    await writeFile(ca, caPem);
    return ca;
  }

  private async trustIn(service: Service): Promise<string[]> {
    return ['--allow-private', '--ca', await this.keepCa(service)];
  }

  /** Enrols a scope as agent and operator do it at two terminals, or on two machines; resolves with the agent's id. */
  async enrol(scope: string, operator: Installation = this, more: readonly string[] = []): Promise<string> {
    const asking = this.live(['enroll', '--scope', scope, ...more, '--relay', this.relayUrl ?? operator.url, '--json']);
    try {
      const [offer] = await asking.waitFor(/.*\n/);
      const { code, words } = answerIn<{ code: string; words: string[] }>(offer);
      await operator.must(['approve', code, '--words', words.join(' ')]);
      const [, answer = ''] = await asking.waitFor(/\n(.*)\n/);
      await asking.ended;
      return answerIn<{ agent: string }>(answer).agent;
    } finally {
      await asking.end();
    }
  }

  /** Makes this home an operator device of that fleet, as a person does it at two terminals; resolves with what `devices join` answered. */
  async join(operator: Installation, name: string): Promise<{ readonly device: string; readonly fleet: string }> {
    const words = [
      'devices',
      'join',
      '--name',
      name,
      '--relay',
      operator.url,
      '--passphrase-file',
      this.passphraseFile,
      '--json',
    ];
    const asking = this.live(words);
    try {
      const [offer] = await asking.waitFor(/.*\n/);
      const shown = answerIn<{ code: string; words: string[] }>(offer);
      await operator.must(['devices', 'add', shown.code, '--words', shown.words.join(' ')]);
      const [, answer = ''] = await asking.waitFor(/\n(.*)\n/);
      await asking.ended;
      const joined = answerIn<{ device: string; fleet: string }>(answer);
      lightenKey(this.home, passphrase);
      return joined;
    } finally {
      await asking.end();
    }
  }

  /** Ends everything and removes the folder. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
