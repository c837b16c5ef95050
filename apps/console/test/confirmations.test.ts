// Confirming an act: a way that proves nothing is tried again in the same place, and what was taken back signs nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { openConfirmations, type Confirmations, type Waiting } from '../src/app/confirmations.ts';
import type { Way } from '../src/keys/ways.ts';

const phrase = (text: string): Way => ({ kind: 'passphrase', passphrase: new TextEncoder().encode(text) });
const first = ({ waiting }: Confirmations): Waiting => waiting() ?? assert.fail('nothing waits');
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

function trying(code: ErrorCode) {
  const all = openConfirmations();
  const signed: string[] = [];
  const done = all.confirm('Revoke main', async (way, proven) => {
    if (way.kind === 'passkey' || new TextDecoder().decode(way.passphrase) !== 'right') throw new HoldfastError(code, 'no');
    await settled();
    proven();
    signed.push('Revoke main');
    return 'done';
  });
  return { all, signed, done };
}

for (const code of ['passphrase_wrong', 'passkey_refused', 'passkey_wrong'] as const)
  test(`${code}: it is told, the same act waits on, and the next try counts`, async () => {
    const { all, signed, done } = trying(code);
    const mine = first(all);
    const wrong = phrase('wrong');
    for (const way of [wrong, { kind: 'passkey' } as const]) {
      mine.confirmed(way);
      await settled();
      assert.equal((mine.failed() as HoldfastError).code, code);
      assert.deepEqual([first(all), mine.busy(), signed], [mine, false, []]);
    }
    assert.ok(wrong.kind === 'passphrase' && wrong.passphrase.every((byte) => byte === 0), 'overwritten');
    mine.confirmed(phrase('right'));
    assert.equal(await done, 'done');
    assert.deepEqual([all.waiting(), signed], [undefined, ['Revoke main']]);
  });

test('what is no matter of the way shown ends it', async () => {
  const { all, done } = trying('key_invalid');
  first(all).confirmed(phrase('wrong'));
  await assert.rejects(done, { code: 'key_invalid' });
  assert.equal(all.waiting(), undefined);
});

test('what fails after the way was proven is not asked for again, whatever its code', async () => {
  const all = openConfirmations();
  const done = all.confirm('Revoke main', async (_way, proven) => {
    proven();
    throw new HoldfastError('passkey_refused', 'later');
  });
  first(all).confirmed(phrase('right'));
  await assert.rejects(done, { code: 'passkey_refused' });
  assert.equal(all.waiting(), undefined);
});

test('taken back while it is proven, or locked: nothing is signed', async () => {
  for (const end of ['refused', 'locked'] as const) {
    const { all, signed, done } = trying('passphrase_wrong');
    const mine = first(all);
    mine.confirmed(phrase('right'));
    if (end === 'refused') mine.refused();
    else all.refuseAll();
    await assert.rejects(done, { code: 'step_up_needed' });
    await settled();
    await settled();
    assert.deepEqual([signed, all.waiting()], [[], undefined]);
  }
});
