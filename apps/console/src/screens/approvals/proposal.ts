// Which credential an approval would grant, where one is granted at all.

import type { FleetState } from '@holdfast/protocol/journal/state';
import { itemsFor } from '@holdfast/protocol/operator/access';
import type { ShownAsk } from '../../fleet/fleet.ts';

/** `none`: it cannot be approved before a person has chosen one. */
export type Wanted = { readonly kind: 'none' } | { readonly kind: 'ready'; readonly name: string | undefined };

export function itemWanted(state: FleetState | undefined, { open: { ask } }: ShownAsk): Wanted {
  if (ask.act.kind !== 'access') return { kind: 'ready', name: undefined };
  const [only, another] = state === undefined ? [] : itemsFor(state, ask.act);
  return only === undefined || another !== undefined ? { kind: 'none' } : { kind: 'ready', name: only.name };
}
