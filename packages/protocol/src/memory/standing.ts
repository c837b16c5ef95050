// How memories stand, spec/memory.md: which version is shown, what it is worth, and why it is not shown to anybody. Computed when it is asked, from all that is
// known by then: a hold or a review changes what rests on it at once.

import { toHex } from '../codec/bytes.ts';
import { later, type Memories, type Memory } from './memories.ts';
import { sources, type Mark, type Source, type Version } from './version.ts';

/** What is done with a memory whose worth is no more than that. Operators' own are always shown. [MEMORY-10] */
export type MemoryPolicy = Readonly<Record<Exclude<Source, 'operator'>, 'show' | 'review'>>;
export const usualPolicy: MemoryPolicy = { untrusted: 'review', tool: 'show', agent: 'show' };

/** `shown`; or why not, the strongest reason. */
export type Standing = 'shown' | 'superseded' | 'early' | 'expired' | 'pending' | 'held' | 'forgotten';

export interface Stood {
  readonly memory: Memory;
  readonly version: Version;
  readonly trust: Source;
  readonly standing: Standing;
  /** Of `held`: the memory that is held, this one or one that influenced it. */
  readonly heldFor: string | undefined;
}

/** One look at memories as they are now; a later `take` needs another. */
export class Standings {
  readonly #memories: Memories;
  readonly #policy: MemoryPolicy;
  readonly #nowMs: number;
  readonly #trust = new Map<string, number>();
  #held: ReadonlyMap<string, string> | undefined;
  #superseded: ReadonlySet<string> | undefined;

  constructor(memories: Memories, policy: MemoryPolicy, nowMs: number) {
    this.#memories = memories;
    this.#policy = policy;
    this.#nowMs = nowMs;
  }

  /** Undefined for what is no memory. */
  of(id: string): Stood | undefined {
    const stood = this.#alone(id);
    if (stood === undefined || stood.standing !== 'shown') return stood;
    this.#superseded ??= this.#findSuperseded();
    return this.#superseded.has(id) ? { ...stood, standing: 'superseded' } : stood;
  }

  /** What a version is worth: no more than what it was made from, and than the least of what was in context. [MEMORY-9] */
  trustOf(version: Version): Source {
    return sources[this.#rankOf(version)] ?? 'untrusted';
  }

  /** Without what others say in its place. */
  #alone(id: string): Stood | undefined {
    const memory = this.#memories.memory(id);
    const version = memory?.heads[0];
    if (memory === undefined || version === undefined) return undefined;
    const trust = this.trustOf(version);
    const heldFor = this.#heldFor(id);
    return { memory, version, trust, standing: this.#standing(memory, version, trust, heldFor), heldFor };
  }

  #standing({ marks }: Memory, version: Version, trust: Source, heldFor: string | undefined): Standing {
    if (marks.some(({ said: { kind } }) => kind === 'forget')) return 'forgotten'; // [MEMORY-13]
    if (heldFor !== undefined) return 'held';
    const isAccepted = marks.some(({ said }) => said.kind === 'accept' && toHex(said.version) === version.id);
    if (trust !== 'operator' && this.#policy[trust] === 'review' && !isAccepted) return 'pending';
    const words = this.#memories.version(version.words)?.heard.said;
    if (words?.kind !== 'write') return 'pending';
    const { validFromMs = 0, validUntilMs = Infinity, expiresAtMs = Infinity } = words;
    if (this.#nowMs < validFromMs) return 'early';
    return this.#nowMs >= Math.min(validUntilMs, expiresAtMs) ? 'expired' : 'shown';
  }

  #rankOf(version: Version): number {
    const known = this.#trust.get(version.id);
    if (known !== undefined) return known;
    // Each refers to versions that were there before it: their ids are made of what they say. So this is no circle; its depth is walked on a list of our own.
    const open = [version];
    for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
      const rests = this.#restsOn(at);
      const missing = rests.filter((each) => each !== undefined && !this.#trust.has(each.id));
      if (missing.length > 0) {
        open.push(...(missing as Version[]));
        continue;
      }
      const least = Math.min(...rests.map((each) => (each === undefined ? 0 : (this.#trust.get(each.id) ?? 0))), ownRank(at));
      this.#trust.set(at.id, least);
      open.pop();
    }
    return this.#trust.get(version.id) ?? 0;
  }

  /** What an operator wrote rests on nothing else. Undefined: nobody knows what that is. */
  #restsOn({ heard: { role, said }, before, words }: Version): readonly (Version | undefined)[] {
    if (said.kind === 'restore') return [this.#memories.version(words)];
    if (role === 'operator') return [];
    return [...before, ...said.lineage.map((each) => this.#memories.version(toHex(each)))];
  }

  #heldFor(id: string): string | undefined {
    this.#held ??= this.#findHeld();
    return this.#held.get(id);
  }

  /** A release lets through what was held before it, and nothing that is held later. [MEMORY-11] */
  #findHeld(): ReadonlyMap<string, string> {
    const held = new Map<string, string>();
    const marked = [...this.#memories.ids].flatMap((id) => {
      const mark = newest(this.#memories.memory(id)?.marks ?? [], 'hold', 'release');
      return mark?.said.kind === 'hold' ? [{ id, mark }] : [];
    });
    for (const { id } of marked) held.set(id, id);
    for (const { id, mark } of marked.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
      const isReached = (reader: string): boolean => {
        const release = newest(this.#memories.memory(reader)?.marks ?? [], 'release');
        return release === undefined || later(release, mark) < 0;
      };
      for (const reader of this.#memories.influencedBy(id, isReached)) if (!held.has(reader)) held.set(reader, id);
    }
    return held;
  }

  /** By one that is shown and worth no less; of two that supersede each other the later one stays. [MEMORY-12] */
  #findSuperseded(): ReadonlySet<string> {
    const found = new Set<string>();
    for (const id of this.#memories.ids) {
      const by = this.#alone(id);
      const words = by && this.#memories.version(by.version.words)?.heard.said;
      if (by?.standing !== 'shown' || words?.kind !== 'write') continue;
      for (const each of words.supersedes) {
        const other = this.#alone(toHex(each));
        if (other === undefined || other.memory.id === id || other.memory.audience !== by.memory.audience) continue;
        const worth = this.#rankOf(by.version) - this.#rankOf(other.version) || later(by.version.heard, other.version.heard);
        if (worth > 0) found.add(other.memory.id);
      }
    }
    return found;
  }
}

const ownRank = ({ heard: { said } }: Version): number =>
  said.kind === 'write' ? sources.indexOf(said.source) : sources.length - 1;

function newest(marks: readonly Mark[], ...kinds: readonly Mark['said']['kind'][]): Mark | undefined {
  return marks.filter(({ said: { kind } }) => kinds.includes(kind)).toSorted((a, b) => later(b, a))[0];
}
