// spec/vectors/console-key: the operator key of a browser at rest. Made from the page of the spec, by none of the console's code.

import { scryptSync } from 'node:crypto';

import { concat, utf8 } from '@holdfast/protocol/codec/bytes';
import { encodeValue, type Value } from '@holdfast/protocol/codec/cbor';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { kemPublicKey } from '@holdfast/protocol/seal/hybrid-kem';
import { hkdf } from '@holdfast/protocol/seal/hkdf';
import { flipped, writeVectors } from './write.ts';

type Fields = Readonly<Record<string, Value>>;

const fill = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);
const held = { v: 1, sign: fill(32, 0x11), agree: fill(32, 0x22), kem: fill(64, 0x33) };
const keys = { sign: await primitives.p256PublicKey(held.sign), seal: await kemPublicKey(primitives, held) };
const master = fill(32, 0x44);
const passphrase = utf8('correct horse battery staple');
const prf = fill(32, 0x55);
const credential = fill(20, 0x66);
/** Of a scalar of nobody's: its SubjectPublicKeyInfo. */
const spki = concat(
  Uint8Array.from(Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex')),
  await primitives.p256PublicKey(fill(32, 0x77)),
);

async function wrapped(clear: Fields & { readonly nonce: Uint8Array }, key: Uint8Array): Promise<Fields> {
  const associated = concat(utf8('holdfast/v1 console unlock\0'), encodeValue({ ...clear, sealed: new Uint8Array(48) }));
  return { ...clear, sealed: await primitives.aeadSeal(key, clear.nonce, associated, master) };
}

function byPassphrase(logN = 14): Promise<Fields> {
  const clear = { kind: 'passphrase', salt: fill(16, 0x88), logN, nonce: fill(12, 0x99) };
  const key = scryptSync(passphrase, clear.salt, 32, { N: 2 ** logN, r: 8, p: 1, maxmem: 320 * 1024 * 1024 });
  return wrapped(clear, new Uint8Array(key));
}

function byPasskey(): Promise<Fields> {
  const clear = { kind: 'passkey', credential, algorithm: 'ES256', publicKey: spki, nonce: fill(12, 0xaa) };
  const info = concat(utf8('holdfast/v1 console passkey\0'), credential);
  return wrapped(clear, hkdf(primitives, { secret: prf, info, length: 32 }));
}

async function recordOf(unlocks: readonly Fields[], secret: Fields = held): Promise<Fields & { readonly sealed: Uint8Array }> {
  const clear = {
    v: 1,
    fleet: fill(32, 0xf1),
    fleetName: 'home',
    device: fill(16, 0xd1),
    relayUrl: 'http://127.0.0.1:7433',
    relayKey: await primitives.p256PublicKey(fill(32, 0xee)),
    keys,
    prfSalt: fill(32, 0xbb),
    unlocks,
    nonce: fill(12, 0xcc),
  };
  const key = hkdf(primitives, { secret: master, info: utf8('holdfast/v1 console keys\0'), length: 32 });
  const associated = encodeValue({ ...clear, sealed: new Uint8Array(0) });
  return { ...clear, sealed: await primitives.aeadSeal(key, clear.nonce, associated, encodeValue(secret)) };
}

const phrase = await byPassphrase();
const passkey = await byPasskey();
const record = await recordOf([passkey, phrase]);
const wire = (fields: Fields): Uint8Array => encodeValue({ ...record, ...fields });
const { sealed } = record;
const typed = { way: { kind: 'passphrase', passphrase } };
const touched = { way: { kind: 'passkey', credential, prf } };
const whole = wire({});

writeVectors('console-key/records', 'What opens the operator key of a browser; `sign` is the public key that comes of it.', [
  { name: 'by its passphrase', clause: 'BKEY-1', expect: 'ok', record: whole, ...typed, sign: keys.sign },
  { name: 'by the PRF of its passkey', clause: 'BKEY-1', expect: 'ok', record: whole, ...touched, sign: keys.sign },
  {
    name: 'with the passphrase alone',
    clause: 'BKEY-6',
    expect: 'ok',
    record: encodeValue(await recordOf([phrase])),
    ...typed,
    sign: keys.sign,
  },
  {
    name: 'by another passphrase',
    clause: 'BKEY-4',
    expect: 'passphrase_wrong',
    record: whole,
    way: { kind: 'passphrase', passphrase: utf8('correct horse battery stapld') },
  },
  {
    name: 'by another output of the PRF',
    clause: 'BKEY-4',
    expect: 'passkey_wrong',
    record: whole,
    way: { kind: 'passkey', credential, prf: flipped(prf, 0) },
  },
  {
    name: 'with another salt',
    clause: 'BKEY-4',
    expect: 'passphrase_wrong',
    record: wire({ unlocks: [passkey, { ...phrase, salt: fill(16, 0x89) }] }),
    ...typed,
  },
  {
    name: 'with another cost',
    clause: 'BKEY-4',
    expect: 'passphrase_wrong',
    record: wire({ unlocks: [passkey, { ...phrase, logN: 15 }] }),
    ...typed,
  },
  {
    name: 'with another public key of its passkey',
    clause: 'BKEY-4',
    expect: 'passkey_wrong',
    record: wire({ unlocks: [{ ...passkey, publicKey: flipped(spki, 8 * 80) }, phrase] }),
    ...touched,
  },
  {
    name: 'with another kind of key of its passkey',
    clause: 'BKEY-4',
    expect: 'passkey_wrong',
    record: wire({ unlocks: [{ ...passkey, algorithm: 'RS256' }, phrase] }),
    ...touched,
  },
  { name: 'of another name', clause: 'BKEY-3', expect: 'key_invalid', record: wire({ fleetName: 'Home' }), ...typed },
  {
    name: 'of another relay',
    clause: 'BKEY-3',
    expect: 'key_invalid',
    record: wire({ relayUrl: 'http://127.0.0.1:7434' }),
    ...typed,
  },
  { name: 'of another fleet', clause: 'BKEY-3', expect: 'key_invalid', record: wire({ fleet: fill(32, 0xf2) }), ...typed },
  {
    name: 'with other public keys',
    clause: 'BKEY-3',
    expect: 'key_invalid',
    record: wire({ keys: { ...keys, sign: spki.slice(-65) } }),
    ...typed,
  },
  {
    name: 'with another salt of the PRF',
    clause: 'BKEY-3',
    expect: 'key_invalid',
    record: wire({ prfSalt: fill(32, 0xba) }),
    ...touched,
  },
  {
    name: 'from which an unlock was taken',
    clause: 'BKEY-3',
    expect: 'key_invalid',
    record: wire({ unlocks: [phrase] }),
    ...typed,
  },
  {
    name: 'whose unlocks changed places',
    clause: 'BKEY-3',
    expect: 'key_invalid',
    record: wire({ unlocks: [phrase, passkey] }),
    ...typed,
  },
  {
    name: 'whose sealed keys are altered',
    clause: 'BKEY-3',
    expect: 'key_invalid',
    record: wire({ sealed: flipped(sealed, 9) }),
    ...typed,
  },
  {
    name: 'whose sealed keys are cut off',
    clause: 'BKEY-3',
    expect: 'key_invalid',
    record: wire({ sealed: sealed.slice(1) }),
    ...typed,
  },
  {
    name: 'whose sealed keys belong to other public keys',
    clause: 'BKEY-3',
    expect: 'key_invalid',
    record: encodeValue(await recordOf([phrase], { ...held, agree: fill(32, 0x23) })),
    ...typed,
  },
  {
    name: 'whose sealed scalar is none',
    clause: 'BKEY-3',
    expect: 'key_invalid',
    record: encodeValue(await recordOf([phrase], { ...held, sign: fill(32, 0) })),
    ...typed,
  },
  {
    name: 'that seals another version of private keys',
    clause: 'BKEY-3',
    expect: 'key_invalid',
    record: encodeValue(await recordOf([phrase], { ...held, v: 2 })),
    ...typed,
  },
  { name: 'of another version', clause: 'BKEY-3', expect: 'key_invalid', record: wire({ v: 2 }), ...typed },
  { name: 'with nothing to unlock it', clause: 'BKEY-3', expect: 'key_invalid', record: wire({ unlocks: [] }), ...typed },
  {
    name: 'with nine ways to unlock it',
    clause: 'BKEY-3',
    expect: 'key_invalid',
    record: wire({ unlocks: Array.from({ length: 9 }, () => phrase) }),
    ...typed,
  },
  {
    name: 'with a way that nobody knows',
    clause: 'BKEY-3',
    expect: 'key_invalid',
    record: wire({ unlocks: [{ ...phrase, kind: 'pin' }] }),
    ...typed,
  },
  {
    name: 'at a cost that is too small',
    clause: 'BKEY-4',
    expect: 'key_invalid',
    record: wire({ unlocks: [{ ...phrase, logN: 13 }] }),
    ...typed,
  },
  {
    name: 'at a cost that no memory holds',
    clause: 'BKEY-4',
    expect: 'key_invalid',
    record: wire({ unlocks: [{ ...phrase, logN: 19 }] }),
    ...typed,
  },
  { name: 'with a field more', clause: 'BKEY-3', expect: 'key_invalid', record: wire({ note: 'x' }), ...typed },
  { name: 'cut off', clause: 'BKEY-3', expect: 'key_invalid', record: whole.slice(0, -1), ...typed },
  { name: 'with a byte after it', clause: 'BKEY-3', expect: 'key_invalid', record: concat(whole, Uint8Array.of(0)), ...typed },
]);
