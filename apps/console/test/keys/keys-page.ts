// A page with the operator's keys and nothing else, for in-chromium.test.ts: what screens do with keys, as calls whose answers a test can read.

import { utf8 } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import type { Domain } from '@holdfast/protocol/keys/domain';
import { stretchInPieces } from '../../src/keys/passphrase.ts';
import { openThisBrowser } from '../../src/keys/this-browser.ts';
import type { Way } from '../../src/keys/ways.ts';

const browser = await openThisBrowser();
const { session, records } = browser;
let heads = 0;
browser.tabs.hear((news) => {
  if (news === 'heads') heads += 1;
});

const facts = {
  fleet: new Uint8Array(32).fill(0xf1),
  fleetName: 'a fleet that is easy to find',
  device: new Uint8Array(16).fill(0xd1),
  relayUrl: 'http://127.0.0.1:7433',
  relayKey: new Uint8Array(65).fill(4),
};

/** A passphrase, or a passkey where there is none. */
const wayOf = (passphrase?: string): Way =>
  passphrase === undefined ? { kind: 'passkey' } : { kind: 'passphrase', passphrase: utf8(passphrase) };

async function outcomeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return 'ok';
  } catch (thrown) {
    const code = codeOf(thrown);
    return code === 'internal' ? String(thrown) : code;
  }
}

function unlocked(): NonNullable<typeof session.unlocked> {
  if (session.unlocked === undefined) throw new Error('locked');
  return session.unlocked;
}

const calls = {
  hasPasskeys: () => browser.hasPasskeys,
  make: (passphrase?: string) =>
    outcomeOf(async () => session.save(await session.keys.make(wayOf(passphrase), facts.fleetName), facts)),
  unlock: (passphrase?: string) => outcomeOf(() => session.unlock(wayOf(passphrase))),
  add: (shown: string | undefined, added: string | undefined) => outcomeOf(() => session.keys.add(wayOf(shown), wayOf(added))),
  lock: () => session.lock(),
  isOpen: () => session.unlocked !== undefined,
  sign: (domain: Domain) => outcomeOf(() => unlocked().holder.sign(domain, utf8('a statement'))),
  act: (passphrase?: string) =>
    outcomeOf(() => {
      const { holder, withLeave } = unlocked();
      return withLeave('revoke main', wayOf(passphrase), () => holder.sign('entry', utf8('revoke main')));
    }),
  /** Keeps what is no snapshot: sealed all the same. */
  keep: (text: string) => outcomeOf(() => browser.lastKnown(unlocked()).keep(utf8(text), 1)),
  remember: (position: number) => outcomeOf(() => browser.store().remember({ control: { position, hash: new Uint8Array(32) } })),
  seen: async () => (await browser.store().seen())?.control.position,
  heardOfHeads: () => heads,
  /** Names, and the kinds of what lies under them. */
  kept: async () => {
    const names = await records.names('');
    return Promise.all(names.map(async (name) => `${name} ${(await records.get(name))?.constructor.name}`));
  },
  /** How long it takes at the cost that is written, and the longest that the page painted nothing, or heard nothing, meanwhile. */
  stretch: async () => {
    const watched = { frames: 0, messages: 0 };
    const longestMs = { frames: 0, messages: 0 };
    const began = performance.now();
    const last = { frames: began, messages: began };
    let going = true;
    const look = (what: 'frames' | 'messages'): void => {
      watched[what] += 1;
      longestMs[what] = Math.max(longestMs[what], performance.now() - last[what]);
      last[what] = performance.now();
    };
    const paint = (): void => {
      look('frames');
      if (going) requestAnimationFrame(paint);
    };
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      look('messages');
      if (going) setTimeout(() => port2.postMessage(0), 5);
    });
    port1.start();
    port2.postMessage(0);
    requestAnimationFrame(paint);
    await stretchInPieces(utf8('correct horse'), new Uint8Array(16), 17);
    going = false;
    look('frames');
    look('messages');
    return { tookMs: performance.now() - began, longestMs, watched };
  },
  /** What a page does that trusts in handles: one that script cannot read, in the database. */
  plant: async (pkcs8: readonly number[]) => {
    const curve = { name: 'ECDSA', namedCurve: 'P-256' };
    const handle = await crypto.subtle.importKey('pkcs8', Uint8Array.from(pkcs8), curve, false, ['sign']);
    const opened = indexedDB.open('planted', 1);
    await new Promise<void>((resolve, reject) => {
      opened.addEventListener('upgradeneeded', () => opened.result.createObjectStore('handles'));
      opened.addEventListener('error', () => reject(new Error('no database')));
      opened.addEventListener('success', () => {
        const transaction = opened.result.transaction('handles', 'readwrite', { durability: 'strict' });
        transaction.objectStore('handles').put(handle, 'handle');
        transaction.addEventListener('complete', () => resolve());
        transaction.addEventListener('abort', () => reject(new Error('not written')));
      });
    });
  },
};

export type Calls = typeof calls;
Object.assign(globalThis, { calls });
document.title = 'ready';
