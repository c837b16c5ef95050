// One command's work as operator: unlocks the key, reads the fleet from the relay itself (never through the daemon), refuses a history
// without the head seen last, writes, and leaves a pulse behind. The key is overwritten at the end, whatever happened.

import { hostname } from 'node:os';
import path from 'node:path';
import {
  parseAccessList,
  verifyAccessListInForce,
  type AccessList,
  type AccessListStatement,
} from '@holdfast/protocol/blind/access-list';
import { controlTopic, parseEntry, type Head } from '@holdfast/protocol/blind/entry';
import { compareHeads, headOf } from '@holdfast/protocol/blind/freshness';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import {
  appendEntry,
  askFreshness,
  getAccessList,
  getLockbox,
  putAccessList,
  putLockbox,
  putPulse,
  readTopic,
} from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange, RelayIdentity } from '@holdfast/protocol/exchange/relay-exchange';
import { makePulse, rekeyFleet, renewAccess, type Composed, type Operator } from '@holdfast/protocol/journal/compose';
import { Replica } from '@holdfast/protocol/journal/replica';
import { currentEpoch, liveAgents, type Agent, type FleetState } from '@holdfast/protocol/journal/state';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { askDaemon, findHome } from '../door-client.ts';
import type { Output } from '../output.ts';
import { passphrase } from '../secrets-input.ts';
import { findAgent } from './find-agent.ts';
import { operatorFacts, rememberSeen, seenBefore, unlockOperator, type OperatorFacts } from './key-file.ts';
import { takeTurn } from './turn.ts';
import { forgetUnsent, keepUnsent, unsentEntries } from './unsent.ts';

const answerWithinMs = 15_000;
/** Two operators at once are rare; five in a row mean something else is wrong. */
const maxAttempts = 5;
const appliedWithinMs = 10_000;

/** A relay connection for the length of one command. Throws `relay_unreachable`, `relay_impostor`. */
export function openRelay(
  relayUrl: string,
  bound: { identity?: RelayIdentity; relayKey?: Uint8Array } = {},
): Promise<RelayExchange> {
  return connectRelay(relayUrl, {
    webSocket: WebSocket,
    primitives: nodePrimitives,
    deadline: (afterMs, expired) => {
      const timer = setTimeout(expired, afterMs);
      return () => clearTimeout(timer);
    },
    answerWithinMs,
    onPush: () => {},
    onClosed: () => {},
    ...bound,
  });
}

/** What this machine calls itself in the device list. */
export const deviceName = (): string => hostname().replace(/\p{C}/gu, '').slice(0, 64) || 'unnamed';

export class OperatorSession {
  readonly facts: OperatorFacts;
  readonly relay: RelayExchange;
  readonly paths: HomePaths;
  private readonly holder: SoftwareKeyHolder;
  private readonly replica: Replica;
  /** The control topic as it was read: entries and their hashes by position. */
  private readonly wires: Uint8Array[] = [];
  private readonly hashes: Uint8Array[] = [];

  private constructor(paths: HomePaths, facts: OperatorFacts, holder: SoftwareKeyHolder, relay: RelayExchange) {
    this.paths = paths;
    this.facts = facts;
    this.holder = holder;
    this.relay = relay;
    const pinned = seenBefore(paths.operator)?.control;
    this.replica = new Replica({
      primitives: nodePrimitives,
      holder,
      self: facts.device,
      fleet: facts.fleet,
      lockboxes: (place) => getLockbox(relay, place),
      ...(pinned !== undefined && { pinned }),
    });
  }

  /** Throws `operator_absent`, `passphrase_wrong`, `relay_*`, and the entry's own code for a history that does not hold. */
  static async open(paths: HomePaths, phrase: Uint8Array): Promise<OperatorSession> {
    const holder = await unlockOperator(paths.operator, phrase);
    try {
      return await OperatorSession.connect(paths, holder);
    } catch (thrown) {
      holder.wipe(); // [OPKEY-5]
      throw thrown;
    }
  }

