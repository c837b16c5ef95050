// The kernel's answers to a program, changed or written down from outside: a disk that fails, a process that is killed at one exact call. The
// program knows nothing of it and nothing in it is replaced. By strace, which Debian has.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as later } from 'node:timers/promises';

/** Calls by which a program changes what a disk holds, and nothing else; those with a question mark are not there on every processor. */
export const diskCalls = [
  'pwrite64',
  'ftruncate',
  'fallocate',
  'fsync',
  'fdatasync',
  ...['unlink', 'unlinkat', 'rename', 'renameat', 'renameat2', 'mkdir', 'mkdirat'].map((call) => `?${call}`),
];

export interface Intervention {
  /** System calls by name. */
  readonly calls: readonly string[];
  /** Files and folders; a call counts that names one of them or has it open. Undefined: every call counts. */
  readonly paths?: readonly string[] | undefined;
  /** What becomes of the call: it is not made and fails, or its process is gone before it is made. */
  readonly by: { readonly error: 'EIO' | 'ENOSPC' | 'EROFS' } | { readonly signal: 'SIGKILL' };
  /** Which of them, counted from 1 by thread and by kind: `3`, or `3+` for that and all later ones. Every one without. */
  readonly when?: string | undefined;
}

function filters({ calls, paths = [], by, when }: Intervention): string[] {
  const effect = 'error' in by ? `error=${by.error}` : `signal=${by.signal}`;
  const times = when === undefined ? '' : `:when=${when}`;
  return [
    '-e',
    `trace=${calls.join(',')}`,
    '-e',
    `inject=${calls.join(',')}:${effect}${times}`,
    ...paths.flatMap((each) => ['-P', each]),
  ];
}

/** The words before a program that is to run under an intervention; `log` gets every call that counted. */
export function intervening(intervention: Intervention, log: string): string[] {
  // Stops at the calls in question only, and is faster for it; strace 6.1 then forgets about signals.
  const faster = 'error' in intervention.by ? ['--seccomp-bpf'] : [];
  return ['strace', '-f', ...faster, '-qq', '-o', log, ...filters(intervention), '--'];
}

/** The words before a program whose calls on `paths`, or all, are to be written to `log`, with all bytes: disk-record.ts reads it. */
export function recording(paths: readonly string[] | undefined, log: string): string[] {
  const calls = [
    'openat',
    'write',
    'pwrite64',
    'ftruncate',
    'fsync',
    'fdatasync',
    '?unlink',
    '?unlinkat',
    '?rename',
    '?renameat',
  ];
  return [
    'strace',
    '-f',
    '-qq',
    '-y',
    '-xx',
    '-s',
    String(1 << 20),
    '-o',
    log,
    '-e',
    `trace=${calls.join(',')}`,
    ...(paths ?? []).flatMap((each) => ['-P', each]),
    '--',
  ];
}

/** So many calls an intervention changed. */
export function struck(log: string): number {
  return readFileSync(log, 'latin1')
    .split('\n')
    .filter((line) => line.includes('(INJECTED)')).length;
}

/** A folder and everything below it, as it is now. */
export function everythingBelow(folder: string): string[] {
  return [folder, ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name))];
}

/** An intervention into a process that runs already. */
export interface Intervening {
  /** From here on the process is left alone. Resolves with how many calls were changed. */
  end(): Promise<number>;
}

/** A killed process is gone in milliseconds. */
const stuckMs = 5_000;

/**
 * Of a process that was killed, a thread can stay behind that strace 6.1 has not heard of and will wait for: nothing ends then, until strace
 * does.
 */
async function letGo(strace: ChildProcess, pid: number): Promise<void> {
  if (!isDefunct(pid)) return;
  await later(stuckMs);
  if (isDefunct(pid)) strace.kill('SIGKILL');
}

function isDefunct(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.startsWith('Z') === true;
  } catch {
    return false;
  }
}

/** Resolves once every thread of the process is under it. */
export async function intervene(pid: number, intervention: Intervention, log: string): Promise<Intervening> {
  const attached = await attach(pid, filters(intervention), log);
  return {
    end: async () => {
      await attached.end();
      return struck(log);
    },
  };
}

/** Writes to `log` which of these calls a process that runs already makes, and all that it starts. */
export function watch(pid: number, calls: readonly string[], log: string): Promise<{ end(): Promise<void> }> {
  return attach(pid, ['-s', '4096', '-e', `trace=${calls.join(',')}`], log);
}

async function attach(pid: number, words: readonly string[], log: string): Promise<{ end(): Promise<void> }> {
  const strace = spawn('strace', ['-f', '-o', log, ...words, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const gone = new Promise<void>((resolve) => strace.once('close', () => resolve()));
  const waking = setInterval(() => void letGo(strace, pid), stuckMs).unref();
  void gone.then(() => clearInterval(waking));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    strace.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (/Process \d+ attached/.test(said)) resolve();
    });
    strace.once('error', reject);
    strace.once('close', () => reject(new Error(`strace did not come to ${pid}: ${said}`)));
  });
  return {
    end: async () => {
      strace.kill('SIGINT');
      await gone;
    },
  };
}

/** Why this machine cannot do it, or false. */
export function noStrace(): string | false {
  if (spawnSync('strace', ['-V'], { stdio: 'ignore' }).error !== undefined) return 'strace is not on this machine';
  let scope = '0';
  try {
    scope = readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'utf8').trim();
  } catch {
    // a kernel without Yama asks only for the same user
  }
  return scope === '0' || (scope === '1' && process.getuid?.() === 0) ? false : `kernel.yama.ptrace_scope is ${scope}`;
}
