// Credentials: what the issuer says, for whom, how long; and what a copy, another fleet or another key are worth.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';

import { parseEntry } from '@holdfast/protocol/blind/entry';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { decodeValue, encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import type { ErrorCode } from '@holdfast/protocol/errors';
import {
  credentialLifeMs,
  deviceIdOf,
  issueCredential,
  readCredential,
  verifyCredential,
  type CredentialStatement,
} from '@holdfast/protocol/identity/credential';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
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
    expected = { fleet: world.fleet, keys: main.holder.publicKeys, nowMs: statement.issuedAtMs };
  });

  const verify = async (credential: Uint8Array, change: Partial<typeof expected> = {}) =>
    outcomeOf(() => verifyCredential(world.primitives, credential, { ...expected, ...change }));

  it('[CREDENTIAL-1]: says who the agent is, provable from the fleet’s id alone', async () => {
    const proven = await verifyCredential(world.primitives, wire, expected);
    assert.deepEqual(proven.agent, main.id);
    assert.equal(proven.scope, 'main');
    assert.equal(proven.custody, 'software');
    assert.equal(proven.expiresAtMs - proven.issuedAtMs, credentialLifeMs);
    assert.equal(proven.statusIndex, main.replica.state.agents.get(toHex(main.id))?.position);
  });

  it('[CREDENTIAL-6]: any flipped bit is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(wire.length - 1), fc.nat(7), async (at, bit) => {
        const changed = wire.slice();
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        assert.equal(await verify(changed), 'credential_invalid');
      }),
      { numRuns: 80 },
    );
  });

  it('[CREDENTIAL-5], [CREDENTIAL-7]: is worthless for another fleet and for other keys', async () => {
    const other = (await SoftwareKeyHolder.generate(world.primitives)).publicKeys;
    const { keys } = expected;
    assert.equal(await verify(wire, { fleet: new Uint8Array(32) }), 'credential_invalid');
    const mislabelled = await issueCredential(world.operator.holder, { ...statement, fleet: new Uint8Array(32) });
    assert.equal(await verify(mislabelled), 'credential_invalid');
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

  it('[CREDENTIAL-2]: is not issued for longer, and not read when it is', async () => {
    const issue = async (change: Partial<CredentialStatement>) =>
      issueCredential(world.operator.holder, { ...statement, ...change });
    assert.equal(await outcomeOf(() => issue({ expiresAtMs: statement.issuedAtMs + credentialLifeMs + 1 })), 'codec_shape');
    assert.equal(await outcomeOf(() => issue({ expiresAtMs: statement.issuedAtMs })), 'codec_shape');
    const longer = encodeValue({
      ...(statement as unknown as { [key: string]: Value }),
      expiresAtMs: statement.issuedAtMs + credentialLifeMs + 1,
    });
    const signature = await world.operator.holder.sign('credential', longer);
    assert.equal(await verify(encodeValue({ statement: longer, signature })), 'credential_invalid');
  });

  it('[CREDENTIAL-3], [CREDENTIAL-4]: only the device that made the fleet issues', async () => {
    const mallory = await SoftwareKeyHolder.generate(world.primitives);
    const { publicKeys } = mallory;
    const theirs = await World.begin();
    const noGenesis = await world.operator.forge({ kind: 'egress-end', rule: new Uint8Array(16) });
    const forged = async (change: Partial<CredentialStatement>, holder = mallory) =>
      issueCredential(holder, { ...statement, ...change });
    const own = { device: deviceIdOf(world.primitives, publicKeys.sign), sign: publicKeys.sign };
    const cases: readonly (readonly [string, Uint8Array, Partial<typeof expected>?])[] = [
      ['signed by another key', await forged({})],
      ['by a stranger under its own id', await forged({ issuer: own })],
      ["by a stranger under the device's id", await forged({ issuer: { ...statement.issuer, sign: publicKeys.sign } })],
      [
        'with a genesis of its own',
        await forged({ genesis: parseEntry(world.primitives, theirs.genesis).statementBytes, issuer: own }),
      ],
      [
        'with a genesis that is none',
        await forged({ genesis: noGenesis.statementBytes, fleet: noGenesis.hash }, world.operator.holder),
        { fleet: noGenesis.hash },
      ],
      ['with bytes for a genesis', await forged({ genesis: Uint8Array.of(1) }, world.operator.holder)],
    ];
    for (const [name, credential, change] of cases)
      assert.equal(await verify(credential, change), 'credential_invalid' satisfies ErrorCode, name);
  });

  it('a signature for something else is none', async () => {
    const { statement: bytes } = decodeValue(wire, 65_536) as { statement: Uint8Array };
    const signature = await world.operator.holder.sign('pairing-answer', bytes);
    assert.equal(await verify(encodeValue({ statement: bytes, signature })), 'credential_invalid');
  });
});
