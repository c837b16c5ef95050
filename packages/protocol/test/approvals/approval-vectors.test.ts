// spec/vectors/approval.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { accessDigest } from '@holdfast/protocol/approvals/access';
import { decodeSaid, encodeSaid, type Answer, type Ask } from '@holdfast/protocol/approvals/ask';
import { actOf, callDigest } from '@holdfast/protocol/approvals/call';
import { hearAgent, hearOperator, isFor } from '@holdfast/protocol/approvals/signals';
import { OneUseKey, sealUse, useDigest, type BoundRequest, type UseTerms } from '@holdfast/protocol/approvals/use';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { Json, ToolCall } from '@holdfast/protocol/rules/call';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { fromVectorHex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

describe('approval: bodies', () => {
  for (const { name, clause, expect, hex } of ownVectors<VectorEntry & { hex: string }>('approval/bodies').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      assert.equal(await outcomeOf(() => decodeSaid(fromVectorHex(hex))), expect);
      if (expect === 'ok') assert.equal(toHex(encodeSaid(decodeSaid(fromVectorHex(hex)))), hex);
    });
  }
});

describe('approval: calls', () => {
  type Call = VectorEntry & { agent: string; session: string; call: ToolCall; digest?: string };
  for (const { name, clause, expect, call, digest, ...by } of ownVectors<Call>('approval/calls').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const whose = { agent: fromVectorHex(by.agent), session: fromVectorHex(by.session) };
      assert.equal(await outcomeOf(() => callDigest(primitives, whose, call)), expect);
      if (digest !== undefined) assert.equal(toHex(callDigest(primitives, whose, call)), digest);
    });
  }
});

describe('approval: signals', () => {
  interface Party {
    readonly id: string;
    readonly sign: string;
  }
  type Said = VectorEntry & {
    readonly hears: 'agent' | 'operator';
    readonly wire: string;
    readonly fleet: string;
    readonly agent: Party;
    readonly device: Party;
    readonly epochKey: string;
    readonly nowMs: number;
  };
  for (const { name, clause, expect, hears, wire, nowMs, ...known } of ownVectors<Said>('approval/signals').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const { agent, device } = known;
      const speaker = hears === 'agent' ? device : agent;
      const reading = {
        primitives,
        fleet: fromVectorHex(known.fleet),
        reader: fromVectorHex(hears === 'agent' ? agent.id : device.id),
        signKeyOf: (sender: Uint8Array) => (toHex(sender) === speaker.id ? fromVectorHex(speaker.sign) : undefined),
        epochKey: async (audience: string) => {
          assert.equal(audience, `agent:${agent.id}`);
          return { key: fromVectorHex(known.epochKey) };
        },
        nowMs,
      };
      const hear = hears === 'agent' ? hearOperator : hearAgent;
      assert.equal(await outcomeOf(() => hear(reading, fromVectorHex(wire))), expect);
    });
  }
});

type Hexed<T> = { readonly [K in keyof T]: T[K] extends Uint8Array ? string : T[K] };
const bytesOf = <T>(hexed: Hexed<T>, names: readonly (keyof T)[]): T =>
  ({ ...hexed, ...Object.fromEntries(names.map((name) => [name, fromVectorHex(hexed[name] as string)])) }) as T;
const requestOf = (hexed: Hexed<BoundRequest>): BoundRequest => bytesOf(hexed, ['agent', 'session', 'grant', 'item']);

describe('approval: requests', () => {
  type Vector = VectorEntry & { readonly request: Hexed<BoundRequest>; readonly digest?: string };
  const { entries } = ownVectors<Vector>('approval/requests');
  for (const { name, clause, expect, request, digest } of entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      assert.equal(await outcomeOf(() => useDigest(primitives, requestOf(request))), expect);
      if (digest !== undefined) assert.equal(toHex(useDigest(primitives, requestOf(request))), digest);
    });
  }

  it('[APPROVAL-14]: no two that differ have one digest', () => {
    const digests = entries.flatMap(({ digest }) => digest ?? []);
    assert.equal(new Set(digests).size, digests.length);
  });
});

describe('approval: access', () => {
  type Access = Parameters<typeof accessDigest>[1];
  type Vector = VectorEntry & { readonly access: Hexed<Access>; readonly digest?: string };
  const { entries } = ownVectors<Vector>('approval/accesses');
  for (const { name, clause, expect, access, digest } of entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const wanted = bytesOf<Access>(access, ['agent', 'session']);
      assert.equal(await outcomeOf(() => accessDigest(primitives, wanted)), expect);
      if (digest !== undefined) assert.equal(toHex(accessDigest(primitives, wanted)), digest);
    });
  }

  it('[APPROVAL-21]: no two that differ have one digest', () => {
    const digests = entries.flatMap(({ digest }) => digest ?? []);
    assert.equal(new Set(digests).size, digests.length);
  });
});

