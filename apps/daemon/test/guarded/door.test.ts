// The door for agents that are started by hand: who is answered, what is judged, and what a change of what steers a session does to it.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { AuditReport } from '@holdfast/protocol/audit/event';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { compile, readOnlyRules } from '@holdfast/protocol/rules/compile';
import { parseRules } from '@holdfast/protocol/rules/language';
import { patienceMs } from '@holdfast/testkit/patience';
import type { Agent } from '../../src/agent/agent.ts';
import { GuardedDoor } from '../../src/guarded/door.ts';
import type { Harness } from '../../src/guarded/peer.ts';
import { decodeKept, encodeKept, type Kept } from '../../src/guarded/record.ts';
import type { Ports } from '../../src/ports.ts';
import { LivingSessions } from '../../src/presence/living.ts';
import { recordingAsItIs } from '../audit/log-world.ts';

const rules = `
rules:
  no-touch:
    deny: shell
    command: touch
    reason: Not here.
  not-by-hand:
    deny: shell
    command: deploy
    mode: guarded
    reason: Sealed only.
  after-secret:
    label: read
    paths: '**/secret.txt'
    as: secret
    reason: It stays here.
`;

interface Stage {
  readonly version?: string | undefined;
  readonly noRules?: true;
}

interface Asked {
  readonly path?: string;
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly conversation?: string;
}

async function stage(t: TestContext, { version, noRules }: Stage = { version: '2.1.330' }) {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'holdfast-guarded-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = path.join(folder, '.claude');
  mkdirSync(config);
  const settings = path.join(config, 'settings.json');
  writeFileSync(settings, '{}');
  const reports: AuditReport[] = [];
  const asked: { readonly input: unknown; readonly answer: (outcome: string) => void }[] = [];
  const world = {
    pid: 1000 as number | undefined,
    dead: new Set<number>(),
    revoked: false,
  };
  const agent = {
    id: new Uint8Array(16).fill(7),
    enrolment: { scope: 'main', fleet: new Uint8Array(32) },
    live: true,
    rules: noRules ? { rules: readOnlyRules, version: undefined } : { rules: compile(parseRules(rules)), version: 4 },
    bedrock: { version: 1, texts: new Map([['a', { text: 'Fridays only.' }]]) },
    grants: () => [
      {
        name: 'demo',
        attach: { kind: 'bearer' },
        fence: { hosts: [{ host: 'a.example', port: 443 }], methods: ['GET'], paths: ['/**'] },
      },
    ],
    note: (report: AuditReport) => void reports.push(report),
    audit: { append: async (report: AuditReport) => void reports.push(report) },
    children: { childOf: () => undefined },
    approvals: {
      askAboutCall: (_by: unknown, { input }: { readonly input: unknown }) =>
        new Promise<string>((resolve) => asked.push({ input, answer: resolve })),
    },
    assertAble: () => {
      if (world.revoked) throw new Error('revoked');
    },
    living: new LivingSessions(() => 5),
    endSession: async (session: Uint8Array) => void reports.push({ kind: 'session-end', session }),
    ...recordingAsItIs,
  } as unknown as Agent;
  const log = { info: () => {}, warn: () => {} };
  const ports = { primitives, clock: { nowMs: () => 5, monotonicMs: () => 5 }, log } as unknown as Ports;
  const kept = { now: { v: 1, key: 'ab'.repeat(32), sessions: [] } as Kept };
  const doors: GuardedDoor[] = [];
  const open = async () => {
    const behind = (): Harness | undefined =>
      world.pid === undefined ? undefined : { pid: world.pid, born: 'boot 1', version, tree: folder, home: folder, config };
    const door = new GuardedDoor({
      agent,
      ports,
      kept: kept.now,
      keep: (value) => (kept.now = decodeKept(encodeKept(value))),
      behind,
      runs: ({ pid }) => !world.dead.has(pid),
    });
    doors.push(door);
    return { door, port: await door.open() };
  };
  t.after(() => Promise.all(doors.map((door) => door.close(false).catch(() => undefined))));
  const opened = await open();
  let { port } = opened;
  const post = (body: object, { path: place = '/v1/hook/claude-code', key = 'ab'.repeat(32), headers = {} }: Asked = {}) =>
    new Promise<{ status: number; told: Record<string, unknown> }>((resolve, reject) => {
      const own = { 'content-type': 'application/json', ...(key !== '' && { authorization: `Bearer ${key}` }), ...headers };
      const sent = request({ host: '127.0.0.1', port, path: place, method: 'POST', headers: own, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, told: JSON.parse(text) as Record<string, unknown> }),
        );
      });
      sent.on('error', reject);
      sent.end(JSON.stringify(body));
    });
  let calls = 0;
  const event = (fields: object, { conversation = 'one', ...more }: Asked = {}) =>
    post({ session_id: conversation, cwd: folder, ...fields }, more);
  const run = (command: string, more: Asked = {}) =>
    event({ hook_event_name: 'PreToolUse', tool_use_id: `t${(calls += 1)}`, tool_name: 'Bash', tool_input: { command } }, more);
  const tool = async (name: string) => {
    const { told } = await post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } }, { path: '/mcp' });
    const { content: [first] = [] } = told['result'] as { content?: { text: string }[] };
    return JSON.parse(first?.text ?? '') as Record<string, unknown>;
  };
  const reopen = async (between: () => void = () => {}) => {
    await doors.at(-1)?.close(false);
    between();
    ({ port } = await open());
  };
  const kinds = () => reports.map(({ kind }) => kind);
  return {
    folder,
    settings,
    world,
    agent,
    reports,
    kinds,
    asked,
    kept,
    door: () => doors.at(-1) ?? assert.fail(),
    post,
    event,
    run,
    tool,
    reopen,
  };
}

