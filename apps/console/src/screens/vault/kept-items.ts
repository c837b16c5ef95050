// The vault as a list: what is kept, who may use it, and when that last happened, as far as logs tell.

import { toHex } from '@holdfast/protocol/codec/bytes';
import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { isLive, type Agent, type FleetState, type Grant, type Item } from '@holdfast/protocol/journal/state';

export interface Holder {
  readonly grant: Grant;
  readonly agent: Agent;
  readonly approve: boolean;
}

export interface KeptItem {
  /** In hex. */
  readonly id: string;
  readonly item: Item;
  readonly holders: readonly Holder[];
}

/** By name. */
export function keptItems({ items, grants, agents }: FleetState): readonly KeptItem[] {
  const held = [...grants.values()].flatMap((each) => [...each.values()]);
  return [...items.values()]
    .map((item): KeptItem => {
      const id = toHex(item.id);
      const holders = held.flatMap((grant): Holder[] => {
        const agent = agents.get(toHex(grant.agent));
        return agent === undefined || toHex(grant.item) !== id ? [] : [{ grant, agent, approve: grant.sealed === undefined }];
      });
      return { id, item, holders };
    })
    .toSorted((one, other) => (one.item.name < other.item.name ? -1 : 1));
}

/** By what is known of them: name, purpose, hosts, agents. All words must be found. */
export function searchItems(items: readonly KeptItem[], typed: string): readonly KeptItem[] {
  const wanted = typed
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return items.filter(({ item, holders }) => {
    const said = [
      ...[item.name, item.purpose ?? '', item.env ?? ''],
      ...item.fence.hosts.map(({ host }) => host),
      ...holders.map(({ agent }) => agent.scope),
    ].map((text) => text.toLowerCase());
    return wanted.every((word) => said.some((text) => text.includes(word)));
  });
}

export interface LastUse {
  readonly atMs: number;
  /** In hex. */
  readonly agent: string;
  readonly sequence: number;
}

/** By item in hex. Reads each event of a log once, however often it is asked. */
export class LastUses {
  readonly #last = new Map<string, LastUse>();
  readonly #read = new Map<string, number>();

  of(logs: Iterable<{ readonly agent: string; readonly events: readonly AuditEvent[] }>): ReadonlyMap<string, LastUse> {
    for (const { agent, events } of logs) {
      for (const event of events.slice(this.#read.get(agent) ?? 0)) {
        if (event.kind !== 'consumed') continue;
        const item = toHex(event.item);
        if (event.atMs >= (this.#last.get(item)?.atMs ?? 0))
          this.#last.set(item, { atMs: event.atMs, agent, sequence: event.sequence });
      }
      this.#read.set(agent, events.length);
    }
    return new Map(this.#last);
  }
}

/** Those to whom something can be granted. */
export const grantable = (state: FleetState): readonly Agent[] =>
  [...state.agents.values()].filter(({ id }) => isLive(state, id));

/** By its scope, and by its id where another one has the same. */
export function agentName({ id, scope }: Pick<Agent, 'id' | 'scope'>, agents: Iterable<Pick<Agent, 'scope'>>): string {
  return [...agents].filter((each) => each.scope === scope).length > 1 ? `${scope} ${toHex(id).slice(0, 8)}` : scope;
}
