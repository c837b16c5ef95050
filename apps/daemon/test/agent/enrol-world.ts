// Enrolling for real: a relay process, custody as the daemon starts it, the daemon's own parts in this process, and an operator that answers
// as the command line does.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PairingOffer } from '@holdfast/protocol/blind/pairing-offer';
import { controlTopic } from '@holdfast/protocol/blind/entry';
import { parseAccessList } from '@holdfast/protocol/blind/access-list';
import { signPulse } from '@holdfast/protocol/blind/pulse';
import type { DoorReply } from '@holdfast/protocol/door/wire';
import { connectRelay } from '@holdfast/protocol/exchange/connect-relay';
import {
  appendEntry,
  createFleet,
  getAccessList,
  getLockbox,
  putAccessList,
  putLockbox,
  putPulse,
  putRendezvous,
  readTopic,
  takeRendezvous,
} from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange, RelayIdentity } from '@holdfast/protocol/exchange/relay-exchange';
import {
  makeAnswer,
  openOffer,
  pairingLifeMs,
  parsePairingCode,
  rendezvousOf,
  type OpenedOffer,
} from '@holdfast/protocol/identity/pairing';
import { agentPairing } from '@holdfast/protocol/identity/pairing-kind';
import { makeRecoveryCode } from '@holdfast/protocol/identity/recovery';
import { composeGenesis, type Composed, type NewFleet, type Operator } from '@holdfast/protocol/journal/compose';
import { enrollAgent, revokeAgent } from '@holdfast/protocol/journal/compose-agents';
import type { AccessList } from '@holdfast/protocol/blind/access-list';
import { Replica } from '@holdfast/protocol/journal/replica';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { patienceMs } from '@holdfast/testkit/patience';
import { Agents } from '../../src/agents.ts';
import { Custody } from '../../src/custody/custody.ts';
import type { Caller } from '../../src/door/server.ts';
import { Enrolments } from '../../src/enrol.ts';
import { StateStore } from '../../src/state/store.ts';

const relayMain = fileURLToPath(new URL('../../../relay/src/main.ts', import.meta.url));

const deadline = (afterMs: number, expired: () => void) => {
  const timer = setTimeout(expired, afterMs);
  return () => clearTimeout(timer);
};

function connectTo(url: string, bound: { identity?: RelayIdentity } = {}): Promise<RelayExchange> {
  return connectRelay(url, {
    webSocket: WebSocket,
    primitives,
    deadline,
    answerWithinMs: 60_000,
    onPush: () => {},
    onClosed: () => {},
    ...bound,
  });
}

/** The other side, as `holdfast approve` and `revoke` are it. */
export class OperatorSide {
  private readonly relay: RelayExchange;
  private readonly fleet: NewFleet;
  private readonly holder: SoftwareKeyHolder;
  private readonly replica: Replica;
  private read = 0;

  private constructor(relay: RelayExchange, fleet: NewFleet, holder: SoftwareKeyHolder) {
    this.relay = relay;
    this.fleet = fleet;
    this.holder = holder;
    this.replica = new Replica({
      primitives,
      holder,
      self: fleet.device,
      fleet: fleet.fleet,
      lockboxes: (place) => getLockbox(relay, place),
    });
  }

  static async begin(url: string): Promise<OperatorSide> {
    const stranger = await connectTo(url);
    const { relayKey } = await stranger.ready;
    const holder = await SoftwareKeyHolder.generate(primitives);
    const recovery = (await makeRecoveryCode(primitives)).keys.publicKeys;
    const terms = { name: 'home', deviceName: 'laptop', holder, recovery, relayKey, pulseMaxAgeMs: 3_600_000, nowMs: Date.now() };
    const fleet = await composeGenesis(primitives, terms);
    await createFleet(stranger, fleet.access, fleet.genesis);
    stranger.close();
    const relay = await connectTo(url, { identity: { fleet: fleet.fleet, principal: fleet.device, holder } });
    for (const { wire, ...place } of fleet.lockboxes) await putLockbox(relay, place, wire);
    return new OperatorSide(relay, fleet, holder);
  }

