// The best of many scored memories in order, spec/memory-search.md, without sorting them all.

import { HoldfastError } from '../errors.ts';
import { boostsOf, pointsWithin, type Scored, type Setting } from './rank.ts';
import { byUnits, type Document } from './search-index.ts';

export interface Candidate {
  readonly id: string;
  readonly scored: Scored;
  readonly place: number;
  readonly score: number;
}

/** An order that is made as far as it is asked for. */
export interface Ranked {
  first(count: number): readonly Candidate[];
}

/** [RECALL-21] Best first; of equal scores the lesser id. */
export function byScore(left: Candidate, right: Candidate): number {
  return right.score - left.score || byUnits(left.id, right.id);
}

export function documentAt({ scope }: Scored, place: number): Document {
  const document = scope.documents[place];
  if (document === undefined) throw new HoldfastError('internal', 'a place of the index without a memory');
  return document;
}

/** Memories with any of the query's words or of its time, by what those are worth times the boosts. */
export class Best implements Ranked {
  readonly #all: readonly Scored[];
  readonly #setting: Setting;
  readonly #known = new Map<number, readonly Candidate[]>();

  constructor(all: readonly Scored[], setting: Setting) {
    this.#all = all;
    this.#setting = setting;
    if (setting.spans.length === 0) return;
    for (const { scope, scores } of all)
      for (const [place, document] of scope.documents.entries())
        if (document !== undefined) scores[place] = (scores[place] ?? 0) + pointsWithin(document, setting);
  }

  first(count: number): readonly Candidate[] {
    const known = this.#known.get(count);
    if (known !== undefined) return known;
    const heap = new WorstFirst(count);
    for (const scored of this.#all) {
      const { scores } = scored;
      for (let place = 0; place < scores.length; place += 1) {
        const points = scores[place] ?? 0;
        // No boost more than this: what cannot be among the best is not looked at.
        if (points <= 0 || points * maxBoost < heap.least) continue;
        const document = documentAt(scored, place);
        const score = boostsOf(document, this.#setting).reduce((product, { factor }) => product * factor, points);
        heap.offer({ id: document.id, scored, place, score });
      }
    }
    const found = heap.sorted();
    this.#known.set(count, found);
    return found;
  }
}

/** The product of all boosts at their most, and some more. */
const maxBoost = 8;

/** So many of the best, the worst of them on top. */
class WorstFirst {
  readonly #count: number;
  readonly #items: Candidate[] = [];
  least = 0;

  constructor(count: number) {
    this.#count = count;
  }

  offer(candidate: Candidate): void {
    const items = this.#items;
    if (items.length < this.#count) {
      items.push(candidate);
      this.#up(items.length - 1);
    } else {
      const worst = items[0];
      if (worst === undefined || byScore(candidate, worst) >= 0) return;
      items[0] = candidate;
      this.#down();
    }
    if (items.length === this.#count) this.least = items[0]?.score ?? 0;
  }

  sorted(): readonly Candidate[] {
    return this.#items.toSorted(byScore);
  }

  #up(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#swapped(parent, at)) return;
      at = parent;
    }
  }

  #down(): void {
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const [a, b] = [this.#items[left], this.#items[right]];
      if (a === undefined) return;
      const worse = b !== undefined && byScore(b, a) > 0 ? right : left;
      if (!this.#swapped(at, worse)) return;
      at = worse;
    }
  }

  /** Puts the worse of both above. */
  #swapped(above: number, below: number): boolean {
    const [upper, lower] = [this.#items[above], this.#items[below]];
    if (upper === undefined || lower === undefined || byScore(lower, upper) <= 0) return false;
    this.#items[above] = lower;
    this.#items[below] = upper;
    return true;
  }
}
