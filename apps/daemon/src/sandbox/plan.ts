// From a request to the argument list of bwrap: what the session sees, what it is denied, what it runs. spec/sandbox.md.

import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Argument } from './bwrap-arguments.ts';
import { findCommand, type FoundCommand } from './command.ts';
import { placeCovers } from './covers.ts';
import { buildEnvironment, directNames } from './environment.ts';
import { etcMounts } from './etc-files.ts';
import { hostSockets } from './host-sockets.ts';
import { buildMounts, starterPath } from './mounts.ts';
import { bothNames, checkWorkingTree, isWithin, overlap, resolved, systemFolders } from './places.ts';
import type { SandboxRequest } from './request.ts';
import { seccompFilter } from './seccomp.ts';
import type { GoAhead } from './starter.ts';
import { findToolchains } from './toolchains.ts';
import { linkedRepository, planTriggers } from './triggers.ts';

export interface Plan {
  /** bwrap's options. */
  readonly words: readonly Argument[];
  /** What bwrap runs. */
  readonly starterCommand: readonly string[];
  /** Places of the tree whose replacement from outside ends the session. */
  readonly places: readonly string[];
  /** Where the door listens inside. */
  readonly doorPort: number;
  readonly home: string;
  /** What the starter is told once it listens. */
  readonly goAhead: GoAhead;
  /** Closes what `words` has open; call it once bwrap has its own copies. */
  close(): void;
  /** Takes the placeholders out of the tree; call it when the session has ended. Implies `close`. */
  remove(): void;
}

/** Descriptor numbers in the child: 0–2 are the payload's, 3 is the terminal's name (terminal.ts). */
const channelDescriptor = 4;
export const wordsDescriptor = 5;
export const infoDescriptor = 6;
export const lifelineDescriptor = 7;
export const firstDataDescriptor = 8;

/** User namespace first: without it a root payload keeps the host's capabilities. [SANDBOX-2] */
const namespaces = [
  '--unshare-user',
  '--disable-userns',
  '--unshare-pid',
  '--unshare-net',
  '--unshare-ipc',
  '--unshare-uts',
  '--unshare-cgroup',
  '--hostname',
  'holdfast',
  '--cap-drop',
  'ALL',
  '--die-with-parent',
];

/** Where the door may listen: below what a kernel gives out by itself, above what services are known by. Nothing else is there yet. */
const doorPorts = [20_000, 30_000] as const;

/** HOME inside. Not the operator's own path: a payload may write in here, so nothing is ever mounted below it. */
const homePlaces = ['/home/agent', '/home/holdfast-agent', '/holdfast-home'];

/**
 * Makes the placeholders and opens the places; the caller must call `remove` in the end.
 * @throws sandbox_tree_refused, sandbox_command_not_found, sandbox_unavailable, usage
 */
