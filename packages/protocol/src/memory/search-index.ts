// What memories are searched in, spec/memory-search.md: an inverted index for each scope, in memory alone. A scope's index knows nothing
// of another's, so that a search touches what its searcher may see and nothing else. What was removed leaves nothing behind.

import { HoldfastError } from '../errors.ts';
import { chunksOf, termsOfChunk } from './terms.ts';

/** A memory as it is searched. Whoever adds it has verified it, and decides by scope who may see it. */
export interface Searchable {
  readonly id: string;
  readonly scope: string;
  readonly claim: string;
  readonly detail: string;
  readonly tags: readonly string[];
  /** Files that it is a note on, relative to their repository. */
  readonly paths: readonly string[];
  /** `host/path` of its scope's repository, where the searcher knows it; else empty. */
  readonly repository: string;
  readonly atMs: number;
}

/** In the order of the columns of a document's lengths and of a posting's counts. */
export const fields = ['claim', 'detail', 'tags', 'paths', 'repository'] as const;
export type Field = (typeof fields)[number];

/** [RECALL-8] How often a term counts at most in each field: the counts of a posting share 32 bits. */
export const fieldCounts = [
  { shift: 0, max: 255 },
  { shift: 8, max: 255 },
  { shift: 16, max: 31 },
  { shift: 21, max: 63 },
  { shift: 27, max: 31 },
] as const;

/** [RECALL-9] Of all scopes together. */
const maxEntries = 250_000;
const maxList = 64;
/** Chunks whose terms an index remembers while nothing is removed from it. */
const maxKnownChunks = 131_072;

const maxListed = 32;

function onceMore(counts: number, field: number): number {
  const { shift, max } = fieldCounts[field as 0];
  return ((counts >>> shift) & max) < max ? counts + 2 ** shift : counts;
}

/** Where a term stands: pairs of a document's place and its counts, by place. Most terms stand in one document, and have no array. */
export class Postings {
  readonly term: string;
  #place = 0;
  #counts = 0;
  /** A list while it is short: an array of one type takes hundreds of bytes by itself. */
  #pairs: Uint32Array | number[] | undefined;
  #length = 0;

  constructor(term: string) {
    this.term = term;
  }

  get documents(): number {
    return this.#length / 2;
  }

  /** The pairs, of which the first `documents` are in use. */
  pairs(): Uint32Array | readonly number[] {
    return this.#pairs ?? [this.#place, this.#counts];
  }

