// All agents of this machine: one a scope. Opens them at start, and enrols new ones by pairing (spec/pairing.md).

import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { Agent } from './agent/agent.ts';
import type { Custody } from './custody/custody.ts';
import type { Ports } from './ports.ts';
import type { StateStore } from './state/store.ts';

export interface AgentsOptions {
  readonly ports: Ports;
  readonly store: StateStore;
  readonly custody: Custody;
  readonly auditFolder: string;
  readonly version: string;
}

/** An agent that could not be opened: named in `status`, never silently missing. */
export interface Unopened {
  readonly scope: string;
  readonly thrown: unknown;
}

export class Agents {
  readonly unopened: Unopened[] = [];
  private readonly options: AgentsOptions;
  private readonly byScope = new Map<string, Agent>();
  private readonly run: { readonly id: Uint8Array; readonly startedMs: number };

  constructor(options: AgentsOptions) {
    this.options = options;
    const { primitives, clock } = options.ports;
    this.run = { id: primitives.random(16), startedMs: clock.monotonicMs() };
  }

  async openAll(): Promise<void> {
    for (const { scope } of this.options.store.enrolments()) {
      try {
        await this.open(scope);
      } catch (thrown) {
        this.unopened.push({ scope, thrown });
      }
    }
  }

  /** Opens the enrolment that the store has for a scope, in place of one that was open. */
  async open(scope: string): Promise<Agent> {
    const { ports, store, custody, auditFolder, version } = this.options;
    const enrolment = store.enrolments().find((each) => each.scope === scope);
    if (enrolment === undefined) throw notEnrolled(scope);
    await this.byScope.get(scope)?.close();
    const holder = custody.holder(await custody.describe(enrolment.key));
    const agent = await Agent.open({ ports, store, enrolment, holder, custodyLevel: custody.level, auditFolder, run: this.run, version });
    this.byScope.set(scope, agent);
    return agent;
  }

  /** Undoes an enrolment that did not end well. */
  async forget(scope: string): Promise<void> {
    await this.byScope.get(scope)?.close();
    this.byScope.delete(scope);
    this.options.store.removeEnrolment(scope);
  }

  all(): readonly Agent[] {
    return [...this.byScope.values()];
  }

  /** Throws `scope_unknown`. */
  ofScope(scope: string): Agent {
    const agent = this.byScope.get(scope);
    if (agent !== undefined) return agent;
    throw notEnrolled(scope);
  }

  /** By id in hex, or by scope. Throws `agent_unknown`. */
  named(name: string): Agent {
    const agent = this.byScope.get(name) ?? this.all().find(({ id }) => toHex(id) === name);
    if (agent !== undefined) return agent;
    throw new HoldfastError('agent_unknown', `this machine has no agent ${name}`, { next: 'see: holdfast status' });
  }

  async close(): Promise<void> {
    await Promise.all(this.all().map((agent) => agent.close()));
  }
}

function notEnrolled(scope: string): HoldfastError {
  return new HoldfastError('scope_unknown', `no agent is enrolled for the scope ${scope}`, { next: `holdfast enroll --scope ${scope}` });
}
