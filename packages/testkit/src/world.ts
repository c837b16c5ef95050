// Named actors over an honest relay in memory: an operator with a device, agents that pair with it, and everything they say to each other
// with the real formats and keys. For story-like tests; hostile relays are scripted by touching `relay`'s maps.

import {
  assertFollows,
  controlTopic,
  noHash,
  parseEntry,
  signEntry,
  type EntryStatement,
  type Head,
  type Tip,
  type UnverifiedEntry,
} from '@holdfast/protocol/blind/entry';
import type { AccessList } from '@holdfast/protocol/blind/access-list';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { makeAnswer, newPairingCode, openOffer, Pairing } from '@holdfast/protocol/identity/pairing';
import { agentPairing, type PairingAnswer } from '@holdfast/protocol/identity/pairing-kind';
import { makeRecoveryCode } from '@holdfast/protocol/identity/recovery';
import { defaultPulseMaxAgeMs, encodeBody, type Body } from '@holdfast/protocol/journal/bodies';
import {
  addItem,
  composeAgentEntry,
  composeGenesis,
  grantItem,
  rekeyFleet,
  type Composed,
  type NewFleet,
  type Operator,
} from '@holdfast/protocol/journal/compose';
import { enrollAgent, revokeAgent } from '@holdfast/protocol/journal/compose-agents';
import { Replica, type Ingested } from '@holdfast/protocol/journal/replica';
import { assertPairedWith, currentEpoch, topicTip } from '@holdfast/protocol/journal/state';
import { signed, type Draftable } from '@holdfast/protocol/journal/warranted';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import { sealBody } from '@holdfast/protocol/seal/body';
import type { LockboxPlace } from '@holdfast/protocol/seal/lockbox';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import type { VaultItem } from '@holdfast/protocol/vault/item';

const startMs = Date.UTC(2026, 0, 1);

/** What a relay that keeps its promises stores. Tests may reach in and break them. */
class HonestRelay {
  readonly topics = new Map<string, Uint8Array[]>();
  readonly lockboxes = new Map<string, Uint8Array>();
  access: AccessList | undefined;

  /** Conditional append: throws `entry_stale`, `entry_gap`, `entry_fork`, `entry_time`. */
  append(entry: UnverifiedEntry): void {
    const wires = this.read(entry.statement.topic);
    const last = wires.at(-1);
    const tip = last === undefined ? undefined : tipOf(parseEntry(nodePrimitives, last));
    assertFollows(tip, entry);
    this.topics.set(toHex(entry.statement.topic), [...wires, entry.wire]);
  }

  read(topic: Uint8Array): readonly Uint8Array[] {
    return this.topics.get(toHex(topic)) ?? [];
  }

  /** Takes what was composed, in the order that composers ask for. */
  accept({ lockboxes, entries, access }: Composed & { readonly access?: AccessList }): void {
    for (const { wire, ...place } of lockboxes) {
      if (this.lockbox(place) === undefined) this.lockboxes.set(placeOf(place), wire); // [RELAY-16]
    }
    for (const entry of entries) this.append(entry);
    if (access !== undefined) this.access = access;
  }

  lockbox(place: LockboxPlace): Uint8Array | undefined {
    return this.lockboxes.get(placeOf(place));
  }
}

export function placeOf({ audience, epoch, keyCommitment, member }: LockboxPlace): string {
  return `${audience}/${epoch}/${toHex(keyCommitment)}/${toHex(member)}`;
}

function tipOf({ statement, hash }: UnverifiedEntry): Tip {
  return { position: statement.position, hash, atMs: statement.atMs };
}

/** One who reads: keys, an id, and a replica fed from the relay. */
export class Reader {
  readonly world: World;
  readonly id: Uint8Array;
  readonly holder: SoftwareKeyHolder;
  readonly replica: Replica;

  constructor(world: World, id: Uint8Array, holder: SoftwareKeyHolder, pinned?: Head, asOperator = false) {
    this.world = world;
    this.id = id;
    this.holder = holder;
    this.replica = world.replica(id, holder, pinned, asOperator);
  }

