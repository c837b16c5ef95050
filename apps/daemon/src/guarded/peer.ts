// Who is at the other end of a connection over loopback, by what the kernel tells: the user, the process, and the Claude Code that it is or that
// started it. Nothing that the other end says plays a part. spec/guarded.md [GUARDED-3], [GUARDED-4].

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { userInfo } from 'node:os';
import { isClaudeCode, versionOf } from '../guard/claude-code/version.ts';

/** A Claude Code that runs. `born` tells it from a later process of the same number. */
export interface Harness {
  readonly pid: number;
  readonly born: string;
  /** Undefined: it does not tell. */
  readonly version: string | undefined;
  /** Where it stands, and what its environment was when it began. */
  readonly tree: string;
  readonly home: string;
  readonly config: string;
}

const loopback = '127.0.0.1';
/** How far up a hook's shell may stand below its harness. */
const maxAncestors = 16;

/** The Claude Code behind a connection of this user; undefined where it is another user's, or no Claude Code is found. */
export function harnessBehind(socket: Socket, known: readonly Harness[], uid = userInfo().uid): Harness | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  // All of 127/8 is this machine: from another address of it, the port may be that of somebody else's connection.
  if (remoteAddress !== loopback || localAddress !== loopback) return undefined; // [GUARDED-3]
  const end = remotePort === undefined || localPort === undefined ? undefined : endOf(remotePort, localPort);
  if (end?.uid !== uid) return undefined; // [GUARDED-3]
  const held = `socket:[${end.inode}]`;
  // One more connection of a process that was met before is what is most likely.
  const met = known.find((each) => holds(each.pid, held) && stillRuns(each));
  if (met !== undefined) return met;
  const pid = holderOf(held);
  return pid === undefined ? undefined : harnessAbove(pid);
}

/** Whether the process that was met is the one that runs under its number now. */
export function stillRuns({ pid, born }: Pick<Harness, 'pid' | 'born'>): boolean {
  return bornOf(pid) === born;
}

interface End {
  readonly uid: number;
  readonly inode: string;
}

/** The socket at the other end, of 127.0.0.1, from the kernel's table of this network namespace. */
function endOf(remotePort: number, localPort: number): End | undefined {
  const pair = [remotePort, localPort].map((port) => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`).join(' ');
  const table = readFileSync('/proc/net/tcp', 'latin1');
  const at = table.indexOf(` ${pair} `);
  if (at < 0) return undefined;
  // State, queues, timer, retransmissions; then what is wanted.
  const [, , , , uid, , inode] = table.slice(at + pair.length + 2, table.indexOf('\n', at)).split(/ +/);
  return inode === undefined || inode === '0' ? undefined : { uid: Number(uid), inode };
}

function holderOf(held: string): number | undefined {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? Number(name) : []));
  return all.find((pid) => holds(pid, held));
}

function holds(pid: number, wanted: string): boolean {
  const folder = `/proc/${pid}/fd`;
  return (
    attempted(() => readdirSync(folder))?.some((each) => attempted(() => readlinkSync(`${folder}/${each}`)) === wanted) === true
  );
}

/** The process itself, or the nearest above it. */
function harnessAbove(start: number): Harness | undefined {
  let pid = start;
  for (let up = 0; up < maxAncestors && pid > 1; up += 1) {
    const found = harnessOf(pid);
    if (found !== undefined) return found;
    pid = Number(statOf(pid)?.[1] ?? 0);
  }
  return undefined;
}

function harnessOf(pid: number): Harness | undefined {
  const exe = attempted(() => readlinkSync(`/proc/${pid}/exe`))?.replace(/ \(deleted\)$/, '');
  const born = bornOf(pid);
  if (exe === undefined || born === undefined) return undefined;
  // Before it was a program of its own it was a script.
  const script = /^node(js)?$/.test(path.basename(exe)) ? (words(`/proc/${pid}/cmdline`)[1] ?? '') : '';
  if (!isClaudeCode(exe) && !script.includes('/@anthropic-ai/claude-code/')) return undefined;
  // [GUARDED-8]
  const environment = new Map(words(`/proc/${pid}/environ`).map((each) => each.split(/=(.*)/s) as [string, string]));
  const home = environment.get('HOME') ?? userInfo().homedir;
  const tree = attempted(() => readlinkSync(`/proc/${pid}/cwd`));
  if (tree === undefined) return undefined;
  return {
    pid,
    born,
    version: attempted(() => versionOf(script === '' ? `/proc/${pid}/exe` : script, exe)),
    tree,
    home,
    config: environment.get('CLAUDE_CONFIG_DIR') ?? path.join(home, '.claude'),
  };
}

function words(file: string): readonly string[] {
  return (attempted(() => readFileSync(file, 'utf8')) ?? '').split('\0').filter((each) => each !== '');
}

let boot: string | undefined;

/** When the process began, in ticks of this boot of the machine. */
function bornOf(pid: number): string | undefined {
  const ticks = statOf(pid)?.[19];
  if (ticks === undefined) return undefined;
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${boot} ${ticks}`;
}

/** After the name in brackets, which may hold anything: state, parent, and so on. A process that is dead and not yet buried is gone. */
function statOf(pid: number): readonly string[] | undefined {
  const fields = attempted(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
    ?.split(') ')
    .at(-1)
    ?.split(' ');
  return fields?.[0] === 'Z' || fields?.[0] === 'X' ? undefined : fields;
}

/** Processes come and go while they are looked at. */
function attempted<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
