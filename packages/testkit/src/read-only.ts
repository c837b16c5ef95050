// A folder that becomes read-only, and writable again, under programs that run: a mount over it in their own mount namespace. Whatever they open
// from then on is refused by the kernel; what they have open already is not reached by that (strace.ts reaches it).

import { execFileSync } from 'node:child_process';

const numbers: Readonly<Record<string, { readonly setns: number; readonly mount: number; readonly umount: number }>> = {
  x64: { setns: 308, mount: 165, umount: 166 },
  arm64: { setns: 268, mount: 40, umount: 39 },
};

// One process joins and mounts: a program that it started would not have kept the power that joining a user namespace gives.
const script = `
  my ($setns, $mount, $umount, $pid, $act, $folder) = @ARGV;
  sub made { die "$_[0]: $!\\n" if $_[1] == -1 }
  for my $kind ($> == 0 ? 'mnt' : ('user', 'mnt')) {
    open(my $namespace, '<', "/proc/$pid/ns/$kind") or die "$kind: $!\\n";
    made($kind, syscall($setns + 0, fileno($namespace), 0));
  }
  if ($act eq 'seal') {
    made('bind', syscall($mount + 0, $folder, $folder, 0, 4096, 0));
    made('read-only', syscall($mount + 0, $folder, $folder, 0, 4096 | 32 | 1 | 2 | 4, 0)); # bind, remount, read-only, nosuid, nodev
  } else {
    made('umount', syscall($umount + 0, $folder, 2));
  }`;

function mountIn(pid: number, act: 'seal' | 'unseal', folder: string): void {
  const { setns = 0, mount = 0, umount = 0 } = numbers[process.arch] ?? {};
  execFileSync('perl', ['-e', script, ...[setns, mount, umount, pid].map(String), act, folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** `pid`: any process of the mount namespace, which must not be ours. */
export const makeReadOnly = (pid: number, folder: string): void => mountIn(pid, 'seal', folder);
export const makeWritable = (pid: number, folder: string): void => mountIn(pid, 'unseal', folder);
