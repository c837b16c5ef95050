// Rules as the console reads, compares and holds them against what agents did.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { parseRules } from '@holdfast/protocol/rules/language';
import { withPacks } from '@holdfast/protocol/rules/packs/packs';
import { firstSource } from '@holdfast/protocol/rules/source';
import { writeRules } from '@holdfast/protocol/rules/write';
import { helpWords } from '../../../src/screens/rules/help-words.ts';
import { packsIn, withPack } from '../../../src/screens/rules/rule-source.ts';
import { RulesWork, type RulesAnswer, type RulesRequest } from '../../../src/screens/rules/rules-work.ts';
import { changesText, concernsText, heldText, publishText, recordedText } from '../../../src/screens/rules/words.ts';

const agentId = 'aa'.repeat(16);
const agents = [{ id: new Uint8Array(16).fill(0xaa), scope: 'main' }];
const stamp = { v: 1, agent: agents[0]?.id ?? new Uint8Array(), run: new Uint8Array(16), monotonicUs: 0 } as const;

function toolCall(sequence: number, act: string, allowed = true): AuditEvent {
  return {
    ...stamp,
    kind: 'tool-call',
    sequence,
    atMs: 1_790_000_000_000 + sequence,
    session: new Uint8Array(16),
    toolUse: `t${sequence}`,
    label: 'reported',
    tool: 'shell',
    harness: 'claude-code',
    name: 'Bash',
    act: JSON.stringify({ command: act }),
    call: new Uint8Array(32),
    decision: allowed ? 'allow' : 'deny',
    allowed,
    rules: [],
  } as unknown as AuditEvent;
}

async function asked(...requests: readonly RulesRequest[]): Promise<readonly RulesAnswer[]> {
  const answers: RulesAnswer[] = [];
  const work = new RulesWork(
    async () => undefined,
    (answer) => answers.push(answer),
  );
  for (const request of requests) await work.take(structuredClone(request));
  return answers;
}

const read = (source: string, signed?: string): RulesRequest => ({ kind: 'read', id: 1, source, signed, agents, sinceMs: 0 });
const own = `rules:
  no-push:
    deny: shell
    command: git push
    reason: Ask first.
    hits:
      - git push origin main
`;

test('a source is read: what would be signed, its examples, what it changes and whom it concerns', async () => {
  const [answer] = await asked(read(own));
  assert.ok(answer?.kind === 'read');
  assert.deepEqual(
    [answer.set.rules, answer.set.examples, answer.set.failed, answer.set.concerned, answer.set.isFirst],
    [1, 1, [], ['main'], true],
  );
  assert.deepEqual(
    answer.set.changes.map(({ rule, how, before }) => [rule, how, before]),
    [['no-push', 'added', undefined]],
  );
  assert.equal(
    publishText(answer.set, 1),
    'Publish version 1 of the rules: 1 rule, the first; before it agents may only read. It concerns main, from the next act on.',
  );
  const [again] = await asked(read(own, answer.set.text));
  assert.ok(again?.kind === 'read');
  assert.deepEqual(again.set.changes, []);
});

test('a fault is told with its line, and with what was meant', async () => {
  const [answer] = await asked(read(own.replace('deny: shell', 'deny: shel')));
  assert.ok(answer?.kind === 'wrong');
  assert.equal(answer.fault.line, 3);
  assert.match(answer.fault.message, /no such tool: shel/);
  assert.match(answer.fault.next ?? '', /shell/);
});

test('examples that do not hold are told one by one', async () => {
  const [answer] = await asked(read(own.replace('git push origin main', 'git status')));
  assert.ok(answer?.kind === 'read');
  assert.equal(answer.set.failed.length, 1);
  assert.match(answer.set.failed[0] ?? '', /no-push: `git status` is not caught/);
});

test('rules are held against what was recorded, and each act that they would have stopped is named', async () => {
  const events = [toolCall(0, 'git status'), toolCall(1, 'git push origin main'), toolCall(2, 'rm -rf /', false)];
  const answers = await asked({ kind: 'events', agent: agentId, scope: 'main', events }, read(own));
  const history = answers.find((each) => each.kind === 'history')?.history;
  assert.ok(history);
  assert.deepEqual([history.calls, history.freed], [3, 1]);
  assert.deepEqual(
    history.stopped.map(({ agentId: id, sequence, effect, rules }) => [id, sequence, effect, rules]),
    [[agentId, 1, 'deny', ['no-push']]],
  );
  assert.equal(heldText(history), 'They would have stopped 1 of the 3 recorded acts.');
});

