// Destructive commands, hidden: every one must be found, or the text must be opaque.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readShell } from '@holdfast/protocol/shell/read';
import { share } from '@holdfast/testkit/shares';

import { bases, mutations, type Base } from './mutations.ts';

/** A generator of its own, so that a miss can be seen again. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

type Outcome = 'found' | 'opaque' | 'missed';

function outcome(text: string, { argv: [name = '', ...words] }: Base): Outcome {
  const { commands, opaque } = readShell(text);
  const found = commands.some(
    (command) => command.name === name && words.every((word) => command.words.some((each) => each.text === word)),
  );
  return found ? 'found' : opaque.length > 0 ? 'opaque' : 'missed';
}

function tally(texts: Iterable<readonly [string, string, Base]>): Record<Outcome, number> {
  const counts = { found: 0, opaque: 0, missed: 0 };
  const missed: string[] = [];
  for (const [how, text, base] of texts) {
    const result = outcome(text, base);
    counts[result] += 1;
    if (result === 'missed' && missed.length < 20) missed.push(`${how}: ${text}`);
  }
  assert.deepEqual(missed, []);
  return counts;
}

const names = Object.keys(mutations);
const mutate = (script: string, name: string, random: (below: number) => number): string =>
  mutations[name]?.(script, random) ?? script;

function* singles(): Generator<readonly [string, string, Base]> {
  for (const base of bases) for (const name of names) yield [name, mutate(base.script, name, dice(1)), base];
}

function* compositions(count: number, depth: number): Generator<readonly [string, string, Base]> {
  const random = dice(20_250_101);
  for (let each = 0; each < count; each += 1) {
    const base = bases[random(bases.length)];
    if (base === undefined) continue;
    const chain = Array.from({ length: depth }, () => names[random(names.length)] ?? '');
    yield [chain.join(' < '), chain.reduce((script, name) => mutate(script, name, random), base.script), base];
  }
}

test('[SHELL-4] [SHELL-11] a command hidden in one way is found', (context) => {
  const counts = tally(singles());
  context.diagnostic(`${names.length} ways, ${bases.length} commands: ${JSON.stringify(counts)}`);
  // What is found can be judged by its words; opaque is the second best.
  assert.ok(counts.found / (counts.found + counts.opaque) > 0.95, JSON.stringify(counts));
});

for (const depth of [2, 3, 4]) {
  test(`[SHELL-4] [SHELL-11] a command hidden in ${String(depth)} ways at once is found or opaque`, (context) => {
    context.diagnostic(JSON.stringify(tally(compositions(share({ ci: 2000, soak: 200_000 }), depth))));
  });
}
