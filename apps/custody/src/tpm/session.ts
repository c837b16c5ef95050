// A salted HMAC session (TPM 2.0 Part 1 §19): commands and answers are authenticated, and the first parameter each way is encrypted, by a
// key that only the TPM with this storage key can know. Who listens on the bus, or between us and the chip, learns no shared point and
// no authorization value, and cannot answer in the TPM's place.

import { createCipheriv, createDecipheriv, createECDH, createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

import { concat, utf8 } from '@holdfast/protocol/codec/bytes';
import { alg } from '@holdfast/protocol/custody/tpm-keys';
import { Reader, sized, u16, u32, u8 } from '@holdfast/protocol/custody/tpm-marshal';
import { HoldfastError } from '@holdfast/protocol/errors';

import { withoutSessions, withSessions, type TpmDevice } from './device.ts';

const startAuthSession = 0x176;
const flushContext = 0x165;
const rhNull = 0x40000007;
const hmacSession = 0;

const continueSession = 0x01;
const decryptFirst = 0x20;
const encryptFirst = 0x40;

/** What a command is about: its handle, and the name that the session's authentication covers. */
export interface Entity {
  readonly handle: number;
  readonly name: Uint8Array;
}

/** A loaded storage key whose public point is known. */
export interface StorageKey extends Entity {
  readonly point: { readonly x: Uint8Array; readonly y: Uint8Array };
}

export interface Command {
  readonly code: number;
  /** The first one is authorized, by `auth`. */
  readonly handles: readonly Entity[];
  readonly auth: Uint8Array;
  /** Whole parameters, or none; the first one is a TPM2B and travels encrypted. */
  readonly parameters: Uint8Array;
  /** A command whose answer begins with a handle instead of parameters. */
  readonly answersHandle?: boolean;
  /** The first parameter of the answer is a TPM2B, and comes encrypted. */
  readonly answersSized: boolean;
  /** The second handle is authorized as well, by an empty value. */
  readonly secondIsOpen?: boolean;
}

/** An authorization by an empty value: of objects that anybody who has the TPM may use. */
export const openAuthorization = concat(u32(0x40000009), sized(), u8(continueSession), sized());

/** Part 1 §11.4.10.2, `bits` ≤ 256 · n. */
function kdfA(key: Uint8Array, label: string, newer: Uint8Array, older: Uint8Array, bits: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(bits / 256) }, (_, index) =>
    createHmac('sha256', key)
      .update(concat(u32(index + 1), utf8(`${label}\0`), newer, older, u32(bits)))
      .digest(),
  );
  return concat(...blocks).subarray(0, bits / 8);
}

export class TpmSession {
  readonly #device: TpmDevice;
  readonly #handle: number;
  readonly #key: Uint8Array;
  #nonceTpm: Uint8Array;

  private constructor(device: TpmDevice, handle: number, key: Uint8Array, nonceTpm: Uint8Array) {
    this.#device = device;
    this.#handle = handle;
    this.#key = key;
    this.#nonceTpm = nonceTpm;
  }

  /** Salted to `storage`: only the TPM that holds its private part can take part. */
  static async start(device: TpmDevice, storage: StorageKey): Promise<TpmSession> {
    const ephemeral = createECDH('prime256v1');
    const own = ephemeral.generateKeys();
    const [ownX, ownY] = [own.subarray(1, 33), own.subarray(33)];
    const shared = ephemeral.computeSecret(concat(u8(4), storage.point.x, storage.point.y));
    const salt = createHash('sha256')
      .update(concat(u32(1), shared, utf8('SECRET\0'), ownX, storage.point.x))
      .digest(); // KDFe, Part 1 §11.4.10.3
    shared.fill(0);
    const nonceCaller = randomBytes(32);
    const answer = await device.send(
      withoutSessions,
      startAuthSession,
      concat(
        ...[u32(storage.handle), u32(rhNull), sized(nonceCaller), sized(sized(ownX), sized(ownY)), u8(hmacSession)],
        ...[u16(alg.aes), u16(128), u16(alg.cfb), u16(alg.sha256)],
      ),
    );
    const reader = new Reader(answer);
    const handle = reader.u32();
    const nonceTpm = reader.sized().slice();
    reader.end();
    const key = kdfA(salt, 'ATH', nonceTpm, nonceCaller, 256);
    salt.fill(0);
    return new TpmSession(device, handle, key, nonceTpm);
  }

