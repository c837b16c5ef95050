// What events say, their stories in chapters, and the filters by which people find them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';

import { classNames, classOf, type EventKind } from '@holdfast/protocol/audit/classes';
import { encodeEvent, type AuditEvent, type AuditReport } from '@holdfast/protocol/audit/event';
import { eventFilter, formatFilter, parseFilter, type AuditFilter } from '@holdfast/protocol/audit/filter';
import { byWhom, namesIn, outcomes, partsOf } from '@holdfast/protocol/audit/sentence';
import { toldStory } from '@holdfast/protocol/audit/story';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import { share } from '@holdfast/testkit/shares';

const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const hash = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

const log: AuditEvent[] = [];
/** Appends, and gives its number. */
function add(report: AuditReport): number {
  const sequence = log.length;
  const stamp = {
    v: 1 as const,
    agent: id(1),
    sequence,
    run: id(2),
    atMs: 1_790_000_000_000 + 1000 * sequence,
    monotonicUs: sequence,
  };
  const event: AuditEvent = { ...report, ...stamp };
  encodeEvent(event); // one that a daemon could write
  log.push(event);
  return sequence;
}

const request = { method: 'GET', host: 'api.example.com', port: 443, path: '/v1/me', digest: hash(9) };
const [session, child, trace] = [id(3), id(20), id(60)];
const use = { session, child, trace, handle: id(5), grant: id(6), item: id(7) };

add({ kind: 'daemon-start', version: '0.1.0' });
const enrolled = add({ kind: 'enrolled', custody: 'software' });
const rules = add({ kind: 'rules-set', version: 2, hash: hash(2) });
const granted = add({ kind: 'granted', grant: id(6), item: id(7), name: 'demo', grantedAtMs: 1 });
const started = add({ kind: 'session-start', session, mode: 'sealed', program: 'claude', directory: '/home/ada/app' });
const prompt = add({ kind: 'prompted', session, trace, label: 'reported', harness: 'claude-code', prompt: hash(60) });
const delegated = add({
  ...{ kind: 'delegated', session, trace, child, of: 'sub-agent', name: 'research', key: hash(8), capabilities: [], depth: 0 },
  expiresAtMs: 1_790_000_100_000,
});
const asked = add({ kind: 'asked', session, child, trace, ask: id(30), call: hash(40), lifeMs: 1000, rules: ['careful'] });
const answered = add({ kind: 'answered', session, child, trace, ask: id(30), outcome: 'allowed', device: id(50) });
const called = add({
  ...{ kind: 'tool-call', session, child, trace, step: id(62), toolUse: 'use-1', label: 'reported', tool: 'shell' },
  ...{ harness: 'claude-code', name: 'Bash', act: '{"command":"curl x"}', call: hash(40), decision: 'ask', allowed: true },
  ...{ rules: ['careful'], rulesVersion: 2 },
});
const minted = add({ kind: 'minted', ...use, from: id(62), name: 'demo', request });
const consumed = add({ kind: 'consumed', ...use, from: id(62), request: hash(9) });
const credentialed = add({ kind: 'credentialed', ...use, from: id(62), credentialedUs: 900, sent: true });
const refused = add({
  kind: 'refused',
  session,
  trace,
  code: 'fence_path',
  request: { ...request, host: 'evil.example', port: 8443 },
});
const ended = add({ kind: 'session-end', session, exitCode: 0 });
const names = namesIn(log);

describe('what an event says', () => {
  it('is a sentence, and parts that lead to others', () => {
    const parts = partsOf(log[consumed] ?? assert.fail(), names);
    assert.deepEqual(parts, {
      sequence: consumed,
      atMs: 1_790_000_000_000 + 1000 * consumed,
      kind: 'consumed',
      what: 'one use of demo',
      who: { agent: toHex(id(1)), child: { id: toHex(child), name: 'research' } },
      where: 'api.example.com:443',
      outcome: 'happened',
      seen: 'observed',
      refs: {
        ...{ session: toHex(session), child: toHex(child), trace: toHex(trace), from: toHex(id(62)) },
        ...{ handle: toHex(id(5)), grant: toHex(id(6)), item: toHex(id(7)) },
      },
    });
    assert.equal(byWhom(parts), `, by research ${toHex(child).slice(0, 8)}`);
    assert.equal(partsOf(log[consumed] ?? assert.fail()).what, 'one use of a credential', 'without what the log tells elsewhere');
  });

  it('tells what was seen from what was said, and what was stopped from what happened', () => {
    const told = (sequence: number) => {
      const { seen, outcome, where } = partsOf(log[sequence] ?? assert.fail(), names);
      return [seen, outcome, where];
    };
    assert.deepEqual(told(called), ['reported', 'happened', undefined]);
    assert.deepEqual(told(refused), ['observed', 'stopped', 'evil.example:8443']);
    assert.deepEqual(told(asked), ['observed', 'waits', undefined]);
    assert.deepEqual(told(started), ['observed', 'happened', '/home/ada/app']);
  });
});

