// The store on one machine: SQLite in WAL mode, synced before a commit returns. The database's own lock, held as long as it is open
// and gone with the process however that ends, keeps a second relay out.

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { SegmentPlace, ShippedHead, ShippedPiece } from '@holdfast/protocol/blind/shipment';
import type { Head } from '@holdfast/protocol/blind/entry';
import { blob, shipmentSchema, SqliteShipments } from './sqlite-shipments.ts';
import type {
  DeviceNote,
  LockboxKey,
  Outcome,
  PlacedEntry,
  ShipmentLimit,
  ShippedLog,
  Store,
  StoredFleet,
  Write,
} from './store.ts';

const schemaVersion = 6;
const schema = `
  CREATE TABLE fleets (
    fleet BLOB PRIMARY KEY, version INTEGER NOT NULL, access BLOB NOT NULL, lockboxes INTEGER NOT NULL,
    pulse BLOB, pulse_at_ms INTEGER, pulse_control INTEGER
  ) STRICT;
  CREATE TABLE topics (
    fleet BLOB NOT NULL, topic BLOB NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, at_ms INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (fleet, topic)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE entries (
    fleet BLOB NOT NULL, topic BLOB NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, entry BLOB NOT NULL,
    PRIMARY KEY (fleet, topic, position)
  ) STRICT;
  CREATE TABLE lockboxes (
    fleet BLOB NOT NULL, audience TEXT NOT NULL, epoch INTEGER NOT NULL, commitment BLOB NOT NULL, member BLOB NOT NULL, sealed BLOB NOT NULL,
    PRIMARY KEY (fleet, audience, epoch, commitment, member)
  ) STRICT, WITHOUT ROWID;
`;
/** What came with versions 2, 3, 5 and 6. */
const laterSchema = `
  CREATE TABLE IF NOT EXISTS status_lists (
    fleet BLOB PRIMARY KEY, at_ms INTEGER NOT NULL, control INTEGER NOT NULL, list BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS witnessed (log TEXT PRIMARY KEY, note BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS device_notes (
    log TEXT NOT NULL, device BLOB NOT NULL, note BLOB NOT NULL, vouch BLOB NOT NULL, PRIMARY KEY (log, device)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS push_endpoints (
    fleet BLOB NOT NULL, device BLOB NOT NULL, endpoint TEXT NOT NULL, PRIMARY KEY (fleet, device)
  ) STRICT, WITHOUT ROWID;
`;

/** SQLite's primary result codes (https://sqlite.org/rescode.html); extended ones carry them in the low byte. */
const resultCodes = { busy: 5, full: 13 } as const;

function resultCode(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('errcode' in thrown)) return undefined;
  return typeof thrown.errcode === 'number' ? thrown.errcode & 0xff : undefined;
}

function storeError(cause: unknown): HoldfastError {
  if (resultCode(cause) === resultCodes.full) {
    // [RELAY-22]
    return new HoldfastError('store_full', "the relay's disk is full", {
      cause,
      next: "free space on the relay's disk, then try again",
    });
  }
  return new HoldfastError('store_failed', "the relay's store could not be read or written", {
    cause,
    next: "check the permissions and the space of the relay's disk",
  });
}

interface Tip extends Head {
  readonly atMs: number;
  readonly bytes: number;
}

/** `maxStoreBytes` bounds the database file. Throws `already_running` when another relay has the file, `store_failed`, `store_full`. */
export function sqliteStore(options: { readonly path: string; readonly maxStoreBytes?: number | undefined }): Store {
  return new SqliteStore(options);
}

