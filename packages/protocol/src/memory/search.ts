// The one way to search memories, spec/memory-search.md: what the searcher may see, ranked by words and, where there are vectors, by
// meaning; near-duplicates held to a few; each result with the reasons for its place.

import { reciprocalRanks, type VectorRanking } from './fusion.ts';
import { Groups } from './near-duplicates.ts';
import { Best, byScore, documentAt, type Candidate, type Ranked } from './best.ts';
import {
  boostsOf,
  pointsWithin,
  Ranking,
  type Boost,
  type QueryTerm,
  type Scored,
  type Setting,
  type TermShare,
} from './rank.ts';
import type { SearchIndex } from './search-index.ts';
import { synonymsOf } from './synonyms.ts';
import { readTemporal } from './temporal.ts';
import { termsOf } from './terms.ts';

/** [RECALL-9] */
const maxQueryUnits = 2_048;
const maxQueryTerms = 64;
const maxResults = 100;
const maxScopes = 1_024;
/** [RECALL-22] */
const synonymWeight = 0.3;
/** [RECALL-18] How much of a list takes part in a fusion. */
const fused = 200;

export interface Query {
  readonly text: string;
  /** All that the searcher may see and nothing else: an empty list finds nothing. */
  readonly scopes: readonly string[];
  readonly nowMs: number;
  readonly limit: number;
  /** The query's own words alone, without what is used for them. */
  readonly exact: boolean;
  /** `host/path` of the repository that the searcher works in; empty where it is in none. */
  readonly repository: string;
  /** Files that the searcher has before it, from their repository on. */
  readonly paths: readonly string[];
  readonly vectors: readonly VectorRanking[];
}

export interface Found {
  readonly id: string;
  readonly scope: string;
  readonly score: number;
  readonly why: Why;
}

/** [RECALL-20] */
export interface Why {
  readonly terms: readonly TermShare[];
  /** Points for lying in a span of the query. */
  readonly within: number;
  readonly boosts: readonly Boost[];
  /** Places in each list that was fused, from 1. */
  readonly ranks: readonly { readonly list: string; readonly rank: number }[];
  /** Whether it stands behind others because it says what two of them say. */
  readonly repeats: boolean;
}

export function search(index: SearchIndex, query: Query): readonly Found[] {
  const limit = Math.min(maxResults, Math.max(0, Math.trunc(query.limit) || 0));
  const visible = index.visible(query.scopes.slice(0, maxScopes));
  if (limit === 0 || visible.length === 0) return [];
  const { spans, wants, rest } = readTemporal(query.text.slice(0, maxQueryUnits), query.nowMs);
  const setting: Setting = { nowMs: query.nowMs, spans, wants, repository: query.repository, paths: query.paths };
  const ranking = new Ranking(visible, queryTerms(rest, query.exact));
  const best = new Best(ranking.scored, setting);
  const byWords = best.first(fused);
  const lists: VectorRanking[] = query.vectors.map(({ name, weight, ids }) => ({ name, weight, ids: seen(ranking.scored, ids) }));
  const ranked = lists.length === 0 ? best : fuse(ranking.scored, byWords, lists);
  const wordsList = { name: 'words', ids: byWords.map(({ id }) => id) };
  return chosen(ranked, limit).map(({ candidate: { id, scored, place, score }, repeats }) => ({
    id,
    scope: scored.name,
    score,
    why: {
      terms: ranking.explain(scored.scope, place),
      within: pointsWithin(documentAt(scored, place), setting),
      boosts: boostsOf(documentAt(scored, place), setting),
      ranks: [wordsList, ...lists].flatMap(({ name, ids }) =>
        ids.includes(id) ? [{ list: name, rank: ids.indexOf(id) + 1 }] : [],
      ),
      repeats,
    },
  }));
}

/** [RECALL-12, RECALL-22] Each term once, in the order of the query; then what is used for them. */
function queryTerms(text: string, exact: boolean): readonly QueryTerm[] {
  const own = [...new Set(termsOf(text))].slice(0, maxQueryTerms);
  if (exact) return own.map((term) => ({ term, weight: 1 }));
  const added = new Set(own.flatMap((term) => [...synonymsOf(term)]).filter((term) => !own.includes(term)));
  return [
    ...own.map((term) => ({ term, weight: 1 })),
    ...[...added].slice(0, maxQueryTerms - own.length).map((term) => ({ term, weight: synonymWeight })),
  ];
}

/** [RECALL-19] Ids of hidden memories, and second mentions, take no place. */
function seen(all: readonly Scored[], ids: readonly string[]): readonly string[] {
  return [...new Set(ids)].filter((id) => all.some(({ scope }) => scope.placeOf(id) !== undefined)).slice(0, fused);
}

/** [RECALL-18] */
function fuse(all: readonly Scored[], byWords: readonly Candidate[], lists: readonly VectorRanking[]): Ranked {
  const scores = reciprocalRanks([{ weight: 1, ids: byWords.map(({ id }) => id) }, ...lists]);
  const candidates = [...scores].flatMap(([id, score]) => {
    const scored = all.find(({ scope }) => scope.placeOf(id) !== undefined);
    const place = scored?.scope.placeOf(id);
    return scored === undefined || place === undefined ? [] : [{ id, scored, place, score }];
  });
  const sorted = candidates.toSorted(byScore);
  return { first: (count) => sorted.slice(0, count) };
}

/** [RECALL-17] In their order, but what says for the third time what two others say comes after all else. */
function chosen(ranked: Ranked, limit: number): readonly { readonly candidate: Candidate; readonly repeats: boolean }[] {
  for (let count = fused; ; count *= 8) {
    const candidates = ranked.first(count);
    const kept: Candidate[] = [];
    const repeats: Candidate[] = [];
    const groups = new Groups();
    for (const candidate of candidates) {
      (groups.isOneTooMany(candidate.scored.scope.claimAt(candidate.place)) ? repeats : kept).push(candidate);
      if (kept.length === limit) break;
    }
    if (kept.length < limit && candidates.length === count) continue;
    return [
      ...kept.map((candidate) => ({ candidate, repeats: false })),
      ...repeats.slice(0, limit - kept.length).map((candidate) => ({ candidate, repeats: true })),
    ];
  }
}
