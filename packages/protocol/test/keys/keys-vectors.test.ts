// spec/vectors/keys, over both adapters of the primitives.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { toHex } from '@holdfast/protocol/codec/bytes';
import { verifySessionKey } from '@holdfast/protocol/blind/session-key';
import { statementHash, verifySignature, type StatementDomain } from '@holdfast/protocol/keys/domain';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { fromVectorHex as hex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

type Signed = VectorEntry & { domain: StatementDomain; statement: string; publicKey: string; signature: string; hash?: string };
type Recovery = VectorEntry & { code: string; sign?: string; sealSha256?: string };
type Private = VectorEntry & { private: string; sign?: string };
type Session = VectorEntry & { wire: string; fleet: string; agent: string; agentKey: string; atMs: number };

for (const [name, primitives] of [
  ['node', nodePrimitives],
  ['web', webPrimitives],
] as const) {
  describe(`keys over ${name}`, () => {
    for (const vector of ownVectors<Signed>('keys/signatures').entries) {
      it(`${vector.clause} a signature ${vector.name}: ${vector.expect}`, async () => {
        const { domain, statement, publicKey, signature, hash, expect } = vector;
        const signed = { domain, statement: hex(statement), publicKey: hex(publicKey), signature: hex(signature) };
        assert.equal(await outcomeOf(() => verifySignature(primitives, signed)), expect);
        if (hash !== undefined) assert.equal(toHex(statementHash(primitives, domain, hex(statement))), hash); // [KEYS-4]
      });
    }

    for (const vector of ownVectors<Recovery>('keys/recovery').entries) {
      it(`${vector.clause} recovery, ${vector.name}: ${vector.expect}`, async () => {
        const make = (): Promise<SoftwareKeyHolder> => SoftwareKeyHolder.fromRecoveryCode(primitives, hex(vector.code));
        assert.equal(await outcomeOf(make), vector.expect);
        if (vector.expect !== 'ok') return;
        const { sign, seal } = (await make()).publicKeys;
        assert.equal(toHex(sign), vector.sign);
        assert.equal(toHex(primitives.sha256(seal)), vector.sealSha256);
      });
    }

    for (const vector of ownVectors<Private>('keys/private').entries) {
      it(`${vector.clause} private keys, ${vector.name}: ${vector.expect}`, async () => {
        const read = (): Promise<SoftwareKeyHolder> => SoftwareKeyHolder.fromBytes(primitives, hex(vector.private));
        assert.equal(await outcomeOf(read), vector.expect);
        if (vector.expect !== 'ok') return;
        const holder = await read();
        assert.equal(toHex(holder.publicKeys.sign), vector.sign);
        assert.equal(toHex(holder.exportBytes()), vector.private);
      });
    }

    for (const vector of ownVectors<Session>('keys/session-keys').entries) {
      it(`${vector.clause} a session key, ${vector.name}: ${vector.expect}`, async () => {
        const { wire, fleet, agent, agentKey, atMs, expect } = vector;
        const about = { fleet: hex(fleet), agent: hex(agent), agentKey: hex(agentKey), atMs };
        assert.equal(await outcomeOf(() => verifySessionKey(primitives, hex(wire), about)), expect);
      });
    }
  });
}
