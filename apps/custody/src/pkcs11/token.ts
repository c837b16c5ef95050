// One PKCS#11 token: P-256 keys that are born in it, sensitive and never extractable, found again by their ids. A session that is lost is
// begun anew, once, with the PIN that worked before; a PIN that the token refused is never tried again.

import { ECDH } from 'node:crypto';

import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';

import {
  asked,
  cka,
  ckd,
  ckf,
  ckk,
  ckm,
  cko,
  cku,
  ecdhParameters,
  TokenLost,
  type Attribute,
  type Cryptoki,
  type Handle,
} from './cryptoki.ts';

export type TokenKeyUse = 'sign' | 'agree';

/** A key pair in the token: by what it is found, and its public point (SEC1, uncompressed). */
export interface TokenKey {
  readonly id: Uint8Array;
  readonly point: Uint8Array;
}

/** DER of the named curve prime256v1. */
const p256 = Buffer.from('06082a8648ce3d030107', 'hex');
const pointBytes = 65;
const maxObjects = 64;

interface Begun {
  readonly session: Handle;
  /** Private keys by the hex of their ids. */
  readonly keys: Map<string, Handle>;
}

export class Token {
  readonly #cryptoki: Cryptoki;
  readonly #wanted: string | undefined;
  /** Overwritten by `close`; the module is given it as a text, of which Node keeps copies as it likes. */
  readonly #pin: Uint8Array;
  #begun: Begun | undefined;
  #initialized = false;
  /** Why the PIN will not be tried again. */
  #refused: HoldfastError | undefined;
  #label = '';

  private constructor(cryptoki: Cryptoki, wanted: string | undefined, pin: Uint8Array) {
    this.#cryptoki = cryptoki;
    this.#wanted = wanted;
    this.#pin = pin;
  }

  /**
   * Logs in to the token with the label `wanted`, or to the only one there is. `pin` is the token's from now on.
   * Throws `key_store_absent`, `pin_wrong`, `key_store_locked`, `key_store_failed`.
   */
  static open(cryptoki: Cryptoki, wanted: string | undefined, pin: Uint8Array): Token {
    const token = new Token(cryptoki, wanted, pin);
    try {
      token.#begin();
      return token;
    } catch (thrown) {
      token.close();
      throw thrown;
    }
  }

  get label(): string {
    return this.#label;
  }

