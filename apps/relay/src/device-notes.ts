// What operator devices cosigned of their fleet's audit logs, spec/witness.md: the relay checks whose it is, by the keys of the access list, keeps the
// newest of each device, and shows it to whoever may read the agent's topic. It is a defence in passing: readers check all of it.

import { ecdsaKeyId, joinNote, signaturesBy } from '@holdfast/protocol/keys/note';
import { cosignaturesBy, logName, witnessedAt } from '@holdfast/protocol/blind/log-note';
import { verifyDeviceNote } from '@holdfast/protocol/blind/witness';
import type { RelayAnswer, RelayRequest } from '@holdfast/protocol/blind/frames';
import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { assertAllowed, mayRead, type Fleet, type Session } from './fleets.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Store } from './store.ts';
import type { WitnessKey } from './witness-key.ts';

interface NoteParts {
  readonly primitives: Primitives;
  readonly store: Store;
  readonly commits: GroupCommit;
  readonly witness: WitnessKey;
}
/** The connection that asks, and whose it is. */
type Asker = Pick<Session, 'member'> & { readonly fleet: Fleet; assertConnected(): void };
type AnswerOf<K extends RelayAnswer['kind']> = Omit<Extract<RelayAnswer, { kind: K }>, 'id'>;

const textOf = (stored: Uint8Array): string => new TextDecoder().decode(stored);
const keyOf = (primitives: Primitives, origin: string): string => toHex(primitives.sha256(utf8(origin))); // [WITNESS-9]

/** Throws `relay_refused`, `codec_*`, `audit_forged`, `signature_invalid`, `witness_missing`: nothing changed. [WITNESS-22] */
export async function putDeviceNote(
  { primitives, commits, witness }: NoteParts,
  asker: Asker,
  { agent, note, vouch }: Extract<RelayRequest, { kind: 'witness-put' }>,
): Promise<AnswerOf<'ok'>> {
  const { fleet, member } = asker;
  const whose = fleet.member(agent);
  assertAllowed(member.role === 'device' && whose?.role === 'agent');
  const agentKey = whose?.sign ?? new Uint8Array();
  const origin = logName(primitives, fleet.id, agent);
  const log = { origin, keys: [agentKey], deviceKey: member.sign };
  const cosigned = await verifyDeviceNote(primitives, { note, vouch }, log);
  await witnessedAt(primitives, cosigned.note, witness.witness); // where it is there, it is ours
  const lines = [
    ...signaturesBy(cosigned.note, origin, ecdsaKeyId(primitives, agentKey)).slice(0, 1),
    ...[witness.witness, cosigned.witness].flatMap((by) => cosignaturesBy(primitives, cosigned.note, by).slice(0, 1)),
  ];
  asker.assertConnected();
  const kept = utf8(joinNote(cosigned.note.text, lines.map((each) => each.line))); // prettier-ignore
  const devices = fleet.access.statement.devices.map(({ id }) => id);
  await commits.write({ kind: 'device-note', log: keyOf(primitives, origin), device: member.id, note: kept, vouch, devices });
  return { kind: 'ok' };
}

/** Throws `relay_refused`. [WITNESS-22] */
export async function getWitnessed(
  { primitives, store }: NoteParts,
  { fleet, member }: Asker,
  { agent }: Extract<RelayRequest, { kind: 'witness-get' }>,
): Promise<AnswerOf<'witnessed'>> {
  assertAllowed(mayRead(member, agent));
  const log = keyOf(primitives, logName(primitives, fleet.id, agent));
  const [newest, kept] = [await store.witnessed(log), await store.deviceNotes(log)];
  const devices = kept
    .filter(({ device }) => fleet.member(device)?.role === 'device')
    .map(({ device, note, vouch }) => ({ device, note: textOf(note), vouch }));
  return { kind: 'witnessed', ...(newest !== undefined && { note: textOf(newest) }), devices };
}
