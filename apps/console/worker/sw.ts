// The console's service worker, spec/console.md: keeps the bundle's files, so that the console opens without a network, and shows that
// something waits when the relay knocks. It keeps no data, reads no message and imports nothing.

const worker = self as unknown as ServiceWorkerGlobalScope;

const kept = 'holdfast-shell';
const patienceMs = 5_000;

/** All files that the bundle has now; what it had before goes last, so that a half-done change still opens. [CONSOLE-30] */
async function keepAll(): Promise<void> {
  const answer = await fetch('/shell.json', { cache: 'no-store' });
  const names = (await answer.json()) as readonly string[];
  const cache = await caches.open(kept);
  const wanted = new Set(names.map((name) => new URL(name, location.origin).href));
  for (const url of wanted) {
    const isFinal = new URL(url).pathname.startsWith('/assets/');
    if (!isFinal || (await cache.match(url)) === undefined) await cache.add(new Request(url, { cache: 'no-cache' }));
  }
  for (const { url } of await cache.keys()) if (!wanted.has(url)) await cache.delete(url);
}

/** What the server says now, or what it said last. [CONSOLE-30] */
async function newest(request: Request, name: string): Promise<Response> {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(patienceMs) });
    if (answer.status < 500) return answer;
  } catch {
    // No network, or nobody there.
  }
  return (await caches.match(name)) ?? Response.error();
}

worker.addEventListener('install', (event) => {
  event.waitUntil(keepAll().then(() => worker.skipWaiting()));
});
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin) return;
  if (request.mode === 'navigate') {
    event.respondWith(newest(request, '/'));
    event.waitUntil(keepAll().catch(() => undefined)); // offline: the next visit does it
  } else if (pathname.startsWith('/assets/')) event.respondWith(caches.match(request).then((found) => found ?? fetch(request)));
  else event.respondWith(newest(request, pathname));
});

// Whatever it carries is not read: a push service learns and tells nothing. [CONSOLE-31]
worker.addEventListener('push', (event) => {
  const words = { body: 'Something waits for you.', tag: 'holdfast', icon: '/icon.svg' };
  event.waitUntil(worker.registration.showNotification('Holdfast', words));
});
worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const focus = worker.clients.matchAll({ type: 'window' }).then(([open]) => open?.focus() ?? worker.clients.openWindow('/'));
  event.waitUntil(focus);
});
