// A KeyHolder over private keys in memory, spec/keys.md: custody's software store, the CLI's operator key, the recovery code.
// The one place of the core that reads private key bytes; it stands beside the sealing, so the relay cannot import it.

import { utf8 } from '../codec/bytes.ts';
import { bytes, decode, encode, literal, record, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { signingInput, type Domain } from '../keys/domain.ts';
import type { KeyHolder, OneTimeKey, SealPurpose } from '../keys/key-holder.ts';
import type { PublicKeys } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { hkdf, hkdfExpand, hkdfExtract } from './hkdf.ts';
import { deriveOneTimeKey } from './hpke.ts';
import { decapsulate, expandSeed, firstScalar, halvesOf, kemPublicKey } from './hybrid-kem.ts';

/** Two P-256 scalars and the seed of the ML-KEM half of the sealing key. */
const privateKeys = record({ v: literal(1), sign: bytes(32), agree: bytes(32), kem: bytes(64) });
type PrivateKeys = Infer<typeof privateKeys>;

const maxPrivateKeyBytes = 512;
/** DESIGN §4: a recovery code carries at least 128 bits. */
const minRecoveryBytes = 16;

function overwrite({ sign, agree, kem }: PrivateKeys): void {
  for (const secret of [sign, agree, kem]) secret.fill(0);
}

export class SoftwareKeyHolder implements KeyHolder {
  readonly publicKeys: PublicKeys;
  readonly #primitives: Primitives;
  #keys: PrivateKeys | undefined;

  private constructor(primitives: Primitives, keys: PrivateKeys, publicKeys: PublicKeys) {
    this.#primitives = primitives;
    this.#keys = keys;
    this.publicKeys = publicKeys;
  }

  /** Takes ownership of `keys`, also when it throws (`key_invalid`). */
  static async #of(primitives: Primitives, keys: PrivateKeys): Promise<SoftwareKeyHolder> {
    try {
      const publicKeys = { sign: await primitives.p256PublicKey(keys.sign), seal: await kemPublicKey(primitives, keys) };
      return new SoftwareKeyHolder(primitives, keys, publicKeys);
    } catch (cause) {
      overwrite(keys);
      throw cause;
    }
  }

  /** New keys from `primitives.random`. */
  static async generate(primitives: Primitives): Promise<SoftwareKeyHolder> {
    const draw = (): Uint8Array => {
      const uniform = primitives.random(128);
      const scalar = firstScalar(uniform);
      uniform.fill(0);
      return scalar;
    };
    return SoftwareKeyHolder.#of(primitives, { v: 1, sign: draw(), agree: draw(), kem: primitives.random(64) });
  }

  /** Reads what `exportBytes` wrote; `encoded` stays the caller's to overwrite. Throws `codec_*`, `key_invalid`. */
  static async fromBytes(primitives: Primitives, encoded: Uint8Array): Promise<SoftwareKeyHolder> {
    return SoftwareKeyHolder.#of(primitives, decode(privateKeys, encoded, maxPrivateKeyBytes));
  }

  /**
   * The key pairs of a recovery code: always the same for the same bytes. `code` (at least 16 random bytes) stays the caller's.
   * Throws `key_invalid` for a shorter one.
   */
  static async fromRecoveryCode(primitives: Primitives, code: Uint8Array): Promise<SoftwareKeyHolder> {
    if (code.length < minRecoveryBytes) throw new HoldfastError('key_invalid', 'recovery code is too short'); // [KEYS-8]
    const root = hkdfExtract(primitives, utf8('holdfast/v1 recovery\0'), code);
    const forSigning = hkdfExpand(primitives, root, utf8('sign'), 128);
    const forSealing = hkdfExpand(primitives, root, utf8('seal'), 32);
    root.fill(0);
    try {
      return await SoftwareKeyHolder.#of(primitives, {
        v: 1,
        sign: firstScalar(forSigning),
        ...expandSeed(primitives, forSealing),
      });
    } finally {
      forSigning.fill(0);
      forSealing.fill(0);
    }
  }

  /** The private keys, to be sealed and stored; the caller overwrites them. */
  exportBytes(): Uint8Array {
    return encode(privateKeys, this.#held());
  }

  async sign(domain: Domain, statement: Uint8Array): Promise<Uint8Array> {
    return this.#primitives.p256Sign(this.#held().sign, signingInput(domain, statement));
  }

  async open(purpose: SealPurpose, encapsulated: Uint8Array): Promise<OneTimeKey> {
    const halves = halvesOf(this.#primitives, this.#held(), this.publicKeys.seal);
    return deriveOneTimeKey(this.#primitives, await decapsulate(this.#primitives, halves, encapsulated), purpose);
  }

  /** 32 bytes that only this holder makes, always the same for the same `info`; the caller overwrites them. */
  derive(info: Uint8Array): Uint8Array {
    const secret = this.exportBytes();
    try {
      return hkdf(this.#primitives, { secret, info, length: 32 });
    } finally {
      secret.fill(0);
    }
  }

  /** Overwrites the keys; every later call throws `key_invalid`. */
  wipe(): void {
    if (this.#keys !== undefined) overwrite(this.#keys);
    this.#keys = undefined;
  }

  #held(): PrivateKeys {
    if (this.#keys === undefined) throw new HoldfastError('key_invalid', 'keys were wiped');
    return this.#keys;
  }
}
