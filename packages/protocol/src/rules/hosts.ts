// The hosts that one command speaks to, spec/rules.md: URLs anywhere in its words, and what programs of the network take for a host.

import type { ShellCommand } from '../shell/read.ts';
import type { CommandWords } from './command-words.ts';
import { hole } from './touched-path.ts';
import type { ProgramFacts } from './programs.ts';

/** A host that a call speaks to; undefined: known only when it runs. */
export interface HostTouch {
  readonly host: string | undefined;
}

const maxHosts = 24;

export function hostsOf(command: ShellCommand, words: CommandWords, { hosts: kind }: ProgramFacts): readonly HostTouch[] {
  const found = new Set<string | undefined>();
  for (const { text } of command.words) for (const host of urlHosts(text)) found.add(host);
  if (kind !== undefined) {
    const operands = words.operands.filter(({ isValue, after }) => !isValue && (after === undefined || kind === 'urls'));
    const texts = (kind === 'first' ? operands.slice(0, 1) : operands).map(({ word }) => word.text);
    const named = words.flags.flatMap(({ name, value }) => (name === '--url' && value !== undefined ? [value] : []));
    for (const text of [...texts, ...named]) {
      const bare = text.includes('://') ? undefined : bareHost(text, kind);
      if (bare !== undefined) found.add(bare.includes(hole) ? undefined : hostOf(bare));
    }
  }
  return [...found].map((host) => ({ host }));
}

/** `user@host:path`, or `host/path` where a program takes that. */
function bareHost(text: string, kind: NonNullable<ProgramFacts['hosts']>): string | undefined {
  const remote = /^(?:[^@/\s]+@)?([^:/\s@]+):/.exec(text)?.[1];
  return kind === 'remote' ? remote : (remote ?? /^(?:[^@/\s]+@)?([^/:?#\s@]+)/.exec(text)?.[1]);
}

/** Hosts of the URLs that a text begins with or holds after `=` or a space; undefined for one that is not known. */
export function urlHosts(text: string): readonly (string | undefined)[] {
  if (!text.includes('://')) return [];
  const hosts: (string | undefined)[] = [];
  for (const [, authority = ''] of text.matchAll(/[A-Za-z][A-Za-z0-9+.-]{0,20}:\/\/([^\s/?#"'<>\\)]*)/g)) {
    const bare = authority.slice(authority.lastIndexOf('@') + 1);
    hosts.push(bare === '' ? undefined : bare.includes(hole) ? undefined : hostOf(bare.replace(/:[0-9]*$/, '')));
    if (hosts.length >= maxHosts) break;
  }
  return hosts;
}

/** As URL parsers write it: `0x7f.1` is `127.0.0.1`, case and Unicode are folded; undefined for none. */
export function hostOf(text: string): string | undefined {
  try {
    return new URL(`http://${text}/`).hostname.replace(/\.$/, '');
  } catch {
    return undefined;
  }
}
