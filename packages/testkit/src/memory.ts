// Counting a secret's copies in a living process. It reads what a core dump would hold, from where a debugger reads it, without the holes:
// a dump of a Node process has tens of gigabytes, nearly all of them reserved and never used.

import { constants } from 'node:fs';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { endianness } from 'node:os';

const pageBytes = 4096;
/** /proc/PID/pagemap: one 64-bit word a page; the page is in memory, or swapped out. */
const present = 1n << 63n;
const swapped = 1n << 62n;
const pagesAtOnce = 512;

/** Why the memory of other processes of this user cannot be read here, or undefined. */
export async function whyNoMemory(): Promise<string | undefined> {
  const scope = (await readFile('/proc/sys/kernel/yama/ptrace_scope', 'utf8').catch(() => '0')).trim();
  if (scope === '0' || (scope !== '3' && process.getuid?.() === 0)) return undefined;
  return `the kernel forbids it (ptrace_scope ${scope}): sysctl -w kernel.yama.ptrace_scope=0`;
}

interface Area {
  readonly start: bigint;
  readonly end: bigint;
  /** It shows a file that the process cannot change: nothing but the file's own bytes is there. */
  readonly fixed?: boolean;
}

async function areasOf(pid: number): Promise<Area[]> {
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8');
  return maps
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [, start = '0', end = '0', may = '', inode = '', name = ''] =
        /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\S+) *(.*)$/.exec(line) ?? [];
      // The kernel's own pages, the same in every process; some cannot be read.
      return name.startsWith('[v')
        ? []
        : [{ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`), fixed: inode !== '0' && !may.includes('w') }];
    });
}

/** Runs of pages of an area that hold anything. */
async function usedRuns(pagemap: FileHandle, { start, end }: Area): Promise<Area[]> {
  const runs: { start: bigint; end: bigint }[] = [];
  const size = BigInt(pageBytes);
  const words = Buffer.alloc(8 * 65_536);
  for (let page = start / size; page < end / size;) {
    const wanted = Math.min(words.length, Number(end / size - page) * 8);
    const { bytesRead } = await pagemap.read(words, 0, wanted, Number(page) * 8);
    if (bytesRead < 8) break;
    for (let at = 0; at + 8 <= bytesRead; at += 8, page += 1n) {
      if ((words.readBigUInt64LE(at) & (present | swapped)) === 0n) continue;
      const last = runs.at(-1);
      if (last?.end === page * size) last.end += size;
      else runs.push({ start: page * size, end: (page + 1n) * size });
    }
  }
  return runs;
}

/** How often each needle occurs in the memory of `pid`, which stands still meanwhile. Throws when it cannot be read. */
export async function copiesIn(pid: number, needles: readonly Buffer[]): Promise<number[]> {
  const counts = needles.map(() => 0);
  const overlap = Math.max(...needles.map((needle) => needle.length)) - 1;
  await readMemory(pid, { overlap, fixed: true }, (text, kept) => {
    for (const [index, needle] of needles.entries()) {
      // What ends within the part that was kept was counted before.
      for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
        if (at + needle.length > kept) counts[index] = (counts[index] ?? 0) + 1;
      }
    }
  });
  return counts;
}

/**
 * Hands out all memory of `pid` that holds anything (`fixed`: also what shows a file that it cannot change), piece by piece, while the process stands still. A piece begins at a multiple of eight bytes
 * and with the last `overlap` bytes of the one before it, `kept` in all; it is good until `visit` returns. Throws when it cannot be read.
 */
export async function readMemory(
  pid: number,
  { overlap, fixed }: { readonly overlap: number; readonly fixed: boolean },
  visit: (piece: Buffer, kept: number) => void,
): Promise<void> {
  if (endianness() !== 'LE') throw new Error('the page map is read as little-endian');
  let bytes = 0;
  process.kill(pid, 'SIGSTOP');
  const memory = await open(`/proc/${pid}/mem`, constants.O_RDONLY);
  const pagemap = await open(`/proc/${pid}/pagemap`, constants.O_RDONLY);
  try {
    for (const area of await areasOf(pid)) {
      if (area.fixed === true && !fixed) continue;
      for (const run of await usedRuns(pagemap, area)) bytes += await readRun(memory, run, overlap, visit);
    }
  } finally {
    process.kill(pid, 'SIGCONT');
    await memory.close();
    await pagemap.close();
  }
  if (bytes < 8 << 20) throw new Error(`only ${bytes} bytes of process ${pid} were read: it is no Node process`);
}

async function readRun(
  memory: FileHandle,
  { start, end }: Area,
  overlap: number,
  visit: (piece: Buffer, kept: number) => void,
): Promise<number> {
  const held = Buffer.alloc(pagesAtOnce * pageBytes + overlap);
  let kept = 0;
  let total = 0;
  for (let place = start; place < end;) {
    const wanted = Math.min(pagesAtOnce * pageBytes, Number(end - place));
    const { bytesRead } = await memory.read(held, kept, wanted, place);
    if (bytesRead === 0) break;
    const text = held.subarray(0, kept + bytesRead);
    visit(text, kept);
    kept = Math.min(overlap, text.length);
    text.copy(held, 0, text.length - kept);
    place += BigInt(bytesRead);
    total += bytesRead;
  }
  held.fill(0);
  return total;
}
