// A machine in miniature for the sandbox's tests: an operator's home with a secret, a project in it, a scope's home, Holdfast's data;
// and sessions in it, sealed as always or with one control taken away.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Argument } from '../../src/sandbox/bwrap-arguments.ts';
import { launch, type Alteration } from '../../src/sandbox/launch.ts';
import type { Sandbox, SandboxRequest } from '../../src/sandbox/start.ts';

export const installation = fileURLToPath(new URL('../../../..', import.meta.url)).replace(/\/$/, '');
export const isRoot = process.getuid?.() === 0;

export interface World {
  readonly root: string;
  readonly operatorHome: string;
  readonly tree: string;
  readonly scopeHome: string;
  readonly data: string;
}

export const operatorSecret = 'the operator keeps this';
export const dataSecret = 'holdfast keeps this';

/** Taken away again when the test ends. */
export function makeWorld(t: TestContext): World {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-sandbox-')));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const world = {
    root,
    operatorHome: join(root, 'operator'),
    tree: join(root, 'operator/src/project'),
    data: join(root, 'operator/.local/share/holdfast'),
    scopeHome: join(root, 'operator/.local/share/holdfast/scopes/main'),
  };
  for (const folder of [world.tree, world.scopeHome, join(world.operatorHome, '.ssh')])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(world.operatorHome, '.ssh/id'), operatorSecret);
  writeFileSync(join(world.data, 'journal'), dataSecret);
  writeFileSync(join(world.tree, 'file'), 'content\n');
  return world;
}

export function requestFor(world: World, command: readonly string[], change: Partial<SandboxRequest> = {}): SandboxRequest {
  return {
    command,
    cwd: world.tree,
    scopeHome: world.scopeHome,
    callerPath: process.env['PATH'] ?? '/usr/bin:/bin',
    callerHome: world.operatorHome,
    environment: {},
    terminal: undefined,
    caBundle: Buffer.from('no certificates\n'),
    withheld: [world.data],
    installation,
    ...change,
  };
}

export interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Starts, gives no input, and waits for the end. The session is ended with the test, whatever happens. */
export async function run(
  t: TestContext,
  request: SandboxRequest,
  alteration: Alteration = {},
  during?: (sandbox: Sandbox) => Promise<void>,
): Promise<Outcome> {
  const sandbox = await start(t, request, alteration);
  const output = textOf(sandbox.output);
  const errors = sandbox.errors === undefined ? Promise.resolve('') : textOf(sandbox.errors);
  await during?.(sandbox);
  if (request.terminal === undefined) sandbox.input.end();
  const code = await sandbox.exited;
  return { code, output: await output, errors: await errors };
}

export async function start(t: TestContext, request: SandboxRequest, alteration: Alteration = {}): Promise<Sandbox> {
  const sandbox = await launch(request, alteration);
  t.after(() => {
    sandbox.kill();
    sandbox.door.close();
    return sandbox.exited.catch(() => undefined);
  });
  return sandbox;
}

/** A script in the attacker's language, which is mounted anyway. It may use `fs`, `net`, `os`, `child_process` as Node's REPL does. */
export function script(source: string): string[] {
  return [process.execPath, '-e', source];
}

async function textOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** An alteration: the list of bwrap without an option and the arguments that follow it; every time it occurs, or it is an error. */
export function without(...options: readonly (readonly [name: string, ...args: (string | number)[]])[]): Alteration {
  return {
    words(words) {
      let list = [...words];
      for (const [name, ...args] of options) {
        const count = typeof args[0] === 'number' ? args[0] : args.length;
        const matches = (at: number): boolean =>
          list[at] === name && (typeof args[0] === 'number' || args.every((arg, index) => list[at + 1 + index] === arg));
        const kept: Argument[] = [];
        let found = false;
        for (let at = 0; at < list.length; at += 1) {
          if (matches(at)) {
            found = true;
            at += count;
          } else kept.push(list[at] as Argument);
        }
        if (!found) throw new Error(`there is no ${name} ${args.join(' ')} to take away`);
        list = kept;
      }
      return list;
    },
    // The starter would notice.
    goAhead: (goAhead) => ({ ...goAhead, readOnly: [] }),
  };
}
