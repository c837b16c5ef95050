// A terminal of its own with a program in it, as `script` makes one: what is written to it is typed, and what the program draws stands on a screen
// that is looked at as a person does.

import { execFileSync } from 'node:child_process';
import xterm from '@xterm/headless';
import { LiveProgram } from './live-program.ts';
import { patienceMs } from './patience.ts';

export interface TerminalOptions {
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly columns?: number;
  readonly rows?: number;
}

/** What keys send. */
export const keys = {
  ctrlC: '\u0003',
  ctrlD: '\u0004',
  ctrlZ: '\u001a',
  enter: '\r',
  up: '\u001b[A',
  down: '\u001b[B',
} as const;

const restMs = 700;
const triesAgainAfterMs = 20_000;
const maxTries = 3;
const opened = new Set<LiveProgram>();

// oxlint-disable-next-line no-control-regex
const plain = (said: string): string => said.replaceAll(/\u001b\[[?0-9;]*[a-zA-Z]|\r/g, '');

/** Ends what a failed test left in its terminals. */
export async function endTerminals(): Promise<void> {
  await Promise.all([...opened].map((program) => program.end()));
}

export class Terminal {
  readonly program: LiveProgram;
  /** Its name on this machine. */
  private name = '';
  private readonly emulator: xterm.Terminal;
  private readonly watchers = new Set<() => void>();

  private constructor(words: readonly string[], { cwd, environment, columns = 80, rows = 24 }: TerminalOptions) {
    const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    const inner = `stty cols ${columns} rows ${rows}; echo "terminal $(tty)"; exec ${quoted}`;
    this.emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    this.program = new LiveProgram('script', ['-q', '-e', '-c', inner, '/dev/null'], {
      cwd,
      environment: { ...environment, TERM: 'xterm-256color', SHELL: '/bin/sh' },
      onOutput: (text) =>
        this.emulator.write(text, () => {
          for (const look of this.watchers) look();
        }),
    });
    this.emulator.onData((answer) => this.program.write(answer)); // programs ask terminals who they are
    opened.add(this.program);
    void this.program.ended.then(() => opened.delete(this.program));
  }

  /** Resolves when the terminal stands and `words` have begun in it. */
  static async open(words: readonly string[], options: TerminalOptions): Promise<Terminal> {
    const terminal = new Terminal(words, options);
    const [, name = ''] = await terminal.program.waitFor(/terminal (\/dev\/\S+)/);
    terminal.name = name;
    return terminal;
  }

  /** Types a line. */
  type(line: string): void {
    this.program.write(`${line}\r`);
  }

  press(key: keyof typeof keys): void {
    this.program.write(keys[key]);
  }

  /** All that it has shown, without what moves and colours it. */
  get text(): string {
    return plain(this.program.said);
  }

  /** What stands on it now, line by line. */
  get screen(): string {
    const { active } = this.emulator.buffer;
    const lines = Array.from({ length: this.emulator.rows }, (_, row) => active.getLine(active.baseY + row));
    return lines.map((line) => line?.translateToString(true) ?? '').join('\n');
  }

  waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    return this.program.until(() => pattern.exec(this.text) ?? undefined, String(pattern));
  }

  /** Waits for what comes after this call; `act` is what makes it come. */
  async after(act: () => void, pattern: RegExp): Promise<RegExpExecArray> {
    const from = this.program.said.length;
    act();
    return this.program.until(() => pattern.exec(plain(this.program.said.slice(from))) ?? undefined, String(pattern));
  }

  /** Waits until the screen looks so; also if it does already. Rejects with what stands there instead. */
  shows(pattern: RegExp, waitMs = patienceMs): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(this.screen)) return;
        clearTimeout(deadline);
        this.watchers.delete(look);
        resolve();
      };
      const deadline = setTimeout(() => {
        this.watchers.delete(look);
        reject(new Error(`the screen did not show ${pattern}:\n${this.screen}`));
      }, waitMs);
      this.watchers.add(look);
      look();
    });
  }

  /**
   * Presses a key for a question to look so, and again where that does not come. As a person does, it looks at a screen at rest: a program that has just
   * drawn a question may not listen yet, or may draw it anew.
   */
  async presses(key: keyof typeof keys, pattern: RegExp): Promise<void> {
    for (let tries = 0; tries < maxTries; tries += 1) {
      await this.rests();
      this.press(key);
      if (await this.restsOn(pattern)) return;
    }
    throw new Error(`after ${key} the screen did not show ${pattern}:\n${this.screen}`);
  }

  /** Whether the screen looks so, and nothing is drawn for a moment. */
  private async restsOn(pattern: RegExp): Promise<boolean> {
    try {
      await this.shows(pattern, triesAgainAfterMs);
    } catch {
      return false;
    }
    await this.rests();
    return pattern.test(this.screen);
  }

  private rests(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.watchers.delete(drawn);
        resolve();
      };
      let quiet = setTimeout(done, restMs);
      const drawn = (): void => {
        clearTimeout(quiet);
        quiet = setTimeout(done, restMs);
      };
      this.watchers.add(drawn);
    });
  }

  resize(columns: number, rows: number): void {
    this.emulator.resize(columns, rows);
    execFileSync('stty', ['-F', this.name, 'cols', String(columns), 'rows', String(rows)]);
  }
}