export async function planSession(request: SandboxRequest, setsid: string): Promise<Plan> {
  const homes = bothNames([request.callerHome, homedir()]);
  const withheld = bothNames(request.withheld);
  const installation = resolved(request.installation) ?? request.installation;
  if (homes.some((path) => isWithin(path, installation))) {
    throw new HoldfastError('sandbox_unavailable', `Holdfast is installed in ${installation}, which contains a home folder`, {
      next: 'install it in a folder of its own',
    });
  }
  const tree = checkWorkingTree(request.cwd, homes, request.withheld);
  const [name = '', ...rest] = request.command;
  const toolchains = findToolchains({ callerPath: request.callerPath, homes, tree, withheld });
  const node = resolved(process.execPath) ?? process.execPath;
  const seen = [...systemFolders, ...toolchains.mounts, installation, tree];
  const { within } = request;
  const command = findCommand(
    name,
    request.callerPath,
    tree,
    (realPath) => within === undefined || [...seen, ...within].some((place) => isWithin(realPath, place)), // [SANDBOX-18]
  );
  request.assertFit?.(command, tree);
  const file = fileInside(command, seen, withheld);
  const readOnly = [...toolchains.mounts, installation];
  for (const path of [node, command.realPath]) if (!seen.some((folder) => isWithin(path, folder))) readOnly.push(path);

  const home =
    homePlaces.find((place) => ![...homes, ...readOnly, tree].some((path) => overlap(path, place))) ?? '/holdfast-home';
  const shell = existsSync('/bin/bash') ? '/bin/bash' : '/bin/sh';
  const doorPort = randomInt(...doorPorts);
  const direct = directNames(request.brokered ?? []);
  const etc = etcMounts(request.caBundle, home, shell, request.etcFiles?.({ doorPort, home, shell, node, direct }) ?? []);
  const treeProtections = planTriggers(tree, installation, {
    masked: request.masked ?? [],
    readOnly: request.readOnly ?? [],
  });
  const linked = linkedRepository(tree);
  if (linked !== undefined && [...homes, ...withheld].some((path) => isWithin(path, linked.path))) {
    throw new HoldfastError(
      'sandbox_tree_refused',
      `${tree} belongs to the repository ${linked.path}, which holds what must not be seen`,
    );
  }
  const protections = [...treeProtections, ...(linked?.protections ?? [])];
  const unseen = [
    ...withheld,
    ...treeProtections.flatMap(({ kind, path }) => (kind === 'mask' ? [path] : [])),
    ...homes.filter((path) => [...systemFolders, ...readOnly].some((folder) => isWithin(path, folder))),
  ];
  const sockets = hostSockets([...seen, ...(linked === undefined ? [] : [linked.path])], unseen, tree);
  const removeCovers = await placeCovers(protections.filter((protection) => protection.kind === 'cover'));
  try {
    const mounts = buildMounts({
      tree,
      treeProtections,
      linked,
      scopeHome: request.scopeHome,
      home,
      readOnly,
      hidden: [...new Set([...withheld, ...homes])],
      sockets,
      etc,
      starter: starterText(),
    });
    const words: Argument[] = [
      ...namespaces,
      ...mounts.list,
      '--clearenv',
      '--setenv',
      'NODE_CHANNEL_FD',
      String(channelDescriptor),
      '--chdir',
      '/',
      '--info-fd',
      String(infoDescriptor),
      '--seccomp',
      seccompFilter(),
    ];
    // bwrap takes the command from its own command line only.
    const starterCommand = [
      // Its own session and process group, so that a signal to the group reaches nobody outside; a terminal's payload has the terminal's.
      ...(request.terminal === undefined ? [setsid] : []),
      node,
      '--disable-warning=ExperimentalWarning',
      starterPath,
      String(doorPort),
    ];
    return {
      words,
      starterCommand,
      doorPort,
      home,
      places: protections.map(({ path }) => path),
      close: () => mounts.close(),
      remove: () => {
        mounts.close();
        removeCovers();
      },
      goAhead: {
        file,
        argv: [name, ...rest],
        cwd: tree,
        readOnly: mounts.readOnly,
        environment: buildEnvironment({
          caller: request.environment,
          own: process.env,
          home,
          path: toolchains.path,
          shell,
          term: request.terminal?.term,
          toolchains: toolchains.variables,
          doorPort,
          brokered: request.brokered ?? [],
        }),
      },
    };
  } catch (error) {
    removeCovers();
    throw error;
  }
}

/** The path by which the payload is executed: as found, or its real path where only that is visible. */
function fileInside({ path, realPath }: FoundCommand, seen: readonly string[], withheld: readonly string[]): string {
  if (withheld.some((hidden) => isWithin(realPath, hidden))) {
    throw new HoldfastError('sandbox_command_not_found', `${path} lies in Holdfast's own data`, {
      next: 'move the program elsewhere',
    });
  }
  return seen.some((folder) => isWithin(path, folder)) ? path : realPath;
}

let starter: Uint8Array | undefined;

/** As JavaScript: reading TypeScript would double the time that the starter takes. */
function starterText(): Uint8Array {
  if (starter !== undefined) return starter;
  const source = readFileSync(fileURLToPath(new URL('starter.ts', import.meta.url)), 'utf8');
  // Node would warn, on the daemon's terminal, that the function is not yet stable.
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    starter = Buffer.from(stripTypeScriptTypes(source));
  } finally {
    process.emitWarning = emitWarning;
  }
  return starter;
}
