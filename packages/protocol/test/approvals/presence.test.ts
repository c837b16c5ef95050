// spec/presence.md: its vectors, what is left out where there is no room, and which presence of several is the newest.

import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';

import { decodeSaid, encodeSaid } from '@holdfast/protocol/approvals/ask';
import {
  beginningOf,
  fitting,
  hasApplied,
  maxPresentText,
  Presences,
  type Presence,
  type PresentSession,
} from '@holdfast/protocol/approvals/presence';
import { hearAgent, hearOperator } from '@holdfast/protocol/approvals/signals';
import { parseSignal } from '@holdfast/protocol/blind/signal';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { maxSignalBodyBytes } from '@holdfast/protocol/seal/signal-body';
import { fromVectorHex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

const bodies = ownVectors<VectorEntry & { hex: string }>('presence/bodies').entries;

describe('presence: bodies', () => {
  for (const { name, clause, expect, hex } of bodies) {
    it(`${clause} ${name}: ${expect}`, async () => {
      assert.equal(await outcomeOf(() => decodeSaid(fromVectorHex(hex))), expect);
      if (expect === 'ok') assert.equal(toHex(encodeSaid(decodeSaid(fromVectorHex(hex)))), hex);
    });
  }
});

describe('presence: signals', () => {
  type Signal = VectorEntry & {
    readonly wire: string;
    readonly fleet: string;
    readonly agent: { readonly id: string; readonly sign: string };
    readonly device: string;
    readonly epochKey: string;
    readonly nowMs: number;
  };
  for (const { name, clause, expect, wire, agent, nowMs, ...known } of ownVectors<Signal>('presence/signals').entries) {
    const reading = (reader: string) => ({
      primitives,
      fleet: fromVectorHex(known.fleet),
      reader: fromVectorHex(reader),
      signKeyOf: (sender: Uint8Array) => (toHex(sender) === agent.id ? fromVectorHex(agent.sign) : undefined),
      epochKey: async () => ({ key: fromVectorHex(known.epochKey) }),
      nowMs,
    });
    it(`${clause} ${name}: ${expect}`, async () => {
      assert.equal(await outcomeOf(() => hearAgent(reading(known.device), fromVectorHex(wire))), expect);
      if (expect === 'ok') assert.equal(parseSignal(fromVectorHex(wire)).statement.latest, true);
    });

    it(`${clause} ${name}: no answer to an agent`, async () => {
      assert.notEqual(await outcomeOf(() => hearOperator(reading(agent.id), fromVectorHex(wire))), 'ok');
    });
  }
});

test('[PRESENCE-5]: what comes late or again is dropped while a newer one lives', () => {
  type Order = VectorEntry & {
    readonly becomes: 'newer' | 'dropped';
    readonly sequence: number;
    readonly heardAtMs: number;
    readonly expiresAtMs: number;
  };
  const heard = new Presences();
  const agent = new Uint8Array(16);
  for (const { name, becomes, sequence, ...when } of ownVectors<Order>('presence/order').entries) {
    const taken = heard.take({ agent, presence: { ...whole(), sequence }, ...when });
    assert.equal(taken ? 'newer' : 'dropped', becomes, name);
    assert.equal(heard.of(agent, when.expiresAtMs), undefined, 'nothing outlives itself');
  }
  assert.equal(heard.all(200).length, 1);
  assert.equal(heard.take({ agent: new Uint8Array(16).fill(1), presence: whole(), heardAtMs: 104, expiresAtMs: 204 }), true);
  assert.equal(heard.all(200).length, 2, 'no agent drops another’s');
});

test('[PRESENCE-6]: a change has reached whoever has applied it, or what came after', () => {
  const hash = new Uint8Array(32).fill(7);
  const at = (position: number, hash: Uint8Array) => ({ ...whole(), control: { position, hash } });
  assert.deepEqual(
    [at(40, hash), at(41, hash), at(42, new Uint8Array(32)), at(41, new Uint8Array(32))].map((each) =>
      hasApplied(each, { position: 41, hash }),
    ),
    [false, true, true, false],
  );
});

test('[PRESENCE-4]: whatever is there fits into a signal, from the front, and what is left out is counted', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 80 }).map((each) => beginningOf(each).text);
  const session = fc.record({ program: text, text, calls: fc.nat() }).map(({ program, text: said, calls }): PresentSession => ({
    ...sessionOf(),
    program,
    calls,
    now: { tool: 'shell', name: 'Bash', text: said, sinceMs: 1 },
  }));
  const present = fc.record({
    sessions: fc.array(session, { maxLength: 120 }),
    children: fc.nat({ max: 300 }),
    counts: fc.nat({ max: 300 }),
  });
  fc.assert(
    fc.property(present, ({ sessions, children, counts }) => {
      const all = {
        ...whole(),
        sessions,
        children: Array.from({ length: children }, childOf),
        counts: Array.from({ length: counts }, () => ({ grant: new Uint8Array(16), used: { total: 1, windows: [1, 2, 3, 4] } })),
      };
      const said = fitting(all);
      assert.ok(encodeSaid(said).length <= maxSignalBodyBytes);
      for (const name of ['sessions', 'children', 'counts'] as const) {
        assert.equal(said[name].length + said.unlisted[name], all[name].length);
        assert.deepEqual(said[name], all[name].slice(0, said[name].length));
      }
      if (sessions.length <= 8) assert.equal(said.unlisted.sessions, 0, 'sessions go last');
    }),
    { numRuns: 60 },
  );
});

test('a beginning is whole characters, and says how much is missing', () => {
  assert.deepEqual(beginningOf('x'.repeat(maxPresentText)), { text: 'x'.repeat(maxPresentText) });
  assert.deepEqual(beginningOf('abcdef', 4), { text: 'abcd', cut: 2 });
  assert.deepEqual(beginningOf('abc\u{1f600}f', 4), { text: 'abc', cut: 3 });
  assert.deepEqual(beginningOf('\ud800', 4), { text: '\ufffd' });
});

function whole(): Presence {
  const [page] = bodies;
  const said = decodeSaid(fromVectorHex(page?.hex ?? assert.fail()));
  return said.kind === 'presence' ? said : assert.fail();
}

function sessionOf(): PresentSession {
  const [session] = whole().sessions;
  return session ?? assert.fail();
}

function childOf(): Presence['children'][number] {
  const [child] = whole().children;
  return child ?? assert.fail();
}
