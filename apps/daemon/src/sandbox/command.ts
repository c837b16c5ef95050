// Which file the payload is, found as the caller's shell would find it. spec/sandbox.md [SANDBOX-5].

import { accessSync, constants, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { HoldfastError } from '@holdfast/protocol/errors';
import { resolved } from './places.ts';

export interface FoundCommand {
  /** As found: a symbolic link may choose what a program does by its own name. */
  readonly path: string;
  readonly realPath: string;
}

/**
 * Looks up `name` along `callerPath`; a name with a slash is relative to `cwd`. One that `mayBe` does not take is as good as absent.
 * @throws sandbox_command_not_found
 */
export function findCommand(
  name: string,
  callerPath: string,
  cwd: string,
  mayBe: (realPath: string) => boolean = () => true,
): FoundCommand {
  const candidates = name.includes('/')
    ? [resolve(cwd, name)]
    : callerPath.split(':').map((folder) => join(resolve(cwd, folder), name));
  for (const path of name === '' ? [] : candidates) {
    const realPath = resolved(path);
    if (realPath !== undefined && mayBe(realPath) && isProgram(realPath)) return { path, realPath };
  }
  throw new HoldfastError('sandbox_command_not_found', `no program ${name === '' ? "''" : name} to run`, {
    next: name.includes('/') ? 'check that the file exists and is executable' : 'install it, or give its path',
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
