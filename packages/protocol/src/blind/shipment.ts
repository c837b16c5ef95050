// A piece of an agent's audit log on its way to the relay, spec/audit-shipping.md: bytes of one of its sealed segments, and where in it they stand.

import { bytesUpTo, integer, record, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { digest } from '../keys/public-keys.ts';

/** A piece costs a relay one row and one sync. */
export const maxPieceBytes = 128 * 1024;
/** A page of pieces holds at least one. */
export const maxShippedPageBytes = 512 * 1024;
export const maxShippedPagePieces = 256;
/** Writers end a segment long before: bounds what a relay hashes to say where it stands. */
const maxSegmentBytes = 64 * 1024 * 1024;

/** Segments are numbered from 0; `offset` counts bytes of the segment's file. */
export const segmentPlace = { ordinal: integer({ max: 99_999_999 }), offset: integer({ max: maxSegmentBytes }) };
export type SegmentPlace = { readonly ordinal: number; readonly offset: number };

/** `first`: the number of the segment's first record, by which its file is named. */
export const pieceFields = { ...segmentPlace, first: integer(), bytes: bytesUpTo(maxPieceBytes) };
export const shippedPiece = record(pieceFields);
export type ShippedPiece = Infer<typeof shippedPiece>;

/** What no shape says of a piece. Throws `codec_shape`, `codec_limit`. [SHIP-1] */
export function assertPiece({ offset, bytes }: Pick<ShippedPiece, 'offset' | 'bytes'>): void {
  if (bytes.length === 0) throw new HoldfastError('codec_shape', 'a piece without bytes');
  if (offset + bytes.length > maxSegmentBytes)
    throw new HoldfastError('codec_limit', `a piece that ends behind the first ${maxSegmentBytes} bytes of its file`);
}

/** Where a log ends at the relay: its last segment, and the SHA-256 of what is there of it. */
export const shippedHead = record({ ...segmentPlace, first: integer(), digest });
export type ShippedHead = Infer<typeof shippedHead>;
