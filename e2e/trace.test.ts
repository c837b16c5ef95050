// One id from a prompt to its effects, through a sub-agent, a child's session and a child of that: seen from the service's side and in the record; and what
// code in a session gets that makes up, swaps or leaves out what tells its calls apart. [AUDIT-50] [AUDIT-51] [GUARD-32] [GUARD-33]

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Installation, jsonOf, root, type CredentialTerms } from '../packages/testkit/src/installation.ts';
import { startOrigin, type Origin } from '../packages/testkit/src/origin.ts';

interface Event {
  readonly kind: string;
  readonly sequence: number;
  readonly session?: string;
  readonly child?: string;
  readonly trace?: string;
  readonly step?: string;
  readonly from?: string;
  readonly toolUse?: string;
  readonly label?: string;
  readonly prompt?: string;
  readonly code?: string;
}

const rules = `rules:
  no-push:
    deny: shell
    command: git push
    reason: It is not for agents.
`;

/** A harness as Claude Code is one: asks before each call, and runs shells as it was told to. */
const harness = `
import { spawnSync } from 'node:child_process';
const door = process.env.HOLDFAST_DOOR;
const ask = async (event) => (await fetch(new URL('/v1/hook/claude-code', door), {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ session_id: 'c', cwd: process.cwd(), trace: 'ee'.repeat(16), from: 'ee'.repeat(16), ...event }),
})).json();
const use = (id, name, input, more = {}) => ask({ hook_event_name: 'PreToolUse', tool_use_id: id, tool_name: name, tool_input: input, ...more });
const proxies = (tag) => Object.fromEntries(['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].map((name) =>
  [name, tag === undefined ? process.env[name] : process.env[name].replace('//', '//' + tag + ':x@')]));
export const shell = async (id, command, { as, tag } = {}) => {
  const told = await use(id, 'Bash', { command }, as);
  const run = told.hookSpecificOutput?.updatedInput?.command ?? '';
  const own = /^# (hft_\\S+)/.exec(run)?.[1];
  const shown = tag === undefined ? own : tag(own);
  const ran = spawnSync('sh', ['-c', command], { encoding: 'utf8', env: { ...process.env, ...proxies(shown) } });
  process.stdout.write(ran.stdout);
  process.stderr.write(ran.stderr);
  return own;
};
export const prompt = (text) => ask({ hook_event_name: 'UserPromptSubmit', prompt: text });
export const subAgent = async (id, type) => {
  await use('toolu_' + id, 'Task', { subagent_type: type, prompt: 'look', description: 'look' });
  const as = { agent_id: id, agent_type: type };
  await ask({ hook_event_name: 'SubagentStart', ...as });
  return as;
};
`;

/** Its agent has a credential of that service, the rules above and the harness. */
async function settleWith(holdfast: Installation, demo: Origin, terms: CredentialTerms = {}): Promise<void> {
  await holdfast.settle();
  await holdfast.giveCredential('demo', 'a-secret-for-the-demo-service', demo, { env: 'DEMO_TOKEN', ...terms });
  await holdfast.applyRules(rules);
  await writeFile(path.join(holdfast.work, 'harness.mjs'), harness);
}

