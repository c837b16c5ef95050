// What the daemon keeps of the fleet's journal, spec/journal.md: entries and lockboxes as received (ciphertext), the newest pulse, and for
// each scope whom it is enrolled as (public facts only). SQLite, synced before a head counts as seen.

import { DatabaseSync } from 'node:sqlite';
import { bytes, decode, encode, integer, literal, record, text, type Infer } from '@holdfast/protocol/codec/schema';
import { scopeName } from '@holdfast/protocol/blind/pairing-offer';
import { keyReference } from '@holdfast/protocol/custody/wire';
import { head } from '@holdfast/protocol/blind/entry';
import { fleetId, principalId, wallClockMs } from '@holdfast/protocol/keys/public-keys';

/** Whom one scope of this machine is, pinned at pairing. Nothing here is secret; nothing here may change but by a new pairing. */
export const enrolment = record({
  v: literal(1),
  scope: scopeName,
  agent: principalId,
  fleet: fleetId,
  /** Custody's name for the keys. */
  key: keyReference,
  relayUrl: text({ max: 2048 }),
  relayKey: bytes(65),
  /** The control head that the operator's answer named: no older history is ever accepted. */
  pinned: head,
  enrolledAtMs: integer(wallClockMs),
});
export type Enrolment = Infer<typeof enrolment>;

const schema = `
  CREATE TABLE IF NOT EXISTS enrolment (scope TEXT PRIMARY KEY, record BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS entry (agent BLOB NOT NULL, topic BLOB NOT NULL, position INTEGER NOT NULL, wire BLOB NOT NULL,
    PRIMARY KEY (agent, topic, position)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS lockbox (agent BLOB NOT NULL, audience TEXT NOT NULL, epoch INTEGER NOT NULL, box BLOB NOT NULL,
    PRIMARY KEY (agent, audience, epoch)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS pulse (agent BLOB PRIMARY KEY, wire BLOB NOT NULL) STRICT;
`;

const maxEnrolmentBytes = 16 * 1024;

export class StateStore {
  private readonly db: DatabaseSync;

  constructor(file: string) {
    this.db = new DatabaseSync(file);
    this.db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    this.db.exec(schema);
  }

  close(): void {
    this.db.close();
  }

  enrolments(): Enrolment[] {
    const rows = this.db.prepare('SELECT record FROM enrolment ORDER BY scope').all();
    return rows.map((row) => decode(enrolment, row['record'] as Uint8Array, maxEnrolmentBytes));
  }

  saveEnrolment(value: Enrolment): void {
    this.db.prepare('INSERT OR REPLACE INTO enrolment (scope, record) VALUES (?, ?)').run(value.scope, encode(enrolment, value));
  }

  removeEnrolment(scope: string): void {
    this.db.prepare('DELETE FROM enrolment WHERE scope = ?').run(scope);
  }

  entries(agent: Uint8Array, topic: Uint8Array): Uint8Array[] {
    const rows = this.db.prepare('SELECT wire FROM entry WHERE agent = ? AND topic = ? ORDER BY position').all(agent, topic);
    return rows.map((row) => row['wire'] as Uint8Array);
  }

  /** One transaction, synced on return. Positions only go forward: an existing one is a programming error and throws. */
  saveEntries(agent: Uint8Array, topic: Uint8Array, entries: readonly { readonly position: number; readonly wire: Uint8Array }[]): void {
    const insert = this.db.prepare('INSERT INTO entry (agent, topic, position, wire) VALUES (?, ?, ?, ?)');
    this.db.exec('BEGIN IMMEDIATE');
    try {
      for (const { position, wire } of entries) insert.run(agent, topic, position, wire);
      this.db.exec('COMMIT');
    } catch (cause) {
      this.db.exec('ROLLBACK');
      throw cause;
    }
  }

  lockbox(agent: Uint8Array, audience: string, epoch: number): Uint8Array | undefined {
    const row = this.db.prepare('SELECT box FROM lockbox WHERE agent = ? AND audience = ? AND epoch = ?').get(agent, audience, epoch);
    return row?.['box'] as Uint8Array | undefined;
  }

  saveLockbox(agent: Uint8Array, audience: string, epoch: number, box: Uint8Array): void {
    this.db.prepare('INSERT OR REPLACE INTO lockbox (agent, audience, epoch, box) VALUES (?, ?, ?, ?)').run(agent, audience, epoch, box);
  }

  pulse(agent: Uint8Array): Uint8Array | undefined {
    return this.db.prepare('SELECT wire FROM pulse WHERE agent = ?').get(agent)?.['wire'] as Uint8Array | undefined;
  }

  savePulse(agent: Uint8Array, wire: Uint8Array): void {
    this.db.prepare('INSERT OR REPLACE INTO pulse (agent, wire) VALUES (?, ?)').run(agent, wire);
  }
}
