// The fleet's control topic as an operator reads it from the relay itself: verified entry by entry, held against the head that this operator saw
// last and against the one over which the relay signs our question. What was seen is written down. spec/operator-key.md.

import { controlTopic, parseEntry, type Head } from '../blind/entry.ts';
import { compareHeads, headOf } from '../blind/freshness.ts';
import { toHex } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { askFreshness, getLockbox, readTopic } from '../exchange/relay-calls.ts';
import type { RelayExchange } from '../exchange/relay-exchange.ts';
import { Replica } from '../journal/replica.ts';
import type { FleetState } from '../journal/state.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import type { OperatorFacts, OperatorPorts, Seen } from './ports.ts';

/** Of a fleet with a hundred thousand operator's acts. */
const maxUnreadBytes = 256 * 1024 * 1024;

export interface Reader {
  readonly ports: OperatorPorts;
  readonly facts: OperatorFacts;
  readonly holder: KeyHolder;
  readonly relay: RelayExchange;
}

export class ControlHistory {
  readonly replica: Replica;
  /** The head that a command of this machine saw last. */
  readonly seenBefore: Head | undefined;
  private readonly ports: OperatorPorts;
  private readonly facts: OperatorFacts;
  private readonly relay: RelayExchange;
  /** Entries and their hashes by position. */
  private readonly wires: Uint8Array[] = [];
  private readonly hashes: Uint8Array[] = [];

  private constructor({ ports, facts, holder, relay }: Reader, seen: Seen | undefined) {
    this.ports = ports;
    this.facts = facts;
    this.relay = relay;
    const pinned = seen?.control;
    this.seenBefore = pinned;
    this.replica = new Replica({
      primitives: ports.primitives,
      holder,
      self: facts.device,
      fleet: facts.fleet,
      lockboxes: (place) => getLockbox(relay, place),
      asOperator: true,
      ...(pinned !== undefined && { pinned }),
    });
  }

  /** Nothing is read yet. Throws `key_invalid`, `store_failed`. */
  static async of(reader: Reader): Promise<ControlHistory> {
    return new ControlHistory(reader, await reader.ports.store.seen());
  }

  get state(): FleetState {
    return this.replica.state;
  }

  get head(): Head {
    const { position, hash } = this.state.control;
    return { position, hash };
  }

  get genesis(): Uint8Array {
    return this.wires[0] ?? new Uint8Array();
  }

  /** Undefined where nothing has been read yet. */
  hashAt(position: number): Uint8Array | undefined {
    return this.hashes[position];
  }

  /** Who signed the entry there; undefined where nothing has been read yet. */
  authorAt(position: number): Uint8Array | undefined {
    const wire = this.wires[position];
    return wire && parseEntry(this.ports.primitives, wire).statement.author;
  }

  /** The secret of an item, as bytes; the caller overwrites it. */
  openSecret(item: Uint8Array): Promise<Uint8Array> {
    const wire = this.wires[this.state.items.get(toHex(item))?.position ?? -1];
    if (wire === undefined)
      throw new HoldfastError('item_unknown', 'there is no such credential', { next: 'see: holdfast vault list' });
    return this.replica.openSecret(item, wire);
  }

  /** Reads what came since. Throws `entry_stale`, `entry_gap`, `entry_fork` for another history than was seen or told, and an entry's own code. */
  async catchUp(): Promise<void> {
    const before = (await this.ports.store.seen())?.control; // and not again below: another command of this machine may see more meanwhile
    const told = await this.told();
    compareHeads(before, told); // [OPKEY-6]
    await this.takeAll(await this.unread());
    if (!this.replica.hasBegun)
      throw new HoldfastError('entry_stale', 'the relay has no history of this fleet', {
        next: "check the relay's address and its data",
      }); // [OPKEY-6]
    if (before !== undefined && this.replica.compareControl(before) === 'ahead') {
      throw new HoldfastError('entry_stale', 'the relay shows an older history than this operator has seen', {
        next: 'the relay was rolled back or lies: do not go on with it',
      }); // [OPKEY-6]
    }
    if (told !== undefined && this.replica.compareControl(told) === 'ahead') {
      throw new HoldfastError('entry_gap', 'the relay has entries that it does not show', {
        next: 'something between here and the relay lies: do not go on with it',
      }); // [OPKEY-8]
    }
    await this.ports.store.remember({ control: this.head });
  }

  /** Of what was just sent: that the relay now says the same. Throws as `catchUp`. */
  async confirm(): Promise<void> {
    compareHeads(this.head, await this.told()); // [OPKEY-8]
    await this.ports.store.remember({ control: this.head });
  }

  /** The next entry. Throws its own code, or `relay_protocol` for one that was taken before. */
  take(wire: Uint8Array): Promise<void> {
    return this.takeAll([wire]);
  }

  /** Held together until the last one is there; so what a relay can make us hold is bounded, and what it shows again ends it. */
  private async unread(): Promise<Uint8Array[]> {
    const wires: Uint8Array[] = [];
    const hashes = new Set(this.hashes.map(toHex));
    let bytes = 0;
    for await (const wire of readTopic(this.relay, controlTopic, this.hashes.length)) {
      const hash = toHex(parseEntry(this.ports.primitives, wire).hash);
      if (hashes.has(hash)) throw shownAgain();
      hashes.add(hash);
      bytes += wire.length;
      if (bytes > maxUnreadBytes) throw new HoldfastError('limit_exceeded', 'the relay shows more entries than a fleet has');
      wires.push(wire);
    }
    return wires;
  }

  /** In one go: a device that came later finds the keys of before in what comes after. [AUDIENCE-7] */
  private async takeAll(wires: readonly Uint8Array[]): Promise<void> {
    const results = await this.replica.ingest(controlTopic, wires);
    for (const [index, wire] of wires.entries()) {
      const result = results[index];
      if (result === undefined || result.kind === 'refused') {
        throw new HoldfastError(result?.code ?? 'internal', "the fleet's history does not hold together", {
          cause: result?.cause,
        });
      }
      if (result.kind === 'duplicate') throw shownAgain();
      this.wires.push(wire);
      this.hashes.push(result.hash);
    }
  }

  /** The control head over which the relay signs our question. */
  private async told(): Promise<Head | undefined> {
    const { fleet, relayKey } = this.facts;
    return headOf(await askFreshness(this.relay, { fleet, relayKey, topics: [] }), controlTopic);
  }
}

/** [RELAY-14] */
const shownAgain = (): HoldfastError => new HoldfastError('relay_protocol', 'the relay shows entries that were not asked for');
