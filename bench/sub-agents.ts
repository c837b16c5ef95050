// What it takes to make a sub-agent a child (issue: ≤ 30 ms beyond the key's creation): from its first event at a session's own door to the answer, in a sealed session with a
// real daemon, custody and synced record; beside it an event of the same size that enrols nobody. `node bench/sub-agents.ts [rounds]`; prints one JSON line.

import path from 'node:path';
import { mkdirSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { nodePrimitives as primitives } from '../packages/protocol/src/primitives/node.ts';
import { SoftwareKeyHolder } from '../packages/protocol/src/seal/software-key-holder.ts';
import { Installation, jsonOf } from '../packages/testkit/src/installation.ts';

/** A session enrols sixty in a minute. */
const rounds = Math.min(Number(process.argv[2] ?? 50), 55);

const inside = `
const tell = async (event, more) => {
  const startedMs = performance.now();
  const body = JSON.stringify({ hook_event_name: event, session_id: 's', cwd: process.cwd(), agent_type: 'helper', ...more });
  const reply = await fetch(process.env.HOLDFAST_DOOR + '/v1/hook/claude-code', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const text = await reply.text();
  if (/could not judge/.test(text)) throw new Error(text);
  return performance.now() - startedMs;
};
const taken = { enrolled: [], known: [] };
for (let round = 0; round < ${rounds} + 5; round += 1) {
  const agent_id = 'a' + round;
  const enrolled = await tell('SubagentStart', { agent_id });
  const known = await tell('SubagentStart', { agent_id });
  await tell('SubagentStop', { agent_id });
  if (round >= 5) { taken.enrolled.push(enrolled); taken.known.push(known); }
}
console.log(JSON.stringify(taken));
`;

const at = (sorted: readonly number[], share: number) =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
const figures = (taken: readonly number[]) => {
  const sorted = taken.toSorted((left, right) => left - right);
  return { p50: at(sorted, 0.5), p95: at(sorted, 0.95) };
};

const holdfast = await Installation.create();
try {
  await holdfast.start();
  await holdfast.must(['init', '--name', 'bench', '--json']);
  await holdfast.enrol('main');
  const script = path.join(holdfast.folder, 'tree', 'tell.mjs');
  mkdirSync(path.dirname(script));
  writeFileSync(script, inside);
  const ran = await holdfast.cli(['run', '--', process.execPath, script], { cwd: path.dirname(script), timeoutMs: 120_000 });
  const { enrolled, known } = jsonOf<{ enrolled: number[]; known: number[] }>(ran);
  const keys: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now();
    await SoftwareKeyHolder.generate(primitives);
    keys.push(performance.now() - startedMs);
  }
  const told = { enrolled: figures(enrolled), known: figures(known), key: figures(keys), unit: 'ms' };
  process.stdout.write(`${JSON.stringify(told)}\n`);
} finally {
  await holdfast.remove();
}
