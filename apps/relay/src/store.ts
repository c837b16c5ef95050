// The port behind which a relay keeps what it must not lose, spec/relay.md §6. Adapters: sqlite-store.ts; one suite tests each
// (test/store-suite.ts). Every key begins with the fleet, so that a cluster can be sharded by it.

import type { Head } from '@holdfast/protocol/blind/entry';
import type { SegmentPlace, ShippedHead, ShippedPiece } from '@holdfast/protocol/blind/shipment';
import type { ErrorCode } from '@holdfast/protocol/errors';

/** One change, whose conditions the store checks inside the transaction: several relays may write at once. */
export type Write =
  | {
      /** A new fleet with its first access list and its genesis entry, whose hash is the fleet's id. */
      readonly kind: 'create';
      readonly fleet: Uint8Array;
      readonly access: Uint8Array;
      readonly genesis: PlacedEntry;
    }
  | { readonly kind: 'append'; readonly fleet: Uint8Array; readonly entry: PlacedEntry; readonly maxTopicBytes: number }
  | { readonly kind: 'access'; readonly fleet: Uint8Array; readonly version: number; readonly access: Uint8Array }
  | ({
      readonly kind: 'lockbox';
      readonly fleet: Uint8Array;
      readonly sealed: Uint8Array;
      readonly maxLockboxes: number;
    } & LockboxKey)
  | {
      readonly kind: 'pulse';
      readonly fleet: Uint8Array;
      readonly atMs: number;
      readonly controlPosition: number;
      readonly pulse: Uint8Array;
    }
  | {
      /** A status list, UTF-8; only forward, as pulses. */
      readonly kind: 'status';
      readonly fleet: Uint8Array;
      readonly atMs: number;
      readonly controlPosition: number;
      readonly list: Uint8Array;
    }
  | {
      /** The newest checkpoint of a log that the relay cosigned, in place of `after`, or refused as a conflict. */
      readonly kind: 'witnessed';
      readonly log: string;
      readonly after: Uint8Array | undefined;
      readonly note: Uint8Array;
    }
  /** What a device has cosigned of a log, in place of its last; what is there of devices but `devices` goes. [WITNESS-22] */
  | ({
      readonly kind: 'device-note';
      readonly log: string;
      readonly devices: readonly Uint8Array[];
    } & DeviceNote)
  /** Where a device is woken, in place of its last; absent: nowhere, if it is `instead`. What is there of devices but `devices` goes, where they are named. [WEBPUSH-6] */
  | {
      readonly kind: 'push-endpoint';
      readonly fleet: Uint8Array;
      readonly device: Uint8Array;
      readonly endpoint?: string | undefined;
      readonly instead?: string | undefined;
      readonly devices?: readonly Uint8Array[];
    }
  /** Of a sealed audit log, behind what there is of it; `conflict` where it does not go on there. */
  | ({ readonly kind: 'shipment'; readonly maxShippedBytes: number } & ShippedLog & ShippedPiece);

/** A signed note, UTF-8, and the device's word for the witness that cosigned it. */
export interface DeviceNote {
  readonly device: Uint8Array;
  readonly note: Uint8Array;
  readonly vouch: Uint8Array;
}

/** Whose audit log. */
export interface ShippedLog {
  readonly fleet: Uint8Array;
  readonly agent: Uint8Array;
}

export interface ShipmentLimit {
  readonly maxPieces: number;
  readonly maxBytes: number;
}

/** An entry and what of its statement decides where it may stand. */
export interface PlacedEntry {
  readonly topic: Uint8Array;
  readonly position: number;
  readonly previous: Uint8Array;
  readonly hash: Uint8Array;
  readonly atMs: number;
  readonly wire: Uint8Array;
}

/** Put once: what a place holds stays. */
export interface LockboxKey {
  readonly audience: string;
  readonly epoch: number;
  readonly keyCommitment: Uint8Array;
  readonly member: Uint8Array;
}

/** What became of one write; a write that is not `done` changed nothing. */
export type Outcome =
  /** `repeated`: it had been done before, by the very same bytes. */
  | { readonly kind: 'done'; readonly repeated: boolean }
  | { readonly kind: 'conflict'; readonly head: Head | undefined }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string };

export interface StoredFleet {
  readonly access: Uint8Array;
  readonly pulse: Uint8Array | undefined;
}

export interface Store {
  /**
   * All writes in this order, in one transaction that is on disk when the promise resolves; outcomes in the same order. Rejects with
   * `store_full` or `store_failed`: then none of them happened, and earlier ones are safe.
   */
  commit(writes: readonly Write[]): Promise<readonly Outcome[]>;
  fleet(fleet: Uint8Array): Promise<StoredFleet | undefined>;
  /** The newest status list of a fleet. */
  status(fleet: Uint8Array): Promise<Uint8Array | undefined>;
  /** The newest cosigned checkpoint of a log: a signed note, UTF-8. */
  witnessed(log: string): Promise<Uint8Array | undefined>;
  /** What devices cosigned of a log, one of each. */
  deviceNotes(log: string): Promise<readonly DeviceNote[]>;
  /** Whether there is a cosigned checkpoint of any log. */
  hasWitnessed(): Promise<boolean>;
  /** Where a device is woken. */
  pushEndpoint(fleet: Uint8Array, device: Uint8Array): Promise<string | undefined>;
  countFleets(): Promise<number>;
  head(fleet: Uint8Array, topic: Uint8Array): Promise<Head | undefined>;
  /** Entries from a position on, in order; at least one if there is one, and no further than `maxBytes`. */
  read(
    fleet: Uint8Array,
    topic: Uint8Array,
    from: number,
    limit: { maxEntries: number; maxBytes: number },
  ): Promise<readonly Uint8Array[]>;
  shippedHead(log: ShippedLog): Promise<ShippedHead | undefined>;
  /** Pieces from a place on, in order; at least one if there is one, and no further than `maxBytes`. */
  shipments(log: ShippedLog, from: SegmentPlace, limit: ShipmentLimit): Promise<readonly ShippedPiece[]>;
  lockbox(fleet: Uint8Array, key: LockboxKey): Promise<Uint8Array | undefined>;
  /** Releases files and locks; twice is no fault. */
  close(): Promise<void>;
}