  /** Reads everything new of control and of all agents' topics. */
  async sync(): Promise<readonly Ingested[]> {
    const { relay } = this.world;
    const from = this.replica.hasBegun ? this.replica.state.control.position + 1 : 0;
    const results = [...(await this.replica.ingest(controlTopic, relay.read(controlTopic).slice(from)))];
    if (!this.replica.hasBegun) return results;
    for (const { id } of this.replica.state.agents.values()) {
      const next = (topicTip(this.replica.state, id)?.position ?? -1) + 1;
      results.push(...(await this.replica.ingest(id, relay.read(id).slice(next))));
    }
    return results;
  }
}

export class OperatorActor extends Reader {
  get operator(): Operator {
    const { primitives } = this.world;
    return { primitives, replica: this.replica, device: this.id, holder: this.holder, nowMs: this.world.tick() };
  }

  /** Composes on the newest state, sends, reads back. */
  async act<T extends Composed & { readonly access?: AccessList }>(compose: (operator: Operator) => Promise<T>): Promise<T> {
    await this.sync();
    const composed = await compose(this.operator);
    this.world.relay.accept(composed);
    await this.sync();
    return composed;
  }

  /** Adds an item and returns its id. */
  async keep(name: string, secret: Uint8Array, terms: Partial<VaultItem> = {}): Promise<Uint8Array> {
    const item: VaultItem = { ...exampleItem(this.world.primitives, name), ...terms };
    await this.act((operator) => addItem(operator, item, secret));
    return item.id;
  }

  /** Grants an item, its secret taken from the entry that added it. */
  async grant(item: Uint8Array, agent: Uint8Array): Promise<Uint8Array> {
    const { relay } = this.world;
    const position = this.replica.state.items.get(toHex(item))?.position ?? 0;
    const secret = await this.replica.openSecret(item, relay.read(controlTopic)[position] ?? new Uint8Array(0));
    return (await this.act((operator) => grantItem(operator, { item, agent, secret }))).grant;
  }

  async revoke(agent: Uint8Array): Promise<void> {
    await this.act((operator) => revokeAgent(operator, { agent, reason: 'test', accessVersion: this.world.accessVersion }));
    await this.act(rekeyFleet);
  }

  /** Signs what no composer would: any body, or bytes that are none, anywhere. For tests of what readers do with it. */
  async forge(
    body: Draftable | Uint8Array,
    change: Partial<EntryStatement> & { readonly key?: Uint8Array } = {},
  ): Promise<UnverifiedEntry> {
    const { primitives } = this.world;
    const { state } = this.replica;
    const { key: given, ...fields } = change;
    const audience = fields.audience ?? 'fleet';
    const epoch = fields.epoch ?? currentEpoch(state, audience)?.epoch ?? 0;
    const key = given ?? (await this.replica.epochKey(audience)).key;
    const { position, hash, atMs } = state.control;
    const toSeal = {
      v: 1,
      fleet: state.fleet,
      topic: controlTopic,
      position: position + 1,
      previous: hash,
      author: this.id,
      atMs,
      ...fields,
      audience,
      epoch,
    } as const;
    const whole = async (said: Draftable): Promise<Body> =>
      'warrant' in said ? (said as Body) : signed(this.holder, toSeal, said);
    const plain = body instanceof Uint8Array ? body : encodeBody(await whole(body));
    return signEntry(primitives, this.holder, { ...(await sealBody(primitives, key, toSeal, plain)), ...fields });
  }
}

export class AgentActor extends Reader {
  /** Appends to its own topic. */
  async write(body: Extract<Body, { kind: 'checkpoint' | 'enrolled' | 'new-keys' }>): Promise<UnverifiedEntry> {
    const { primitives, relay } = this.world;
    await this.sync();
    const { replica, id, holder } = this;
    const entry = await composeAgentEntry({ primitives, replica, id, holder, nowMs: this.world.tick() }, body);
    relay.append(entry);
    await this.sync();
    return entry;
  }
}

export class World {
  readonly primitives: Primitives;
  readonly relay = new HonestRelay();
  readonly fleet: Uint8Array;
  readonly operator: OperatorActor;
  readonly relayKeys: SoftwareKeyHolder;
  readonly recoveryCode: string;
  #nowMs = startMs;

