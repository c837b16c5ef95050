// One command's work as operator: unlocks the key, reads the fleet from the relay itself (never through the daemon), refuses a history
// without the head seen last, writes, and leaves a pulse behind. The key is overwritten at the end, whatever happened.

import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as later } from 'node:timers/promises';
import path from 'node:path';
import { parseAccessList, signAccessList, type AccessList, type AccessListStatement } from '@holdfast/protocol/blind/access-list';
import { controlTopic, type Head } from '@holdfast/protocol/blind/entry';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { HomePaths } from '@holdfast/protocol/door/paths';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import { appendEntry, getAccessList, getLockbox, putAccessList, putLockbox, putPulse, readTopic } from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange, RelayIdentity } from '@holdfast/protocol/exchange/relay-exchange';
import { makePulse, rekeyFleet, type Composed, type Operator } from '@holdfast/protocol/journal/compose';
import { Replica } from '@holdfast/protocol/journal/replica';
import { currentEpoch, liveAgents, type Agent, type FleetState } from '@holdfast/protocol/journal/state';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { askDaemon, findHome } from '../door-client.ts';
import type { Output } from '../output.ts';
import { passphrase } from '../secrets-input.ts';
import { operatorFacts, rememberControlHead, seenControlHead, unlockOperator, type OperatorFacts } from './key-file.ts';

const answerWithinMs = 15_000;
/** Two operators at once are rare; five in a row mean something else is wrong. */
const maxAttempts = 5;
/** How long one command waits for another of this machine that is writing. */
const turnWithinMs = 30_000;
const turnEveryMs = 50;
const appliedWithinMs = 10_000;

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
    let relay: RelayExchange | undefined;
    try {
      const identity = { fleet: facts.fleet, principal: facts.device, holder };
      relay = await openRelay(facts.relayUrl, { identity, relayKey: facts.relayKey });
      const session = new OperatorSession(paths, facts, holder, relay);
      await session.catchUp();
      await session.finishOthersWork();
      return session;
    } catch (thrown) {
      relay?.close();
      holder.wipe(); // [OPKEY-5]
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
    return (await this.accessList())?.version ?? 0;
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
        const composed = await compose(this.operator);
        for (const { wire, ...place } of composed.lockboxes) await putLockbox(this.relay, place, wire);
        if (await this.appended(composed)) {
          if (composed.access !== undefined) await putAccessList(this.relay, composed.access);
          return composed;
        }
      }
    } finally {
      release();
    }
    throw new HoldfastError('relay_refused', 'the fleet changed again and again meanwhile', { next: 'try again' });
  }

  /**
   * A command that was killed may have written an entry and not what goes with it. The access list and the fleet's epoch follow from the
   * state: an agent that is revoked must neither reach the relay nor have the fleet's current key.
   */
  private async finishOthersWork(): Promise<void> {
    if (!this.isAccessBehind(await this.accessList()) && !this.isEpochBehind) return;
    await this.write(async (operator) => {
      const listed = await this.accessList();
      if (listed !== undefined && this.isAccessBehind(listed)) {
        const agents = liveAgents(this.state).map(({ id, keys }) => ({ id, sign: keys.sign }));
        const next = { ...listed, version: listed.version + 1, atMs: Date.now(), agents };
        await putAccessList(this.relay, await signAccessList(this.holder, this.facts.device, next)); // [CLI-18]
      }
      return this.isEpochBehind ? rekeyFleet(operator) : { lockboxes: [], entries: [] }; // [CLI-18]
    });
  }

  private isAccessBehind(listed: AccessListStatement | undefined): boolean {
    const ids = (members: readonly { readonly id: Uint8Array }[]) => members.map(({ id }) => toHex(id)).toSorted().join();
    return listed !== undefined && ids(listed.agents) !== ids(liveAgents(this.state));
  }

  private get isEpochBehind(): boolean {
    const revokedAt = Math.max(-1, ...[...this.state.agents.values()].map(({ revoked }) => revoked?.position ?? -1));
    return (currentEpoch(this.state, 'fleet')?.position ?? 0) < revokedAt;
  }

  private async accessList(): Promise<AccessListStatement | undefined> {
    const wire = await getAccessList(this.relay);
    return wire && parseAccessList(wire).statement;
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

  /** Waits until the daemon of this machine has applied everything written so far: `absent` without one, `late` when it does not hear of it in time. */
  async appliedHere(): Promise<'applied' | 'absent' | 'late'> {
    const { position, hash } = this.head;
    try {
      await askDaemon(this.paths, { kind: 'await-control', fleet: this.facts.fleet, position, hash, timeoutMs: appliedWithinMs }, 'done');
      return 'applied';
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

  /** Remembers what was seen and overwrites the keys. */
  close(): void {
    this.relay.close();
    this.replica.wipe();
    this.holder.wipe(); // [OPKEY-5]
    rememberControlHead(this.paths.operator, this.head);
  }
}

/** One command of this machine writes at a time: of two at once neither is left half done. The lock ends with its process. [OPKEY-7] */
async function takeTurn(file: string): Promise<() => void> {
  const untilMs = performance.now() + turnWithinMs;
  for (;;) {
    const lock = new DatabaseSync(file);
    try {
      lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      return () => lock.close();
    } catch (cause) {
      lock.close();
      const busy = cause instanceof Error && /locked|busy/i.test(cause.message);
      if (!busy) throw new HoldfastError('store_failed', `${file} cannot be locked`, { cause, next: 'free space and check its permissions' });
      if (performance.now() > untilMs) throw new HoldfastError('already_running', 'another operator command is at work', { cause, next: 'end it, then try again' });
    }
    await later(turnEveryMs);
  }
}

/** Runs an operator command: every one of them renews the pulse, and one that could not still did its work. */
export async function asOperator<T>(output: Output, options: { readonly passphraseFile?: string }, work: (session: OperatorSession) => Promise<T>): Promise<T> {
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
    await session.pulse().catch((thrown: unknown) => output.say(`holdfast: warning: no pulse was made (${codeOf(thrown)}); see: holdfast pulse`)); // [CLI-17]
    return result;
  } finally {
    session.close();
  }
}
