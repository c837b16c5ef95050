// `npm start`: relay, daemon and console on this machine, as processes of their own; one line on stdout when the first two are ready.
// Ends them on SIGTERM or SIGINT, and ends itself, loudly, when relay or daemon dies: without the console agents go on.

import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findHome } from './door-client.ts';

const readyWithinMs = 120_000;
/** A session's own end is asked for first; what is still there after this is killed. */
const endWithinMs = 8_000;

interface Part {
  readonly name: string;
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
}

const parts: Part[] = [];
let ending: Promise<never> | undefined;
/** Until then a part that ends says itself what to do. */
let ready = false;

function explain(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Starts one part and resolves with the line that it prints when it is ready. The IPC channel ends with us, whatever ends us. */
function begin(name: string, file: string, parameters: readonly string[], { vital = true } = {}): Promise<string> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), ...parameters], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    detached: true, // Ctrl-C at our terminal is ours to pass on, in order
    env: { ...process.env, HOLDFAST_HOME: paths.home },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  parts.push({ name, child, ended });
  child.once('exit', (code, signal) => {
    if (ending === undefined && vital) {
      explain(`holdfast: the ${name} ended (${signal ?? code}); stopping`);
      if (ready) explain('  next: npm start; what was acknowledged is kept');
      void end(code === null || code === 0 ? 3 : code);
    } else if (ending === undefined) {
      explain(`holdfast: the ${name} ended (${signal ?? code}); agents go on without it`);
      explain('  next: holdfast console, or npm start -- --no-console to do without');
    }
  });
  return new Promise((resolve) => {
    const deadline = setTimeout(() => {
      if (!vital) return explain(`holdfast: the ${name} is still not ready`);
      explain(`holdfast: the ${name} is not ready after ${readyWithinMs / 1000} s; stopping`);
      void end(3);
    }, readyWithinMs);
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', (line) => {
      clearTimeout(deadline);
      resolve(line);
    });
  });
}

/** Idempotent: npm and the terminal may both tell us. The daemon ends before the relay, so that its last records are shipped. */
function end(code: number): Promise<never> {
  ending ??= (async () => {
    for (const { child, ended } of parts.toReversed()) {
      child.kill('SIGTERM');
      const deadline = setTimeout(() => child.kill('SIGKILL'), endWithinMs);
      if (child.exitCode === null && child.signalCode === null) await ended;
      clearTimeout(deadline);
    }
    process.exit(code);
  })();
  return ending;
}

/** All but `--no-console` are the daemon's. */
const { tokens, values } = parseArgs({
  tokens: true,
  options: {
    'no-console': { type: 'boolean' },
    'passphrase-file': { type: 'string' },
    tpm: { type: 'string' },
    'pkcs11-module': { type: 'string' },
    'pkcs11-token': { type: 'string' },
    'pkcs11-pin-file': { type: 'string' },
    'pkcs11-needs': { type: 'string', multiple: true },
    'pkcs11-env': { type: 'string', multiple: true },
  },
});
process.on('SIGTERM', () => void end(0));
process.on('SIGINT', () => void end(0));
process.on('SIGHUP', () => void end(0));

const paths = findHome();
const address = (await begin('relay', '../../relay/src/main.ts', [])).split(' ').at(-1) ?? '';
const noConsole = values['no-console'] === true;
const consoleReady = noConsole
  ? undefined
  : begin('console', '../../console/serve/main.ts', ['--relay', address], { vital: false });
await begin('daemon', '../../daemon/src/main.ts', [
  '--home',
  paths.home,
  '--relay',
  address,
  ...tokens.flatMap((token) =>
    token.kind === 'option' && token.name !== 'no-console' ? [`--${token.name}=${token.value ?? ''}`] : [],
  ),
]);
ready = true;
process.stdout.write(`ready ${address}\n`);
explain(`Holdfast runs here: data in ${paths.home}. New fleet: holdfast init. Stop with Ctrl-C.`);
// The first time it is built, which may take longer than everything else: agents do not wait for it.
if (consoleReady !== undefined) explain(`Console: ${(await consoleReady).split(' ').at(-1) ?? ''}`);
