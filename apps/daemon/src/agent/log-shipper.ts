// Ships an agent's audit log to the relay as it grows, spec/audit-shipping.md: the sealed files byte for byte, what is synced of them, from where the
// relay says that its copy ends. Nothing here waits for it: without a relay, or with one that is full, records are written as ever and shipped later.

import { maxPieceBytes, type SegmentPlace, type ShippedHead } from '@holdfast/protocol/blind/shipment';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { putShipment, shipmentHead } from '@holdfast/protocol/exchange/shipment-calls';
import type { SyncedSegment } from '../audit/reader.ts';
import type { SyncedEnd } from '../audit/tail.ts';
import type { AuditWriter } from '../audit/writer.ts';
import type { RelayLink } from '../link/relay-link.ts';
import type { Ports } from '../ports.ts';
import { Recurring } from './recurring.ts';

/** While there is something new. [SHIP-6] */
const everyMs = 10_000;
/** After a session. */
const soonMs = 1000;
/** After something was synced, while somebody reads along: what follows at once is shipped with it. [SHIP-11] */
const watchedSoonMs = 75;
/** The relay says so twice in that time while it is so. [RELAY-32] */
const watchedForMs = 75_000;
/** Places told by a relay that takes nothing at any of them. */
const maxTurns = 3;

/** So much is synced here, and the relay has so much. */
interface Place {
  readonly synced: SyncedEnd;
  readonly head: ShippedHead | undefined;
}

/** Where to go on; `segment`: that file, where it was just read. */
interface From extends SegmentPlace {
  readonly segment?: SyncedSegment;
}

const none = new Uint8Array();

export interface ShipperParts {
  readonly audit: Pick<AuditWriter, 'syncedEnd' | 'syncedSegment' | 'frozen' | 'note'>;
  readonly link: Pick<RelayLink, 'ask' | 'isOpen'>;
  readonly agent: Uint8Array;
  readonly ports: Pick<Ports, 'log' | 'primitives' | 'clock'>;
}

export class LogShipper {
  private readonly parts: ShipperParts;
  /** A run ends when the relay has all that is synced, or when that is not possible now. */
  readonly shipping: Recurring;
  private stopped: ErrorCode | undefined;
  private watchedUntilMs = -Infinity;
  private pieces = 0;
  /** Where nothing was left to ship: nothing is read while it stays so. */
  private all: Place | undefined;

  constructor(parts: ShipperParts) {
    this.parts = parts;
    this.shipping = new Recurring(() => this.ship(), { everyMs, soonMs });
  }

  /** Why the relay does not take the log; undefined while it does, and while there is merely no connection. */
  get fault(): ErrorCode | undefined {
    return this.stopped;
  }

  /** An operator's device reads along, says the relay. [SHIP-11] */
  watched(): void {
    this.watchedUntilMs = this.parts.ports.clock.monotonicMs() + watchedForMs;
    this.shipping.soon(watchedSoonMs);
  }

  /** More is synced. */
  grew(): void {
    if (this.parts.ports.clock.monotonicMs() < this.watchedUntilMs) this.shipping.soon(watchedSoonMs); // [SHIP-11]
  }

  /**
   * The number of the file that the relay's copy has come to, held against this log; it has those before it, as it says. Undefined: there is no copy, or no
   * connection. Throws as shipping does. [AUDIT-69]
   */
  async reached(): Promise<number | undefined> {
    const { link, agent } = this.parts;
    if (!link.isOpen) return undefined;
    const head = await link.ask((exchange) => shipmentHead(exchange, agent));
    await this.fromAfter(head);
    return head?.ordinal;
  }

  private async ship(): Promise<void> {
    try {
      if (await this.attempt()) this.went();
    } catch (thrown) {
      this.failed(codeOf(thrown));
    }
  }

  /** Told once, until it goes on. [SHIP-5] */
  private failed(code: ErrorCode): void {
    if (code === 'relay_unreachable' || code === this.stopped) return;
    this.stopped = code;
    this.parts.ports.log.warn({ code }, 'the audit log is not shipped');
    this.parts.audit.note({ kind: 'shipping-stopped', code });
  }

  private went(): void {
    if (this.stopped === undefined) return;
    this.stopped = undefined;
    this.parts.audit.note({ kind: 'shipping-resumed' });
  }

  /** False: there is no connection, or the log is evidence, which stays where it is. */
  private async attempt(): Promise<boolean> {
    const { audit, link, agent } = this.parts;
    if (!link.isOpen || audit.frozen) return false;
    const head = await link.ask((exchange) => shipmentHead(exchange, agent)); // [SHIP-6]
    const { syncedEnd: synced } = audit;
    if (this.wasAll({ synced, head })) return true;
    const before = this.pieces;
    await this.shipAfter(head);
    if (this.pieces === before) this.all = { synced, head };
    return true;
  }

  private wasAll({ synced, head }: Place): boolean {
    const { all } = this;
    if (all === undefined || !equalBytes(all.head?.digest ?? none, head?.digest ?? none)) return false;
    return (
      all.synced.ordinal === synced.ordinal &&
      all.synced.bytes === synced.bytes &&
      all.head?.ordinal === head?.ordinal &&
      all.head?.offset === head?.offset &&
      all.head?.first === head?.first
    );
  }

  private async shipAfter(head: ShippedHead | undefined): Promise<void> {
    let from = await this.fromAfter(head);
    for (let turns = 0; turns < maxTurns;) {
      const sent = await this.send(from);
      if (sent === 'all') return;
      if ('ordinal' in sent) from = sent;
      else {
        turns += 1; // somebody else ships this log, or the relay lost some of it
        from = await this.fromAfter(sent.head);
      }
    }
    throw conflict('it goes on at another place each time');
  }

  /** Where to go on. Throws `shipment_conflict` where what the relay has is none of this log. [SHIP-6] */
  private async fromAfter(head: ShippedHead | undefined): Promise<From> {
    if (head === undefined) return { ordinal: 0, offset: 0 };
    const { ordinal, offset, first, digest } = head;
    const segment = await this.parts.audit.syncedSegment(ordinal);
    if (segment === undefined || segment.first !== first || segment.bytes.length < offset)
      throw conflict('the relay has more of it than this machine');
    const ours = this.parts.ports.primitives.sha256(segment.bytes.subarray(0, offset));
    if (!equalBytes(ours, digest)) throw conflict('the relay has another one');
    return { ordinal, offset, segment };
  }

  /** Sends the rest of one file: the place after it, `all` where there is no more, or where the relay says that the log ends. */
  private async send({
    ordinal,
    offset,
    segment: read,
  }: From): Promise<From | 'all' | { readonly head: ShippedHead | undefined }> {
    const segment = read ?? (await this.parts.audit.syncedSegment(ordinal));
    if (segment === undefined) return 'all';
    const { first, bytes, closed } = segment;
    for (let at = offset; at < bytes.length; at += maxPieceBytes) {
      const piece = { ordinal, offset: at, first, bytes: bytes.slice(at, at + maxPieceBytes) };
      this.pieces += 1;
      const outcome = await this.parts.link.ask((exchange) => putShipment(exchange, piece));
      if (outcome.kind === 'elsewhere') return { head: outcome.head };
    }
    return closed ? { ordinal: ordinal + 1, offset: 0 } : 'all';
  }
}

function conflict(why: string): HoldfastError {
  return new HoldfastError('shipment_conflict', `the relay does not hold this audit log: ${why}`);
}
