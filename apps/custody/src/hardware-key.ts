// A key whose P-256 halves live in hardware: that signs a digest and agrees on a point, and gives out neither scalar. The ML-KEM half is
// software's (no chip that we know has it yet); it lies in the store's file, sealed, and opens nothing alone.

import { concat } from '@holdfast/protocol/codec/bytes';
import { bytes, bytesUpTo, decode, encode, literal, record, type Infer } from '@holdfast/protocol/codec/schema';
import { HoldfastError } from '@holdfast/protocol/errors';
import { signingInput, type Domain } from '@holdfast/protocol/keys/domain';
import type { OneTimeKey, SealPurpose } from '@holdfast/protocol/keys/key-holder';
import type { PublicKeys } from '@holdfast/protocol/keys/public-keys';
import { lowS } from '@holdfast/protocol/primitives/p256-scalar';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { deriveOneTimeKey } from '@holdfast/protocol/seal/hpke';
import { decapsulate } from '@holdfast/protocol/seal/hybrid-kem';

import type { Attester } from './attester.ts';
import type { FileKey } from './file-store.ts';

const kemSeedBytes = 64;

/** The two halves in hardware, by whatever names them there. Errors are `key_store_*`. */
export interface HardwareHalves {
  /** SEC1, uncompressed. */
  readonly signPoint: Uint8Array;
  readonly agreePoint: Uint8Array;
  /** ECDSA over a SHA-256 digest: r ‖ s, either s. */
  sign(digest: Uint8Array): Promise<Uint8Array>;
  /** x-coordinate of the shared point. Throws `key_invalid` for a point off the curve. */
  agree(point: Uint8Array): Promise<Uint8Array>;
  /** What finds the halves again; not secret without the hardware, yet kept sealed. The caller overwrites it. */
  reference(): Uint8Array;
  /** Removes what the hardware itself keeps of them, if it keeps anything. */
  destroy(): Promise<void>;
  /** Absent: this hardware proves nothing. */
  readonly attester?: Attester;
}

const written = record({ v: literal(1), kem: bytes(kemSeedBytes), reference: bytesUpTo(768) });
type Written = Infer<typeof written>;

export class HardwareKey implements FileKey {
  readonly publicKeys: PublicKeys;
  readonly #primitives: Primitives;
  readonly #halves: HardwareHalves;
  #kem: Uint8Array | undefined;

  private constructor(primitives: Primitives, halves: HardwareHalves, kem: Uint8Array, publicKeys: PublicKeys) {
    this.#primitives = primitives;
    this.#halves = halves;
    this.#kem = kem;
    this.publicKeys = publicKeys;
  }

  /** With a new ML-KEM half. */
  static async generate(primitives: Primitives, halves: HardwareHalves): Promise<HardwareKey> {
    return HardwareKey.#of(primitives, halves, primitives.random(kemSeedBytes));
  }

  /** Reads what `exportBytes` wrote. Throws `codec_*`. */
  static async fromBytes(
    primitives: Primitives,
    encoded: Uint8Array,
    find: (reference: Uint8Array) => Promise<HardwareHalves>,
  ): Promise<HardwareKey> {
    const { kem, reference }: Written = decode(written, encoded, 1024);
    return HardwareKey.#of(primitives, await find(reference), kem);
  }

  static async #of(primitives: Primitives, halves: HardwareHalves, kem: Uint8Array): Promise<HardwareKey> {
    const seal = concat(await primitives.mlkem768PublicKey(kem), halves.agreePoint);
    return new HardwareKey(primitives, halves, kem, { sign: halves.signPoint, seal });
  }

  get attester(): Attester | undefined {
    return this.#halves.attester;
  }

  exportBytes(): Uint8Array {
    const reference = this.#halves.reference();
    try {
      return encode(written, { v: 1, kem: this.#held(), reference });
    } finally {
      reference.fill(0);
    }
  }

  async sign(domain: Domain, statement: Uint8Array): Promise<Uint8Array> {
    this.#held();
    return lowS(await this.#halves.sign(this.#primitives.sha256(signingInput(domain, statement))));
  }

  async open(purpose: SealPurpose, encapsulated: Uint8Array): Promise<OneTimeKey> {
    const halves = {
      point: this.#halves.agreePoint,
      kem: this.#held(),
      agree: (point: Uint8Array) => this.#halves.agree(point),
    };
    return deriveOneTimeKey(this.#primitives, await decapsulate(this.#primitives, halves, encapsulated), purpose);
  }

  async wipe(): Promise<void> {
    this.#kem?.fill(0);
    this.#kem = undefined;
    await this.#halves.destroy();
  }

  #held(): Uint8Array {
    if (this.#kem === undefined) throw new HoldfastError('key_invalid', 'keys were wiped');
    return this.#kem;
  }
}