  close(): void {
    this.relay.close();
  }

  async offerOf(code: string): Promise<{ readonly code: Uint8Array; readonly opened: OpenedOffer<PairingOffer> }> {
    const parsed = parsePairingCode(primitives, agentPairing, code).code;
    const place = { rendezvous: rendezvousOf(primitives, agentPairing, parsed), slot: 'offer' } as const;
    const sealed = await takeRendezvous(this.relay, place, 5000);
    if (sealed === undefined) throw new Error('no offer');
    return { code: parsed, opened: await openOffer(primitives, agentPairing, parsed, sealed) };
  }

  /** Admits whoever shows `code`; `answer` changes what is put at the rendezvous. */
  async admit(text: string, answer: (good: Uint8Array) => Uint8Array = (good) => good): Promise<OpenedOffer<PairingOffer>> {
    const { code, opened } = await this.offerOf(text);
    await this.act((operator, accessVersion) =>
      enrollAgent(operator, {
        offer: opened.offer,
        evidence: 'claimed',
        statusUri: 'https://relay.example/status',
        accessVersion,
      }),
    );
    await this.pulse();
    const { position, hash } = this.replica.state.control;
    const about = {
      code,
      fleet: this.fleet.fleet,
      genesis: this.fleet.genesis.wire,
      control: { position, hash },
      relay: this.replica.state.relayKey,
    };
    const good = await makeAnswer(primitives, { id: this.fleet.device, holder: this.holder }, opened, about);
    await putRendezvous(
      this.relay,
      { rendezvous: rendezvousOf(primitives, agentPairing, code), slot: 'answer' },
      answer(good),
      pairingLifeMs,
    );
    return opened;
  }

  async revoke(agent: Uint8Array): Promise<void> {
    await this.act((operator, accessVersion) => revokeAgent(operator, { agent, reason: 'test', accessVersion }));
  }

  private async pulse(): Promise<void> {
    const { position, hash } = this.replica.state.control;
    const statement = {
      v: 1,
      fleet: this.fleet.fleet,
      id: primitives.random(16),
      device: this.fleet.device,
      atMs: Date.now(),
      control: { position, hash },
    } as const;
    await putPulse(this.relay, await signPulse(this.holder, statement));
  }

  private async act(
    compose: (operator: Operator, accessVersion: number) => Promise<Composed & { readonly access: AccessList }>,
  ): Promise<void> {
    await this.catchUp();
    const access = await getAccessList(this.relay);
    const accessVersion = access === undefined ? 0 : parseAccessList(access).statement.version;
    const operator = { primitives, replica: this.replica, device: this.fleet.device, holder: this.holder, nowMs: Date.now() };
    const composed = await compose(operator, accessVersion);
    for (const { wire, ...place } of composed.lockboxes) await putLockbox(this.relay, place, wire);
    for (const entry of composed.entries) await appendEntry(this.relay, entry);
    await putAccessList(this.relay, composed.access);
    await this.catchUp();
  }

  private async catchUp(): Promise<void> {
    for await (const wire of readTopic(this.relay, controlTopic, this.read)) {
      await this.replica.ingest(controlTopic, [wire]);
      this.read += 1;
    }
  }
}

/** Who asked at the door: what it was told, and how it goes away. */
export class Asker implements Caller {
  readonly replies: DoorReply[] = [];
  private readonly ended = new AbortController();
  private readonly offered = Promise.withResolvers<Extract<DoorReply, { kind: 'enroll-offer' }>>();
  readonly gone = this.ended.signal;