test('what is typed on takes the place of what was asked before', async () => {
  const answers: RulesAnswer[] = [];
  const breath = Promise.withResolvers<void>();
  const work = new RulesWork(
    () => breath.promise,
    (answer) => answers.push(answer),
  );
  await work.take({ kind: 'events', agent: agentId, scope: 'main', events: [toolCall(0, 'git push')] });
  const first = work.take(read(own));
  const second = work.take({ ...read(own), id: 2 } as RulesRequest);
  breath.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(
    answers.flatMap((each) => (each.kind === 'history' ? [each.id] : [])),
    [2],
  );
});

test('a signed set is edited with its packs by their names, and means the same', async () => {
  const signed = writeRules(
    withPacks(parseRules(`packs: [secrets, source-control]\nwithout: source-control/force-push\n${own}`)),
  );
  const [answer, compared] = await asked(
    { kind: 'source', id: 7, signed },
    { kind: 'compare', id: 8, before: signed, after: signed },
  );
  assert.ok(answer?.kind === 'source' && compared?.kind === 'compared');
  assert.deepEqual(compared.changes, []);
  assert.deepEqual(packsIn(answer.source), ['secrets', 'source-control']);
  assert.match(answer.source, /without:\n {2}- source-control\/force-push/);
  assert.match(answer.source, /hits:\n +- git push origin main/, 'what was tried of a rule is tried again');
  assert.equal(writeRules(withPacks(parseRules(answer.source))), signed);
  const [same] = await asked(read(answer.source, signed));
  const [other] = await asked(read(answer.source.replace('origin main', 'origin dev'), signed));
  assert.ok(same?.kind === 'read' && other?.kind === 'read');
  assert.deepEqual(
    [same, other].map(({ set }) => [set.changes.length, set.examples, set.isInForce]),
    [
      [0, 1, true],
      [0, 1, false],
    ],
  );
  const [first] = await asked({ kind: 'source', id: 1, signed: undefined });
  assert.equal(first?.kind === 'source' && first.source, firstSource);
  const [start] = await asked(read(firstSource));
  assert.ok(start?.kind === 'read');
  assert.deepEqual(start.set.failed, []);
});

test('a pack is switched in a source, and nothing else in it', () => {
  const on = withPack(own, 'secrets', true);
  assert.equal(on, `packs: [secrets]\n\n${own}`);
  assert.equal(withPack(on, 'secrets', false), own);
  assert.deepEqual(packsIn(withPack(on, 'destructive', true)), ['secrets', 'destructive']);
  const without = `packs:\n  - secrets\n  - destructive\nwithout:\n  - secrets/env-files\n`;
  assert.deepEqual(packsIn(without), ['secrets', 'destructive']);
  assert.equal(withPack(without, 'secrets', false), 'packs: [destructive]\n');
  assert.equal(withPack('packs: secrets\n', 'secrets', false), 'rules: {}\n');
});

test('changes, agents and acts in words', () => {
  assert.deepEqual(
    ['{"command":"git push"}', '{"url":"https://x","method":"GET"}', '{"paths":["/a","/b"]}', 'no act'].map(recordedText),
    ['git push', 'GET https://x', '/a /b', 'no act'],
  );
  const change = (rule: string, how: 'added' | 'changed' | 'removed') => ({ rule, how, before: undefined, after: undefined });
  assert.equal(changesText([change('a', 'added'), change('b', 'added'), change('c', 'removed')]), 'adds a and b and removes c');
  assert.equal(changesText(['a', 'b', 'c', 'd'].map((id) => change(id, 'changed'))), 'changes 4 rules');
  assert.equal(concernsText([]), 'It concerns no agent that there is');
  assert.equal(concernsText(['a', 'b']), 'It concerns a and b');
  assert.equal(concernsText(['a', 'b', 'c', 'd']), 'It concerns 4 agents');
});

test('no word of the language is missing beside the editor', () => {
  const schema = JSON.parse(readFileSync(new URL('../../../../../spec/rules.schema.json', import.meta.url), 'utf8')) as {
    readonly properties: object;
    readonly $defs: { readonly rule: { readonly properties: object }; readonly conditions: { readonly properties: object } };
  };
  const { rule, conditions } = schema.$defs;
  const known = new Set([schema.properties, rule.properties, conditions.properties].flatMap((each) => Object.keys(each)));
  const told = helpWords.flatMap(({ words }) => Object.keys(words));
  assert.deepEqual(told.toSorted(), [...known].toSorted());
});
