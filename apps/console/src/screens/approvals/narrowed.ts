// "Always within…": what a standing grant would be that lets through what was just asked, and as little else as can be. Signed answers hold for one act
// (spec/approval.md), so what is to hold for longer is a grant, with a fence of its own, an end, and a count.

import type { Act } from '@holdfast/protocol/approvals/ask';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import type { FleetState, Grant, Item } from '@holdfast/protocol/journal/state';
import { itemsFor } from '@holdfast/protocol/operator/access';
import type { Fence } from '@holdfast/protocol/vault/fence';
import { isPathGlob } from '@holdfast/protocol/vault/path';

const hourMs = 3_600_000;

export interface Choice<T> {
  readonly name: string;
  readonly label: string;
  readonly value: T;
}

/** The first is what stands there unless another is chosen: the shorter, the safer. */
export const lasting: readonly Choice<number>[] = [
  { name: '8h', label: 'for 8 hours', value: 8 * hourMs },
  { name: '1h', label: 'for 1 hour', value: hourMs },
  { name: '24h', label: 'for a day', value: 24 * hourMs },
  { name: '7d', label: 'for a week', value: 7 * 24 * hourMs },
];

type Uses = NonNullable<Fence['uses']>;

export const often: readonly Choice<Uses | undefined>[] = [
  { name: '20/h', label: '20 times an hour', value: { windows: [{ max: 20, windowMs: hourMs }] } },
  { name: '5', label: '5 times in all', value: { total: 5, windows: [] } },
  { name: '100/h', label: '100 times an hour', value: { windows: [{ max: 100, windowMs: hourMs }] } },
  { name: 'any', label: 'as often as it likes', value: undefined },
];

export interface Narrowed {
  readonly fence: Fence;
  /** The grant that this takes the place of: each of its uses is approved by itself so far. */
  readonly instead: Grant | undefined;
  readonly item: Item;
  /** How often is set by the grant that stands there already, and stays as it is. */
  readonly usesAreSet: boolean;
}

export interface Terms {
  readonly item: Item;
  readonly untilMs: number;
  readonly uses: Uses | undefined;
}

/** Credentials of which a standing grant could be made for this; none: it can only be answered once. */
export function candidates(state: FleetState, agent: Uint8Array, act: Act): readonly Item[] {
  if (act.kind === 'access') return itemsFor(state, act).filter(({ name }) => heldAs(state, agent, name) === undefined);
  if (act.kind !== 'use' || !isExactPath(act.path)) return [];
  const item = state.items.get(toHex(act.item));
  const held = state.grants.get(toHex(agent))?.get(toHex(act.grant));
  const isTheirs = held !== undefined && held.sealed === undefined && equalBytes(held.item, act.item) && held.name === act.name;
  return item !== undefined && isTheirs ? [item] : [];
}

const isExactPath = (path: string): boolean => !path.includes('*') && isPathGlob(path);

function heldAs(state: FleetState, agent: Uint8Array, name: string): Grant | undefined {
  return [...(state.grants.get(toHex(agent))?.values() ?? [])].find((grant) => grant.name === name);
}

/** Never wider than what it is made of: the grant that stands there, or else the item itself. Undefined: nothing could be made of it. */
export function narrowed(state: FleetState, agent: Uint8Array, act: Act, { item, untilMs, uses }: Terms): Narrowed | undefined {
  if (act.kind === 'tool-call') return undefined;
  const instead = act.kind === 'use' ? state.grants.get(toHex(agent))?.get(toHex(act.grant)) : undefined;
  const { approveWithinMs: _waits, ...from } = instead?.fence ?? item.fence;
  const usesAreSet = from.uses !== undefined;
  const { host, port, method, path } = act;
  const fence: Fence = {
    ...from,
    v: 2,
    hosts: [{ host, port }],
    methods: [method],
    paths: [path],
    untilMs: Math.min(untilMs, from.untilMs ?? untilMs),
    ...(!usesAreSet && uses !== undefined && { uses }),
  };
  return { fence, instead, item, usesAreSet };
}
