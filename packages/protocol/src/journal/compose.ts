// What is written into the journal, spec/journal.md: each act of an operator or an agent as signed entries, with the lockboxes and the access
// list that go with them. Everything composed is reduced on the author's own replica first: nothing leaves that readers would reject.
//
// The order to send in: lockboxes, entries, access list. Readers then find every key, and a revoked agent still hears that it is.
// When an append conflicts, ingest what came and compose again.

import { equalBytes, toHex } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import { signAccessList, type AccessList } from '../blind/access-list.ts';
import { controlTopic, noHash, parseEntry, signEntry, verifyEntry, type Head, type Tip, type UnverifiedEntry } from '../blind/entry.ts';
import type { PairingOffer } from '../blind/pairing-offer.ts';
import { signPulse, type Pulse } from '../blind/pulse.ts';
import { confirmationOf, credentialLifeMs, deviceIdOf, issueCredential } from '../identity/credential.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import type { PublicKeys } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { commitToKey, epochKeyBytes, sealBody } from '../seal/body.ts';
import { sealTo } from '../seal/hpke.ts';
import { makeLockbox, sealPreviousKey } from '../seal/lockbox.ts';
import { assertSecretFits } from '../vault/attach.ts';
import type { EgressRule } from '../vault/egress.ts';
import type { VaultItem } from '../vault/item.ts';
import { agentAudience, encodeBody, type Body, type BodyOf } from './bodies.ts';
import { reduce } from './reduce.ts';
import type { Replica } from './replica.ts';
import { currentEpoch, isLive, liveAgents, membersOf, topicTip, type FleetState, type Member } from './state.ts';
import { opened } from './verify.ts';

/** A lockbox and its place at the relay. */
export interface PlacedLockbox {
  readonly audience: string;
  readonly epoch: number;
  readonly member: Uint8Array;
  readonly wire: Uint8Array;
}

export interface Composed {
  readonly lockboxes: readonly PlacedLockbox[];
  /** In the order in which they must be appended. */
  readonly entries: readonly UnverifiedEntry[];
}

/** An operator device that writes. `replica` is its own, read up to the relay's head. */
export interface Operator {
  readonly primitives: Primitives;
  readonly replica: Replica;
  readonly device: Uint8Array;
  readonly holder: KeyHolder;
  /** The author's wall clock; entries are never dated before their predecessor. */
  readonly nowMs: number;
}

interface Place {
  readonly fleet: Uint8Array;
  readonly topic: Uint8Array;
  readonly tip: Tip | undefined;
  readonly author: Uint8Array;
  readonly holder: KeyHolder;
  readonly control?: Head;
  readonly audience: string;
  readonly epoch: number;
  readonly nowMs: number;
}

/** Seals and signs one entry for the place after `tip`. `key` stays the caller's. Throws `codec_*`. */
async function composeEntry(primitives: Primitives, place: Place, key: Uint8Array, body: Body): Promise<UnverifiedEntry> {
  const { fleet, topic, tip, author, holder, control, audience, epoch, nowMs } = place;
  const plain = encodeBody(body);
  const toSeal = {
    v: 1,
    fleet,
    topic,
    position: tip === undefined ? 0 : tip.position + 1,
    previous: tip?.hash ?? noHash,
    author,
    atMs: Math.max(nowMs, tip?.atMs ?? 0), // [ENTRY-8]
    ...(control === undefined ? {} : { control }),
    audience,
    epoch,
  } as const;
  try {
    return await signEntry(primitives, holder, await sealBody(primitives, key, toSeal, plain));
  } finally {
    plain.fill(0);
  }
}

/** Several entries after one another, each checked by the rules that readers will hold against it. */
class Draft {
  readonly #operator: Operator;
  readonly #lockboxes: PlacedLockbox[] = [];
  readonly #entries: UnverifiedEntry[] = [];
  /** Epochs that this draft starts. */
  readonly #started = new Map<string, { readonly epoch: number; readonly key: Uint8Array }>();
  state: FleetState;

  constructor(operator: Operator) {
    this.#operator = operator;
    this.state = operator.replica.state;
  }

