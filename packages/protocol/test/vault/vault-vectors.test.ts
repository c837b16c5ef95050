// spec/vectors/{fence,vault,handle}.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { toHex } from '@holdfast/protocol/codec/bytes';
import { decode, encode, type Schema } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { assertSecretFits, type Attach } from '@holdfast/protocol/vault/attach';
import { agentBudget } from '@holdfast/protocol/vault/budget';
import { egressRule } from '@holdfast/protocol/vault/egress';
import { decide, fence, judge, type Fence, type Judged, type RequestFacts } from '@holdfast/protocol/vault/fence';
import {
  handleId,
  handleText,
  minted,
  parseHandleText,
  present,
  requestDigest,
  type HandleState,
  type Presentation,
} from '@holdfast/protocol/vault/handle';
import { grantedItem, vaultItem } from '@holdfast/protocol/vault/item';
import { isPlaceholder, placeholderFor, placeholderSecret } from '@holdfast/protocol/vault/placeholder';
import { fromVectorHex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

type Vector<T> = VectorEntry & T;

async function checkFormat<T>(schema: Schema<T>, { expect, hex }: Vector<{ hex: string }>): Promise<void> {
  const input = fromVectorHex(hex);
  assert.equal(await outcomeOf(() => decode(schema, input, 64 * 1024)), expect);
  if (expect === 'ok') assert.equal(toHex(encode(schema, decode(schema, input, 64 * 1024))), hex);
}

describe('fence: formats', () => {
  for (const entry of ownVectors<Vector<{ hex: string }>>('fence/fences').entries) {
    it(`${entry.clause} ${entry.name}: ${entry.expect}`, () => checkFormat(fence, entry));
  }
});

describe('fence: decisions', () => {
  const within: Fence = {
    hosts: [{ host: 'api.example.com', port: 443 }],
    methods: ['GET', 'HEAD'],
    paths: ['/v1/**'],
    allowPrivate: false,
  };
  type Fields = { facts: RequestFacts; paths?: readonly string[] };
  for (const { name, clause, expect, facts, paths } of ownVectors<Vector<Fields>>('fence/decisions').entries) {
    it(`${clause} ${name}: ${expect}`, () => {
      const decision = decide(paths === undefined ? within : { ...within, paths: [...paths] }, facts);
      assert.equal(decision.kind === 'allow' ? 'ok' : decision.code, expect);
    });
  }
});

describe('fence: limits', () => {
  for (const entry of ownVectors<Vector<{ hex: string }>>('fence/limits').entries) {
    it(`${entry.clause} ${entry.name}: ${entry.expect}`, () => checkFormat(fence, entry));
  }
});

describe('fence: arguments', () => {
  type Fields = { hex: string; body?: string; type?: string; coding?: string; query?: string; sent?: string };
  for (const entry of ownVectors<Vector<Fields>>('fence/arguments').entries) {
    const { name, clause, expect, hex, body, type, coding, query = '', sent } = entry;
    it(`${clause} ${name}: ${expect}`, async () => {
      const within = decode(fence, fromVectorHex(hex), 64 * 1024);
      const received = body === undefined ? undefined : { type, coding, bytes: fromVectorHex(body) };
      let judged: Judged | undefined;
      assert.equal(await outcomeOf(() => void (judged = judge(within, { query, body: received }))), expect);
      const out = judged?.body === undefined ? judged?.query : new TextDecoder().decode(judged.body.bytes);
      assert.equal(out, sent);
    });
  }
});

describe('fence: fields', () => {
  type Fields = { hex: string; placeholder: string; at: string; body?: string; type?: string; coding?: string; sent?: string };
  for (const { name, clause, expect, hex, placeholder, at, body, type, coding, sent } of ownVectors<Vector<Fields>>(
    'fence/fields',
  ).entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const within = decode(fence, fromVectorHex(hex), 64 * 1024);
      const received = body === undefined ? undefined : { type, coding, bytes: fromVectorHex(body) };
      const field = { at, placeholder, takes: (text: string) => text === placeholder };
      let judged: Judged | undefined;
      assert.equal(await outcomeOf(() => void (judged = judge(within, { query: '', body: received, field }))), expect);
      if (judged?.body === undefined || !('secret' in judged.body)) return assert.equal(sent, undefined);
      const { bytes, secret } = judged.body;
      const part = (from: number, to?: number): string => new TextDecoder().decode(bytes.subarray(from, to));
      assert.equal(part(secret.from, secret.to), placeholder);
      assert.equal(`${part(0, secret.from)}<>${part(secret.to)}`, sent);
    });
  }
});

