// What a log asks of a relay as its witness (c2sp.org/tlog-witness over the relay's connection), spec/witness.md, and the relay's word for the
// Ed25519 key that it cosigns with: fleets pinned its P-256 key, and cosignatures are of another kind.

import { bytes, bytesUpTo, decode, encode, integer, list, literal, optional, record, text, type Infer } from '../codec/schema.ts';
import { verifySignature } from '../keys/domain.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { digest, signature } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import type { Witness } from './log-note.ts';

/** As tlog-witness has it: more than any tree needs. */
const maxProofHashes = 63;
/** A published checkpoint with a few signatures; a log sends its own alone. */
const noteText = text({ min: 1, max: 8 * 1024 });
const witnessName = text({ min: 1, max: 128, pattern: /^[!-*,-~]+$/ });
const vouch = bytesUpTo(512);

/** `old`: the size of what the witness cosigned last, 0 for none; `proof`: that it is a beginning of this one. */
export const witnessAdd = { note: noteText, old: integer(), proof: list(digest, { max: maxProofHashes }) };
/** `line`: the witness's signature line on the checkpoint. */
export const cosigned = { line: text({ min: 1, max: 512 }), vouch };
/** What it cosigned last, of another size than `old`; absent: nothing. */
export const witnessConflict = { note: optional(noteText) };

const vouchStatement = record({ v: literal(1), name: witnessName, key: bytes(32) });
const signedVouch = record({ statement: bytesUpTo(256), signature });
type Vouch = Infer<typeof vouchStatement>;

/** The relay's side: its pinned key names its witness. */
export async function vouchFor(signer: Pick<KeyHolder, 'sign'>, { name, key }: Witness): Promise<Uint8Array> {
  const said: Vouch = { v: 1, name, key };
  const statement = encode(vouchStatement, said);
  return encode(signedVouch, { statement, signature: await signer.sign('witness-key', statement) });
}

/** Throws `codec_*`, `signature_invalid`. [WITNESS-8] */
export async function vouchedWitness(primitives: Primitives, wire: Uint8Array, relayKey: Uint8Array): Promise<Witness> {
  const outer = decode(signedVouch, wire, 512);
  await verifySignature(primitives, { domain: 'witness-key', ...outer, publicKey: relayKey });
  return decode(vouchStatement, outer.statement, 256);
}
