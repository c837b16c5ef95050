// The recovery code: the same keys whenever it is typed, and no code with a slip in it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { formatPairingCode } from '@holdfast/protocol/identity/pairing';
import { agentPairing } from '@holdfast/protocol/identity/pairing-kind';
import { makeRecoveryCode, recoveryKeys } from '@holdfast/protocol/identity/recovery';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { outcomeOf } from '@holdfast/testkit/vectors';

describe('recovery code', () => {
  it('[RECOVERY-1]: makes the same keys again', async () => {
    const { code, keys } = await makeRecoveryCode(primitives);
    assert.match(code, /^([0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]{4}$/);
    assert.deepEqual(
      (await recoveryKeys(primitives, ` ${code.toLowerCase().replaceAll('-', ' ')}\n`)).publicKeys,
      keys.publicKeys,
    );
    const other = await makeRecoveryCode(primitives);
    assert.notEqual(other.code, code);
    assert.notDeepEqual(other.keys.publicKeys, keys.publicKeys);
  });

  it('[RECOVERY-2]: a slip, a cut or a pairing code is no recovery code', async () => {
    const { code } = await makeRecoveryCode(primitives);
    const slip = (code.startsWith('7') ? '8' : '7') + code.slice(1);
    const swapped = code.slice(5, 9) + code.slice(4, 5) + code.slice(0, 4) + code.slice(9);
    for (const typed of [
      '',
      slip,
      code.slice(0, -1),
      `${code}-0000`,
      formatPairingCode(primitives, agentPairing, primitives.random(16)),
    ]) {
      assert.equal(await outcomeOf(() => recoveryKeys(primitives, typed)), 'recovery_code_invalid');
    }
    if (swapped !== code) assert.equal(await outcomeOf(() => recoveryKeys(primitives, swapped)), 'recovery_code_invalid');
  });
});
