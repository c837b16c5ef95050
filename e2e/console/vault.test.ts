// A credential's way through the console: added, granted within a fence, used by a sealed session it never shows itself to, seen as permissioned time, and
// ended. Its secret is nowhere afterwards: not on the page, not in what the browser keeps, not in what the relay has. Real daemon, relay and Chromium.

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { desk, noChromium, TestBrowser, type Visitor } from '@holdfast/testkit/browser';
import { caller } from '@holdfast/testkit/caller';
import { leaksIn, newCanary } from '@holdfast/testkit/canary';
import { Installation } from '@holdfast/testkit/installation';
import type { LiveProgram } from '@holdfast/testkit/live-program';
import { startOrigin, type Origin } from '@holdfast/testkit/origin';
import { go, joinFleet, sign } from './operator-browser.ts';

/** All that a page of this origin keeps, and all of its document, as text. */
const kept = `(async () => {
  const text = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value)
    ? String.fromCharCode(...new Uint8Array(value.buffer ?? value)) : JSON.stringify(value) ?? '';
  const found = [document.documentElement.outerHTML, JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })];
  found.push(...[...document.querySelectorAll('input, textarea')].map((each) => each.value));
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((resolve, reject) => {
      const opening = indexedDB.open(name);
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
    for (const store of database.objectStoreNames) {
      const all = database.transaction(store).objectStore(store).getAll();
      await new Promise((resolve) => (all.onsuccess = resolve));
      found.push(...all.result.map((each) => text(each) + (each && typeof each === 'object' ? Object.values(each).map(text).join('') : '')));
    }
    database.close();
  }
  return found.join('\\n');
})()`;