  /** With a key that is unlocked already; `disconnect` leaves it to the caller, `close` overwrites it. Throws as `open`. */
  static async connect(paths: HomePaths, holder: SoftwareKeyHolder): Promise<OperatorSession> {
    const facts = operatorFacts(paths.operator);
    const identity = { fleet: facts.fleet, principal: facts.device, holder };
    const relay = await openRelay(facts.relayUrl, { identity, relayKey: facts.relayKey });
    const session = new OperatorSession(paths, facts, holder, relay);
    try {
      await session.catchUp();
      await session.finishOthersWork();
      return session;
    } catch (thrown) {
      session.disconnect();
      throw thrown;
    }
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

  get operator(): Operator {
    return {
      primitives: nodePrimitives,
      replica: this.replica,
      device: this.facts.device,
      holder: this.holder,
      nowMs: Date.now(),
    };
  }

  /** Throws `agent_unknown`, `agent_ambiguous`. */
  agent(name: string): Agent {
    return findAgent(this.state.agents.values(), name);
  }

  /** The secret of an item, as bytes; the caller overwrites it. */
  openSecret(item: Uint8Array): Promise<Uint8Array> {
    const wire = this.wires[this.state.items.get(toHex(item))?.position ?? -1];
    if (wire === undefined)
      throw new HoldfastError('item_unknown', 'there is no such credential', { next: 'see: holdfast vault list' });
    return this.replica.openSecret(item, wire);
  }

  /** The version of the access list in force. */
  async accessVersion(): Promise<number> {
    return (await this.accessList()).version;
  }

  async readAgentTopic(agent: Uint8Array): Promise<void> {
    for await (const wire of readTopic(this.relay, agent, 0)) await this.replica.ingest(agent, [wire]);
  }

  /** Composes and sends, one command of this machine at a time; when another operator was faster, reads what came and composes again. */
  async write<C extends Composed & { readonly access?: AccessList }>(compose: (operator: Operator) => Promise<C>): Promise<C> {
    const release = await takeTurn(path.join(this.paths.operator, 'lock.db'));
    try {
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        await this.catchUp();
        await this.sendUnsent();
        const composed = await compose(this.operator);
        for (const { wire, ...place } of composed.lockboxes) await putLockbox(this.relay, place, wire);
        if (await this.send(composed.entries.map(({ wire }) => wire))) {
          if (composed.access !== undefined) await this.putAccess(composed.access);
          return composed;
        }
      }
    } finally {
      release();
    }
    throw new HoldfastError('relay_refused', 'the fleet changed again and again meanwhile', { next: 'try again' });
  }

  /**
   * A command that was killed, or whose relay lost what it sent, may have written an entry and not what goes with it. The access list and the fleet's epoch follow from the
   * state: an agent that is revoked must neither reach the relay nor have the fleet's current key.
   */
  private async finishOthersWork(): Promise<void> {
    if (unsentEntries(this.paths.operator).length === 0 && !this.isAccessBehind(await this.accessList()) && !this.isEpochBehind)
      return;
    await this.write(async (operator) => {
      const listed = await this.accessList();
      if (this.isAccessBehind(listed)) await this.putAccess(await renewAccess(operator, listed.version)); // [CLI-18]
      return this.isEpochBehind ? rekeyFleet(operator) : { lockboxes: [], entries: [] }; // [CLI-18]
    });
  }

  private isAccessBehind(listed: AccessListStatement): boolean {
    const ids = (members: readonly { readonly id: Uint8Array }[]) =>
      members
        .map(({ id }) => toHex(id))
        .toSorted()
        .join();
    return ids(listed.agents) !== ids(liveAgents(this.state));
  }

  private get isEpochBehind(): boolean {
    const revokedAt = Math.max(-1, ...[...this.state.agents.values()].map(({ revoked }) => revoked?.position ?? -1));
    return (currentEpoch(this.state, 'fleet')?.position ?? 0) < revokedAt;
  }

  /** The list in force, believed only as far as its signature goes. [ACCESS-9] */
  private async accessList(): Promise<AccessListStatement> {
    const wire = await getAccessList(this.relay);
    if (wire === undefined)
      throw new HoldfastError('access_stale', 'the relay has no access list of this fleet', { next: "check the relay's data" }); // [ACCESS-9]
    const devices = [...this.state.devices.values()].map(({ id, keys }) => ({ id, sign: keys.sign }));
    const known = { fleet: this.facts.fleet, devices, seen: seenBefore(this.paths.operator)?.access ?? 1 };
    const { statement } = await verifyAccessListInForce(nodePrimitives, parseAccessList(wire), known);
    rememberSeen(this.paths.operator, { control: this.head, access: statement.version });
    return statement;
  }

  private async putAccess(access: AccessList): Promise<void> {
    await putAccessList(this.relay, access);
    rememberSeen(this.paths.operator, { control: this.head, access: access.statement.version });
  }

