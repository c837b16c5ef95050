// One reader's replica of a fleet, spec/journal.md: feeds on entries as the relay hands them over, believes none before it is verified,
// and holds the state that they make. Used by daemon, CLI and console alike. It does no IO: lockboxes come through a port.

import { equalBytes, fromHex, toHex } from '../codec/bytes.ts';
import { codeOf, HoldfastError, type ErrorCode } from '../errors.ts';
import { controlTopic, noHash, parseEntry, type EntryStatement, type Head, type UnverifiedEntry } from '../blind/entry.ts';
import { openBody } from '../seal/body.ts';
import { agentAudience, assertWhole, decodeBody, type Body } from './bodies.ts';
import { isWrongContent, Keyring, type KeyringOptions, type WantedEpoch } from './keyring.ts';
import { begin, reduce } from './reduce.ts';
import { epochIsCurrentOrNext, epochWasCurrent } from './rules.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';
import { warrantIn } from './warranted.ts';
import { currentEpoch, topicTip, type Content, type FleetState } from './state.ts';
import { assertGenesisOf, opened, verifyAgentEntry, verifyControlEntry, verifyGenesis } from './verify.ts';

/** Agents' entries made under control entries that are still to come; more are refused until those are there. */
export const maxWaiting = 1024;

export interface ReplicaOptions extends KeyringOptions {
  /** A control head that was seen or named before: no history without it is accepted. */
  readonly pinned?: Head | undefined;
  /** Reads as an operator from the beginning, also what was said before its device was one. [JOURNAL-5] */
  readonly asOperator?: boolean;
}

interface Place {
  readonly topic: Uint8Array;
  readonly position: number;
  readonly hash: Uint8Array;
  /** As received: what the caller stores once it is `applied`, `rejected` or `unread`. */
  readonly wire: Uint8Array;
}

/**
 * What became of an entry. `applied`, `rejected` (a valid author broke a rule: no effect) and `unread` (not our audience) moved the head;
 * `duplicate` was there already; `waiting` is kept until the control entry that it names has come.
 */
export type Taken =
  | (Place & { readonly kind: 'applied' | 'unread' | 'duplicate' | 'waiting' })
  | (Place & { readonly kind: 'rejected'; readonly code: ErrorCode });

/** The entry and whatever came after it were not taken; nothing of them had an effect. */
export interface Refused {
  readonly kind: 'refused';
  readonly topic: Uint8Array;
  readonly code: ErrorCode;
  readonly cause: unknown;
}