describe('a story in chapters', () => {
  it('goes from the prompt to the end of the use', () => {
    const story = toldStory(log, consumed) ?? assert.fail();
    assert.deepEqual(
      story.chapters.map(({ stage, events }) => [stage, ...events.map(({ sequence }) => sequence)]),
      [
        ['prompt', prompt],
        ['session', enrolled, started, delegated],
        ['act', called],
        ['decision', rules, granted],
        ['ask', asked, answered],
        ['handle', minted],
        ['call', consumed],
        ['end', credentialed, ended],
      ],
    );
    assert.deepEqual(story.verdicts, [{ sequence: called, decision: 'ask', allowed: true, rules: ['careful'], version: 2 }]);
    assert.equal(toldStory(log, log.length), undefined);
  });
});

describe('a filter', () => {
  const nowMs = 1_790_000_000_000 + 1000 * log.length;
  const found = (typed: string): number[] =>
    log.filter(eventFilter(parseFilter(typed), names, nowMs)).map(({ sequence }) => sequence);

  it('finds by what an event is, who did it, where, and what became of it', () => {
    assert.deepEqual(
      found(''),
      log.map(({ sequence }) => sequence),
    );
    assert.deepEqual(found('kind=tool-call&kind=session'), [0, started, delegated, called, ended]);
    assert.deepEqual(found('?seen=reported'), [prompt, called]);
    assert.deepEqual(found('outcome=stopped'), [refused]);
    assert.deepEqual(found('host=api.example.com'), [minted, consumed, credentialed]);
    assert.deepEqual(found('host=evil.example:8443'), [refused]);
    assert.deepEqual(found('host=evil.example:443'), []);
    assert.deepEqual(found('credential=demo'), [granted, minted, consumed, credentialed]);
    assert.deepEqual(found('rule=careful'), [asked, called]);
    assert.deepEqual(found('text=RESEARCH&kind=consumed'), [consumed]);
    assert.deepEqual(found(`session=${toHex(session).slice(0, 8)}&kind=prompted`), [prompt]);
    assert.deepEqual(found(`trace=${toHex(trace)}&kind=request`), [refused]);
    assert.deepEqual(found('agent=02'), []);
    assert.deepEqual(found('agent=02&agent=01&since=2s'), [refused, ended]);
    assert.deepEqual(found(`since=${1_790_000_000_000 + 1000 * minted}&until=${1_790_000_000_000 + 1000 * consumed}`), [
      minted,
      consumed,
    ]);
  });

  it('[AUDIT-70] is refused where nobody could tell what it means', () => {
    for (const typed of ['kind=nothing', 'what=tool', 'seen=heard', 'outcome=', 'since=soon', 'seen=observed&seen=reported', 'text=%ff', 'trace=xyz', 'host'])
      assert.throws(() => parseFilter(typed), (thrown) => codeOf(thrown) === 'usage', typed); // prettier-ignore
    assert.throws(
      () => parseFilter(`text=${'a'.repeat(3000)}`),
      (thrown) => codeOf(thrown) === 'usage',
    );
  });

  it('[AUDIT-70] is the same after it was written and read, and so is its text', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map((text) => text.toWellFormed());
    const several = <T>(one: fc.Arbitrary<T>) => fc.uniqueArray(one, { minLength: 1, maxLength: 3 });
    const hex = fc.stringMatching(/^[0-9a-f]{1,32}$/);
    const moment = fc.oneof(
      fc.nat().map((ms) => ({ kind: 'at' as const, ms })),
      fc.integer({ min: 1, max: 1_000_000 }).map((seconds) => ({ kind: 'ago' as const, ms: seconds * 1000 })),
    );
    const filters = fc.record(
      {
        kind: several(fc.constantFrom(...(Object.keys(classOf) as EventKind[]), ...classNames)),
        agent: several(hex),
        session: hex,
        trace: hex,
        rule: several(word),
        credential: several(word),
        host: several(word),
        outcome: several(fc.constantFrom(...outcomes)),
        seen: fc.constantFrom('observed' as const, 'reported' as const),
        text: word,
        since: moment,
        until: moment,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(filters, (filter: AuditFilter) => {
        const text = formatFilter(filter);
        assert.deepEqual(parseFilter(text), { ...filter });
        assert.equal(formatFilter(parseFilter(text)), text);
        assert.match(text, /^[\x21-\x7e]*$/);
      }),
      { numRuns: share({ ci: 300, soak: 20_000 }) },
    );
  });

  it('is total for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (typed) => {
        try {
          parseFilter(typed);
        } catch (thrown) {
          assert.equal(codeOf(thrown), 'usage');
        }
      }),
    );
  });
});
