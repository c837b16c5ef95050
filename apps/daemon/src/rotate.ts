// Other keys for an agent of this machine, spec/rotation.md: made in custody, asked for in the agent's own topic under the keys that it has, and its own
// once an operator's entry says so. Asked again, it is the same keys: a request that was cut off goes on, and no key that an operator may still give is lost.

import type { DoorRequest } from '@holdfast/protocol/door/wire';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import type { Agent } from './agent/agent.ts';
import type { Agents } from './agents.ts';
import type { Custody } from './custody/custody.ts';
import type { Caller } from './door/server.ts';
import type { StateStore } from './state/store.ts';

export interface RotationsOptions {
  readonly store: StateStore;
  readonly custody: Custody;
  readonly agents: Agents;
}

/** One in each kind of store. */
const maxPending = 4;

type RotateRequest = Extract<DoorRequest, { kind: 'rotate' }>;

export class Rotations {
  private readonly options: RotationsOptions;

  constructor(options: RotationsOptions) {
    this.options = options;
  }

  /** Until the agent has its new keys, or the caller is gone; the request stands. Throws `scope_unknown`, `relay_*`, `key_store_*`. */
  async rotate({ scope, custody: level }: RotateRequest, caller: Caller): Promise<void> {
    const agent = this.options.agents.ofScope(scope);
    agent.assertAble();
    const { custody, publicKeys, ...asked } = await this.keysFor(agent, level);
    await agent.askForKeys(asked, { keys: publicKeys, custody });
    caller.reply({ kind: 'rotate-asked', agent: agent.id, scope, custody });
    await agent.hasKeys(publicKeys, caller.gone);
    if (!caller.gone.aborted) caller.reply({ kind: 'rotate-done', agent: agent.id, scope, custody });
  }

  /** In the store that was named, or the best: those that were made there before, if the agent asks for them still. */
  private async keysFor(agent: Agent, wanted: RotateRequest['custody']) {
    const { store, custody } = this.options;
    const { fleet, scope } = agent.enrolment;
    const level = wanted ?? custody.level;
    const pending = store.rotations(agent.id);
    for (const key of pending) {
      const known = await custody.describe(key).catch(unlessLost);
      if (known?.custody.startsWith(level) === true) return { ...known, holder: custody.holder(known) };
    }
    if (pending.length >= maxPending)
      throw new HoldfastError('limit_exceeded', 'this agent asks for enough keys already', {
        next: `have the operator give it some: holdfast rotate approve ${scope}`,
      });
    const made = await custody.create(scope, wanted);
    store.beginAttempt(made.key);
    await custody.bind(made.key, { fleet, agent: agent.id });
    store.beginRotation(agent.id, made.key);
    return { ...made, holder: custody.holder(made) };
  }
}

/** A key that custody has lost can be asked for anew; whatever else failed is no reason to make another. */
function unlessLost(thrown: unknown): undefined {
  if (codeOf(thrown) !== 'key_unknown') throw thrown;
}
