// Classes of events, and the story of one act. [AUDIT-28] [AUDIT-29]

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { classNames, kindsOf, storyOf, traceOf } from '@holdfast/protocol/audit/classes';
import { encodeEvent, type AuditEvent, type AuditReport } from '@holdfast/protocol/audit/event';

const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const hash = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

const log: AuditEvent[] = [];
/** Appends, and gives its number. */
function add(report: AuditReport): number {
  const sequence = log.length;
  const event = {
    ...report,
    v: 1,
    agent: id(1),
    sequence,
    run: id(2),
    atMs: 1_790_000_000_000,
    monotonicUs: sequence,
  } as AuditEvent;
  encodeEvent(event); // one that a daemon could write
  log.push(event);
  return sequence;
}

const request = { method: 'GET', host: 'api.example.com', port: 443, path: '/', digest: hash(9) };
const [session, other] = [id(3), id(4)];
const use = { session, handle: id(5), grant: id(6), item: id(7) };
const delegated = {
  kind: 'delegated',
  session,
  of: 'sub-agent',
  key: hash(8),
  capabilities: [],
  depth: 0,
  expiresAtMs: 1_790_000_100_000,
} as const;
const call = (which: number, child?: Uint8Array): AuditReport => ({
  kind: 'tool-call', session, ...(child !== undefined && { child }), toolUse: `use-${which}`, label: 'reported', tool: 'shell', harness: 'claude-code', name: 'Bash',
  act: '{"command":"ls"}', call: hash(which), decision: 'ask', allowed: true, rules: ['careful'], rulesVersion: 2,
}); // prettier-ignore

add({ kind: 'daemon-start', version: '0.1.0' });
const enrolled = add({ kind: 'enrolled', custody: 'software' });
add({ kind: 'rules-set', version: 1, hash: hash(1) });
const rules = add({ kind: 'rules-set', version: 2, hash: hash(2) });
const granted = add({ kind: 'granted', grant: id(6), item: id(7), name: 'demo', grantedAtMs: 1 });
add({ kind: 'granted', grant: id(16), item: id(17), name: 'unused', grantedAtMs: 1 });
const started = add({ kind: 'session-start', session, mode: 'sealed', program: 'claude' });
add({ kind: 'session-start', session: other, mode: 'sealed', program: 'curl' });
const parent = add({ ...delegated, child: id(20), name: 'above' });
const child = add({ ...delegated, child: id(21), parent: id(20), name: 'below' });
add({ ...delegated, child: id(22), name: 'beside' });
const asked = add({ kind: 'asked', session, child: id(21), ask: id(30), call: hash(40), lifeMs: 1000, rules: ['careful'] });
add({ kind: 'asked', session: other, ask: id(31), call: hash(40), lifeMs: 1000, rules: ['careful'] });
const answered = add({ kind: 'answered', session, child: id(21), ask: id(30), outcome: 'allowed', device: id(50) });
const called = add(call(40, id(21)));
add(call(41));
const minted = add({ kind: 'minted', ...use, name: 'demo', request });
const consumed = add({ kind: 'consumed', ...use, request: hash(9) });
add({ kind: 'minted', ...use, handle: id(15), name: 'demo', request });
const credentialed = add({ kind: 'credentialed', ...use, credentialedUs: 5, sent: true });
const prompt = add({ kind: 'prompted', session, trace: id(60), label: 'reported', harness: 'claude-code', prompt: hash(60) });
add({ kind: 'prompted', session, trace: id(61), label: 'reported', harness: 'claude-code' });
const began = add({ ...call(42), trace: id(60), step: id(62) } as AuditReport);
const helper = add({ ...delegated, child: id(63), name: 'helper', trace: id(60), from: id(62) });
const its = add({ ...call(43, id(63)), trace: id(60), step: id(64) } as AuditReport);
const sent = add({ kind: 'request', session, child: id(63), trace: id(60), from: id(64), request });
const ended = add({ kind: 'session-end', session, exitCode: 0 });

const told = (sequence: number): number[] => storyOf(log, sequence).map((event) => event.sequence);

describe('classes of events', () => {
  it('[AUDIT-28] each kind is of one class, and is asked for by its own name too', () => {
    const kinds = classNames.flatMap((name) => [...(kindsOf(name) ?? [])]);
    assert.equal(new Set(kinds).size, kinds.length);
    assert.deepEqual(
      [...(kindsOf('rules') ?? [])],
      ['audit-policy', 'pruned', 'erased', 'silenced', 'rules-set', 'bedrock-changed'],
    );
    assert.deepEqual([...(kindsOf('consumed') ?? [])], ['consumed']);
    for (const word of ['', 'nothing', 'toString', '__proto__']) assert.equal(kindsOf(word), undefined);
  });
});

describe('the story of one act', () => {
  it('[AUDIT-29] of a call: its question, its answer, who made it up to the enrolment, its session and its rules', () => {
    for (const event of [asked, answered, called]) {
      assert.deepEqual(told(event), [enrolled, rules, started, parent, child, asked, answered, called, ended]);
    }
  });

  it('[AUDIT-29] of a use: its handle from minting to overwriting, and its grant', () => {
    for (const event of [minted, consumed, credentialed])
      assert.deepEqual(told(event), [enrolled, granted, started, minted, consumed, credentialed, ended]);
  });

  it('[AUDIT-29] [AUDIT-51] of a request: its call, the call that began who made it, and the prompt that began all of it', () => {
    assert.deepEqual(told(sent), [enrolled, rules, started, prompt, began, helper, its, sent, ended]);
    assert.deepEqual(traceOf(log[sent] as AuditEvent), id(60));
    assert.deepEqual(traceOf(log[consumed] as AuditEvent), session);
    assert.equal(traceOf(log[rules] as AuditEvent), undefined);
  });

  it('[AUDIT-29] of what stands alone: itself and the enrolment; of no event: nothing', () => {
    assert.deepEqual(told(rules), [enrolled, rules]);
    assert.deepEqual(told(log.length), []);
  });
});
