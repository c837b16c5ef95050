// One enrolled machine over a relay in memory: the daemon's Agent with its store and its audit folder, which a test copies, cuts and puts back.

import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { logName, signLogHead } from '@holdfast/protocol/blind/log-note';
import { delegate } from '@holdfast/protocol/custody/delegation';
import { bindKey } from '@holdfast/protocol/custody/key-binding';
import { makePulse } from '@holdfast/protocol/journal/compose';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { HostileRelay, type Script } from '../../../../packages/testkit/src/hostile-relay.ts';
import { MemoryRelay } from '../../../../packages/testkit/src/memory-relay.ts';
import { World, type AgentActor } from '../../../../packages/testkit/src/world.ts';
import type { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { patienceMs } from '@holdfast/testkit/patience';
import { Agent } from '../../src/agent/agent.ts';
import type { AgentKey } from '../../src/agent/key-rotation.ts';

import { StateStore, type Enrolment } from '../../src/state/store.ts';

const unreachable: Script = {
  answer(_, line) {
    line.cut();
    return [];
  },
};
const quiet = { info: () => {}, warn: () => {} };

export class Machine {
  readonly world: World;
  readonly relay: MemoryRelay;
  readonly hostile: HostileRelay;
  readonly actor: AgentActor;
  readonly folder: string;
  /** Sizes at which custody signed the log for publication. */
  readonly published: number[] = [];
  private readonly images: string;
  private readonly enrolment: Enrolment;
  private running: { readonly agent: Agent; readonly store: StateStore } | undefined;

  private constructor(world: World, actor: AgentActor) {
    const { position, hash } = world.operator.replica.state.control;
    this.world = world;
    this.actor = actor;
    this.relay = new MemoryRelay(world);
    this.hostile = new HostileRelay(this.relay.upstream);
    this.images = mkdtempSync(path.join(tmpdir(), 'holdfast-machine-'));
    this.folder = path.join(this.images, 'now');
    this.enrolment = {
      v: 1,
      scope: 'main',
      agent: actor.id,
      fleet: world.fleet,
      key: actor.id,
      relayUrl: 'http://relay.test',
      relayKey: world.relayKeys.publicKeys.sign,
      pinned: { position, hash },
      enrolledAtMs: 0,
    };
  }

  static async enrolled(test: TestContext): Promise<Machine> {
    const world = await World.begin();
    const machine = new Machine(world, await world.enroll('main'));
    test.after(async () => {
      await machine.stop();
      rmSync(machine.images, { recursive: true, force: true });
    });
    return machine;
  }

  get auditFolder(): string {
    return path.join(this.folder, 'audit');
  }

  get saltsFolder(): string {
    return path.join(this.folder, 'salts');
  }

  get agent(): Agent {
    if (this.running === undefined) throw new Error('the machine is off');
    return this.running.agent;
  }

  /** As the daemon starts; `offline`: it reaches no relay; `past`: only its evidence is wanted. */
  async start({
    offline = false,
    past = false,
    script,
  }: { readonly offline?: boolean; readonly past?: boolean; readonly script?: Script } = {}): Promise<Agent> {
    mkdirSync(this.folder, { recursive: true });
    this.relay.store.pulse = (await makePulse({ ...this.world.operator.operator, nowMs: Date.now() })).wire;
    const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
    const store = new StateStore(path.join(this.folder, 'journal.db'));
    this.hostile.script = offline ? unreachable : (script ?? {});
    const agent = await Agent.open({
      ports: { primitives, clock, log: quiet, webSocket: this.hostile.webSocket },
      store,
      enrolment: this.enrolment,
      holder: withProofs(this.actor.holder, this.world.fleet, this.actor.id, this.published),
      custodyLevel: 'software',
      auditFolder: this.auditFolder,
      saltsFolder: this.saltsFolder,
      run: { id: primitives.random(16), startedMs: clock.monotonicMs() },
      version: '0',
      past,
      asked: [],
      dropKey: async () => {},
    });
    this.running = { agent, store };
    if (!offline)
      await this.until(() => agent.view().relayState === 'connected' || agent.view().state === 'revoked', 'connected');
    return agent;
  }

  /** As the daemon ends. */
  async stop(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    await running?.agent.close();
    running?.store.close();
  }

  /** Copies the disk of a machine that is off. */
  copyDisk(name: string): void {
    cpSync(this.folder, path.join(this.images, name), { recursive: true });
  }

  /** The whole disk, or one part of it, as it was. */
  putBack(name: string, part = ''): void {
    rmSync(path.join(this.folder, part), { recursive: true });
    cpSync(path.join(this.images, name, part), path.join(this.folder, part), { recursive: true });
  }

  /** Looks at every turn of the event loop, as long as is patient. */
  async until(reached: () => boolean, what: string): Promise<void> {
    const lateMs = performance.now() + patienceMs;
    while (!reached()) {
      if (performance.now() > lateMs)
        throw new Error(`it did not come to: ${what}; ${JSON.stringify(this.agent.view().relayError)}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** Keys in memory that bind a credential as custody does. */
function withProofs(holder: SoftwareKeyHolder, fleet: Uint8Array, agent: Uint8Array, published: number[]): AgentKey {
  return {
    publicKeys: holder.publicKeys,
    sign: holder.sign.bind(holder),
    open: holder.open.bind(holder),
    present: (terms) => bindKey(primitives, holder, terms, Date.now()),
    delegate: (credential, terms) => delegate(primitives, holder, { ...terms, credential }, Date.now()),
    publish: (size, root) => {
      published.push(size);
      return signLogHead(holder, { origin: logName(primitives, fleet, agent), size, root });
    },
  };
}
