// The reduction of memories, spec/memory.md: verified versions and marks, taken in any order, make one state. What counts follows from what a version says and
// what it was made from, never from when it came; so replicas that have the same entries show the same, whatever the relay did first.

import { toHex } from '../codec/bytes.ts';
import type { ErrorCode } from '../errors.ts';
import { agentAudience } from '../journal/bodies.ts';
import { Influence } from './influence.ts';
import type { Heard, Mark, SaidOf, Version } from './version.ts';

export interface Memory {
  readonly id: string;
  readonly audience: string;
  readonly versions: readonly Version[];
  readonly marks: readonly Mark[];
  /** Versions from which none was made yet: more than one where two were written apart. The first one is shown. [MEMORY-8] */
  readonly heads: readonly Version[];
}

interface Kept {
  readonly id: string;
  readonly audience: string;
  readonly first: Heard;
  readonly versions: Version[];
  readonly marks: Mark[];
  readonly continued: Set<string>;
}

/** What became of a version or a mark. `waits`: for what it names and nobody has said yet. */
export type Fate = 'counts' | 'waits' | ErrorCode;

export class Memories {
  readonly #fates = new Map<string, Fate>();
  readonly #versions = new Map<string, Version>();
  readonly #memories = new Map<string, Kept>();
  /** By the id of what they wait for. */
  readonly #waiting = new Map<string, Heard[]>();
  readonly #influence = new Influence();

  /** The same again changes nothing. */
  take(heard: Heard): Fate {
    const id = toHex(heard.id);
    const known = this.#fates.get(id);
    if (known !== undefined) return known;
    const settled = [heard];
    for (let at = 0; at < settled.length; at += 1) {
      const one = settled[at];
      if (one === undefined) break;
      const fate = this.#settle(one);
      this.#fates.set(toHex(one.id), fate);
      if (fate === 'waits') continue;
      settled.push(...(this.#waiting.get(toHex(one.id)) ?? []));
      this.#waiting.delete(toHex(one.id));
    }
    return this.#fates.get(id) ?? 'internal';
  }

  fateOf(id: Uint8Array): Fate | undefined {
    return this.#fates.get(toHex(id));
  }

  version(id: string): Version | undefined {
    return this.#versions.get(id);
  }

  get ids(): Iterable<string> {
    return this.#memories.keys();
  }

  memory(id: string): Memory | undefined {
    const kept = this.#memories.get(id);
    if (kept === undefined) return undefined;
    const heads = kept.versions.filter((each) => !kept.continued.has(each.id)).toSorted((a, b) => later(b.heard, a.heard));
    return { id: kept.id, audience: kept.audience, versions: kept.versions, marks: kept.marks, heads };
  }

  /** All memories that a version was written under the influence of that one, or of one that was. `passes`: whether it goes on through one. [MEMORY-11] */
  influencedBy(memory: string, passes?: (memory: string) => boolean): ReadonlySet<string> {
    return this.#influence.of(memory, passes);
  }

  #settle(heard: Heard): Fate {
    const { said } = heard;
    switch (said.kind) {
      case 'write':
        return said.before.length === 0 ? this.#begin({ ...heard, said }) : this.#goOn({ ...heard, said });
      case 'restore':
        return this.#goOn({ ...heard, said });
      case 'accept': {
        const version = this.#fateOf(heard, said.version);
        if (version !== 'counts') return version;
        const of = this.#versions.get(toHex(said.version));
        return of === undefined ? 'memory_unknown' : this.#mark({ ...heard, said }, of.memory);
      }
      case 'forget':
      case 'hold':
      case 'release': {
        const first = this.#fateOf(heard, said.memory);
        return first === 'counts' ? this.#mark({ ...heard, said }, toHex(said.memory)) : first;
      }
      default:
        said satisfies never;
        return 'internal';
    }
  }

  /** Of what `heard` names; it waits there where nothing is known of it. What was refused is as if nobody had said it. */
  #fateOf(heard: Heard, named: Uint8Array): 'counts' | 'waits' | 'memory_unknown' {
    const fate = this.#fates.get(toHex(named));
    if (fate === 'counts') return fate;
    if (fate !== undefined && fate !== 'waits') return 'memory_unknown';
    const waiting = this.#waiting.get(toHex(named)) ?? [];
    this.#waiting.set(toHex(named), [...waiting, heard]);
    return 'waits';
  }

  #begin(heard: Heard & { readonly said: SaidOf<'write'> }): Fate {
    const wrong = unfit(heard);
    if (wrong !== undefined) return wrong;
    const id = toHex(heard.id);
    const { audience } = heard;
    const kept: Kept = { id, audience, first: heard, versions: [], marks: [], continued: new Set() };
    this.#memories.set(id, kept);
    this.#add(kept, heard, []);
    return 'counts';
  }

  #goOn(heard: Version['heard']): Fate {
    const { said, audience, role } = heard;
    const named = said.kind === 'restore' ? [...said.before, said.version] : said.before;
    for (const each of named) {
      const fate = this.#fateOf(heard, each);
      if (fate !== 'counts') return fate;
    }
    const versions = named.flatMap((each) => this.#versions.get(toHex(each)) ?? []);
    const kept = this.#memories.get(versions[0]?.memory ?? '');
    if (kept === undefined || versions.length < named.length) return 'memory_unknown'; // a mark is no version
    if (versions.some(({ memory }) => memory !== kept.id) || audience !== kept.audience) return 'memory_scope'; // [MEMORY-6]
    const before = versions.slice(0, said.before.length);
    if (role === 'agent' && before.some(({ heard: { role: of } }) => of === 'operator')) return 'memory_denied'; // [MEMORY-7]
    if (said.kind === 'write') {
      const wrong = unfit({ ...heard, said });
      if (wrong !== undefined) return wrong;
    }
    for (const each of before) kept.continued.add(each.id);
    this.#add(kept, heard, before, said.kind === 'restore' ? versions.at(-1)?.words : undefined);
    return 'counts';
  }

  #add(kept: Kept, heard: Version['heard'], before: readonly Version[], words?: string): void {
    const id = toHex(heard.id);
    const version = { id, memory: kept.id, heard, before, words: words ?? id };
    kept.versions.push(version);
    this.#versions.set(id, version);
    this.#influence.add(version);
  }

  #mark(mark: Mark, memory: string): Fate {
    const kept = this.#memories.get(memory);
    if (kept === undefined) return 'memory_unknown';
    if (mark.audience !== kept.audience) return 'memory_scope'; // [MEMORY-6]
    const isOwn = mark.said.kind === 'forget' && toHex(kept.first.author) === toHex(mark.author);
    if (mark.role === 'agent' && !isOwn) return 'memory_denied'; // [MEMORY-7]
    kept.marks.push(mark);
    return 'counts';
  }
}

/** [MEMORY-6] [MEMORY-7] */
function unfit({ role, author, audience, said: { source } }: Heard & { readonly said: SaidOf<'write'> }): ErrorCode | undefined {
  if ((role === 'operator') !== (source === 'operator')) return 'memory_denied';
  if (role === 'agent' && audience.startsWith('agent:') && audience !== agentAudience(author)) return 'memory_scope';
  return undefined;
}

/** Positive where `a` is the later one: by time, then by author, then by what it says. [MEMORY-8] */
export function later(a: Heard, b: Heard): number {
  const order = (one: string, other: string): number => (one < other ? -1 : Number(one > other));
  return a.atMs - b.atMs || order(toHex(a.author), toHex(b.author)) || order(toHex(a.id), toHex(b.id));
}
