// The guard at the session's door: each event answered in Claude Code's words, and every fault as a decision.

import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { callDigest } from '@holdfast/protocol/approvals/call';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { CallContext, ToolCall } from '@holdfast/protocol/rules/call';
import type { Decision } from '@holdfast/protocol/rules/decide';
import { BedrockContext } from '../../src/guard/bedrock.ts';
import { claudeCodePath, claudeCodeRoutes, type Guarding } from '../../src/guard/claude-code/door.ts';
import { CallTags } from '../../src/guard/call-tags.ts';
import { Guard, type JudgedAct } from '../../src/guard/guard.ts';
import { SubAgents } from '../../src/guard/sub-agents.ts';
import { Turns } from '../../src/guard/turns.ts';
import { agentDoor } from '../../src/session/agent-door.ts';

const allowed: Decision = { effect: 'allow', matched: [], labels: [] };
const denied: Decision = { effect: 'deny', matched: [{ rule: 'r', effect: 'deny', reason: 'Why.' }], labels: [] };

async function serve(t: TestContext, decide: (call: ToolCall, context: CallContext) => Decision) {
  const acts: ToolCall[] = [];
  const judged: JudgedAct[] = [];
  const faults: string[] = [];
  const view = { root: '/nonexistent', home: '/home/agent' };
  const fault = (code: string) => void faults.push(code);
  const guard = new Guard(
    {
      digest: (call) => callDigest(primitives, { agent: new Uint8Array(16), session: new Uint8Array(16) }, call),
      nowMs: () => 1,
      step: () => primitives.random(16),
      policy: () => ({ version: 1, decide }),
      approve: async () => 'denied',
      record: async (act) => {
        judged.push(act);
        acts.push(act.call);
      },
      fault,
    },
    { agent: 'a', scope: 'main', mode: 'sealed', view, branch: () => undefined },
  );
  const subAgents = new SubAgents({ nowMs: () => 0, enrol: async () => undefined, retire: () => {} });
  const tags = new CallTags((length) => new Uint8Array(length).fill(7));
  const turns = new Turns((length) => primitives.random(length));
  const prompts: (string | undefined)[] = [];
  const prompted: Guarding['prompted'] = async ({ conversation, prompt }) => {
    turns.begin(conversation);
    prompts.push(prompt);
  };
  const bedrock = new BedrockContext(() => ({ version: 1, texts: ['Fridays only.'] }));
  const server = createServer(
    agentDoor(
      () => {},
      claudeCodeRoutes(() => ({ guard, subAgents, tags, turns, prompted, bedrock, view, settings: 'fixed', fault })),
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const ask = (body: unknown, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    new Promise<{ status: number; told: unknown }>((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port, path: claudeCodePath, method: 'POST', headers, agent: false },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, told: JSON.parse(text) }));
        },
      );
      sent.on('error', reject);
      sent.end(body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body));
    });
  return { ask, acts, judged, turns, prompts, faults, port };
}

const common = { session_id: 's', cwd: '/tree' };
const act = (command: string) => ({
  ...common,
  hook_event_name: 'PreToolUse',
  tool_use_id: 'toolu_1',
  tool_name: 'Bash',
  tool_input: { command },
});

/** What is answered to a shell call that may run: its tag is the same in all of these. */
const tagged = (command: string) => ({
  hookSpecificOutput: { hookEventName: 'PreToolUse', updatedInput: { command: `# hft_${'BwcH'.repeat(10)}Bwc\n${command}` } },
});

// [GUARD-7]
test('an act is answered in Claude Code’s words, and an answer never grants', async (t) => {
  const { ask, acts } = await serve(t, ({ command }) => (command === 'bad' ? denied : allowed));
  assert.deepEqual(await ask(act('ls')), { status: 200, told: tagged('ls') });
  assert.deepEqual((await ask(act('bad'))).told, {
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: 'deny',
      permissionDecisionReason: 'Holdfast: This is not allowed. Why. (rule r)',
    },
  });
  assert.deepEqual(
    acts.map(({ harness, tool }) => [harness, tool]),
    [
      ['claude-code', 'shell'],
      ['claude-code', 'shell'],
    ],
  );
});

