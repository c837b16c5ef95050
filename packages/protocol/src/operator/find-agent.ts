// Which agent an operator means by a name.

import { toHex } from '../codec/bytes.ts';
import { HoldfastError } from '../errors.ts';
import type { Agent } from '../journal/state.ts';

/**
 * By id, or by scope: the one that lives, or else the last that did. Two machines may have the same scope, and a grant to the wrong one cannot
 * be taken back. Throws `agent_unknown`, `agent_ambiguous`.
 */
export function findAgent(agents: Iterable<Agent>, name: string): Agent {
  const all = [...agents];
  const byId = all.find(({ id }) => toHex(id) === name);
  if (byId !== undefined) return byId;
  const ofScope = all.filter(({ scope }) => scope === name);
  const live = ofScope.filter(({ revoked }) => revoked === undefined);
  if (live.length > 1) {
    const which = live.map(({ id, machine }) => `${toHex(id)} (${machine})`).join(', ');
    throw new HoldfastError('agent_ambiguous', `more than one agent has the scope ${name}: ${which}`, {
      next: 'name one by its id',
    }); // [CLI-19]
  }
  const found = live[0] ?? ofScope.at(-1);
  if (found !== undefined) return found;
  throw new HoldfastError('agent_unknown', `there is no agent ${name}`, { next: 'see: holdfast agents' });
}
