// Where things lie under HOLDFAST_HOME, spec/door.md: the same answer for every process of the machine. Pure: the environment is an argument.

import { toHex, utf8 } from '../codec/bytes.ts';
import type { Primitives } from '../primitives/primitives.ts';

export interface HomePaths {
  readonly home: string;
  readonly relay: string;
  readonly daemon: string;
  readonly custody: string;
  readonly audit: string;
  /** Beside the audit logs and never with them: what their commitments stand on. */
  readonly salts: string;
  readonly operator: string;
  readonly scopes: string;
  readonly run: string;
  readonly streams: string;
  readonly doorSocket: string;
  /** False: even the short path is longer than the system takes. */
  readonly doorSocketFits: boolean;
}

/** Linux refuses longer paths in sockaddr_un (108 bytes with the NUL). */
const maxSocketPathBytes = 107;

/** HOLDFAST_HOME, else XDG_DATA_HOME/holdfast, else ~/.local/share/holdfast; relative paths are the caller's to resolve. */
export function defaultHome(environment: Readonly<Record<string, string | undefined>>, userHome: string): string {
  if (environment['HOLDFAST_HOME']) return environment['HOLDFAST_HOME'];
  const data = environment['XDG_DATA_HOME'];
  return data?.startsWith('/') ? `${data}/holdfast` : `${userHome}/.local/share/holdfast`;
}

/** `home` is absolute and resolved. `runtimeFolder` is a short folder private to the user, for sockets whose own path would be too long. */
export function homePaths(primitives: Primitives, home: string, runtimeFolder: string): HomePaths {
  const direct = `${home}/run/daemon.sock`;
  const short = `${runtimeFolder}/${toHex(primitives.sha256(utf8(home))).slice(0, 24)}.sock`;
  const doorSocket = utf8(direct).length <= maxSocketPathBytes ? direct : short; // [DOOR-5]
  return {
    home,
    relay: `${home}/relay`,
    daemon: `${home}/daemon`,
    custody: `${home}/daemon/custody`,
    audit: `${home}/daemon/audit`,
    salts: `${home}/daemon/salts`,
    operator: `${home}/operator`,
    scopes: `${home}/scopes`,
    run: `${home}/run`,
    streams: `${home}/streams`,
    doorSocket,
    doorSocketFits: utf8(doorSocket).length <= maxSocketPathBytes,
  };
}
