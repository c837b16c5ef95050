// The rows of the audit stream: newest first over all logs, each in its own order, in pieces between which others get a turn, and ended when nobody waits.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { openAt, RowStream, type Row, type RowLog } from '../../src/screens/audit/rows.ts';

const event = (sequence: number, atMs: number): AuditEvent => ({ kind: 'prompted', sequence, atMs }) as unknown as AuditEvent;

const log = (agent: string, times: readonly number[]): RowLog => ({
  agent,
  scope: agent,
  events: times.map((atMs, at) => event(at, atMs)),
});
const placesOf = (rows: readonly Row[] | undefined): readonly unknown[] | undefined =>
  rows?.map(({ agent, event: { sequence, atMs } }) => [agent, sequence, atMs]);
const everything = () => () => true;
const never = new AbortController().signal;

/** A clock on which each event that is looked at takes `usPerEvent`, and what was done on it. */
function played(usPerEvent = 0, onTurn: () => void = () => {}) {
  const done = { looks: 0, turns: 0, longestMs: 0 };
  let [us, beganUs] = [0, 0];
  const stream = new RowStream({
    monotonicMs: () => us / 1000,
    next: async () => {
      done.longestMs = Math.max(done.longestMs, (us - beganUs) / 1000);
      beganUs = us;
      done.turns += 1;
      onTurn();
    },
  });
  const counting = (matches: boolean) => () => () => {
    done.looks += 1;
    us += usPerEvent;
    return matches;
  };
  return { stream, done, counting };
}

test('newest first over all logs; a clock that went back reorders no log', async () => {
  const rows = await played().stream.rowsOf([log('a', [10, 40, 30]), log('b', [20, 35])], everything, never);
  assert.deepEqual(placesOf(rows), [
    ['b', 1, 35],
    ['a', 2, 30],
    ['a', 1, 40],
    ['b', 0, 20],
    ['a', 0, 10],
  ]);
});

test('of a hundred thousand the page gets its turn each ten milliseconds, also where nothing matches', async () => {
  const times = Array.from({ length: 100_000 }, (_, at) => at);
  for (const matches of [true, false]) {
    const { stream, done, counting } = played(10);
    assert.equal((await stream.rowsOf([log('a', times)], counting(matches), never))?.length, matches ? 100_000 : 0);
    assert.equal(done.looks, 100_000);
    assert.ok(done.longestMs < 10, `${done.longestMs} ms`);
  }
});

test('records that come are looked at alone, and rows that were there are the same ones', async () => {
  const { stream, done, counting } = played();
  const matching = counting(true);
  const [a, b, more] = [log('a', [10, 20]), log('b', [15]), log('a', [10, 20, 12, 30])];
  const first = await stream.rowsOf([a], matching, never);
  const then = await stream.rowsOf([more, b], matching, never);
  assert.equal(done.looks, 5);
  assert.deepEqual(placesOf(then), [
    ['a', 3, 30],
    ['b', 0, 15],
    ['a', 2, 12],
    ['a', 1, 20],
    ['a', 0, 10],
  ]);
  assert.deepEqual(then?.slice(-2), first);
  assert.ok(first?.every((row) => then?.includes(row)));
});

test('a row is the same one under another filter: a list keeps its place, and nothing is made again', async () => {
  const { stream } = played();
  const a = log('a', [10, 20, 30]);
  const all = await stream.rowsOf([a], everything, never);
  const some = await stream.rowsOf([a], () => (each) => each.atMs > 10, never);
  assert.deepEqual(placesOf(some), [
    ['a', 2, 30],
    ['a', 1, 20],
  ]);
  assert.ok(some?.every((row) => all?.includes(row)));
});

test('it stops when another filter is wanted; the same one goes on where it was', async () => {
  const over = new AbortController();
  const times = Array.from({ length: 10_000 }, (_, at) => at);
  const { stream, done, counting } = played(10, () => over.abort());
  const matching = counting(true);
  assert.equal(await stream.rowsOf([log('a', times)], matching, over.signal), undefined);
  assert.ok(done.looks > 0 && done.looks < 10_000);
  assert.equal((await stream.rowsOf([log('a', times)], matching, never))?.length, 10_000);
  assert.equal(done.looks, 10_000);
  assert.deepEqual(await stream.rowsOf([log('a', times)], counting(false), never), []);
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
