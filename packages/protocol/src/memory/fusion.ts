// Several rankings as one, spec/memory-search.md: reciprocal ranks, so that scores of different scales need no comparison.

/** [RECALL-18] */
const constant = 60;

/** What gives texts vectors. Of one embedder all have the same length; the nearer two are by the cosine, the more alike the texts are in meaning. */
export interface Embedder {
  /** Stands in the reasons of a result. */
  readonly name: string;
  embed(texts: readonly string[]): Promise<readonly Float32Array[]>;
}

/** How near memories are to a query by one embedder's vectors, nearest first; made by whoever holds vectors, of visible scopes alone. */
export interface VectorRanking {
  readonly name: string;
  readonly weight: number;
  readonly ids: readonly string[];
}

/** The sum of weight / (60 + rank) over the lists that have it, ranks from 1. */
export function reciprocalRanks(
  lists: readonly { readonly weight: number; readonly ids: readonly string[] }[],
): Map<string, number> {
  const scores = new Map<string, number>();
  for (const { weight, ids } of lists)
    for (const [index, id] of ids.entries()) scores.set(id, (scores.get(id) ?? 0) + weight / (constant + index + 1));
  return scores;
}
