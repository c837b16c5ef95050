// How agents are just now, by their machines' own word (spec/presence.md): the newest of each, as a Solid signal. Read apart from the asks: nothing is
// decided by it, and what does not hold is dropped.

import { Presences, type Heard, type PresentChild, type PresentSession } from '@holdfast/protocol/approvals/presence';
import type { RelayPush } from '@holdfast/protocol/blind/frames';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { hearPresence } from '@holdfast/protocol/operator/hear-presence';
import type { OperatorSession } from '@holdfast/protocol/operator/session';
import { createSignal, type Accessor } from 'solid-js';

/** What was heard, at one moment. */
export class HeardPresences {
  readonly #byAgent: ReadonlyMap<string, Heard>;

  constructor(all: readonly Heard[]) {
    this.#byAgent = new Map(all.map((heard) => [toHex(heard.agent), heard]));
  }

  /** Undefined: its machine has said nothing for two minutes, or nothing was heard of it yet. */
  of(agent: Uint8Array, nowMs: number): Heard | undefined {
    const heard = this.#byAgent.get(toHex(agent));
    return heard !== undefined && heard.expiresAtMs > nowMs ? heard : undefined;
  }

  /** The last word, also one that is over. */
  last(agent: Uint8Array): Heard | undefined {
    return this.#byAgent.get(toHex(agent));
  }

  sessionOf(agent: Uint8Array, session: Uint8Array): PresentSession | undefined {
    return this.last(agent)?.presence.sessions.find((each) => equalBytes(each.session, session));
  }

  /** Whose of the agent's children a session is; undefined: its own. */
  childOf(agent: Uint8Array, session: Uint8Array): PresentChild | undefined {
    const { child } = this.sessionOf(agent, session) ?? {};
    if (child === undefined) return undefined;
    return this.last(agent)?.presence.children.find((each) => equalBytes(each.child, child));
  }
}

export interface LivePresences {
  readonly presences: Accessor<HeardPresences>;
  hear(push: RelayPush, session: OperatorSession): void;
}

/** Kept beyond their life, so that "last heard" can be said. */
export function livePresences(nowMs: () => number): LivePresences {
  const newest = new Presences();
  const last = new Map<string, Heard>();
  const [presences, setPresences] = createSignal(new HeardPresences([]));
  const take = async (wire: Uint8Array, session: OperatorSession): Promise<void> => {
    const heard = await hearPresence(session, wire, nowMs());
    if (heard === undefined) return;
    if (!newest.take(heard)) return;
    last.set(toHex(heard.agent), heard);
    setPresences(new HeardPresences([...last.values()]));
  };
  return {
    presences,
    hear(push, session) {
      if (push.kind === 'push-signal') take(push.signal, session).catch(() => undefined);
    },
  };
}
