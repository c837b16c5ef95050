// The rows of the audit stream: newest first over all logs, each in its own order, in pieces between which others get a turn, and ended when nobody waits.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { openAt, rowsOf, type RowLog, type Sifting } from '../../src/screens/audit/rows.ts';

const event = (sequence: number, atMs: number): AuditEvent => ({ kind: 'prompted', sequence, atMs }) as unknown as AuditEvent;

const log = (agent: string, times: readonly number[]): RowLog => ({
  agent,
  scope: agent,
  events: times.map((atMs, at) => event(at, atMs)),
});

function sifting(more: Partial<Sifting> = {}): Sifting & { readonly turns: () => number } {
  let turns = 0;
  return {
    names: new Map(),
    matching: () => () => true,
    turn: async () => {
      turns += 1;
    },
    over: new AbortController().signal,
    turns: () => turns,
    ...more,
  };
}

test('newest first over all logs; a clock that went back reorders no log', async () => {
  const rows = await rowsOf([log('a', [10, 40, 30]), log('b', [20, 35])], sifting());
  assert.deepEqual(
    rows?.map(({ agent, event: { sequence, atMs } }) => [agent, sequence, atMs]),
    [
      ['b', 1, 35],
      ['a', 2, 30],
      ['a', 1, 40],
      ['b', 0, 20],
      ['a', 0, 10],
    ],
  );
});

test('of a hundred thousand the page gets its turn every two thousand, also where nothing matches', async () => {
  const times = Array.from({ length: 100_000 }, (_, at) => at);
  const all = sifting();
  assert.equal((await rowsOf([log('a', times)], all))?.length, 100_000);
  assert.equal(all.turns(), 50);
  const none = sifting({ matching: () => () => false });
  assert.deepEqual(await rowsOf([log('a', times)], none), []);
  assert.equal(none.turns(), 50);
});

test('it stops when another filter is wanted', async () => {
  const over = new AbortController();
  const times = Array.from({ length: 10_000 }, (_, at) => at);
  const turn = async (): Promise<void> => over.abort();
  assert.equal(await rowsOf([log('a', times)], sifting({ over: over.signal, turn })), undefined);
});

test('an address opens a record, and nothing else is one', () => {
  const agent = '6f'.repeat(16);
  assert.deepEqual(openAt(`/audit/${agent}/12`), { agent, sequence: 12 });
  for (const path of [
    '/audit',
    '/audit/',
    `/audit/${agent}`,
    `/audit/${agent}/x`,
    `/audit/${agent}/1/2`,
    `/audit/${agent.toUpperCase()}/1`,
  ])
    assert.equal(openAt(path), undefined, path);
});
