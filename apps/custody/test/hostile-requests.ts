// Requests of every kind that a daemon which was taken over could make, and what no answer may be, whatever was asked: for custody as a class and as
// a process.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { decodeValue, encodeValue } from '@holdfast/protocol/codec/cbor';
import {
  encodeAnswer,
  type CustodyAnswer,
  type CustodyDomain,
  type CustodyRequest,
  type KeyDescription,
} from '@holdfast/protocol/custody/wire';
import { codeOf } from '@holdfast/protocol/errors';
import { verifySignature } from '@holdfast/protocol/keys/domain';
import { compactToken, jwkOf, tokenInput } from '@holdfast/protocol/keys/jws';
import { urnOf } from '@holdfast/protocol/keys/urn';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { sealTo } from '@holdfast/protocol/seal/hpke';

export const fleet = new Uint8Array(32).fill(1);
export const agent = new Uint8Array(16).fill(3);
const otherFleet = new Uint8Array(32).fill(2);
const otherAgent = new Uint8Array(16).fill(4);

/** What custody holds: a key that is bound to `agent` of `fleet`, and one that is not. */
export interface Keys {
  readonly bound: KeyDescription;
  readonly unbound: KeyDescription;
  /** The private numbers themselves, which no answer has in it. */
  readonly numbers: readonly Uint8Array[];
  /** Something that the bound key decapsulates, whatever for: `sealedTo` it. */
  readonly encapsulated: Uint8Array;
}

export async function sealedTo({ publicKeys }: KeyDescription): Promise<Uint8Array> {
  const purpose = { kind: 'grant', fleet, grant: agent, item: agent, agent } as const;
  return (await sealTo(primitives, publicKeys.seal, purpose, new Uint8Array(0))).encapsulated;
}

/** Without the encoding around them. */
export function privateNumbers(exported: Uint8Array): Uint8Array[] {
  const keys = decodeValue(exported, 512) as { sign: Uint8Array; agree: Uint8Array; kem: Uint8Array };
  return [keys.sign, keys.agree, keys.kem];
}

