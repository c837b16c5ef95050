// A page behind a relay that lies. What a reader does with each lie is told in apps/console/test/fleet; here is what a person sees of it: why nothing is
// taken any more, what was verified before and as of when, and that nothing can be signed on it.

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { cutShort, flipped, silent } from '@holdfast/testkit/attacks';
import { desk, noChromium, TestBrowser, type Visitor } from '@holdfast/testkit/browser';
import { listenHostile, type ListeningRelay, type Script } from '@holdfast/testkit/hostile-relay';
import { Installation, root } from '@holdfast/testkit/installation';
import { LiveProgram } from '@holdfast/testkit/live-program';
import { go, joinFleet } from './operator-browser.ts';

suite('a page behind a hostile relay', { skip: noChromium }, () => {
  let holdfast: Installation;
  let between: ListeningRelay;
  let server: LiveProgram;
  let browser: TestBrowser;
  let visitor: Visitor;

  before(async () => {
    holdfast = await Installation.create();
    between = await listenHostile(() => holdfast.url);
    await holdfast.start();
    await holdfast.must(['init', '--name', 'besieged', '--relay', between.url, '--json']);
    server = new LiveProgram(process.execPath, [`${root}/apps/console/serve/main.ts`, '--relay', between.url], {
      cwd: root,
      environment: { PATH: process.env['PATH'], HOLDFAST_CONSOLE_PORT: '0' },
    });
    const [, url = ''] = await server.waitFor(/console ready (\S+)\n/);
    browser = await TestBrowser.launch();
    visitor = await browser.visitor(url, { size: desk });
    await joinFleet(visitor, holdfast, 'desk');
    await holdfast.must(['bedrock', 'add', 'what was verified', '--json']);
    await go(visitor, 'Bedrock');
    await visitor.page.getByText('what was verified').waitFor();
  });
  after(async () => {
    await browser.close();
    await server.end();
    await holdfast.remove();
    await between.close();
  });

  const turn = (script: Script): void => {
    between.relay.script = script;
    between.relay.cut();
  };
  /** Honest again. What was refused is tried again by hand, what was lost by itself: a button for that may be gone before it is pressed. */
  const live = async (was: 'refused' | 'lost'): Promise<void> => {
    turn({});
    const { page } = visitor;
    if (was === 'refused') await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.shell-fleet-state').getByText('live', { exact: true }).waitFor();
  };

  /** An act that can't be done now: it says why, and no key is asked for. */
  const tellsNobody = async (): Promise<void> => {
    const { page } = visitor;
    await page.getByRole('button', { name: 'Write a text' }).click();
    await page.getByLabel('What every agent should know').fill('never');
    await page.getByRole('button', { name: 'Tell them' }).click();
    await page.getByText('relay_unreachable').first().waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0, 'no key is asked for');
  };

  const lies: Readonly<Record<string, readonly [Script, string]>> = {
    'entries that were changed': [flipped, 'signature_invalid'],
    'a history that ends early': [cutShort(0), 'entry_stale'],
  };
  for (const [name, [script, code]] of Object.entries(lies)) {
    test(`${name}: refused by name, with what was verified, and nothing is signed on it`, async () => {
      const { page } = visitor;
      turn(script);
      await page.getByText(code, { exact: true }).first().waitFor();
      await page.getByText('Nothing is tried again by itself. What is shown is the last state that was verified.').waitFor();
      await page.getByText('what was verified').waitFor();
      await visitor.screenshot(`hostile-${code}`);
      await visitor.assertAccessible();
      const appends = (): number => between.relay.asked.filter(({ kind }) => kind === 'append').length;
      const before = appends();
      await tellsNobody();
      assert.equal(appends(), before);
      await page.getByRole('button', { name: 'Cancel' }).click();
      await live('refused');
    });
  }

  test('signals and pulses of its own making change nothing, and are counted where asks are shown', async () => {
    const forged = new Uint8Array(400).fill(7);
    between.relay.toClients([
      { kind: 'push-signal', signal: forged },
      { kind: 'push-pulse', pulse: forged },
    ]);
    const { page } = visitor;
    await go(visitor, 'Approvals');
    await page.getByText('1 signal did not hold and was not shown: the relay or a machine sends them.').waitFor();
    assert.equal(await page.getByRole('article').count(), 0);
  });

  test('opened anew without a relay it shows what it last knew, as of when, and signs nothing', async () => {
    const { page } = visitor;
    turn({ request: (request, line) => (request.kind === 'auth' ? (line.cut(), []) : [request]) });
    await visitor.goto('/devices');
    await page.getByRole('button', { name: 'Unlock with passkey' }).click();
    await page.getByText(/^No connection to the relay\. Last known state, as of /).waitFor();
    await page.getByText('desk', { exact: true }).waitFor();
    await visitor.screenshot('offline-start');
    await visitor.assertAccessible();
    await go(visitor, 'Bedrock');
    await tellsNobody();
    await live('lost');
  });

  test('a relay that answers nothing is told as none, with how old what is shown is', async () => {
    turn(silent('read', 'fresh', 'watch'));
    await visitor.page.getByText(/^No connection to the relay\. Last known state, as of /).waitFor();
    await live('lost');
    visitor.assertNoFaults();
  });
});
