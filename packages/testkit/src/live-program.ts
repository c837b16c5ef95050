// A program that a test talks to while it runs: what it says is waited for by pattern, never by time.

import { spawn, type ChildProcess } from 'node:child_process';
import { patienceMs } from './patience.ts';

export interface LiveOptions {
  readonly cwd?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Called with each piece of stdout, as it comes. */
  readonly onOutput?: (text: string) => void;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class LiveProgram {
  /** Resolves when the program is gone and all it said has been read. */
  readonly ended: Promise<Ending>;
  private readonly child: ChildProcess;
  private readonly listeners = new Set<() => void>();
  private readonly what: string;
  private over: Ending | undefined;
  /** All of stdout so far. */
  said = '';
  /** All of stderr so far. */
  complained = '';

  constructor(file: string, parameters: readonly string[], options: LiveOptions = {}) {
    this.what = `${file} ${parameters.join(' ')}`;
    const child = spawn(file, parameters, { cwd: options.cwd, env: options.environment, stdio: 'pipe' });
    this.child = child;
    child.stdin.on('error', () => {});
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.said += text;
      options.onOutput?.(text);
      this.tell();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.complained += text;
      this.tell();
    });
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.over = { code, signal };
        this.tell();
        resolve(this.over);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  write(text: string | Uint8Array): void {
    this.child.stdin?.write(text);
  }

  closeInput(): void {
    this.child.stdin?.end();
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.child.kill(signal);
  }

  /** Resolves with the first match in stdout, also one that was said before. Rejects when it can no longer come. */
  waitFor(pattern: RegExp, waitMs = patienceMs): Promise<RegExpExecArray> {
    return this.until(() => pattern.exec(this.said) ?? undefined, String(pattern), waitMs);
  }

  /** As `waitFor`, for a question of the test's own, asked again whenever something was said. */
  until<T>(ask: () => T | undefined, about: string, waitMs = patienceMs): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(deadline);
        this.listeners.delete(look);
      };
      const giveUp = (why: string): void => {
        stop();
        reject(new Error(`${this.what}: ${why} while waiting for ${about}\nstdout: ${this.said}\nstderr: ${this.complained}`));
      };
      const look = (): void => {
        const answer = ask();
        if (answer !== undefined) {
          stop();
          resolve(answer);
        } else if (this.over !== undefined) {
          giveUp(`it ended (${this.over.signal ?? this.over.code})`);
        }
      };
      const deadline = setTimeout(() => giveUp(`${waitMs} ms passed`), waitMs);
      this.listeners.add(look);
      look();
    });
  }

  /** Ends it if it still runs. */
  async end(): Promise<Ending> {
    if (this.over === undefined) this.child.kill('SIGKILL');
    return this.ended;
  }

  private tell(): void {
    for (const look of this.listeners) look();
  }
}
