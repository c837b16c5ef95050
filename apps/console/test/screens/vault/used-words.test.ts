// How far a grant is used up, in words: what its machine says, and that nobody knows where it says nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Heard } from '@holdfast/protocol/approvals/presence';
import { usedWords } from '../../../src/screens/vault/used-words.ts';

const id = new Uint8Array(16).fill(5);
const limits = { uses: { windows: [{ max: 20, windowMs: 3_600_000 }] } };

function heard(counts: Heard['presence']['counts'], left = 0): Heard {
  const presence = { counts, unlisted: { sessions: 0, children: 0, counts: left } } as unknown as Heard['presence'];
  return { agent: new Uint8Array(16), presence, heardAtMs: 1000, expiresAtMs: 121_000 };
}

test('what its machine counts is told with its age', () => {
  const said = heard([{ grant: id, used: { total: 7, windows: [2] }, open: 1 }]);
  assert.equal(usedWords(id, limits, said, 43_000), 'Used 7 in all, 2 of 20/h and 1 open, as its machine said 42 s ago.');
});

test('where nothing is said nothing is made up', () => {
  assert.equal(usedWords(id, {}, undefined, 0), undefined);
  assert.match(usedWords(id, limits, undefined, 0) ?? '', /not known: its machine has said nothing just now/);
  assert.match(usedWords(id, limits, heard([], 3), 0) ?? '', /not known: its machine counts more than it can say/);
  assert.match(usedWords(id, limits, heard([{ grant: new Uint8Array(16) }]), 0) ?? '', /has not said yet/);
});
