// An agent's log as the daemon of this machine keeps it, read through its door.

import type { DoorReplyOf } from '@holdfast/protocol/door/wire';
import { askDaemon, findHome } from '../door-client.ts';

const pageItems = 500;

type Page = DoorReplyOf<'audit-page'>;
export type Log = Pick<Page, 'agent' | 'fleet' | 'agentKey' | 'earlierKeys' | 'anchor'> & {
  readonly events: readonly Uint8Array[];
  readonly checkpoints: readonly Uint8Array[];
};

/** One part of an agent's log, page by page, up to the size that it had at the first page. */
async function readPart(
  agent: string,
  part: 'events' | 'checkpoints',
): Promise<{ readonly items: Uint8Array[]; readonly page: Page }> {
  const paths = findHome();
  const ask = (from: number) => askDaemon(paths, { kind: 'audit', agent, part, from, limit: pageItems }, 'audit-page');
  let page = await ask(0);
  const { total } = page;
  const items = [...page.items];
  while (items.length < total && page.items.length > 0) {
    page = await ask(items.length);
    items.push(...page.items);
  }
  return { items: items.slice(0, total), page };
}

/** Checkpoints first: events only grow, so every checkpoint read covers events that are read after it. */
export async function readLog(agent: string): Promise<Log> {
  const { items: checkpoints } = await readPart(agent, 'checkpoints');
  const { items: events, page } = await readPart(agent, 'events');
  return { ...page, events, checkpoints };
}

/** All events, oldest first. */
export async function readEvents(agent: string): Promise<readonly Uint8Array[]> {
  return (await readPart(agent, 'events')).items;
}

/** Events from number `from` on, at most `limit` and as many as fit a page, with whose they are and how many are signed for. */
export function askEvents(agent: string, from: number, limit = pageItems): Promise<Page> {
  return askDaemon(findHome(), { kind: 'audit', agent, part: 'events', from, limit }, 'audit-page');
}