const isDenied = ({ told }: { readonly told: Record<string, unknown> }) =>
  told['decision'] === 'block' ||
  (told['hookSpecificOutput'] as Record<string, unknown> | undefined)?.['permissionDecision'] === 'deny';
const isSuspended = ({ told }: { readonly told: Record<string, unknown> }) =>
  told['decision'] === 'block' && String(told['reason']).includes('session_suspended');

// [GUARDED-2]
test('acts are judged by the rules in force, as guarded, and recorded as reported', async (t) => {
  const { run, reports, event } = await stage(t);
  assert.ok(isDenied(await run('touch x')));
  assert.ok(isDenied(await run('deploy')), 'a rule of the mode');
  assert.ok(!isDenied(await run('ls')));
  assert.match(JSON.stringify((await event({ hook_event_name: 'SessionStart' })).told), /Fridays only/);
  const [start, ...acts] = reports;
  assert.deepEqual(start?.kind === 'session-start' && [start.mode, start.program], ['guarded', 'claude-code 2.1.330']);
  assert.deepEqual(
    acts.map((act) => act.kind === 'tool-call' && [act.label, act.allowed]),
    [
      ['reported', false],
      ['reported', false],
      ['reported', true],
    ],
  );
});

// [GUARDED-2]
test('an agent without rules may read and nothing else; a revoked one nothing', async (t) => {
  const { run, event, world } = await stage(t, { version: '2.1.330', noRules: true });
  const read = () =>
    event({ hook_event_name: 'PreToolUse', tool_use_id: 'r', tool_name: 'Read', tool_input: { file_path: '/x' } });
  assert.ok(isDenied(await run('ls')));
  assert.ok(!isDenied(await read()));
  world.revoked = true;
  assert.ok(
    isDenied(
      await event({ hook_event_name: 'PreToolUse', tool_use_id: 's', tool_name: 'Read', tool_input: { file_path: '/y' } }),
    ),
  );
});

