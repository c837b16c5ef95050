// Credentials: what the issuer says, for whom, how long; what a copy, another fleet or another key are worth; and that no bit of one can change.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';

import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Json } from '@holdfast/protocol/codec/json';
import {
  credentialLifeMs,
  credentialType,
  credentialTypeIntegrity,
  issueCredential,
  readCredential,
  rootOf,
  verifyCredential,
  type CredentialStatement,
} from '@holdfast/protocol/identity/credential';
import { readDisclosure, splitSdJwt } from '@holdfast/protocol/identity/sd-jwt';
import { readToken } from '@holdfast/protocol/keys/jws';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { share } from '@holdfast/testkit/shares';
import { outcomeOf } from '@holdfast/testkit/vectors';
import { World, type AgentActor } from '@holdfast/testkit/world';

describe('credential', () => {
  let world: World;
  let main: AgentActor;
  let wire: Uint8Array;
  let statement: CredentialStatement;
  let expected: Parameters<typeof verifyCredential>[2];
  before(async () => {
    world = await World.begin();
    main = await world.enroll('main');
    wire = main.replica.state.agents.get(toHex(main.id))?.credential ?? assert.fail();
    statement = readCredential(wire);
    const root = rootOf(toHex(world.fleet), world.operator.holder.publicKeys.sign);
    expected = { root, keys: main.holder.publicKeys, nowMs: statement.issuedAtMs };
  });

  const verify = async (credential: Uint8Array, change: Partial<typeof expected> = {}) =>
    outcomeOf(() => verifyCredential(world.primitives, credential, { ...expected, ...change }));

  it('[CREDENTIAL-1]: says who the agent is, provable from the fleet’s root alone', async () => {
    const proven = await verifyCredential(world.primitives, wire, expected);
    assert.deepEqual(proven.agent, main.id);
    assert.equal(proven.scope, 'main');
    assert.deepEqual(proven.custody, { level: 'software', evidence: 'claimed' });
    assert.equal(proven.expiresAtMs - proven.issuedAtMs, credentialLifeMs);
    assert.equal(proven.status.index, main.replica.state.agents.get(toHex(main.id))?.position);
    assert.deepEqual(proven, statement, 'what is read for comparing is what is verified');
  });

  it('[CREDENTIAL-6]: any flipped bit is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(wire.length - 1), fc.nat(7), async (at, bit) => {
        const changed = wire.slice();
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        assert.notEqual(await verify(changed), 'ok');
      }),
      { numRuns: share({ ci: 150, soak: 5000 }) },
    );
  });

  it('[CREDENTIAL-5], [CREDENTIAL-7]: is worthless for another fleet and for other keys', async () => {
    const other = (await SoftwareKeyHolder.generate(world.primitives)).publicKeys;
    const { keys } = expected;
    const elsewhere = rootOf('00'.repeat(32), world.operator.holder.publicKeys.sign);
    assert.equal(await verify(wire, { root: elsewhere }), 'credential_foreign');
    assert.equal(await verify(wire, { keys: { ...keys, sign: other.sign } }), 'credential_invalid');
    assert.equal(await verify(wire, { keys: { ...keys, seal: other.seal } }), 'credential_invalid');
  });

  it('[CREDENTIAL-8]: is good for 30 days, and not before it was made', async () => {
    const { issuedAtMs, expiresAtMs } = statement;
    assert.equal(await verify(wire, { nowMs: expiresAtMs - 1 }), 'ok');
    assert.equal(await verify(wire, { nowMs: expiresAtMs }), 'credential_expired');
    assert.equal(await verify(wire, { nowMs: issuedAtMs - 5 * 60_000 }), 'ok');
    assert.equal(await verify(wire, { nowMs: issuedAtMs - 5 * 60_000 - 1 }), 'credential_invalid');
  });

  it('[CREDENTIAL-2]: is not issued for longer', async () => {
    const issue = async (change: Partial<CredentialStatement>) =>
      issueCredential(world.primitives, world.operator.holder, { ...statement, ...change });
    assert.equal(
      await outcomeOf(() => issue({ expiresAtMs: statement.issuedAtMs + credentialLifeMs + 1000 })),
      'credential_invalid',
    );
    assert.equal(await outcomeOf(() => issue({ expiresAtMs: statement.issuedAtMs })), 'credential_invalid');
    assert.equal(await outcomeOf(() => issue({})), 'ok');
  });

  it('a signature for something else is none', async () => {
    const { issuer } = splitSdJwt(new TextDecoder().decode(wire), wire.length);
    const { input } = readToken(issuer, wire.length);
    for (const domain of ['kb+jwt', 'statuslist+jwt', 'device+jwt'] as const)
      assert.equal(await outcomeOf(() => world.operator.holder.sign(domain, input)), 'signature_invalid', domain); // [KEYS-9]
  });

  it('[CREDENTIAL-11]: hides and shows what its published type says', async () => {
    const document = readFileSync(new URL('../../../../spec/credential-type.json', import.meta.url));
    assert.equal(`sha256-${createHash('sha256').update(document).digest('base64')}`, credentialTypeIntegrity);
    const type = JSON.parse(document.toString()) as {
      vct: string;
      claims: { path: (string | null)[]; sd: 'always' | 'never' }[];
    };
    assert.equal(type.vct, credentialType);

    const issued = await issueCredential(world.primitives, world.operator.holder, { ...statement, capabilities: ['deploy'] });
    const { issuer, disclosures } = splitSdJwt(new TextDecoder().decode(issued), issued.length);
    const { payload } = readToken(issuer, issued.length);
    const hidden = disclosures.map((each) => readDisclosure(each).claim ?? 'capabilities').toSorted();
    const always = type.claims.flatMap(({ path, sd }) => (sd === 'always' ? [path[0] ?? ''] : [])).toSorted();
    assert.deepEqual(hidden, always);
    for (const { path, sd } of type.claims.filter((each) => each.sd === 'never')) {
      const found = path.reduce<Json | undefined>(
        (value, key) => (value as Record<string, Json> | undefined)?.[key ?? ''],
        payload,
      );
      assert.notEqual(found, undefined, `${path.join('.')} is ${sd} hidden`);
    }
  });
});
