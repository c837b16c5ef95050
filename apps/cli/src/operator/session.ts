// One command's work as operator: unlocks the key, reads the fleet from the relay itself (never through the daemon), finishes what a killed
// command began, writes, and leaves a pulse behind. The key is overwritten at the end, whatever happened.

import {
  parseAccessList,
  verifyAccessListInForce,
  type AccessList,
  type AccessListStatement,
} from '@holdfast/protocol/blind/access-list';
import { parseEntry, type Head } from '@holdfast/protocol/blind/entry';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import {
  appendEntry,
  getAccessList,
  putAccessList,
  putLockbox,
  putPulse,
  putStatusList,
  readTopic,
} from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { makePulse, type Composed, type Operator } from '@holdfast/protocol/journal/compose';
import { audiencesBehind, rekey } from '@holdfast/protocol/journal/compose-devices';
import { statusUriOf } from '@holdfast/protocol/identity/status-list';
import { dueForRenewal, makeStatusList, renewAccess, renewCredentials } from '@holdfast/protocol/journal/compose-agents';
import { actingAgents, isLinked, type Agent, type Device, type FleetState } from '@holdfast/protocol/journal/state';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { askDaemon, findHome } from '../door-client.ts';
import { visible, type Output } from '../output.ts';
import { passphrase } from '../secrets-input.ts';
import { ControlHistory } from './control-history.ts';
import { DeviceWitness } from './device-witness.ts';
import { findAgent } from './find-agent.ts';
import { hasOperator, operatorFacts, rememberSeen, seenBefore, unlockOperator, type OperatorFacts } from './key-file.ts';
import { openRelay, type RelayEvents } from './relay.ts';
import { takeOperatorTurn } from './turn.ts';
import { forgetUnsent, keepUnsent, unsentEntries, unsentFile } from './unsent.ts';

/** Two operators at once are rare; five in a row mean something else is wrong. */
const maxAttempts = 5;
const appliedWithinMs = 10_000;

export class OperatorSession {
  readonly facts: OperatorFacts;
  readonly relay: RelayExchange;
  readonly paths: HomePaths;
  private readonly holder: SoftwareKeyHolder;
  private readonly history: ControlHistory;
  private readonly unsent: string;

  private constructor(paths: HomePaths, facts: OperatorFacts, holder: SoftwareKeyHolder, relay: RelayExchange) {
    this.paths = paths;
    const { operator } = paths;
    const isDevice = hasOperator(operator) && equalBytes(operatorFacts(operator).device, facts.device);
    this.unsent = unsentFile(operator, isDevice ? 'device' : 'code');
    this.facts = facts;
    this.holder = holder;
    this.relay = relay;
    this.history = new ControlHistory(paths.operator, facts, holder, relay);
  }

  /** Throws `operator_absent`, `passphrase_wrong`, `relay_*`, and the entry's own code for a history that does not hold. */
  static async open(paths: HomePaths, phrase: Uint8Array, events: RelayEvents = {}): Promise<OperatorSession> {
    const holder = await unlockOperator(paths.operator, phrase);
    try {
      return await OperatorSession.connect(paths, holder, events);
    } catch (thrown) {
      holder.wipe(); // [OPKEY-5]
      throw thrown;
    }
  }

  /** With a key that is unlocked already; `disconnect` leaves it to the caller, `close` overwrites it. Throws as `open`. */
  static async connect(paths: HomePaths, holder: SoftwareKeyHolder, events: RelayEvents = {}): Promise<OperatorSession> {
    const facts = operatorFacts(paths.operator);
    const session = await OperatorSession.read(paths, facts, holder, events);
    try {
      await session.finishOthersWork();
      return session;
    } catch (thrown) {
      session.disconnect();
      throw thrown;
    }
  }

  /** Reads the fleet as whoever `facts` and `holder` say, a recovery code for example, and writes nothing. Throws as `open`. */
  static async read(
    paths: HomePaths,
    facts: OperatorFacts,
    holder: SoftwareKeyHolder,
    events: RelayEvents = {},
  ): Promise<OperatorSession> {
    const identity = { fleet: facts.fleet, principal: facts.device, holder };
    const relay = await openRelay(facts.relayUrl, { identity, relayKey: facts.relayKey, ...events });
    const session = new OperatorSession(paths, facts, holder, relay);
    try {
      await session.history.catchUp();
      return session;
    } catch (thrown) {
      session.disconnect();
      throw thrown;
    }
  }

