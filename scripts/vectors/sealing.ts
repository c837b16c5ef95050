// node scripts/vectors/sealing.ts: vectors of spec/hpke.md, spec/body.md and spec/lockbox.md. Chance comes from a seed.

import { utf8 } from '@holdfast/protocol/codec/bytes';
import { encodeValue } from '@holdfast/protocol/codec/cbor';
import { encode } from '@holdfast/protocol/codec/schema';
import { entryStatement } from '@holdfast/protocol/blind/entry';
import { commitToKey, sealBody } from '@holdfast/protocol/seal/body';
import { sealPurpose, sealTo } from '@holdfast/protocol/seal/hpke';
import { makeLockbox, sealPreviousKey } from '@holdfast/protocol/seal/lockbox';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { flipped, writeVectors } from './write.ts';

const primitives = seededPrimitives('vectors/sealing');
const receiver = await SoftwareKeyHolder.generate(primitives);
const stranger = await SoftwareKeyHolder.generate(primitives);

const fleet = new Uint8Array(32).fill(0xf1);
const agent = new Uint8Array(16).fill(0xa1);
const grant = { kind: 'grant', fleet, grant: new Uint8Array(16).fill(0x91), item: new Uint8Array(16).fill(0x17), agent } as const;
const lockbox = { kind: 'lockbox', fleet, audience: 'fleet', epoch: 3, member: agent } as const;
const associated = utf8('associated');
const plaintext = utf8('the secret');

const sealing = await sealTo(primitives, receiver.publicKeys.seal, grant, plaintext, associated);
const about = {
  private: receiver.exportBytes(),
  purpose: encode(sealPurpose, grant),
  associated,
  encapsulated: sealing.encapsulated,
  ciphertext: sealing.ciphertext,
};
const empty = await sealTo(primitives, receiver.publicKeys.seal, lockbox, new Uint8Array(0));
const offCurve = sealing.encapsulated.slice();
offCurve.fill(1, 1089);

writeVectors(
  'hpke/sealings',
  'Whether a sealing opens for a purpose; `purpose` is its encoding, the info of HPKE without the prefix.',
  [
    { name: 'a secret for a grant', clause: 'HPKE-1', expect: 'ok', ...about, plaintext },
    {
      name: 'nothing, for a lockbox',
      clause: 'HPKE-1',
      expect: 'ok',
      ...about,
      ...empty,
      purpose: encode(sealPurpose, lockbox),
      associated: '',
      plaintext: '',
    },
    {
      name: 'for another grant',
      clause: 'HPKE-5',
      expect: 'open_failed',
      ...about,
      purpose: encode(sealPurpose, { ...grant, grant: agent }),
    },
    {
      name: 'for another item',
      clause: 'HPKE-5',
      expect: 'open_failed',
      ...about,
      purpose: encode(sealPurpose, { ...grant, item: agent }),
    },
    {
      name: 'for another agent',
      clause: 'HPKE-5',
      expect: 'open_failed',
      ...about,
      purpose: encode(sealPurpose, { ...grant, agent: grant.item }),
    },
    {
      name: 'for another fleet',
      clause: 'HPKE-5',
      expect: 'open_failed',
      ...about,
      purpose: encode(sealPurpose, { ...grant, fleet: new Uint8Array(32) }),
    },
    { name: 'for a lockbox', clause: 'HPKE-5', expect: 'open_failed', ...about, purpose: encode(sealPurpose, lockbox) },
    { name: 'with another key', clause: 'HPKE-3', expect: 'open_failed', ...about, private: stranger.exportBytes() },
    {
      name: 'ML-KEM ciphertext altered',
      clause: 'HPKE-4',
      expect: 'open_failed',
      ...about,
      encapsulated: flipped(sealing.encapsulated, 0),
    },
    {
      name: 'ephemeral point altered',
      clause: 'HPKE-4',
      expect: 'open_failed',
      ...about,
      encapsulated: flipped(sealing.encapsulated, 8 * 1153 - 1),
    },
    { name: 'ephemeral point off the curve', clause: 'HPKE-4', expect: 'open_failed', ...about, encapsulated: offCurve },
    {
      name: 'encapsulation a byte short',
      clause: 'HPKE-4',
      expect: 'open_failed',
      ...about,
      encapsulated: sealing.encapsulated.subarray(1),
    },
    { name: 'ciphertext altered', clause: 'HPKE-7', expect: 'open_failed', ...about, ciphertext: flipped(sealing.ciphertext, 3) },
    {
      name: 'tag altered',
      clause: 'HPKE-7',
      expect: 'open_failed',
      ...about,
      ciphertext: flipped(sealing.ciphertext, 8 * sealing.ciphertext.length - 1),
    },
    {
      name: 'ciphertext shorter than a tag',
      clause: 'HPKE-7',
      expect: 'open_failed',
      ...about,
      ciphertext: sealing.ciphertext.subarray(0, 15),
    },
    { name: 'associated data altered', clause: 'HPKE-7', expect: 'open_failed', ...about, associated: flipped(associated, 0) },
  ],
);

