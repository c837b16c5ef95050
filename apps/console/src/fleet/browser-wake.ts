// The browser's part of being woken: its notifications, and its push service behind the service worker. Knows the DOM.

import { HoldfastError } from '@holdfast/protocol/errors';
import type { Subscription, Wakeable } from './wake.ts';

const hasAll = (): boolean => 'Notification' in globalThis && 'PushManager' in globalThis && 'serviceWorker' in navigator;

/** @public For the screens. */
export const browserWake: Wakeable = {
  allowed() {
    if (!hasAll()) return 'cannot';
    return ({ granted: 'yes', denied: 'no', default: 'unasked' } as const)[Notification.permission];
  },
  async ask() {
    if (hasAll() && Notification.permission === 'default') await Notification.requestPermission();
  },
  async subscription() {
    if (!hasAll()) return undefined;
    const registration = await navigator.serviceWorker.getRegistration();
    const found = await registration?.pushManager.getSubscription();
    return found ? subscriptionOf(found) : undefined;
  },
  async subscribe(key) {
    const { pushManager } = await navigator.serviceWorker.ready;
    try {
      const applicationServerKey = new Uint8Array(key); // of a buffer of its own
      return subscriptionOf(await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey }));
    } catch (cause) {
      throw new HoldfastError('push_refused', 'this browser could not subscribe at its push service', {
        cause,
        next: 'look whether it is online and lets this page show notifications, and try again',
      });
    }
  },
};

function subscriptionOf(found: PushSubscription): Subscription {
  const key = found.options.applicationServerKey;
  return {
    endpoint: found.endpoint,
    key: key === null ? undefined : new Uint8Array(key),
    end: async () => void (await found.unsubscribe()),
  };
}
