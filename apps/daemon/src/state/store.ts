// What the daemon keeps of the fleet's journal, spec/journal.md: entries and lockboxes as received (ciphertext), the newest pulse, and for
// each scope whom it is enrolled as (public facts only), past agents included: their evidence stays readable. SQLite, synced on return.

import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { bytes, decode, encode, integer, literal, record, text, type Infer } from '@holdfast/protocol/codec/schema';
import { scopeName } from '@holdfast/protocol/blind/pairing-offer';
import { keyReference } from '@holdfast/protocol/custody/wire';
import { head } from '@holdfast/protocol/blind/entry';
import { HoldfastError } from '@holdfast/protocol/errors';
import { fleetId, principalId, wallClockMs } from '@holdfast/protocol/keys/public-keys';
import type { LockboxPlace } from '@holdfast/protocol/seal/lockbox';

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

/** The newest pulse as received, and how old it had been counted when that was last written down. */
export interface KeptPulse {
  readonly wire: Uint8Array;
  readonly countedMs: number;
}

/** So much of an audit log a witness had seen by then. */
export interface Cosigned {
  readonly size: number;
  readonly atMs: number;
}

const schema = `
  CREATE TABLE IF NOT EXISTS enrolment (agent BLOB PRIMARY KEY, scope TEXT NOT NULL, current INTEGER NOT NULL, record BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS enrolment_current ON enrolment (scope) WHERE current = 1;
  CREATE TABLE IF NOT EXISTS attempt (key BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS rotation (key BLOB PRIMARY KEY, agent BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS entry (agent BLOB NOT NULL, topic BLOB NOT NULL, position INTEGER NOT NULL, wire BLOB NOT NULL,
    PRIMARY KEY (agent, topic, position)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS lockbox (agent BLOB NOT NULL, audience TEXT NOT NULL, epoch INTEGER NOT NULL, commitment BLOB NOT NULL, box BLOB NOT NULL,
    PRIMARY KEY (agent, audience, epoch, commitment)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS guarded (agent BLOB PRIMARY KEY, record BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS use_index (agent BLOB PRIMARY KEY, record BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS cosigned (agent BLOB NOT NULL, size INTEGER NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (agent, size)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS pulse (agent BLOB PRIMARY KEY, wire BLOB NOT NULL, counted_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

const maxEnrolmentBytes = 16 * 1024;

/** Every method throws `store_failed` when the disk or the file does not allow it; nothing of a failed write is kept. */
export class StateStore {
  private readonly db: DatabaseSync;

  constructor(file: string) {
    this.db = attempted(() => new DatabaseSync(file));
    attempted(() => this.db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${schema}`));
  }

  close(): void {
    this.db.close();
  }

  /** Whom each scope is now. */
  enrolments(): Enrolment[] {
    return this.all('SELECT record FROM enrolment WHERE current = 1 ORDER BY scope').map(enrolmentOf);
  }

  /** Whom scopes were before they were enrolled again. */
  pastEnrolments(): Enrolment[] {
    return this.all('SELECT record FROM enrolment WHERE current = 0').map(enrolmentOf);
  }

  /** From now on the scope is this agent; whom it was before is kept as past. Ends the attempt that led here. */
  saveEnrolment(value: Enrolment): void {
    this.transaction(() => {
      this.run('UPDATE enrolment SET current = 0 WHERE scope = ?', value.scope);
      this.run(
        'INSERT INTO enrolment (agent, scope, current, record) VALUES (?, ?, 1, ?)',
        value.agent,
        value.scope,
        encode(enrolment, value),
      );
      this.run('DELETE FROM attempt WHERE key = ?', value.key);
    });
  }

  /** Notes a key that is worth nothing unless `saveEnrolment` names it: one that is left here after a crash is to be destroyed. */
  beginAttempt(key: Uint8Array): void {
    this.run('INSERT OR IGNORE INTO attempt (key) VALUES (?)', key);
  }

  /** Keys that an agent asks for; an operator may give it any of them. */
  rotations(agent: Uint8Array): Uint8Array[] {
    return this.all('SELECT key FROM rotation WHERE agent = ?', agent).map((row) => row['key'] as Uint8Array);
  }

  /** Of an attempt that goes on. */
  beginRotation(agent: Uint8Array, key: Uint8Array): void {
    this.transaction(() => {
      this.run('INSERT OR REPLACE INTO rotation (key, agent) VALUES (?, ?)', key, agent);
      this.run('DELETE FROM attempt WHERE key = ?', key);
    });
  }

  /** From now on the agent has this key of those that it asked for. The one that it had and the others, which are returned, are to be destroyed. In one step. [ROTATE-8] */
  endRotation(agent: Uint8Array, key: Uint8Array): readonly Uint8Array[] {
    const [row] = this.all('SELECT record FROM enrolment WHERE agent = ?', agent);
    if (row === undefined) throw new HoldfastError('internal', 'whoever is not enrolled has no keys');
    const { key: before, ...rest } = enrolmentOf(row);
    const others = this.rotations(agent).filter((each) => !equalBytes(each, key));
    this.transaction(() => {
      this.run('UPDATE enrolment SET record = ? WHERE agent = ?', encode(enrolment, { ...rest, key }), agent);
      for (const each of [before, ...others]) this.run('INSERT OR IGNORE INTO attempt (key) VALUES (?)', each);
      this.run('DELETE FROM rotation WHERE agent = ?', agent);
    });
    return [before, ...others];
  }

  attempts(): Uint8Array[] {
    return this.all('SELECT key FROM attempt').map((row) => row['key'] as Uint8Array);
  }

  endAttempt(key: Uint8Array): void {
    this.run('DELETE FROM attempt WHERE key = ?', key);
  }

  /** Removes what was read on behalf of an agent that was never enrolled here. */
  forget(agent: Uint8Array): void {
    this.transaction(() => {
      for (const table of ['entry', 'lockbox', 'pulse', 'use_index', 'cosigned'])
        this.run(`DELETE FROM ${table} WHERE agent = ?`, agent);
    });
  }

  entries(agent: Uint8Array, topic: Uint8Array): Uint8Array[] {
    return this.all('SELECT wire FROM entry WHERE agent = ? AND topic = ? ORDER BY position', agent, topic).map(
      (row) => row['wire'] as Uint8Array,
    );
  }

  /** One transaction. Positions only go forward: an existing one is a programming error and throws. */
  saveEntries(
    agent: Uint8Array,
    topic: Uint8Array,
    entries: readonly { readonly position: number; readonly wire: Uint8Array }[],
  ): void {
    this.transaction(() => {
      for (const { position, wire } of entries)
        this.run('INSERT INTO entry (agent, topic, position, wire) VALUES (?, ?, ?, ?)', agent, topic, position, wire);
    });
  }

  /** The box of the member itself, who is the agent. */
  lockbox({ member, audience, epoch, keyCommitment }: LockboxPlace): Uint8Array | undefined {
    const [row] = this.all(
      'SELECT box FROM lockbox WHERE agent = ? AND audience = ? AND epoch = ? AND commitment = ?',
      member,
      audience,
      epoch,
      keyCommitment,
    );
    return row?.['box'] as Uint8Array | undefined;
  }

  saveLockbox({ member, audience, epoch, keyCommitment }: LockboxPlace, box: Uint8Array): void {
    this.run(
      'INSERT OR REPLACE INTO lockbox (agent, audience, epoch, commitment, box) VALUES (?, ?, ?, ?, ?)',
      member,
      audience,
      epoch,
      keyCommitment,
      box,
    );
  }

  pulse(agent: Uint8Array): KeptPulse | undefined {
    const [row] = this.all('SELECT wire, counted_ms FROM pulse WHERE agent = ?', agent);
    return row && { wire: row['wire'] as Uint8Array, countedMs: row['counted_ms'] as number };
  }

  savePulse(agent: Uint8Array, { wire, countedMs }: KeptPulse): void {
    this.run('INSERT OR REPLACE INTO pulse (agent, wire, counted_ms) VALUES (?, ?, ?)', agent, wire, Math.ceil(countedMs));
  }

  /** What stands for sessions that were started by hand: apps/daemon/src/guarded/record.ts. */
  guarded(agent: Uint8Array): Uint8Array | undefined {
    const [row] = this.all('SELECT record FROM guarded WHERE agent = ?', agent);
    return row?.['record'] as Uint8Array | undefined;
  }

  saveGuarded(agent: Uint8Array, record: Uint8Array): void {
    this.run('INSERT OR REPLACE INTO guarded (agent, record) VALUES (?, ?)', agent, record);
  }

  /** What was counted of its audit log: apps/daemon/src/agent/counted-uses.ts. */
  useIndex(agent: Uint8Array): Uint8Array | undefined {
    const [row] = this.all('SELECT record FROM use_index WHERE agent = ?', agent);
    return row?.['record'] as Uint8Array | undefined;
  }

  saveUseIndex(agent: Uint8Array, record: Uint8Array): void {
    this.run('INSERT OR REPLACE INTO use_index (agent, record) VALUES (?, ?)', agent, record);
  }

  /** Sizes of its audit log that a witness cosigned, as its own clock dated that; ascending. apps/daemon/src/agent/pruner.ts keeps some. */
  cosigned(agent: Uint8Array): readonly Cosigned[] {
    return this.all('SELECT size, at_ms FROM cosigned WHERE agent = ? ORDER BY size', agent).map((row) => ({
      size: Number(row['size']),
      atMs: Number(row['at_ms']),
    }));
  }

  saveCosigned(agent: Uint8Array, { size, atMs }: Cosigned): void {
    this.run('INSERT OR IGNORE INTO cosigned (agent, size, at_ms) VALUES (?, ?, ?)', agent, size, atMs);
  }

  /** Those of fewer records. */
  dropCosigned(agent: Uint8Array, below: number): void {
    this.run('DELETE FROM cosigned WHERE agent = ? AND size < ?', agent, below);
  }

  private all(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    return attempted(() => this.db.prepare(sql).all(...values));
  }

  private run(sql: string, ...values: SQLInputValue[]): void {
    attempted(() => this.db.prepare(sql).run(...values));
  }

  private transaction(work: () => void): void {
    attempted(() => this.db.exec('BEGIN IMMEDIATE'));
    try {
      work();
      attempted(() => this.db.exec('COMMIT'));
    } catch (thrown) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw thrown;
    }
  }
}

function enrolmentOf(row: Record<string, unknown>): Enrolment {
  return decode(enrolment, row['record'] as Uint8Array, maxEnrolmentBytes);
}

function attempted<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new HoldfastError('store_failed', "the daemon's store cannot be read or written", {
      cause,
      next: 'free space on its disk and check its permissions',
    });
  }
}
