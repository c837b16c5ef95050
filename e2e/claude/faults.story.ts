// What becomes of an act when the guard fails, with the real Claude Code: whatever the fault, the tool that it was about to call does not run. Some arms
// run in CI, all of them with `npm run soak`; docs/guard-faults.md has the table.

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { share } from '../../packages/testkit/src/shares.ts';
import { callMcp, mcpFiles } from './mcp-tool.ts';
import { play, type Scene } from './rig.ts';

const timeoutsMs = { act: 1_500, event: 1_500 };
const script = [{ tool: 'Bash', input: { command: 'touch ran', description: 'makes a file' } }];
const pass = JSON.stringify({ holdfast: 'pass' });
const json = { 'content-type': 'application/json' };

type Side = 'hook' | 'mod' | 'both';

interface Fault {
  /** Who meets it in CI; under soak each side does. A mod whose request hangs keeps Claude Code for half a minute at its end. */
  readonly ci: Side;
  /** What the door says then. Connections left open end with the session. */
  readonly fail: (response: ServerResponse) => void;
}

const faults: Readonly<Record<string, Fault>> = {
  'drops the connection': { ci: 'mod', fail: (response) => response.destroy() },
  'never answers': { ci: 'hook', fail: () => {} },
  'stalls after one byte': {
    ci: 'both',
    fail: (response) => response.writeHead(200, { ...json, 'content-length': 100 }).write('{'),
  },
  'stalls within the head': { ci: 'hook', fail: (response) => response.socket?.write('H') },
  'answers late': {
    ci: 'mod',
    fail: (response) => setTimeout(() => response.writeHead(200, json).end(pass), timeoutsMs.act + 1_000),
  },
  'permission denied': {
    ci: 'both',
    fail: (response) => response.writeHead(403, json).end('{"error":"permission denied"}'),
  },
  'answers an error': { ci: 'hook', fail: (response) => response.writeHead(500, json).end('{"error":"broken"}') },
  'redirects to a yes': { ci: 'mod', fail: (response) => response.writeHead(302, { location: '/v1/status' }).end() },
  'answers text': { ci: 'hook', fail: (response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('allowed') },
  'answers noise': { ci: 'mod', fail: (response) => response.writeHead(200, json).end(Buffer.from([0xff, 0x00, 0x7b, 0xfe])) },
  'answers half an object': {
    ci: 'hook',
    fail: (response) => response.writeHead(200, json).end('{"hookSpecificOutput":{"hookEventName":"PreToolUse"'),
  },
  'answers another shape': {
    ci: 'hook',
    fail: (response) =>
      response.writeHead(200, json).end('{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"perhaps"}}'),
  },
  // Settings hooks take it for a pass; the mod does not.
  'answers an empty object': { ci: 'both', fail: (response) => response.writeHead(200, json).end('{}') },
  'answers what is no HTTP': { ci: 'both', fail: (response) => response.socket?.end('SSH-2.0-broken\r\n') },
};

const soaking = share({ ci: 1, soak: 2 }) === 2;
const arms = Object.entries(faults).flatMap(([fault, { ci, fail }]) => {
  // By the hook alone an empty object is how a pass is said.
  const sides: readonly Side[] = fault === 'answers an empty object' ? ['mod', 'both'] : ['hook', 'mod', 'both'];
  return sides.filter((side) => soaking || side === ci).map((side) => ({ fault, fail, side }));
});

describe('a guard that fails, in the real Claude Code', () => {
  it('lets the tool run when nothing fails: the arms below mean something', async (t) => {
    assert.ok((await play(t, { script, timeoutsMs })).exists('ran'));
  });

  for (const { fault, fail, side } of arms) {
    it(`${side}: ${fault}`, async (t) => {
      let failed = 0;
      const breaks: Scene['fault'] = (by, response) => {
        if (side !== 'both' && by !== side) return false;
        failed += 1;
        fail(response);
        return true;
      };
      const played = await play(t, { script, timeoutsMs, fault: breaks });
      assert.ok(failed > 0, 'the fault was met');
      assert.ok(!played.exists('ran'));
    });
  }

  it('the socket is gone when the model has answered', async (t) => {
    // Claude Code goes on asking the model for minutes otherwise.
    const played = await play(t, { script, timeoutsMs, closes: true, environment: { CLAUDE_CODE_MAX_RETRIES: '0' } });
    assert.equal(played.requests.filter(({ url }) => url.startsWith('/v1/messages')).length, 1);
    assert.ok(!played.exists('ran'));
  });

  it('nobody listens where the guard should be: nothing is even asked of the model', async (t) => {
    const played = await play(t, { script, timeoutsMs, closed: true });
    assert.ok(!played.exists('ran'));
  });
});

const touch = { tool: 'Bash', input: { command: 'touch ran', description: 'makes a file' } };
const helper = (background: boolean) => ({
  tool: 'Agent',
  input: { description: 'helps', prompt: 'SUBTASK', subagent_type: 'general-purpose', run_in_background: background },
});

/** Whoever acts, and however. */
const actors: Readonly<Record<string, Scene>> = {
  'a sub-agent': { script: [helper(false)], subagents: { SUBTASK: [touch] } },
  'a sub-agent in the background': { script: [helper(true)], subagents: { SUBTASK: [touch] } },
  'a command in the background': { script: [{ tool: 'Bash', input: { ...touch.input, run_in_background: true } }] },
  'an MCP tool': { script: callMcp({ file: 'ran' }), files: mcpFiles },
  'bypassed permissions': { script: [touch], words: ['--dangerously-skip-permissions'] },
  'two at once': { script: [[touch, { tool: 'Write', input: { file_path: 'ran', content: '' } }]] },
};

describe('a guard that fails, whoever acts', () => {
  for (const [actor, scene] of Object.entries(actors)) {
    it(`${actor}: runs with a guard`, async (t) => assert.ok((await play(t, scene)).exists('ran')));

    it(`${actor}: does not run without one`, async (t) => {
      let act = 0;
      // What leads to the act may happen.
      const leads = (body: string) => /"tool_name":"(?:Agent|ToolSearch)"/.test(body);
      const fault: Scene['fault'] = (_by, response, body) => {
        if (!/"hook_event_name":"(?:PreToolUse|Gate)"/.test(body) || leads(body)) return false;
        act += 1;
        response.writeHead(500, json).end('{}');
        return true;
      };
      const played = await play(t, { ...scene, timeoutsMs, fault });
      assert.ok(act > 0, 'the fault was met');
      assert.ok(!played.exists('ran'));
    });
  }
});

/** What becomes of the one hook that is a program: it decides nothing, so what is denied stays denied, and bedrock comes with the first turn. */
const programs: Readonly<Record<string, { readonly ci?: true; readonly text?: string; readonly mode?: number }>> = {
  missing: { ci: true },
  'not executable': { text: '#!/bin/sh\n', mode: 0o644 },
  'killed in the midst': { text: '#!/bin/sh\nprintf "{"; kill -9 $$\n' },
  'printing noise before a yes': {
    ci: true,
    text: `#!/bin/sh\nhead -c 4096 /dev/urandom\necho '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}'\n`,
  },
  'never ending': { text: '#!/bin/sh\nexec sleep 1000\n' },
  'ending with an error': { text: '#!/bin/sh\necho denied >&2; exit 1\n' },
};

describe('the program of the start’s hook', () => {
  for (const [fault, { ci, text, mode = 0o755 }] of Object.entries(programs)) {
    if (ci === undefined && !soaking) continue;
    it(`${fault}: what rules deny does not run, and bedrock is there`, async (t) => {
      const rules = 'rules:\n  no-touch:\n    deny: shell\n    command: touch\n    reason: Not here.\n';
      const played = await play(t, {
        rules,
        timeoutsMs,
        startProgram: './start-hook',
        ...(text !== undefined && { files: { 'start-hook': text }, modes: { 'start-hook': mode } }),
        bedrock: () => ({ version: 1, texts: ['This repo deploys on Fridays only.'] }),
        script: [touch, { tool: 'Bash', input: { command: 'mkdir allowed', description: 'makes a folder' } }],
      });
      assert.ok(!played.events.some(({ hook_event_name: name }) => name === 'SessionStart'), 'the fault was met');
      assert.ok(!played.exists('ran') && played.exists('allowed'));
      const asked = played.requests.filter(({ url }) => url.startsWith('/v1/messages'));
      assert.ok(asked.length > 0 && asked.every(({ body }) => body.includes('deploys on Fridays only')));
    });
  }
});

const deny =
  'rules:\n  no-touch:\n    deny: shell\n    command: touch\n    reason: Not here.\n  no-demo:\n    deny: mcp\n    server: demo\n    reason: Not here.\n';
const nested = (depth: number) => `{"file":"ran","about":${'['.repeat(depth)}${']'.repeat(depth)}}`;

/** What the guard must read before it can deny. */
const inputs: Readonly<Record<string, Scene>> = {
  'one byte': { script: [{ tool: 'Bash', input: { command: ':', description: '' } }] },
  'one byte after the command': { script: [{ tool: 'Bash', input: { command: 'touch r', description: '' } }] },
  '200 KB': { script: [{ tool: 'Bash', input: { command: `touch ran # ${'x'.repeat(200_000)}`, description: 'x' } }] },
  '5 MB': { script: [{ tool: 'Bash', input: { command: `touch ran # ${'x'.repeat(5_000_000)}`, description: 'x' } }] },
  '5 MB of content': { script: [{ tool: 'Write', input: { file_path: 'ran', content: 'x'.repeat(5_000_000) } }] },
  'half a character': { script: [{ tool: 'Bash', input: { command: 'touch ran # \ud800', description: '\udfff' } }] },
  '10,000 levels': { script: callMcp(nested(10_000)), files: mcpFiles },
};

describe('input that is hard to judge', () => {
  for (const [input, scene] of Object.entries(inputs)) {
    it(input, async (t) => {
      const rules = deny.replace('deny: shell', 'deny: [shell, write]').replace('    command: touch\n', '');
      const played = await play(t, { rules, ...scene });
      assert.ok(!played.exists('ran') && !played.exists('r'));
      assert.ok(played.acts.some(({ allowed }) => !allowed) || played.faults.length > 0, 'the guard was asked');
    });
  }
});
