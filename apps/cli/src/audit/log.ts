// An agent's log as the daemon of this machine keeps it, read through its door.

import type { DoorReplyOf } from '@holdfast/protocol/door/wire';
import { leafHash } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import { askDaemon, findHome } from '../door-client.ts';

const pageItems = 500;

type Page = DoorReplyOf<'audit-page'>;
export type Log = Pick<Page, 'agent' | 'fleet' | 'agentKey' | 'earlierKeys' | 'anchor'> & {
  /** Of the first records, which were pruned: their hashes. `events` are those after them. */
  readonly leaves: readonly Uint8Array[];
  readonly events: readonly Uint8Array[];
  readonly checkpoints: readonly Uint8Array[];
};

/** One part of an agent's log, page by page, up to the size that it had at the first page. */
async function readPart(
  agent: string,
  part: 'events' | 'leaves' | 'checkpoints',
): Promise<{ readonly items: Uint8Array[]; readonly page: Page }> {
  const paths = findHome();
  const ask = (from: number) => askDaemon(paths, { kind: 'audit', agent, part, from, limit: pageItems }, 'audit-page');
  for (;;) {
    let page = await ask(0);
    const { total, pruned } = page;
    const first = part === 'events' ? pruned : 0;
    const items = [...page.items];
    while (first + items.length < total && page.items.length > 0 && page.pruned === pruned) {
      page = await ask(first + items.length);
      items.push(...page.items);
    }
    if (page.pruned === pruned) return { items: items.slice(0, total - first), page }; // else some went while they were read
  }
}

/** Checkpoints first: events only grow, so every checkpoint read covers events that are read after it. */
export async function readLog(agent: string): Promise<Log> {
  const { items: checkpoints } = await readPart(agent, 'checkpoints');
  for (;;) {
    const { items: events, page } = await readPart(agent, 'events');
    const { items: leaves } = page.pruned === 0 ? { items: [] } : await readPart(agent, 'leaves');
    if (leaves.length === page.pruned) return { ...page, leaves, events, checkpoints };
  }
}

/** All events that were not pruned, oldest first. */
export async function readEvents(agent: string): Promise<readonly Uint8Array[]> {
  return (await readPart(agent, 'events')).items;
}

/** Events from number `from` on, or from the first that was not pruned, at most `limit` and as many as fit a page, with whose they are and how many are signed for. */
export function askEvents(agent: string, from: number, limit = pageItems): Promise<Page> {
  return askDaemon(findHome(), { kind: 'audit', agent, part: 'events', from, limit }, 'audit-page');
}

/** The leaf hash of an event, pruned or not; undefined: there is none. */
export async function leafAt(agent: string, number: number): Promise<Uint8Array | undefined> {
  for (;;) {
    const { items, pruned } = await askEvents(agent, number, 1);
    const [event] = items;
    if (number >= pruned) return event && leafHash(nodePrimitives, event);
    const [leaf] = (await askDaemon(findHome(), { kind: 'audit', agent, part: 'leaves', from: number, limit: 1 }, 'audit-page'))
      .items;
    if (leaf !== undefined) return leaf;
  }
}
