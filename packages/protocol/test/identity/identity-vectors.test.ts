// spec/vectors/pairing and recovery.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { toHex } from '@holdfast/protocol/codec/bytes';
import {
  openOffer,
  openPart,
  Pairing,
  parsePairingCode,
  partRendezvous,
  rendezvousOf,
  sealPart,
} from '@holdfast/protocol/identity/pairing';
import { agentPairing, devicePairing } from '@holdfast/protocol/identity/pairing-kind';
import { recoveryKeys } from '@holdfast/protocol/identity/recovery';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { fromVectorHex, outcomeOf, ownVectors, type VectorEntry } from '@holdfast/testkit/vectors';

interface CodeVector extends VectorEntry {
  readonly typed: string;
  readonly code?: string;
  readonly relayUrl?: string;
}

interface OfferVector extends VectorEntry {
  readonly code: string;
  readonly sealed: string;
  readonly rendezvous: string;
  readonly words: readonly string[];
  readonly hash: string;
}

interface AnswerVector extends VectorEntry {
  readonly code: string;
  readonly sealed: string;
  readonly seed: string;
  readonly afterMs: number;
  readonly fleet?: string;
}

interface RecoveryVector extends VectorEntry {
  readonly typed: string;
  readonly sign: string;
  readonly seal: string;
}

describe('further messages of a pairing', () => {
  it('[PAIRING-13] lie apart, and open under their own code and name only', async () => {
    const [code, other] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
    const parts = ['evidence', 'challenge', 'proof'] as const;
    const places = parts.map((part) => toHex(partRendezvous(primitives, agentPairing, code, part)));
    assert.equal(new Set([...places, toHex(rendezvousOf(primitives, agentPairing, code))]).size, 4);
    const sealed = await sealPart(primitives, agentPairing, code, 'evidence', Uint8Array.of(1, 2));
    assert.deepEqual(await openPart(primitives, agentPairing, code, 'evidence', sealed), Uint8Array.of(1, 2));
    assert.equal(await outcomeOf(() => openPart(primitives, agentPairing, code, 'proof', sealed)), 'open_failed');
    assert.equal(await outcomeOf(() => openPart(primitives, agentPairing, other, 'evidence', sealed)), 'open_failed');
    assert.equal(
      await outcomeOf(() => openPart(primitives, agentPairing, code, 'evidence', new Uint8Array(64 * 1024))),
      'codec_limit',
    );
  });
});

describe('pairing vectors', () => {
  for (const { name, clause, expect, typed, code, relayUrl } of ownVectors<CodeVector>('pairing/codes').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      assert.equal(await outcomeOf(() => parsePairingCode(primitives, agentPairing, typed)), expect);
      if (expect !== 'ok') return;
      const parsed = parsePairingCode(primitives, agentPairing, typed);
      assert.equal(toHex(parsed.code), code);
      assert.equal(parsed.relayUrl, relayUrl);
    });
  }

  for (const vector of ownVectors<OfferVector>('pairing/offers').entries) {
    it(`${vector.clause} offer ${vector.name}: ${vector.expect}`, async () => {
      const code = fromVectorHex(vector.code);
      assert.equal(await outcomeOf(() => openOffer(primitives, agentPairing, code, fromVectorHex(vector.sealed))), vector.expect);
      if (vector.expect !== 'ok') return;
      const opened = await openOffer(primitives, agentPairing, code, fromVectorHex(vector.sealed));
      assert.deepEqual(opened.words, vector.words);
      assert.equal(toHex(opened.hash), vector.hash);
      assert.equal(toHex(rendezvousOf(primitives, agentPairing, code)), vector.rendezvous);
    });
  }

  for (const vector of ownVectors<AnswerVector>('pairing/answers').entries) {
    it(`${vector.clause} answer ${vector.name}: ${vector.expect}`, async () => {
      const own = seededPrimitives(vector.seed);
      const holder = await SoftwareKeyHolder.generate(own);
      const terms = {
        agent: own.random(16),
        scope: 'main',
        machine: 'box',
        custody: 'software',
        capabilities: ['deploy'],
      } as const;
      const pairing = await Pairing.begin(own, agentPairing, holder, terms, { code: fromVectorHex(vector.code), monotonicMs: 0 });
      let fleet: string | undefined;
      const outcome = await outcomeOf(async () => {
        ({ fleet } = { fleet: toHex((await pairing.openAnswer(fromVectorHex(vector.sealed), vector.afterMs)).fleet) });
      });
      assert.equal(outcome, vector.expect);
      assert.equal(fleet, vector.fleet);
    });
  }
});

describe('pairing vectors of devices', () => {
  for (const vector of ownVectors<OfferVector>('pairing/device-offers').entries) {
    it(`${vector.clause} offer ${vector.name}: ${vector.expect}`, async () => {
      const [code, sealed] = [fromVectorHex(vector.code), fromVectorHex(vector.sealed)];
      assert.equal(await outcomeOf(() => openOffer(primitives, devicePairing, code, sealed)), vector.expect);
      if (vector.expect !== 'ok') return;
      const opened = await openOffer(primitives, devicePairing, code, sealed);
      assert.deepEqual([opened.words, toHex(opened.hash)], [vector.words, vector.hash]);
      assert.equal(toHex(rendezvousOf(primitives, devicePairing, code)), vector.rendezvous);
    });
  }

  for (const vector of ownVectors<AnswerVector>('pairing/device-answers').entries) {
    it(`${vector.clause} answer ${vector.name}: ${vector.expect}`, async () => {
      const own = seededPrimitives(vector.seed);
      const holder = await SoftwareKeyHolder.generate(own);
      const timing = { code: fromVectorHex(vector.code), monotonicMs: 0 };
      const pairing = await Pairing.begin(own, devicePairing, holder, { name: 'phone', machine: 'box' }, timing);
      const outcome = await outcomeOf(() => pairing.openAnswer(fromVectorHex(vector.sealed), vector.afterMs));
      assert.equal(outcome, vector.expect);
    });
  }
});

describe('recovery vectors', () => {
  for (const { name, clause, expect, typed, sign, seal } of ownVectors<RecoveryVector>('recovery/codes').entries) {
    it(`${clause} ${name}: ${expect}`, async () => {
      assert.equal(await outcomeOf(() => recoveryKeys(primitives, typed)), expect);
      if (expect !== 'ok') return;
      const { publicKeys } = await recoveryKeys(primitives, typed);
      assert.equal(toHex(publicKeys.sign), sign);
      assert.equal(toHex(primitives.sha256(publicKeys.seal)), seal);
    });
  }
});
