// What a log asks of the relay as its witness, spec/witness.md, and what operator devices as witnesses leave there. A cosignature that the relay
// makes is verified here, to be by a key that the pinned one vouches for; what it keeps of devices is not.

import { cosignedAt, type Witness } from '../blind/log-note.ts';
import { vouchedWitness, type DeviceNote } from '../blind/witness.ts';
import { parseNote } from '../keys/note.ts';
import type { RelayExchange } from './relay-exchange.ts';

/** `conflict`: the witness cosigned another size last; its note, not verified, or none. */
export type WitnessOutcome =
  | { readonly kind: 'cosigned'; readonly line: string; readonly witness: Witness; readonly atS: number }
  | { readonly kind: 'conflict'; readonly note: string | undefined };

/**
 * Asks for a cosignature on `note`, whose tree begins with what the witness cosigned last, of size `old`. `relayKey` is the key pinned in genesis.
 * Throws `proof_invalid`, `audit_forged`, `relay_refused`, `signature_invalid`.
 */
export async function askWitness(
  exchange: RelayExchange,
  relayKey: Uint8Array,
  asked: { readonly note: string; readonly old: number; readonly proof: readonly Uint8Array[] },
): Promise<WitnessOutcome> {
  const answer = await exchange.request({ kind: 'witness-add', ...asked, proof: [...asked.proof] });
  if (answer.kind === 'witness-conflict') return { kind: 'conflict', note: answer.note };
  const { primitives } = exchange;
  const witness = await vouchedWitness(primitives, answer.vouch, relayKey); // [WITNESS-8]
  const { text } = parseNote(asked.note);
  return { kind: 'cosigned', line: answer.line, witness, atS: await cosignedAt(primitives, text, answer.line, witness) };
}

/** What the relay keeps of a log: the newest checkpoint that it cosigned, and of each device one. Nothing of it is verified. Throws `relay_refused`. */
export async function askWitnessed(
  exchange: RelayExchange,
  agent: Uint8Array,
): Promise<{ readonly note: string | undefined; readonly devices: readonly DeviceNote[] }> {
  const { note, devices } = await exchange.request({ kind: 'witness-get', agent });
  return { note, devices };
}

/** Leaves what this device has cosigned. Throws `relay_refused`, `audit_forged`, `signature_invalid`, `witness_missing`. [WITNESS-22] */
export async function putWitnessed(
  exchange: RelayExchange,
  cosigned: Omit<DeviceNote, 'device'> & { readonly agent: Uint8Array },
): Promise<void> {
  await exchange.request({ kind: 'witness-put', ...cosigned });
}
