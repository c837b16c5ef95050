// Shipped audit logs at the relay, spec/audit-shipping.md: pieces of sealed files, one after the other, of each agent by itself. It keeps them, says
// how far they go, and gives them to whoever may read that agent's topic.

import type { RelayAnswer } from '@holdfast/protocol/blind/frames';
import {
  assertPiece,
  maxShippedPageBytes,
  maxShippedPagePieces,
  type SegmentPlace,
  type ShippedPiece,
} from '@holdfast/protocol/blind/shipment';
import { HoldfastError } from '@holdfast/protocol/errors';
import { assertAllowed, mayRead, type Fleet, type Session } from './fleets.ts';
import type { GroupCommit } from './group-commit.ts';
import type { RelayLimits } from './limits.ts';
import type { Store } from './store.ts';

interface ShipmentParts {
  readonly store: Store;
  readonly commits: GroupCommit;
  readonly limits: RelayLimits;
}
/** The connection that asks, and whose it is. */
type Asker = Pick<Session, 'member'> & { readonly fleet: Fleet };
type AnswerOf<K extends RelayAnswer['kind']> = Omit<Extract<RelayAnswer, { kind: K }>, 'id'>;

/** Durable when it resolves with `ok`. Throws `relay_refused`, `codec_*`, `shipment_full`: nothing changed. */
export async function putShipment(
  parts: ShipmentParts,
  { fleet, member }: Asker,
  piece: ShippedPiece,
): Promise<AnswerOf<'ok'> | AnswerOf<'shipped'>> {
  assertAllowed(member.role === 'agent'); // [SHIP-4]
  assertPiece(piece); // [SHIP-1]
  const { ordinal, offset, first, bytes } = piece;
  const { maxShippedBytes } = parts.limits;
  const log = { fleet: fleet.id, agent: member.id };
  const outcome = await parts.commits.write({ kind: 'shipment', ...log, ordinal, offset, first, bytes, maxShippedBytes });
  if (outcome.kind === 'refused') throw new HoldfastError(outcome.code, outcome.message); // [SHIP-5]
  if (outcome.kind === 'done' && !outcome.repeated) fleet.shipped(member.id); // [RELAY-31]
  return outcome.kind === 'done' ? { kind: 'ok' } : shipped(parts, fleet, member.id); // [SHIP-3]
}

export async function shipmentHead(
  parts: ShipmentParts,
  { fleet, member }: Asker,
  agent: Uint8Array,
): Promise<AnswerOf<'shipped'>> {
  assertAllowed(mayRead(member, agent)); // [SHIP-4]
  return shipped(parts, fleet, agent);
}

export async function getShipments(
  { store }: ShipmentParts,
  { fleet, member }: Asker,
  { agent, ordinal, offset }: SegmentPlace & { readonly agent: Uint8Array },
): Promise<AnswerOf<'shipments'>> {
  assertAllowed(mayRead(member, agent)); // [SHIP-4]
  const limit = { maxPieces: maxShippedPagePieces, maxBytes: maxShippedPageBytes };
  const pieces = await store.shipments({ fleet: fleet.id, agent }, { ordinal, offset }, limit);
  return { kind: 'shipments', pieces: [...pieces] };
}

async function shipped({ store }: ShipmentParts, fleet: Fleet, agent: Uint8Array): Promise<AnswerOf<'shipped'>> {
  const head = await store.shippedHead({ fleet: fleet.id, agent });
  return { kind: 'shipped', ...(head !== undefined && { head }) };
}