/** Requests near and far from what is allowed; `nowMs` is custody's clock. */
export function anyRequest({ bound, unbound, encapsulated }: Keys, nowMs: number): fc.Arbitrary<(id: number) => CustodyRequest> {
  function keyAt(which: number): Uint8Array {
    return which === 0 ? bound.key : which === 1 ? unbound.key : otherAgent;
  }
  const nearFleet = fc.constantFrom(fleet, fleet, fleet, otherFleet);
  const nearAgent = fc.constantFrom(agent, agent, agent, agent, otherAgent, new Uint8Array(16));
  const reference = fc.nat(2);
  const times = fc.constantFrom(
    nowMs - 600_001,
    nowMs - 1,
    nowMs,
    nowMs + 1,
    nowMs + 300_000,
    nowMs + 600_000,
    nowMs + 600_001,
    nowMs + 86_400_000,
  );
  const level = fc.constantFrom('software, unsealed', 'software', 'tpm');
  const whose = fc.nat(1);

  /** Statements as records of the four shapes, and as bytes of the attacker's choice. */
  const domain = fc.constantFrom('entry' as const, 'pairing-offer' as const, 'relay-auth' as const, 'session-key' as const);
  const of = <T>(kind: CustodyDomain, content: fc.Arbitrary<T>): fc.Arbitrary<readonly [CustodyDomain, T]> =>
    content.map((each) => [kind, each] as const);
  const statement = fc.oneof(
    of(
      'entry',
      fc.record({
        v: fc.constant(1),
        fleet: nearFleet,
        topic: nearAgent,
        position: fc.nat(9),
        previous: fc.constant(fleet),
        id: fc.constant(agent),
        author: nearAgent,
        atMs: fc.nat(9),
        audience: fc.constant('fleet'),
        epoch: fc.nat(9),
        keyCommitment: fc.constant(fleet),
        sealed: fc.uint8Array({ maxLength: 40 }),
      }),
    ),
    of(
      'relay-auth',
      fc.record({
        v: fc.constant(1),
        fleet: nearFleet,
        principal: nearAgent,
        nonce: fc.constant(fleet),
        relay: fc.constant(new Uint8Array(65).fill(4)),
      }),
    ),
    of(
      'session-key',
      fc.record({
        v: fc.constantFrom(1, 1, 1, 2),
        fleet: nearFleet,
        agent: nearAgent,
        key: fc.constant(new Uint8Array(65).fill(4)),
        notBeforeMs: times,
        notAfterMs: times,
      }),
    ),
    of(
      'pairing-offer',
      fc.tuple(nearAgent, level, whose).map(([name, custody, key]) => ({
        v: 1,
        agent: name,
        scope: 'main',
        machine: 'host',
        keys: { ...(key === 0 ? bound : unbound).publicKeys },
        custody,
        capabilities: ['use'],
        nonce: agent,
      })),
    ),
    of('entry', fc.uint8Array({ maxLength: 80 })),
  );

  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .tuple(reference, statement, fc.option(domain, { freq: 3 }))
        .map(([which, [own, content], asked]) => (id: number) => ({
          kind: 'sign' as const,
          id,
          key: keyAt(which),
          domain: asked ?? own,
          statement: content instanceof Uint8Array ? content : encodeValue(content),
        })),
    },
    fc.tuple(reference, nearFleet, nearAgent, fc.boolean()).map(([which, ofFleet, name, isLockbox]) => (id: number) => ({
      kind: 'open' as const,
      id,
      key: keyAt(which),
      purpose: isLockbox
        ? { kind: 'lockbox' as const, fleet: ofFleet, audience: 'fleet', epoch: 1, member: name }
        : { kind: 'grant' as const, fleet: ofFleet, grant: agent, item: agent, agent: name },
      encapsulated: id % 4 === 0 ? new Uint8Array(1153).fill(id % 256) : encapsulated,
    })),
    fc.tuple(reference, nearFleet, nearAgent, whose, fc.boolean()).map(([which, ofFleet, name, key, isText]) => (id: number) => ({
      kind: 'present' as const,
      id,
      key: keyAt(which),
      audience: 'https://api.example.com',
      nonce: 'n-0S6_WzA2Mj-2026',
      credential: isText ? credentialFor(ofFleet, name, key === 0 ? bound : unbound) : 'WyJzYWx0Il0.e30.AA~',
    })),
    fc.tuple(reference).map(([which]) => (id: number) => ({ kind: 'public' as const, id, key: keyAt(which) })),
    fc.tuple(reference, nearFleet, nearAgent).map(([which, ofFleet, name]) => (id: number) => ({
      kind: 'bind' as const,
      id,
      key: which === 1 ? otherAgent : keyAt(which), // never binds the unbound one
      binding: { fleet: ofFleet, agent: name },
    })),
    fc.constant((id: number) => ({ kind: 'list' as const, id })),
    fc.constant((id: number) => ({ kind: 'unlock' as const, id })),
    fc.constant((id: number) => ({ kind: 'destroy' as const, id, key: otherAgent })),
  );
}

/** As custody looks at it: who, and which key. */
export function credentialFor(
  ofFleet: Uint8Array,
  name: Uint8Array,
  { publicKeys }: KeyDescription,
  more: Readonly<Record<string, unknown>> = {},
  capabilities: readonly string[] = [],
): string {
  const claims = {
    iss: urnOf('fleet', ofFleet),
    sub: urnOf('agent', name),
    cnf: { jwk: { ...jwkOf(publicKeys.sign) } },
    ...more,
  };
  const disclosures = capabilities.map((each) => `${Buffer.from(JSON.stringify(['c2FsdA', each])).toString('base64url')}~`);
  return `${compactToken(tokenInput('dc+sd-jwt', {}, claims), new Uint8Array(64))}~${disclosures.join('')}`;
}

