// All agents of this machine: one a scope, and those that scopes were before. Opens them at start, and admits new ones after pairing.

import { rm } from 'node:fs/promises';
import path from 'node:path';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { Agent } from './agent/agent.ts';
import type { Asked } from './agent/key-rotation.ts';
import type { Custody } from './custody/custody.ts';
import { faultOf } from './fault.ts';
import type { Ports } from './ports.ts';
import type { Enrolment, StateStore } from './state/store.ts';

export interface AgentsOptions {
  readonly ports: Ports;
  readonly store: StateStore;
  readonly custody: Custody;
  readonly auditFolder: string;
  readonly saltsFolder: string;
  readonly version: string;
}

/** An agent that could not be opened: named in `status`, never silently missing. */
export interface Unopened {
  readonly scope: string;
  readonly agent: Uint8Array;
  readonly thrown: unknown;
}

export class Agents {
  private readonly options: AgentsOptions;
  private readonly byScope = new Map<string, Agent>();
  private readonly notOpened = new Map<string, Unopened>();
  /** Opened when somebody asks for their evidence; by id in hex. */
  private readonly past = new Map<string, Promise<Agent>>();
  private readonly run: { readonly id: Uint8Array; readonly startedMs: number };

  constructor(options: AgentsOptions) {
    this.options = options;
    const { primitives, clock } = options.ports;
    this.run = { id: primitives.random(16), startedMs: clock.monotonicMs() };
  }

  /** Opens whom this machine is enrolled as; what a killed enrolment left behind is removed. */
  async openAll(): Promise<void> {
    const { store, ports } = this.options;
    for (const key of store.attempts()) await this.dropKey(key);
    for (const enrolment of store.enrolments()) {
      const { scope, agent } = enrolment;
      try {
        this.byScope.set(scope, await this.open(enrolment));
      } catch (thrown) {
        this.notOpened.set(scope, { scope, agent, thrown });
        ports.log.warn({ agent: toHex(agent), code: codeOf(thrown), ...faultOf(thrown) }, 'an agent could not be opened');
      }
    }
  }

  /**
   * Opens a new agent, and makes it its scope's once `accept` has seen it; whom the scope was before is past then. When anything fails,
   * nothing of the new one is kept and the old one stays.
   */
  async admit(enrolment: Enrolment, accept: (agent: Agent) => Promise<void>): Promise<Agent> {
    const { store, auditFolder, saltsFolder } = this.options;
    const agent = await this.open(enrolment);
    try {
      await accept(agent);
      store.saveEnrolment(enrolment);
    } catch (thrown) {
      await agent.close();
      store.forget(agent.id);
      for (const folder of [auditFolder, saltsFolder])
        await rm(path.join(folder, toHex(agent.id)), { recursive: true, force: true });
      throw thrown;
    }
    const before = this.byScope.get(enrolment.scope);
    this.byScope.set(enrolment.scope, agent);
    await before?.close();
    return agent;
  }

  /** Destroys a key that no enrolment names. Tried again at the next start if custody cannot. */
  async dropKey(key: Uint8Array): Promise<void> {
    const { custody, store, ports } = this.options;
    try {
      await custody.destroy(key);
    } catch (thrown) {
      if (codeOf(thrown) !== 'key_unknown') {
        ports.log.warn({ code: codeOf(thrown) }, 'the keys of a failed enrolment could not be removed');
        return;
      }
    }
    store.endAttempt(key);
  }

  all(): readonly Agent[] {
    return [...this.byScope.values()];
  }

  unopened(): readonly Unopened[] {
    return [...this.notOpened.values()];
  }

  /** Throws `scope_unknown`, or why the agent of this scope could not be opened. */
  ofScope(scope: string): Agent {
    const agent = this.byScope.get(scope);
    if (agent !== undefined) return agent;
    const unopened = this.notOpened.get(scope);
    if (unopened !== undefined) throw unopened.thrown;
    throw new HoldfastError('scope_unknown', `no agent is enrolled for the scope ${scope}`, {
      next: `holdfast enroll --scope ${scope}`,
    });
  }

  /** Whose evidence is asked for, by id in hex or by scope, past agents by id. Throws `agent_unknown`, or why it could not be opened. */
  async evidence(name: string): Promise<Agent> {
    const agent = this.all().find(({ id }) => toHex(id) === name) ?? this.byScope.get(name);
    if (agent !== undefined) return agent;
    const unopened = this.unopened().find((each) => toHex(each.agent) === name || each.scope === name);
    if (unopened !== undefined) throw unopened.thrown;
    const past = this.options.store.pastEnrolments().find((each) => toHex(each.agent) === name);
    if (past === undefined)
      throw new HoldfastError('agent_unknown', `this machine has no agent ${name}`, { next: 'see: holdfast agents' });
    const opening = this.past.get(name) ?? this.open(past, true);
    this.past.set(name, opening);
    opening.catch(() => this.past.delete(name));
    return opening;
  }

  /** Also one that a scope was before. */
  isHere(id: Uint8Array): boolean {
    const { store } = this.options;
    return [...store.enrolments(), ...store.pastEnrolments()].some(({ agent }) => equalBytes(agent, id));
  }

  async close(): Promise<void> {
    const past = await Promise.all([...this.past.values()].map((opening) => opening.catch(() => undefined)));
    await Promise.all([...this.all(), ...past].map(async (agent) => agent?.close()));
  }

  private async open(enrolment: Enrolment, past = false): Promise<Agent> {
    const { ports, store, custody, auditFolder, saltsFolder, version } = this.options;
    const key = await custody.describe(enrolment.key);
    const holder = custody.holder(key);
    const asked = past ? [] : await this.asked(enrolment.agent);
    return Agent.open({
      ports,
      store,
      enrolment,
      holder,
      custodyLevel: key.custody,
      auditFolder,
      saltsFolder,
      run: this.run,
      version,
      past,
      asked,
      dropKey: (old) => this.dropKey(old),
    });
  }

  /** One that custody has lost can be asked for anew. */
  private async asked(agent: Uint8Array): Promise<readonly Asked[]> {
    const { store, custody } = this.options;
    const found = store.rotations(agent).map(async (key) => {
      const described = await custody.describe(key).catch(() => undefined);
      return described === undefined ? [] : [{ key, holder: custody.holder(described) }];
    });
    return (await Promise.all(found)).flat();
  }
}
