// What a daemon that was killed in the midst of a start can leave: bwrap, waiting for a parent that is gone, before its death signal was armed.
// It runs nothing of an agent's; the next daemon of this user ends it. THREAT_MODEL S-7.

import { readdirSync, readFileSync } from 'node:fs';
import { starterPath } from './mounts.ts';

/** Who takes over processes whose parent has ended. A session's own chain has the daemon above it for as long as it runs. */
const reapers: ReadonlySet<string> = new Set(['init', 'systemd']);

/** Ends them: they bear the starter's name on their command line from the first moment. Those of other users are out of reach, and theirs to end. */
export function endOrphans(): void {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const [program = '', ...words] = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      if (!program.endsWith('bwrap') || !words.includes(starterPath) || !isOrphan(name)) continue;
      process.kill(Number(name), 'SIGKILL');
    } catch {
      // gone, or somebody else's
    }
  }
}

function isOrphan(pid: string): boolean {
  const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (parent === undefined || parent === '0') return false;
  return parent === '1' || reapers.has(readFileSync(`/proc/${parent}/comm`, 'utf8').trim());
}
