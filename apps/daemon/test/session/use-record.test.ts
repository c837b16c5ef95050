import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UseRecord } from '../../src/session/use-record.ts';

function recording(): { readonly use: UseRecord; readonly written: [number, boolean][]; pass(us: number): void } {
  const written: [number, boolean][] = [];
  let now = 1_000;
  const use = new UseRecord(
    () => now,
    (credentialedUs, sent) => written.push([credentialedUs, sent]),
  );
  return { use, written, pass: (us) => (now += us) };
}

test('a client that leaves while the secret is being opened: the record waits until it is overwritten', async () => {
  const { use, written, pass } = recording();
  const gate = Promise.withResolvers<void>();
  const opening = use.open(() => gate.promise);
  use.failed();
  assert.deepEqual(written, []);
  gate.resolve();
  await opening;
  pass(40);
  use.wiped(false);
  assert.deepEqual(written, [[40, false]]);
});

test('a client that leaves after the bytes were handed over: they count as sent', async () => {
  const { use, written, pass } = recording();
  await use.open(() => Promise.resolve());
  pass(7);
  use.failed();
  use.wiped(true);
  use.failed();
  assert.deepEqual(written, [[7, true]]);
});

test('a use that never opens its secret is recorded once, as not sent', async () => {
  const early = recording();
  early.use.failed();
  early.use.failed();
  const late = recording();
  const opening = late.use.open(() => Promise.reject(new Error('no')));
  late.use.failed();
  await assert.rejects(opening, /no/);
  assert.deepEqual([early.written, late.written], [[[0, false]], [[0, false]]]);
});