  private constructor(
    primitives: Primitives,
    fleet: NewFleet,
    keys: { holder: SoftwareKeyHolder; relay: SoftwareKeyHolder },
    recoveryCode: string,
  ) {
    this.primitives = primitives;
    this.fleet = fleet.fleet;
    this.relayKeys = keys.relay;
    this.recoveryCode = recoveryCode;
    this.operator = new OperatorActor(this, fleet.device, keys.holder);
    this.relay.accept(fleet);
  }

  /** A fleet with one operator device, read and ready. */
  static async begin(primitives: Primitives = nodePrimitives): Promise<World> {
    const holder = await SoftwareKeyHolder.generate(primitives);
    const relayKeys = await SoftwareKeyHolder.generate(primitives);
    const recovery = await makeRecoveryCode(primitives);
    const made = await composeGenesis(primitives, {
      name: 'home',
      deviceName: 'laptop',
      holder,
      recovery: recovery.keys.publicKeys,
      relayKey: relayKeys.publicKeys.sign,
      pulseMaxAgeMs: defaultPulseMaxAgeMs,
      nowMs: startMs,
    });
    const world = new World(primitives, made, { holder, relay: relayKeys }, recovery.code);
    await world.operator.sync();
    return world;
  }

  /** Each call is a second later: tests have a clock, and it only goes forward. */
  tick(): number {
    this.#nowMs += 1000;
    return this.#nowMs;
  }

  get accessVersion(): number {
    return this.relay.access?.statement.version ?? 0;
  }

  get genesis(): Uint8Array {
    return this.relay.read(controlTopic)[0] ?? noHash;
  }

  /** Where the lockbox of a member is, by the history as the operator has read it. */
  lockboxPlace(audience: string, epoch: number, member: Uint8Array): LockboxPlace {
    const started = this.operator.replica.state.audiences.get(audience)?.find((each) => each.epoch === epoch);
    if (started === undefined) throw new Error(`no epoch ${epoch} of ${audience}`);
    return { audience, epoch, keyCommitment: started.keyCommitment, member };
  }

  replica(self: Uint8Array, holder: SoftwareKeyHolder, pinned?: Head, asOperator = false): Replica {
    const lockboxes = async (place: LockboxPlace) => this.relay.lockbox(place);
    return new Replica({ primitives: this.primitives, holder, self, fleet: this.fleet, lockboxes, pinned, asOperator });
  }

  /** Pairs a new agent as both sides do it, and reads its fleet. */
  async enroll(scope: string): Promise<AgentActor> {
    const { primitives, operator } = this;
    const holder = await SoftwareKeyHolder.generate(primitives);
    const terms = {
      agent: primitives.random(16),
      scope,
      machine: `machine of ${scope}`,
      custody: 'software',
      capabilities: [],
    } as const;
    const code = newPairingCode(primitives, agentPairing);
    const pairing = await Pairing.begin(primitives, agentPairing, holder, terms, { code: code.slice(), monotonicMs: 0 });

    const opened = await openOffer(primitives, agentPairing, code, pairing.sealedOffer);
    await operator.act((author) =>
      enrollAgent(author, {
        offer: opened.offer,
        evidence: 'claimed',
        statusUri: 'https://relay.example/status',
        accessVersion: this.accessVersion,
      }),
    );
    const { position, hash } = operator.replica.state.control;
    const device = { id: operator.id, holder: operator.holder };
    const relayKey = this.relayKeys.publicKeys.sign;
    const about = { code, fleet: this.fleet, genesis: this.genesis, control: { position, hash }, relay: relayKey };
    const answer: PairingAnswer = await pairing.openAnswer(await makeAnswer(primitives, device, opened, about), 1000);

    const agent = new AgentActor(this, terms.agent, holder, answer.control);
    await agent.sync();
    assertPairedWith(agent.replica.state, answer);
    return agent;
  }
}

/** Terms that fit any secret: a bearer token for one host. */
export function exampleItem(primitives: Primitives, name: string): VaultItem {
  return {
    id: primitives.random(16),
    name,
    attach: { kind: 'bearer' },
    fence: { hosts: [{ host: 'api.example.com', port: 443 }], methods: ['GET'], paths: ['/v1/**'], allowPrivate: false },
  };
}
