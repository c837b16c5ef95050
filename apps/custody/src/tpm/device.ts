// One TPM behind a character device (/dev/tpmrm0: the kernel's resource manager), spoken to as TPM 2.0 Part 1 §18 says: one command, one
// answer, in order. Turns its response codes into ours; never tries again what may count as a guess.

import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as later } from 'node:timers/promises';

import { concat } from '@holdfast/protocol/codec/bytes';
import { Reader, u16, u32 } from '@holdfast/protocol/custody/tpm-marshal';
import { HoldfastError } from '@holdfast/protocol/errors';

/** TPM2_GetCapability of common chips; no command of ours is near it. */
const maxResponseBytes = 4096;
const headerBytes = 10;
/** RC_YIELDED, RC_TESTING, RC_RETRY: the TPM did nothing and asks to be asked again. */
const busyCodes: ReadonlySet<number> = new Set([0x908, 0x90a, 0x922]);
const busyTries = 40;
const busyWaitMs = 50;

/** RC_OBJECT_MEMORY, RC_SESSION_MEMORY, RC_SESSION_HANDLES: no room for what a command needs. */
const fullCodes: ReadonlySet<number> = new Set([0x902, 0x903, 0x905]);
/** RC_REFERENCE_H0–H6, RC_REFERENCE_S0–S6: a handle of ours is not there any more, as after a reset or a sleep. */
const isReference = (code: number): boolean => code >= 0x910 && code <= 0x91f;
const lockout = 0x921;
/** Format-one codes carry in bits 6 and 8–11 which handle, session or parameter they mean. */
const formatOne = 0x080;
const authFail = 0x8e;
const badAuth = 0xa2;
const badHandle = 0x8b;
const integrity = 0x9f;
const eccPoint = 0xa7;

export const withoutSessions = 0x8001;
export const withSessions = 0x8002;

/** What a command answered: its parameters and, with sessions, what follows them. */
export interface TpmResponse {
  readonly code: number;
  readonly body: Uint8Array;
}

/** A refusal that says nothing about the command: what we keep in the TPM is gone, or there is no room for it. */
export class TpmContextFault extends HoldfastError {}

export class TpmDevice {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Throws `key_store_absent`: there is no TPM at `path`, or it may not be used. */
  static async open(path: string): Promise<TpmDevice> {
    try {
      return new TpmDevice(await open(path, constants.O_RDWR | constants.O_NOCTTY));
    } catch (cause) {
      const reason = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unexpected';
      throw new HoldfastError('key_store_absent', `cannot open the TPM at ${path}: ${reason}`, { cause });
    }
  }

  /** Sends a command (tag, code and what follows the header). Throws `key_store_*` for an answer that is none, and for any fault. */
  async send(tag: number, code: number, body: Uint8Array): Promise<Uint8Array> {
    const command = concat(u16(tag), u32(headerBytes + body.length), u32(code), body);
    for (let tries = 0; ; tries += 1) {
      const answer = await this.#exchange(command, tag);
      if (answer.code === 0) return answer.body;
      if (!busyCodes.has(answer.code) || tries >= busyTries) throw faultOf(answer.code);
      await later(busyWaitMs);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #exchange(command: Uint8Array, tag: number): Promise<TpmResponse> {
    try {
      const { bytesWritten } = await this.#file.write(command); // one write is one command: the kernel takes it whole
      if (bytesWritten !== command.length) throw new HoldfastError('key_store_failed', 'the TPM took a part of a command');
      const header = await this.#read(new Uint8Array(0), headerBytes);
      const reader = new Reader(header.subarray(0, headerBytes));
      const answeredTag = reader.u16();
      const length = reader.u32();
      const code = reader.u32();
      if (length < headerBytes || length > maxResponseBytes || (code === 0 && answeredTag !== tag))
        throw new HoldfastError('key_store_failed', 'the TPM answered what is no answer');
      const whole = await this.#read(header, length);
      if (whole.length !== length) throw new HoldfastError('key_store_failed', 'the TPM answered more than it announced');
      return { code, body: whole.subarray(headerBytes) };
    } catch (cause) {
      if (cause instanceof HoldfastError) throw cause;
      throw new HoldfastError('key_store_absent', 'the TPM does not answer any more', { cause });
    }
  }

  /** `before` and what is read after it, at least `length` bytes in all. The device gives an answer in one read. */
  async #read(before: Uint8Array, length: number): Promise<Uint8Array> {
    let read = before;
    while (read.length < length) {
      const buffer = new Uint8Array(maxResponseBytes);
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) throw new HoldfastError('key_store_absent', 'the TPM does not answer any more');
      read = concat(read, buffer.subarray(0, bytesRead));
      buffer.fill(0);
    }
    return read;
  }
}

/** TPM 2.0 Part 2 §6.6. */
function faultOf(code: number): HoldfastError {
  const kind = (code & formatOne) === 0 ? code : code & 0xbf;
  const said = `response code 0x${code.toString(16)}`;
  if (code === lockout)
    return new HoldfastError('key_store_locked', `the TPM is in lockout after wrong guesses (${said})`, {
      next: 'wait until it recovers, or ask its owner to reset the lockout; guessing on makes it longer',
    });
  if (kind === authFail || kind === badAuth)
    return new HoldfastError('passphrase_wrong', `the TPM refuses the passphrase (${said})`);
  if (isReference(code) || fullCodes.has(code) || kind === badHandle)
    return new TpmContextFault('key_store_failed', `the TPM has lost or no room for our contexts (${said})`);
  if (kind === integrity) return new HoldfastError('key_store_foreign', `this key is of another TPM, or was altered (${said})`);
  if (kind === eccPoint) return new HoldfastError('key_invalid', `the point is not on the curve (${said})`);
  return new HoldfastError('key_store_failed', `the TPM refused a command (${said})`);
}
