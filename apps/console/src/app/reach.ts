// How far what was signed has come: which of the agents that may act say that they have applied it.

import { actingAgents } from '@holdfast/protocol/journal/state';
import type { Fleet } from '../fleet/fleet.ts';
import type { Reach } from './act-words.ts';

/** Undefined before the fleet was read. An agent whose machine is silent does not have it, as far as anybody knows. */
export function reachOf(
  { state, presences }: Pick<Fleet, 'state' | 'presences'>,
  position: number,
  nowMs: number,
): Reach | undefined {
  const known = state();
  if (known === undefined) return undefined;
  const acting = actingAgents(known);
  const have = acting.filter(({ id }) => (presences().of(id, nowMs)?.presence.control.position ?? -1) >= position);
  return { have: have.length, of: acting.length };
}