  get state(): FleetState {
    return this.history.state;
  }

  /** Operator devices that came since a command of this machine last looked. */
  get newDevices(): readonly Device[] {
    const seen = this.history.seenBefore?.position ?? Number.MAX_SAFE_INTEGER;
    return [...this.state.devices.values()].filter(({ position }) => position > seen);
  }

  get head(): Head {
    return this.history.head;
  }

  get genesis(): Uint8Array {
    return this.history.genesis;
  }

  get operator(): Operator {
    return {
      primitives: nodePrimitives,
      replica: this.history.replica,
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
    return this.history.openSecret(item);
  }

  /** This device as a witness of logs, which the caller closes. Throws `already_running`, `key_invalid`, `store_failed`. */
  openWitness(): Promise<DeviceWitness> {
    return DeviceWitness.open(this.paths.operator, this.facts.device, this.holder);
  }

  /** Reads what came since. Throws as `open`. */
  readOn(): Promise<void> {
    return this.history.catchUp();
  }

  /** The version of the access list in force. */
  async accessVersion(): Promise<number> {
    return (await this.accessList()).version;
  }

  async readAgentTopic(agent: Uint8Array): Promise<void> {
    for await (const wire of readTopic(this.relay, agent, 0)) await this.history.replica.ingest(agent, [wire]);
  }

  /** Composes and sends, one command of this machine at a time; when another operator was faster, reads what came and composes again. */
  async write<C extends Composed & { readonly access?: AccessList }>(compose: (operator: Operator) => Promise<C>): Promise<C> {
    const release = await takeOperatorTurn(this.paths.operator);
    try {
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        await this.history.catchUp();
        await this.sendUnsent();
        const composed = await compose(this.operator);
        for (const { wire, ...place } of composed.lockboxes) await putLockbox(this.relay, place, wire);
        if (await this.send(composed.entries.map(({ wire }) => wire))) {
          if (composed.access !== undefined) await this.putAccessOrNewer(composed.access);
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
    const isWhole = !this.isAccessBehind(await this.accessList()) && audiencesBehind(this.state).length === 0;
    if (isWhole && unsentEntries(this.unsent).length === 0) return;
    await this.write(async (operator) => {
      await this.mendAccess(operator); // [CLI-18]
      return rekey(operator); // [CLI-18]
    });
  }

  /** Makes the access list anew where the relay's is not what the state says. */
  async mendAccess(operator: Operator): Promise<void> {
    const listed = await this.accessList();
    if (this.isAccessBehind(listed)) await this.putAccess(await renewAccess(operator, listed.version));
  }

  private isAccessBehind(listed: AccessListStatement): boolean {
    const ids = (members: readonly { readonly id: Uint8Array }[]) =>
      members
        .map(({ id }) => toHex(id))
        .toSorted()
        .join();
    const { devices, recovery } = this.state;
    return (
      ids(listed.agents) !== ids(actingAgents(this.state)) ||
      ids(listed.devices) !== ids([...devices.values()]) ||
      ids(listed.recovery === undefined ? [] : [listed.recovery]) !== ids([recovery])
    );
  }

  /** The list in force, believed only as far as its signature goes. [ACCESS-9] */
  private async accessList(): Promise<AccessListStatement> {
    const wire = await getAccessList(this.relay);
    if (wire === undefined)
      throw new HoldfastError('access_stale', 'the relay has no access list of this fleet', { next: "check the relay's data" }); // [ACCESS-9]
    const { devices, recovery, former } = this.state;
    const current = [...devices.values(), recovery].map(({ id, keys }) => ({ id, sign: keys.sign }));
    const authors = [...current, ...former.values()]; // who signed it may have been removed since
    const known = { fleet: this.facts.fleet, authors, seen: seenBefore(this.paths.operator)?.access ?? 1 };
    const { statement } = await verifyAccessListInForce(nodePrimitives, parseAccessList(wire), known);
    rememberSeen(this.paths.operator, { control: this.head, access: statement.version });
    return statement;
  }

  /** Another device may have put one meanwhile: then theirs is the one that ours follows. [ACCESS-5] */
  private async putAccessOrNewer(access: AccessList): Promise<void> {
    try {
      await this.putAccess(access);
    } catch (thrown) {
      if (codeOf(thrown) !== 'access_stale') throw thrown;
      await this.history.catchUp();
      await this.mendAccess(this.operator);
    }
  }

  private async putAccess(access: AccessList): Promise<void> {
    await putAccessList(this.relay, access);
    rememberSeen(this.paths.operator, { control: this.head, access: access.statement.version });
  }

  /** What an earlier command signed and could not see arrive. */
  private async sendUnsent(): Promise<void> {
    const wires = unsentEntries(this.unsent);
    const first = wires[0] && parseEntry(nodePrimitives, wires[0]);
    if (first === undefined) return;
    const ours = this.history.hashAt(first.statement.position);
    if (ours !== undefined && !equalBytes(ours, first.hash)) forgetUnsent(this.unsent); // another device was faster
    else await this.send(wires); // [OPKEY-9]
  }

  /** Sends entries and sees them arrive; false when another entry stands in the place of one, and so nothing of it will ever be taken. */
  private async send(wires: readonly Uint8Array[]): Promise<boolean> {
    if (wires.length === 0) return true;
    keepUnsent(this.unsent, wires); // [OPKEY-9]
    for (const wire of wires) {
      const entry = parseEntry(nodePrimitives, wire);
      const { position } = entry.statement;
      if ((await appendEntry(this.relay, entry)).kind === 'conflict') {
        await this.history.catchUp();
        const there = this.history.hashAt(position);
        if (there === undefined)
          throw new HoldfastError('relay_protocol', 'the relay says that another entry came first, and shows none'); // [OPKEY-9]
        if (equalBytes(there, entry.hash)) continue;
        forgetUnsent(this.unsent);
        return false;
      }
      if (this.history.hashAt(position) === undefined) await this.history.take(wire);
    }
    await this.history.confirm(); // [OPKEY-8]
    forgetUnsent(this.unsent);
    return true;
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

  /** That an operator is here, and the status list, which lives as long: each is worth nothing to others without the other. */
  async pulse(): Promise<void> {
    await this.renewCredentials();
    await putPulse(this.relay, await makePulse(this.operator));
    await this.publishStatus();
  }

  get statusUri(): string {
    return statusUriOf(this.facts.relayUrl, this.facts.fleet);
  }

  /** Tells services what the journal says of each credential. Whoever has read more of it has the last word. [STATUS-6] */
  async publishStatus(): Promise<void> {
    if (!isLinked(this.state, this.facts.device)) return; // nobody could verify it [DEVICES-10]
    try {
      await putStatusList(this.relay, await makeStatusList(this.operator, this.statusUri));
    } catch (thrown) {
      if (codeOf(thrown) !== 'status_stale') throw thrown;
    }
  }

  /** Credentials near their end get another 30 days: as long as an operator shows life, none runs out. [CREDENTIAL-12] */
  private async renewCredentials(): Promise<void> {
    if (dueForRenewal(this.state, Date.now(), this.facts.device).length === 0) return;
    await this.write(async (operator) => {
      const agents = dueForRenewal(operator.replica.state, operator.nowMs, operator.device);
      return agents.length === 0
        ? { lockboxes: [], entries: [] }
        : renewCredentials(operator, { agents, statusUri: this.statusUri });
    });
  }

  /** Overwrites the fleet's keys, not the operator's. */
  disconnect(): void {
    this.relay.close();
    this.history.replica.wipe();
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
  onSignal: (wire: Uint8Array) => void = () => {},
): Promise<T> {
  const paths = findHome();
  operatorFacts(paths.operator); // says so before it asks for a passphrase
  const phrase = await passphrase(options.passphraseFile, 'Passphrase of the operator key');
  let session: OperatorSession;
  try {
    session = await OperatorSession.open(paths, phrase, { onSignal });
  } finally {
    phrase.fill(0);
  }
  for (const { id, name } of session.newDevices)
    output.say(`holdfast: new operator device: ${visible(name)}. If it is none of yours: holdfast devices remove ${toHex(id)}`); // [DEVICES-8]
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