  reply(reply: DoorReply): boolean {
    this.replies.push(reply);
    if (reply.kind === 'enroll-offer') this.offered.resolve(reply);
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  onFrame(): void {}

  leave(): void {
    this.ended.abort();
  }

  get offer(): Promise<Extract<DoorReply, { kind: 'enroll-offer' }>> {
    return this.offered.promise;
  }

  get agent(): Uint8Array | undefined {
    const done = this.replies.find((reply) => reply.kind === 'enroll-done');
    return done?.kind === 'enroll-done' ? done.agent : undefined;
  }
}

interface Parts {
  readonly store: StateStore;
  readonly agents: Agents;
  readonly enrolments: Enrolments;
}

export class EnrolWorld {
  readonly folder: string;
  readonly url: string;
  readonly operator: OperatorSide;
  readonly logged: string[] = [];
  private readonly relay: ChildProcess;
  custody: Custody;
  private parts: Parts | undefined;

  private constructor(folder: string, relay: ChildProcess, url: string, operator: OperatorSide, custody: Custody) {
    this.folder = folder;
    this.relay = relay;
    this.url = url;
    this.operator = operator;
    this.custody = custody;
  }

  static async begin(t: TestContext): Promise<EnrolWorld> {
    const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-enrol-'));
    const relay = spawn(process.execPath, [relayMain], {
      env: { HOLDFAST_HOME: folder, HOLDFAST_PORT: '0' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(relay.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const url = line.toString().trim().split(' ').at(-1) ?? '';
    const custody = await Custody.start({ storeFolder: mkdtempSync(path.join(folder, 'custody-')) });
    const world = new EnrolWorld(folder, relay, url, await OperatorSide.begin(url), custody);
    t.after(async () => {
      await world.stop();
      world.operator.close();
      await world.custody.close();
      relay.kill('SIGKILL');
      await once(relay, 'exit');
      rmSync(folder, { recursive: true, force: true });
    });
    await world.start();
    return world;
  }

  get agents(): Agents {
    return this.running.agents;
  }

  get store(): StateStore {
    return this.running.store;
  }

  get enrolments(): Enrolments {
    return this.running.enrolments;
  }

  private get running(): Parts {
    if (this.parts === undefined) throw new Error('stopped');
    return this.parts;
  }

  /** The daemon's parts over what is on disk; custody goes on. */
  async start(): Promise<void> {
    const note = (fields: object, message: string) => void this.logged.push(`${message} ${JSON.stringify(fields)}`);
    const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
    const ports = { primitives, clock, log: { info: note, warn: note }, webSocket: WebSocket };
    const store = new StateStore(path.join(this.folder, 'journal.db'));
    const { custody } = this;
    const agents = new Agents({
      ports,
      store,
      custody,
      auditFolder: path.join(this.folder, 'audit'),
      saltsFolder: path.join(this.folder, 'salts'),
      version: '0',
    });
    this.parts = {
      store,
      agents,
      enrolments: new Enrolments({ ports, store, custody, agents, defaultRelay: this.url, machine: 'testbox' }),
    };
    await agents.openAll();
  }

  async stop(): Promise<void> {
    const { parts } = this;
    this.parts = undefined;
    await parts?.agents.close();
    parts?.store.close();
  }

  /** Asks as the door does; the promise settles when the request has ended. */
  enrol(scope: string): { readonly asker: Asker; readonly ended: Promise<void> } {
    const asker = new Asker();
    const ended = this.running.enrolments.enrol({ kind: 'enroll', scope }, asker);
    ended.catch(() => {});
    return { asker, ended };
  }

  /** A whole enrolment; resolves with the agent's id. */
  async enrolled(scope: string): Promise<Uint8Array> {
    const { asker, ended } = this.enrol(scope);
    await this.operator.admit((await asker.offer).code);
    await ended;
    if (asker.agent === undefined) throw new Error('not enrolled');
    return asker.agent;
  }

  async until(reached: () => boolean, what: string): Promise<void> {
    const lateMs = performance.now() + patienceMs;
    while (!reached()) {
      if (performance.now() > lateMs) throw new Error(`it did not come to: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
