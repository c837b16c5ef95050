// What one agent's daemon says of it, spec/presence.md: gathered from what the agent is just now, as far as a signal has room, signed by its session key
// and sealed to its operators. Unchanged it is said only when it is time.

import {
  fitting,
  presence as fields,
  presenceLifeMs,
  type Presence,
  type PresentChild,
  type PresentCount,
} from '@holdfast/protocol/approvals/presence';
import { agentSays } from '@holdfast/protocol/approvals/signals';
import type { SessionSigner } from '@holdfast/protocol/audit/checkpoint';
import type { Signal } from '@holdfast/protocol/blind/signal';
import { equalBytes, toBase64url } from '@holdfast/protocol/codec/bytes';
import { encode, record } from '@holdfast/protocol/codec/schema';
import type { ErrorCode } from '@holdfast/protocol/errors';
import type { Grant } from '@holdfast/protocol/journal/state';
import type { ChildView } from '../children/children.ts';
import type { FreshnessView } from '../freshness.ts';
import type { Ports } from '../ports.ts';
import type { InForce } from '../agent/rules-in-force.ts';
import type { LivingSessions } from './living.ts';
import { PresenceTeller } from './teller.ts';

/** What the agent is, asked anew each time. */
export interface PresentFacts {
  readonly control: { readonly position: number; readonly hash: Uint8Array };
  readonly rules: InForce;
  readonly bedrock: number;
  readonly freshness: FreshnessView;
  readonly recording: boolean;
  /** What is wrong with its log, or its shipping. */
  readonly faults: readonly ErrorCode[];
  readonly children: readonly ChildView[];
  readonly grants: readonly Grant[];
  readonly counts: readonly PresentCount[];
  /** How many acts of that session wait for an operator. */
  waiting(session: Uint8Array): number;
}

export interface PresenceOptions {
  readonly ports: Ports;
  readonly fleet: Uint8Array;
  readonly agent: Uint8Array;
  readonly version: string;
  readonly living: LivingSessions;
  /** Undefined while there is nothing to say. */
  readonly facts: () => PresentFacts | undefined;
  readonly epochKey: () => Promise<{ readonly epoch: number; readonly key: Uint8Array }>;
  readonly signer: (lastsMs: number) => Promise<SessionSigner>;
  readonly publish: (signal: Signal) => Promise<void>;
}

/** All but what changes by itself. */
const steady = record(fields);

export class AgentPresence {
  readonly #options: PresenceOptions;
  readonly #teller: PresenceTeller;
  #sequence = 0;
  #said: Uint8Array | undefined;
  #incidents: ReadonlySet<string> = new Set();

  constructor(options: PresenceOptions) {
    this.#options = options;
    const { clock } = options.ports;
    this.#teller = new PresenceTeller({ monotonicMs: () => clock.monotonicMs(), say: (anyway) => this.#say(anyway) });
    options.living.onChange(() => this.changed());
  }

  changed(): void {
    this.#teller.changed();
  }

  connected(): void {
    this.#teller.connected();
  }

  stop(): void {
    this.#teller.stop();
  }

  async #say(anyway: boolean): Promise<void> {
    const { ports, fleet, agent, facts, epochKey, signer, publish } = this.#options;
    const found = facts();
    if (found === undefined) return;
    const body = fitting(this.#bodyOf(found));
    const { kind: _kind, ...said } = body;
    const what = encode(steady, { ...said, sequence: 0, atMs: 0, freshness: { ...agesLeftOut(said.freshness) } });
    if (!anyway && this.#said !== undefined && equalBytes(this.#said, what)) return; // [PRESENCE-3]
    const urgent = body.incidents.some((each) => !this.#incidents.has(each)); // [PRESENCE-7]
    const expiresAtMs = Math.trunc(ports.clock.nowMs()) + presenceLifeMs;
    const certified = await signer(presenceLifeMs);
    const to = { primitives: ports.primitives, fleet, agent, epochKey: await epochKey(), expiresAtMs };
    await publish(await agentSays(to, certified, body, { urgent }));
    this.#said = what;
    this.#incidents = new Set(body.incidents);
  }

  #bodyOf(facts: PresentFacts): Presence {
    const { ports, version, living } = this.#options;
    const { control, rules, bedrock, recording } = facts;
    const { relayAgeMs, pulseAgeMs, pulseMaxAgeMs, refusal } = facts.freshness;
    const atMs = Math.trunc(ports.clock.nowMs());
    this.#sequence = Math.max(this.#sequence + 1, atMs); // also larger than those of an earlier run [PRESENCE-5]
    const sessions = living.all();
    const suspended = sessions.some((each) => each.suspended);
    const present = sessions.map((each) => {
      const view = each.view();
      const waiting = facts.waiting(view.session);
      return { ...view, ...(waiting > 0 && { waiting }) };
    });
    const incidents = [
      ...facts.faults,
      ...(rules.unreadable ? [rules.unreadable.code] : []),
      ...(suspended ? ['session_suspended'] : []),
    ];
    return {
      ...{ kind: 'presence', v: 1, sequence: this.#sequence, atMs, version },
      control: { position: control.position, hash: control.hash },
      ...(rules.version !== undefined && { rules: rules.version }),
      ...(rules.unreadable !== undefined && { rulesUnreadable: rules.unreadable.version }),
      bedrock,
      freshness: {
        ...(relayAgeMs !== undefined && { relayAgeMs: Math.round(relayAgeMs) }),
        ...(pulseAgeMs !== undefined && { pulseAgeMs: Math.round(pulseAgeMs) }),
        pulseMaxAgeMs,
        ...(refusal !== undefined && { refusal }),
      },
      recording,
      incidents: [...new Set(incidents)].slice(0, 16),
      sessions: present.toSorted((a, b) => Number((b.waiting ?? 0) > 0) - Number((a.waiting ?? 0) > 0)), // stable: the others stay in their order
      children: facts.children.map((each) => childOf(each, facts.grants)),
      counts: facts.counts,
      unlisted: { sessions: 0, children: 0, counts: 0 },
    };
  }
}

const agesLeftOut = ({ relayAgeMs: _relay, pulseAgeMs: _pulse, ...rest }: Presence['freshness']): Presence['freshness'] => rest;

function childOf(child: ChildView, granted: readonly Grant[]): PresentChild {
  const { child: id, parent, session, kind, name, capabilities, grants, usesLeft, startedAtMs, expiresAtMs } = child;
  const credentials = grants && granted.flatMap(({ grant, name: item }) => (grants.includes(toBase64url(grant)) ? [item] : []));
  return {
    ...{ child: id, session, kind, name, capabilities, startedAtMs, expiresAtMs },
    ...(parent !== undefined && { parent }),
    ...(credentials !== undefined && { credentials: credentials.slice(0, 16) }),
    ...(usesLeft !== undefined && { usesLeft: Math.max(0, usesLeft) }),
  };
}
