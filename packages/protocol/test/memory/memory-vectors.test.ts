// spec/vectors/memory.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { readTemporal } from '@holdfast/protocol/memory/temporal';
import { termsOf } from '@holdfast/protocol/memory/terms';
import { ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

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
