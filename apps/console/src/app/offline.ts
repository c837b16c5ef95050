// The console opens without a network, too: worker/sw.ts keeps its files. A browser that can't has the console as long as it has a network.

import { ownScript } from './own-script.ts';

export function keepForOffline(): void {
  if (!('serviceWorker' in navigator)) return; // not in a context that browsers call secure
  void navigator.serviceWorker.register(ownScript('/sw.js'), { type: 'module', updateViaCache: 'none' }).catch(() => undefined);
}
