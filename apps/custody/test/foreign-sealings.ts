// What each store has to refuse of a sealing: one for another purpose, one of which a byte changed, one to a point off the curve.

import assert from 'node:assert/strict';
import { utf8 } from '@holdfast/protocol/codec/bytes';
import type { KeyHolder, SealPurpose } from '@holdfast/protocol/keys/key-holder';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { openSealed, sealTo } from '@holdfast/protocol/seal/hpke';
import { outcomeOf } from '@holdfast/testkit/vectors';

/** The key is asked for `purpose`, and afterwards still opens what was sealed for it. */
export async function refusesForeignSealings(
  holder: KeyHolder,
  sealKey: Uint8Array,
  purpose: Extract<SealPurpose, { kind: 'grant' }>,
): Promise<void> {
  const sealed = await sealTo(primitives, sealKey, purpose, utf8('secret'));
  const flipped = (at: number) => ({
    ...sealed,
    encapsulated: sealed.encapsulated.map((byte, index) => (index === at ? byte ^ 1 : byte)),
  });
  assert.equal(await outcomeOf(() => openSealed(holder, primitives, { ...purpose, item: purpose.agent }, sealed)), 'open_failed');
  for (const at of [0, 1088, 1120, sealed.encapsulated.length - 1])
    assert.equal(await outcomeOf(() => openSealed(holder, primitives, purpose, flipped(at))), 'open_failed');
  assert.deepEqual(await openSealed(holder, primitives, purpose, sealed), utf8('secret'));
}