test('a rewrite replaces the input, a warning is said to the agent; neither grants', async (t) => {
  const rewrite: Decision = { ...allowed, input: { command: 'ls -l' } };
  const warn: Decision = { effect: 'warn', matched: [{ rule: 'r', effect: 'warn', reason: 'Why.' }], labels: [] };
  const { ask } = await serve(t, ({ command }) => (command === 'ls' ? rewrite : command === 'rm' ? warn : allowed));
  assert.deepEqual((await ask(act('ls'))).told, tagged('ls -l'));
  const { hookSpecificOutput } = tagged('rm');
  assert.deepEqual((await ask(act('rm'))).told, {
    hookSpecificOutput: { ...hookSpecificOutput, additionalContext: 'Holdfast warns: Why. (rule r)' },
  });
});

// [GUARD-12]
test('a gate is answered by one of two words; a rewrite cannot be done there', async (t) => {
  const { ask } = await serve(t, ({ command }) =>
    command === 'bad' ? denied : command === 'old' ? { ...allowed, input: { command: 'new' } } : allowed,
  );
  const gate = (command: string) => ({ ...act(command), hook_event_name: 'Gate', tool_use_id: undefined });
  assert.deepEqual((await ask(gate('ls'))).told, { holdfast: 'pass' });
  assert.deepEqual((await ask(gate('bad'))).told, { holdfast: 'deny', reason: 'Holdfast: This is not allowed. Why. (rule r)' });
  assert.equal(((await ask(gate('old'))).told as { holdfast: string }).holdfast, 'deny');
});

// [GUARD-12]
test('a gate need not say where, if the hook said it of that call, and said one place only', async (t) => {
  const { ask, acts, faults } = await serve(t, ({ command }) => (command === 'bad' ? denied : allowed));
  const gate = (command: string, more: object = {}) => ({ ...act(command), hook_event_name: 'Gate', cwd: undefined, ...more });
  assert.deepEqual((await ask(gate('ls'))).told, { holdfast: 'where' }, 'nobody said it');
  await ask(act('ls'));
  assert.deepEqual((await ask(gate('ls'))).told, { holdfast: 'pass' });
  assert.equal((await ask(gate('bad'))).told instanceof Object && acts.length, 2, 'another input is judged anew');
  assert.deepEqual((await ask(gate('ls', { tool_use_id: 'toolu_2' }))).told, { holdfast: 'where' }, 'another call');
  await ask({ ...act('ls'), cwd: '/elsewhere' });
  assert.deepEqual((await ask(gate('ls'))).told, { holdfast: 'where' }, 'two places');
  assert.deepEqual((await ask(gate('ls', { cwd: '/tree' }))).told, { holdfast: 'pass' });
  assert.deepEqual(faults, []);
  const nameless = (await ask(gate('ls', { tool_use_id: undefined }))).told as { decision: string };
  assert.equal(nameless.decision, 'block', 'no call of the model’s');
});

