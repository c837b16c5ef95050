// Warrants by their vectors, spec/authority.md, and as entries carry them.

import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';

import { verifyApproval } from '@holdfast/protocol/approvals/approved';
import type { Ask } from '@holdfast/protocol/approvals/ask';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { endGrant, setRules } from '@holdfast/protocol/journal/compose';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { readWarrant, verifyWarrant } from '@holdfast/protocol/vault/warrant';
import { fromVectorHex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';
import { World } from '@holdfast/testkit/world';

describe('warrants', () => {
  type Vector = VectorEntry & { readonly deviceKey: string; readonly wire: string };
  for (const { name, clause, expect, deviceKey, wire } of ownVectors<Vector>('authority/warrants').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const read = async () => verifyWarrant(primitives, readWarrant(primitives, fromVectorHex(wire)), fromVectorHex(deviceKey));
      assert.equal(await outcomeOf(read), expect);
    });
  }
});

describe('warrants of approvals', () => {
  type Use = Extract<Ask['act'], { kind: 'use' }>;
  type Vector = VectorEntry &
    Readonly<Record<'fleet' | 'agent' | 'device' | 'deviceKey' | 'wire', string>> & {
      readonly ask: Readonly<Record<'ask' | 'session' | 'call', string>> & {
        readonly act: Omit<Use, 'grant' | 'item' | 'key'> & Readonly<Record<'grant' | 'item' | 'key', string>>;
      };
    };
  for (const { name, clause, expect, ask, ...vector } of ownVectors<Vector>('authority/approvals').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const [fleet, agent, device, key, wire] = (['fleet', 'agent', 'device', 'deviceKey', 'wire'] as const).map((each) => fromVectorHex(vector[each])); // prettier-ignore
      if (!fleet || !agent || !device || !key || !wire) assert.fail();
      const { grant, item, key: useKey, ...rest } = ask.act;
      const act = { ...rest, grant: fromVectorHex(grant), item: fromVectorHex(item), key: fromVectorHex(useKey) };
      const asked = { ask: fromVectorHex(ask.ask), session: fromVectorHex(ask.session), call: fromVectorHex(ask.call), act };
      const verify = () => verifyApproval(primitives, wire, { fleet, agent, device, ask: asked }, key);
      assert.equal(await outcomeOf(verify), expect);
    });
  }
});

test('[AUTHORITY-2] [AUTHORITY-6]: what is in force has a warrant of its own, which outlives it', async () => {
  const world = await World.begin();
  const { operator } = world;
  const main = await world.enroll('main');
  const grant = await operator.grant(await operator.keep('demo', new TextEncoder().encode('sk-secret-0123456789')), main.id);
  await operator.act((author) => setRules(author, 'rules: []\n'));
  await main.sync();
  const held = main.replica.state.grants.get(toHex(main.id))?.get(toHex(grant)) ?? assert.fail();
  await operator.act((author) => endGrant(author, { agent: main.id, grant }));
  await main.sync();
  const { state } = main.replica;
  assert.equal(state.grants.get(toHex(main.id))?.size, 0);
  const wire = state.warrants.get(toHex(main.id))?.get(toHex(held.warrant)) ?? assert.fail('it went with its grant');
  const warrant = readWarrant(primitives, wire);
  await verifyWarrant(primitives, warrant, operator.holder.publicKeys.sign);
  assert.equal(warrant.said.kind === 'grant' && warrant.said.terms.name, 'demo');
  assert.equal('sealed' in (warrant.said.kind === 'grant' ? warrant.said.terms : {}), false); // [AUTHORITY-3]
  const ofRules = state.warrants.get(toHex(state.fleet))?.get(toHex(state.rules?.warrant ?? assert.fail())) ?? assert.fail();
  const { said } = readWarrant(primitives, ofRules);
  assert.deepEqual(said.kind === 'rules' && [said.version, toHex(said.hash)], [1, toHex(state.rules?.hash ?? assert.fail())]);
});
