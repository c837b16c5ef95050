// What an operator device brings along, so that CLI and browser are the same operator: where it keeps what must not be forgotten, its clock, its
// connections. Nothing here is believed to keep a secret: all of it is public, or sealed before it is handed over.

import type { Head } from '../blind/entry.ts';
import type { RelayPush } from '../blind/frames.ts';
import type { Primitives } from '../primitives/primitives.ts';
import type { RelayExchange, RelayIdentity } from '../exchange/relay-exchange.ts';

/** Whose operator device this is; public facts, which whoever keeps them authenticates together with the key ([OPKEY-3]). */
export interface OperatorFacts {
  readonly fleet: Uint8Array;
  readonly fleetName: string;
  readonly device: Uint8Array;
  readonly relayUrl: string;
  readonly relayKey: Uint8Array;
}

/** Heads that this device has seen; it accepts no older history (spec/journal.md). */
export interface Seen {
  readonly control: Head;
  /** The version of the newest access list. */
  readonly access?: number | undefined;
}

/** Of one device or recovery code at one place. Whatever resolves is durable. All throw `store_failed`, reading also `key_invalid` for what is damaged. */
export interface OperatorStore {
  /** Undefined before anything was read of the fleet. */
  seen(): Promise<Seen | undefined>;
  /** Never goes back: of two at once the one that saw less does not win. [OPKEY-7] */
  remember(seen: Seen): Promise<void>;
  /** What was seen by a device that was never admitted; it may be of another fleet. */
  forgetSeen(): Promise<void>;
  /** Entries that were signed and that the relay has not confirmed, oldest first, as one encoded list; undefined: none. [OPKEY-9] */
  unsent(): Promise<Uint8Array | undefined>;
  keepUnsent(entries: Uint8Array): Promise<void>;
  forgetUnsent(): Promise<void>;
  /** Tags of what was approved before; undefined where there is nothing that could be read. [APPROVAL-23] */
  approvedBefore(): Promise<Uint8Array | undefined>;
  keepApproved(tags: Uint8Array): Promise<void>;
  /** Keeps everybody else of this place from writing until what it answers is called. Throws `already_running`. [OPKEY-7] */
  takeTurn(): Promise<() => void>;
}

/** What comes unasked. */
export interface RelayEvents {
  /** As received: believed by nobody yet. */
  readonly onPush?: (push: RelayPush) => void;
  readonly onClosed?: () => void;
}

export interface OperatorPorts {
  readonly primitives: Primitives;
  /** The clock on the wall, milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly store: OperatorStore;
  /** Throws `relay_unreachable`, `relay_impostor`. */
  readonly connect: (
    relayUrl: string,
    bound: { readonly identity?: RelayIdentity; readonly relayKey?: Uint8Array } & RelayEvents,
  ) => Promise<RelayExchange>;
}
