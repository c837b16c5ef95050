// How well memories answer a query's words, spec/memory-search.md: BM25F over what the searcher may see, times a few boosts. Statistics
// are sums over the visible scopes, in an order that no hidden entry can change.

import { fieldCounts, fields, plainPath, type Document, type Field, type Postings, type ScopeIndex } from './search-index.ts';
import { isWithin, type Span } from './temporal.ts';

/** [RECALL-12] */
const saturation = 1.2;
const weights: Readonly<Record<Field, number>> = { claim: 1, detail: 0.6, tags: 1.2, paths: 1.2, repository: 0.4 };
const lengthShare: Readonly<Record<Field, number>> = { claim: 0.6, detail: 0.6, tags: 0.3, paths: 0.3, repository: 0 };

/** [RECALL-15] */
const dayMs = 86_400_000;
const recency = { share: 0.1, halfLifeMs: 180 * dayMs };
const wantedAge = { share: 0.8, halfLifeMs: 60 * dayMs };
const spanPoints = 0.5;
const boosts = { span: 2, repository: 1.15, folder: 1.2, file: 1.5 };

/** A term of a query; what was added to it weighs less than 1. */
export interface QueryTerm {
  readonly term: string;
  readonly weight: number;
}

/** Where and when a search happens. */
export interface Setting {
  readonly nowMs: number;
  readonly spans: readonly Span[];
  readonly wants: 'newest' | 'oldest' | undefined;
  readonly repository: string;
  readonly paths: readonly string[];
}

/** One of the visible scopes with the sum so far of each of its documents. */
export interface Scored {
  readonly name: string;
  readonly scope: ScopeIndex;
  readonly scores: Float64Array;
}

export interface TermShare {
  readonly term: string;
  readonly field: Field;
  readonly points: number;
}

export interface Boost {
  readonly name: 'recency' | 'newest' | 'oldest' | 'span' | 'repository' | 'folder' | 'file';
  readonly factor: number;
}

/** What a query's words are worth among these scopes. */
export class Ranking {
  readonly scored: readonly Scored[];
  readonly #terms: readonly { readonly term: string; readonly worth: number }[];
  readonly #averages: readonly number[];

  constructor(visible: readonly (readonly [string, ScopeIndex])[], terms: readonly QueryTerm[]) {
    const count = visible.reduce((sum, [, scope]) => sum + scope.size, 0);
    this.#averages = fields.map(
      (_, field) => visible.reduce((sum, [, { totals }]) => sum + (totals[field] ?? 0), 0) / Math.max(1, count),
    );
    this.#terms = terms.map(({ term, weight }) => {
      const having = visible.reduce((sum, [, scope]) => sum + (scope.postings(term)?.documents ?? 0), 0);
      return { term, worth: weight * Math.log(1 + (count - having + 0.5) / (having + 0.5)) };
    });
    this.scored = visible.map(([name, scope]) => ({ name, scope, scores: new Float64Array(scope.documents.length) }));
    for (const { scope, scores } of this.scored)
      for (const { term, worth } of this.#terms) {
        const postings = scope.postings(term);
        if (postings !== undefined) this.#addTo(scores, postings, worth, scope.lengths);
      }
  }

  /** [RECALL-12] The inner loop of a search: one multiplication for each field that has the term. */
  #addTo(scores: Float64Array, postings: Postings, worth: number, lengths: Uint32Array): void {
    const columns = this.#columns();
    const pairs = postings.pairs();
    const length = postings.documents * 2;
    for (let at = 0; at < length; at += 2) {
      const place = pairs[at] ?? 0;
      const counts = pairs[at + 1] ?? 0;
      let frequency = 0;
      for (const { field, shift, max, weight, fixed, perTerm } of columns) {
        const times = (counts >>> shift) & max;
        if (times > 0) frequency += (weight * times) / (fixed + perTerm * (lengths[place * columns.length + field] ?? 0));
      }
      scores[place] = (scores[place] ?? 0) + (worth * frequency * (saturation + 1)) / (saturation + frequency);
    }
  }

  #columns() {
    return fields.map((name, field) => ({
      field,
      ...fieldCounts[field as 0],
      weight: weights[name],
      fixed: 1 - lengthShare[name],
      perTerm: lengthShare[name] / Math.max(1, this.#averages[field] ?? 0),
    }));
  }

  /** [RECALL-20] What each term gave in each field: a term's points are shared among fields as their frequencies are. */
  explain(scope: ScopeIndex, place: number): readonly TermShare[] {
    return this.#terms.flatMap(({ term, worth }) => {
      const counts = scope.postings(term)?.countsAt(place) ?? 0;
      const parts = this.#columns().map(({ field, shift, max, weight, fixed, perTerm }) => {
        const times = (counts >>> shift) & max;
        return times === 0 ? 0 : (weight * times) / (fixed + perTerm * (scope.lengths[place * fields.length + field] ?? 0));
      });
      const frequency = parts.reduce((sum, part) => sum + part, 0);
      return fields.flatMap((field, column) => {
        const part = parts[column] ?? 0;
        return part === 0 ? [] : [{ term, field, points: (worth * part * (saturation + 1)) / (saturation + frequency) }];
      });
    });
  }
}

/** [RECALL-15] A memory of the time that is asked for is found without its words. */
export function pointsWithin({ atMs }: Document, { spans }: Setting): number {
  return isWithin(atMs, spans) ? spanPoints : 0;
}

/** [RECALL-15] Factors, in this order. */
export function boostsOf({ atMs, repository, paths }: Document, setting: Setting): readonly Boost[] {
  const { wants, spans } = setting;
  const found: Boost[] = [{ name: wants ?? 'recency', factor: ageFactor(atMs, setting) }];
  if (spans.length > 0 && isWithin(atMs, spans)) found.push({ name: 'span', factor: boosts.span });
  if (repository !== '' && repository === setting.repository) found.push({ name: 'repository', factor: boosts.repository });
  const place = nearest(paths, setting.paths);
  if (place !== undefined) found.push({ name: place, factor: boosts[place] });
  return found;
}

function ageFactor(atMs: number, { nowMs, wants }: Setting): number {
  const age = Math.max(0, nowMs - atMs);
  if (wants === undefined) return 1 + recency.share * 2 ** (-age / recency.halfLifeMs);
  const young = 2 ** (-age / wantedAge.halfLifeMs);
  return 1 + wantedAge.share * (wants === 'newest' ? young : 1 - young);
}

function nearest(paths: readonly string[], here: readonly string[]): 'file' | 'folder' | undefined {
  if (paths.length === 0 || here.length === 0) return undefined;
  const open = here.map(plainPath);
  if (paths.some((path) => open.includes(path))) return 'file';
  const folders = new Set(open.map(folderOf).filter((folder) => folder !== ''));
  return paths.some((path) => folders.has(folderOf(path))) ? 'folder' : undefined;
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
