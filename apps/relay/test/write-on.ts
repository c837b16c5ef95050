// The program of durability.test.ts: a relay's store that takes entries in two topics, both in one commit, until it has as many as it shall.
// A commit that fails is made again. Arguments: folder, file for promises (the position that is safe), how many.

import { createHash } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { codeOf } from '@holdfast/protocol/errors';
import { sqliteStore } from '../src/sqlite-store.ts';
import type { PlacedEntry, Store, Write } from '../src/store.ts';

/** More than a store that works again could need. */
const maxFailures = 20;

export const topics = [new Uint8Array(16), new Uint8Array(16).fill(1)] as const;

/** The entry that stands in a place; 1 to 4 KB. */
export function entryAt(topic: Uint8Array, position: number): PlacedEntry {
  const hash = (at: number): Uint8Array =>
    at < 0 ? new Uint8Array(32) : new Uint8Array(createHash('sha256').update(topic).update(String(at)).digest());
  return {
    topic,
    position,
    previous: hash(position - 1),
    hash: hash(position),
    atMs: position,
    wire: new Uint8Array(1000 + ((position * 977) % 3000)).fill(position % 251),
  };
}

export const fleet = entryAt(topics[0], 0).hash;

/** What stands in place `position` of both topics. */
export function writesAt(position: number): Write[] {
  const appends = topics.map((topic): Write => ({
    kind: 'append',
    fleet,
    entry: entryAt(topic, position),
    maxTopicBytes: 1 << 30,
  }));
  const genesis = entryAt(topics[0], 0);
  return position === 0 ? [{ kind: 'create', fleet, access: new Uint8Array(50), genesis }, ...appends.slice(1)] : appends;
}

/** The first place that is empty. */
export async function nextPosition(store: Store): Promise<number> {
  return ((await store.head(fleet, topics[0]))?.position ?? -1) + 1;
}

async function main(folder: string, promises: string, count: number): Promise<number> {
  const said = openSync(promises, 'a');
  let store: Store;
  try {
    store = sqliteStore({ path: path.join(folder, 'relay.db') });
  } catch (thrown) {
    process.stderr.write(`(${codeOf(thrown)})\n`);
    return 3;
  }
  let failures = 0;
  for (let position = await nextPosition(store); position < count && failures < maxFailures;) {
    try {
      await store.commit(writesAt(position));
      writeSync(said, `${position}\n`);
      position += 1;
    } catch (thrown) {
      if (codeOf(thrown) !== 'store_failed' && codeOf(thrown) !== 'store_full') throw thrown;
      failures += 1;
    }
  }
  await store.close();
  return failures < maxFailures ? 0 : 4;
}

const [, program = '', folder = '', promises = '', count = ''] = process.argv;
if (import.meta.url === pathToFileURL(program).href) process.exitCode = await main(folder, promises, Number(count));