const epochKey = primitives.random(32);
const otherKey = primitives.random(32);
const clear = {
  v: 1,
  fleet,
  topic: agent,
  position: 4,
  previous: new Uint8Array(32).fill(4),
  author: agent,
  atMs: 1_800_000_000_000,
  audience: 'fleet',
  epoch: 3,
} as const;
const body = utf8('the body');
const statement = await sealBody(primitives, epochKey, clear, body);
const withControl = await sealBody(primitives, epochKey, { ...clear, control: { position: 1, hash: fleet } }, body);
const written = (changes: Partial<typeof statement>): Uint8Array => encode(entryStatement, { ...statement, ...changes });

writeVectors('body/bodies', 'Whether the sealed body of a statement opens with an epoch key.', [
  { name: 'a body', clause: 'BODY-3', expect: 'ok', statement: written({}), epochKey, body },
  {
    name: 'a body under a control head',
    clause: 'BODY-3',
    expect: 'ok',
    statement: encode(entryStatement, withControl),
    epochKey,
    body,
  },
  { name: 'with another epoch key', clause: 'BODY-1', expect: 'open_failed', statement: written({}), epochKey: otherKey },
  {
    name: 'with another key, and committed to it',
    clause: 'BODY-4',
    expect: 'open_failed',
    statement: written({ keyCommitment: commitToKey(primitives, otherKey) }),
    epochKey: otherKey,
  },
  {
    name: 'commitment altered',
    clause: 'BODY-1',
    expect: 'open_failed',
    statement: written({ keyCommitment: flipped(statement.keyCommitment, 0) }),
    epochKey,
  },
  { name: 'at another position', clause: 'BODY-3', expect: 'open_failed', statement: written({ position: 5 }), epochKey },
  {
    name: 'in another topic',
    clause: 'BODY-3',
    expect: 'open_failed',
    statement: written({ topic: new Uint8Array(16) }),
    epochKey,
  },
  {
    name: 'by another author',
    clause: 'BODY-3',
    expect: 'open_failed',
    statement: written({ author: new Uint8Array(16) }),
    epochKey,
  },
  {
    name: 'for another audience',
    clause: 'BODY-3',
    expect: 'open_failed',
    statement: written({ audience: 'operators' }),
    epochKey,
  },
  { name: 'of another epoch', clause: 'BODY-3', expect: 'open_failed', statement: written({ epoch: 4 }), epochKey },
  { name: 'with another id', clause: 'BODY-2', expect: 'open_failed', statement: written({ id: new Uint8Array(16) }), epochKey },
  {
    name: 'body altered',
    clause: 'BODY-4',
    expect: 'open_failed',
    statement: written({ sealed: flipped(statement.sealed, 0) }),
    epochKey,
  },
  { name: 'no body', clause: 'BODY-4', expect: 'open_failed', statement: written({ sealed: new Uint8Array(0) }), epochKey },
  {
    name: 'epoch key a byte short',
    clause: 'BODY-1',
    expect: 'key_invalid',
    statement: written({}),
    epochKey: epochKey.subarray(1),
  },
]);

