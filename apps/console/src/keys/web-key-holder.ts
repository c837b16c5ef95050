// A KeyHolder whose P-256 keys script can use and not read, and whose ML-KEM seed is opened for one decapsulation at a time, spec/console-key.md.
// It signs what gives or ends power only while there is a leave for it (leaves.ts).

import { concat, equalBytes } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { signingInput, type Domain } from '@holdfast/protocol/keys/domain';
import type { KeyHolder, OneTimeKey, SealPurpose } from '@holdfast/protocol/keys/key-holder';
import type { PublicKeys } from '@holdfast/protocol/keys/public-keys';
import { lowS } from '@holdfast/protocol/primitives/p256-scalar';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { deriveOneTimeKey } from '@holdfast/protocol/seal/hpke';
import { decapsulate, kemPublicKey } from '@holdfast/protocol/seal/hybrid-kem';
import { freshAesKey, openWith, sealWith, view, type AesKey, type KeyHandle } from './aes-key.ts';
import { overwrite, type PrivateKeys } from './key-record.ts';
import type { Leaves } from './leaves.ts';

const { subtle } = crypto;

const pointBytes = 65;
/** RFC 5915 in PKCS#8 with its public key, which some browsers want: what stands before the scalar, and before the point. */
const beforeScalar = Uint8Array.of(
  ...[0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a],
  ...[0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20],
);
const beforePoint = Uint8Array.of(0xa1, 0x44, 0x03, 0x42, 0x00);
const noData = new Uint8Array(0);

/** Not extractable. `scalar` stays the caller's. [BKEY-2] */
async function p256Handle(name: 'ECDSA' | 'ECDH', scalar: Uint8Array, point: Uint8Array): Promise<KeyHandle> {
  const der = concat(beforeScalar, scalar, beforePoint, point);
  const use = name === 'ECDSA' ? 'sign' : 'deriveBits';
  try {
    return await subtle.importKey('pkcs8', view(der), { name, namedCurve: 'P-256' }, false, [use]);
  } finally {
    der.fill(0);
  }
}

interface Held {
  readonly sign: KeyHandle;
  readonly agree: KeyHandle;
  /** Made for this holder alone. */
  readonly session: AesKey;
  /** The ML-KEM seed under `session`. */
  readonly seed: { readonly nonce: Uint8Array; readonly sealed: Uint8Array };
}

export class WebKeyHolder implements KeyHolder {
  readonly publicKeys: PublicKeys;
  readonly #primitives: Primitives;
  readonly #leaves: Leaves;
  #keys: Held | undefined;

  private constructor(primitives: Primitives, leaves: Leaves, publicKeys: PublicKeys, keys: Held) {
    this.#primitives = primitives;
    this.#leaves = leaves;
    this.publicKeys = publicKeys;
    this.#keys = keys;
  }

  /** Takes ownership of `keys` and overwrites them. Throws `key_invalid` for keys that are not those of `publicKeys`. */
  static async of(primitives: Primitives, leaves: Leaves, keys: PrivateKeys, publicKeys: PublicKeys): Promise<WebKeyHolder> {
    try {
      await assertPair(primitives, keys, publicKeys);
      const session = await freshAesKey(primitives);
      const nonce = primitives.random(12);
      const held = {
        sign: await p256Handle('ECDSA', keys.sign, publicKeys.sign),
        agree: await p256Handle('ECDH', keys.agree, publicKeys.seal.subarray(-pointBytes)),
        session,
        seed: { nonce, sealed: await sealWith(session, nonce, noData, keys.kem) },
      };
      return new WebKeyHolder(primitives, leaves, publicKeys, held);
    } catch (cause) {
      throw new HoldfastError('key_invalid', 'this browser does not take these keys', { cause, next: 'use another browser' });
    } finally {
      overwrite(keys);
    }
  }

  async sign(domain: Domain, statement: Uint8Array): Promise<Uint8Array> {
    const { sign } = this.#held();
    this.#leaves.assert(domain); // [BKEY-7]
    const input = signingInput(domain, statement);
    const signature = await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, sign, view(input));
    return lowS(new Uint8Array(signature));
  }

  async open(purpose: SealPurpose, encapsulated: Uint8Array): Promise<OneTimeKey> {
    const { agree, session, seed } = this.#held();
    const kem = await openWith(session, seed.nonce, noData, seed.sealed);
    const halves = {
      point: this.publicKeys.seal.subarray(-pointBytes),
      kem,
      agree: (other: Uint8Array) => sharedX(agree, other),
    };
    try {
      return deriveOneTimeKey(this.#primitives, await decapsulate(this.#primitives, halves, encapsulated), purpose);
    } finally {
      kem.fill(0); // [BKEY-2]
    }
  }

  /** Drops the handles; every later call throws `key_invalid`. */
  wipe(): void {
    this.#keys = undefined;
  }

  #held(): Held {
    if (this.#keys === undefined) throw new HoldfastError('key_invalid', 'keys were wiped');
    return this.#keys;
  }
}

/** A record that seals other keys than it names would sign what nobody can verify. */
async function assertPair(primitives: Primitives, keys: PrivateKeys, { sign, seal }: PublicKeys): Promise<void> {
  const isPair =
    equalBytes(await primitives.p256PublicKey(keys.sign), sign) && equalBytes(await kemPublicKey(primitives, keys), seal);
  if (!isPair) throw new HoldfastError('key_invalid', 'the public keys are of other private ones');
}

/** x-coordinate of the shared point. Throws `key_invalid` for one off the curve or in another form. */
async function sharedX(agree: KeyHandle, other: Uint8Array): Promise<Uint8Array> {
  const curve = { name: 'ECDH', namedCurve: 'P-256' };
  let point: KeyHandle;
  try {
    if (other.length !== pointBytes || other[0] !== 4) throw new Error('not in uncompressed form');
    point = await subtle.importKey('raw', view(other), curve, false, []);
  } catch (cause) {
    throw new HoldfastError('key_invalid', 'point is not on the curve', { cause });
  }
  return new Uint8Array(await subtle.deriveBits({ name: 'ECDH', public: point }, agree, 256));
}
