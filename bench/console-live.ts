// How soon the console shows what happens on a machine, and how soon a tap lets a tool go on: daemon, relay, custody, a sealed session and Chromium, all of it
// real, on loopback. From just before the session tells of a call to the picture in which the page has it, as what the agent does and as a record; from the tap,
// and from the finger on the passkey, to the moment at which the session has its answer. Targets: 300 ms, 2 s (the console's issue).
// `node bench/console-live.ts [events] [asks]`; prints one JSON line.

import { loadavg } from 'node:os';
import { desk, TestBrowser, type Visitor } from '@holdfast/testkit/browser';
import { Installation } from '@holdfast/testkit/installation';
import { asksForForcePush, go, joinFleet, sign } from '../e2e/console/operator-browser.ts';
import { readCalls, teller } from './console/calls.ts';
import { spread, type Spread } from './console/spread.ts';

const events = Number(process.argv[2] ?? 40);
const asks = Number(process.argv[3] ?? 20);
const everyMs = 800;

const asking = `${teller}
for (let n = 0; n < ${asks}; n += 1) {
  const call = { tool_use_id: 'ask_' + n, tool_name: 'Bash', tool_input: { command: 'git push --force origin number-' + n + '-' } };
  await tell({ ...call, hook_event_name: 'PreToolUse' });
  console.log('at ' + n + ' ' + Date.now());
}`;
/** When each number was first part of a picture of the page, by the clock on the wall, which is the machine's. */
const watching = `globalThis.seenAt = {};
  globalThis.seer?.disconnect();
  globalThis.seer = new MutationObserver(() => requestAnimationFrame(() => {
    for (const [, n] of document.body.textContent.matchAll(/number-(\\d+)-/g)) seenAt[n] ??= Date.now();
  }));
  seer.observe(document.body, { subtree: true, childList: true, characterData: true });`;

const toldBy = (said: string): ReadonlyMap<number, number> =>
  new Map([...said.matchAll(/^at (\d+) (\d+)/gm)].map(([, n, ms]) => [Number(n), Number(ms)]));

const holdfast = await Installation.create();

async function shownOn(visitor: Visitor, screen: string, first: number): Promise<Spread & { readonly unseen: number }> {
  await go(visitor, screen); // numbered from `first` on: what was recorded before is seen at once
  await visitor.page.evaluate(watching);
  const session = holdfast.session([process.execPath, '-e', readCalls({ first, count: events, everyMs })]);
  await session.ended;
  const told = toldBy(session.said);
  const seen = await visitor.page.evaluate<Record<string, number>>('seenAt');
  const times = [...told].flatMap(([n, atMs]) => (seen[n] === undefined ? [] : [seen[n] - atMs]));
  return { ...spread(times), unseen: told.size - times.length };
}

try {
  await holdfast.settle({ console: true });
  await holdfast.applyRules(asksForForcePush);
  await using browser = await TestBrowser.launch();
  const visitor = await browser.visitor(holdfast.consoleUrl ?? '', { size: desk });
  await joinFleet(visitor, holdfast, 'desk');
  const toActivityMs = await shownOn(visitor, 'Now', 0);
  const toRecordMs = await shownOn(visitor, 'Audit', events);

  await go(visitor, 'Now');
  const session = holdfast.session([process.execPath, '-e', asking]);
  const [tapped, confirmed]: [number[], number[]] = [[], []];
  for (let n = 0; n < asks; n += 1) {
    const card = visitor.page.getByRole('article').filter({ hasText: `number-${n}-` });
    await card.getByRole('button', { name: 'Once', exact: true }).click();
    tapped.push(Date.now());
    await visitor.page
      .getByRole('dialog')
      .getByRole('button', { name: /passkey/i })
      .waitFor();
    confirmed.push(Date.now());
    await sign(visitor);
    await card.getByText(/^Approved, once/).waitFor();
  }
  await session.ended;
  const letGo = toldBy(session.said);
  const since = (began: readonly number[]): Spread =>
    spread([...letGo].flatMap(([n, atMs]) => (began[n] === undefined ? [] : [atMs - began[n]])));
  const load = Number((loadavg()[0] ?? 0).toFixed(1));
  const times = { toActivityMs, toRecordMs, tapToUnblockedMs: since(tapped), passkeyToUnblockedMs: since(confirmed) };
  process.stdout.write(`${JSON.stringify({ bench: 'console-live', load, ...times })}\n`);
} finally {
  await holdfast.remove();
}
process.exit();
