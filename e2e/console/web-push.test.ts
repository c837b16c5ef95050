// A browser that is woken while the console is closed. The relay, its message, the page and its worker are real; what stands in for a push service's half in the
// browser is `PushManager`, since Chromium's own speaks to its maker alone: it hands out an endpoint at a service of ours.

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { suite, test } from 'node:test';
import { desk, noChromium } from '@holdfast/testkit/browser';
import { startOrigin } from '@holdfast/testkit/origin';
import { ShownFleet } from './shown-fleet.ts';
import { go, joinFleet } from './operator-browser.ts';

/** In the page: a subscription that is there until it is ended, across visits as a browser's is. */
const standIn = (endpoint: string): string => `
  const kept = 'test-subscription';
  const told = () => {
    const key = localStorage.getItem(kept);
    if (key === null) return null;
    return {
      endpoint: ${JSON.stringify(endpoint)},
      options: { applicationServerKey: Uint8Array.from(JSON.parse(key)).buffer },
      unsubscribe: async () => { localStorage.removeItem(kept); return true; },
    };
  };
  PushManager.prototype.getSubscription = async () => told();
  PushManager.prototype.subscribe = async ({ applicationServerKey, userVisibleOnly }) => {
    if (userVisibleOnly !== true) throw new DOMException('must be seen', 'NotAllowedError');
    localStorage.setItem(kept, JSON.stringify([...new Uint8Array(applicationServerKey)]));
    return told();
  };`;

suite('while the console is closed', { skip: noChromium }, () => {
  test('[CONSOLE-32, CONSOLE-33, WEBPUSH-3] on, an ask knocks once the console is closed, with nothing in it; off, it does not', async (t) => {
    const knocks = new EventEmitter();
    const service = await startOrigin((seen, _request, response) => {
      response.writeHead(201).end();
      knocks.emit('knock', seen);
    });
    t.after(() => service.close());
    await using fleet = await ShownFleet.create({ push: service });
    await using visitor = await fleet.stranger({ size: desk });
    await visitor.context.grantPermissions(['notifications']);
    await visitor.context.addInitScript(standIn(`https://${service.host}:${service.port}/wpush/v2/desk`));
    await joinFleet(visitor, fleet.holdfast, 'desk');
    const { page } = visitor;
    await go(visitor, 'Settings');
    await page.getByRole('button', { name: 'Wake this browser' }).click();
    await page.getByText('This browser is woken when an agent asks').waitFor();
    await visitor.screenshot('settings-woken');
    await visitor.assertAccessible();

    const knock = once(knocks, 'knock');
    await page.goto('about:blank'); // closed: its connection is over
    fleet.command('git push --force origin away');
    const [{ method, url, headers, body }] = (await knock) as [(typeof service.seen)[number]];
    assert.deepEqual([method, url, body.length, headers['topic']], ['POST', '/wpush/v2/desk', 0, 'holdfast']);
    assert.match(String(headers['authorization']), /^vapid t=[\w-]+\.[\w-]+\.[\w-]+, k=[\w-]+$/);

    await page.goBack();
    await page.getByRole('button', { name: 'Unlock with passkey' }).click();
    await page.getByRole('button', { name: "Don't wake it any more" }).click();
    await page.getByRole('button', { name: 'Wake this browser' }).waitFor();
    visitor.assertNoFaults();
    const before = service.seen.length;
    await page.goto('about:blank');
    fleet.command('git push --force origin quiet');
    await using second = await fleet.operator('phone');
    await second.page.getByRole('article').filter({ hasText: 'origin quiet' }).waitFor();
    assert.equal(service.seen.length, before);
  });
});