describe('approval: sealings for one use', () => {
  type Vector = VectorEntry & {
    readonly terms: Hexed<UseTerms>;
    readonly request: Hexed<BoundRequest>;
    readonly atMs: number;
    readonly private: string;
    readonly encapsulated: string;
    readonly ciphertext: string;
    readonly plaintext?: string;
  };
  for (const { name, clause, expect, terms, request, atMs, plaintext, ...wire } of ownVectors<Vector>('approval/openings')
    .entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const key = new OneUseKey(primitives, await SoftwareKeyHolder.fromBytes(primitives, fromVectorHex(wire.private)));
      const bound = bytesOf(terms, ['fleet', 'agent', 'session', 'ask']);
      const sealing = { encapsulated: fromVectorHex(wire.encapsulated), ciphertext: fromVectorHex(wire.ciphertext) };
      const open = () => key.open(bound, requestOf(request), sealing, atMs);
      let opened: Uint8Array | undefined;
      assert.equal(await outcomeOf(async () => (opened = await open())), expect);
      assert.equal(opened && toHex(opened), plaintext);
      assert.equal(await outcomeOf(open), 'key_invalid'); // [APPROVAL-17] once, whatever came of it
    });
  }

  const request: BoundRequest = {
    ...{
      agent: new Uint8Array(16),
      session: new Uint8Array(16),
      grant: new Uint8Array(16),
      item: new Uint8Array(16),
      name: 'bank',
    },
    ...{ method: 'POST', host: 'bank.example', port: 443, path: '/pay', query: '', headers: [], body: '{"amount":10}' },
  };
  const askFor = (shown: BoundRequest, bound: BoundRequest, key: Uint8Array): Ask => {
    const { agent: _agent, session, ...act } = shown;
    const call = useDigest(primitives, bound);
    const ask = new Uint8Array(16);
    return {
      kind: 'ask',
      v: 1,
      ask,
      session,
      mode: 'sealed',
      program: 'x',
      act: { kind: 'use', ...act, key },
      call,
      because: [],
      lifeMs: 1,
    };
  };
  const operator = { fleet: new Uint8Array(32), agent: request.agent, expiresAtMs: 1 };

  it('[APPROVAL-15]: an operator seals for nothing that the ask does not show', async () => {
    const { publicKey } = await OneUseKey.make(primitives);
    const seals = (ask: Ask) => outcomeOf(() => sealUse(primitives, { ...operator, ask }, new Uint8Array(8)));
    assert.equal(await seals(askFor(request, request, publicKey)), 'ok');
    assert.equal(await seals(askFor(request, { ...request, body: '{"amount":1000}' }, publicKey)), 'ask_mismatch');
    const call: Ask['act'] = { kind: 'tool-call', tool: 'shell', harness: 'h', name: 'Bash', text: 'ls' };
    assert.equal(await seals({ ...askFor(request, request, publicKey), act: call }), 'ask_mismatch');
  });

  it('[APPROVAL-17]: of two openings at once, one opens', async () => {
    const key = await OneUseKey.make(primitives);
    const ask = askFor(request, request, key.publicKey);
    const sealing = await sealUse(primitives, { ...operator, ask }, new Uint8Array(8).fill(7));
    const terms = { ...operator, session: request.session, ask: ask.ask };
    const both = await Promise.all([1, 2].map(() => outcomeOf(() => key.open(terms, request, sealing, 0))));
    assert.deepEqual(both, ['ok', 'key_invalid']);
  });

  it('[APPROVAL-16]: an answer that lets a use go brings its sealing, and no other answer brings one', async () => {
    const key = await OneUseKey.make(primitives);
    const ask = askFor(request, request, key.publicKey);
    const sealed = await sealUse(primitives, { ...operator, ask }, new Uint8Array(8));
    const said: Answer = { kind: 'answer', v: 1, ask: ask.ask, call: ask.call, verdict: 'once' };
    const answer = { ...said, warrant: new Uint8Array(1) };
    const call: Ask = { ...ask, act: { kind: 'tool-call', tool: 'shell', harness: 'h', name: 'Bash', text: 'ls' } };
    assert.deepEqual([isFor({ ...answer, sealed }, ask), isFor(answer, ask)], [true, false]);
    assert.deepEqual([isFor({ ...answer, sealed }, call), isFor(answer, call)], [false, true]);
    assert.deepEqual([isFor({ ...said, sealed }, ask), isFor(said, call)], [false, false]); // [AUTHORITY-4]
    const no = { ...said, verdict: 'deny' } as const;
    assert.deepEqual([isFor({ ...no, sealed }, ask), isFor(no, ask)], [false, true]);
  });
});

describe('approval: what is shown', () => {
  const shell = (input: Json, command?: string): ToolCall => ({
    tool: 'shell',
    harness: 'h',
    name: 'Bash',
    input,
    ...(command !== undefined && { command }),
  });
  const shown = (call: ToolCall) => {
    const act = actOf(call);
    return act.kind === 'tool-call' ? [act.text, act.rest] : [];
  };

  it('[APPROVAL-3]: the command of a shell and whatever else its input says, of anything else the whole input', () => {
    assert.deepEqual(shown(shell({ command: 'ls' }, 'ls')), ['ls', undefined]);
    assert.deepEqual(shown(shell({ command: 'ls', b: 1, a: 'x' }, 'ls')), ['ls', '{"a":"x","b":1}']);
    // A mapping that says another command than the input holds hides nothing.
    assert.deepEqual(shown(shell({ command: 'rm -rf /' }, 'ls')), ['{"command":"rm -rf /"}', undefined]);
    assert.deepEqual(shown(shell(['ls'], 'ls')), ['["ls"]', undefined]);
    assert.deepEqual(shown({ tool: 'write', harness: 'h', name: 'Write', input: { path: 'a', content: 'b' } }), [
      '{"content":"b","path":"a"}',
      undefined,
    ]);
  });
});
