// Whether this machine can seal a session at all. It is asked before each start; a machine that cannot is told what to type, and
// nothing runs unsealed. spec/sandbox.md [SANDBOX-1].

import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { HoldfastError } from '@holdfast/protocol/errors';

const run = promisify(execFile);

/** Looked for here and nowhere else: what the daemon starts must not depend on a caller's PATH. */
const programFolders = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin', '/run/current-system/sw/bin'];

/** Which package brings it; script is in bsdutils on Debian and util-linux-script on Fedora. */
const packages: Readonly<Record<string, readonly [debian: string, fedora: string, other: string]>> = {
  bwrap: ['bubblewrap', 'bubblewrap', 'bubblewrap'],
  script: ['bsdutils', 'util-linux-script', 'util-linux'],
  setsid: ['util-linux', 'util-linux', 'util-linux'],
  sh: ['dash', 'bash', 'busybox'],
  stty: ['coreutils', 'coreutils', 'coreutils'],
};

/** Absolute paths of the host's programs that a start uses. */
export interface Programs {
  readonly bwrap: string;
  readonly script: string;
  readonly setsid: string;
  readonly sh: string;
  readonly stty: string;
}

/** Only success is remembered: what is missing may be installed while the daemon runs. */
let working: Promise<Programs> | undefined;

/** @throws sandbox_unavailable with the command that mends it in `next` */
export async function findPrograms(): Promise<Programs> {
  working ??= probe(programFolders);
  try {
    return await working;
  } catch (error) {
    working = undefined;
    throw error;
  }
}

/** The probe itself, over other folders in tests. */
export async function probe(folders: readonly string[]): Promise<Programs> {
  const programs = {
    bwrap: locate('bwrap', folders),
    script: locate('script', folders),
    setsid: locate('setsid', folders),
    sh: locate('sh', folders),
    stty: locate('stty', folders),
  };
  await tryBwrap(programs.bwrap);
  return programs;
}

function locate(name: string, folders: readonly string[]): string {
  for (const folder of folders) {
    const path = `${folder}/${name}`;
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // the next folder
    }
  }
  throw new HoldfastError('sandbox_unavailable', `a sealed session needs the program ${name}, which is not installed`, {
    next: installCommand(name),
  });
}

function installCommand(name: string): string {
  const [debian, fedora, other] = packages[name] ?? [name, name, name];
  const has = (file: string): boolean => statSync(file, { throwIfNoEntry: false }) !== undefined;
  const root = process.getuid?.() === 0 ? '' : 'sudo ';
  if (has('/usr/bin/apt-get')) return `${root}apt-get install -y ${debian}`;
  if (has('/usr/bin/dnf')) return `${root}dnf install -y ${fedora}`;
  if (has('/usr/bin/zypper')) return `${root}zypper install -y ${other}`;
  if (has('/usr/bin/pacman')) return `${root}pacman -S ${other}`;
  if (has('/sbin/apk')) return `${root}apk add ${other}`;
  return `install the package ${other} of your distribution`;
}

/** Runs the smallest sandbox with every namespace that a session needs. */
async function tryBwrap(bwrap: string): Promise<void> {
  const namespaces = [
    '--unshare-user',
    '--disable-userns',
    '--unshare-pid',
    '--unshare-net',
    '--unshare-ipc',
    '--unshare-uts',
    '--unshare-cgroup',
  ];
  const { stdout } = await run(bwrap, ['--help'], { env: {} }).catch(() => ({ stdout: '' }));
  const missing = ['--ro-bind-fd', '--disable-userns'].find((option) => !stdout.includes(option));
  if (missing !== undefined) {
    throw new HoldfastError(
      'sandbox_unavailable',
      `the installed bubblewrap is too old for a sealed session: it lacks ${missing}`,
      {
        next: `${installCommand('bwrap')} (0.8.0-2+deb12u1 or later)`,
      },
    );
  }
  try {
    await run(bwrap, [...namespaces, '--cap-drop', 'ALL', '--ro-bind', '/', '/', '--proc', '/proc', '--', '/bin/true'], {
      env: {},
    });
  } catch (error) {
    throw new HoldfastError('sandbox_unavailable', `this machine does not let bubblewrap make a sandbox: ${lastLine(error)}`, {
      next: kernelSetting(),
      cause: error,
    });
  }
}

function lastLine(error: unknown): string {
  const text = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : String(error);
  return text.trim().split('\n').at(-1) ?? '';
}

/** The setting that most likely forbids user namespaces, as the command that allows them. */
function kernelSetting(): string {
  const root = process.getuid?.() === 0 ? '' : 'sudo ';
  const value = (name: string): string => {
    try {
      return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
    } catch {
      return '';
    }
  };
  if (value('kernel/unprivileged_userns_clone') === '0') return `${root}sysctl -w kernel.unprivileged_userns_clone=1`;
  if (value('user/max_user_namespaces') === '0') return `${root}sysctl -w user.max_user_namespaces=10000`;
  if (value('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return `${root}sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or install an AppArmor profile that allows bwrap user namespaces`;
  }
  return 'allow user namespaces on this machine; in a container, start it with its seccomp profile off or with --privileged';
}
