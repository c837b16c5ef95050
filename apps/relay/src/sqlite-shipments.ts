// Shipped audit logs in the relay's database: a row a piece, and one for where each log ends.

import { createHash, type Hash } from 'node:crypto';
import type { StatementSync } from 'node:sqlite';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import type { SegmentPlace, ShippedHead, ShippedPiece } from '@holdfast/protocol/blind/shipment';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { Outcome, ShipmentLimit, ShippedLog, Write } from './store.ts';

export const shipmentSchema = `
  CREATE TABLE IF NOT EXISTS shipped_logs (
    fleet BLOB NOT NULL, agent BLOB NOT NULL, ordinal INTEGER NOT NULL, end INTEGER NOT NULL, first INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (fleet, agent)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS shipments (
    fleet BLOB NOT NULL, agent BLOB NOT NULL, ordinal INTEGER NOT NULL, at INTEGER NOT NULL, first INTEGER NOT NULL, piece BLOB NOT NULL,
    PRIMARY KEY (fleet, agent, ordinal, at)
  ) STRICT;
`;

/** What a row costs the disk beside its bytes. [SHIP-5] */
const rowBytes = 256;
/** Logs whose newest segment need not be read again to say where it ends: those that are shipped now. */
const maxRunning = 4096;

/** SHA-256 over the pieces of one segment up to `end`. */
interface Running {
  readonly ordinal: number;
  readonly hash: Hash;
  end: number;
}

const done = (repeated: boolean): Outcome => ({ kind: 'done', repeated });

export class SqliteShipments {
  readonly #prepared: (sql: string) => StatementSync;

  /** By fleet and agent, the ones that were asked for last at the end. */
  readonly #running = new Map<string, Running>();

  constructor(prepared: (sql: string) => StatementSync) {
    this.#prepared = prepared;
  }

  /** Within the caller's transaction. [SHIP-2] [SHIP-3] */
  put({ fleet, agent, maxShippedBytes, ...piece }: Extract<Write, { kind: 'shipment' }>): Outcome {
    const last = this.#last({ fleet, agent });
    const { ordinal, offset, first, bytes } = piece;
    const goesOn = last !== undefined && ordinal === last.ordinal && offset === last.end && first === last.first;
    const begins = offset === 0 && (last === undefined || (ordinal > last.ordinal && first >= last.first));
    if (!goesOn && !begins) {
      const there = this.#prepared('SELECT first, piece FROM shipments WHERE fleet = ? AND agent = ? AND ordinal = ? AND at = ?');
      const row = there.get(fleet, agent, ordinal, offset);
      const same = row !== undefined && Number(row['first']) === first && equalBytes(blob(row['piece']), bytes);
      return same ? done(true) : { kind: 'conflict', head: undefined };
    }
    const total = (last?.bytes ?? 0) + bytes.length + rowBytes;
    if (total > maxShippedBytes)
      return { kind: 'refused', code: 'shipment_full', message: "the relay keeps no more of this agent's audit log" }; // [SHIP-5]
    const insert = 'INSERT INTO shipments (fleet, agent, ordinal, at, first, piece) VALUES (?, ?, ?, ?, ?, ?)';
    this.#prepared(insert).run(fleet, agent, ordinal, offset, first, bytes);
    const replace = 'INSERT OR REPLACE INTO shipped_logs (fleet, agent, ordinal, end, first, bytes) VALUES (?, ?, ?, ?, ?, ?)';
    this.#prepared(replace).run(fleet, agent, ordinal, offset + bytes.length, first, total);
    return done(false);
  }

  /** Reads what came since it was asked last: every daemon asks every few seconds. */
  head(log: ShippedLog): ShippedHead | undefined {
    const last = this.#last(log);
    if (last === undefined) return undefined;
    const { ordinal, end: offset, first } = last;
    const running = this.#runningOf(log, ordinal);
    const query = 'SELECT at, piece FROM shipments WHERE fleet = ? AND agent = ? AND ordinal = ? AND at >= ? ORDER BY at';
    for (const row of this.#prepared(query).iterate(log.fleet, log.agent, ordinal, running.end)) {
      const piece = blob(row['piece']);
      running.hash.update(piece);
      running.end = Number(row['at']) + piece.length;
    }
    return { ordinal, offset, first, digest: new Uint8Array(running.hash.copy().digest()) };
  }

  #runningOf({ fleet, agent }: ShippedLog, ordinal: number): Running {
    const key = `${toHex(fleet)} ${toHex(agent)}`;
    const known = this.#running.get(key);
    const running = known?.ordinal === ordinal ? known : { ordinal, hash: createHash('sha256'), end: 0 };
    this.#running.delete(key);
    this.#running.set(key, running);
    const [oldest = key] = this.#running.keys();
    if (this.#running.size > maxRunning) this.#running.delete(oldest);
    return running;
  }

  from({ fleet, agent }: ShippedLog, { ordinal, offset }: SegmentPlace, { maxPieces, maxBytes }: ShipmentLimit): ShippedPiece[] {
    const query =
      'SELECT ordinal, at, first, piece FROM shipments WHERE fleet = ? AND agent = ? AND (ordinal, at) >= (?, ?) ORDER BY ordinal, at LIMIT ?';
    const found: ShippedPiece[] = [];
    let size = 0;
    for (const row of this.#prepared(query).iterate(fleet, agent, ordinal, offset, maxPieces)) {
      const bytes = blob(row['piece']);
      size += bytes.length;
      if (found.length > 0 && size > maxBytes) break;
      found.push({ ordinal: Number(row['ordinal']), offset: Number(row['at']), first: Number(row['first']), bytes });
    }
    return found;
  }

  #last({ fleet, agent }: ShippedLog): { ordinal: number; end: number; first: number; bytes: number } | undefined {
    const row = this.#prepared('SELECT ordinal, end, first, bytes FROM shipped_logs WHERE fleet = ? AND agent = ?').get(
      fleet,
      agent,
    );
    if (row === undefined) return undefined;
    const number = (name: string): number => Number(row[name]);
    return { ordinal: number('ordinal'), end: number('end'), first: number('first'), bytes: number('bytes') };
  }
}

/** A column of bytes. Throws `store_failed`. */
export function blob(column: unknown): Uint8Array {
  if (column instanceof Uint8Array) return column;
  throw new HoldfastError('store_failed', "the relay's store holds what the relay did not write");
}
