// One operator device at work: reads the fleet from the relay itself (never through a daemon), finishes what an interrupted act began, writes, and
// leaves a pulse behind. CLI and console are both this; what differs between them is in ports.ts. The key stays its owner's to overwrite.

import { parseAccessList, verifyAccessListInForce, type AccessList, type AccessListStatement } from '../blind/access-list.ts';
import { parseEntry, type Head } from '../blind/entry.ts';
import { equalBytes, toHex } from '../codec/bytes.ts';
import { codeOf, HoldfastError } from '../errors.ts';
import {
  appendEntry,
  getAccessList,
  putAccessList,
  putLockbox,
  putPulse,
  putStatusList,
  readTopic,
} from '../exchange/relay-calls.ts';
import type { RelayExchange } from '../exchange/relay-exchange.ts';
import { statusUriOf } from '../identity/status-list.ts';
import { makePulse, type Composed, type Operator } from '../journal/compose.ts';
import { dueForRenewal, makeStatusList, renewAccess, renewCredentials } from '../journal/compose-agents.ts';
import { audiencesBehind, rekey } from '../journal/compose-devices.ts';
import { actingAgents, isLinked, topicTip, type Agent, type Device, type FleetState, type Renaming } from '../journal/state.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { ControlHistory } from './control-history.ts';
import { findAgent } from './find-agent.ts';
import type { OperatorFacts, OperatorPorts, RelayEvents } from './ports.ts';
import { keepUnsent, unsentEntries } from './unsent.ts';

/** Two operators at once are rare; five in a row mean something else is wrong. */
const maxAttempts = 5;

/** A fleet that was read, and who reads it. */
export interface ReadFleet {
  readonly ports: OperatorPorts;
  readonly facts: OperatorFacts;
  readonly holder: KeyHolder;
  readonly relay: RelayExchange;
  readonly history: ControlHistory;
}

/**
 * Connects and reads the fleet as whoever `facts` and `holder` say, a recovery code for example, and writes nothing. Throws `relay_*`, and the
 * entry's own code for a history that does not hold.
 */
export async function readFleet(
  ports: OperatorPorts,
  facts: OperatorFacts,
  holder: KeyHolder,
  events: RelayEvents = {},
): Promise<ReadFleet> {
  const identity = { fleet: facts.fleet, principal: facts.device, holder };
  const relay = await ports.connect(facts.relayUrl, { identity, relayKey: facts.relayKey, ...events });
  let history: ControlHistory | undefined;
  try {
    history = await ControlHistory.of({ ports, facts, holder, relay });
    await history.catchUp();
    return { ports, facts, holder, relay, history };
  } catch (thrown) {
    relay.close();
    history?.replica.wipe();
    throw thrown;
  }
}

export class OperatorSession {
  readonly facts: OperatorFacts;
  readonly relay: RelayExchange;
  readonly ports: OperatorPorts;
  private readonly holder: KeyHolder;
  private readonly history: ControlHistory;
  /** Reading and writing of this session, one after the other. */
  private last: Promise<unknown> = Promise.resolve();

  constructor({ ports, facts, holder, relay, history }: ReadFleet) {
    this.ports = ports;
    this.facts = facts;
    this.relay = relay;
    this.holder = holder;
    this.history = history;
  }

  get state(): FleetState {
    return this.history.state;
  }

  /** Operator devices that came since a command of this machine last looked. */
  get newDevices(): readonly Device[] {
    const seen = this.history.seenBefore?.position ?? Number.MAX_SAFE_INTEGER;
    return [...this.state.devices.values()].filter(({ position }) => position > seen);
  }

  /** Agents that other devices admitted since, and that live; `by`: the device's name, while it is one. */
  get newAgents(): readonly (Agent & { readonly by: string | undefined })[] {
    const seen = this.history.seenBefore?.position ?? Number.MAX_SAFE_INTEGER;
    return [...this.state.agents.values()].flatMap((each) => {
      const author = each.position > seen && each.revoked === undefined ? this.history.authorAt(each.position) : undefined;
      if (author === undefined || equalBytes(author, this.facts.device)) return [];
      return [{ ...each, by: this.state.devices.get(toHex(author))?.name }];
    });
  }

  /** And those that were renamed since, and had come before. */
  get renamedDevices(): readonly (Device & { readonly renamed: Renaming })[] {
    const seen = this.history.seenBefore?.position ?? Number.MAX_SAFE_INTEGER;
    return [...this.state.devices.values()].flatMap((each) => {
      const { renamed, position } = each;
      return position <= seen && renamed !== undefined && renamed.position > seen ? [{ ...each, renamed }] : [];
    });
  }

  get head(): Head {
    return this.history.head;
  }

