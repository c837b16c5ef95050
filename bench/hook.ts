// The whole hook, as the real Claude Code lives with it: from one request to the model to the next, one call of a tool between them. Sealed: with nothing
// in between, with a bare hook that says nothing, with this guard and all packs (each record synced to disk), with its settings hooks alone, and with
// cc-safety-net, a guard that starts a program for each call. Guarded: with nothing, with a bare hook, and as `holdfast plugin install` leaves it, with a
// real daemon. One run, the arms by turns; what a hook adds is its median less that of the arm without one (DESIGN §13: sealed ≤ 3 ms, guarded ≤ 10 ms).
// `node bench/hook.ts [calls for each arm]`; fetches both programs; prints a table and one JSON line.

import { closeSync, fdatasyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { claudeCode, safetyNet } from '../e2e/claude/program.ts';
import type { Scene } from '../e2e/claude/rig.ts';
import { Installation } from '../packages/testkit/src/installation.ts';

process.env['HOLDFAST_CLAUDE'] = claudeCode();
const { play } = await import('../e2e/claude/rig.ts');
const { Person } = await import('../e2e/claude/by-hand.ts');

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
const scenes: Readonly<Record<string, Partial<Scene>>> = {
  'sealed: no hook': { settings: withHooks(() => ({})) },
  'sealed: a bare http hook': {
    settings: withHooks((port) => before({ type: 'http', url: `http://127.0.0.1:${port}/noop`, onFailure: 'block' })),
  },
  'sealed: its settings hooks alone': { rules: packs, record, settings: withoutMod },
  'sealed: this guard': { rules: packs, record },
  'sealed: cc-safety-net': {
    settings: withHooks(() => before({ type: 'command', command: `'${process.execPath}' '${safetyNet()}' hook --claude-code` })),
  },
};

async function sealed(name: string, scene: Partial<Scene>): Promise<readonly number[]> {
  const ends: (() => unknown)[] = [];
  const played = await play({ after: (end) => void ends.push(end as () => unknown) }, { script, ...scene });
  for (const end of ends.toReversed()) await end();
  if (played.code !== 0) throw new Error(`${name}: ${played.errors}${played.results.join('\n')}`);
  if (scene.rules !== undefined && played.acts.length < calls) throw new Error('the guard was not asked');
  if (name === 'sealed: this guard') answers.push(...played.answersMs);
  return played.turnsMs;
}

const holdfast = await Installation.create();
const noop = createServer((request, response) => request.resume().once('end', () => response.end('{}')));
await new Promise<void>((resolve) => noop.listen(0, '127.0.0.1', resolve));
const noopUrl = `http://127.0.0.1:${(noop.address() as AddressInfo).port}/`;

async function byHand(name: string): Promise<InstanceType<typeof Person>> {
  const person = new Person(holdfast, name);
  mkdirSync(path.dirname(person.settings));
  return person;
}

async function people(): Promise<Readonly<Record<string, InstanceType<typeof Person>>>> {
  await holdfast.settle();
  await holdfast.applyRules(packs);
  const [none, bare, ours] = await Promise.all(['none', 'bare', 'ours'].map(byHand));
  if (none === undefined || bare === undefined || ours === undefined) throw new Error('nobody');
  writeFileSync(bare.settings, JSON.stringify({ hooks: before({ type: 'http', url: noopUrl, onFailure: 'block' }) }));
  const installed = await ours.holdfast(['plugin', 'install']);
  if (installed.code !== 0) throw new Error(installed.stderr);
  return { 'guarded: no hook': none, 'guarded: a bare http hook': bare, 'guarded: this guard': ours };
}

async function guarded(name: string, person: InstanceType<typeof Person>): Promise<readonly number[]> {
  const turns: number[] = [];
  let askedAtMs: number | undefined;
  const onRequest = () => {
    if (askedAtMs !== undefined) turns.push(performance.now() - askedAtMs);
    askedAtMs = performance.now();
  };
  const ran = await person.claude(script, { onRequest });
  if (ran.code !== 0) throw new Error(`${name}: ${ran.stderr}${ran.stdout}`);
  if (ran.stdout.includes('Holdfast could not')) throw new Error(`${name}: the guard failed`);
  return turns;
}

const taken = new Map<string, number[]>();
const keep = (name: string, turns: readonly number[]): void => {
  const some = turns.slice(cold, cold + calls);
  if (some.length < calls) throw new Error(`${name}: ${some.length} calls`);
  taken.set(name, [...(taken.get(name) ?? []), ...some]);
};
const loads = [loadavg()[0] ?? 0];
try {
  const persons = await people();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, scene] of Object.entries(scenes)) keep(name, await sealed(name, scene));
    for (const [name, person] of Object.entries(persons)) keep(name, await guarded(name, person));
    loads.push(loadavg()[0] ?? 0);
  }
} finally {
  closeSync(log);
  noop.close();
  await holdfast.remove();
  rmSync(folder, { recursive: true, force: true });
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
const sortedOf = (name: string): readonly number[] => (taken.get(name) ?? []).toSorted((a, b) => a - b);
const ours = answers.toSorted((a, b) => a - b);
const table = Object.fromEntries(
  [...taken.keys()].map((name) => {
    const mode = name.split(':')[0] ?? '';
    const row = (share: number) => {
      const over = (other: string) => at(sortedOf(name), share) - at(sortedOf(`${mode}: ${other}`), share);
      return { ms: at(sortedOf(name), share), overNone: over('no hook'), overBare: over('a bare http hook') };
    };
    // On a busy machine the fastest tenth tells more of the hook than the middle, which tells of who else wanted the processor.
    return [name, { p10: row(0.1), p50: row(0.5) }];
  }),
);
const toText = (value: number): string => value.toFixed(1).padStart(7);
for (const [name, shares] of Object.entries(table))
  for (const [share, { ms, overNone, overBare }] of Object.entries(shares))
    process.stdout.write(
      `${name.padEnd(33)} ${share} ${toText(ms)} ms   over no hook ${toText(overNone)}   over a bare hook ${toText(overBare)}\n`,
    );
process.stdout.write(
  `of it at the sealed door: p50 ${at(ours, 0.5).toFixed(1)} ms an event, p99 ${at(ours, 0.99).toFixed(1)} ms; three events a call. Load: ${loads.map((load) => load.toFixed(1)).join(', ')}\n`,
);
process.stdout.write(`${JSON.stringify({ ...table, door: { p50: at(ours, 0.5), p99: at(ours, 0.99) }, loads })}\n`);
