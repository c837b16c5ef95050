// What of bedrock fits, and who has it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roomFor, seenText } from '../../../src/screens/bedrock/texts.ts';

const text = (id: string, length: number) =>
  [id, { id: new Uint8Array(16), text: 'x'.repeat(length), addedAtMs: 0, position: 0 }] as const;
const bedrock = { version: 3, texts: new Map([text('a', 100), text('b', 7000)]) };

test('all texts together have one budget; an edited one gives its own back', () => {
  assert.deepEqual(roomFor(bedrock, 'y'.repeat(900)), { used: 8000, most: 8000, fault: undefined });
  assert.match(roomFor(bedrock, 'y'.repeat(901)).fault ?? '', /^That is 1 character too many/);
  assert.equal(roomFor(bedrock, 'y'.repeat(7900), 'b').fault, undefined);
  assert.equal(roomFor(bedrock, '  ').fault, undefined);
});

test('what nobody would see is not signed; there are 64 texts at most', () => {
  assert.match(roomFor(bedrock, 'a\u202eb').fault ?? '', /control characters/);
  assert.equal(roomFor(bedrock, 'a\n\tb').fault, undefined);
  const many = { version: 1, texts: new Map(Array.from({ length: 64 }, (_, index) => text(String(index), 1))) };
  assert.match(roomFor(many, 'one more').fault ?? '', /64 texts/);
  assert.equal(roomFor(many, 'another', '5').fault, undefined);
});

test('who has it is told as far as it is known', () => {
  const main = { agent: '', scope: 'main', machine: 3, told: 0, sessions: 0 };
  assert.equal(seenText(main, 3), 'main has it; nothing runs there.');
  assert.match(seenText({ ...main, machine: undefined }, 3), /not heard of just now/);
  assert.match(seenText({ ...main, machine: 2 }, 3), /version 2 still/);
  assert.match(seenText({ ...main, told: 1, sessions: 1 }, 3), /its session\./);
  assert.match(seenText({ ...main, told: 2, sessions: 3 }, 3), /2 of 3 sessions were told/);
});
