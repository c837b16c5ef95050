// Guarded sessions: what it costs to look at what steers one before each decision, to learn from the kernel who asks, how long after a write the alarm
// comes when no act follows (at most 5 s), and the whole hook in the real Claude Code, started by hand, with a real daemon and its synced record, by turns
// with none (DESIGN §13: ≤ 10 ms p50). `node bench/guarded.ts [alarms] [calls]`; fetches Claude Code; prints a table and one JSON line.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as later } from 'node:timers/promises';
import { claudeCode } from '../e2e/claude/program.ts';
import { Installation } from '../packages/testkit/src/installation.ts';
import { harnessBehind } from '../apps/daemon/src/guarded/peer.ts';
import { differences, look } from '../apps/daemon/src/guarded/steering.ts';

const alarms = Number(process.argv[2] ?? 20);
const calls = Number(process.argv[3] ?? 25);
/** The first calls of a conversation find everything cold. */
const cold = 2;
const rounds = 4;

process.env['HOLDFAST_CLAUDE'] = claudeCode();
const { Person } = await import('../e2e/claude/by-hand.ts');
/** As the door does it. */
const watchEveryMs = 1000;

const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'holdfast-bench-')));
const steered = { home: folder, tree: path.join(folder, 'src/app'), config: path.join(folder, '.claude') };
const write = (file: string) => {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, 'text');
};
// A person with fifty skills and commands, and a repository with ten.
for (let count = 0; count < 50; count += 1) write(path.join(steered.config, `skills/s${count}/SKILL.md`));
for (let count = 0; count < 10; count += 1) write(path.join(steered.tree, `.claude/commands/c${count}.md`));
for (const name of ['.bashrc', '.profile', '.claude/settings.json', 'src/app/CLAUDE.md']) write(path.join(folder, name));

interface Figures {
  readonly p50: number;
  readonly p99: number;
}

function figures(taken: readonly number[]): Figures {
  const sorted = taken.toSorted((left, right) => left - right);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: Math.round(at(0.5)), p99: Math.round(at(0.99)) };
}

/** Microseconds. */
function measure(act: () => unknown, times: number): Figures {
  for (let warm = 0; warm < 100; warm += 1) act();
  return figures(
    Array.from({ length: times }, () => {
      const start = performance.now();
      act();
      return (performance.now() - start) * 1000;
    }),
  );
}

async function asking(): Promise<{ readonly known: Figures; readonly unknown: Figures }> {
  const claude = path.join(folder, 'claude');
  copyFileSync('/bin/bash', claude);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const child = spawn(claude, ['--norc', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}; read -r _ <&3; :`], { stdio: 'ignore' });
  const [socket] = await accepted;
  const met = harnessBehind(socket, []);
  if (met === undefined) throw new Error('the harness was not found');
  const measured = {
    known: measure(() => harnessBehind(socket, [met]), 2000),
    unknown: measure(() => harnessBehind(socket, []), 500),
  };
  socket.destroy();
  await once(child, 'exit');
  server.close();
  return measured;
}

/** Milliseconds from a write, at any moment of the second, to the look that finds it. */
async function delay(): Promise<number> {
  const before = look(steered);
  const { promise, resolve } = Promise.withResolvers<number>();
  let written = Infinity;
  const watching = setInterval(() => {
    if (differences(before, look(steered)).length > 0) resolve(performance.now() - written);
  }, watchEveryMs);
  await later(Math.random() * watchEveryMs);
  written = performance.now();
  writeFileSync(path.join(steered.config, 'settings.json'), String(written));
  const took = await promise;
  clearInterval(watching);
  return took;
}

/** Milliseconds from the model's answer with a call to its next request: without a hook, and with the guard. */
async function turns(): Promise<{ readonly bare: Figures; readonly guarded: Figures }> {
  const holdfast = await Installation.create();
  try {
    await holdfast.settle();
    await holdfast.applyRules(
      'packs: [secrets, destructive, source-control, supply-chain, infrastructure, guardrail]\nrules: {}\n',
    );
    const arms = { bare: new Person(holdfast, 'bare'), guarded: new Person(holdfast, 'guarded') };
    await arms.guarded.holdfast(['plugin', 'install']);
    const script = Array.from({ length: calls + cold }, () => ({ tool: 'Bash', input: { command: 'true', description: 'x' } }));
    const taken = { bare: [] as number[], guarded: [] as number[] };
    for (let round = 0; round < rounds; round += 1)
      for (const arm of ['bare', 'guarded'] as const) {
        const asked: number[] = [];
        const ran = await arms[arm].claude(script, { onRequest: () => void asked.push(performance.now()) });
        if (ran.code !== 0 || asked.length < calls + cold) throw new Error(`${arm}: ${ran.stdout}${ran.stderr}`);
        taken[arm].push(
          ...asked
            .slice(1)
            .map((at, index) => (at - (asked[index] ?? 0)) * 10)
            .slice(cold),
        );
      }
    const tenths = { bare: figures(taken.bare), guarded: figures(taken.guarded) };
    const ms = ({ p50, p99 }: Figures): Figures => ({ p50: p50 / 10, p99: p99 / 10 });
    return { bare: ms(tenths.bare), guarded: ms(tenths.guarded) };
  } finally {
    await holdfast.remove();
  }
}

try {
  const looked = measure(() => look(steered), 3000);
  const { known, unknown } = await asking();
  const delays: number[] = [];
  for (let count = 0; count < alarms; count += 1) delays.push(await delay());
  const alarm = figures(delays);
  const files = look(steered).size;
  const { bare, guarded } = await turns();
  process.stdout.write(
    [
      `look at what steers a session (${files} files)  p50 ${looked.p50} µs  p99 ${looked.p99} µs`,
      `who asks, a process that was met             p50 ${known.p50} µs  p99 ${known.p99} µs`,
      `who asks, any process                        p50 ${unknown.p50} µs  p99 ${unknown.p99} µs`,
      `write to alarm, without an act               p50 ${alarm.p50} ms  p99 ${alarm.p99} ms`,
      `a call of the real Claude Code, no hook       p50 ${bare.p50} ms  p99 ${bare.p99} ms`,
      `the same, guarded, all packs                 p50 ${guarded.p50} ms  p99 ${guarded.p99} ms`,
      JSON.stringify({
        bench: 'guarded',
        files,
        lookedUs: looked,
        knownUs: known,
        unknownUs: unknown,
        alarmMs: alarm,
        bareMs: bare,
        guardedMs: guarded,
      }),
      '',
    ].join('\n'),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