test('other events: bedrock where a context begins, settings stay, a typed skill is an act, the rest is heard', async (t) => {
  const { ask, acts } = await serve(t, ({ tool }) => (tool === 'skill' ? denied : allowed));
  const said = async (event: string, more: object = {}) => (await ask({ ...common, hook_event_name: event, ...more })).told;
  const start = (await said('SessionStart', { source: 'startup' })) as { hookSpecificOutput: Record<string, string> };
  assert.equal(start.hookSpecificOutput['hookEventName'], 'SessionStart');
  assert.match(start.hookSpecificOutput['additionalContext'] ?? '', /Fridays only/);
  assert.deepEqual(await said('UserPromptSubmit', { prompt: 'x' }), {});
  assert.match(JSON.stringify(await said('SubagentStart', { agent_id: 'a1' })), /Fridays only/);
  assert.match(JSON.stringify(await said('ConfigChange', { source: 'user_settings' })), /"decision":"block"/);
  const typed = {
    expansion_type: 'slash_command',
    command_name: 'deploy',
    command_args: 'now',
    command_source: 'projectSettings',
  };
  assert.deepEqual(await said('UserPromptExpansion', typed), {
    decision: 'block',
    reason: 'Holdfast: This is not allowed. Why. (rule r)',
  });
  assert.deepEqual(
    acts.map(({ tool, text }) => [tool, text]),
    [['skill', 'deploy now']],
  );
  assert.deepEqual(await said('InstructionsLoaded', { file_path: '/tree/CLAUDE.md' }), {});
  for (const event of ['PostToolUse', 'PostToolUseFailure']) assert.deepEqual(await said(event, { tool_use_id: 'toolu_1' }), {});
  for (const event of ['Stop', 'SubagentStop', 'PreCompact', 'SessionEnd']) assert.deepEqual(await said(event), {});
  assert.match(JSON.stringify(await said('UserPromptSubmit', { prompt: 'x' })), /Fridays only/, 'after a compaction');
});

// [GUARD-27] [GUARD-28]
test('a sub-agent acts under its type and those above it, from whatever event tells of it first', async (t) => {
  const seen: (CallContext['subagent'] | 'itself')[] = [];
  const { ask } = await serve(t, (_call, { subagent }) => {
    seen.push(subagent ?? 'itself');
    return allowed;
  });
  const by = (agent_id: string, agent_type?: string) => ({ agent_id, agent_type });
  const helper = { tool_name: 'Agent', tool_input: { prompt: 'x', subagent_type: 'helper' } };
  await ask(act('ls'));
  await ask({ ...act(''), tool_use_id: 'toolu_2', tool_name: 'Agent', tool_input: { prompt: 'x', subagent_type: 'Explore' } });
  await ask({ ...common, hook_event_name: 'SubagentStart', ...by('a1', 'Explore') });
  await ask({ ...act('ls'), tool_use_id: 'toolu_3', ...by('a1') });
  await ask({ ...act(''), ...helper, tool_use_id: 'toolu_4', ...by('a1', 'Explore') });
  await ask({ ...act('ls'), tool_use_id: 'toolu_5', ...by('a2', 'helper') });
  await ask({ ...common, hook_event_name: 'SubagentStop', ...by('a2', 'helper') });
  await ask({ ...act('ls'), tool_use_id: 'toolu_6', ...by('a2', 'helper') });
  assert.deepEqual(seen, ['itself', 'itself', ['Explore'], ['Explore'], ['helper', 'Explore'], ['helper', 'Explore']]);
});

