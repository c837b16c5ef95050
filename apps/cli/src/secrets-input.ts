// How secrets enter: on stdin, from a file, or typed unseen; never in argv, never in the environment. They stay bytes.

import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { HoldfastError } from '@holdfast/protocol/errors';
import { usage } from './output.ts';

/** Passphrases, secrets and codes: nothing longer is one. */
const maxSecretBytes = 64 * 1024;

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Reads a descriptor to its end into one buffer, without intermediate copies; the caller overwrites it. */
function readAll(descriptor: number): Buffer {
  const held = Buffer.alloc(maxSecretBytes + 1);
  let length = 0;
  for (;;) {
    let read: number;
    try {
      read = readSync(descriptor, held, length, held.length - length, null);
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'EAGAIN')) throw cause;
      Atomics.wait(pause, 0, 0, 5); // a pipe without blocking has nothing yet
      continue;
    }
    if (read === 0) break;
    length += read;
    if (length > maxSecretBytes) {
      held.fill(0);
      throw new HoldfastError('codec_limit', `more than ${maxSecretBytes} bytes where a secret is expected`);
    }
  }
  // [CLI-5]
  const trimmed = length > 0 && held[length - 1] === 0x0a ? length - (length > 1 && held[length - 2] === 0x0d ? 2 : 1) : length;
  const secret = Buffer.alloc(trimmed);
  held.copy(secret, 0, 0, trimmed);
  held.fill(0);
  return secret;
}

/** A file's content without one trailing newline. Throws `usage` when it is missing, a folder, or empty. */
function secretFromFile(file: string): Buffer {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (cause) {
    throw new HoldfastError('usage', `cannot read ${file}`, { cause, next: 'name a file that you can read' });
  }
  try {
    if (fstatSync(descriptor).isDirectory()) throw usage(`${file} is a folder`);
    const secret = readAll(descriptor);
    if (secret.length === 0) throw usage(`${file} is empty`);
    return secret;
  } finally {
    closeSync(descriptor);
  }
}

/** A secret piped in, or typed unseen at a terminal. */
export async function secretFromStdin(question: string): Promise<Buffer> {
  if (process.stdin.isTTY) return typed(question);
  const secret = readAll(0);
  if (secret.length === 0)
    throw usage('nothing on standard input', 'pipe the secret in: printf %s "$SECRET" | holdfast vault add …');
  return secret;
}

/** What a program prints, without one trailing newline. Throws `usage` when it prints nothing or fails. */
export function secretFromProgram(program: string, parameters: readonly string[]): Buffer {
  const { stdout, status } = spawnSync(program, parameters, { stdio: ['inherit', 'pipe', 'inherit'], maxBuffer: maxSecretBytes });
  const given = stdout ?? Buffer.alloc(0); // absent where the program is
  try {
    const end = given.at(-1) === 0x0a ? given.length - 1 : given.length;
    if (status !== 0 || end === 0) throw usage(`${program} ${parameters.join(' ')} gives nothing`, 'pipe the secret in instead');
    return Buffer.from(given.subarray(0, end));
  } finally {
    given.fill(0);
  }
}

/** All that is piped in, which is no secret. Throws `usage` at a terminal, and for what is no UTF-8. */
export function textFromStdin(): string {
  if (process.stdin.isTTY) throw usage('nothing on standard input', 'pipe it in, or give it as an argument');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readAll(0));
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw usage('standard input is no text');
  }
}

/** A file that is no secret. Throws `usage`. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HoldfastError('usage', `cannot read ${file}`, { cause, next: 'name a file that you can read' });
  }
}

/** The first line of what is piped in. Throws `usage` at a terminal. */
export function lineFromStdin(): string {
  if (process.stdin.isTTY) throw usage('nothing on standard input', 'pipe it in, or give it as an argument');
  const [line = ''] = readAll(0).toString('utf8').split('\n');
  return line.trim();
}

/** From `file` if one is named, else asked at the terminal; without either the command says which option is missing. */
export async function passphrase(file: string | undefined, question: string, option = '--passphrase-file'): Promise<Buffer> {
  if (file !== undefined) return secretFromFile(file);
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw usage('no passphrase', `pass ${option} FILE, or run at a terminal`);
  return typed(question);
}

/** Asks twice, for a passphrase that is being chosen. */
export async function newPassphrase(file: string | undefined, option = '--passphrase-file'): Promise<Buffer> {
  if (file !== undefined) return secretFromFile(file);
  const first = await passphrase(undefined, 'Choose a passphrase for the operator key', option);
  const second = await passphrase(undefined, 'Once more');
  if (!first.equals(second)) throw usage('the two passphrases differ', 'run the command again');
  second.fill(0);
  return first;
}

async function typed(question: string): Promise<Buffer> {
  const { isCancel, password } = await import('@clack/prompts');
  const answer = await password({ message: question, output: process.stderr });
  if (isCancel(answer) || answer === undefined || answer === '') throw usage('nothing entered');
  return Buffer.from(answer, 'utf8');
}

/** One line typed visibly, for example the words of a pairing. */
export async function askLine(question: string): Promise<string> {
  if (!process.stdin.isTTY) throw usage(`no answer to: ${question}`, 'pass it as an option, or run at a terminal');
  const { isCancel, text } = await import('@clack/prompts');
  const answer = await text({ message: question, output: process.stderr });
  if (isCancel(answer) || answer === undefined) throw usage('nothing entered');
  return answer;
}
