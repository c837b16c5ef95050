// `npm run mutate [-- ID…]`: switches the controls of scripts/mutations/ off, one by one, and demands that the test of the claim
// turns red. `-- S-3` tries those of one claim, `-- S` those of a section, `-- --share` what a proof on one machine has time for,
// `-- --jobs 2` two at once.
//
// All of it happens in copies of the tree. A mutation that survives, or one that proves nothing (its text is gone, it does not
// compile, its test does not load, hangs or fails without it), is a failure: exit 1. The last line is `N passed, N failed, N skipped`.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { emptyTally, tallyLine } from '../packages/testkit/src/reporter.ts';
import { whatDoesNotCompile } from './mutations/compiles.ts';
import { CopiedTree } from './mutations/copied-tree.ts';
import { claimOf, type Area, type Mutation } from './mutations/mutation.ts';
import { ourShare } from './mutations/our-share.ts';
import { runTest, type Selection, type Verdict } from './mutations/tests.ts';

/** A test that takes longer with a control off than this, or ten times as long as with it, hangs. */
const minHangMs = 150_000;

interface Result {
  readonly mutation: Mutation;
  readonly is: 'red' | 'SURVIVED' | 'BROKEN' | 'skipped';
  readonly why: string;
}

const out = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { share: { type: 'boolean' }, jobs: { type: 'string', default: '1' } },
  });
  const { catalogue } = (await import(pathToFileURL(join(process.cwd(), 'scripts/mutations/catalogue.ts')).href)) as {
    catalogue: readonly Area[];
  };
  const all = catalogue.flatMap((area) => area.mutations);
  const unknown = positionals.find((id) => !all.some((mutation) => isNamed(mutation, id)));
  if (unknown !== undefined) {
    out(`no mutation ${unknown}: take an id, a claim or a section of THREAT_MODEL.md that scripts/mutations/ knows`);
    return 2;
  }
  const named = all.filter((mutation) => positionals.length === 0 || positionals.some((id) => isNamed(mutation, id)));
  const chosen = values.share === true ? ourShare(catalogue) : named;

  const interrupted = new AbortController();
  // The same Ctrl-C comes twice, from the terminal and from npm.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());

  const startedMs = performance.now();
  using trees = new DisposableStack();
  const copies = Array.from({ length: Math.max(1, Number(values.jobs)) }, () => trees.use(new CopiedTree(process.cwd())));
  const results = await tryAll(copies, chosen, interrupted.signal);
  return tell(results, chosen.length, performance.now() - startedMs, interrupted.signal.aborted);
}

function isNamed(mutation: Mutation, id: string): boolean {
  return mutation.id === id || claimOf(mutation) === id || claimOf(mutation).split('-')[0] === id;
}

async function tryAll(trees: readonly CopiedTree[], mutations: readonly Mutation[], signal: AbortSignal): Promise<Result[]> {
  const [first] = trees;
  if (first === undefined) return [];
  const faults = whatDoesNotCompile(first, mutations);
  const green = new Map<string, Promise<Verdict>>();
  const results: Result[] = [];
  const queue = mutations.entries();
  await Promise.all(
    trees.map(async (tree) => {
      for (const [index, mutation] of queue) {
        if (signal.aborted) return;
        const startedMs = performance.now();
        const fault = faults.get(mutation);
        const result =
          fault === undefined
            ? await tryOne(tree, mutation, green, signal)
            : ({ mutation, is: 'BROKEN', why: fault } satisfies Result);
        if (signal.aborted) return;
        results.push(result);
        const place = `${index + 1}/${mutations.length}`.padStart(7);
        const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(6);
        out(`${place}  ${mutation.id.padEnd(36)} ${seconds} s   ${result.is}${result.is === 'red' ? '' : `: ${result.why}`}`);
      }
    }),
  );
  return results;
}

/** Red only if every test that the mutation names is green without it and red with it. */
async function tryOne(
  tree: CopiedTree,
  mutation: Mutation,
  green: Map<string, Promise<Verdict>>,
  signal: AbortSignal,
): Promise<Result> {
  const reasons: string[] = [];
  for (const [file, name] of Object.entries(mutation.red)) {
    const selection: Selection = { file, name };
    const key = JSON.stringify(selection);
    const before = green.get(key) ?? runTest(tree.root, selection, 5 * minHangMs, signal);
    green.set(key, before);
    const unmutated = await before;
    if (unmutated.is === 'skipped') return { mutation, is: 'skipped', why: `${file}: ${unmutated.why}` };
    if (unmutated.is !== 'green') return { mutation, is: 'BROKEN', why: `${file} fails with the control on: ${unmutated.why}` };

    using _off = tree.apply(mutation);
    const verdict = await runTest(tree.root, selection, Math.max(minHangMs, 10 * unmutated.ms), signal, mutation.says);
    if (verdict.is === 'green') return { mutation, is: 'SURVIVED', why: `${file} passes although ${mutation.off}` };
    if (verdict.is !== 'red') return { mutation, is: 'BROKEN', why: `${file}: ${verdict.why}` };
    reasons.push(verdict.why);
  }
  return { mutation, is: 'red', why: reasons.join('; ') };
}

function tell(results: readonly Result[], chosen: number, ms: number, interrupted: boolean): number {
  const tally = emptyTally();
  out('');
  for (const { mutation, is, why } of results) {
    out(`${is.padEnd(8)}  ${mutation.id.padEnd(36)} ${mutation.off}\n${''.padEnd(10)}${why}`);
    if (is === 'red') tally.passed += 1;
    else if (is === 'skipped') tally.skipped += 1;
    else tally.failed += 1;
  }
  if (interrupted) out('interrupted');
  if (chosen === 0) out('no mutations');
  out(`${''.padEnd(20)} ${(ms / 1000).toFixed(1)} s, ${tally.passed} of ${chosen} red`);
  out(tallyLine(tally));
  if (interrupted) return 130;
  return chosen > 0 && tally.failed === 0 && !(tally.skipped > 0 && process.env['CI'] === 'true') ? 0 : 1;
}

process.exitCode = await main();
