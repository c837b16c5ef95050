// Waking this browser while the console is closed, spec/web-push.md: its push service gives an endpoint, the relay is told of it, and knocks there when an
// agent needs somebody. Both sides forget it when it is switched off.

import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { forgetWebPush, putWebPush, webPushKey } from '@holdfast/protocol/exchange/web-push-calls';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';

/** What the browser has from its push service. */
export interface Subscription {
  readonly endpoint: string;
  /** The relay's, as it was when the browser subscribed. */
  readonly key: Uint8Array | undefined;
  end(): Promise<void>;
}

/** The browser's own part. */
export interface Wakeable {
  /** Whether this page may show notifications; `cannot`: the browser has none, or no push. */
  allowed(): 'yes' | 'no' | 'unasked' | 'cannot';
  /** Asks the person, where they have not said. */
  ask(): Promise<void>;
  subscription(): Promise<Subscription | undefined>;
  /** Throws `push_refused`. */
  subscribe(key: Uint8Array): Promise<Subscription>;
}

/** `relay-cannot`: it was given no contact for push services. */
export type Wake = 'relay-cannot' | 'browser-cannot' | 'denied' | 'off' | 'on';

/** How it is now. */
export async function wakeOf(relay: RelayExchange, browser: Wakeable): Promise<Wake> {
  const key = await webPushKey(relay);
  if (key === undefined) return 'relay-cannot';
  const allowed = browser.allowed();
  if (allowed === 'cannot') return 'browser-cannot';
  if (allowed === 'no') return 'denied';
  const subscription = await browser.subscription();
  return allowed === 'yes' && isFor(subscription, key) ? 'on' : 'off';
}

/** Throws `push_refused`, `address_refused` for a push service that the relay does not speak to. [CONSOLE-32] */
export async function switchOn(relay: RelayExchange, browser: Wakeable): Promise<Wake> {
  const key = await webPushKey(relay);
  if (key === undefined) return 'relay-cannot';
  await browser.ask();
  if (browser.allowed() !== 'yes') return wakeOf(relay, browser);
  await subscribed(relay, browser, key);
  return 'on';
}

/** The relay first: what it still has it would use. [CONSOLE-33] */
export async function switchOff(relay: RelayExchange, browser: Wakeable): Promise<Wake> {
  await forgetWebPush(relay);
  await (await browser.subscription())?.end();
  return wakeOf(relay, browser);
}

/** At each connection, where it is on: endpoints change, and so may a relay's key. [CONSOLE-34] */
export async function keepOn(relay: RelayExchange, browser: Wakeable): Promise<void> {
  if (browser.allowed() !== 'yes' || (await browser.subscription()) === undefined) return;
  const key = await webPushKey(relay);
  if (key !== undefined) await subscribed(relay, browser, key);
}

/** One that the relay would not take is none: it would look as if this browser were woken. */
async function subscribed(relay: RelayExchange, browser: Wakeable, key: Uint8Array): Promise<void> {
  const before = await browser.subscription();
  const isUsable = isFor(before, key);
  if (!isUsable) await before?.end();
  const subscription = before !== undefined && isUsable ? before : await browser.subscribe(key);
  try {
    await putWebPush(relay, subscription.endpoint);
  } catch (thrown) {
    await subscription.end();
    throw thrown;
  }
}

function isFor(subscription: Subscription | undefined, key: Uint8Array): boolean {
  return subscription?.key !== undefined && equalBytes(subscription.key, key);
}
