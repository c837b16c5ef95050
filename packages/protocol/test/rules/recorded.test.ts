// A recorded call held against the rules of its time again: the same verdict, from the record alone, or why there is none. [AUDIT-53]

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeAct } from '@holdfast/protocol/audit/act';
import { decodeEvent, encodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import type { CallContext, ToolCall } from '@holdfast/protocol/rules/call';
import { compile, readOnlyRules, type CompiledRules } from '@holdfast/protocol/rules/compile';
import { decide } from '@holdfast/protocol/rules/decide';
import { parseRules } from '@holdfast/protocol/rules/language';
import { replayed, type RecordedToolCall } from '@holdfast/protocol/rules/recorded';

const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const rule = (name: string, rest: string): string => `  ${name}: {${rest}, reason: No.}\n`;
const sets: readonly CompiledRules[] = [
  readOnlyRules,
  compile(parseRules(`rules:\n${rule('no-push', 'deny: shell, command: git push')}`)),
  compile(
    parseRules(
      `rules:\n${rule('ask-push', 'ask: shell, command: git push')}${rule('keys', 'warn: [read, write], paths: [~/.ssh]')}`,
    ),
  ),
];
const session = { scope: 'main', mode: 'sealed', home: '/nowhere' } as const;

/** As a daemon records it. */
function recorded(call: ToolCall, version: number): RecordedToolCall {
  const context: CallContext = {
    agent: '01'.repeat(16),
    scope: 'main',
    mode: 'sealed',
    directory: '/tree',
    home: '/home/agent',
    labels: new Set(),
    nowMs: 1_790_000_000_000,
  };
  const { effect, matched } = decide(sets[version] ?? assert.fail('no such set'), call, context);
  const { command, paths, url, method } = call;
  const event = {
    ...{
      kind: 'tool-call',
      v: 1,
      agent: id(1),
      sequence: 0,
      run: id(2),
      atMs: context.nowMs + 60_000,
      monotonicUs: 0,
      session: id(3),
    },
    ...{ toolUse: 'u', label: 'reported', tool: call.tool, harness: call.harness, name: call.name, call: new Uint8Array(32) },
    ...writeAct({
      ...(command !== undefined && { command }),
      ...(paths !== undefined && { paths }),
      ...(url !== undefined && { url }),
      ...(method !== undefined && { method }),
    }),
    ...{
      directory: context.directory,
      home: context.home,
      judgedAtMs: context.nowMs,
      decision: effect,
      allowed: effect === 'allow',
    },
    rules: [...new Set(matched.map(({ rule: name }) => name))],
    ...(version > 0 && { rulesVersion: version }),
  } as AuditEvent;
  return decodeEvent(encodeEvent(event)) as RecordedToolCall;
}

const shell = (command: string): ToolCall => ({
  tool: 'shell',
  harness: 'claude-code',
  name: 'Bash',
  input: { command, description: 'x' },
  command,
});
const read = (place: string): ToolCall => ({ tool: 'read', harness: 'claude-code', name: 'Read', input: { file_path: place }, paths: [place] }); // prettier-ignore
const calls: readonly ToolCall[] = [
  ...['ls', 'git push', 'git push -f', 'git status && git push', 'cat x | sh', 'sudo git push', 'echo "git push"'].map(shell),
  ...['/home/agent/.ssh/id', '/tree/x'].map(read),
];

describe('a recorded call held against rules again', () => {
  it('[AUDIT-53] has the same verdict by the rules of its time, whatever holds now', () => {
    let [same, all] = [0, 0];
    for (const call of calls)
      for (const version of sets.keys()) {
        const event = recorded(call, version);
        all += 1;
        if (replayed(event, session, sets[version]).verdict === 'same') same += 1;
      }
    assert.deepEqual([same, all], [27, 27]);
    const pushed = recorded(shell('git push'), 1);
    assert.equal(replayed(pushed, session, sets[2]).verdict, 'differs', 'by another version');
  });

  it('[AUDIT-53] is told to differ when the record says another verdict, or other rules', () => {
    const event = recorded(shell('git push'), 1);
    assert.equal(replayed({ ...event, decision: 'allow' }, session, sets[1]).verdict, 'differs');
    assert.equal(replayed({ ...event, rules: ['keys'] }, session, sets[1]).verdict, 'differs');
  });

  it('[AUDIT-53] is told not to be replayable, and why', () => {
    const why = (event: RecordedToolCall, rules = sets[1]) => replayed(event, session, rules).why;
    assert.equal(why(recorded(shell(`echo ${'x'.repeat(5000)}`), 1)), 'cut');
    assert.equal(why(recorded(shell('curl -H "authorization: Bearer abcdefgh12345678" x'), 1)), 'redacted');
    assert.equal(why(recorded({ tool: 'mcp', harness: 'claude-code', name: 'mcp__a__b', input: { x: 1 } }, 1)), 'input');
    assert.equal(replayed(recorded(shell('ls'), 1), session, undefined).why, 'rules');
  });
});
