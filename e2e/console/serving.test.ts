// The console as a browser gets it: its policy holds and nothing of its own breaks it, and no page of another origin in the same
// browser reaches it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { desk, noChromium, phone, TestBrowser } from '@holdfast/testkit/browser';
import { Installation } from '@holdfast/testkit/installation';

const rebound = 'rebound.example';

suite('the console in a browser', { skip: noChromium }, () => {
  let holdfast: Installation;
  let browser: TestBrowser;
  let url = '';
  /** A page of somebody else's, on another port of this machine: the same site to a browser, another origin. */
  const hostile = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<!doctype html><html lang="en"><title>hostile</title><body>hostile');
  });
  let hostileUrl = '';

  before(async () => {
    holdfast = await Installation.create();
    await holdfast.start({ console: true });
    url = holdfast.consoleUrl ?? '';
    hostile.listen(0, '127.0.0.1');
    await once(hostile, 'listening');
    hostileUrl = `http://localhost:${(hostile.address() as AddressInfo).port}`;
    browser = await TestBrowser.launch({ hosts: [rebound, 'localhost'] });
  });
  after(async () => {
    hostile.close();
    await browser.close();
    await holdfast.remove();
  });

  for (const size of [phone, desk]) {
    for (const theme of ['light', 'dark'] as const) {
      test(`[CONSOLE-8] it is shown under its own policy at ${size.width} × ${size.height}, ${theme}, with no fault of its own`, async () => {
        await using visitor = await browser.visitor(url, { size, theme });
        await visitor.goto('/');
        await visitor.page.getByRole('main').waitFor();
        await visitor.assertAccessible();
        await visitor.assertFits();
        await visitor.screenshot('first-visit');
        visitor.assertNoFaults();
        assert.deepEqual(await visitor.context.cookies(), []); // [CONSOLE-10]
      });
    }
  }

  test('[CONSOLE-8] text does not become markup or code, whatever a script tries', async () => {
    await using visitor = await browser.visitor(url);
    await visitor.goto('/');
    // In a turn of the page's own: what the debugger evaluates may do more.
    const tried = await visitor.page.evaluate(async () => {
      await new Promise((resolve) => setTimeout(resolve));
      const refused = (work: () => unknown): string => {
        try {
          work();
          return 'done';
        } catch (error) {
          return (error as Error).name;
        }
      };
      const markup = '<img src="x">';
      return {
        innerHTML: refused(() => (document.body.innerHTML = markup)),
        eval: refused(() => Reflect.apply(globalThis['eval' as 'decodeURI'], undefined, ['1'])),
        policy: refused(() =>
          (
            globalThis as unknown as { trustedTypes: { createPolicy(name: string, rules: object): unknown } }
          ).trustedTypes.createPolicy('default', {}),
        ),
        script: refused(() => (document.createElement('script').text = '1')),
      };
    });
    assert.deepEqual(tried, { innerHTML: 'TypeError', eval: 'EvalError', policy: 'TypeError', script: 'TypeError' });
  });

  test('[CONSOLE-9] the page reaches its relay and no other address', async () => {
    await using visitor = await browser.visitor(url);
    await visitor.goto('/');
    const reach = (address: string): Promise<string> =>
      visitor.page.evaluate(
        (there) =>
          new Promise<string>((resolve) => {
            const socket = new WebSocket(there);
            socket.addEventListener('open', () => resolve('open'));
            socket.addEventListener('error', () => resolve('refused'));
          }),
        address,
      );
    assert.equal(await reach(`${holdfast.url.replace('http', 'ws')}/v1`), 'open');
    assert.equal(await reach(`${hostileUrl.replace('http', 'ws')}/v1`), 'refused');
    assert.ok(visitor.faults.some((fault) => fault.includes('Content Security Policy')));
    const fetched = await visitor.page.evaluate(
      (there) =>
        fetch(there).then(
          () => 'sent',
          () => 'refused',
        ),
      hostileUrl,
    );
    assert.equal(fetched, 'refused');
  });

  test('[CONSOLE-5, CONSOLE-6] a hostile page in the same browser can neither read nor frame it', async () => {
    await using visitor = await browser.visitor(hostileUrl, { size: desk });
    await visitor.goto('/');
    const seen: Record<string, number> = {};
    visitor.page.on('response', (response) => {
      const request = response.request();
      if (response.url().startsWith(url))
        seen[`${request.resourceType()} ${new URL(response.url()).pathname}`] = response.status();
    });
    const outcome = await visitor.page.evaluate(async (there) => {
      const settled = (work: Promise<unknown>): Promise<string> =>
        work.then(
          () => 'read',
          () => 'refused',
        );
      const loaded = (tag: 'script' | 'img', path: string): Promise<string> =>
        new Promise((resolve) => {
          const element = document.createElement(tag);
          element.addEventListener('load', () => resolve('loaded'));
          element.addEventListener('error', () => resolve('refused'));
          element.src = there + path;
          document.body.append(element);
        });
      const framed = (attributes: Record<string, string>): Promise<string> =>
        new Promise((resolve) => {
          const frame = document.createElement('iframe');
          for (const [name, value] of Object.entries(attributes)) frame.setAttribute(name, value);
          frame.addEventListener('load', () => {
            let text: string | null | undefined;
            try {
              text = frame.contentDocument?.body.textContent;
            } catch {
              text = undefined;
            }
            resolve(text ?? 'apart');
          });
          document.body.append(frame);
        });
      return {
        cors: await settled(fetch(there)),
        settings: await settled(fetch(`${there}/relay.json`, { credentials: 'include' })),
        post: await settled(fetch(there, { method: 'POST', body: 'a' })),
        script: await loaded('script', '/sw.js'),
        picture: await loaded('img', '/icon.svg'),
        frame: await framed({ src: there }),
      };
    }, url);
    assert.deepEqual(outcome, {
      cors: 'refused',
      settings: 'refused',
      post: 'refused',
      script: 'refused',
      picture: 'refused',
      frame: 'apart',
    });
    assert.ok(Object.keys(seen).length > 0);
    for (const [what, status] of Object.entries(seen)) assert.equal(status, 403, what);
    // What the frame shows is the browser's own word, and not the console.
    const frames = visitor.page.frames().filter((frame) => frame !== visitor.page.mainFrame());
    for (const frame of frames) assert.equal(await frame.getByRole('main').count(), 0);
  });

  test('[CONSOLE-5] a page without an origin reads nothing', async () => {
    await using visitor = await browser.visitor(hostileUrl);
    await visitor.goto('/');
    const said = await visitor.page.evaluate(
      (there) =>
        new Promise<string>((resolve) => {
          addEventListener('message', ({ origin, data }) => resolve(`${origin} ${String(data)}`));
          const frame = document.createElement('iframe');
          frame.setAttribute('sandbox', 'allow-scripts');
          frame.srcdoc =
            `<script>fetch(${JSON.stringify(`${there}/relay.json`)}).then((a) => a.text(), () => 'refused').then((a) => parent.postMessage(a, '*'))</` +
            'script>';
          document.body.append(frame);
        }),
      url,
    );
    assert.equal(said, 'null refused');
  });

  test('[CONSOLE-4] a name that was led to this machine reaches nothing', async () => {
    await using visitor = await browser.visitor(`http://${rebound}:${new URL(url).port}`);
    const answer = await visitor.page.goto('/');
    assert.equal(answer?.status(), 421);
    assert.match(await visitor.page.locator('body').innerText(), /^The console answers at http:\/\/localhost:\d+\.\n?$/);
    assert.equal(await visitor.page.getByRole('main').count(), 0);
  });

  test('[CONSOLE-6] a link on another page leads here, and that page keeps no hold of the window', async () => {
    await using visitor = await browser.visitor(hostileUrl);
    await visitor.goto('/');
    const [opened] = await Promise.all([
      visitor.context.waitForEvent('page'),
      visitor.page.evaluate((there) => {
        (globalThis as unknown as { opened: Window | null }).opened = window.open(there);
      }, url),
    ]);
    await opened.getByRole('main').waitFor();
    assert.equal(await opened.evaluate(() => window.opener === null), true);
    assert.equal(await visitor.page.evaluate(() => (globalThis as unknown as { opened: Window | null }).opened?.closed), true);
  });
});
