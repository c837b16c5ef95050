// An honest relay in memory that speaks the real wire over a world's store: what a hostile one (hostile-relay.ts) stands in front of in tests
// of readers. It answers reading, appending, watching, lockboxes, pulses, freshness and
// cosignatures; `push` tells watchers what came.

import { controlTopic, parseEntry, type Head } from '@holdfast/protocol/blind/entry';
import { encodeRelayFrame, parseRequest, type RelayFrame, type RelayRequest } from '@holdfast/protocol/blind/frames';
import { signFreshness } from '@holdfast/protocol/blind/freshness';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import type { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import type { Line, RelayEnd, Upstream } from './hostile-relay.ts';
import { MemoryWitness } from './memory-witness.ts';
import { placeOf, type World } from './world.ts';

/** All that a relay knows of one fleet; a copy of it is yesterday's, or another history. */
export interface MemoryStore {
  readonly topics: Map<string, Uint8Array[]>;
  readonly lockboxes: Map<string, Uint8Array>;
  pulse: Uint8Array | undefined;
}

export function copyOf(world: World, pulse?: Uint8Array): MemoryStore {
  const { topics, lockboxes } = world.relay;
  return { topics: new Map([...topics].map(([topic, wires]) => [topic, [...wires]])), lockboxes: new Map(lockboxes), pulse };
}

export class MemoryRelay {
  /** Where a connection reads: everyone the same, while it is honest. */
  storeOf: (line: Line) => MemoryStore;
  readonly store: MemoryStore;
  readonly primitives: Primitives;
  private readonly fleet: Uint8Array;
  private readonly keys: SoftwareKeyHolder;
  private readonly ends = new Set<MemoryEnd>();
  readonly witness: MemoryWitness;

  constructor(world: World) {
    const { topics, lockboxes } = world.relay;
    this.store = { topics, lockboxes, pulse: undefined };
    this.storeOf = () => this.store;
    this.primitives = world.primitives;
    this.fleet = world.fleet;
    this.keys = world.relayKeys;
    this.witness = new MemoryWitness(world.primitives, world.relayKeys);
  }

  get upstream(): Upstream {
    return (answer, _ended, line) => {
      const end: MemoryEnd = new MemoryEnd(
        this,
        line,
        (frame) => answer(encodeRelayFrame(frame)),
        () => this.ends.delete(end),
      );
      this.ends.add(end);
      end.send({ kind: 'welcome', v: 1, relay: this.keys.publicKeys.sign, nonce: this.primitives.random(32) });
      return end;
    };
  }

  /** What is new in the store goes to all who watch, and the pulse to everyone. */
  push(): void {
    for (const end of this.ends) end.push();
  }

  /** The relay's own signature: what it says is its choice. */
  async fresh(nonce: Uint8Array, head: Head | undefined, fleet = this.fleet): Promise<Uint8Array> {
    const heads = head === undefined ? [] : [{ topic: controlTopic, ...head }];
    return signFreshness(this.keys, { v: 1, fleet, nonce, atMs: 0, heads });
  }

  headOf(store: MemoryStore, topic: Uint8Array): Head | undefined {
    const last = store.topics.get(toHex(topic))?.at(-1);
    if (last === undefined) return undefined;
    const { statement, hash } = parseEntry(this.primitives, last);
    return { position: statement.position, hash };
  }
}

class MemoryEnd implements RelayEnd {
  readonly send: (frame: RelayFrame) => void;
  private readonly relay: MemoryRelay;
  private readonly line: Line;
  private readonly gone: () => void;
  private readonly cursors = new Map<string, { readonly topic: Uint8Array; next: number }>();
  private told: Uint8Array | undefined;

  constructor(relay: MemoryRelay, line: Line, send: (frame: RelayFrame) => void, gone: () => void) {
    this.relay = relay;
    this.line = line;
    this.gone = gone;
    // In the next turn at the earliest: whoever opened this connection has to be ready.
    this.send = (frame) => void setImmediate(send, frame);
  }

  receive(bytes: Uint8Array): void {
    void this.answer(parseRequest(bytes)).then((frame) => this.send(frame));
  }

  end(): void {
    this.gone();
  }

  push(): void {
    for (const cursor of this.cursors.values()) {
      const wires = this.store.topics.get(toHex(cursor.topic)) ?? [];
      for (; cursor.next < wires.length; cursor.next += 1) {
        this.send({ kind: 'push-entry', topic: cursor.topic, entry: wires[cursor.next] ?? new Uint8Array() });
      }
    }
    const { pulse } = this.store;
    if (pulse !== undefined && pulse !== this.told) this.send({ kind: 'push-pulse', pulse });
    this.told = pulse;
  }

  private get store(): MemoryStore {
    return this.relay.storeOf(this.line);
  }

  private append(topic: Uint8Array, wire: Uint8Array, id: number): RelayFrame {
    const wires = this.store.topics.get(toHex(topic)) ?? [];
    const head = this.relay.headOf(this.store, topic);
    const { position } = parseEntry(this.relay.primitives, wire).statement;
    if (position !== wires.length) return { kind: 'conflict', id, ...(head !== undefined && { head }) };
    this.store.topics.set(toHex(topic), [...wires, wire]);
    return { kind: 'ok', id };
  }

  private async answer(request: RelayRequest): Promise<RelayFrame> {
    const { id } = request;
    switch (request.kind) {
      case 'read': {
        const wires = this.store.topics.get(toHex(request.topic)) ?? [];
        const head = this.relay.headOf(this.store, request.topic);
        return {
          kind: 'entries',
          id,
          entries: wires.slice(request.from, request.from + request.max),
          ...(head !== undefined && { head }),
        };
      }
      case 'append':
        return this.append(request.topic, request.entry, id);
      case 'watch':
        for (const { topic, from } of request.topics) this.cursors.set(toHex(topic), { topic, next: from });
        return { kind: 'ok', id };
      case 'lockbox-get': {
        const sealed = this.store.lockboxes.get(placeOf(request));
        return { kind: 'lockbox', id, ...(sealed !== undefined && { sealed }) };
      }
      case 'pulse-get': {
        const { pulse } = this.store;
        this.told = pulse;
        return { kind: 'pulse', id, ...(pulse !== undefined && { pulse }) };
      }
      case 'fresh':
        return {
          kind: 'freshness',
          id,
          freshness: await this.relay.fresh(request.nonce, this.relay.headOf(this.store, controlTopic)),
        };
      case 'witness-add':
        return { id, ...(await this.relay.witness.add(request)) };
      case 'witness-get':
        return { id, kind: 'witnessed', devices: [...this.relay.witness.devices] };
      case 'shipment-head':
        return { kind: 'shipped', id }; // it takes logs, and keeps none
      default:
        return { kind: 'ok', id };
    }
  }
}