  get genesis(): Uint8Array {
    return this.history.genesis;
  }

  get operator(): Operator {
    return {
      primitives: this.ports.primitives,
      replica: this.history.replica,
      device: this.facts.device,
      holder: this.holder,
      nowMs: this.ports.nowMs(),
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

  /** Reads what came since. Throws as `readFleet`. */
  readOn(): Promise<void> {
    return this.alone(() => this.history.catchUp());
  }

  /** The version of the access list in force. */
  async accessVersion(): Promise<number> {
    return (await this.accessList()).version;
  }

  /** What came of it since. */
  async readAgentTopic(agent: Uint8Array): Promise<void> {
    const from = (topicTip(this.state, agent)?.position ?? -1) + 1;
    for await (const wire of readTopic(this.relay, agent, from)) await this.history.replica.ingest(agent, [wire]);
  }

  /** Composes and sends, one act at this place at a time; when another operator was faster, reads what came and composes again. */
  write<C extends Composed & { readonly access?: AccessList }>(compose: (operator: Operator) => Promise<C>): Promise<C> {
    return this.alone(() => this.writeNow(compose));
  }

  private async alone<T>(work: () => Promise<T>): Promise<T> {
    const before = this.last;
    const done = (async () => {
      await before;
      return work();
    })();
    this.last = done.catch(() => undefined);
    return done;
  }

  private async writeNow<C extends Composed & { readonly access?: AccessList }>(
    compose: (operator: Operator) => Promise<C>,
  ): Promise<C> {
    const release = await this.ports.store.takeTurn();
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
   * An act that was cut off, or whose relay lost what it sent, may have written an entry and not what goes with it. The access list and the fleet's epoch follow from the
   * state: an agent that is revoked must neither reach the relay nor have the fleet's current key.
   */
  async finishOthersWork(): Promise<void> {
    if (!(await this.isUnfinished())) return;
    await this.write(async (operator) => {
      await this.mendAccess(operator); // [CLI-18]
      return rekey(operator); // [CLI-18]
    });
  }

  /** Whether there is anything for `finishOthersWork` to do. */
  async isUnfinished(): Promise<boolean> {
    if (this.isAccessBehind(await this.accessList()) || audiencesBehind(this.state).length > 0) return true;
    return (await unsentEntries(this.ports.store)).length > 0;
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
    const known = { fleet: this.facts.fleet, authors, seen: (await this.ports.store.seen())?.access ?? 1 };
    const { statement } = await verifyAccessListInForce(this.ports.primitives, parseAccessList(wire), known);
    await this.ports.store.remember({ control: this.head, access: statement.version });
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
    await this.ports.store.remember({ control: this.head, access: access.statement.version });
  }

  /** What an earlier command signed and could not see arrive. */
  private async sendUnsent(): Promise<void> {
    const wires = await unsentEntries(this.ports.store);
    const first = wires[0] && parseEntry(this.ports.primitives, wires[0]);
    if (first === undefined) return;
    const ours = this.history.hashAt(first.statement.position);
    if (ours !== undefined && !equalBytes(ours, first.hash)) await this.ports.store.forgetUnsent(); // another device was faster
    else await this.send(wires); // [OPKEY-9]
  }

  /** Sends entries and sees them arrive; false when another entry stands in the place of one, and so nothing of it will ever be taken. */
  private async send(wires: readonly Uint8Array[]): Promise<boolean> {
    if (wires.length === 0) return true;
    await keepUnsent(this.ports.store, wires); // [OPKEY-9]
    for (const wire of wires) {
      const entry = parseEntry(this.ports.primitives, wire);
      const { position } = entry.statement;
      if ((await appendEntry(this.relay, entry)).kind === 'conflict') {
        await this.history.catchUp();
        const there = this.history.hashAt(position);
        if (there === undefined)
          throw new HoldfastError('relay_protocol', 'the relay says that another entry came first, and shows none'); // [OPKEY-9]
        if (equalBytes(there, entry.hash)) continue;
        await this.ports.store.forgetUnsent();
        return false;
      }
      if (this.history.hashAt(position) === undefined) await this.history.take(wire);
    }
    await this.history.confirm(); // [OPKEY-8]
    await this.ports.store.forgetUnsent();
    return true;
  }

  /** That an operator is here, and the status list, which lives as long: each is worth nothing to others without the other. */
  async pulse(): Promise<void> {
    await this.renewCredentials();
    await this.signOfLife();
  }

  /** The same, and no credential gets longer: what an open session may do without its operator's hand. */
  async signOfLife(): Promise<void> {
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
    if (dueForRenewal(this.state, this.ports.nowMs(), this.facts.device).length === 0) return;
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
}
