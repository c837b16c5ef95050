// spec/vectors/credential, presentation, delegation and status-list.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { verifyCredential } from '@holdfast/protocol/identity/credential';
import { verifyPresentation, type Expected } from '@holdfast/protocol/identity/presentation';
import { StatusList } from '@holdfast/protocol/identity/status-list';
import type { FleetRoot } from '@holdfast/protocol/identity/token';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { fromVectorHex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

interface CredentialVector extends VectorEntry {
  readonly credential: string;
  readonly root: FleetRoot;
  readonly keys: { readonly sign: string; readonly seal: string };
  readonly nowMs: number;
  readonly agent?: string;
}

interface PresentationVector extends VectorEntry {
  readonly presentation: string;
  readonly root: FleetRoot;
  readonly audience: string;
  readonly challenge: string | null;
  readonly nowMs: number;
  readonly agent?: string;
  readonly capabilities?: readonly string[];
  readonly scope?: string;
  readonly harness?: string;
  readonly children?: readonly string[];
}

interface ListVector extends VectorEntry {
  readonly token: string;
  readonly root: FleetRoot;
  readonly uri: string;
  readonly nowMs: number;
  readonly index: number;
  readonly children?: readonly string[];
}

/** The first use of everything, and a list in which everything is in force. */
function expectedOf({ root, audience, challenge, nowMs }: PresentationVector): Expected {
  return { root, audience, challenge, nowMs: () => nowMs, firstUse: () => true, assertInForce: async () => {} };
}

describe('credential vectors', () => {
  for (const { name, clause, expect, credential, root, keys, nowMs, agent } of ownVectors<CredentialVector>(
    'credential/credentials',
  ).entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      const expected = { root, keys: { sign: fromVectorHex(keys.sign), seal: fromVectorHex(keys.seal) }, nowMs };
      const verify = async () => verifyCredential(primitives, utf8(credential), expected);
      assert.equal(await outcomeOf(verify), expect);
      if (expect === 'ok') assert.equal(toHex((await verify()).agent), agent);
    });
  }
});

describe('presentation vectors', () => {
  for (const vector of ownVectors<PresentationVector>('presentation/presentations').entries) {
    const { name, clause, expect, presentation } = vector;
    it(`${clause} ${name}: ${expect}`, async () => {
      const verify = async () => verifyPresentation(primitives, presentation, expectedOf(vector));
      assert.equal(await outcomeOf(verify), expect);
      if (expect !== 'ok') return;
      const { agent, capabilities, scope, harness } = await verify();
      assert.deepEqual(
        { agent, capabilities, scope, harness },
        { agent: vector.agent, capabilities: vector.capabilities, scope: vector.scope, harness: vector.harness },
      );
    });
  }
});

describe('delegation vectors', () => {
  for (const vector of ownVectors<PresentationVector>('delegation/presentations').entries) {
    const { name, clause, expect, presentation } = vector;
    it(`${clause} ${name}: ${expect}`, async () => {
      const verify = async () => verifyPresentation(primitives, presentation, expectedOf(vector));
      assert.equal(await outcomeOf(verify), expect);
      if (expect !== 'ok') return;
      const { agent, capabilities, children } = await verify();
      assert.deepEqual(
        { agent, capabilities, children },
        { agent: vector.agent, capabilities: vector.capabilities, children: vector.children },
      );
    });
  }
});

describe('status list vectors', () => {
  for (const vector of ownVectors<ListVector>('status-list/lists').entries) {
    const { name, clause, expect, token, root, uri, nowMs, index, children = [] } = vector;
    it(`${clause} ${name}: ${expect}`, async () => {
      const ask = async () => (await StatusList.verify(primitives, token, { root, uri, nowMs })).assertInForce(index, children);
      assert.equal(await outcomeOf(ask), expect);
    });
  }
});
