// Runs one test of one file in a tree, in a process group and with a temporary folder of its own, and says how it went. What a test
// with a control switched off leaves behind is ended and removed: daemons that nobody stopped are known by the folders they name.

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { claudeCode } from '../../e2e/claude/program.ts';
import type { Ending } from './verdict-reporter.ts';

export interface Selection {
  readonly file: string;
  readonly name: string;
}

export type Verdict =
  | { readonly is: 'green'; readonly ms: number }
  | { readonly is: 'red'; readonly ms: number; readonly why: string }
  | { readonly is: 'skipped'; readonly why: string }
  /** Neither: nothing of that name, a file that does not load, an error that nobody expects, a hang. It proves nothing. */
  | { readonly is: 'broken'; readonly why: string };

const reporter = join(import.meta.dirname, 'verdict-reporter.ts');

function environmentOf(file: string, temporary: string, maxMs: number): NodeJS.ProcessEnv {
  const {
    NODE_OPTIONS: _o,
    NODE_TEST_CONTEXT: _c,
    HOLDFAST_HOME: _h,
    HOLDFAST_PORT: _p,
    HOLDFAST_SOAK: _s,
    ...own
  } = process.env;
  return {
    ...own,
    TMPDIR: temporary,
    // It gives up, and says so, before it counts as one that hangs.
    HOLDFAST_TEST_WAIT_MS: String(Math.min(180_000, maxMs * 0.4)),
    PATH: dirname(process.execPath) + delimiter + (own['PATH'] ?? ''),
    HOLDFAST_VECTORS: resolve(own['HOLDFAST_VECTORS'] ?? '../shared/vectors'),
    ...(file.endsWith('.story.ts') ? { HOLDFAST_CLAUDE: claudeCode() } : {}),
  };
}

/** `says`: what the test fails with when that is no assertion of its own. */
export async function runTest(
  root: string,
  { file, name }: Selection,
  maxMs: number,
  signal: AbortSignal,
  says?: string,
): Promise<Verdict> {
  const temporary = mkdtempSync(join(tmpdir(), 'hf-'));
  const startedMs = performance.now();
  try {
    const args = [
      '--test',
      `--test-reporter=${reporter}`,
      '--test-reporter-destination=stdout',
      `--test-name-pattern=/${name.replaceAll(/[/.*+?^${}()|[\]\\]/g, String.raw`\$&`)}/`,
      file,
    ];
    const child = spawn(process.execPath, args, {
      cwd: root,
      detached: true, // a group of its own
      stdio: ['ignore', 'pipe', 'ignore'],
      env: environmentOf(file, temporary, maxMs),
    });
    let text = '';
    let hung = false;
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    const end = (): void => endGroup(child.pid);
    const timer = setTimeout(() => {
      hung = true;
      end();
    }, maxMs);
    signal.addEventListener('abort', end);
    // The pipe may stay open in a daemon that the test left behind: the test has ended when its process has.
    await new Promise<void>((done) => child.on('exit', () => done()).on('error', () => done()));
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    end();
    endLeftovers([root, temporary]);
    await new Promise<void>((done) => (child.stdout.closed ? done() : child.stdout.on('close', done)));
    if (hung) return { is: 'broken', why: `no end after ${Math.round(maxMs / 1000)} s` };
    return judge(endingsOf(text), performance.now() - startedMs, says);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function endingsOf(text: string): Ending[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Ending);
}

function judge(endings: readonly Ending[], ms: number, says?: string): Verdict {
  const of = (how: Ending['how']): Ending | undefined => endings.find((ending) => ending.how === how);
  const file = of('file');
  if (file !== undefined) return { is: 'broken', why: `the test file as a whole: ${file.why}` };
  const failed = endings.filter(({ how }) => how === 'failed');
  const expected = failed.find(({ kind, why }) => (says === undefined ? kind === 'AssertionError' : why.includes(says)));
  if (expected !== undefined) return { is: 'red', ms, why: expected.why };
  // An error that nobody asserted says that something is broken, not that the test noticed.
  if (failed[0] !== undefined)
    return { is: 'broken', why: `no assertion failed, but there was ${failed[0].kind}: ${failed[0].why}` };
  const hung = of('timed out');
  if (hung !== undefined) return { is: 'broken', why: `the test hangs: ${hung.name}` };
  const skipped = of('skipped');
  if (skipped !== undefined) return { is: 'skipped', why: skipped.why };
  return of('passed') === undefined ? { is: 'broken', why: 'no test of that name' } : { is: 'green', ms };
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}

/** Ends every process whose command line or environment names one of the folders: nobody else knows their random names. */
function endLeftovers(folders: readonly string[]): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    const said = [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`].map(textOf).join('\0');
    if (!folders.some((folder) => said.includes(folder))) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // gone, or another user's
  }
}
