// spec/vectors/approval.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { decodeSaid, encodeSaid } from '@holdfast/protocol/approvals/ask';
import { actOf, callDigest } from '@holdfast/protocol/approvals/call';
import { hearAgent, hearOperator } from '@holdfast/protocol/approvals/signals';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { Json, ToolCall } from '@holdfast/protocol/rules/call';
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

describe('approval: what is shown', () => {
  const shell = (input: Json, command?: string): ToolCall => ({
    tool: 'shell',
    harness: 'h',
    name: 'Bash',
    input,
    ...(command !== undefined && { command }),
  });
  const shown = (call: ToolCall) => {
    const { text, rest } = actOf(call);
    return [text, rest];
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
