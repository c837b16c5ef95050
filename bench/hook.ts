// The whole hook, as the real Claude Code lives with it: from the model's answer that calls a tool to the next request to the model, with nothing in
// between, with a bare hook that says nothing, with this guard and all packs (each record synced to disk), with its settings hooks alone, and with cc-safety-net, a guard that starts a
// program for each call. One run, the arms by turns; what a hook costs is its median less that of the arm without one (DESIGN §13: sealed ≤ 3 ms).
// `node bench/hook.ts [calls for each arm]`; fetches both programs; prints a table and one JSON line.

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { claudeCode, safetyNet } from '../e2e/claude/program.ts';
import type { Scene } from '../e2e/claude/rig.ts';

process.env['HOLDFAST_CLAUDE'] = claudeCode();
const { play } = await import('../e2e/claude/rig.ts');

const rounds = 4;
const calls = Math.max(2, Math.ceil(Number(process.argv[2] ?? 100) / rounds));
/** The first call of a session finds everything cold. */
const cold = 2;

const script = Array.from({ length: calls + cold }, () => ({ tool: 'Bash', input: { command: 'true', description: 'x' } }));
type Settings = NonNullable<Scene['settings']>;

/** The managed settings with these hooks instead of ours, and without the mod. */
const withHooks =
  (hooks: (doorPort: number) => object): Settings =>
  (files, { doorPort }) =>
    files.flatMap(({ path: at, data }) => {
      if (!at.endsWith('managed-settings.json')) return [];
      const { env, permissions } = JSON.parse(Buffer.from(data).toString('utf8')) as Record<string, unknown>;
      const settings = {
        disableAllHooks: false,
        allowedHttpHookUrls: [`http://127.0.0.1:${doorPort}/noop`],
        hooks: hooks(doorPort),
      };
      return [{ path: at, data: Buffer.from(JSON.stringify({ env, permissions, ...settings })) }];
    });
const before = (hook: object): object => ({ PreToolUse: [{ matcher: '*', hooks: [hook] }] });

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-'));
const log = openSync(path.join(folder, 'record'), 'a');
const packs = 'packs: [secrets, destructive, source-control, supply-chain, infrastructure, guardrail]\n';
const record: Scene['record'] = async ({ call }) => {
  writeSync(log, JSON.stringify(call));
  fdatasyncSync(log);
};
const withoutMod: Settings = (files) =>
  files.map(({ path: at, data }) => {
    if (!at.endsWith('managed-settings.json')) return { path: at, data };
    const settings = JSON.parse(Buffer.from(data).toString('utf8')) as Record<string, unknown>;
    return { path: at, data: Buffer.from(JSON.stringify({ ...settings, enabledPlugins: {}, prependPlugins: [] })) };
  });
const answers: number[] = [];
const arms: Readonly<Record<string, Partial<Scene>>> = {
  'no hook': { settings: withHooks(() => ({})) },
  'a bare http hook': {
    settings: withHooks((port) => before({ type: 'http', url: `http://127.0.0.1:${port}/noop`, onFailure: 'block' })),
  },
  'this guard, sealed': { rules: packs, record },
  'its settings hooks alone': { rules: packs, record, settings: withoutMod },
  'cc-safety-net': {
    settings: withHooks(() => before({ type: 'command', command: `'${process.execPath}' '${safetyNet()}' hook --claude-code` })),
  },
};

const taken = new Map<string, number[]>(Object.keys(arms).map((name) => [name, []]));
try {
  for (let round = 0; round < rounds; round += 1)
    for (const [name, arm] of Object.entries(arms)) {
      const ends: (() => unknown)[] = [];
      const played = await play({ after: (end) => void ends.push(end as () => unknown) }, { script, ...arm });
      for (const end of ends.toReversed()) await end();
      const turns = played.turnsMs.slice(cold, cold + calls);
      if (played.code !== 0 || turns.length < calls) throw new Error(`${name}: ${played.errors}${played.results.join('\n')}`);
      if (arm.rules !== undefined && played.acts.length < calls) throw new Error('the guard was not asked');
      if (name === 'this guard, sealed') answers.push(...played.answersMs);
      taken.get(name)?.push(...turns);
    }
} finally {
  closeSync(log);
  rmSync(folder, { recursive: true, force: true });
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
const sortedOf = (name: string): readonly number[] => (taken.get(name) ?? []).toSorted((a, b) => a - b);
const ours = answers.toSorted((a, b) => a - b);
const bare = at(sortedOf('no hook'), 0.5);
const table = Object.fromEntries(
  Object.keys(arms).map((name) => {
    const sorted = sortedOf(name);
    return [name, { p50: at(sorted, 0.5), p90: at(sorted, 0.9), over: at(sorted, 0.5) - bare }];
  }),
);
for (const [name, { p50, p90, over }] of Object.entries(table))
  process.stdout.write(
    `${name.padEnd(22)} p50 ${p50.toFixed(1).padStart(7)} ms   p90 ${p90.toFixed(1).padStart(7)} ms   over no hook ${over.toFixed(1).padStart(7)} ms\n`,
  );
process.stdout.write(
  `of it at our door: p50 ${at(ours, 0.5).toFixed(1)} ms an event, p99 ${at(ours, 0.99).toFixed(1)} ms; three events a call\n`,
);
process.stdout.write(`${JSON.stringify({ ...table, door: { p50: at(ours, 0.5), p99: at(ours, 0.99) } })}\n`);