export type Ingested = Taken | Refused;

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #keyring: Keyring;
  #state: FleetState | undefined;
  /** Of the control topic: hashes by position, and all ids in hex. */
  #hashes: Uint8Array[] = [];
  #ids = new Set<string>();
  readonly #waiting = new Map<string, UnverifiedEntry[]>();
  #stalled = false;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#keyring = new Keyring(options);
  }

  /** A replica that goes on where `snapshot` was taken. Throws `codec_*`, or `entry_foreign` for another fleet's. */
  static restore(options: ReplicaOptions, snapshot: Uint8Array): Replica {
    const replica = new Replica(options);
    const { state, history } = readSnapshot(snapshot);
    if (!equalBytes(state.fleet, options.fleet)) throw new HoldfastError('entry_foreign', 'snapshot is of another fleet');
    replica.#state = state;
    replica.#hashes = [...history.hashes];
    replica.#ids = new Set(history.ids.map(toHex));
    if (options.pinned !== undefined) replica.compareControl(options.pinned);
    return replica;
  }

  /** Plaintext of everything verified so far, keys and secrets excepted: the caller seals it. Throws `usage` before genesis. */
  snapshot(): Uint8Array {
    return writeSnapshot(this.state, { hashes: this.#hashes, ids: [...this.#ids].map((id) => fromHex(id) ?? noHash) });
  }

  /** Throws `usage` before the genesis entry was read. */
  get state(): FleetState {
    if (this.#state === undefined) throw new HoldfastError('usage', 'the genesis entry has not been read yet');
    return this.#state;
  }

  get hasBegun(): boolean {
    return this.#state !== undefined;
  }

  /** Bodies and lockboxes meant for us that do not open; anything but 0 is for people to see. [AUDIENCE-9] */
  get undecryptable(): number {
    const bodies = this.#state?.rejected.filter(({ code }) => code === 'open_failed').length ?? 0;
    return bodies + this.#keyring.spoiltLockboxes + (this.#stalled ? 1 : 0);
  }

  /** The last entry taken of each topic, control first. */
  heads(): readonly ({ readonly topic: Uint8Array } & Head)[] {
    if (this.#state === undefined) return [];
    const { control, agents } = this.#state;
    const others = [...agents.values()].flatMap(({ id }) => {
      const tip = topicTip(this.state, id);
      return tip === undefined ? [] : [{ topic: id, position: tip.position, hash: tip.hash }];
    });
    return [{ topic: controlTopic, position: control.position, hash: control.hash }, ...others];
  }

  /** `known`: in our history; `ahead`: we have not read that far. Throws `entry_fork` when it is of another history. [JOURNAL-3] */
  compareControl(head: Head): 'known' | 'ahead' {
    const ours = this.#hashes[head.position];
    if (ours === undefined) return 'ahead';
    if (!equalBytes(ours, head.hash)) throw new HoldfastError('entry_fork', 'control heads differ: two histories');
    return 'known';
  }

  /** Takes entries of one topic, oldest first, one after the other; stops at the first that is refused. Never throws for what they say. */
  async ingest(topic: Uint8Array, wires: readonly Uint8Array[]): Promise<readonly Ingested[]> {
    const done = this.#queue.then(async () => this.#ingest(topic, wires));
    this.#queue = done.catch(() => undefined);
    return done;
  }

  /** An epoch of an audience, the current one unless it is named, and a copy of its key, which the caller overwrites. Throws `epoch_key_missing`. */
  async epochKey(audience: string, number?: number): Promise<{ readonly epoch: number; readonly key: Uint8Array }> {
    const wanted =
      number === undefined
        ? currentEpoch(this.state, audience)
        : this.state.audiences.get(audience)?.find(({ epoch }) => epoch === number);
    if (wanted === undefined) throw new HoldfastError('epoch_key_missing', `no such audience or epoch: ${audience}`);
    const key = await this.#keyring.find({ audience, ...wanted });
    return { epoch: wanted.epoch, key: key.slice() };
  }

  /** The secret of an item, out of the very entry that added it; the caller overwrites it. Throws `item_unknown`, `open_failed`, `epoch_key_missing`. */
  async openSecret(item: Uint8Array, wire: Uint8Array): Promise<Uint8Array> {
    const entry = parseEntry(this.#options.primitives, wire);
    const known = this.state.items.get(toHex(item));
    const ours = known && this.#hashes[known.position];
    if (ours === undefined || !equalBytes(ours, entry.hash))
      throw new HoldfastError('item_unknown', 'no such item in this entry'); // [JOURNAL-14]
    const body = await this.#openWith(await this.#keyring.find(entry.statement), entry.statement);
    if (body.kind !== 'item-add') throw new HoldfastError('item_unknown', 'no such item in this entry');
    return body.secret;
  }

  /** Overwrites the epoch keys; the replica reads on after fetching its lockboxes anew. */
  wipe(): void {
    this.#keyring.wipe();
  }

  async #ingest(topic: Uint8Array, wires: readonly Uint8Array[]): Promise<readonly Ingested[]> {
    const results: Ingested[] = [];
    const { entries, fault } = this.#parse(wires);
    const inControl = equalBytes(topic, controlTopic);
    for (const [index, entry] of entries.entries()) {
      const result = await this.#attempt(topic, entry, () => entries.slice(index + 1).map(({ statement }) => statement));
      results.push(result);
      if (result.kind === 'refused') break;
    }
    if (fault !== undefined && results.length === entries.length && results.at(-1)?.kind !== 'refused')
      results.push(refusal(topic, fault.thrown));
    return inControl ? [...results, ...(await this.#takeWaiting())] : results;
  }

  /** What came before the first that cannot be parsed is still taken. */
  #parse(wires: readonly Uint8Array[]): {
    readonly entries: readonly UnverifiedEntry[];
    readonly fault: { thrown: unknown } | undefined;
  } {
    const entries: UnverifiedEntry[] = [];
    for (const wire of wires) {
      try {
        entries.push(parseEntry(this.#options.primitives, wire));
      } catch (thrown) {
        return { entries, fault: { thrown } };
      }
    }
    return { entries, fault: undefined };
  }

  async #attempt(topic: Uint8Array, entry: UnverifiedEntry, ahead: () => readonly EntryStatement[]): Promise<Ingested> {
    try {
      return equalBytes(topic, controlTopic) ? await this.#takeControl(entry, ahead) : await this.#takeAgents(topic, entry);
    } catch (thrown) {
      return refusal(topic, thrown);
    }
  }

  async #takeControl(entry: UnverifiedEntry, ahead: () => readonly EntryStatement[]): Promise<Taken> {
    const { primitives } = this.#options;
    const { statement, hash } = entry;
    const state = this.#state;
    if (state === undefined) return this.#takeGenesis(entry, ahead);
    const known = this.#hashes[statement.position];
    if (known !== undefined && equalBytes(known, hash)) return { kind: 'duplicate', ...placeOf(entry) };
    const self = state.agents.get(toHex(this.#options.self));
    if (self?.revoked !== undefined) throw new HoldfastError('agent_revoked', 'this agent is revoked: it reads no further'); // [JOURNAL-19]
    const verified = await verifyControlEntry(primitives, state, entry);
    this.#assertPinned(entry);
    const content = await this.#contentOfControl(state, statement, ahead);
    return this.#commit(entry, reduce(state, opened(verified, content)), content);
  }

  async #takeGenesis(entry: UnverifiedEntry, ahead: () => readonly EntryStatement[]): Promise<Taken> {
    if (entry.statement.position > 0) throw new HoldfastError('entry_gap', 'the genesis entry is missing');
    assertGenesisOf(this.#options.fleet, entry);
    const plain = await this.#openWith(await this.#findKey(entry.statement, ahead), entry.statement);
    const { entry: verified, body } = await verifyGenesis(this.#options.primitives, entry, plain);
    this.#assertPinned(entry);
    const content: Content = { kind: 'body', body, warrant: undefined };
    return this.#commit(entry, begin(opened(verified, content), body), content);
  }

  /** The state moves in one step, after everything else went well. */
  #commit(entry: UnverifiedEntry, next: FleetState, content: Content): Taken {
    this.#state = next;
    this.#hashes.push(entry.hash);
    this.#ids.add(toHex(entry.statement.id));
    if (content.kind === 'body' && content.body.kind === 'item-add') content.body.secret.fill(0); // [JOURNAL-14]
    const rejection = next.rejected.at(-1);
    return outcome(entry, content, rejection?.position === entry.statement.position ? rejection.code : undefined);
  }

  async #takeAgents(topic: Uint8Array, entry: UnverifiedEntry): Promise<Taken> {
    const state = this.#state;
    if (state === undefined) throw new HoldfastError('entry_gap', 'the genesis entry is missing');
    const { statement, hash } = entry;
    const records = state.topics.get(toHex(topic)) ?? [];
    const known = records[statement.position];
    if (known !== undefined && equalBytes(known.hash, hash)) return { kind: 'duplicate', ...placeOf(entry) };
    const queued = this.#waiting.get(toHex(topic)) ?? [];
    const verified = await verifyAgentEntry(this.#options.primitives, state, topic, entry, (head) => this.compareControl(head));
    if (verified === 'ahead') return this.#wait(topic, queued, entry);
    const content = await this.#contentOfAgents(state, statement);
    const next = reduce(state, opened(verified, content));
    this.#state = next;
    return outcome(entry, content, next.topics.get(toHex(topic))?.at(-1)?.code);
  }

  #wait(topic: Uint8Array, queued: UnverifiedEntry[], entry: UnverifiedEntry): Taken {
    const held = [...this.#waiting.values()].reduce((sum, { length }) => sum + length, 0);
    const again = queued.some(({ hash }) => equalBytes(hash, entry.hash));
    if (held >= maxWaiting && !again) throw new HoldfastError('limit_exceeded', 'too many entries wait for the control topic'); // [JOURNAL-3]
    if (!again)
      this.#waiting.set(
        toHex(topic),
        [...queued, entry].toSorted((a, b) => a.statement.position - b.statement.position),
      );
    return { kind: 'waiting', ...placeOf(entry) };
  }

  /** Those that need wait no longer. */
  async #takeWaiting(): Promise<readonly Ingested[]> {
    const results: Ingested[] = [];
    if (this.#state === undefined) return results;
    for (const [id, entries] of [...this.#waiting]) {
      this.#waiting.delete(id);
      for (const entry of entries) {
        const result = await this.#attempt(entry.statement.topic, entry, () => []);
        if (result.kind !== 'waiting' && result.kind !== 'duplicate') results.push(result);
      }
    }
    return results;
  }

  #assertPinned({ statement, hash }: UnverifiedEntry): void {
    const { pinned } = this.#options;
    if (pinned !== undefined && pinned.position === statement.position && !equalBytes(pinned.hash, hash)) {
      throw new HoldfastError('entry_fork', 'the history is not the one that was seen before'); // [JOURNAL-3]
    }
  }

  #reads(state: FleetState, audience: string): boolean {
    const { self, asOperator } = this.#options;
    return (
      asOperator === true ||
      audience === 'fleet' ||
      audience === agentAudience(self) ||
      state.devices.has(toHex(self)) ||
      equalBytes(self, state.recovery.id)
    );
  }

  async #contentOfControl(
    state: FleetState,
    statement: EntryStatement,
    ahead: () => readonly EntryStatement[],
  ): Promise<Content> {
    if (this.#ids.has(toHex(statement.id))) return { kind: 'faulty', code: 'entry_duplicate' }; // [JOURNAL-21]
    if (!this.#reads(state, statement.audience)) return { kind: 'unread' }; // [JOURNAL-5]
    const verdict = epochIsCurrentOrNext(state, statement);
    if (verdict !== undefined) return { kind: 'faulty', code: verdict };
    return this.#content(await this.#findKey(statement, ahead), statement, state.devices.get(toHex(statement.author))?.keys.sign);
  }

  async #contentOfAgents(state: FleetState, statement: EntryStatement): Promise<Content> {
    if (!this.#reads(state, statement.audience)) return { kind: 'unread' };
    const verdict = epochWasCurrent(state, statement);
    if (verdict !== undefined) return { kind: 'faulty', code: verdict };
    return this.#content(await this.#findKey(statement, () => []), statement);
  }

  /** With the right key every reader gets the same nonsense, so the fault is part of the history. */
  async #content(key: Uint8Array, statement: EntryStatement, device?: Uint8Array): Promise<Content> {
    try {
      const body = await this.#openWith(key, statement);
      // Of anybody but a device such an entry is rejected for its author. [JOURNAL-7] [JOURNAL-32]
      const warrant = device && (await warrantIn(this.#options.primitives, statement, body, device));
      return { kind: 'body', body, warrant };
    } catch (thrown) {
      const code = isWrongContent(thrown);
      if (code === undefined) throw thrown;
      return { kind: 'faulty', code };
    }
  }

  async #openWith(key: Uint8Array, statement: EntryStatement): Promise<Body> {
    const plain = await openBody(this.#options.primitives, key, statement);
    try {
      const body = decodeBody(plain);
      assertWhole(this.#options.primitives, body);
      return body;
    } finally {
      plain.fill(0);
    }
  }

  async #findKey(wanted: WantedEpoch, ahead: () => readonly EntryStatement[]): Promise<Uint8Array> {
    this.#stalled = true;
    const key = await this.#keyring.find(wanted, ahead);
    this.#stalled = false;
    return key;
  }
}

function placeOf({ statement, hash, wire }: UnverifiedEntry): Place {
  return { topic: statement.topic, position: statement.position, hash, wire };
}

function outcome(entry: UnverifiedEntry, content: Content, code: ErrorCode | undefined): Taken {
  if (code !== undefined) return { kind: 'rejected', code, ...placeOf(entry) };
  return { kind: content.kind === 'unread' ? 'unread' : 'applied', ...placeOf(entry) };
}

function refusal(topic: Uint8Array, thrown: unknown): Refused {
  return { kind: 'refused', topic, code: codeOf(thrown), cause: thrown };
}
