// Which memory was written under the influence of which, spec/memory.md: by the lineage that its author's daemon recorded. Known also of lineage whose versions
// come later.

import { toHex } from '../codec/bytes.ts';
import type { Version } from './version.ts';

export class Influence {
  /** Memories that name a version in their lineage, by its id in hex. */
  readonly #readers = new Map<string, Set<string>>();
  /** Ids of versions by memory. */
  readonly #versions = new Map<string, string[]>();

  add({ id, memory, heard: { said } }: Version): void {
    this.#versions.set(memory, [...(this.#versions.get(memory) ?? []), id]);
    if (said.kind !== 'write') return;
    for (const each of said.lineage) {
      const readers = this.#readers.get(toHex(each)) ?? new Set();
      this.#readers.set(toHex(each), readers.add(memory));
    }
  }

  /** Without that memory itself. `passes`: whether it goes on through one. */
  of(memory: string, passes: (memory: string) => boolean = () => true): ReadonlySet<string> {
    const found = new Set<string>();
    const next = [memory];
    for (let at = next.pop(); at !== undefined; at = next.pop()) {
      for (const version of this.#versions.get(at) ?? []) {
        for (const reader of this.#readers.get(version) ?? []) {
          if (reader === memory || found.has(reader) || !passes(reader)) continue;
          found.add(reader);
          next.push(reader);
        }
      }
    }
    return found;
  }
}
