// Another implementation of SD-JWT VC and of status lists (OpenWallet Foundation's) verifies ours, and ours verifies what it issues and presents.
// Only good cases: that library takes presentations without a proof of the key and asks for no audience.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { digest, ES256, generateSalt } from '@sd-jwt/crypto-nodejs';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { bindKey } from '@holdfast/protocol/custody/key-binding';
import {
  boundKey,
  credentialType,
  credentialTypeIntegrity,
  disclose,
  readCredential,
  rootOf,
} from '@holdfast/protocol/identity/credential';
import { deviceIdOf } from '@holdfast/protocol/identity/genesis-device';
import { verifyPresentation, type Expected } from '@holdfast/protocol/identity/presentation';
import { issueStatusList } from '@holdfast/protocol/identity/status-list';
import { jwkOf, keyOfJwk, type PublicJwk } from '@holdfast/protocol/keys/jws';
import { urnOf } from '@holdfast/protocol/keys/urn';
import { World, type AgentActor } from '@holdfast/testkit/world';

const audience = 'https://api.example.com';
const nonce = 'n-0S6_WzA2Mj-2026';
const common = { hasher: digest, hashAlg: 'sha-256', saltGenerator: generateSalt } as const;

/** The four members, whatever else a library puts into a key. */
const publicOf = ({ x = '', y = '' }: { readonly x?: string; readonly y?: string }): PublicJwk => ({
  kty: 'EC',
  crv: 'P-256',
  x,
  y,
});

describe('another implementation', () => {
  let world: World;
  let main: AgentActor;
  let wire: Uint8Array;
  before(async () => {
    world = await World.begin();
    main = await world.enroll('main');
    wire = main.replica.state.agents.get(toHex(main.id))?.credential ?? assert.fail();
  });

  async function theirVerifier(standing: 'in force' | 'revoked'): Promise<SDJwtVcInstance> {
    const said = readCredential(wire);
    const list = await issueStatusList(world.operator.holder, {
      fleet: world.fleet,
      device: world.operator.id,
      uri: said.status.uri,
      standings: new Map([[said.status.index, standing]]),
      length: said.status.index + 1,
      control: 9,
      issuedAtMs: Date.now(),
      livesMs: 86_400_000,
    });
    const kbVerifier = await ES256.getVerifier(boundKey(said));
    return new SDJwtVcInstance({
      ...common,
      verifier: await ES256.getVerifier(jwkOf(world.operator.holder.publicKeys.sign)),
      kbVerifier: async (data, signature) => kbVerifier(data, signature),
      statusListFetcher: async (uri) => (uri === said.status.uri ? list : assert.fail('another list is asked for')),
    });
  }

  it('verifies our presentation, its disclosures and our status list', async () => {
    const said = readCredential(wire);
    const credential = disclose(wire, (claim) => claim === 'scope');
    const presentation =
      credential + (await bindKey(world.primitives, main.holder, { audience, nonce, credential }, said.issuedAtMs));
    const options = { keyBindingNonce: nonce, skewSeconds: 10 ** 9 }; // the world's clock stands still
    const verified = await (await theirVerifier('in force')).verify(presentation, options);
    const claims = verified.payload as Readonly<Record<string, unknown>>;
    assert.equal(claims['scope'], 'main');
    assert.equal(claims['machine'], undefined);
    assert.equal(claims['sub'], urnOf('agent', main.id));
    assert.equal((verified.kb?.payload as { aud?: string } | undefined)?.aud, audience);
    await assert.rejects((await theirVerifier('revoked')).verify(presentation, options), /status/i);
  });

  it('is verified by us', async () => {
    const issuer = await ES256.generateKeyPair();
    const holder = await ES256.generateKeyPair();
    const key = publicOf(issuer.publicKey);
    const device = deviceIdOf(world.primitives, keyOfJwk(key));
    const theirs = new SDJwtVcInstance({
      ...common,
      signer: await ES256.getSigner(issuer.privateKey),
      signAlg: ES256.alg,
      kbSigner: await ES256.getSigner(holder.privateKey),
      kbSignAlg: ES256.alg,
    });
    const nowS = Math.floor(world.tick() / 1000);
    const payload = {
      iss: urnOf('fleet', world.fleet),
      sub: urnOf('agent', main.id),
      vct: credentialType,
      'vct#integrity': credentialTypeIntegrity,
      iat: nowS,
      exp: nowS + 3600,
      cnf: { jwk: publicOf(holder.publicKey) },
      seal_hash: 'A'.repeat(43),
      operator: urnOf('device', device),
      custody: { level: 'tpm', evidence: 'claimed' },
      status: { status_list: { idx: 1, uri: 'https://relay.example/status' } },
      capabilities: ['deploy', 'read'],
      scope: 'main',
      machine: 'box',
    };
    const issued = await theirs.issue(payload, {
      _sd: ['scope', 'machine'],
      capabilities: { _sd: [0, 1] },
    });
    const presentation = await theirs.present(
      issued,
      { scope: true, capabilities: { 1: true } },
      {
        kb: { payload: { iat: nowS, aud: audience, nonce } },
      },
    );
    const expected: Expected = {
      root: rootOf(toHex(world.fleet), keyOfJwk(key)),
      audience,
      challenge: nonce,
      nowMs: () => nowS * 1000,
      firstUse: () => true,
      assertInForce: async () => {},
    };
    const { agent, capabilities, scope, machine } = await verifyPresentation(world.primitives, presentation, expected);
    assert.deepEqual(
      { agent, capabilities, scope, machine },
      { agent: toHex(main.id), capabilities: ['read'], scope: 'main', machine: undefined },
    );
  });
});
