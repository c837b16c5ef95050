// Holdfast as a person runs it, in a home of its own: real processes, real commands, nothing of ours imported.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

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

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Runs a program to its end. Rejects when it takes longer than `timeoutMs` (default a minute), with what it had said. */
export function runProgram(file: string, parameters: readonly string[], environment: NodeJS.ProcessEnv, options: RunOptions = {}): Promise<Ran> {
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
    const timeoutMs = options.timeoutMs ?? 60_000;
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

export class Installation {
  readonly home: string;
  readonly folder: string;
  readonly passphraseFile: string;
  readonly environment: NodeJS.ProcessEnv;
  private readonly port: number;
  private main: ChildProcess | undefined;
  /** Everything that relay and daemon said on stderr: where a secret must never be. */
  log = '';

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.home = path.join(folder, 'home');
    this.passphraseFile = path.join(folder, 'passphrase');
    this.port = port;
    this.environment = { ...process.env, HOLDFAST_HOME: this.home, HOLDFAST_PORT: String(port), NO_COLOR: '1' };
  }

  static async create(): Promise<Installation> {
    const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-e2e-'));
    const installation = new Installation(folder, await freePort());
    await writeFile(installation.passphraseFile, 'correct horse battery staple\n', { mode: 0o600 });
    return installation;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.main?.pid;
  }

  /** `npm start`, without npm; resolves when it prints its `ready` line. Rejects with its log when it ends before. */
  async start(parameters: readonly string[] = []): Promise<void> {
    const child = spawn(process.execPath, [path.join(root, 'apps/cli/src/start.ts'), ...parameters], {
      cwd: root,
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.main = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes(`ready ${this.url}\n`)) resolve();
      });
      child.once('exit', (code) => reject(new Error(`start ended with ${code}\n${said}${this.log}`)));
    });
  }

  /** SIGTERM, and its exit code. */
  async stop(): Promise<number | null> {
    const { main } = this;
    this.main = undefined;
    if (main === undefined || main.exitCode !== null) return main?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => main.once('exit', (code) => resolve(code)));
    main.kill('SIGTERM');
    return ended;
  }

  /** `holdfast …` */
  cli(parameters: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const environment = { ...this.environment, ...options.environment };
    return runProgram(process.execPath, [path.join(root, 'apps/cli/src/main.ts'), ...parameters], environment, options);
  }

  /** As `cli`, for the operator's commands. */
  operator(parameters: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return this.cli([...parameters, '--passphrase-file', this.passphraseFile], options);
  }

  /** Enrols a scope as agent and operator do it at two terminals; resolves with the agent's id. */
  async enrol(scope: string): Promise<string> {
    let approval: Promise<Ran> | undefined;
    const enrolled = await this.cli(['enroll', '--scope', scope, '--json'], {
      onLine: (line) => {
        const { code, words } = JSON.parse(line) as { code?: string; words?: string[] };
        if (code !== undefined && words !== undefined) approval ??= this.operator(['approve', code, '--words', words.join(' ')]);
      },
    });
    const approved = await approval;
    const last = enrolled.stdout.trim().split('\n').at(-1) ?? '';
    if (enrolled.code !== 0 || approved?.code !== 0) {
      throw new Error(`enrolment failed\n${enrolled.stdout}${enrolled.stderr}\n${approved?.stdout ?? ''}${approved?.stderr ?? ''}`);
    }
    return (JSON.parse(last) as { agent: string }).agent;
  }

  /** Ends everything and removes the folder. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
