// node scripts/vectors/keys.ts: vectors of spec/keys.md and spec/session-key.md. Signatures are deterministic (RFC 6979).

import { encodeValue } from '@holdfast/protocol/codec/cbor';
import { certifySessionKey } from '@holdfast/protocol/blind/session-key';
import { statementHash, type StatementDomain } from '@holdfast/protocol/keys/domain';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { seededPrimitives } from '@holdfast/testkit/seeded';
import { flipped, writeVectors } from './write.ts';

const primitives = seededPrimitives('vectors/keys');
const domains: readonly StatementDomain[] = [
  'access-list',
  'audit-checkpoint',
  'custody-roots',
  'entry',
  'freshness',
  'pairing-answer',
  'pairing-offer',
  'pulse',
  'relay-auth',
  'session-key',
  'signal',
  'witness-key',
];

const signer = await SoftwareKeyHolder.generate(primitives);
const stranger = await SoftwareKeyHolder.generate(primitives);
const publicKey = signer.publicKeys.sign;
const statement = encodeValue({ v: 1, text: 'example' });
const signature = await signer.sign('pulse', statement);

/** The other signature of the same statement: s replaced by the order less s. */
function highS(low: Uint8Array): Uint8Array {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const s = BigInt(`0x${Buffer.from(low.subarray(32)).toString('hex')}`);
  const high = low.slice();
  high.set(Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex'), 32);
  return high;
}

const compressed = Uint8Array.of((publicKey[64] ?? 0) % 2 === 0 ? 2 : 3, ...publicKey.subarray(1, 33));
const about = { domain: 'pulse', statement, publicKey, signature } as const;

writeVectors(
  'keys/signatures',
  'Whether a signature stands for a statement of a domain; `hash` is how others refer to the statement.',
  [
    ...(await Promise.all(
      domains.map(async (domain) => ({
        name: `a ${domain}`,
        clause: 'KEYS-3',
        expect: 'ok' as const,
        ...about,
        domain,
        signature: await signer.sign(domain, statement),
        hash: statementHash(primitives, domain, statement),
      })),
    )),
    { name: 'of another domain', clause: 'KEYS-7', expect: 'signature_invalid', ...about, domain: 'signal' },
    { name: 'of another key', clause: 'KEYS-6', expect: 'signature_invalid', ...about, publicKey: stranger.publicKeys.sign },
    { name: 'of another statement', clause: 'KEYS-6', expect: 'signature_invalid', ...about, statement: flipped(statement, 0) },
    {
      name: 'without its prefix',
      clause: 'KEYS-3',
      expect: 'signature_invalid',
      ...about,
      signature: await primitives.p256Sign(new Uint8Array(32).fill(1), statement),
    },
    { name: 'with the larger s', clause: 'KEYS-5', expect: 'signature_invalid', ...about, signature: highS(signature) },
    { name: 'with r altered', clause: 'KEYS-6', expect: 'signature_invalid', ...about, signature: flipped(signature, 0) },
    { name: 'with s altered', clause: 'KEYS-6', expect: 'signature_invalid', ...about, signature: flipped(signature, 511) },
    { name: 'a byte short', clause: 'KEYS-5', expect: 'signature_invalid', ...about, signature: signature.subarray(0, 63) },
    { name: 'all zero', clause: 'KEYS-6', expect: 'signature_invalid', ...about, signature: new Uint8Array(64) },
    { name: 'under a compressed key', clause: 'KEYS-1', expect: 'signature_invalid', ...about, publicKey: compressed },
    {
      name: 'under a point off the curve',
      clause: 'KEYS-1',
      expect: 'signature_invalid',
      ...about,
      publicKey: flipped(publicKey, 519),
    },
  ],
);

const codes = [
  new Uint8Array(16),
  Uint8Array.from({ length: 16 }, (_, index) => index),
  Uint8Array.from({ length: 20 }, (_, index) => 255 - index),
];
writeVectors('keys/recovery', 'The public keys of a recovery code; the sealing key by its SHA-256.', [
  ...(await Promise.all(
    codes.map(async (code, index) => {
      const { sign, seal } = (await SoftwareKeyHolder.fromRecoveryCode(primitives, code)).publicKeys;
      return {
        name: `code ${index + 1}`,
        clause: 'KEYS-8',
        expect: 'ok' as const,
        code,
        sign,
        sealSha256: primitives.sha256(seal),
      };
    }),
  )),
  { name: 'fifteen bytes', clause: 'KEYS-8', expect: 'key_invalid', code: new Uint8Array(15) },
]);

const privateBytes = signer.exportBytes();
const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
const other = { v: 1, sign: new Uint8Array(32).fill(1), agree: new Uint8Array(32).fill(2), kem: new Uint8Array(64).fill(3) };
writeVectors('keys/private', 'What is a private key file, and its public signing key.', [
  { name: 'two scalars and a seed', clause: 'KEYS-2', expect: 'ok', private: privateBytes, sign: publicKey },
  {
    name: 'a scalar of 0',
    clause: 'KEYS-2',
    expect: 'key_invalid',
    private: encodeValue({ ...other, sign: new Uint8Array(32) }),
  },
  {
    name: 'a scalar that is the order',
    clause: 'KEYS-2',
    expect: 'key_invalid',
    private: encodeValue({ ...other, agree: new Uint8Array(order) }),
  },
  { name: 'a short seed', clause: 'KEYS-2', expect: 'codec_shape', private: encodeValue({ ...other, kem: new Uint8Array(32) }) },
  { name: 'another version', clause: 'KEYS-2', expect: 'codec_shape', private: encodeValue({ ...other, v: 2 }) },
]);

const fleet = new Uint8Array(32).fill(0xf1);
const agent = new Uint8Array(16).fill(0xa1);
const life = { notBeforeMs: 1_800_000_000_000, notAfterMs: 1_800_000_600_000 };
const session = { v: 1, fleet, agent, key: stranger.publicKeys.sign, ...life } as const;
const wire = await certifySessionKey(signer, session);
/** Signs what `certifySessionKey` would refuse to. */
const forced = async (fields: Partial<Record<keyof typeof session, number>>): Promise<Uint8Array> => {
  const bytes = encodeValue({ ...session, ...fields });
  return encodeValue({ statement: bytes, signature: await signer.sign('session-key', bytes) });
};
const asked = { wire, fleet, agent, agentKey: publicKey, atMs: life.notBeforeMs };

writeVectors('keys/session-keys', 'Whether a certificate makes a session key good for what was signed at a time.', [
  { name: 'at its start', clause: 'SESSION-KEY-1', expect: 'ok', ...asked },
  { name: 'at its end', clause: 'SESSION-KEY-5', expect: 'ok', ...asked, atMs: life.notAfterMs },
  { name: 'before its start', clause: 'SESSION-KEY-5', expect: 'session_key_expired', ...asked, atMs: life.notBeforeMs - 1 },
  { name: 'after its end', clause: 'SESSION-KEY-5', expect: 'session_key_expired', ...asked, atMs: life.notAfterMs + 1 },
  { name: 'of another fleet', clause: 'SESSION-KEY-4', expect: 'signature_invalid', ...asked, fleet: flipped(fleet, 0) },
  { name: 'of another agent', clause: 'SESSION-KEY-4', expect: 'signature_invalid', ...asked, agent: flipped(agent, 0) },
  { name: 'by another key', clause: 'SESSION-KEY-3', expect: 'signature_invalid', ...asked, agentKey: stranger.publicKeys.sign },
  {
    name: 'ten minutes and a millisecond',
    clause: 'SESSION-KEY-2',
    expect: 'codec_shape',
    ...asked,
    wire: await forced({ notAfterMs: life.notAfterMs + 1 }),
  },
  {
    name: 'no life',
    clause: 'SESSION-KEY-2',
    expect: 'codec_shape',
    ...asked,
    wire: await forced({ notAfterMs: life.notBeforeMs }),
  },
  { name: 'another version', clause: 'SESSION-KEY-1', expect: 'codec_shape', ...asked, wire: await forced({ v: 2 }) },
]);
