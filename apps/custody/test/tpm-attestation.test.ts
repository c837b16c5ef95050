// What a TPM (swtpm, with a maker who vouches for it) shows of the keys in it and says about them, and what it does not say: nothing about a challenge that
// was made for another chip or another key, and nothing without a certificate.

import assert from 'node:assert/strict';
import { constants, createCipheriv, publicEncrypt, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import type { PairingOffer } from '@holdfast/protocol/blind/pairing-offer';
import { Attestation, type Endorsed } from '@holdfast/protocol/identity/tpm-attestation';
import type { KeyEvidence } from '@holdfast/protocol/custody/attestation';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { noSoftTpm, SoftTpm, SoftTpmMaker } from '@holdfast/testkit/soft-tpm';
import { outcomeOf } from '@holdfast/testkit/vectors';

import type { FileStore } from '../src/file-store.ts';
import { CustodyServer } from '../src/serve.ts';
import { openSoftwareStore } from '../src/software-store.ts';
import { Stores } from '../src/stores.ts';
import { openTpmStore } from '../src/tpm/tpm-store.ts';
import { decodeAnswer, encodeAnswer, encodeRequest, type CustodyRequest } from '@holdfast/protocol/custody/wire';

const offerHash = new Uint8Array(32).fill(7);

/** Whoever the certificate names; that somebody trusted signed it is another's question. */
function endorsedIn({ endorsement }: KeyEvidence): Endorsed {
  const key = new X509Certificate(endorsement).publicKey;
  return {
    modulus: new Uint8Array(Buffer.from(key.export({ format: 'jwk' }).n ?? '', 'base64url')),
    seal: async (oaepLabel, secret) =>
      new Uint8Array(publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel }, secret)),
    cipher: async (aes, plaintext) => new Uint8Array(createCipheriv('aes-128-cfb', aes, new Uint8Array(16)).update(plaintext)),
  };
}

describe('the attestation of a TPM', { skip: noSoftTpm() }, () => {
  let root = '';
  let maker: SoftTpmMaker;
  let tpm: SoftTpm;
  let other: SoftTpm;
  let bare: SoftTpm;
  let store: FileStore;
  let otherStore: FileStore;
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-store-'));
    maker = SoftTpmMaker.create();
    [tpm, other, bare] = [await SoftTpm.start(maker), await SoftTpm.start(maker), await SoftTpm.start()];
    store = await openTpmStore(primitives, join(root, 'one'), { device: tpm.device, passphrase: undefined });
    otherStore = await openTpmStore(primitives, join(root, 'other'), { device: other.device, passphrase: undefined });
  });
  after(async () => {
    await store.close();
    await otherStore.close();
    await Promise.all([tpm, other, bare].map((each) => each.remove()));
    maker.remove();
    rmSync(root, { recursive: true });
  });

  const made = async (where: FileStore) => {
    const { description, holder } = await where.create('main');
    assert.ok(holder.attester !== undefined);
    const evidence = await holder.attester.evidence();
    const offer = { keys: description.publicKeys } as PairingOffer;
    const attestation = await Attestation.begin(primitives, evidence, { offer, offerHash, endorsed: endorsedIn(evidence) });
    return { attester: holder.attester, attestation, evidence, description };
  };

  it('proves both keys, for one offer and one challenge [ATTEST-6] [ATTEST-7]', async () => {
    const { attester, attestation } = await made(store);
    const proof = await attester.prove(attestation.challenge, offerHash);
    assert.equal(await outcomeOf(() => attestation.verify(proof)), 'ok');
    const elsewhere = await attester.prove(attestation.challenge, new Uint8Array(32).fill(8));
    assert.equal(await outcomeOf(() => attestation.verify(elsewhere)), 'attestation_invalid');
    const later = await made(store);
    assert.equal(await outcomeOf(() => later.attestation.verify(proof)), 'attestation_invalid', 'a proof of before');
  });

  it('opens no challenge that was made for another chip, or another attestation key [ATTEST-6]', async () => {
    const [one, next, elsewhere] = [await made(store), await made(store), await made(otherStore)];
    for (const { attestation } of [next, elsewhere])
      assert.match(await outcomeOf(() => one.attester.prove(attestation.challenge, offerHash)), /^key_store_(failed|foreign)$/);
    const { challenge } = one.attestation;
    for (const at of [0, 33, 40, challenge.credential.length - 1]) {
      const credential = challenge.credential.map((byte, index) => (index === at ? byte ^ 1 : byte));
      assert.notEqual(await outcomeOf(() => one.attester.prove({ ...challenge, credential }, offerHash)), 'ok');
    }
    const proof = await one.attester.prove(challenge, offerHash);
    assert.equal(await outcomeOf(() => one.attestation.verify(proof)), 'ok', 'and goes on working');
  });

  it('shows nothing without a certificate, and proves nothing that it has not shown', async () => {
    const without = await openTpmStore(primitives, join(root, 'bare'), { device: bare.device, passphrase: undefined });
    try {
      const { holder } = await without.create('main');
      assert.equal(await outcomeOf(() => holder.attester?.evidence()), 'attestation_absent');
      const { attestation } = await made(store);
      assert.equal(await outcomeOf(() => holder.attester?.prove(attestation.challenge, offerHash)), 'custody_refused');
    } finally {
      await without.close();
    }
  });

  it('is asked of custody for a key that is not bound yet, and in no other store [CUSTODY-26]', async () => {
    const software = await openSoftwareStore(primitives, root, undefined);
    const kinds = [store, software].map((each) => ({ level: each.level, folder: root, open: async () => ({ store: each }) }));
    const server = new CustodyServer({
      openStores: () => Stores.open(kinds, undefined),
      nowMs: () => Date.now(),
      monotonicMs: () => 0,
      primitives,
    });
    const outcome = async (request: CustodyRequest) => {
      const answer = decodeAnswer(encodeAnswer(await server.answer(encodeRequest(request))));
      return answer.kind === 'error' ? answer.code : answer.kind;
    };
    await outcome({ kind: 'unlock', id: 1 });
    const { description, attestation } = await made(store);
    const { key } = description;
    assert.equal(await outcome({ kind: 'evidence', id: 2, key }), 'evidence');
    const { challenge } = attestation;
    assert.equal(await outcome({ kind: 'prove', id: 3, key, offer: offerHash, challenge }), 'key_store_foreign'); // of an earlier attestation key
    const soft = (await software.create('soft')).description.key;
    assert.equal(await outcome({ kind: 'evidence', id: 4, key: soft }), 'attestation_absent');
    await store.bind(key, { fleet: new Uint8Array(32).fill(1), agent: new Uint8Array(16).fill(2) });
    assert.equal(await outcome({ kind: 'evidence', id: 5, key }), 'custody_refused');
    assert.equal(await outcome({ kind: 'prove', id: 6, key, offer: offerHash, challenge }), 'custody_refused');
  });
});
