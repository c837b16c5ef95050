// Embedders that need no download, tried for spec/memory-search.md and left out: docs/measurements.md says what they gain.

import type { Embedder } from '@holdfast/protocol/memory/fusion';
import type { Searchable } from '@holdfast/protocol/memory/search-index';
import { termsOf } from '@holdfast/protocol/memory/terms';

const size = 512;

const hashOf = (text: string): number => {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
};

/** Words to so many places, each with a sign. */
function spread(word: string, weight: number, into: Float32Array, places: number): void {
  for (let n = 0; n < places; n += 1) {
    const hash = hashOf(`${n} ${word}`);
    into[hash % size] = (into[hash % size] ?? 0) + (hash & 0x1000_0000 ? weight : -weight);
  }
}

const each = (embed: (text: string) => Float32Array) => (texts: readonly string[]) => Promise.resolve(texts.map(embed));

function ofLengthOne(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}

const textOf = ({ claim, detail, tags, paths }: Searchable) => [claim, detail, ...tags, ...paths].join(' ');

/** How rare words are: ln(N / n). */
function rarityOf(entries: readonly Searchable[], partsOf: (text: string) => Iterable<string>): (part: string) => number {
  const having = new Map<string, number>();
  for (const entry of entries) for (const part of new Set(partsOf(textOf(entry)))) having.set(part, (having.get(part) ?? 0) + 1);
  return (part) => Math.log((entries.length + 1) / (having.get(part) ?? 1));
}

const gramsOf = (text: string): string[] =>
  termsOf(text).flatMap((term) =>
    [3, 4, 5].flatMap((length) => {
      const marked = `<${term}>`;
      return Array.from({ length: Math.max(0, marked.length - length + 1) }, (_, at) => marked.slice(at, at + length));
    }),
  );

/** Pieces of words, so that forms of a word are near each other. */
export function hashedGrams(entries: readonly Searchable[]): Embedder {
  const rarity = rarityOf(entries, gramsOf);
  return {
    name: 'hashed character n-grams',
    embed: each((text) => {
      const vector = new Float32Array(size);
      for (const gram of gramsOf(text)) spread(gram, rarity(gram), vector, 1);
      return ofLengthOne(vector);
    }),
  };
}

/** Random indexing: a word is what stood around it in the fleet's own memories, so that words of one subject are near each other. */
export function randomIndexing(entries: readonly Searchable[]): Embedder {
  const rarity = rarityOf(entries, termsOf);
  const meanings = new Map<string, Float32Array>();
  for (const entry of entries) {
    const terms = [...new Set(termsOf(textOf(entry)))];
    const context = new Float32Array(size);
    for (const term of terms) spread(term, rarity(term), context, 4);
    for (const term of terms) {
      const meaning = meanings.get(term) ?? new Float32Array(size);
      for (const [at, value] of context.entries()) meaning[at] = (meaning[at] ?? 0) + value;
      meanings.set(term, meaning);
    }
  }
  return {
    name: 'random indexing',
    embed: each((text) => {
      const vector = new Float32Array(size);
      for (const term of new Set(termsOf(text))) {
        const meaning = meanings.get(term);
        if (meaning === undefined) continue;
        const weight = rarity(term) / Math.hypot(...meaning);
        for (const [at, value] of meaning.entries()) vector[at] = (vector[at] ?? 0) + value * weight;
      }
      return ofLengthOne(vector);
    }),
  };
}

/** Exact: the product with every vector. */
export async function nearestBy(
  embedder: Embedder,
  entries: readonly Searchable[],
): Promise<(text: string, count: number) => Promise<readonly string[]>> {
  const vectors = await embedder.embed(entries.map(textOf));
  return async (text, count) => {
    const [sought] = await embedder.embed([text]);
    return entries
      .map(
        ({ id }, place) => [id, vectors[place]?.reduce((sum, value, at) => sum + value * (sought?.[at] ?? 0), 0) ?? 0] as const,
      )
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, count)
      .map(([id]) => id);
  };
}