const name = { fleet, audience: 'fleet', epoch: 3 };
const box = await makeLockbox(primitives, name, { member: agent, recipient: receiver.publicKeys.seal }, epochKey);
const commitment = commitToKey(primitives, epochKey);
const asked = { private: receiver.exportBytes(), ...name, member: agent, lockbox: box, commitment };
const planted = await makeLockbox(primitives, name, { member: agent, recipient: receiver.publicKeys.seal }, otherKey);
const shortKey = await sealTo(primitives, receiver.publicKeys.seal, { ...lockbox }, epochKey.subarray(1));

writeVectors('lockbox/lockboxes', "Whether a lockbox gives its member the epoch's key.", [
  { name: 'a lockbox', clause: 'LOCKBOX-1', expect: 'ok', ...asked, key: epochKey },
  { name: 'of another epoch', clause: 'LOCKBOX-1', expect: 'open_failed', ...asked, epoch: 4 },
  { name: 'of another audience', clause: 'LOCKBOX-1', expect: 'open_failed', ...asked, audience: 'operators' },
  { name: 'of another fleet', clause: 'LOCKBOX-1', expect: 'open_failed', ...asked, fleet: new Uint8Array(32) },
  { name: 'of another member', clause: 'LOCKBOX-1', expect: 'open_failed', ...asked, member: new Uint8Array(16) },
  { name: 'opened by another member', clause: 'LOCKBOX-1', expect: 'open_failed', ...asked, private: stranger.exportBytes() },
  { name: 'altered', clause: 'LOCKBOX-1', expect: 'open_failed', ...asked, lockbox: flipped(box, 8 * 60) },
  {
    name: 'with a field too many',
    clause: 'LOCKBOX-2',
    expect: 'codec_shape',
    ...asked,
    lockbox: encodeValue({ v: 1, sealed: { ...sealing }, more: 1 }),
  },
  { name: 'cut short', clause: 'LOCKBOX-2', expect: 'codec_truncated', ...asked, lockbox: box.subarray(0, -1) },
  { name: 'too long', clause: 'LOCKBOX-2', expect: 'codec_limit', ...asked, lockbox: new Uint8Array(2049) },
  { name: 'planted, with another key', clause: 'LOCKBOX-3', expect: 'lockbox_invalid', ...asked, lockbox: planted },
  {
    name: 'planted, with a short key',
    clause: 'LOCKBOX-3',
    expect: 'lockbox_invalid',
    ...asked,
    lockbox: encodeValue({ v: 1, sealed: { ...shortKey } }),
  },
]);

const chained = await sealPreviousKey(primitives, name, epochKey, otherKey);
const chain = { ...name, epochKey, sealedKey: chained, commitment: commitToKey(primitives, otherKey) };
writeVectors('lockbox/previous-keys', 'Whether the key of the epoch before comes out of an entry that starts an epoch.', [
  { name: 'the key before', clause: 'LOCKBOX-4', expect: 'ok', ...chain, key: otherKey },
  { name: 'of another epoch', clause: 'LOCKBOX-4', expect: 'open_failed', ...chain, epoch: 4 },
  { name: 'of another audience', clause: 'LOCKBOX-4', expect: 'open_failed', ...chain, audience: 'operators' },
  { name: 'of another fleet', clause: 'LOCKBOX-4', expect: 'open_failed', ...chain, fleet: new Uint8Array(32) },
  { name: 'altered', clause: 'LOCKBOX-4', expect: 'open_failed', ...chain, sealedKey: flipped(chained, 0) },
  { name: 'another key than the earlier epoch had', clause: 'LOCKBOX-3', expect: 'lockbox_invalid', ...chain, commitment },
]);
