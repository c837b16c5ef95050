// How many of the answers that somebody wrote down are among the first five and ten: no judge, ids alone. Half of the queries, those with odd
// numbers, were looked at while constants were chosen; the others were not.

import { readFileSync } from 'node:fs';
import { search } from '@holdfast/protocol/memory/search';
import { SearchIndex, type Searchable } from '@holdfast/protocol/memory/search-index';

import type { Embedder } from '@holdfast/protocol/memory/fusion';
import { nearestBy } from './embedders.ts';
import { PlainBm25 } from './plain-bm25.ts';

export const nowMs = Date.parse('2026-11-30T12:00:00Z');
const day = (text: string) => Date.parse(`${text}T09:00:00Z`);

interface Line {
  readonly id: string;
  readonly at: string;
  readonly repository: string;
  readonly claim: string;
  readonly detail: string;
  readonly tags: readonly string[];
  readonly paths: readonly string[];
}

export interface Asked {
  readonly id: string;
  readonly kind: string;
  readonly text: string;
  readonly repository: string;
  readonly answers: readonly string[];
}

const lines = <T>(name: string): T[] =>
  readFileSync(new URL(name, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

export const memories: readonly Searchable[] = lines<Line>('memories.jsonl').map(({ at, ...line }) => ({
  ...line,
  scope: line.repository,
  atMs: day(at),
}));
export const queries: readonly Asked[] = lines<Asked>('queries.jsonl');
const scopes = [...new Set(memories.map(({ scope }) => scope))];

/** Ids, best first, ten of them. */
export type Searcher = (asked: Asked) => Promise<readonly string[]>;

export function plainBm25(): Searcher {
  const plain = new PlainBm25(
    memories.map(({ id, claim, detail, tags, paths, repository }) => [
      id,
      [claim, detail, ...tags, ...paths, repository].join(' '),
    ]),
  );
  return ({ text }) => Promise.resolve(plain.search(text, 10));
}

export async function ours(more: { readonly exact?: boolean; readonly embedder?: Embedder } = {}): Promise<Searcher> {
  const index = new SearchIndex();
  for (const entry of memories) index.put(entry);
  const { exact = false, embedder } = more;
  const nearest = embedder === undefined ? undefined : await nearestBy(embedder, memories);
  return async ({ text, repository }) => {
    const vectors =
      embedder === undefined || nearest === undefined ? [] : [{ name: embedder.name, weight: 0.5, ids: await nearest(text, 50) }];
    return search(index, { text, scopes, nowMs, limit: 10, exact, repository, paths: [], vectors }).map(({ id }) => id);
  };
}

export type Half = 'tuning' | 'held out';

export const halfOf = ({ id }: Asked): Half => (Number(id.slice(id.lastIndexOf('-') + 1)) % 2 === 1 ? 'tuning' : 'held out');

/** The mean over queries of the share of answers found. */
export async function recall(searcher: Searcher, asked: readonly Asked[], among: number): Promise<number> {
  let sum = 0;
  for (const query of asked) {
    const found = (await searcher(query)).slice(0, among);
    sum += query.answers.filter((id) => found.includes(id)).length / query.answers.length;
  }
  return sum / Math.max(1, asked.length);
}
