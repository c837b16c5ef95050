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
  /** Where `npm run addon:pkcs11` puts what it builds. */
  readonly pkcs11Addon: string;
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
    pkcs11Addon: inTree('.cache/addons/pkcs11js-2.1.7/package'),
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

/** A PKCS#11 token, as whoever starts the daemon names it. */
export interface Pkcs11Token {
  /** Absolute path of the maker's shared library. */
  readonly module: string;
  /** Absent: there is one token. */
  readonly label?: string;
  /** Absolute paths of what the module needs besides: its settings, its store, the socket of its daemon, its device. */
  readonly needs?: readonly string[];
  /** What the module reads from its environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface CustodyHardware {
  /** Absolute path of a TPM's character device, which exists. */
  readonly tpm?: string | undefined;
  readonly pkcs11?: Pkcs11Token | undefined;
}

/** `storeFolder` is absolute and exists. */
export function custodyCommand(
  program: CustodyProgram,
  { storeFolder, tpm, pkcs11 }: { readonly storeFolder: string } & CustodyHardware,
  bubblewrap: string | undefined,
): readonly [string, ...string[]] {
  const store = realpathSync(storeFolder);
  const outside = tpm === undefined ? [] : [realpathSync(tpm)];
  const device = bubblewrap === undefined ? outside : outside.map(() => tpmInside);
  const code = pkcs11 === undefined ? program.code : [...program.code, program.pkcs11Addon];
  const node = [
    program.node,
    '--permission', // [CUSTODY-17] no child processes, workers, WASI, inspector
    ...(pkcs11 === undefined ? [] : ['--allow-addons']), // [CUSTODY-25]
    ...[...code, store, ...device].map((path) => `--allow-fs-read=${path}`),
    ...[store, ...device].map((path) => `--allow-fs-write=${path}`),
    '--disallow-code-generation-from-strings',
    '--disable-proto=throw',
    program.main,
    ...device.flatMap((path) => ['--tpm', path]),
    ...(pkcs11 === undefined ? [] : ['--pkcs11-addon', program.pkcs11Addon, '--pkcs11-module', pkcs11.module]),
    ...(pkcs11?.label === undefined ? [] : ['--pkcs11-token', pkcs11.label]),
    '--',
    store,
  ] as const;
  if (bubblewrap === undefined) return node;
  const readOnly = [program.node, ...program.code].flatMap((path) => ['--ro-bind', path, path]);
  return [
    bubblewrap,
    ...['--unshare-all', '--unshare-user', '--cap-drop', 'ALL', '--die-with-parent', '--new-session', '--clearenv'], // [CUSTODY-18]
    ...['--ro-bind', '/usr', '/usr'],
    ...['/lib', '/lib64', '/etc/ld.so.cache'].flatMap((path) => ['--ro-bind-try', path, path]),
    ...readOnly,
    ...['--dev', '/dev'],
    ...outside.flatMap((path) => ['--dev-bind', path, tpmInside]),
    ...(pkcs11 === undefined ? [] : pkcs11Inside(program, pkcs11)),
    ...['--bind', store, store, '--chdir', '/', '--'],
    ...node,
  ];
}

/** [CUSTODY-25] What a module may see beyond custody itself is what was named for it. */
function pkcs11Inside(program: CustodyProgram, { module, needs = [], environment = {} }: Pkcs11Token): readonly string[] {
  return [
    ...[program.pkcs11Addon, module].flatMap((path) => ['--ro-bind-try', path, path]),
    ...needs.flatMap((path) => ['--dev-bind', path, path]),
    ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
}
