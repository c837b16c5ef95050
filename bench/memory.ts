// Searching memories: how many of the written-down answers are among the first five and ten, for plain BM25, for ours and for what was tried
// beside it; then time and memory for 1,000, 10,000 and 100,000 entries, each in a process of its own. `node bench/memory.ts`; prints a table and one
// JSON line. Aims: 10,000 ≤ 15 ms, 100,000 ≤ 40 ms (p50), an index of 100,000 in ≤ 5 s.

import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import { search } from '@holdfast/protocol/memory/search';
import { SearchIndex } from '@holdfast/protocol/memory/search-index';
import { hashedGrams, randomIndexing } from './memory/embedders.ts';
import { Load, loadScopes } from './memory/load.ts';
import { halfOf, memories, nowMs, ours, plainBm25, queries, recall, type Half, type Searcher } from './memory/quality.ts';

const sizes = [1_000, 10_000, 100_000];

async function quality(): Promise<Record<string, Record<string, readonly number[]>>> {
  const variants: Readonly<Record<string, Searcher>> = {
    'plain BM25': plainBm25(),
    'ours, exact': await ours({ exact: true }),
    ours: await ours(),
    'ours and hashed n-grams': await ours({ embedder: hashedGrams(memories) }),
    'ours and random indexing': await ours({ embedder: randomIndexing(memories) }),
  };
  const kinds = [...new Set(queries.map(({ kind }) => kind)), 'all'];
  const table: Record<string, Record<string, readonly number[]>> = {};
  for (const half of ['tuning', 'held out'] satisfies Half[])
    for (const [name, searcher] of Object.entries(variants)) {
      const figures: Record<string, readonly number[]> = {};
      for (const kind of kinds) {
        const asked = queries.filter((query) => halfOf(query) === half && (kind === 'all' || query.kind === kind));
        figures[kind] = [await recall(searcher, asked, 5), await recall(searcher, asked, 10)].map((share) =>
          Number(share.toFixed(3)),
        );
      }
      table[`${half}: ${name}`] = figures;
      const columns = Object.entries(figures).map(
        ([kind, shares]) => `${kind} ${shares.map((share) => share.toFixed(3)).join(' ')}`,
      );
      process.stdout.write(`${`${half}: ${name}`.padEnd(36)} ${columns.join('   ')}\n`);
    }
  return table;
}

interface Timed {
  readonly buildMs: number;
  readonly rssMb: number;
  /** What is reachable after a collection; RSS has what the engine has not given back as well. */
  readonly usedMb: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of a removal. */
  readonly removeMs: number;
}

function timed(size: number): Timed {
  const load = new Load(7);
  const collect = globalThis.gc ?? (() => undefined);
  const index = new SearchIndex();
  let buildMs = 0;
  // As a daemon starts: topic after topic. Memories are made and let go in parts: what stays is the index.
  for (const [n, scope] of loadScopes.entries()) {
    const part = Array.from({ length: size / loadScopes.length }, (_, m) => load.memory(`m${n}-${m}`, scope, nowMs));
    const start = performance.now();
    for (const entry of part) index.put(entry);
    buildMs += performance.now() - start;
  }
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  const rssMb = rss / 1e6;
  const usedMb = (heapUsed + external) / 1e6;
  const taken = Array.from({ length: 220 }, () => {
    const text = load.query();
    const start = performance.now();
    search(index, { text, scopes: loadScopes, nowMs, limit: 10, exact: false, repository: '', paths: [], vectors: [] });
    return performance.now() - start;
  })
    .slice(20)
    .toSorted((left, right) => left - right);
  const start = performance.now();
  for (let n = 0; n < 100; n += 1) index.remove(`m${n % 20}-${Math.floor(n / 20) * 7}`);
  const removeMs = (performance.now() - start) / 100;
  return { buildMs, rssMb, usedMb, p50Ms: taken[100] ?? 0, p99Ms: taken[198] ?? 0, removeMs };
}

const asked = process.argv[2];
if (asked !== undefined) process.stdout.write(`${JSON.stringify(timed(Number(asked)))}\n`);
else {
  const found = await quality();
  const speed: Record<string, Timed> = {};
  for (const size of sizes) {
    const { stdout } = spawnSync(process.execPath, ['--expose-gc', import.meta.filename, String(size)], { encoding: 'utf8' });
    const figures = JSON.parse(stdout) as Timed;
    speed[size] = figures;
    const { buildMs, rssMb, usedMb, p50Ms, p99Ms, removeMs } = figures;
    process.stdout.write(
      `${String(size).padStart(7)} memories   built in ${buildMs.toFixed(0)} ms   ${usedMb.toFixed(0)} MB (RSS ${rssMb.toFixed(0)})   search p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms   removal ${removeMs.toFixed(2)} ms\n`,
    );
  }
  process.stdout.write(`${JSON.stringify({ recall: found, speed, load: loadavg()[0] })}\n`);
}
