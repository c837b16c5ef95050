// What a sealed session did, found out in the console: the stream of all records, a search, one call's whole story and what it rests on; on a phone and at a
// desk. Real daemon, relay and Chromium.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { desk, noChromium, phone, TestBrowser, type Visitor } from '@holdfast/testkit/browser';
import { newCanary } from '@holdfast/testkit/canary';
import { Installation, root, runProgram } from '@holdfast/testkit/installation';
import { startOrigin, type Origin } from '@holdfast/testkit/origin';
import { go, joinFleet } from './operator-browser.ts';

suite('the audit log in the console', { skip: noChromium }, () => {
  let holdfast: Installation;
  let browser: TestBrowser;
  let visitor: Visitor;
  let origin: Origin;

  before(async () => {
    origin = await startOrigin();
    holdfast = await Installation.create();
    await holdfast.settle({ console: true });
    await holdfast.giveCredential('demo', newCanary(), origin, { env: 'DEMO_TOKEN' });
    const call = `curl -sS -o /dev/null -w '%{http_code}' https://${origin.host}:${origin.port}/v1/notes`;
    assert.equal((await holdfast.run(['sh', '-c', call])).stdout, '200');
    await holdfast.must(['audit', 'witness']);
    browser = await TestBrowser.launch();
    visitor = await browser.visitor(holdfast.consoleUrl ?? '', { size: desk });
    await joinFleet(visitor, holdfast, 'desk');
  });
  after(async () => {
    await browser.close();
    await holdfast.remove();
    await origin.close();
  });

  test('the stream shows what happened, newest first, and a search leaves what is meant in the address', async () => {
    const { page } = visitor;
    await go(visitor, 'Audit');
    const records = page.getByRole('list', { name: 'Records, newest first' }).getByRole('listitem');
    await records.first().waitFor();
    await visitor.screenshot('audit');
    await visitor.assertAccessible();
    await visitor.assertFits();
    await page.getByLabel('Search').fill('nothing that anybody did');
    await page.getByText('No record is like that.').waitFor();
    await page.getByLabel('Search').fill('');
    await page.getByLabel('Kind').selectOption('credential');
    await page.getByText(/^\d+ of \d+ records$/).waitFor();
    assert.equal(new URL(page.url()).search, '?kind=credential');
    await records.filter({ hasText: origin.host }).first().waitFor();
  });

  /** What the browser saves when that is pressed. */
  const saved = async (button: string | RegExp): Promise<string> => {
    const [download] = await Promise.all([
      visitor.page.waitForEvent('download'),
      visitor.page.getByRole('button', { name: button }).click(),
    ]);
    return readFile(await download.path(), 'utf8');
  };

  test('what is shown is saved as lines, and a whole log as a bundle that the program of others verifies', async () => {
    const { page } = visitor;
    await page.getByText('Save records as a file').click();
    const lines = (await saved(/^Save the \d+ records that are shown$/)).trim().split('\n');
    assert.ok(lines.length > 0);
    assert.ok(lines.every((line) => typeof (JSON.parse(line) as { kind: unknown }).kind === 'string'));
    const file = join(holdfast.folder, 'saved.bundle');
    await writeFile(file, await saved('Save the whole log of main'));
    const verify = join(root, 'packages/audit-verifier/bin/holdfast-verify.mjs');
    const ran = await runProgram(process.execPath, [verify, file], process.env);
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
  });

  test('a record opens the whole story of its act, with what it rests on', async () => {
    const { page } = visitor;
    await page
      .getByRole('list', { name: 'Records, newest first' })
      .getByRole('link')
      .filter({ hasText: origin.host })
      .first()
      .click();
    const story = page.getByRole('article');
    await story.getByRole('heading', { name: 'What it was allowed to use' }).waitFor();
    await story.getByRole('heading', { name: 'What went out' }).waitFor();
    await story.getByText(/covered by one of \d+ records/).waitFor();
    await story.getByText(/read and cosigned \d+ records/).waitFor();
    await story.getByText(/records hashed, held against \d+ signed checkpoints and what witnesses saw/).waitFor();
    await story.getByRole('button', { name: 'Verify the whole log again' }).click();
    await story.locator('button[aria-busy]').waitFor({ state: 'detached' }); // until there is a new verdict
    await visitor.screenshot('audit-story');
    await visitor.assertAccessible();
    const lines = (await saved('Save this story')).trim().split('\n');
    assert.ok(lines.some((line) => (JSON.parse(line) as { kind: string }).kind === 'consumed'));
    await page.setViewportSize(phone);
    await visitor.assertFits();
    await page.getByRole('link', { name: 'Audit' }).filter({ visible: true }).first().click();
    await page.getByRole('list', { name: 'Records, newest first' }).waitFor();
    await visitor.assertFits();
    visitor.assertNoFaults();
  });
});