  /** What an earlier command signed and could not see arrive. */
  private async sendUnsent(): Promise<void> {
    const wires = unsentEntries(this.paths.operator);
    const first = wires[0] && parseEntry(nodePrimitives, wires[0]);
    if (first === undefined) return;
    const ours = this.hashes[first.statement.position];
    if (ours !== undefined && !equalBytes(ours, first.hash)) forgetUnsent(this.paths.operator); // another device was faster
    else await this.send(wires); // [OPKEY-9]
  }

  /** Sends entries and sees them arrive; false when another entry stands in the place of one, and so nothing of it will ever be taken. */
  private async send(wires: readonly Uint8Array[]): Promise<boolean> {
    if (wires.length === 0) return true;
    keepUnsent(this.paths.operator, wires); // [OPKEY-9]
    for (const wire of wires) {
      const entry = parseEntry(nodePrimitives, wire);
      const { position } = entry.statement;
      if ((await appendEntry(this.relay, entry)).kind === 'conflict') {
        await this.catchUp();
        const there = this.hashes[position];
        if (there === undefined)
          throw new HoldfastError('relay_protocol', 'the relay says that another entry came first, and shows none'); // [OPKEY-9]
        if (equalBytes(there, entry.hash)) continue;
        forgetUnsent(this.paths.operator);
        return false;
      }
      if (this.hashes[position] === undefined) await this.take(wire);
    }
    const told = await this.told();
    compareHeads(this.head, told); // [OPKEY-8]
    rememberSeen(this.paths.operator, { control: this.head });
    forgetUnsent(this.paths.operator);
    return true;
  }

  /** The control head over which the relay signs our question. */
  private async told(): Promise<Head | undefined> {
    const { fleet, relayKey } = this.facts;
    return headOf(await askFreshness(this.relay, { fleet, relayKey, topics: [] }), controlTopic);
  }

  private async catchUp(): Promise<void> {
    const before = seenBefore(this.paths.operator)?.control; // and not again below: another command of this machine may see more meanwhile
    const told = await this.told();
    compareHeads(before, told); // [OPKEY-6]
    for await (const wire of readTopic(this.relay, controlTopic, this.hashes.length)) await this.take(wire);
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
    rememberSeen(this.paths.operator, { control: this.head });
  }

  private async take(wire: Uint8Array): Promise<void> {
    const [result] = await this.replica.ingest(controlTopic, [wire]);
    if (result === undefined || result.kind === 'refused') {
      throw new HoldfastError(result?.code ?? 'internal', "the fleet's history does not hold together", { cause: result?.cause });
    }
    if (result.kind === 'duplicate') throw new HoldfastError('relay_protocol', 'the relay shows entries that were not asked for'); // [RELAY-14]
    this.wires.push(wire);
    this.hashes.push(result.hash);
  }

  /** Waits until the daemon of this machine has applied everything written so far: `absent` without one, `late` when it does not hear of it in time. */
  async appliedHere(): Promise<'applied' | 'absent' | 'late'> {
    const { position, hash } = this.head;
    try {
      await askDaemon(
        this.paths,
        { kind: 'await-control', fleet: this.facts.fleet, position, hash, timeoutMs: appliedWithinMs },
        'done',
      );
      return 'applied'; // [CLI-19]
    } catch (thrown) {
      const code = codeOf(thrown);
      if (code === 'daemon_unreachable' || code === 'agent_unknown') return 'absent';
      if (code === 'relay_unreachable') return 'late';
      throw thrown;
    }
  }

  async pulse(): Promise<void> {
    await putPulse(this.relay, await makePulse(this.operator));
  }

  /** Overwrites the fleet's keys, not the operator's. */
  disconnect(): void {
    this.relay.close();
    this.replica.wipe();
  }

  /** Overwrites the keys. */
  close(): void {
    this.disconnect();
    this.holder.wipe(); // [OPKEY-5]
  }
}

/** Runs an operator command: every one of them renews the pulse, and one that could not still did its work. */
export async function asOperator<T>(
  output: Output,
  options: { readonly passphraseFile?: string },
  work: (session: OperatorSession) => Promise<T>,
): Promise<T> {
  const paths = findHome();
  operatorFacts(paths.operator); // says so before it asks for a passphrase
  const phrase = await passphrase(options.passphraseFile, 'Passphrase of the operator key');
  let session: OperatorSession;
  try {
    session = await OperatorSession.open(paths, phrase);
  } finally {
    phrase.fill(0);
  }
  try {
    const result = await work(session);
    await session
      .pulse()
      .catch((thrown: unknown) => output.say(`holdfast: warning: no pulse was made (${codeOf(thrown)}); see: holdfast pulse`)); // [CLI-17]
    return result;
  } finally {
    session.close();
  }
}
