// spec/vectors/console-key: what opens a record, and what of it nobody believes.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { equalBytes, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { verifySignature } from '@holdfast/protocol/keys/domain';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { fromVectorHex as hex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';
import { openMaster, openRecord, readKeyRecord, type Opener, type Unlock } from '../../src/keys/key-record.ts';
import { Leaves } from '../../src/keys/leaves.ts';
import { WebKeyHolder } from '../../src/keys/web-key-holder.ts';
import { stretch } from './key-world.ts';

type WayVector = { kind: 'passphrase'; passphrase: string } | { kind: 'passkey'; credential: string; prf: string };
type RecordVector = VectorEntry & { record: string; way: WayVector; sign?: string };

async function openerOf(way: WayVector, unlocks: readonly Unlock[]): Promise<readonly [Unlock, Opener]> {
  if (way.kind === 'passphrase') {
    const unlock = unlocks.find((each) => each.kind === 'passphrase');
    assert.ok(unlock);
    const stretched = await stretch(hex(way.passphrase), unlock.salt, unlock.logN);
    return [unlock, { kind: 'passphrase', stretched }];
  }
  const credential = hex(way.credential);
  const unlock = unlocks.find((each) => each.kind === 'passkey' && equalBytes(each.credential, credential));
  assert.ok(unlock);
  return [unlock, { kind: 'passkey', credential, prf: hex(way.prf) }];
}

async function open({ record: wire, way }: RecordVector): Promise<WebKeyHolder> {
  const record = readKeyRecord(hex(wire));
  const master = await openMaster(...(await openerOf(way, record.unlocks)));
  return WebKeyHolder.of(webPrimitives, new Leaves(() => 0), await openRecord(record, master), record.keys);
}

describe('records of the operator key', () => {
  for (const vector of ownVectors<RecordVector>('console-key/records').entries) {
    it(`${vector.clause} one ${vector.name}: ${vector.expect}`, async () => {
      assert.equal(await outcomeOf(() => open(vector)), vector.expect);
      if (vector.expect !== 'ok') return;
      const holder = await open(vector);
      assert.equal(toHex(holder.publicKeys.sign), vector.sign);
      const statement = utf8('a statement');
      const signature = await holder.sign('pulse', statement);
      await verifySignature(webPrimitives, { domain: 'pulse', statement, signature, publicKey: holder.publicKeys.sign });
    });
  }
});
