// What a client asks of a relay about shipped audit logs, spec/audit-shipping.md. Nothing that comes back is believed here: whoever reads a log
// opens and verifies it.

import { type SegmentPlace, type ShippedHead, type ShippedPiece } from '../blind/shipment.ts';
import { HoldfastError } from '../errors.ts';
import type { RelayExchange } from './relay-exchange.ts';

/** `elsewhere`: the log ends at another place there; undefined: there is nothing yet. */
export type PutOutcome = { readonly kind: 'put' } | { readonly kind: 'elsewhere'; readonly head: ShippedHead | undefined };

/** Durable when it resolves; the very same again is no fault. Throws `shipment_full`, and what a relay says of requests. */
export async function putShipment(exchange: RelayExchange, piece: ShippedPiece): Promise<PutOutcome> {
  const answer = await exchange.request({ kind: 'shipment-put', ...piece });
  return answer.kind === 'ok' ? { kind: 'put' } : { kind: 'elsewhere', head: answer.head };
}

export async function shipmentHead(exchange: RelayExchange, agent: Uint8Array): Promise<ShippedHead | undefined> {
  return (await exchange.request({ kind: 'shipment-head', agent })).head;
}

/** All pieces of a log from there on, in the order in which a log goes on. Throws `relay_protocol` for a relay that shows them again or in another order. */
export async function* readShipments(
  exchange: RelayExchange,
  agent: Uint8Array,
  from: SegmentPlace = { ordinal: 0, offset: 0 },
): AsyncGenerator<ShippedPiece> {
  let next = from;
  for (;;) {
    const { pieces } = await exchange.request({ kind: 'shipments-get', agent, ordinal: next.ordinal, offset: next.offset });
    if (pieces.length === 0) return;
    for (const piece of pieces) {
      next = placeAfter(next, piece);
      yield piece;
    }
  }
}

/**
 * From now on pieces of these logs come as pushes (`push-shipment`), from their places on and in order, and of no others; none: of none. Each is held
 * against what came before it by `placeAfter`. Throws `relay_refused`.
 */
export async function watchShipments(
  exchange: RelayExchange,
  agents: readonly (SegmentPlace & { readonly agent: Uint8Array })[],
): Promise<void> {
  await exchange.request({ kind: 'shipments-watch', agents });
}

/** Where a log goes on behind this piece. Throws `relay_protocol` for one that is not behind `next`. [SHIP-7] [SHIP-10] */
export function placeAfter(next: SegmentPlace, { ordinal, offset, bytes }: Omit<ShippedPiece, 'first'>): SegmentPlace {
  const isLater = ordinal > next.ordinal || (ordinal === next.ordinal && offset >= next.offset);
  if (!isLater || bytes.length === 0) throw new HoldfastError('relay_protocol', 'the relay shows pieces that were not asked for'); // [SHIP-7]
  return { ordinal, offset: offset + bytes.length };
}
