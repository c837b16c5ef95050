// Memories that nobody wrote, of about 60 words each, as many as are asked for: words by Zipf's law, of 40,000; identifiers and paths among
// them, each of 20,000.

import type { Searchable } from '@holdfast/protocol/memory/search-index';

/** Mulberry32: the same memories each time. */
function chanceFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const syllables = 'ba co du fe gi ha jo ka lu me ni po qua ri so ta ve wi xa yo zu bra cle dri fro gla pre sto tri'.split(' ');
const vocabulary = 40_000;

function wordOf(rank: number): string {
  let word = '';
  for (let rest = rank + 31; rest > 0; rest = Math.floor(rest / syllables.length)) word += syllables[rest % syllables.length];
  return word;
}

const named = 20_000;
const capital = (word: string) => word.slice(0, 1).toUpperCase() + word.slice(1);

const identifierOf = (rank: number) => wordOf(rank % 997) + capital(wordOf(Math.floor(rank / 7)));
const pathOf = (rank: number) => `src/${wordOf(rank % 97)}/${wordOf(Math.floor(rank / 3))}.ts`;

export class Load {
  readonly #chance: () => number;

  constructor(seed: number) {
    this.#chance = chanceFrom(seed);
  }

  /** Ranks from 0; r about as often as 1 / r. */
  #rank(count: number): number {
    return Math.floor(count ** this.#chance()) - 1;
  }

  #word(): string {
    return wordOf(this.#rank(vocabulary));
  }

  #words(count: number): string {
    return Array.from({ length: count }, () => {
      const kind = this.#chance();
      if (kind < 0.04) return identifierOf(this.#rank(named));
      if (kind < 0.06) return pathOf(this.#rank(named));
      return this.#word();
    }).join(' ');
  }

  memory(id: string, scope: string, nowMs: number): Searchable {
    return {
      id,
      scope,
      claim: this.#words(20),
      detail: this.#words(40),
      tags: [this.#word()],
      paths: this.#chance() < 0.3 ? [pathOf(this.#rank(named))] : [],
      repository: 'git.example/load/one',
      atMs: nowMs - Math.floor(this.#chance() * 700) * 86_400_000,
    };
  }

  /** Six words, as people ask. */
  query(): string {
    return this.#words(6);
  }
}

export const loadScopes = Array.from({ length: 20 }, (_, n) => `scope ${n}`);
