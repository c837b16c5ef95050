// `npm test [-- PATH…]`: every test file of the repository (or those whose path begins with a PATH), one suite a workspace.
//
// Files run in processes of their own, two at once for each core (they wait as long as they compute), with a temporary folder that is
// removed at the end whatever happens; a suite that leaves something in it has failed. Exit 1 on a failure, on no tests at all, and with
// CI=true on any skip. The last line is `N passed, N failed, N skipped`; before it stand the files that took longest.

import { existsSync, globSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { run } from 'node:test';
import { addTally, emptyTally, report, tallyLine } from '../packages/testkit/src/reporter.ts';
import { soaking } from '../packages/testkit/src/shares.ts';

/** A file that runs longer hangs. */
const maxFileMs = soaking ? 7_200_000 : 600_000;

/** Whoever wants the whole proof faster begins with the files above this. */
const slowMs = 15_000;

/** How long tests may take to end after Ctrl-C. */
const maxFarewellMs = 5_000;

const patterns = ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'scripts/test/**/*.test.ts', 'e2e/**/*.test.ts'];

// Stories that need a program which is fetched for them alone: `npm run e2e:claude`.
if (process.env['HOLDFAST_CLAUDE']) patterns.push('e2e/claude/*.story.ts');
if (process.env['HOLDFAST_CODEX']) patterns.push('e2e/codex/*.story.ts');

const inCi = process.env['CI'] === 'true';
const out = (text: string): void => void process.stdout.write(text);

function suiteOf(file: string): string {
  const [top = '', name = ''] = file.split('/');
  return top === 'packages' || top === 'apps' ? `${top}/${name}` : top;
}

function findSuites(filters: readonly string[]): Map<string, string[]> {
  const suites = new Map<string, string[]>();
  for (const pattern of patterns) {
    for (const file of globSync(pattern).toSorted()) {
      if (file.includes('node_modules/') || (filters.length > 0 && !filters.some((filter) => file.startsWith(filter)))) continue;
      suites.set(suiteOf(file), [...(suites.get(suiteOf(file)) ?? []), resolve(file)]);
    }
  }
  return suites;
}

/**
 * Tests read HOLDFAST_VECTORS and start programs by name: the pinned `node` comes first. They and what they start share the command's
 * compiled code: a story of many processes takes two thirds of the processor's time that way.
 */
function prepareEnvironment(): boolean {
  const vectors = resolve(process.env['HOLDFAST_VECTORS'] ?? '../shared/vectors');
  process.env['HOLDFAST_VECTORS'] = vectors;
  process.env['NODE_COMPILE_CACHE'] ??= resolve('node_modules/.cache/compiled');
  process.env['PATH'] = dirname(process.execPath) + delimiter + (process.env['PATH'] ?? '');
  if (existsSync(vectors)) return true;
  out(
    `no test vectors at ${vectors}: the tests that need them ${inCi ? 'cannot run' : 'skip'}; set HOLDFAST_VECTORS to their folder\n`,
  );
  return !inCi;
}

async function main(): Promise<number> {
  const filters = process.argv.slice(2).map((filter) => filter.replace(/^\.\//, ''));
  const ready = prepareEnvironment();
  const interrupted = new AbortController();
  // node:test ends its children when the signal aborts. The same Ctrl-C comes twice, from the terminal and from npm.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted.abort();
      setTimeout(() => process.exit(130), maxFarewellMs).unref();
    });
  }
  const temporary = mkdtempSync(join(tmpdir(), 'hf-'));
  process.env['TMPDIR'] = temporary;
  process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));

  const total = emptyTally();
  const tookMs = new Map<string, number>();
  const startedMs = performance.now();
  for (const [suite, files] of ready ? findSuites(filters) : []) {
    if (interrupted.signal.aborted) break;
    const tally = emptyTally();
    const suiteStartedMs = performance.now();
    const events = run({ files, concurrency: 2 * availableParallelism(), timeout: maxFileMs, signal: interrupted.signal });
    for await (const text of report(events, tally, { tookMs, telling: soaking })) out(text);
    const left = readdirSync(temporary);
    if (left.length > 0 && !interrupted.signal.aborted) {
      tally.failed += 1;
      out(`FAILED  ${suite} left behind in the temporary folder: ${left.join(', ')}\n`);
      for (const name of left) rmSync(join(temporary, name), { recursive: true, force: true });
    }
    out(`${suite.padEnd(20)} ${((performance.now() - suiteStartedMs) / 1000).toFixed(1).padStart(6)} s   ${tallyLine(tally)}\n`);
    addTally(total, tally);
  }
  const none = total.passed + total.failed + total.skipped === 0;
  if (none) out(filters.length > 0 ? `no test file begins with ${filters.join(' or ')}\n` : 'no tests ran\n');
  if (interrupted.signal.aborted) out('interrupted\n');
  if (total.skipped > 0) out(`${total.skipped} SKIPPED, each named above${inCi ? ': in CI nothing may skip' : ''}\n`);
  for (const [file, ms] of [...tookMs].toSorted(([, a], [, b]) => b - a).slice(0, 20))
    if (ms > slowMs) out(`  ${(ms / 1000).toFixed(1).padStart(6)} s   ${file}\n`);
  out(`${'all'.padEnd(20)} ${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s\n`);
  out(`${tallyLine(total)}\n`);
  if (interrupted.signal.aborted) return 130;
  return none || total.failed > 0 || (inCi && total.skipped > 0) ? 1 : 0;
}

process.exitCode = await main();