describe('vault: formats', () => {
  const schemas: Record<string, Schema<unknown>> = {
    item: vaultItem,
    grant: grantedItem,
    egress: egressRule,
    budget: agentBudget,
  };
  for (const entry of ownVectors<Vector<{ hex: string; format: string }>>('vault/items').entries) {
    it(`${entry.clause} ${entry.name}: ${entry.expect}`, () => checkFormat(schemas[entry.format] ?? fence, entry));
  }
});

describe('vault: secrets', () => {
  for (const { name, clause, expect, attach, secret } of ownVectors<Vector<{ attach: Attach; secret: string }>>('vault/secrets')
    .entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      assert.equal(await outcomeOf(() => assertSecretFits(fromVectorHex(secret), attach)), expect);
    });
  }
});

describe('vault: placeholders', () => {
  type Fields = { placeholder: string; epochKey?: string; secret?: string; grant?: string };
  for (const { name, clause, expect, placeholder, epochKey, secret, grant } of ownVectors<Vector<Fields>>('vault/placeholders')
    .entries) {
    it(`${clause} ${name}: ${expect}`, () => {
      assert.equal(isPlaceholder(placeholder), expect === 'ok');
      if (secret === undefined || grant === undefined) return;
      assert.equal(placeholderFor(nodePrimitives, fromVectorHex(secret), fromVectorHex(grant)), placeholder);
      if (epochKey !== undefined) assert.equal(toHex(placeholderSecret(nodePrimitives, fromVectorHex(epochKey))), secret);
    });
  }
});

describe('handle', () => {
  type Presented = { session: string; agent: string; grant: string; request: string; atMs: number };
  type Fields = { binding: { session: string; agent: string; grant: string; request: string }; presented: readonly Presented[] };
  for (const { name, clause, expect, binding, presented } of ownVectors<Vector<Fields>>('handle/presentations').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      let state: HandleState = minted(
        {
          session: fromVectorHex(binding.session),
          agent: fromVectorHex(binding.agent),
          grant: fromVectorHex(binding.grant),
          request: fromVectorHex(binding.request),
        },
        1000,
      );
      let verdict: Presentation | undefined;
      for (const { session, agent, grant, request, atMs } of presented) {
        const result = present(
          state,
          {
            session: fromVectorHex(session),
            agent: fromVectorHex(agent),
            grant: fromVectorHex(grant),
            request: fromVectorHex(request),
          },
          atMs,
        );
        ({ next: state, verdict } = result);
      }
      const last = verdict;
      const outcome = await outcomeOf(() => {
        if (last?.kind !== 'consume') throw new HoldfastError(last?.code ?? 'internal', 'refused');
      });
      assert.equal(outcome, expect);
      assert.equal(state.kind === 'minted', false);
    });
  }

  type Names = { handle?: string; id?: string; text?: string; facts?: RequestFacts; digest?: string };
  for (const { name, clause, expect, handle, id, text, facts, digest } of ownVectors<Vector<Names>>('handle/names').entries) {
    it(`${clause} ${name}`, () => {
      if (id !== undefined) assert.equal(toHex(handleId(nodePrimitives, fromVectorHex(handle ?? ''))), id);
      if (text !== undefined) {
        const parsed = parseHandleText(text);
        assert.equal(parsed !== undefined, expect === 'ok');
        if (parsed !== undefined) assert.deepEqual([toHex(parsed), handleText(parsed)], [handle, text]);
      }
      if (facts !== undefined) assert.equal(toHex(requestDigest(nodePrimitives, facts)), digest);
    });
  }
});