/** Throws for a proof of the key that is for anything but what was asked, of the bound agent and of now. */
async function judgeBinding(bound: KeyDescription, request: CustodyRequest, token: string, clock: Clock): Promise<void> {
  assert.ok(request.kind === 'present' && equalBytes(request.key, bound.key));
  const [header = '', payload = '', signature = ''] = token.split('.');
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
  // Custody judges whom a credential names, not who signed it: a byte that was changed elsewhere is its verifier's to find.
  const named = (credential: string): unknown => {
    const { iss, sub, cnf } = read(credential.split('.')[1] ?? '') as Readonly<Record<string, unknown>>;
    return { iss, sub, cnf };
  };
  assert.deepEqual(named(request.credential), named(credentialFor(fleet, agent, bound)));
  assert.deepEqual(read(header), { alg: 'ES256', typ: 'kb+jwt' });
  const { iat, ...rest } = read(payload) as Readonly<Record<string, unknown>>;
  const { audience: aud, nonce } = request;
  assert.deepEqual(rest, { aud, nonce, sd_hash: createHash('sha256').update(request.credential).digest('base64url') });
  assert.ok(Number(iat) * 1000 > clock.fromMs - 1000 && Number(iat) * 1000 <= clock.toMs);
  const signed = { statement: Buffer.from(`${header}.${payload}`), signature: Buffer.from(signature, 'base64url') };
  await verifySignature(primitives, { domain: 'kb+jwt', ...signed, publicKey: bound.publicKeys.sign });
}

interface Clock {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Throws for an answer that custody must never give. Clocks: from when it was asked, until it had answered. */
export async function judge(
  { bound, unbound, numbers }: Keys,
  request: CustodyRequest,
  answer: CustodyAnswer,
  clock: Clock,
): Promise<'signed' | 'opened' | 'presented' | 'refused' | 'told'> {
  assert.equal(answer.id, request.id);
  const out = Buffer.from(encodeAnswer(answer));
  for (const secret of numbers) assert.ok(!out.includes(Buffer.from(secret)));
  if (answer.kind === 'error') {
    assert.equal(codeOf(answer), answer.code);
    assert.notEqual(answer.code, 'internal');
    return 'refused';
  }
  if (answer.kind === 'one-time-key') {
    assert.ok(request.kind === 'open' && equalBytes(request.key, bound.key));
    const { purpose } = request;
    assert.deepEqual([purpose.fleet, purpose.kind === 'lockbox' ? purpose.member : purpose.agent], [fleet, agent]);
    return 'opened';
  }
  if (answer.kind === 'bound') {
    await judgeBinding(bound, request, answer.token, clock);
    return 'presented';
  }
  if (answer.kind !== 'signature') return 'told';

  // Not by custody's own decoder: read as plain values, and judged here anew.
  assert.ok(request.kind === 'sign');
  const { domain, statement: bytes } = request;
  const value = decodeValue(bytes, bytes.length) as Readonly<Record<string, unknown>>;
  assert.equal(value['v'], 1);
  const same = (name: string, wanted: Uint8Array): void => assert.deepEqual(value[name], wanted, `${domain}: ${name}`);
  const key = domain === 'pairing-offer' ? unbound : bound;
  assert.ok(equalBytes(request.key, key.key));
  if (domain === 'pairing-offer') {
    assert.deepEqual({ ...(value['keys'] as object) }, { ...unbound.publicKeys });
    assert.equal(value['custody'], 'software, unsealed');
  } else {
    same('fleet', fleet);
  }
  if (domain === 'entry') {
    same('author', agent);
    same('topic', agent);
  }
  if (domain === 'relay-auth') same('principal', agent);
  if (domain === 'session-key') {
    same('agent', agent);
    const { notBeforeMs, notAfterMs } = value as { notBeforeMs: number; notAfterMs: number };
    assert.ok(notAfterMs > clock.fromMs && notAfterMs <= clock.toMs + 600_000 && notAfterMs - notBeforeMs <= 600_000);
  }
  await verifySignature(primitives, { domain, statement: bytes, signature: answer.signature, publicKey: key.publicKeys.sign });
  return 'signed';
}