  /** Counts the term once more; whether it is new in this document. */
  count(place: number, field: number): boolean {
    const once = 2 ** fieldCounts[field as 0].shift;
    if (this.#pairs === undefined) {
      if (this.#length === 0) {
        this.#place = place;
        this.#counts = once;
        this.#length = 2;
        return true;
      }
      if (this.#place === place) {
        this.#counts = onceMore(this.#counts, field);
        return false;
      }
      this.#pairs = [this.#place, this.#counts];
      this.#place = 0;
      this.#counts = 0;
    }
    const at = this.#find(place);
    if (at < this.#length && this.#pairs[at] === place) {
      this.#pairs[at + 1] = onceMore(this.#pairs[at + 1] ?? 0, field);
      return false;
    }
    if (this.#length === this.#pairs.length && this.#length >= maxListed) {
      const wider = new Uint32Array(this.#length * 2);
      wider.set(this.#pairs);
      this.#pairs = wider;
    }
    // A list that grows by itself keeps room for sixteen more.
    if (Array.isArray(this.#pairs)) this.#pairs = this.#pairs.toSpliced(at, 0, place, once);
    else {
      if (at < this.#length) this.#pairs.copyWithin(at + 2, at, this.#length);
      this.#pairs[at] = place;
      this.#pairs[at + 1] = once;
    }
    this.#length += 2;
    return true;
  }

  countsAt(place: number): number {
    if (this.#pairs === undefined) return this.#length > 0 && this.#place === place ? this.#counts : 0;
    const at = this.#find(place);
    return at < this.#length && this.#pairs[at] === place ? (this.#pairs[at + 1] ?? 0) : 0;
  }

  /** The document is one that has it. */
  remove(place: number): void {
    this.#length -= 2;
    if (this.#pairs === undefined) {
      this.#place = 0;
      this.#counts = 0;
      return;
    }
    const at = this.#find(place, this.#length + 2);
    if (Array.isArray(this.#pairs)) {
      this.#pairs.splice(at, 2);
      return;
    }
    this.#pairs.copyWithin(at, at + 2, this.#length + 2);
    this.#pairs.fill(0, this.#length, this.#length + 2);
  }

  /** The first pair that is not before `place`. New documents mostly come last. */
  #find(place: number, length = this.#length): number {
    const pairs = this.#pairs ?? this.pairs();
    const last = length === 0 ? -1 : (pairs[length - 2] ?? 0);
    if (last <= place) return last === place ? length - 2 : length;
    let low = 0;
    let high = length / 2 - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((pairs[middle * 2] ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    return low * 2;
  }
}

export interface Document {
  readonly id: string;
  readonly atMs: number;
  readonly repository: string;
  readonly paths: readonly string[];
  /** Each term once, those of the claim first. */
  readonly postings: readonly Postings[];
  readonly claimed: number;
}

/** One scope's documents. Places of removed ones are used again. */
export class ScopeIndex {
  readonly documents: (Document | undefined)[] = [];
  /** Terms of each field, five for each place. */
  lengths = new Uint32Array(fields.length * 16);
  readonly totals = new Float64Array(fields.length);
  readonly #places = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #vocabulary = new Map<string, Postings>();
  readonly #termsOf: (chunk: string) => readonly string[];

  constructor(termsOf: (chunk: string) => readonly string[]) {
    this.#termsOf = termsOf;
  }

  get size(): number {
    return this.#places.size;
  }

  placeOf(id: string): number | undefined {
    return this.#places.get(id);
  }

  postings(term: string): Postings | undefined {
    return this.#vocabulary.get(term);
  }

  /** [RECALL-16] The terms of its claim, each once. */
  claimAt(place: number): ReadonlySet<string> {
    const { postings = [], claimed = 0 } = this.documents[place] ?? {};
    return new Set(postings.slice(0, claimed).map(({ term }) => term));
  }

  add(entry: Searchable): void {
    const place = this.#free.pop() ?? this.documents.length;
    this.#reserve(place);
    const paths = entry.paths.slice(0, maxList);
    const postings: Postings[] = [];
    this.#count(place, 0, entry.claim, postings);
    const claimed = postings.length;
    this.#count(place, 1, entry.detail, postings);
    for (const tag of entry.tags.slice(0, maxList)) this.#count(place, 2, tag, postings);
    for (const path of paths) this.#count(place, 3, path, postings);
    this.#count(place, 4, entry.repository, postings);
    for (const field of fields.keys())
      this.totals[field] = (this.totals[field] ?? 0) + (this.lengths[place * fields.length + field] ?? 0);
    const { id, atMs, repository } = entry;
    this.documents[place] = { id, atMs, repository, paths: paths.map(plainPath), postings: postings.slice(), claimed };
    this.#places.set(id, place);
  }

  /** [RECALL-10] */
  remove(id: string): void {
    const place = this.#places.get(id);
    const document = place === undefined ? undefined : this.documents[place];
    if (place === undefined || document === undefined) return;
    for (const postings of document.postings) {
      postings.remove(place);
      if (postings.documents === 0) this.#vocabulary.delete(postings.term);
    }
    for (const field of fields.keys())
      this.totals[field] = (this.totals[field] ?? 0) - (this.lengths[place * fields.length + field] ?? 0);
    this.lengths.fill(0, place * fields.length, (place + 1) * fields.length);
    this.documents[place] = undefined;
    this.#places.delete(id);
    this.#free.push(place);
  }

  #reserve(place: number): void {
    if (place * fields.length < this.lengths.length) return;
    const lengths = new Uint32Array(this.lengths.length * 2);
    lengths.set(this.lengths);
    this.lengths = lengths;
  }

  #count(place: number, field: number, text: string, found: Postings[]): void {
    let length = 0;
    for (const chunk of chunksOf(text)) {
      for (const term of this.#termsOf(chunk)) {
        const postings = this.#vocabulary.get(term) ?? this.#new(term);
        if (postings.count(place, field)) found.push(postings);
        length += 1;
      }
    }
    const column = place * fields.length + field;
    this.lengths[column] = (this.lengths[column] ?? 0) + length;
  }

  #new(term: string): Postings {
    const postings = new Postings(term);
    this.#vocabulary.set(term, postings);
    return postings;
  }
}

/** Engines copy what is shorter. */
const shortest = 13;

/** A copy that shares no memory with the text it was cut from: an engine may keep all of that for a part of it. */
function apart(text: string): string {
  if (text.length < shortest) return text;
  const units: number[] = [];
  for (let at = 0; at < text.length; at += 1) units.push(text.charCodeAt(at));
  return String.fromCharCode(...units);
}

/** A path as it is compared: with `/`, from the repository on. */
export function plainPath(path: string): string {
  return path.replaceAll('\\', '/').replace(/^(?:\.?\/)+/, '');
}

export class SearchIndex {
  readonly #scopes = new Map<string, ScopeIndex>();
  /** Where each memory is: an id is in one scope. */
  readonly #scopeOf = new Map<string, string>();
  readonly #known = new Map<string, readonly string[]>();

  get size(): number {
    return this.#scopeOf.size;
  }

  /** In place of what had its id, in whatever scope. Throws `limit_exceeded` where there are too many. */
  put(entry: Searchable): void {
    if (!this.#scopeOf.has(entry.id) && this.size >= maxEntries)
      throw new HoldfastError('limit_exceeded', 'more memories than an index holds');
    this.remove(entry.id);
    let scope = this.#scopes.get(entry.scope);
    if (scope === undefined) this.#scopes.set(entry.scope, (scope = new ScopeIndex((chunk) => this.#termsOf(chunk))));
    scope.add(entry);
    this.#scopeOf.set(entry.id, entry.scope);
  }

  remove(id: string): void {
    const name = this.#scopeOf.get(id);
    if (name === undefined) return;
    const scope = this.#scopes.get(name);
    scope?.remove(id);
    if (scope?.size === 0) this.#scopes.delete(name);
    this.#scopeOf.delete(id);
    this.#known.clear();
  }

  #termsOf(chunk: string): readonly string[] {
    const known = this.#known.get(chunk);
    if (known !== undefined) return known;
    const terms = termsOfChunk(chunk).map(apart);
    if (this.#known.size < maxKnownChunks) this.#known.set(apart(chunk), terms);
    return terms;
  }

  /** [RECALL-11] Those of the named scopes that have anything, by name. */
  visible(scopes: readonly string[]): readonly (readonly [string, ScopeIndex])[] {
    return [...new Set(scopes)].toSorted(byUnits).flatMap((name) => {
      const scope = this.#scopes.get(name);
      return scope === undefined ? [] : [[name, scope] as const];
    });
  }
}

export function byUnits(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