  async write(audience: string, body: Body): Promise<void> {
    const { epoch, key } = this.#started.get(audience) ?? (await this.#operator.replica.epochKey(audience));
    try {
      await this.#append(audience, epoch, key, body);
    } finally {
      if (!this.#started.has(audience)) key.fill(0);
    }
  }

  /** The next epoch of an audience with a key of its own, sealed to exactly its members. [AUDIENCE-3] [AUDIENCE-7] */
  async startEpoch(audience: string): Promise<void> {
    const { primitives, replica } = this.#operator;
    const members = membersOf(this.state, audience) ?? [];
    const before = currentEpoch(this.state, audience);
    const epoch = before === undefined ? 0 : before.epoch + 1;
    const key = primitives.random(epochKeyBytes);
    this.#started.set(audience, { epoch, key });
    const name = { fleet: this.state.fleet, audience, epoch };
    const body: BodyOf<'epoch'> = { kind: 'epoch', members: members.map(({ id }) => id) };
    if (before === undefined) await this.#append(audience, epoch, key, body);
    else {
      const previous = await replica.epochKey(audience);
      const previousKey = await sealPreviousKey(primitives, name, key, previous.key);
      previous.key.fill(0);
      await this.#append(audience, epoch, key, { ...body, previousKey });
    }
    for (const member of members) await this.#addLockbox(audience, epoch, key, member);
  }

  /** Lets a member that came later open the current epoch, and through it the ones before. */
  async admit(audience: string, member: Member): Promise<void> {
    const { epoch, key } = await this.#operator.replica.epochKey(audience);
    await this.#addLockbox(audience, epoch, key, member);
    key.fill(0);
  }

  composed(): Composed {
    return { lockboxes: this.#lockboxes, entries: this.#entries };
  }

  wipe(): void {
    for (const { key } of this.#started.values()) key.fill(0);
  }

  async #append(audience: string, epoch: number, key: Uint8Array, body: Body): Promise<void> {
    const { primitives, device, holder, nowMs } = this.#operator;
    const { fleet, control } = this.state;
    const place = { fleet, topic: controlTopic, tip: control, author: device, holder, audience, epoch, nowMs };
    const entry = await composeEntry(primitives, place, key, body);
    const verified = await verifyEntry(primitives, entry, holder.publicKeys.sign);
    const next = reduce(this.state, opened(verified, { kind: 'body', body }));
    const rejection = next.rejected.at(-1);
    if (rejection?.position === entry.statement.position) {
      throw new HoldfastError(rejection.code, `the ${body.kind} entry would be rejected by every reader`); // [JOURNAL-20]
    }
    this.state = next;
    this.#entries.push(entry);
  }

  async #addLockbox(audience: string, epoch: number, key: Uint8Array, { id, seal }: Member): Promise<void> {
    const name = { fleet: this.state.fleet, audience, epoch };
    const wire = await makeLockbox(this.#operator.primitives, name, { member: id, recipient: seal }, key);
    this.#lockboxes.push({ audience, epoch, member: id, wire });
  }
}

async function drafted(operator: Operator, write: (draft: Draft) => Promise<void>): Promise<Composed & { readonly state: FleetState }> {
  const draft = new Draft(operator);
  try {
    await write(draft);
    return { ...draft.composed(), state: draft.state };
  } finally {
    draft.wipe();
  }
}

/** The list of who may use the fleet's topics after `state`. `version` is the one in force at the relay plus 1. */
async function accessAfter(operator: Operator, state: FleetState, version: number): Promise<AccessList> {
  const member = ({ id, keys }: { id: Uint8Array; keys: PublicKeys }) => ({ id, sign: keys.sign });
  return signAccessList(operator.holder, operator.device, {
    v: 1,
    fleet: state.fleet,
    version,
    atMs: operator.nowMs,
    devices: [...state.devices.values()].map(member),
    agents: liveAgents(state).map(member),
  });
}

export interface NewFleet extends Composed {
  readonly fleet: Uint8Array;
  readonly genesis: UnverifiedEntry;
  readonly device: Uint8Array;
  /** Version 1; goes to the relay together with the genesis entry, before the lockboxes. */
  readonly access: AccessList;
}

/** Makes a fleet: its genesis entry, both first epochs, the first access list. Throws `codec_*`. */
export async function composeGenesis(
  primitives: Primitives,
  terms: {
    readonly name: string;
    readonly deviceName: string;
    /** The first device's keys. */
    readonly holder: KeyHolder;
    /** Public keys of the recovery code. */
    readonly recovery: PublicKeys;
    /** The relay's signing key. */
    readonly relayKey: Uint8Array;
    readonly pulseMaxAgeMs: number;
    readonly nowMs: number;
  },
): Promise<NewFleet> {
  const { name, deviceName, holder, recovery, relayKey, pulseMaxAgeMs, nowMs } = terms;
  const device = { id: deviceIdOf(primitives, holder.publicKeys.sign), name: deviceName, keys: holder.publicKeys };
  const keys = new Map(['fleet', 'operators'].map((audience) => [audience, primitives.random(epochKeyBytes)] as const));
  const [fleetKey = noHash, operatorsKey = noHash] = keys.values();
  const body: BodyOf<'genesis'> = {
    kind: 'genesis',
    name,
    device,
    recovery: { id: primitives.random(16), keys: recovery },
    relay: { key: relayKey },
    operators: commitToKey(primitives, operatorsKey),
    pulseMaxAgeMs,
  };
  const place = { fleet: noHash, topic: controlTopic, tip: undefined, author: device.id, holder, audience: 'fleet', epoch: 0, nowMs };
  try {
    const genesis = await composeEntry(primitives, place, fleetKey, body);
    const fleet = genesis.hash;
    const lockboxes: PlacedLockbox[] = [];
    for (const [audience, key] of keys) {
      for (const member of [device, body.recovery]) {
        const wire = await makeLockbox(primitives, { fleet, audience, epoch: 0 }, { member: member.id, recipient: member.keys.seal }, key);
        lockboxes.push({ audience, epoch: 0, member: member.id, wire });
      }
    }
    const devices = [{ id: device.id, sign: device.keys.sign }];
    const access = await signAccessList(holder, device.id, { v: 1, fleet, version: 1, atMs: nowMs, devices, agents: [] });
    return { fleet, genesis, device: device.id, access, lockboxes, entries: [genesis] };
  } finally {
    for (const key of keys.values()) key.fill(0);
  }
}

/**
 * Enrols the agent of an offer that an operator approved: its entry, the audience that it shares with the operators, its way into the
 * fleet's. `accessVersion`: of the list in force. Throws `agent_taken`, `limit_exceeded`.
 */
export async function enrollAgent(
  operator: Operator,
  { offer, genesis, accessVersion }: { readonly offer: PairingOffer; readonly genesis: Uint8Array; readonly accessVersion: number },
): Promise<Composed & { readonly access: AccessList }> {
  const { primitives, device, holder, nowMs, replica } = operator;
  const { agent: id, scope, machine, keys, custody, capabilities } = offer;
  const { fleet, control } = replica.state;
  const credential = await issueCredential(holder, {
    v: 1,
    fleet,
    agent: id,
    confirm: confirmationOf(primitives, keys),
    scope,
    machine,
    custody,
    capabilities,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + credentialLifeMs,
    statusIndex: control.position + 1,
    issuer: { device, sign: holder.publicKeys.sign },
    genesis: parseEntry(primitives, genesis).statementBytes,
  });
  const { state, ...composed } = await drafted(operator, async (draft) => {
    await draft.write('fleet', { kind: 'agent-enroll', agent: { id, scope, machine, keys, custody, capabilities }, credential });
    await draft.startEpoch(agentAudience(id));
    await draft.admit('fleet', { id, seal: keys.seal });
  });
  return { ...composed, access: await accessAfter(operator, state, accessVersion + 1) };
}

/**
 * Revokes at once: the acting entry and the access list without the agent. The last entry of its topic that the replica has read is the
 * last that counts, so read that topic first. `rekeyFleet` follows. Throws `agent_unknown`, `agent_revoked`.
 */
export async function revokeAgent(
  operator: Operator,
  { agent, reason, accessVersion }: { readonly agent: Uint8Array; readonly reason: string; readonly accessVersion: number },
): Promise<Composed & { readonly access: AccessList }> {
  const tip = topicTip(operator.replica.state, agent);
  const last = tip && { position: tip.position, hash: tip.hash };
  const body: BodyOf<'agent-revoke'> = { kind: 'agent-revoke', agent, reason };
  const { state, ...composed } = await drafted(operator, (draft) => draft.write('fleet', last === undefined ? body : { ...body, last }));
  return { ...composed, access: await accessAfter(operator, state, accessVersion + 1) };
}

/** Starts the fleet's next epoch for those who are members now: after a revocation has been appended and ingested. */
export async function rekeyFleet(operator: Operator): Promise<Composed> {
  return plain(await drafted(operator, (draft) => draft.startEpoch('fleet')));
}

/** `secret` stays the caller's to overwrite. Throws `secret_unfit`, `name_taken`, `id_taken`, `codec_*`. */
export async function addItem(operator: Operator, item: VaultItem, secret: Uint8Array): Promise<Composed> {
  assertSecretFits(secret, item.attach);
  return plain(await drafted(operator, (draft) => draft.write('operators', { kind: 'item-add', item, secret })));
}

/** Removes an item and ends every grant of it; upstream the secret lives on until it is rotated there. Throws `item_unknown`. */
export async function removeItem(operator: Operator, item: Uint8Array): Promise<Composed> {
  const { grants } = operator.replica.state;
  const held = [...grants.values()].flatMap((granted) => [...granted.values()]);
  return plain(
    await drafted(operator, async (draft) => {
      for (const each of held) {
        if (equalBytes(each.item, item)) await draft.write(agentAudience(each.agent), { kind: 'grant-end', grant: each.grant });
      }
      await draft.write('operators', { kind: 'item-remove', item });
    }),
  );
}

/**
 * Grants an item to an agent: its terms, and its secret sealed to that agent's key alone. `secret` (from `replica.openSecret`) stays the
 * caller's to overwrite. Throws `item_unknown`, `agent_unknown`, `agent_revoked`, `name_taken`.
 */
export async function grantItem(
  operator: Operator,
  { item: itemId, agent: agentId, secret }: { readonly item: Uint8Array; readonly agent: Uint8Array; readonly secret: Uint8Array },
): Promise<Composed & { readonly grant: Uint8Array }> {
  const { primitives, replica } = operator;
  const { fleet, items, agents } = replica.state;
  const item = items.get(toHex(itemId));
  if (item === undefined) throw new HoldfastError('item_unknown', 'there is no such item', { next: 'see: holdfast vault list' }); // [JOURNAL-14]
  const agent = agents.get(toHex(agentId));
  if (agent === undefined) throw new HoldfastError('agent_unknown', 'there is no such agent', { next: 'see: holdfast agents' });
  if (!isLive(replica.state, agentId)) throw new HoldfastError('agent_revoked', 'the agent is revoked'); // nothing is sealed to it any more
  const grant = primitives.random(16);
  const sealed = await sealTo(primitives, agent.keys.seal, { kind: 'grant', fleet, grant, item: itemId, agent: agentId }, secret);
  const { id, name, attach, fence, env } = item;
  const terms = { grant, item: id, name, agent: agentId, attach, fence, sealed };
  const granted = env === undefined ? terms : { ...terms, env };
  const composed = await drafted(operator, (draft) => draft.write(agentAudience(agentId), { kind: 'grant', granted }));
  return { ...plain(composed), grant };
}

/** Throws `grant_unknown`. */
export async function endGrant(operator: Operator, { agent, grant }: { readonly agent: Uint8Array; readonly grant: Uint8Array }): Promise<Composed> {
  return plain(await drafted(operator, (draft) => draft.write(agentAudience(agent), { kind: 'grant-end', grant })));
}

/** Throws `name_taken` when the host and port are open already, `agent_unknown`, `agent_revoked`. */
export async function allowEgress(operator: Operator, rule: Omit<EgressRule, 'id'>): Promise<Composed & { readonly rule: Uint8Array }> {
  const id = operator.primitives.random(16);
  const composed = await drafted(operator, (draft) => draft.write(agentAudience(rule.agent), { kind: 'egress-allow', rule: { ...rule, id } }));
  return { ...plain(composed), rule: id };
}

/** Throws `egress_unknown`. */
export async function endEgress(operator: Operator, { agent, rule }: { readonly agent: Uint8Array; readonly rule: Uint8Array }): Promise<Composed> {
  return plain(await drafted(operator, (draft) => draft.write(agentAudience(agent), { kind: 'egress-end', rule })));
}

function plain({ lockboxes, entries }: Composed): Composed {
  return { lockboxes, entries };
}

/** "I am here, and this is the control head." */
export async function makePulse({ primitives, replica, device, holder, nowMs }: Operator): Promise<Pulse> {
  const { fleet, control } = replica.state;
  const head = { position: control.position, hash: control.hash };
  return signPulse(holder, { v: 1, fleet, id: primitives.random(16), device, atMs: nowMs, control: head });
}

/** The next entry of an agent's own topic, for the agent and the operators. Throws `agent_unknown`, `agent_revoked`, `epoch_key_missing`. */
export async function composeAgentEntry(
  agent: { readonly primitives: Primitives; readonly replica: Replica; readonly id: Uint8Array; readonly holder: KeyHolder; readonly nowMs: number },
  body: BodyOf<'checkpoint'> | BodyOf<'enrolled'>,
): Promise<UnverifiedEntry> {
  const { primitives, replica, id, holder, nowMs } = agent;
  const { state } = replica;
  const found = state.agents.get(toHex(id));
  if (found === undefined) throw new HoldfastError('agent_unknown', 'this agent is not enrolled');
  if (found.revoked !== undefined) throw new HoldfastError('agent_revoked', 'this agent is revoked: it writes no more');
  const audience = agentAudience(id);
  const { epoch, key } = await replica.epochKey(audience);
  const control = { position: state.control.position, hash: state.control.hash };
  const place = { fleet: state.fleet, topic: id, tip: topicTip(state, id), author: id, holder, control, audience, epoch, nowMs };
  try {
    return await composeEntry(primitives, place, key, body);
  } finally {
    key.fill(0);
  }
}
