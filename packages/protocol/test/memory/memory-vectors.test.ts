// spec/vectors/memory.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { readTemporal } from '@holdfast/protocol/memory/temporal';
import { termsOf } from '@holdfast/protocol/memory/terms';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { openText, type MemoryText } from '@holdfast/protocol/memory/text';
import { decodeBatch, memoryTopic } from '@holdfast/protocol/memory/version';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { fromVectorHex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

describe('memory: terms', () => {
  for (const { clause, name, text, terms } of ownVectors<VectorEntry & { text: string; terms: string[] }>('memory/terms').entries)
    it(`${clause} ${name}`, () => assert.deepEqual(termsOf(text), terms));
});

describe('memory: times', () => {
  type Times = VectorEntry & { text: string; now: string; spans: [string, string][]; wants: string };
  const day = (ms: number) => (Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 10) : '-');
  for (const { clause, name, text, now, spans, wants } of ownVectors<Times>('memory/times').entries)
    it(`${clause} ${name}`, () => {
      const read = readTemporal(text, Date.parse(`${now}T12:00:00Z`));
      assert.deepEqual(
        read.spans.map(({ fromMs, untilMs }) => [day(fromMs), day(untilMs)]),
        spans,
      );
      assert.equal(read.wants ?? '', wants);
    });
});

describe('memory: versions', () => {
  type Versions = VectorEntry & { fleet: string; author: string; body: string; ids: string[] };
  for (const { clause, name, expect, fleet, author, body, ids } of ownVectors<Versions>('memory/versions').entries)
    it(`${clause} ${name}`, async () => {
      const by = { author: fromVectorHex(author), role: 'agent', atMs: 0, audience: 'fleet' } as const;
      const read = () => decodeBatch(primitives, fromVectorHex(fleet), by, fromVectorHex(body));
      assert.equal(await outcomeOf(read), expect);
      if (expect === 'ok')
        assert.deepEqual(
          read().map(({ id }) => toHex(id)),
          ids,
        );
    });
});

describe('memory: texts', () => {
  type Texts = VectorEntry &
    Readonly<Record<'key' | 'fleet' | 'nonce' | 'audience' | 'sealed' | 'hash', string>> & { said: MemoryText };
  for (const { clause, name, expect, said, audience, ...hex } of ownVectors<Texts>('memory/texts').entries)
    it(`${clause} ${name}`, async () => {
      const [key, fleet, nonce, sealed, hash] = [hex.key, hex.fleet, hex.nonce, hex.sealed, hex.hash].map(fromVectorHex) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]; // prettier-ignore
      const open = () => openText(primitives, key, { fleet, audience, nonce }, { sealed, hash });
      assert.equal(await outcomeOf(open), expect);
      if (expect === 'ok') assert.deepEqual(await open(), said);
    });
  for (const { clause, name, author, topic } of ownVectors<VectorEntry & { author: string; topic: string }>('memory/topics')
    .entries)
    it(`${clause} ${name}`, () => assert.equal(toHex(memoryTopic(primitives, fromVectorHex(author))), topic));
});
