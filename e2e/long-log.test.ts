// A log of 100,000 records on the audit screen (soak; a share of it in CI): what a browser is given of it at once is bounded, who reads at its old end stays
// there while records come, and a search finds the one record of all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desk, TestBrowser } from '@holdfast/testkit/browser';
import { Installation } from '@holdfast/testkit/installation';
import { nodesOf } from '../bench/console/main-thread.ts';
import { go, joinFleet } from './console/operator-browser.ts';
import { LongAgent } from './long-agent.ts';
import { operatorOf } from './operator-of.ts';

const records = process.env['HOLDFAST_SOAK'] === '1' ? 100_000 : 10_000;
/** Of the whole page, its rail and filters included. */
const elementsAtMost = 700;

test(`${records} records: few elements, a place that is kept, one found among all`, async (t) => {
  const holdfast = await Installation.create();
  t.after(() => holdfast.remove());
  await holdfast.start({ console: true });
  await holdfast.must(['init', '--name', 'home']);
  const operator = await operatorOf(holdfast);
  t.after(() => operator.disconnect());
  const agent = await LongAgent.enrol(operator, 'long');
  t.after(() => agent.close());
  await agent.write(records - 1);
  await agent.ship();
  await using browser = await TestBrowser.launch();
  const visitor = await browser.visitor(holdfast.consoleUrl ?? '', { size: desk });
  await joinFleet(visitor, holdfast, 'desk');
  const { page } = visitor;
  const status = page.getByRole('status').filter({ hasText: 'records' });
  const all = (count: string) => status.filter({ hasText: new RegExp(`^${count} of ${count} records$`) });
  const counted = (count: number) => all(count.toLocaleString('en'));
  const list = page.getByRole('list', { name: 'Records, newest first' });
  await go(visitor, 'Audit');
  await counted(records).waitFor();
  assert.ok((await nodesOf(page)) < elementsAtMost);

  await page.evaluate(`{ const box = document.querySelector('.virtual-list'); box.scrollTop = box.scrollHeight; }`);
  const oldest = list.getByRole('listitem').filter({ has: page.locator(`a[href$="/0"]`) });
  await oldest.waitFor();
  assert.equal(await oldest.getAttribute('aria-posinset'), String(records));
  const before = await oldest.boundingBox();
  for (let more = 20; more <= 100; more += 20) {
    await agent.write(19);
    await agent.ship();
    await counted(records + more).waitFor();
    assert.equal(await oldest.getAttribute('aria-posinset'), String(records + more));
    assert.deepEqual(await oldest.boundingBox(), before);
  }
  assert.ok((await nodesOf(page)) < elementsAtMost);

  const wanted = Math.floor(records / 20) * 10; // one of the tool calls
  await page.getByLabel('Search').fill(`src/file-${wanted}`);
  await status.filter({ hasText: /^\d{1,2} of / }).waitFor();
  await list.getByText(`src/file-${wanted}`, { exact: false }).first().waitFor();
});