  /** A key pair of the token's own making under this id, `owner` in its label. Throws `key_store_failed` for a token whose keys could leave it. */
  create(use: TokenKeyUse, owner: string, id: Uint8Array): TokenKey {
    return this.#anew(({ session, keys }) => {
      const named: readonly Attribute[] = [
        { type: cka.token, value: true },
        { type: cka.id, value: Buffer.from(id) },
        { type: cka.label, value: Buffer.from(owner) },
      ];
      const made = asked(() =>
        this.#cryptoki.C_GenerateKeyPair(
          session,
          { mechanism: ckm.ecKeyPairGen },
          [...named, { type: cka.ecParameters, value: p256 }, { type: cka.verify, value: use === 'sign' }],
          [...named, ...privateTemplate(use)],
        ),
      );
      try {
        this.#assertKept(session, made.privateKey);
        const [written] = asked(() => this.#cryptoki.C_GetAttributeValue(session, made.publicKey, [{ type: cka.ecPoint }]));
        keys.set(toHex(id), made.privateKey);
        return { id, point: pointOf(written?.value ?? Buffer.alloc(0)) };
      } catch (thrown) {
        this.#remove(session, id);
        throw thrown;
      }
    });
  }

  /** ECDSA over a digest: r ‖ s. */
  sign({ id }: TokenKey, digest: Uint8Array): Uint8Array {
    return this.#anew((begun) => {
      const key = this.#find(begun, id);
      return asked(() => {
        this.#cryptoki.C_SignInit(begun.session, { mechanism: ckm.ecdsa }, key);
        const signature = this.#cryptoki.C_Sign(begun.session, Buffer.from(digest), Buffer.alloc(2 * 64));
        if (signature.length !== 64)
          throw new HoldfastError('key_store_failed', 'the token signed in another way than was asked');
        return new Uint8Array(signature);
      });
    });
  }

  /** x-coordinate of the shared point; the caller overwrites it. Throws `key_invalid` for a point off the curve: no token is asked about one. */
  agree({ id }: TokenKey, point: Uint8Array): Uint8Array {
    assertOnCurve(point);
    return this.#anew((begun) => {
      const { session } = begun;
      const key = this.#find(begun, id);
      const parameter = { type: ecdhParameters, kdf: ckd.null, publicData: Buffer.from(point) };
      const shared = asked(() =>
        this.#cryptoki.C_DeriveKey(session, { mechanism: ckm.ecdh1Derive, parameter }, key, sharedTemplate),
      );
      try {
        const [found] = asked(() => this.#cryptoki.C_GetAttributeValue(session, shared, [{ type: cka.value }]));
        const x = new Uint8Array(found?.value ?? []);
        found?.value.fill(0);
        if (x.length !== 32) throw new HoldfastError('key_store_failed', 'the token agreed in another way than was asked');
        return x;
      } finally {
        asked(() => this.#cryptoki.C_DestroyObject(session, shared));
      }
    });
  }

  /** Throws `key_store_foreign`: the token has no such key, or another that could leave it. */
  assertHas({ id }: TokenKey): void {
    this.#anew((begun) => void this.#find(begun, id));
  }

  /** Also one that is not there. */
  destroy({ id }: Pick<TokenKey, 'id'>): void {
    this.#anew(({ session, keys }) => {
      keys.delete(toHex(id));
      this.#remove(session, id);
    });
  }

  close(): void {
    this.#pin.fill(0);
    this.#refused ??= new HoldfastError('key_store_absent', 'the PKCS#11 token was let go of');
    this.#forget();
  }

  /** Does the work, and once more from the beginning when the token has lost our session. Signing or agreeing twice does no harm. */
  #anew<T>(work: (begun: Begun) => T): T {
    for (let tries = 1; ; tries += 1) {
      try {
        return work(this.#begin());
      } catch (thrown) {
        if (!(thrown instanceof TokenLost)) throw thrown;
        this.#forget();
        if (tries === 2) throw thrown;
      }
    }
  }

  #begin(): Begun {
    if (this.#begun !== undefined) return this.#begun;
    if (this.#refused !== undefined) throw this.#refused;
    try {
      if (!this.#initialized) asked(() => this.#cryptoki.C_Initialize());
      this.#initialized = true;
      const session = asked(() => this.#cryptoki.C_OpenSession(this.#slot(), ckf.serialSession | ckf.rwSession));
      this.#login(session);
      this.#begun = { session, keys: new Map() };
      return this.#begun;
    } catch (thrown) {
      this.#forget();
      throw thrown;
    }
  }

  /** [CUSTODY-24] Wrong PINs lock a token: one that was refused is not tried again, nor is the last try ever ours. */
  #login(session: Handle): void {
    const pin = Buffer.from(this.#pin).toString('utf8');
    try {
      asked(() => this.#cryptoki.C_Login(session, cku.user, pin));
    } catch (thrown) {
      if (thrown instanceof HoldfastError && (thrown.code === 'pin_wrong' || thrown.code === 'key_store_locked'))
        this.#refused = thrown;
      throw thrown;
    }
  }

  #slot(): Handle {
    const found = asked(() => this.#cryptoki.C_GetSlotList(true))
      .map((slot) => ({ slot, ...asked(() => this.#cryptoki.C_GetTokenInfo(slot)) }))
      .map(({ slot, label, flags }) => ({ slot, label: label.trimEnd(), flags }))
      .filter(({ flags }) => (flags & ckf.tokenInitialized) !== 0);
    const fitting = found.filter(({ label }) => this.#wanted === undefined || label === this.#wanted);
    const [token] = fitting;
    const labels = found.map(({ label }) => label).join(', ') || 'none';
    if (token === undefined)
      throw new TokenLost('key_store_absent', `the PKCS#11 token ${this.#wanted ?? ''} is not there (there are: ${labels})`);
    if (fitting.length > 1)
      throw new HoldfastError('key_store_failed', `there are several PKCS#11 tokens (${labels})`, {
        next: 'name one, and give each a label of its own: npm start -- --pkcs11-token LABEL',
      });
    if ((token.flags & ckf.pinLocked) !== 0)
      throw new HoldfastError('key_store_locked', `the PIN of the PKCS#11 token ${token.label} is locked`);
    if ((token.flags & ckf.finalTry) !== 0)
      throw new HoldfastError('key_store_locked', `the PKCS#11 token ${token.label} has one try left, which is not taken here`, {
        next: 'log in once with the right PIN by another tool, then start again',
      });
    this.#label = token.label;
    return token.slot;
  }

  /** A module finds tokens anew only when it is begun anew. */
  #forget(): void {
    this.#begun = undefined;
    if (!this.#initialized) return;
    this.#initialized = false;
    try {
      this.#cryptoki.C_Finalize();
    } catch {
      // it has lost itself: that is what the next begin mends, or says
    }
  }

  #find({ session, keys }: Begun, id: Uint8Array): Handle {
    const kept = keys.get(toHex(id));
    if (kept !== undefined) return kept;
    const [key, another] = this.#objects(session, [
      { type: cka.class, value: cko.privateKey },
      { type: cka.id, value: Buffer.from(id) },
    ]);
    if (key === undefined || another !== undefined)
      throw new HoldfastError('key_store_foreign', `the PKCS#11 token ${this.#label} does not have this key`);
    this.#assertKept(session, key);
    keys.set(toHex(id), key);
    return key;
  }

  /** [CUSTODY-22] As the token says it: born in it, never readable, never to leave. */
  #assertKept(session: Handle, key: Handle): void {
    const wanted = [
      [cka.sensitive, 1],
      [cka.alwaysSensitive, 1],
      [cka.extractable, 0],
      [cka.neverExtractable, 1],
      [cka.local, 1],
    ] as const;
    const found = asked(() =>
      this.#cryptoki.C_GetAttributeValue(
        session,
        key,
        wanted.map(([type]) => ({ type })),
      ),
    );
    if (wanted.some(([, value], index) => found[index]?.value.length !== 1 || found[index].value[0] !== value))
      throw new HoldfastError('key_store_failed', 'the PKCS#11 token has a key that could leave it');
  }

  #remove(session: Handle, id: Uint8Array): void {
    for (const object of this.#objects(session, [{ type: cka.id, value: Buffer.from(id) }]))
      asked(() => this.#cryptoki.C_DestroyObject(session, object));
  }

  #objects(session: Handle, template: readonly Attribute[]): readonly Handle[] {
    return asked(() => {
      this.#cryptoki.C_FindObjectsInit(session, template);
      try {
        const found: Handle[] = [];
        for (;;) {
          const more = this.#cryptoki.C_FindObjects(session, maxObjects);
          found.push(...more);
          if (more.length === 0) return found;
        }
      } finally {
        this.#cryptoki.C_FindObjectsFinal(session);
      }
    });
  }
}

/** [CUSTODY-22] One use, and nothing that could take it out. */
function privateTemplate(use: TokenKeyUse): readonly Attribute[] {
  return [
    { type: cka.private, value: true },
    { type: cka.sensitive, value: true },
    { type: cka.extractable, value: false },
    { type: cka.sign, value: use === 'sign' },
    { type: cka.derive, value: use === 'agree' },
    { type: cka.decrypt, value: false },
    { type: cka.unwrap, value: false },
  ];
}

/** A shared point goes into the key schedule at once, outside of the token: that is what no token offers. */
const sharedTemplate: readonly Attribute[] = [
  { type: cka.class, value: cko.secretKey },
  { type: cka.keyType, value: ckk.genericSecret },
  { type: cka.token, value: false },
  { type: cka.sensitive, value: false },
  { type: cka.extractable, value: true },
  { type: cka.valueLength, value: 32 },
];

/** CKA_EC_POINT is the point in a DER OCTET STRING; some modules leave the string out. */
function pointOf(written: Buffer): Uint8Array {
  const point =
    written.length === pointBytes + 2 && written[0] === 0x04 && written[1] === pointBytes ? written.subarray(2) : written;
  assertOnCurve(point);
  return new Uint8Array(point);
}

function assertOnCurve(point: Uint8Array): void {
  try {
    if (point.length !== pointBytes || point[0] !== 0x04) throw new Error('not uncompressed');
    ECDH.convertKey(point, 'prime256v1');
  } catch (cause) {
    throw new HoldfastError('key_invalid', 'the point is not on the curve', { cause });
  }
}
