// How a device asks a relay to wake it while it is away, spec/web-push.md.

import type { RelayExchange } from './relay-exchange.ts';

/** The key that a browser subscribes with (SEC1 uncompressed); undefined: this relay wakes nobody. */
export async function webPushKey(exchange: RelayExchange): Promise<Uint8Array | undefined> {
  return (await exchange.request({ kind: 'webpush-key' })).key;
}

/** In place of this device's last one. Throws `address_refused` for what is at no push service that the relay speaks to, `relay_refused`. */
export async function putWebPush(exchange: RelayExchange, endpoint: string): Promise<void> {
  await exchange.request({ kind: 'webpush-put', endpoint });
}

/** This device is woken no more. */
export async function forgetWebPush(exchange: RelayExchange): Promise<void> {
  await exchange.request({ kind: 'webpush-forget' });
}