// [GUARD-30]
test('a shell call, the agent’s own or a sub-agent’s, carries a tag that rules and record do not see; other calls carry none', async (t) => {
  const { ask, acts } = await serve(t, ({ command }) => (command === 'bad' ? denied : allowed));
  const by = { agent_id: 'a1', agent_type: 'Explore' };
  const told = (await ask({ ...act('ls'), ...by })).told as { hookSpecificOutput: { updatedInput: { command: string } } };
  const { updatedInput } = told.hookSpecificOutput;
  assert.match(updatedInput.command, /^# hft_[A-Za-z0-9_-]{43}\nls$/);
  assert.deepEqual((await ask({ ...act(updatedInput.command), ...by, hook_event_name: 'Gate' })).told, { holdfast: 'pass' });
  assert.deepEqual((await ask({ ...act('ls'), ...by })).told, told, 'asked again, it is the same');
  assert.deepEqual((await ask({ ...act('ls'), tool_use_id: 'toolu_2' })).told, tagged('ls'));
  const read = { tool_use_id: 'toolu_3', tool_name: 'Read', tool_input: { file_path: 'x' } };
  assert.deepEqual((await ask({ ...act(''), ...read, ...by })).told, {});
  assert.match(JSON.stringify((await ask({ ...act('bad'), tool_use_id: 'toolu_4', ...by })).told), /"permissionDecision":"deny"/);
  assert.deepEqual(
    acts.map(({ command, paths }) => command ?? paths?.[0]),
    ['ls', 'ls', '/tree/x', 'bad'],
  );
});

// [GUARD-6]
test('whatever cannot be read is answered as a decision that blocks, and leaves a fault', async (t) => {
  const { ask, acts, faults } = await serve(t, () => allowed);
  const bodies: readonly (readonly [unknown, string])[] = [
    ['x', 'usage'],
    ['{', 'usage'],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'usage'],
    [`{"hook_event_name":"PreToolUse","tool_input":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'codec_limit'],
    [{ ...act('ls'), hook_event_name: 'Unheard' }, 'codec_shape'],
    [{ ...act('ls'), tool_input: {} }, 'codec_shape'],
    [{ ...act('ls'), tool_name: 7 }, 'codec_shape'],
  ];
  for (const [body, code] of bodies) {
    assert.deepEqual(await ask(body), {
      status: 200,
      told: { decision: 'block', reason: `Holdfast could not judge this (${code}), so it does not happen.` },
    });
    assert.equal(faults.at(-1), code);
  }
  assert.equal((await ask(act('ls'), { 'content-type': 'text/plain' })).status, 200);
  assert.equal(faults.at(-1), 'usage');
  assert.deepEqual(acts, []);
});

// [GUARD-1]
test('five megabytes are judged; what is longer than eight is not, and the connection ends', async (t) => {
  const { ask, acts, faults, port } = await serve(t, ({ command }) => (command?.endsWith('bad') === true ? denied : allowed));
  assert.match(JSON.stringify((await ask(act(`${'x'.repeat(5 << 20)}bad`))).told), /"permissionDecision":"deny"/);
  assert.equal(acts.length, 1);
  const head = `POST ${claudeCodePath} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${9 << 20}\r\n\r\n`;
  const answered = await new Promise<string>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    socket.write(head);
    socket.write(Buffer.alloc(9 << 20, ' '));
  });
  assert.match(answered, /^HTTP\/1\.1 200 .*connection: close.*"decision":"block".*limit_exceeded/is);
  assert.deepEqual(faults, ['limit_exceeded']);
});

// [GUARD-32] [AUDIT-50] [AUDIT-52]
test('a prompt begins a turn under an id that nobody but the daemon chose, and what follows is of that turn', async (t) => {
  const { ask, judged, turns, prompts, faults } = await serve(t, () => allowed);
  const ids = { trace: 'aa'.repeat(16), trace_id: 'aa'.repeat(16), step: 'bb'.repeat(16), from: 'bb'.repeat(16) };
  const prompt = (session_id: string) =>
    ask({ ...common, ...ids, session_id, hook_event_name: 'UserPromptSubmit', prompt: 'hi' });
  const call = (session_id: string, tool_use_id: string) => ask({ ...act('ls'), ...ids, session_id, tool_use_id });
  await call('s', 'toolu_0');
  await prompt('s');
  const first = turns.of('s');
  await call('s', 'toolu_1');
  await call('other', 'toolu_2');
  await prompt('s');
  await call('s', 'toolu_3');
  assert.deepEqual(
    judged.map(({ cause }) => cause.trace),
    [undefined, first, undefined, turns.of('s')],
  );
  assert.notDeepEqual(first, turns.of('s'));
  for (const { step, cause } of judged)
    for (const id of [step, cause.trace])
      assert.ok(id === undefined || !['aa', 'bb'].includes(Buffer.from(id).toString('hex').slice(0, 2)) || id[1] !== id[0]);
  assert.deepEqual([prompts, faults], [['hi', 'hi'], []]);
});