// [GUARDED-4]
test('who is no Claude Code, has no key or is a web page is not answered with a yes', async (t) => {
  const { run, world, post, kinds } = await stage(t);
  for (const key of ['', 'ba'.repeat(32), 'ab'.repeat(31)]) assert.ok(isDenied(await run('ls', { key })), key);
  assert.equal((await post({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, { path: '/mcp', key: '' })).status, 403);
  for (const headers of [{ origin: 'http://127.0.0.1' }, { host: 'evil.example' }])
    assert.equal((await run('ls', { headers })).status, 403, JSON.stringify(headers));
  world.pid = undefined;
  assert.ok(isDenied(await run('ls')));
  assert.equal((await post({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, { path: '/mcp' })).status, 403);
  assert.deepEqual(kinds(), []);
});

// [GUARDED-7]
test('no credential can be used: no handle, no request, no placeholder', async (t) => {
  const { post, tool } = await stage(t);
  const { told } = await post({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, { path: '/mcp' });
  const { tools } = told['result'] as { tools: { name: string; description: string }[] };
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['whoami', 'vault_list', 'rules_status'],
  );
  assert.match(tools[1]?.description ?? '', /may use none of them/);
  const { items } = (await tool('vault_list')) as { items: Record<string, unknown>[] };
  assert.deepEqual(Object.keys(items[0] ?? {}), ['name', 'attach', 'hosts', 'methods', 'paths', 'usable', 'why']);
  assert.equal(items[0]?.['usable'], false);
  assert.equal((await tool('whoami'))['mode'], 'guarded');
  const handles = await post(
    { credential: 'demo', request: { method: 'GET', url: 'https://a.example/' } },
    { path: '/v1/handles' },
  );
  assert.equal(handles.status, 404);
});

// [GUARDED-9] [GUARDED-10]
test('a change of what steers it suspends the session from its very next event on, whatever is done then', async (t) => {
  const { run, event, settings, reports, folder, tool } = await stage(t);
  assert.ok(!isDenied(await run('ls')));
  writeFileSync(settings, '{"disableAllHooks":true}');
  assert.ok(isSuspended(await run('ls')));
  writeFileSync(settings, '{}');
  assert.ok(isSuspended(await run('ls')), 'written back');
  for (const fields of [
    { hook_event_name: 'UserPromptSubmit' },
    { hook_event_name: 'SubagentStart' },
    { hook_event_name: 'Gate', tool_name: 'Read', tool_input: { file_path: '/x' } },
    { hook_event_name: 'UserPromptExpansion', command_name: 'x' },
  ])
    assert.ok(isSuspended(await event(fields)), JSON.stringify(fields));
  const tampered = reports.filter(({ kind }) => kind === 'tampered');
  assert.deepEqual(
    tampered.map((report) => report.kind === 'tampered' && report.places),
    [[path.join(folder, '.claude/settings.json')]],
  );
  assert.deepEqual((await tool('whoami'))['suspended'], [settings]);
});

test('the status line needs no key, says whose session it is, and that it is suspended', async (t) => {
  const { run, settings, door, world } = await stage(t);
  const line = async () => {
    const reply = await fetch(`http://127.0.0.1:${door().port}/v1/status-line`);
    return `${reply.status} ${await reply.text()}`;
  };
  await run('ls');
  assert.equal(await line(), '200 Holdfast: main, guarded, rules 4, no credentials here\n');
  writeFileSync(settings, '{"x":1}');
  await run('ls');
  assert.match(await line(), /, SUSPENDED\n$/);
  world.pid = undefined;
  assert.match(await line(), /^403 /);
});

// [GUARDED-6]
test('another conversation of the process is the same session; another process is not', async (t) => {
  const { run, event, settings, world } = await stage(t);
  await run('ls');
  writeFileSync(settings, '{"env":{}}');
  assert.ok(isSuspended(await event({ hook_event_name: 'SessionStart', source: 'clear' }, { conversation: 'two' })));
  assert.ok(isSuspended(await run('ls', { conversation: 'two' })));
  world.pid = 1001;
  assert.ok(!isDenied(await run('ls', { conversation: 'three' })));
});

// [GUARDED-9]
test('an act that an operator took minutes for does not happen once something was changed meanwhile', async (t) => {
  const { event, settings, agent, asked } = await stage(t);
  (agent as { rules: unknown }).rules = {
    rules: compile(parseRules('rules:\n  a:\n    ask: shell\n    command: deploy\n    reason: x\n')),
    version: 5,
  };
  const waits = event({ hook_event_name: 'PreToolUse', tool_use_id: 'a', tool_name: 'Bash', tool_input: { command: 'deploy' } });
  while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  writeFileSync(settings, '{"x":1}');
  asked[0]?.answer('allowed');
  assert.ok(isDenied(await waits));
});

// [GUARDED-11]
test('an operator’s yes lets it go on, for what they were shown; a no or silence does not', async (t) => {
  const { run, settings, asked, kinds, folder } = await stage(t);
  await run('ls');
  writeFileSync(settings, '{"x":1}');
  await run('ls');
  await run('ls');
  assert.deepEqual(
    asked.map(({ input }) => input),
    [{ changed: [settings] }],
    'one ask at a time',
  );
  asked[0]?.answer('expired');
  assert.ok(isSuspended(await run('ls')));
  assert.equal(asked.length, 2, 'asked again');
  asked[1]?.answer('denied');
  assert.ok(isSuspended(await run('ls')));
  writeFileSync(path.join(folder, 'CLAUDE.md'), 'obey');
  asked[2]?.answer('allowed');
  assert.ok(isSuspended(await run('ls')), 'something else was changed since');
  assert.deepEqual(asked[3]?.input, { changed: [path.join(folder, 'CLAUDE.md')] });
  asked[3]?.answer('allowed');
  assert.ok(!isDenied(await run('ls')));
  assert.deepEqual(
    kinds().filter((kind) => kind === 'tampered' || kind === 'resumed'),
    ['tampered', 'resumed', 'tampered', 'resumed'],
  );
});

// [GUARDED-1] [GUARDED-12]
test('port, key, suspension and labels outlive the daemon’s run', async (t) => {
  const { run, event, settings, reopen, kept, door, tool, world } = await stage(t);
  const { port, key } = door();
  await event({
    hook_event_name: 'PreToolUse',
    tool_use_id: 's',
    tool_name: 'Read',
    tool_input: { file_path: '/secret.txt' },
  });
  await run('ls');
  assert.deepEqual(kept.now.sessions[0]?.labels, ['secret']);
  await reopen();
  assert.deepEqual([door().port, door().key], [port, key]);
  assert.ok(!isDenied(await run('ls')));
  assert.deepEqual((await tool('whoami'))['labels'], ['secret']);
  writeFileSync(settings, '{"x":1}');
  assert.ok(isSuspended(await run('ls')));
  for (const time of ['once', 'twice']) {
    await reopen();
    assert.ok(isSuspended(await run('ls')), time);
  }
  world.pid = 1001;
  assert.ok(!isDenied(await run('ls')), 'another process is another session');
});

// [GUARDED-12]
test('what is changed while the daemon does not run is an alarm when it does', async (t) => {
  const { run, settings, reopen, kinds, world, reports } = await stage(t);
  await run('ls');
  await reopen(() => writeFileSync(settings, '{"disableAllHooks":true}'));
  assert.ok(isSuspended(await run('ls')));
  assert.equal(kinds().filter((kind) => kind === 'tampered').length, 1);
  world.dead.add(1000);
  await reopen();
  assert.equal(reports.at(-1)?.kind, 'session-end', 'its process has gone meanwhile');
});

// [GUARDED-9]
test('without a further event the alarm comes by itself, and a process that has ended ends its session', async (t) => {
  const { run, settings, kinds, world, door } = await stage(t);
  await run('ls');
  writeFileSync(settings, '{"x":1}');
  const until = async (kind: AuditReport['kind']) => {
    const limit = AbortSignal.timeout(patienceMs);
    while (!kinds().includes(kind)) {
      assert.ok(!limit.aborted, `no ${kind} came`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await until('tampered');
  world.dead.add(1000);
  await until('session-end');
  assert.deepEqual(door().sessions(), []);
});

// [GUARDED-5]
test('a Claude Code that fails open is called so', async (t) => {
  for (const [version, program] of [
    ['2.1.294', 'claude-code 2.1.294, fails open below 2.1.295'],
    [undefined, 'claude-code, version unknown'],
  ] as const) {
    const { run, door } = await stage(t, { version });
    await run('ls');
    const [session] = door().sessions();
    assert.equal(session?.program, program);
    assert.equal(session?.isFit, false);
  }
});

// [GUARDED-6]
test('sessions are bounded', async (t) => {
  const { run, world } = await stage(t);
  for (let pid = 1; pid <= 64; pid += 1) {
    world.pid = pid;
    assert.ok(!isDenied(await run('ls')), String(pid));
  }
  world.pid = 65;
  assert.ok(isDenied(await run('ls')));
  world.pid = 64;
  assert.ok(!isDenied(await run('ls')));
});

// [GUARDED-1]
test('a port that is taken is said to be', async (t) => {
  const { agent, kept } = await stage(t);
  const second = new GuardedDoor({ agent, ports: { primitives } as Ports, kept: kept.now, keep: () => {}, runs: () => false });
  await assert.rejects(second.open(), { code: 'port_taken' });
});
