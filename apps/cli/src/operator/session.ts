// One command's work as operator: unlocks the key, reads the fleet from the relay itself (never through the daemon), refuses a history
// without the head seen last, writes, and leaves a pulse behind. The key is overwritten at the end, whatever happened.

import { hostname } from 'node:os';
import { parseAccessList, type AccessList } from '@holdfast/protocol/blind/access-list';
import { controlTopic, type Head } from '@holdfast/protocol/blind/entry';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { HoldfastError } from '@holdfast/protocol/errors';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { appendEntry, getAccessList, getLockbox, putAccessList, putLockbox, putPulse, readTopic } from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange, RelayIdentity } from '@holdfast/protocol/exchange/relay-exchange';
import { makePulse, type Composed, type Operator } from '@holdfast/protocol/journal/compose';
import { Replica } from '@holdfast/protocol/journal/replica';
import type { Agent, FleetState } from '@holdfast/protocol/journal/state';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { askDaemon, findHome } from '../door-client.ts';
import { passphrase } from '../secrets-input.ts';
import { operatorFacts, rememberControlHead, seenControlHead, unlockOperator, type OperatorFacts } from './key-file.ts';

const answerWithinMs = 15_000;
/** Two operators at once are rare; five in a row mean something else is wrong. */
const maxAttempts = 5;

/** A relay connection for the length of one command. Throws `relay_unreachable`, `relay_impostor`. */
export function openRelay(relayUrl: string, bound: { identity?: RelayIdentity; relayKey?: Uint8Array } = {}): Promise<RelayExchange> {
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
  private readonly wires: Uint8Array[] = [];

  private constructor(paths: HomePaths, facts: OperatorFacts, holder: SoftwareKeyHolder, relay: RelayExchange) {
    this.paths = paths;
    this.facts = facts;
    this.holder = holder;
    this.relay = relay;
    const pinned = seenControlHead(paths.operator);
    this.replica = new Replica({
      primitives: nodePrimitives,
      holder,
      self: facts.device,
      fleet: facts.fleet,
      lockboxes: (audience, epoch, member) => getLockbox(relay, { audience, epoch, member }),
      ...(pinned !== undefined && { pinned }),
    });
  }

  /** Throws `operator_absent`, `passphrase_wrong`, `relay_*`, and the entry's own code for a history that does not hold. */
  static async open(paths: HomePaths, phrase: Uint8Array): Promise<OperatorSession> {
    const facts = operatorFacts(paths.operator);
    const holder = await unlockOperator(paths.operator, phrase);
    try {
      const identity = { fleet: facts.fleet, principal: facts.device, holder };
      const relay = await openRelay(facts.relayUrl, { identity, relayKey: facts.relayKey });
      const session = new OperatorSession(paths, facts, holder, relay);
      await session.catchUp();
      return session;
    } catch (thrown) {
      holder.wipe();
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
    return { primitives: nodePrimitives, replica: this.replica, device: this.facts.device, holder: this.holder, nowMs: Date.now() };
  }

  /** An agent by id or by scope: of several with one scope, the one that lives. Throws `agent_unknown`. */
  agent(name: string): Agent {
    const all = [...this.state.agents.values()];
    const found = all.find(({ id }) => toHex(id) === name) ?? all.find(({ scope, revoked }) => scope === name && revoked === undefined) ?? all.find(({ scope }) => scope === name);
    if (found !== undefined) return found;
    throw new HoldfastError('agent_unknown', `there is no agent ${name}`, { next: 'see: holdfast agents' });
  }

  /** The secret of an item, as bytes; the caller overwrites it. */
  openSecret(item: Uint8Array): Promise<Uint8Array> {
    const wire = this.wires[this.state.items.get(toHex(item))?.position ?? -1];
    if (wire === undefined) throw new HoldfastError('item_unknown', 'there is no such credential', { next: 'see: holdfast vault list' });
    return this.replica.openSecret(item, wire);
  }

  /** The version of the access list in force. */
  async accessVersion(): Promise<number> {
    const wire = await getAccessList(this.relay);
    return wire === undefined ? 0 : parseAccessList(wire).statement.version;
  }

  async readAgentTopic(agent: Uint8Array): Promise<void> {
    for await (const wire of readTopic(this.relay, agent, 0)) await this.replica.ingest(agent, [wire]);
  }

  /** Composes and sends; when another operator was faster, reads what came and composes again. */
  async write<C extends Composed & { readonly access?: AccessList }>(compose: (operator: Operator) => Promise<C>): Promise<C> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const composed = await compose(this.operator);
      for (const { wire, ...place } of composed.lockboxes) await putLockbox(this.relay, place, wire);
      if (await this.appended(composed)) {
        if (composed.access !== undefined) await putAccessList(this.relay, composed.access);
        return composed;
      }
      await this.catchUp();
    }
    throw new HoldfastError('relay_refused', 'the fleet changed again and again meanwhile', { next: 'try again' });
  }

  private async appended({ entries }: Composed): Promise<boolean> {
    for (const entry of entries) {
      if ((await appendEntry(this.relay, entry)).kind === 'conflict') return false;
      await this.take(entry.wire);
    }
    return true;
  }

  private async catchUp(): Promise<void> {
    for await (const wire of readTopic(this.relay, controlTopic, this.wires.length)) await this.take(wire);
    if (!this.replica.hasBegun) throw new HoldfastError('entry_stale', 'the relay has no history of this fleet', { next: "check the relay's address and its data" }); // [OPKEY-6]
    const seen = seenControlHead(this.paths.operator);
    if (seen !== undefined && this.replica.compareControl(seen) === 'ahead') {
      throw new HoldfastError('entry_stale', 'the relay shows an older history than this operator has seen', { next: 'the relay was rolled back or lies: do not go on with it' }); // [OPKEY-6]
    }
    rememberControlHead(this.paths.operator, this.head);
  }

  private async take(wire: Uint8Array): Promise<void> {
    const [result] = await this.replica.ingest(controlTopic, [wire]);
    if (result?.kind === 'refused') throw new HoldfastError(result.code, "the fleet's history does not hold together", { cause: result.cause });
    this.wires.push(wire);
  }

  /** Waits until the daemon of this machine, if one runs here for this fleet, has applied everything written so far. */
  async appliedHere(timeoutMs: number): Promise<'applied' | 'absent'> {
    const { position, hash } = this.head;
    try {
      await askDaemon(this.paths, { kind: 'await-control', fleet: this.facts.fleet, position, hash, timeoutMs }, 'done');
      return 'applied';
    } catch (thrown) {
      if (thrown instanceof HoldfastError && (thrown.code === 'daemon_unreachable' || thrown.code === 'agent_unknown')) return 'absent';
      throw thrown;
    }
  }

  async pulse(): Promise<void> {
    await putPulse(this.relay, await makePulse(this.operator));
  }

  /** Remembers what was seen and overwrites the keys. */
  close(): void {
    rememberControlHead(this.paths.operator, this.head);
    this.relay.close();
    this.replica.wipe();
    this.holder.wipe();
  }
}

/** Runs an operator command: every one of them renews the pulse. */
export async function asOperator<T>(options: { readonly passphraseFile?: string }, work: (session: OperatorSession) => Promise<T>): Promise<T> {
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
    await session.pulse();
    return result;
  } finally {
    session.close();
  }
}
