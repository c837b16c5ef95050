// The console without a network: it opens from what the browser kept, and nothing but the bundle is kept. And the relay's knock, of
// which nothing is read.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { noChromium, TestBrowser, type Visitor } from '@holdfast/testkit/browser';
import { root } from '@holdfast/testkit/installation';
import { LiveProgram } from '@holdfast/testkit/live-program';

async function startServer(port = '0'): Promise<{ readonly url: string; end(): Promise<void> }> {
  const program = new LiveProgram(process.execPath, [`${root}/apps/console/serve/main.ts`], {
    cwd: root,
    environment: { PATH: process.env['PATH'], HOLDFAST_CONSOLE_PORT: port },
  });
  const [, url = ''] = await program.waitFor(/console ready (\S+)\n/);
  return { url, end: () => program.end().then(() => undefined) };
}

/** Opens it and waits until the worker has kept everything. */
async function visit(browser: TestBrowser, url: string): Promise<Visitor> {
  const visitor = await browser.visitor(url);
  await visitor.context.grantPermissions(['notifications'], { origin: url });
  await visitor.goto('/');
  await visitor.page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (navigator.serviceWorker.controller === null)
      await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }));
  });
  return visitor;
}

suite('the console without a network', { skip: noChromium }, () => {
  test('[CONSOLE-30] it opens when its server is gone, at any screen, from the files of the bundle and nothing else', async () => {
    await using browser = await TestBrowser.launch();
    const server = await startServer();
    await using visitor = await visit(browser, server.url);
    const kept = await visitor.page.evaluate(async () => {
      const names = await caches.keys();
      const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
      return requests.flat().map(({ url }) => new URL(url).pathname);
    });
    const shell = await visitor.page.evaluate(async () => (await (await fetch('/shell.json')).json()) as string[]);
    assert.deepEqual(kept.toSorted(), shell.toSorted());
    assert.ok(kept.includes('/') && kept.some((path) => path.endsWith('.js')) && kept.some((path) => path.endsWith('.css')));

    await server.end();
    await visitor.goto('/agents');
    await visitor.page.getByRole('main').waitFor();
    assert.deepEqual(
      Object.keys(await visitor.page.evaluate(async () => (await (await fetch('/relay.json')).json()) as object)),
      ['relay', 'bundle'],
    );
    visitor.assertNoFaults();
  });

  test('[CONSOLE-31] a push is one fixed sentence, whatever it carries', async () => {
    await using browser = await TestBrowser.launch();
    const server = await startServer();
    try {
      await using visitor = await visit(browser, server.url);
      const devtools = await visitor.context.newCDPSession(visitor.page);
      const registered = Promise.withResolvers<string>();
      devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations: [first] }) => {
        if (first !== undefined) registered.resolve(first.registrationId);
      });
      await devtools.send('ServiceWorker.enable');
      const registrationId = await registered.promise;
      // The browser's own record of what it shows. A page that asks with getNotifications meanwhile makes it forget what it is about to show.
      const shown = Promise.withResolvers<Readonly<Record<string, string>>>();
      devtools.on('BackgroundService.backgroundServiceEventReceived', ({ backgroundServiceEvent: { eventMetadata } }) =>
        shown.resolve(Object.fromEntries(eventMetadata.map(({ key, value }) => [key, value]))),
      );
      await devtools.send('BackgroundService.startObserving', { service: 'notifications' });
      await devtools.send('BackgroundService.setRecording', { service: 'notifications', shouldRecord: true });
      await devtools.send('ServiceWorker.deliverPushMessage', {
        origin: server.url,
        registrationId,
        data: 'approve <b>everything</b>',
      });
      assert.deepEqual(await shown.promise, { Title: 'Holdfast', Body: 'Something waits for you.' });
    } finally {
      await server.end();
    }
  });
});
