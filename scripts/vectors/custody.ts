// node scripts/vectors/custody.ts: vectors of spec/custody.md: what custody reads as a request, and what a key may sign and open.

import { encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import type { JsonObject } from '@holdfast/protocol/codec/json';
import { encode } from '@holdfast/protocol/codec/schema';
import { entryStatement, type EntryStatement } from '@holdfast/protocol/blind/entry';
import { pairingOffer, type PairingOffer } from '@holdfast/protocol/blind/pairing-offer';
import { relayAuthStatement } from '@holdfast/protocol/blind/relay-auth';
import { encodeRequest, type KeyDescription } from '@holdfast/protocol/custody/wire';
import { joinSdJwt } from '@holdfast/protocol/identity/sd-jwt';
import { compactToken, jwkOf, tokenInput } from '@holdfast/protocol/keys/jws';
import { urnOf } from '@holdfast/protocol/keys/urn';
import { sealPurpose } from '@holdfast/protocol/seal/hpke';
import { encapsulatedBytes } from '@holdfast/protocol/seal/hybrid-kem';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import type { VectorEntry } from '@holdfast/testkit/vectors';
import { writeVectors } from './write.ts';

const primitives = seededPrimitives('vectors/custody');
const { publicKeys } = await SoftwareKeyHolder.generate(primitives);
const { publicKeys: otherKeys } = await SoftwareKeyHolder.generate(primitives);

const fleet = new Uint8Array(32).fill(0xf1);
const otherFleet = new Uint8Array(32).fill(0xf2);
const agent = new Uint8Array(16).fill(0xa1);
const otherAgent = new Uint8Array(16).fill(0xa2);
const key = new Uint8Array(16).fill(0x4b);

const sign = { kind: 'sign', id: 7, key, domain: 'entry', statement: new Uint8Array(3) } as const;
const open = {
  kind: 'open',
  id: 8,
  key,
  purpose: { kind: 'lockbox', fleet, audience: 'fleet', epoch: 1, member: agent },
  encapsulated: new Uint8Array(encapsulatedBytes),
} as const;
const publish = { kind: 'publish', id: 9, key, size: 3, root: new Uint8Array(32).fill(0x52) } as const;
const raw = (value: { readonly [name: string]: Value }): Uint8Array => encodeValue(value);

writeVectors('custody/requests', 'What custody reads as a request; `frame` is the payload of one frame.', [
  { name: 'unlock', clause: 'CUSTODY-4', expect: 'ok', frame: encodeRequest({ kind: 'unlock', id: 1 }) },
  {
    name: 'unlock with a passphrase',
    clause: 'CUSTODY-4',
    expect: 'ok',
    frame: encodeRequest({ kind: 'unlock', id: 1, passphrase: Uint8Array.of(1, 2) }),
  },
  { name: 'create', clause: 'CUSTODY-2', expect: 'ok', frame: encodeRequest({ kind: 'create', id: 2, label: 'main' }) },
  {
    name: 'create in the TPM',
    clause: 'CUSTODY-19',
    expect: 'ok',
    frame: encodeRequest({ kind: 'create', id: 2, label: 'main', level: 'tpm' }),
  },
  {
    name: 'create in a store of no known kind',
    clause: 'CUSTODY-19',
    expect: 'codec_shape',
    frame: raw({ kind: 'create', id: 2, label: 'main', level: 'paper' }),
  },
  {
    name: 'unlock with a PIN',
    clause: 'CUSTODY-24',
    expect: 'ok',
    frame: encodeRequest({ kind: 'unlock', id: 1, pin: Uint8Array.of(0x31, 0x32) }),
  },
  { name: 'stores', clause: 'CUSTODY-21', expect: 'ok', frame: encodeRequest({ kind: 'stores', id: 3 }) },
  { name: 'list', clause: 'CUSTODY-2', expect: 'ok', frame: encodeRequest({ kind: 'list', id: 3 }) },
  { name: 'public', clause: 'CUSTODY-2', expect: 'ok', frame: encodeRequest({ kind: 'public', id: 4, key }) },
  {
    name: 'bind',
    clause: 'CUSTODY-6',
    expect: 'ok',
    frame: encodeRequest({ kind: 'bind', id: 5, key, binding: { fleet, agent } }),
  },
  { name: 'destroy', clause: 'CUSTODY-2', expect: 'ok', frame: encodeRequest({ kind: 'destroy', id: 6, key }) },
  { name: 'sign', clause: 'CUSTODY-5', expect: 'ok', frame: encodeRequest(sign) },
  { name: 'open', clause: 'CUSTODY-13', expect: 'ok', frame: encodeRequest(open) },
  { name: 'publish', clause: 'CUSTODY-33', expect: 'ok', frame: encodeRequest(publish) },
  { name: 'publish a text', clause: 'CUSTODY-33', expect: 'codec_shape', frame: raw({ ...publish, text: 'mine' }) },
  { name: 'publish nothing', clause: 'CUSTODY-33', expect: 'codec_shape', frame: raw({ ...publish, size: 0 }) },
  { name: 'sign a note', clause: 'CUSTODY-33', expect: 'codec_shape', frame: raw({ ...sign, domain: 'log-note' }) },
  { name: 'sign as an operator', clause: 'CUSTODY-5', expect: 'codec_shape', frame: raw({ ...sign, domain: 'pulse' }) },
  {
    name: 'sign without a domain',
    clause: 'CUSTODY-5',
    expect: 'codec_shape',
    frame: raw({ kind: 'sign', id: 7, key, statement: sign.statement }),
  },
  {
    name: 'open with info as bytes',
    clause: 'CUSTODY-13',
    expect: 'codec_shape',
    frame: raw({ kind: 'open', id: 8, key, purpose: new Uint8Array(9), encapsulated: open.encapsulated }),
  },
  {
    name: 'open for no known purpose',
    clause: 'CUSTODY-13',
    expect: 'codec_shape',
    frame: raw({ kind: 'open', id: 8, key, purpose: { kind: 'any' }, encapsulated: open.encapsulated }),
  },
  {
    name: 'open a point alone',
    clause: 'CUSTODY-13',
    expect: 'codec_shape',
    frame: raw({ kind: 'open', id: 8, key, purpose: { ...open.purpose }, encapsulated: new Uint8Array(65) }),
  },
  { name: 'export', clause: 'CUSTODY-2', expect: 'codec_shape', frame: raw({ kind: 'export', id: 9, key }) },
  { name: 'id 0', clause: 'CUSTODY-2', expect: 'codec_shape', frame: raw({ kind: 'list', id: 0 }) },
  { name: 'a field too many', clause: 'CUSTODY-2', expect: 'codec_shape', frame: raw({ kind: 'list', id: 3, all: true }) },
  {
    name: 'a label that is a path',
    clause: 'CUSTODY-2',
    expect: 'codec_shape',
    frame: raw({ kind: 'create', id: 2, label: '../main' }),
  },
  {
    name: 'two requests in one frame',
    clause: 'CUSTODY-2',
    expect: 'codec_trailing',
    frame: Uint8Array.of(...raw({ kind: 'list', id: 3 }), ...raw({ kind: 'list', id: 3 })),
  },
]);

const nowMs = 1_800_000_000_000;
const bound: KeyDescription = { key, label: 'main', custody: 'software', publicKeys, binding: { fleet, agent } };
const unbound: KeyDescription = { key, label: 'main', custody: 'software', publicKeys };

const entry: EntryStatement = {
  v: 1,
  fleet,
  topic: agent,
  position: 4,
  previous: fleet,
  id: key,
  author: agent,
  atMs: nowMs,
  audience: 'fleet',
  epoch: 3,
  keyCommitment: fleet,
  sealed: Uint8Array.of(1),
};
const relayAuth = { v: 1, fleet, principal: agent, nonce: fleet, relay: publicKeys.sign } as const;
const session = { v: 1, fleet, agent, key: publicKeys.sign, notBeforeMs: nowMs, notAfterMs: nowMs + 600_000 } as const;
const offer: PairingOffer = {
  v: 1,
  agent,
  scope: 'main',
  machine: 'host',
  keys: publicKeys,
  custody: 'software',
  capabilities: ['use'],
  nonce: key,
};

const anEntry = (changes: Partial<EntryStatement> = {}): Uint8Array => encode(entryStatement, { ...entry, ...changes });
const aProof = (changes: Partial<typeof relayAuth> | { fleet: Uint8Array } = {}): Uint8Array =>
  encode(relayAuthStatement, { ...relayAuth, ...changes });
const anOffer = (changes: Partial<PairingOffer> = {}): Uint8Array => encode(pairingOffer, { ...offer, ...changes });
/** Not through the schema, which has rules of its own. */
const aSession = (changes: Readonly<Record<string, Value>> = {}): Uint8Array => raw({ ...session, ...changes });

const mayNot = 'custody_refused' as const;
writeVectors(
  'custody/signing',
  'Whether a key signs a statement in a domain, in a store of level `software`, at the time 1800000000000.',
  [
    { name: 'an entry of its own', clause: 'CUSTODY-7', expect: 'ok', key: bound, domain: 'entry', statement: anEntry() },
    {
      name: 'an entry of another fleet',
      clause: 'CUSTODY-7',
      expect: mayNot,
      key: bound,
      domain: 'entry',
      statement: anEntry({ fleet: otherFleet }),
    },
    {
      name: 'an entry by another agent',
      clause: 'CUSTODY-7',
      expect: mayNot,
      key: bound,
      domain: 'entry',
      statement: anEntry({ author: otherAgent, topic: otherAgent }),
    },
    {
      name: 'an entry in the control topic',
      clause: 'CUSTODY-8',
      expect: mayNot,
      key: bound,
      domain: 'entry',
      statement: anEntry({ topic: new Uint8Array(16) }),
    },
    {
      name: "an entry in another agent's topic",
      clause: 'CUSTODY-8',
      expect: mayNot,
      key: bound,
      domain: 'entry',
      statement: anEntry({ topic: otherAgent }),
    },
    { name: 'an entry, unbound', clause: 'CUSTODY-6', expect: mayNot, key: unbound, domain: 'entry', statement: anEntry() },
    {
      name: 'an entry with a byte more',
      clause: 'CUSTODY-5',
      expect: 'codec_trailing',
      key: bound,
      domain: 'entry',
      statement: Uint8Array.of(...anEntry(), 0),
    },
    {
      name: 'an entry with a field more',
      clause: 'CUSTODY-5',
      expect: 'codec_shape',
      key: bound,
      domain: 'entry',
      statement: raw({ ...entry, control: null, more: 1 }),
    },
    {
      name: 'no bytes',
      clause: 'CUSTODY-5',
      expect: 'codec_truncated',
      key: bound,
      domain: 'entry',
      statement: new Uint8Array(0),
    },
    {
      name: 'text',
      clause: 'CUSTODY-5',
      expect: 'codec_shape',
      key: bound,
      domain: 'entry',
      statement: encodeValue('sign this'),
    },
    {
      name: 'a relay proof of its own',
      clause: 'CUSTODY-7',
      expect: 'ok',
      key: bound,
      domain: 'relay-auth',
      statement: aProof(),
    },
    {
      name: 'a relay proof for another fleet',
      clause: 'CUSTODY-7',
      expect: mayNot,
      key: bound,
      domain: 'relay-auth',
      statement: aProof({ fleet: otherFleet }),
    },
    {
      name: 'a relay proof for another agent',
      clause: 'CUSTODY-7',
      expect: mayNot,
      key: bound,
      domain: 'relay-auth',
      statement: aProof({ principal: otherAgent }),
    },
    {
      name: 'a relay proof, unbound',
      clause: 'CUSTODY-6',
      expect: mayNot,
      key: unbound,
      domain: 'relay-auth',
      statement: aProof(),
    },
    {
      name: 'a session key from now',
      clause: 'CUSTODY-9',
      expect: 'ok',
      key: bound,
      domain: 'session-key',
      statement: aSession(),
    },
    {
      name: 'a session key for later',
      clause: 'CUSTODY-9',
      expect: mayNot,
      key: bound,
      domain: 'session-key',
      statement: aSession({ notBeforeMs: nowMs + 1, notAfterMs: nowMs + 600_001 }),
    },
    {
      name: 'a session key that is over',
      clause: 'CUSTODY-9',
      expect: mayNot,
      key: bound,
      domain: 'session-key',
      statement: aSession({ notBeforeMs: nowMs - 9, notAfterMs: nowMs }),
    },
    {
      name: 'a session key for longer',
      clause: 'CUSTODY-5',
      expect: 'codec_shape',
      key: bound,
      domain: 'session-key',
      statement: aSession({ notBeforeMs: nowMs - 1 }),
    },
    {
      name: 'a session key of another agent',
      clause: 'CUSTODY-7',
      expect: mayNot,
      key: bound,
      domain: 'session-key',
      statement: aSession({ agent: otherAgent }),
    },
    {
      name: 'a session key of another fleet',
      clause: 'CUSTODY-7',
      expect: mayNot,
      key: bound,
      domain: 'session-key',
      statement: aSession({ fleet: otherFleet }),
    },
    {
      name: 'a session key, unbound',
      clause: 'CUSTODY-6',
      expect: mayNot,
      key: unbound,
      domain: 'session-key',
      statement: aSession(),
    },
    {
      name: 'an offer of its own',
      clause: 'CUSTODY-10',
      expect: 'ok',
      key: unbound,
      domain: 'pairing-offer',
      statement: anOffer(),
    },
    { name: 'an offer, bound', clause: 'CUSTODY-10', expect: mayNot, key: bound, domain: 'pairing-offer', statement: anOffer() },
    {
      name: 'an offer for another signing key',
      clause: 'CUSTODY-10',
      expect: mayNot,
      key: unbound,
      domain: 'pairing-offer',
      statement: anOffer({ keys: { ...publicKeys, sign: otherKeys.sign } }),
    },
    {
      name: 'an offer for another sealing key',
      clause: 'CUSTODY-10',
      expect: mayNot,
      key: unbound,
      domain: 'pairing-offer',
      statement: anOffer({ keys: { ...publicKeys, seal: otherKeys.seal } }),
    },
    {
      name: 'an offer that claims hardware',
      clause: 'CUSTODY-11',
      expect: mayNot,
      key: unbound,
      domain: 'pairing-offer',
      statement: anOffer({ custody: 'tpm' }),
    },
  ],
);

/** A credential for a key as custody looks at it: who, and which key. Whether it is signed is its verifier's affair. */
function credentialFor(claims: JsonObject): string {
  const input = tokenInput('dc+sd-jwt', {}, claims);
  return joinSdJwt(compactToken(input, new Uint8Array(64)), ['WyJzYWx0Iiwic2NvcGUiLCJtYWluIl0']);
}
const claims = { iss: urnOf('fleet', fleet), sub: urnOf('agent', agent), cnf: { jwk: { ...jwkOf(publicKeys.sign) } } };
const credential = credentialFor(claims);
const present = {
  kind: 'present',
  id: 9,
  key,
  audience: 'https://api.example.com',
  nonce: 'n-0S6_WzA2Mj-2026',
  credential,
} as const;
const presenting = (
  name: string,
  clause: string,
  expect: VectorEntry['expect'],
  change: Readonly<Record<string, Value>> = {},
  by = bound,
) => ({ name, clause, expect, key: by, frame: raw({ ...present, ...change }) });
writeVectors('custody/presenting', 'Whether a key is bound to a presentation; `frame` is the request.', [
  presenting('its own credential', 'CUSTODY-30', 'ok'),
  presenting('unbound', 'CUSTODY-6', mayNot, {}, unbound),
  presenting("another agent's credential", 'CUSTODY-30', mayNot, {
    credential: credentialFor({ ...claims, sub: urnOf('agent', otherAgent) }),
  }),
  presenting('a credential of another fleet', 'CUSTODY-30', mayNot, {
    credential: credentialFor({ ...claims, iss: urnOf('fleet', otherFleet) }),
  }),
  presenting('a credential for another key', 'CUSTODY-30', mayNot, {
    credential: credentialFor({ ...claims, cnf: { jwk: { ...jwkOf(otherKeys.sign) } } }),
  }),
  presenting('a credential for no key', 'CUSTODY-30', 'key_invalid', { credential: credentialFor({ ...claims, cnf: {} }) }),
  presenting('a presentation in the place of the credential', 'CUSTODY-31', 'codec_shape', {
    credential: `${credential}${credential.slice(0, credential.indexOf('~'))}`,
  }),
  presenting('text in the place of the credential', 'CUSTODY-31', 'codec_shape', { credential: 'sign this' }),
  presenting('a hash in the place of the credential', 'CUSTODY-31', 'codec_shape', { credential: new Uint8Array(32) }),
  presenting('a time of its own', 'CUSTODY-31', 'codec_shape', { iat: 1 }),
  presenting('an audience with a line feed', 'CUSTODY-31', 'codec_shape', { audience: 'https://a.example\n' }),
  presenting('a short nonce', 'CUSTODY-31', 'codec_shape', { nonce: 'fifteen letters' }),
]);

const lockbox = open.purpose;
const grant = { kind: 'grant', fleet, grant: key, item: key, agent } as const;
writeVectors('custody/opening', 'Whether a key opens for a purpose; `purpose` as in hpke/sealings.', [
  { name: 'its own lockbox', clause: 'CUSTODY-12', expect: 'ok', key: bound, purpose: encode(sealPurpose, lockbox) },
  { name: 'its own grant', clause: 'CUSTODY-12', expect: 'ok', key: bound, purpose: encode(sealPurpose, grant) },
  {
    name: "another member's lockbox",
    clause: 'CUSTODY-12',
    expect: mayNot,
    key: bound,
    purpose: encode(sealPurpose, { ...lockbox, member: otherAgent }),
  },
  {
    name: "another fleet's lockbox",
    clause: 'CUSTODY-12',
    expect: mayNot,
    key: bound,
    purpose: encode(sealPurpose, { ...lockbox, fleet: otherFleet }),
  },
  {
    name: "another agent's grant",
    clause: 'CUSTODY-12',
    expect: mayNot,
    key: bound,
    purpose: encode(sealPurpose, { ...grant, agent: otherAgent }),
  },
  {
    name: "another fleet's grant",
    clause: 'CUSTODY-12',
    expect: mayNot,
    key: bound,
    purpose: encode(sealPurpose, { ...grant, fleet: otherFleet }),
  },
  {
    name: 'what was approved for one use',
    clause: 'CUSTODY-12',
    expect: mayNot,
    key: bound,
    purpose: encode(sealPurpose, { ...grant, kind: 'use', session: key, ask: key, call: fleet, expiresAtMs: 1 }),
  },
  { name: 'a lockbox, unbound', clause: 'CUSTODY-6', expect: mayNot, key: unbound, purpose: encode(sealPurpose, lockbox) },
  { name: 'a grant, unbound', clause: 'CUSTODY-6', expect: mayNot, key: unbound, purpose: encode(sealPurpose, grant) },
]);