suite('the vault in the console', { skip: noChromium }, () => {
  const secret = newCanary();
  let holdfast: Installation;
  let browser: TestBrowser;
  let visitor: Visitor;
  let origin: Origin;
  let program: LiveProgram;

  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
    await holdfast.settle({ console: true });
    browser = await TestBrowser.launch();
    visitor = await browser.visitor(holdfast.consoleUrl ?? '', { size: desk });
    await joinFleet(visitor, holdfast, 'desk');
  });
  after(async () => {
    await program?.end();
    await browser.close();
    await holdfast.remove();
    await origin.close();
  });

  test('a credential is added; a secret that is too short is refused before anything is signed', async () => {
    const { page } = visitor;
    await go(visitor, 'Vault');
    await page.getByText('No credentials yet.').waitFor();
    await visitor.screenshot('vault-empty');
    await page.getByRole('button', { name: 'Add a credential' }).click();
    await page.getByLabel('Name', { exact: true }).fill('demo');
    await page.getByLabel('What it is for').fill('reads the demo');
    await page.getByLabel('Hosts').fill(`${origin.host}:${origin.port}`);
    await page.getByLabel('Paths').fill('/v1/**');
    await page.getByLabel('Certificates of your own').fill(origin.caPem);
    await page.getByLabel('The name may lead to a private address').check();
    await page.getByLabel('Secret').fill('short');
    await page.getByRole('button', { name: 'Keep it' }).click();
    await page.getByText(/shorter than 8 bytes/).waitFor();
    assert.equal(await page.getByLabel('Secret').inputValue(), '');
    await page.getByLabel('Secret').fill(secret);
    await visitor.screenshot('vault-add');
    await visitor.assertAccessible();
    await page.getByRole('button', { name: 'Keep it' }).click();
    assert.equal(await page.getByLabel('Secret').inputValue(), '');
    await sign(visitor);
    await page.getByRole('heading', { level: 1, name: 'demo' }).waitFor();
    assert.deepEqual(leaksIn(await page.evaluate<string>(kept), secret), []);
  });

  test('it is granted within a fence; the sentence that is signed is the one that was read', async () => {
    const { page } = visitor;
    await page.getByRole('button', { name: 'Grant', exact: true }).click();
    await page.getByLabel('How often').fill('2/h');
    const sentence = new RegExp(
      `main may call ${origin.host}:${origin.port}, any usual method under /v1, twice an hour|2 times an hour`,
    );
    await page.getByText(sentence).first().waitFor();
    await page.getByText(/It may not .*call any other path there/).waitFor();
    await visitor.screenshot('vault-grant');
    await visitor.assertAccessible();
    await page.getByRole('button', { name: 'Grant it' }).click();
    await page.getByRole('dialog').getByText(sentence).waitFor();
    await sign(visitor);
    await page.getByRole('region', { name: 'Who may use it' }).getByText(sentence).waitFor();
    await visitor.screenshot('vault-item');
    await visitor.assertAccessible();
    await visitor.assertFits();
  });

  test('a sealed session uses it, within that fence and no further, and never has it', async () => {
    program = await caller(holdfast, `https://${origin.host}:${origin.port}/v1/notes`);
    const statuses: string[] = [];
    for (let call = 1; call <= 3; call += 1) {
      program.write('go\n');
      await program.waitFor(new RegExp(`(call \\d+[^\\n]*\\n[^]*){${call}}`));
      statuses.push([...program.said.matchAll(/call (\d+)/g)].at(-1)?.[1] ?? '');
    }
    assert.deepEqual(statuses.slice(0, 2), ['200', '200']);
    assert.notEqual(statuses[2], '200');
    assert.deepEqual(
      origin.seen.map(({ headers }) => headers['authorization']),
      [`Bearer ${secret}`, `Bearer ${secret}`],
    );
    assert.deepEqual(leaksIn(program.said, secret), []);
  });

  test('its uses are lines beside the bar of a standing key, each of them leading to its call', async () => {
    const { page } = visitor;
    await go(visitor, 'Time');
    await page.getByText(/In 30 days credentials could have been used for/).waitFor();
    const strip = page.getByRole('img', { name: /^demo: 2 calls in 30 days/ });
    await strip.waitFor();
    await strip.press('ArrowLeft');
    const call = page.getByRole('region', { name: 'demo' }).getByRole('link').first();
    assert.match((await call.getAttribute('href')) ?? '', /^\/audit\/[0-9a-f]{32}\/\d+$/);
    await visitor.screenshot('time');
    await visitor.assertAccessible();
    await visitor.assertFits();
  });

  test('today stands on Now beside one standing key, and an agent has its own', async () => {
    const { page } = visitor;
    await go(visitor, 'Now');
    const today = page.getByRole('img', { name: /^Permissioned time beside one standing key\. Today credentials could/ });
    await today.waitFor();
    await today.press('ArrowLeft');
    const call = page.getByRole('region', { name: 'Permissioned time today' }).getByRole('link', { name: /:/ });
    assert.match((await call.getAttribute('href')) ?? '', /^\/audit\/[0-9a-f]{32}\/\d+$/);
    await visitor.screenshot('now-today');
    await visitor.assertAccessible();
    await go(visitor, 'Agents');
    await page.getByRole('link', { name: /^main/ }).first().click();
    await page.getByRole('img', { name: /beside one standing key\. In 30 days credentials could/ }).waitFor();
    await page.getByRole('img', { name: /^Acts by hour in the last day/ }).waitFor();
    await visitor.screenshot('agent-time');
    await visitor.assertAccessible();
  });

  test('[VAULT-19] a changed grant is one step: how far it was used up is seen, and goes on to count', async () => {
    const { page } = visitor;
    await go(visitor, 'Vault');
    await page.getByRole('link', { name: /^demo/ }).click();
    await page.getByText(/^Used 2 in all, 2 of 2\/h, as its machine said/).waitFor();
    await page.getByRole('button', { name: 'Change the grant of main' }).click();
    assert.equal(await page.getByLabel('How often').inputValue(), '2/h');
    await page.getByLabel('How often').fill('3/h');
    await page.getByRole('button', { name: 'Change it' }).click();
    await sign(visitor);
    await page.getByText(/^Used 2 in all, 2 of 3\/h, as its machine said/).waitFor();
    const statuses: (string | undefined)[] = [];
    for (let call = 4; call <= 5; call += 1) {
      program.write('go\n');
      await program.waitFor(new RegExp(`(call \\d+[^\\n]*\\n[^]*){${call}}`));
      statuses.push([...program.said.matchAll(/call (\d+)/g)].at(-1)?.[1]);
    }
    assert.equal(statuses[0], '200');
    assert.notEqual(statuses[1], '200');
  });

  test('a new secret takes the place of the old one; the grant goes on; a grant that is ended is over', async () => {
    const { page } = visitor;
    const another = newCanary();
    await go(visitor, 'Vault');
    await page.getByRole('link', { name: /^demo/ }).click();
    await page.getByRole('button', { name: 'Rotate' }).click();
    await page.getByLabel('New secret', { exact: true }).fill(another);
    await page.locator('form').getByRole('button', { name: 'Rotate' }).click();
    await sign(visitor);
    await page.getByLabel('New secret', { exact: true }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'End the grant of main' }).click();
    await page.getByRole('button', { name: 'End it', exact: true }).last().click();
    await sign(visitor);
    await page.getByText('Nobody. It lies here, sealed.').waitFor();
    await page.getByRole('button', { name: 'Remove this credential' }).click();
    await page.getByLabel('Type demo to remove it').fill('demo');
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await sign(visitor);
    await page.getByText('No credentials yet.').waitFor();
    const text = await page.evaluate<string>(kept);
    assert.deepEqual([leaksIn(text, secret), leaksIn(text, another)], [[], []]);
    visitor.assertNoFaults();
  });
});