  /** The answer's handle, if any, and its parameters in the clear; the caller overwrites what is secret in them. */
  async run(command: Command): Promise<{ readonly handle: number; readonly parameters: Uint8Array }> {
    const { code, handles, auth, answersSized } = command;
    const value = concat(this.#key, auth);
    try {
      const nonceCaller = randomBytes(32);
      const sends = command.parameters.length > 0;
      const attributes = u8(continueSession | (sends ? decryptFirst : 0) | (answersSized ? encryptFirst : 0));
      const parameters = sends
        ? this.#cipherFirst('encrypt', command.parameters, value, nonceCaller, this.#nonceTpm)
        : command.parameters;
      const about = createHash('sha256')
        .update(concat(u32(code), ...handles.map(({ name }) => name), parameters))
        .digest();
      const proof = createHmac('sha256', value)
        .update(concat(about, nonceCaller, this.#nonceTpm, attributes))
        .digest();
      const own = concat(u32(this.#handle), sized(nonceCaller), attributes, sized(proof));
      const authorization = command.secondIsOpen === true ? concat(own, openAuthorization) : own;
      const answer = await this.#device.send(
        withSessions,
        code,
        concat(...handles.map(({ handle }) => u32(handle)), u32(authorization.length), authorization, parameters),
      );
      return this.#open(command, answer, value, nonceCaller);
    } finally {
      value.fill(0);
    }
  }

  async end(): Promise<void> {
    this.#key.fill(0);
    await this.#device.send(withoutSessions, flushContext, u32(this.#handle));
  }

  #open(command: Command, answer: Uint8Array, value: Uint8Array, nonceCaller: Uint8Array) {
    const reader = new Reader(answer);
    const handle = command.answersHandle === true ? reader.u32() : 0;
    const parameters = reader.take(reader.u32());
    const nonceTpm = reader.sized().slice();
    const attributes = reader.take(1);
    const proof = reader.sized();
    if (command.secondIsOpen === true) {
      reader.sized();
      reader.take(1);
      reader.sized();
    }
    reader.end();
    const about = createHash('sha256')
      .update(concat(u32(0), u32(command.code), parameters))
      .digest();
    const wanted = createHmac('sha256', value)
      .update(concat(about, nonceTpm, nonceCaller, attributes))
      .digest();
    if (proof.length !== wanted.length || !timingSafeEqual(proof, wanted))
      throw new HoldfastError('key_store_failed', 'the answer is not of the TPM that was asked');
    this.#nonceTpm = nonceTpm;
    if (!command.answersSized) return { handle, parameters: parameters.slice() };
    return { handle, parameters: this.#cipherFirst('decrypt', parameters, value, nonceTpm, nonceCaller) };
  }

  /** Part 1 §21: AES-128-CFB over the content of the first TPM2B. A copy. */
  #cipherFirst(
    way: 'encrypt' | 'decrypt',
    parameters: Uint8Array,
    value: Uint8Array,
    newer: Uint8Array,
    older: Uint8Array,
  ): Uint8Array {
    const length = new Reader(parameters).u16();
    const keyAndVector = kdfA(value, 'CFB', newer, older, 256);
    const make = way === 'encrypt' ? createCipheriv : createDecipheriv;
    const content = make('aes-128-cfb', keyAndVector.subarray(0, 16), keyAndVector.subarray(16)).update(
      parameters.subarray(2, 2 + length),
    );
    keyAndVector.fill(0);
    return concat(parameters.subarray(0, 2), content, parameters.subarray(2 + length));
  }
}
