// What a rule set changes, whom that concerns, and what it would have done to recorded acts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { concernedBy, idsOf, ruleChanges } from '@holdfast/protocol/rules/changes';
import { compile } from '@holdfast/protocol/rules/compile';
import { besideText, heldAgainst, stoppedText } from '@holdfast/protocol/rules/history';
import { parseRules } from '@holdfast/protocol/rules/language';
import { writeRules } from '@holdfast/protocol/rules/write';

const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const setOf = (...rules: string[]) => parseRules(`rules:\n${rules.map((each) => `  ${each}\n`).join('')}`);
const push = 'no-push: {deny: shell, command: git push, reason: No.}';
const askPush = 'no-push: {ask: shell, command: git push, reason: No.}';
const research = 'quiet: {deny: fetch, scope: [research*], reason: No.}';
const exempted = 'tidy: {deny: shell, command: rm, unless: {scope: [main]}, reason: No.}';
const agents = ['main', 'research', 'other'].map((scope, index) => ({ id: id(index + 1), scope }));

describe('changes of a rule set', () => {
  const between = (before: readonly string[] | undefined, after: readonly string[]) => {
    const changes = ruleChanges(before && writeRules(setOf(...before)), setOf(...after));
    const concerned = concernedBy(changes, agents).map(({ scope }) => scope);
    return [idsOf(changes, 'added'), idsOf(changes, 'changed'), idsOf(changes, 'removed'), concerned];
  };

  it('are told by rule, with the agents that they can concern', () => {
    assert.deepEqual(between([push, research], [push, research]), [[], [], [], []]);
    assert.deepEqual(between([push], [push, research]), [['quiet'], [], [], ['research']]);
    assert.deepEqual(between([push, research], [askPush, research]), [[], ['no-push'], [], ['main', 'research', 'other']]);
    assert.deepEqual(between([push, exempted], [push]), [[], [], ['tidy'], ['research', 'other']]);
    const hex = '03'.repeat(16);
    assert.deepEqual(between([push], [push, `own: {deny: fetch, agent: ["${hex}"], reason: No.}`])[3], ['other']);
  });

  it('of the first set concern everybody, and a set that cannot be read had nothing', () => {
    assert.deepEqual(between(undefined, [research]), [['quiet'], [], [], ['main', 'research', 'other']]);
    assert.deepEqual(idsOf(ruleChanges('rules: [', setOf(push)), 'added'), ['no-push']);
  });
});

describe('recorded acts', () => {
  const startMs = 1_790_000_000_000;
  const call = (sequence: number, command: string, allowed: boolean): AuditEvent => ({
    ...{ kind: 'tool-call', v: 1, agent: id(1), sequence, run: id(2), atMs: startMs + sequence, monotonicUs: sequence },
    ...{ session: id(3), toolUse: 'u', label: 'reported', tool: 'shell', harness: 'claude-code', name: 'Bash' },
    ...{ act: JSON.stringify({ command }), call: new Uint8Array(32), decision: 'allow', allowed, rules: [] },
  });
  const events = [call(0, 'git push', true), call(1, 'git status', true), call(2, 'git push', false), call(3, 'ls', false)];

  it('are held against rules, of several agents together and by time', () => {
    const rules = compile(setOf(push));
    const logs = [
      { scope: 'main', home: '/home/a', events },
      { scope: 'other', home: '/home/a', events: [call(9, 'git push', true)] },
    ];
    const history = heldAgainst(rules, logs);
    assert.deepEqual(
      history.stopped.map(({ agent, sequence, effect, rules: by }) => [agent, sequence, effect, ...by]),
      [
        ['main', 0, 'deny', 'no-push'],
        ['other', 9, 'deny', 'no-push'],
      ],
    );
    assert.deepEqual([history.calls, history.freed, history.partly], [5, 1, 0]);
    assert.equal(stoppedText(history), 'would have stopped 2 of the 5 recorded acts');
    assert.deepEqual(besideText(history), ['1 that were stopped then would pass']);
    const since = heldAgainst(rules, logs, startMs + 1);
    assert.deepEqual([since.calls, since.stopped.length], [4, 1]);
    assert.equal(stoppedText({ ...since, calls: 4112, stopped: [] }), 'would have stopped 0 of the 4,112 recorded acts');
  });
});
