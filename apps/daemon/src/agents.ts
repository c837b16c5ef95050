// All agents of this machine: one a scope. Opens them at start, and enrols new ones by pairing (spec/pairing.md).

import { hostname } from 'node:os';
import path from 'node:path';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { HoldfastError } from '@holdfast/protocol/errors';
import { Agent } from './agent/agent.ts';
import type { Custody } from './custody/custody.ts';
import type { Ports } from './ports.ts';
import type { Enrolment, StateStore } from './state/store.ts';

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
  private readonly run: Uint8Array;

  constructor(options: AgentsOptions) {
    this.options = options;
    this.run = options.ports.primitives.random(16);
  }

  async openAll(): Promise<void> {
    for (const enrolment of this.options.store.enrolments()) {
      try {
        await this.open(enrolment);
      } catch (thrown) {
        this.unopened.push({ scope: enrolment.scope, thrown });
      }
    }
  }

  async open(enrolment: Enrolment): Promise<Agent> {
    const { ports, store, custody, auditFolder, version } = this.options;
    const holder = custody.holder(await custody.describe(enrolment.key));
    const agent = await Agent.open({ ports, store, enrolment, holder, custodyLevel: custody.level, auditFolder, run: this.run, version });
    await this.byScope.get(enrolment.scope)?.close();
    this.byScope.set(enrolment.scope, agent);
    return agent;
  }

  all(): readonly Agent[] {
    return [...this.byScope.values()];
  }

  /** Throws `scope_unknown`. */
  ofScope(scope: string): Agent {
    const agent = this.byScope.get(scope);
    if (agent !== undefined) return agent;
    throw new HoldfastError('scope_unknown', `no agent is enrolled for the scope ${scope}`, { next: `holdfast enroll --scope ${scope}` });
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

/** What the machine calls itself to the operator; shown, never decided by. */
export function machineName(): string {
  return path.basename(hostname()).replace(/\p{C}/gu, '').slice(0, 64) || 'unnamed';
}
