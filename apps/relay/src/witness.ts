// The relay as a witness of its fleets' audit logs, spec/witness.md: it cosigns a checkpoint that continues the last one it cosigned, and keeps it
// before it answers. It sees hashes under a log's name, and never a record.

import { ecdsaKeyId, joinNote, parseNote, signaturesBy } from '@holdfast/protocol/keys/note';
import { logName, readLogText, verifyLogNote, type LogHead } from '@holdfast/protocol/blind/log-note';
import type { RelayAnswer, RelayRequest } from '@holdfast/protocol/blind/frames';
import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { verifyConsistency } from '@holdfast/protocol/primitives/merkle';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { assertAllowed, type Fleet, type Session } from './fleets.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Clock } from './limits.ts';
import type { Store } from './store.ts';
import type { WitnessKey } from './witness-key.ts';

interface WitnessParts {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly store: Store;
  readonly commits: GroupCommit;
  readonly witness: WitnessKey;
}
/** The connection that asks, and whose it is. */
type Asker = Pick<Session, 'member'> & { readonly fleet: Fleet; assertConnected(): void };
type WitnessRequest = Extract<RelayRequest, { kind: 'witness-add' }>;
type WitnessAnswer =
  | Omit<Extract<RelayAnswer, { kind: 'cosigned' }>, 'id'>
  | Omit<Extract<RelayAnswer, { kind: 'witness-conflict' }>, 'id'>;

const noteOf = (stored: Uint8Array): string => new TextDecoder().decode(stored);

/** Throws `relay_refused`, `codec_shape`, `audit_forged`, `proof_invalid`: nothing changed. */
export async function cosign(parts: WitnessParts, asker: Asker, request: WitnessRequest): Promise<WitnessAnswer> {
  const { primitives, store, witness } = parts;
  const { fleet, member } = asker;
  assertAllowed(member.role === 'agent'); // [WITNESS-5]
  const origin = logName(primitives, fleet.id, member.id);
  const { note, ...head } = await verifyLogNote(primitives, request.note, { origin, keys: [member.sign] }); // [WITNESS-5]
  if (request.old > head.size) throw new HoldfastError('codec_shape', 'the old size is larger than the new one');
  const log = toHex(primitives.sha256(utf8(origin))); // [WITNESS-9]
  const known = await store.witnessed(log);
  const last = known === undefined ? undefined : readLogText(parseNote(noteOf(known)).text);
  if (request.old !== (last?.size ?? 0)) return conflict(known); // [WITNESS-7]
  assertContinues(primitives, request, last, head);
  const line = await witness.cosign(note.text, Math.floor(parts.clock.wallMs() / 1000));
  asker.assertConnected();
  // The one line that verified: any other is the asker's room to fill, and the note must fit an answer.
  const own = signaturesBy(note, origin, ecdsaKeyId(primitives, member.sign)).slice(0, 1);
  const wire = utf8(joinNote(note.text, [...own.map((each) => each.line), line]));
  const outcome = await parts.commits.write({ kind: 'witnessed', log, after: known, note: wire }); // [WITNESS-7]
  if (outcome.kind === 'done') return { kind: 'cosigned', line, vouch: witness.vouch };
  return conflict(await store.witnessed(log));
}

function conflict(known: Uint8Array | undefined): WitnessAnswer {
  return { kind: 'witness-conflict', ...(known !== undefined && { note: noteOf(known) }) };
}

/** Throws `proof_invalid`. [WITNESS-7] */
function assertContinues(primitives: Primitives, { proof }: WitnessRequest, last: LogHead | undefined, head: LogHead): void {
  if (last !== undefined) verifyConsistency(primitives, { from: last, to: head, proof });
  else if (proof.length > 0) throw new HoldfastError('proof_invalid', 'the relay has cosigned nothing that this could continue');
}