describe('one id from a prompt to its effects', () => {
  let holdfast: Installation;
  let demo: Origin;
  const events = async (): Promise<readonly Event[]> =>
    jsonOf<{ events: Event[] }>(await holdfast.cli(['audit', 'show', '--json'])).events;
  const runProgram = async (name: string, text: string) => {
    await writeFile(path.join(holdfast.work, name), `import { prompt, shell, subAgent } from './harness.mjs';\n${text}`);
    return holdfast.run([process.execPath, name]);
  };
  const get = (what: string): string =>
    `curl -sS -o /dev/null -w '%{http_code} ' -H "authorization: Bearer $DEMO_TOKEN" https://${demo.host}:${demo.port}/v1/${what}`;

  before(async () => {
    [holdfast, demo] = await Promise.all([Installation.create(), startOrigin()]);
    await settleWith(holdfast, demo);
  });
  after(async () => {
    await holdfast?.remove();
    await demo?.close();
  });

  it('holds through a sub-agent, a child’s session and a child of that, and each request names its call', async () => {
    const child = (depth: string, program: string) =>
      `'${process.execPath}' '${path.join(root, 'apps/cli/src/main.ts')}' run --child --only vault:use:demo ${depth} -- '${process.execPath}' ${program}`;
    const first = `import { prompt, shell } from './harness.mjs';\n`;
    await writeFile(
      path.join(holdfast.work, 'below.mjs'),
      `${first}await prompt('from above'); await shell('b1', ${JSON.stringify(`${get('three')}; ${child('', 'deepest.mjs')}`)});`,
    );
    await writeFile(path.join(holdfast.work, 'deepest.mjs'), `${first}await shell('d1', ${JSON.stringify(get('four'))});`);
    const ran = await runProgram(
      'above.mjs',
      `await prompt('Do it.');
       await shell('m1', ${JSON.stringify(get('one'))});
       const as = await subAgent('a1', 'helper');
       await shell('h1', ${JSON.stringify(`${get('two')}; ${child('--depth 1', 'below.mjs')}`)}, { as });
       await prompt('And something else.');
       await shell('m2', ${JSON.stringify(get('five'))});`,
    );
    assert.equal(ran.stdout.trim(), '200 200 200 200 200', ran.stderr);
    const all = await events();
    const calls = new Map(all.flatMap((event) => (event.kind === 'tool-call' ? [[event.step, event.toolUse]] : [])));
    const [began, , other] = all.filter(({ kind }) => kind === 'prompted');
    assert.deepEqual([began?.label, began?.prompt?.length], ['reported', 64]);
    const minted = all.filter(({ kind }) => kind === 'minted').map(({ trace, from }) => [trace, calls.get(from)]);
    const mine = ['m1', 'h1', 'b1', 'd1'].map((id) => [began?.trace, id]);
    assert.deepEqual(minted, [...mine, [other?.trace, 'm2']]);
    assert.ok(!JSON.stringify(all).includes('ee'.repeat(16)), 'an id that a session chose');
    const shown = jsonOf<{ events: Event[] }>(
      await holdfast.cli(['audit', 'show', '--trace', began?.trace ?? '', '--json']),
    ).events;
    const kinds = (list: readonly Event[], kind: string) => list.filter((event) => event.kind === kind).length;
    assert.deepEqual([kinds(shown, 'consumed'), kinds(shown, 'credentialed'), kinds(shown, 'delegated')], [4, 4, 3]);
    const deepest = all.filter(({ kind }) => kind === 'consumed')[3];
    const { story } = jsonOf<{ story: Event[] }>(await holdfast.cli(['audit', 'show', String(deepest?.sequence ?? 0), '--json']));
    assert.ok(
      story.some(({ sequence }) => sequence === began?.sequence),
      'from the effect to the prompt',
    );
    assert.deepEqual(
      story.flatMap((event) => (event.kind === 'tool-call' ? [event.toolUse] : [])),
      ['toolu_a1', 'h1', 'b1', 'd1'],
    );
  });

  it('is not had by making up, dropping or swapping what tells calls apart', async () => {
    const before = (await events()).length;
    const ran = await runProgram(
      'forging.mjs',
      `await prompt('Mine.');
       const own = await shell('f1', 'true');
       await shell('f2', ${JSON.stringify(get('none'))}, { tag: () => 'hft_' + 'A'.repeat(43) });
       await shell('f3', ${JSON.stringify(get('none'))}, { tag: () => undefined });
       await shell('f4', ${JSON.stringify(get('none'))}, { tag: () => own });
       console.log(own);`,
    );
    const tag = /hft_\S+/.exec(ran.stdout)?.[0] ?? assert.fail(ran.stdout + ran.stderr);
    assert.match(ran.stdout, /^000 200 200 /, ran.stderr);
    const others = await runProgram('other.mjs', `await shell('o1', ${JSON.stringify(get('none'))}, { tag: () => '${tag}' });`);
    assert.match(others.stdout, /^000 /, 'another session’s tag is nobody’s');
    const all = (await events()).slice(before);
    const stepOf = (id: string) => all.find(({ toolUse }) => toolUse === id)?.step ?? assert.fail(id);
    assert.deepEqual(
      all.filter(({ kind }) => kind === 'minted').map(({ from, trace }) => [from, trace]),
      [
        [undefined, undefined], // its session's, and said to be
        [stepOf('f1'), all.find(({ kind }) => kind === 'prompted')?.trace], // another call of the same session: `bounded`
      ],
    );
    assert.deepEqual(all.filter(({ kind }) => kind === 'refused').map(({ code }) => code), ['child_ended', 'child_ended']); // prettier-ignore
  });
});

// [AUDIT-53] [AUDIT-54]
describe('recorded decisions, made again from the record', () => {
  let holdfast: Installation;
  let demo: Origin;
  before(async () => {
    [holdfast, demo] = await Promise.all([Installation.create(), startOrigin()]);
    await settleWith(holdfast, demo, { methods: ['GET'], paths: ['/v1/**'] });
  });
  after(async () => {
    await holdfast?.remove();
    await demo?.close();
  });

  it('50 of 50, of tools and of credentials, allowed and denied, have the same verdict', async () => {
    const to = (address: string, more = ''): string =>
      `curl -sS -o /dev/null ${more} -H "authorization: Bearer $DEMO_TOKEN" ${address} || true`;
    const origin = `https://${demo.host}:${demo.port}`;
    const commands = [
      to(`${origin}/v1/me`),
      to(`${origin}/v2/me`),
      to(`${origin}/v1/me`, '-X POST'),
      to('https://elsewhere.example/'),
    ];
    const program = `import { shell } from './harness.mjs';
      for (let round = 0; round < 6; round += 1) {
        for (const [at, command] of ${JSON.stringify(commands)}.entries()) await shell('r' + round + at, command);
        await shell('p' + round, 'git push');
      }`;
    await writeFile(path.join(holdfast.work, 'fifty.mjs'), program);
    assert.equal((await holdfast.run([process.execPath, 'fifty.mjs'])).code, 0);
    interface Told {
      readonly acts: number;
      readonly requests: number;
      readonly same: number;
      readonly differs: readonly unknown[];
      readonly cannot: readonly unknown[];
    }
    const ran = await holdfast.cli(['audit', 'replay', '--json']);
    const { acts, requests, same, differs, cannot } = jsonOf<Told>(ran);
    assert.deepEqual([ran.code, differs, cannot, same], [0, [], [], acts + requests], ran.stdout);
    assert.ok(acts >= 30 && requests === 24, `${acts} acts and ${requests} requests`);
    const { events } = jsonOf<{ events: readonly (Event & { readonly decision?: string })[] }>(
      await holdfast.cli(['audit', 'show', '--json']),
    );
    const count = (holds: (event: (typeof events)[number]) => boolean): number => events.filter(holds).length;
    assert.deepEqual([count(({ kind }) => kind === 'consumed'), count(({ kind }) => kind === 'refused')], [6, 18]);
    assert.ok(count(({ decision }) => decision === 'deny') >= 6 && count(({ decision }) => decision === 'allow') >= 24);
  });
});
