// One agent's journal and link as the daemon binds them, over a relay that may lie and a clock that the test moves.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { Head } from '@holdfast/protocol/blind/entry';
import { utf8 } from '@holdfast/protocol/codec/bytes';
import { makePulse } from '@holdfast/protocol/journal/compose';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { HostileRelay } from '../../../../packages/testkit/src/hostile-relay.ts';
import { MemoryRelay } from '../../../../packages/testkit/src/memory-relay.ts';
import { World, type AgentActor } from '../../../../packages/testkit/src/world.ts';
import { AgentJournal } from '../../src/agent/journal.ts';
import { Freshness, type FreshnessView } from '../../src/freshness.ts';
import { RelayLink } from '../../src/link/relay-link.ts';
import { StateStore } from '../../src/state/store.ts';

/** A minute has four questions for freshness; ticks of a second are finer than any of the link's own periods but the first waits. */
const tickMs = 1000;

export class Follower {
  readonly nowMs: { wall: number; monotonic: number };
  readonly codes: string[] = [];
  readonly hostile: HostileRelay;
  private readonly test: TestContext;
  private readonly fleet: TestFleet;
  private readonly agent: AgentActor;
  private readonly pinned: Head;
  private readonly file: string;
  private parts:
    | { readonly journal: AgentJournal; readonly link: RelayLink; readonly freshness: Freshness; readonly store: StateStore }
    | undefined;

  private constructor(test: TestContext, fleet: TestFleet, agent: AgentActor, pinned: Head) {
    const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-link-'));
    this.test = test;
    this.fleet = fleet;
    this.agent = agent;
    this.pinned = pinned;
    this.file = path.join(folder, 'journal.db');
    this.nowMs = { wall: fleet.world.tick(), monotonic: 1_000_000 };
    this.hostile = new HostileRelay(fleet.relay.upstream);
    test.after(() => {
      this.stop();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  static async enrolled(test: TestContext, fleet: TestFleet): Promise<Follower> {
    const agent = await fleet.world.enroll(`agent ${fleet.agents++}`.replace(' ', '-'));
    const { position, hash } = fleet.world.operator.replica.state.control;
    return new Follower(test, fleet, agent, { position, hash });
  }

  get journal(): AgentJournal {
    return this.started.journal;
  }

  get link(): RelayLink {
    return this.started.link;
  }

  get id(): Uint8Array {
    return this.agent.id;
  }

  /** Whether it may mint. */
  get fresh(): FreshnessView {
    return this.started.freshness.view(this.journal.pulseMaxAgeMs);
  }

  get head(): number | undefined {
    return this.journal.controlHead()?.position;
  }

  private get started() {
    if (this.parts === undefined) throw new Error('not started');
    return this.parts;
  }

  /** As the daemon starts, over what it kept. */
  async start(): Promise<void> {
    const { fleet, agent } = this;
    const clock = { nowMs: () => this.nowMs.wall, monotonicMs: () => this.nowMs.monotonic };
    const log = { info: () => {}, warn: ({ code }: Readonly<Record<string, unknown>>) => void this.codes.push(String(code)) };
    const ports = { primitives, clock, log, webSocket: this.hostile.webSocket };
    const relayKey = fleet.world.relayKeys.publicKeys.sign;
    const enrolment = {
      v: 1,
      scope: 'main',
      agent: agent.id,
      fleet: fleet.world.fleet,
      key: agent.id,
      relayUrl: 'http://relay.test',
      relayKey,
      pinned: this.pinned,
      enrolledAtMs: 0,
    } as const;
    const store = new StateStore(this.file);
    const freshness = new Freshness(clock);
    const following: { link?: RelayLink } = {};
    const { holder } = agent;
    const journal = await AgentJournal.open({
      ports,
      store,
      enrolment,
      holder,
      freshness,
      fetchLockbox: async (place) => following.link?.lockbox(place),
    });
    const link = new RelayLink({
      ports,
      relayUrl: enrolment.relayUrl,
      relayKey,
      identity: { fleet: enrolment.fleet, principal: agent.id, holder },
      freshness,
      reader: journal,
    });
    following.link = link;
    this.parts = { journal, link, freshness, store };
    link.start();
  }

  stop(): void {
    this.parts?.link.stop();
    this.parts?.store.close();
    this.parts = undefined;
  }

  /** Lets what is under way come to its end, then time goes on. */
  async pass(ms: number, clocks: { readonly wall?: boolean; readonly monotonic?: boolean } = {}): Promise<void> {
    const { wall = true, monotonic = true } = clocks;
    for (let passed = 0; passed < ms; passed += tickMs) {
      if (wall) this.nowMs.wall += tickMs;
      if (monotonic) {
        this.nowMs.monotonic += tickMs;
        this.test.mock.timers.tick(tickMs);
      }
      await turns();
      this.parts?.journal.keepPulseAge();
    }
  }

  /** Lets time go on until something is so; fails after two minutes of the test's time. */
  async until(reached: () => boolean, what: string): Promise<void> {
    for (let second = 0; second < 120; second += 1) {
      if (reached()) return;
      await this.pass(tickMs);
    }
    throw new Error(`it did not come to: ${what}; ${this.link.state} ${this.link.error} ${this.codes.join(' ')}`);
  }

  /** Until it has read everything and may mint. */
  async settled(): Promise<void> {
    await this.until(() => this.link.state === 'connected' && this.fresh.refusal === undefined, 'fresh');
  }
}

/** A fleet over a relay in memory. */
export class TestFleet {
  readonly world: World;
  readonly relay: MemoryRelay;
  agents = 0;

  private constructor(world: World) {
    this.world = world;
    this.relay = new MemoryRelay(world);
  }

  /** Timers are the test's from now on. */
  static async begin(test: TestContext): Promise<TestFleet> {
    test.mock.timers.enable({ apis: ['setTimeout'] });
    return new TestFleet(await World.begin());
  }

  /** An operator's sign of life at the relay, dated `atMs`. */
  async pulse(atMs: number): Promise<Uint8Array> {
    const { wire } = await makePulse({ ...this.world.operator.operator, nowMs: atMs });
    this.relay.store.pulse = wire;
    return wire;
  }

  /** An entry that changes nothing of note. */
  async write(name: string): Promise<void> {
    await this.world.operator.keep(name, utf8('a-token-that-is-long-enough'));
  }
}

/** Signatures are made off this thread: more turns than any exchange takes. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