class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #shipments = new SqliteShipments((sql) => this.#prepared(sql));

  constructor({ path, maxStoreBytes }: { readonly path: string; readonly maxStoreBytes?: number | undefined }) {
    try {
      this.#database = new DatabaseSync(path, { timeout: 0 });
    } catch (cause) {
      throw storeError(cause);
    }
    try {
      this.#open(maxStoreBytes);
    } catch (cause) {
      this.#database.close();
      if (cause instanceof HoldfastError) throw cause;
      if (resultCode(cause) !== resultCodes.busy) throw storeError(cause);
      throw new HoldfastError('already_running', 'another relay uses this folder', {
        cause,
        next: 'use the running one, or stop it first',
      });
    }
  }

  #open(maxStoreBytes: number | undefined): void {
    const database = this.#database;
    // Before anything is read: so WAL needs no shared memory file, and the lock is kept until close.
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF',
    );
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    const version = this.#number('PRAGMA user_version', 'user_version');
    if (version > schemaVersion)
      throw new HoldfastError('store_failed', 'the store was made by a newer relay', { next: 'start the newer version' });
    if (version < schemaVersion)
      database.exec(
        `BEGIN; ${version === 0 ? schema : ''} ${laterSchema} ${shipmentSchema} PRAGMA user_version = ${schemaVersion}; COMMIT`,
      );
    // A WAL that a burst made long is cut back instead of kept.
    database.exec('PRAGMA journal_size_limit = 67108864');
    if (maxStoreBytes !== undefined) {
      database.exec(
        `PRAGMA max_page_count = ${Math.max(1, Math.floor(maxStoreBytes / this.#number('PRAGMA page_size', 'page_size')))}`,
      );
    }
  }

  #number(sql: string, column: string): number {
    return Number(this.#database.prepare(sql).get()?.[column]);
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  async commit(writes: readonly Write[]): Promise<readonly Outcome[]> {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const outcomes = writes.map((write) => this.#apply(write));
      this.#database.exec('COMMIT');
      return outcomes;
    } catch (cause) {
      if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw storeError(cause);
    }
  }

  #apply(write: Write): Outcome {
    switch (write.kind) {
      case 'create':
        return this.#create(write);
      case 'append':
        return this.#append(write.fleet, write.entry, write.maxTopicBytes);
      case 'access':
        return this.#putAccess(write);
      case 'lockbox':
        return this.#putLockbox(write);
      case 'pulse':
        return this.#putPulse(write);
      case 'status':
        return this.#putStatus(write);
      case 'witnessed':
        return this.#putWitnessed(write);
      case 'device-note':
        return this.#putDeviceNote(write);
      case 'push-endpoint':
        return this.#putEndpoint(write);
      case 'shipment':
        return this.#shipments.put(write);
    }
  }

  #create({ fleet, access, genesis }: Extract<Write, { kind: 'create' }>): Outcome {
    const known = this.#fleet(fleet);
    if (known !== undefined) {
      return equalBytes(known.access, access)
        ? { kind: 'done', repeated: true }
        : { kind: 'refused', code: 'access_stale', message: 'the relay knows this fleet already' };
    }
    this.#prepared('INSERT INTO fleets (fleet, version, access, lockboxes) VALUES (?, 1, ?, 0)').run(fleet, access);
    return this.#append(fleet, genesis, Number.MAX_SAFE_INTEGER);
  }

  #append(fleet: Uint8Array, entry: PlacedEntry, maxTopicBytes: number): Outcome {
    const { topic, position, previous, hash, atMs, wire } = entry;
    const tip = this.#tip(fleet, topic);
    const follows = tip === undefined ? position === 0 : position === tip.position + 1 && equalBytes(previous, tip.hash);
    if (!follows) {
      // [RELAY-21]
      const there = this.#prepared('SELECT hash FROM entries WHERE fleet = ? AND topic = ? AND position = ?').get(
        fleet,
        topic,
        position,
      );
      const repeated = there?.['hash'] instanceof Uint8Array && equalBytes(there['hash'], hash);
      return repeated
        ? { kind: 'done', repeated }
        : { kind: 'conflict', head: tip && { position: tip.position, hash: tip.hash } };
    }
    if (tip !== undefined && atMs < tip.atMs)
      return { kind: 'refused', code: 'entry_time', message: "time is before the predecessor's" };
    const bytes = (tip?.bytes ?? 0) + wire.length;
    if (bytes > maxTopicBytes)
      return { kind: 'refused', code: 'limit_exceeded', message: 'the topic holds as much as the relay allows' };
    this.#prepared('INSERT INTO entries (fleet, topic, position, hash, entry) VALUES (?, ?, ?, ?, ?)').run(
      fleet,
      topic,
      position,
      hash,
      wire,
    );
    this.#prepared('INSERT OR REPLACE INTO topics (fleet, topic, position, hash, at_ms, bytes) VALUES (?, ?, ?, ?, ?, ?)').run(
      fleet,
      topic,
      position,
      hash,
      atMs,
      bytes,
    );
    return { kind: 'done', repeated: false };
  }

  #putAccess({ fleet, version, access }: Extract<Write, { kind: 'access' }>): Outcome {
    const moved = this.#prepared('UPDATE fleets SET version = ?, access = ? WHERE fleet = ? AND version = ?').run(
      version,
      access,
      fleet,
      version - 1,
    );
    if (Number(moved.changes) === 1) return { kind: 'done', repeated: false };
    const known = this.#fleet(fleet);
    return known !== undefined && equalBytes(known.access, access)
      ? { kind: 'done', repeated: true }
      : { kind: 'refused', code: 'access_stale', message: 'another access list was faster' };
  }

  #putLockbox({ fleet, sealed, maxLockboxes, ...place }: Extract<Write, { kind: 'lockbox' }>): Outcome {
    const there = this.#lockbox(fleet, place);
    if (there !== undefined) {
      return equalBytes(there, sealed)
        ? { kind: 'done', repeated: true }
        : { kind: 'refused', code: 'id_taken', message: 'another lockbox stands there' }; // [RELAY-16]
    }
    const counted = this.#prepared('UPDATE fleets SET lockboxes = lockboxes + 1 WHERE fleet = ? AND lockboxes < ?').run(
      fleet,
      maxLockboxes,
    );
    if (Number(counted.changes) === 0)
      return { kind: 'refused', code: 'limit_exceeded', message: 'the fleet has as many lockboxes as the relay allows' };
    const { audience, epoch, keyCommitment, member } = place;
    this.#prepared('INSERT INTO lockboxes (fleet, audience, epoch, commitment, member, sealed) VALUES (?, ?, ?, ?, ?, ?)').run(
      fleet,
      audience,
      epoch,
      keyCommitment,
      member,
      sealed,
    );
    return { kind: 'done', repeated: false };
  }

  #lockbox(fleet: Uint8Array, { audience, epoch, keyCommitment, member }: LockboxKey): Uint8Array | undefined {
    const row = this.#prepared(
      'SELECT sealed FROM lockboxes WHERE fleet = ? AND audience = ? AND epoch = ? AND commitment = ? AND member = ?',
    ).get(fleet, audience, epoch, keyCommitment, member);
    return row && blob(row['sealed']);
  }

  #putPulse({ fleet, atMs, controlPosition, pulse }: Extract<Write, { kind: 'pulse' }>): Outcome {
    const forward = 'pulse IS NULL OR (pulse_at_ms <= ? AND pulse_control <= ?)';
    const moved = this.#prepared(
      `UPDATE fleets SET pulse = ?, pulse_at_ms = ?, pulse_control = ? WHERE fleet = ? AND (${forward})`,
    ).run(pulse, atMs, controlPosition, fleet, atMs, controlPosition);
    return Number(moved.changes) === 1
      ? { kind: 'done', repeated: false }
      : { kind: 'refused', code: 'pulse_stale', message: 'a newer pulse is known' };
  }

  /** [STATUS-6] Whoever had read less of the journal must not undo what another said. */
  #putStatus({ fleet, atMs, controlPosition, list }: Extract<Write, { kind: 'status' }>): Outcome {
    const known = this.#prepared('SELECT at_ms, control, list FROM status_lists WHERE fleet = ?').get(fleet);
    if (known !== undefined) {
      if (equalBytes(blob(known['list']), list)) return { kind: 'done', repeated: true };
      if (Number(known['at_ms']) > atMs || Number(known['control']) > controlPosition)
        return { kind: 'refused', code: 'status_stale', message: 'a newer status list is known' };
    }
    this.#prepared('INSERT OR REPLACE INTO status_lists (fleet, at_ms, control, list) VALUES (?, ?, ?, ?)').run(
      fleet,
      atMs,
      controlPosition,
      list,
    );
    return { kind: 'done', repeated: false };
  }

  /** [WITNESS-7] */
  #putWitnessed({ log, after, note }: Extract<Write, { kind: 'witnessed' }>): Outcome {
    const there = this.#witnessed(log);
    const unchanged = there === undefined || after === undefined ? there === after : equalBytes(there, after);
    if (!unchanged) return { kind: 'conflict', head: undefined };
    this.#prepared('INSERT OR REPLACE INTO witnessed (log, note) VALUES (?, ?)').run(log, note);
    return { kind: 'done', repeated: false };
  }

  /** [WITNESS-22] */
  #putDeviceNote({ log, device, note, vouch, devices }: Extract<Write, { kind: 'device-note' }>): Outcome {
    for (const kept of this.#deviceNotes(log))
      if (!devices.some((each) => equalBytes(each, kept.device)))
        this.#prepared('DELETE FROM device_notes WHERE log = ? AND device = ?').run(log, kept.device);
    const replace = 'INSERT OR REPLACE INTO device_notes (log, device, note, vouch) VALUES (?, ?, ?, ?)';
    this.#prepared(replace).run(log, device, note, vouch);
    return { kind: 'done', repeated: false };
  }

  /** [WEBPUSH-6] */
  #putEndpoint({ fleet, device, endpoint, instead, devices }: Extract<Write, { kind: 'push-endpoint' }>): Outcome {
    const forget = 'DELETE FROM push_endpoints WHERE fleet = ? AND device = ?';
    for (const row of this.#prepared('SELECT device FROM push_endpoints WHERE fleet = ?').all(fleet)) {
      const kept = blob(row['device']);
      if (devices?.some((each) => equalBytes(each, kept)) === false) this.#prepared(forget).run(fleet, kept);
    }
    if (endpoint !== undefined) {
      const replace = 'INSERT OR REPLACE INTO push_endpoints (fleet, device, endpoint) VALUES (?, ?, ?)';
      this.#prepared(replace).run(fleet, device, endpoint);
    } else if (instead === undefined || this.#endpoint(fleet, device) === instead) this.#prepared(forget).run(fleet, device);
    return { kind: 'done', repeated: false };
  }

  #endpoint(fleet: Uint8Array, device: Uint8Array): string | undefined {
    const row = this.#prepared('SELECT endpoint FROM push_endpoints WHERE fleet = ? AND device = ?').get(fleet, device);
    return row === undefined ? undefined : String(row['endpoint']);
  }

  #deviceNotes(log: string): readonly DeviceNote[] {
    const rows = this.#prepared('SELECT device, note, vouch FROM device_notes WHERE log = ?').all(log);
    return rows.map(({ device, note, vouch }) => ({ device: blob(device), note: blob(note), vouch: blob(vouch) }));
  }

  #witnessed(log: string): Uint8Array | undefined {
    const row = this.#prepared('SELECT note FROM witnessed WHERE log = ?').get(log);
    return row && blob(row['note']);
  }

  #fleet(fleet: Uint8Array): StoredFleet | undefined {
    const row = this.#prepared('SELECT access, pulse FROM fleets WHERE fleet = ?').get(fleet);
    if (row === undefined) return undefined;
    const { pulse } = row;
    return { access: blob(row['access']), pulse: pulse instanceof Uint8Array ? pulse : undefined };
  }

  #tip(fleet: Uint8Array, topic: Uint8Array): Tip | undefined {
    const row = this.#prepared('SELECT position, hash, at_ms, bytes FROM topics WHERE fleet = ? AND topic = ?').get(fleet, topic);
    if (row === undefined) return undefined;
    return {
      position: Number(row['position']),
      hash: blob(row['hash']),
      atMs: Number(row['at_ms']),
      bytes: Number(row['bytes']),
    };
  }

  async fleet(fleet: Uint8Array): Promise<StoredFleet | undefined> {
    return this.#reading(() => this.#fleet(fleet));
  }

  async status(fleet: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#reading(() => {
      const row = this.#prepared('SELECT list FROM status_lists WHERE fleet = ?').get(fleet);
      return row && blob(row['list']);
    });
  }

  async witnessed(log: string): Promise<Uint8Array | undefined> {
    return this.#reading(() => this.#witnessed(log));
  }

  async deviceNotes(log: string): Promise<readonly DeviceNote[]> {
    return this.#reading(() => this.#deviceNotes(log));
  }

  async hasWitnessed(): Promise<boolean> {
    return this.#reading(() => this.#prepared('SELECT 1 FROM witnessed LIMIT 1').get() !== undefined);
  }

  async pushEndpoint(fleet: Uint8Array, device: Uint8Array): Promise<string | undefined> {
    return this.#reading(() => this.#endpoint(fleet, device));
  }

  async countFleets(): Promise<number> {
    return this.#reading(() => this.#number('SELECT count(*) AS fleets FROM fleets', 'fleets'));
  }

  async head(fleet: Uint8Array, topic: Uint8Array): Promise<Head | undefined> {
    return this.#reading(() => {
      const tip = this.#tip(fleet, topic);
      return tip && { position: tip.position, hash: tip.hash };
    });
  }

  async read(
    fleet: Uint8Array,
    topic: Uint8Array,
    from: number,
    limit: { maxEntries: number; maxBytes: number },
  ): Promise<readonly Uint8Array[]> {
    return this.#reading(() => {
      const query = 'SELECT entry FROM entries WHERE fleet = ? AND topic = ? AND position >= ? ORDER BY position LIMIT ?';
      const entries: Uint8Array[] = [];
      let bytes = 0;
      for (const row of this.#prepared(query).iterate(fleet, topic, from, limit.maxEntries)) {
        const entry = blob(row['entry']);
        bytes += entry.length;
        if (entries.length > 0 && bytes > limit.maxBytes) break;
        entries.push(entry);
      }
      return entries;
    });
  }

  async shippedHead(log: ShippedLog): Promise<ShippedHead | undefined> {
    return this.#reading(() => this.#shipments.head(log));
  }

  async shipments(log: ShippedLog, from: SegmentPlace, limit: ShipmentLimit): Promise<readonly ShippedPiece[]> {
    return this.#reading(() => this.#shipments.from(log, from, limit));
  }

  async lockbox(fleet: Uint8Array, key: LockboxKey): Promise<Uint8Array | undefined> {
    return this.#reading(() => this.#lockbox(fleet, key));
  }

  async close(): Promise<void> {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      throw storeError(cause);
    }
  }
}
