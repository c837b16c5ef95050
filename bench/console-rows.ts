// The audit screen with a log of a hundred thousand records, which the daemon's own writer made and shipped: how long until all is there and verified, the
// longest task of the page's main thread while it is read, scrolled, searched and added to, and how many elements there are. Targets: no task over 50 ms, a
// bounded number of elements (the console's issue). `node bench/console-rows.ts [records]`; prints one JSON line.

import { loadavg } from 'node:os';
import { desk, TestBrowser } from '@holdfast/testkit/browser';
import { Installation } from '@holdfast/testkit/installation';
import { go, joinFleet } from '../e2e/console/operator-browser.ts';
import { LongAgent } from '../e2e/long-agent.ts';
import { nodesOf, tasksOf } from './console/main-thread.ts';
import { operatorOf } from '../e2e/operator-of.ts';

const records = Number(process.argv[2] ?? 100_000);
const parts: Record<string, unknown> = {};
const holdfast = await Installation.create();
try {
  await holdfast.start({ console: true });
  await holdfast.must(['init', '--name', 'bench']);
  const operator = await operatorOf(holdfast);
  const agent = await LongAgent.enrol(operator, 'long');
  let beganMs = performance.now();
  await agent.write(records - 1);
  await agent.ship();
  parts['writtenAndShippedMs'] = Math.round(performance.now() - beganMs);
  await using browser = await TestBrowser.launch();
  const visitor = await browser.visitor(holdfast.consoleUrl ?? '', { size: desk });
  await joinFleet(visitor, holdfast, 'desk');
  const { page } = visitor;
  const status = page.getByRole('status').filter({ hasText: 'records' });
  const counted = (count: number) => status.filter({ hasText: new RegExp(`of ${count.toLocaleString('en')} records$`) });
  const list = page.getByRole('list', { name: 'Records, newest first' });

  beganMs = performance.now();
  parts['reading'] = await tasksOf(page, async () => {
    await go(visitor, 'Audit');
    await list.waitFor();
    parts['firstRowsMs'] = Math.round(performance.now() - beganMs);
    await counted(records).waitFor();
    parts['allRowsMs'] = Math.round(performance.now() - beganMs);
    await page.getByText(/verified up to record [1-9][0-9,]{5,}/).waitFor();
    parts['verifiedMs'] = Math.round(performance.now() - beganMs);
  });
  parts['elements'] = await nodesOf(page);

  parts['scrolling'] = await tasksOf(page, async () => {
    await list.hover();
    for (let turn = 0; turn < 60; turn += 1) await page.mouse.wheel(0, 1500);
    for (const part of [0.25, 0.5, 0.75, 1, 0.5, 0])
      await page.evaluate(`{ const box = document.querySelector('.virtual-list'); box.scrollTop = box.scrollHeight * ${part}; }`);
  });
  parts['elementsAfterScrolling'] = await nodesOf(page);

  parts['searching'] = await tasksOf(page, async () => {
    const began = performance.now();
    await page.getByLabel('Search').pressSequentially('anybody/7777', { delay: 30 });
    await status.filter({ hasText: /^\d{1,3} of / }).waitFor();
    parts['searchedMs'] = Math.round(performance.now() - began);
    await page.getByLabel('Search').fill('');
    await status.filter({ hasText: `${records.toLocaleString('en')} of` }).waitFor();
  });

  parts['receiving'] = await tasksOf(page, async () => {
    for (let round = 0; round < 20; round += 1) {
      await agent.write(19);
      await agent.ship();
    }
    await counted(records + 400).waitFor();
  });
  parts['elementsAfterReceiving'] = await nodesOf(page);
  await agent.close();
  operator.disconnect();
  const load = Number((loadavg()[0] ?? 0).toFixed(1));
  process.stdout.write(`${JSON.stringify({ bench: 'console-rows', records, load, ...parts })}\n`);
} finally {
  await holdfast.remove();
}
process.exit();
