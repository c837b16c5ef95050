// What the stories about real clients share: finding the clients, and names that lead to this machine.

import { accessSync, constants, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Words before `npm start`: names below `holdfast.test` lead to this machine for it. Many clients never ask a proxy for `localhost`. */
export const withNames = ['env', `NODE_OPTIONS=--import=${fileURLToPath(new URL('name-service.ts', import.meta.url))}`];

/** Where a program lies along PATH; undefined if nowhere, or if `accept` takes none. */
export function findProgram(name: string, accept: (file: string) => boolean = () => true): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(':')
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return accept(realpathSync(file));
      } catch {
        return false;
      }
    });
}

/** Why a story about a client is skipped, with what to install; false if the client is there. */
export function whyWithout(program: string, debianPackage: string): string | false {
  return findProgram(program) === undefined && `${program} is not installed: apt-get install ${debianPackage}`;
}
