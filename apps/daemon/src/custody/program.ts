// How custody is started, spec/custody.md: an empty environment, descriptors 0–2 only, Node's permission model down to its own code and
// key store, and around it, where bubblewrap works, namespaces without a network, other processes or other files.

import { accessSync, constants, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface CustodyProgram {
  /** Node's own binary. */
  readonly node: string;
  readonly main: string;
  /** Folders that hold custody's code. */
  readonly code: readonly string[];
}

function inTree(path: string): string {
  return fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
}

/** Custody as it lies in a clone. */
export function treeProgram(): CustodyProgram {
  return {
    node: realpathSync(process.execPath),
    main: inTree('apps/custody/src/main.ts'),
    code: [inTree('apps/custody'), inTree('packages/protocol'), inTree('node_modules/@holdfast'), inTree('package.json')],
  };
}

/** `namespaces`: bubblewrap around it; `permissions`: Node's permission model alone, which in Node 24 says nothing about the network. */
export type Isolation = 'namespaces' | 'permissions';

export function findBubblewrap(): string | undefined {
  return ['/usr/bin/bwrap', '/bin/bwrap', '/usr/local/bin/bwrap'].find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Where custody's own /dev shows the TPM. */
const tpmInside = '/dev/tpm';

/** `storeFolder` is absolute and exists; so is `tpm`, a character device, where there is one. */
export function custodyCommand(
  program: CustodyProgram,
  { storeFolder, tpm }: { readonly storeFolder: string; readonly tpm?: string | undefined },
  bubblewrap: string | undefined,
): readonly [string, ...string[]] {
  const store = realpathSync(storeFolder);
  const outside = tpm === undefined ? [] : [realpathSync(tpm)];
  const device = bubblewrap === undefined ? outside : outside.map(() => tpmInside);
  const node = [
    program.node,
    '--permission', // [CUSTODY-17] no child processes, workers, add-ons, WASI, inspector
    ...[...program.code, store, ...device].map((path) => `--allow-fs-read=${path}`),
    ...[store, ...device].map((path) => `--allow-fs-write=${path}`),
    '--disallow-code-generation-from-strings',
    '--disable-proto=throw',
    program.main,
    store,
    ...device,
  ] as const;
  if (bubblewrap === undefined) return node;
  const readOnly = [program.node, ...program.code].flatMap((path) => ['--ro-bind', path, path]);
  return [
    bubblewrap,
    ...['--unshare-all', '--unshare-user', '--cap-drop', 'ALL', '--die-with-parent', '--new-session', '--clearenv'], // [CUSTODY-18]
    ...['--ro-bind', '/usr', '/usr'],
    ...['/lib', '/lib64', '/etc/ld.so.cache'].flatMap((path) => ['--ro-bind-try', path, path]),
    ...readOnly,
    ...[
      '--dev',
      '/dev',
      ...outside.flatMap((path) => ['--dev-bind', path, tpmInside]),
      '--bind',
      store,
      store,
      '--chdir',
      '/',
      '--',
    ],
    ...node,
  ];
}
