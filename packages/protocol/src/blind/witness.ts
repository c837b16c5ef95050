// What a log asks of a relay as its witness (c2sp.org/tlog-witness over the relay's connection), spec/witness.md, what operator devices as witnesses
// leave there, and the word of a relay or device for the Ed25519 key that it cosigns with: fleets know its P-256 key, and cosignatures are of another kind.

import { bytes, bytesUpTo, decode, encode, integer, list, literal, optional, record, text, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { verifySignature } from '../keys/domain.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { digest, principalId, signature } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { toHex } from '../codec/bytes.ts';
import { seenBy, verifyLogNote, type PublishedNote, type Witness } from './log-note.ts';
import { maxDevices } from './access-list.ts';

/** As tlog-witness has it: more than any tree needs. */
const maxProofHashes = 63;
/** A published checkpoint with a few signatures; a log sends its own alone. */
const noteText = text({ min: 1, max: 8 * 1024 });
const witnessName = text({ min: 1, max: 128, pattern: /^[!-*,-~]+$/ });
/** One text with three lines under it: the agent's, the relay's, the device's. */
const deviceNoteText = text({ min: 1, max: 2048 });
const vouch = bytesUpTo(512);

/** `old`: the size of what the witness cosigned last, 0 for none; `proof`: that it is a beginning of this one. */
export const witnessAdd = { note: noteText, old: integer(), proof: list(digest, { max: maxProofHashes }) };
/** `line`: the witness's signature line on the checkpoint. */
export const cosigned = { line: text({ min: 1, max: 512 }), vouch };
/** What it cosigned last, of another size than `old`; absent: nothing. */
export const witnessConflict = { note: optional(noteText) };

/** A checkpoint of this agent's log that the asking device has cosigned, and the device's word for its witness key. [WITNESS-22] */
export const witnessPut = { agent: principalId, note: deviceNoteText, vouch };
const deviceNote = record({ device: principalId, note: deviceNoteText, vouch });
/** `note`: the newest that the relay cosigned. */
export const witnessed = { note: optional(noteText), devices: list(deviceNote, { max: maxDevices }) };
/** As a relay shows it: nothing of it is verified. */
export type DeviceNote = Infer<typeof deviceNote>;

const vouchStatement = record({ v: literal(1), name: witnessName, key: bytes(32) });
const signedVouch = record({ statement: bytesUpTo(256), signature });
type Vouch = Infer<typeof vouchStatement>;

/** The side of a relay or a device: the key that others know of it names its witness. */
export async function vouchFor(signer: Pick<KeyHolder, 'sign'>, { name, key }: Witness): Promise<Uint8Array> {
  const said: Vouch = { v: 1, name, key };
  const statement = encode(vouchStatement, said);
  return encode(signedVouch, { statement, signature: await signer.sign('witness-key', statement) });
}

/** Throws `codec_*`, `signature_invalid`. [WITNESS-8] */
export async function vouchedWitness(primitives: Primitives, wire: Uint8Array, signer: Uint8Array): Promise<Witness> {
  const outer = decode(signedVouch, wire, 512);
  await verifySignature(primitives, { domain: 'witness-key', ...outer, publicKey: signer });
  return decode(vouchStatement, outer.statement, 256);
}

/** A device's key names its witness by itself, so that another key is another name. [WITNESS-18] */
export function deviceWitness(primitives: Primitives, key: Uint8Array): Witness {
  return { name: `holdfast/device/${toHex(primitives.sha256(key).subarray(0, 8))}`, key };
}

export interface DeviceCosigned extends PublishedNote {
  readonly witness: Witness;
  /** By the device's own clock. */
  readonly atMs: number;
}

/**
 * What a device has cosigned of the log `origin`, whose agent has `keys`. `deviceKey`: with which it signs. Throws `codec_*`, `audit_forged`,
 * `signature_invalid`; `witness_missing` where the key that the device vouches for did not cosign it. [WITNESS-18] [WITNESS-22]
 */
export async function verifyDeviceNote(
  primitives: Primitives,
  { note, vouch: word }: Pick<DeviceNote, 'note' | 'vouch'>,
  { deviceKey, ...log }: { readonly origin: string; readonly keys: readonly Uint8Array[]; readonly deviceKey: Uint8Array },
): Promise<DeviceCosigned> {
  const published = await verifyLogNote(primitives, note, log);
  const witness = await vouchedWitness(primitives, word, deviceKey);
  if (witness.name !== deviceWitness(primitives, witness.key).name)
    throw new HoldfastError('signature_invalid', 'the device vouches for a key under the name of another');
  const [seen] = await seenBy(primitives, published.note, [witness]);
  return { ...published, witness, atMs: seen?.atMs ?? 0 };
}
