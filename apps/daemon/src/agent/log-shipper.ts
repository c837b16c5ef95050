// Ships an agent's audit log to the relay as it grows, spec/audit-shipping.md: the sealed files byte for byte, what is synced of them, from where the
// relay says that its copy ends. Nothing here waits for it: without a relay, or with one that is full, records are written as ever and shipped later.

import { maxPieceBytes, type SegmentPlace, type ShippedHead } from '@holdfast/protocol/blind/shipment';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import { putShipment, shipmentHead } from '@holdfast/protocol/exchange/shipment-calls';
import type { AuditWriter } from '../audit/writer.ts';
import type { RelayLink } from '../link/relay-link.ts';
import type { Ports } from '../ports.ts';

/** While there is something new. [SHIP-6] */
const everyMs = 10_000;
/** After a session. */
const soonMs = 1000;
/** Places told by a relay that takes nothing at any of them. */
const maxTurns = 3;

export interface ShipperParts {
  readonly audit: AuditWriter;
  readonly link: Pick<RelayLink, 'ask' | 'state'>;
  readonly agent: Uint8Array;
  readonly ports: Pick<Ports, 'log' | 'primitives'>;
}

export class LogShipper {
  private readonly parts: ShipperParts;
  private readonly interval: NodeJS.Timeout;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped: ErrorCode | undefined;

  constructor(parts: ShipperParts) {
    this.parts = parts;
    this.interval = setInterval(() => void this.ship(), everyMs).unref();
  }

  /** Why the relay does not take the log; undefined while it does, and while there is merely no connection. */
  get fault(): ErrorCode | undefined {
    return this.stopped;
  }

  soon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.ship();
    }, soonMs).unref();
  }

  /** Resolves when the relay has all that is synced, or when that is not possible now; never rejects. */
  ship(): Promise<void> {
    this.running ??= this.attempt()
      .then(
        (shipped) => (shipped ? this.went() : undefined),
        (thrown: unknown) => this.failed(codeOf(thrown)),
      )
      .finally(() => (this.running = undefined));
    return this.running;
  }

  stop(): void {
    clearInterval(this.interval);
    clearTimeout(this.timer);
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
    if (link.state === 'waiting' || link.state === 'ended' || audit.frozen) return false;
    const head = await link.ask((exchange) => shipmentHead(exchange, agent)); // [SHIP-6]
    let place = await this.placeAfter(head);
    for (let turns = 0; turns < maxTurns;) {
      const sent = await this.sendFrom(place);
      if (sent === 'all') return true;
      if ('ordinal' in sent) place = sent;
      else {
        turns += 1; // somebody else ships this log, or the relay lost some of it
        place = await this.placeAfter(sent.head);
      }
    }
    throw conflict('it goes on at another place each time');
  }

  /** Where to go on. Throws `shipment_conflict` where what the relay has is none of this log. [SHIP-6] */
  private async placeAfter(head: ShippedHead | undefined): Promise<SegmentPlace> {
    if (head === undefined) return { ordinal: 0, offset: 0 };
    const { ordinal, offset, first, digest } = head;
    const segment = await this.parts.audit.syncedSegment(ordinal);
    if (segment === undefined || segment.first !== first || segment.bytes.length < offset)
      throw conflict('the relay has more of it than this machine');
    const ours = this.parts.ports.primitives.sha256(segment.bytes.subarray(0, offset));
    if (!equalBytes(ours, digest)) throw conflict('the relay has another one');
    return { ordinal, offset };
  }

  /** Sends the rest of one file: the place after it, `all` where there is no more, or where the relay says that the log ends. */
  private async sendFrom({
    ordinal,
    offset,
  }: SegmentPlace): Promise<SegmentPlace | 'all' | { readonly head: ShippedHead | undefined }> {
    const segment = await this.parts.audit.syncedSegment(ordinal);
    if (segment === undefined) return 'all';
    const { first, bytes, closed } = segment;
    for (let at = offset; at < bytes.length; at += maxPieceBytes) {
      const piece = { ordinal, offset: at, first, bytes: bytes.slice(at, at + maxPieceBytes) };
      const outcome = await this.parts.link.ask((exchange) => putShipment(exchange, piece));
      if (outcome.kind === 'elsewhere') return { head: outcome.head };
    }
    return closed ? { ordinal: ordinal + 1, offset: 0 } : 'all';
  }
}

function conflict(why: string): HoldfastError {
  return new HoldfastError('shipment_conflict', `the relay does not hold this audit log: ${why}`);
}
