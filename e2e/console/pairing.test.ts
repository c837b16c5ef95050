// Pairing an agent from a phone: the address that the terminal's QR code has, who waits there, three words. And what must not be admitted: wrong words,
// a code that was used, one that is none.

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { desk, noChromium, phone, TestBrowser, type Visitor } from '@holdfast/testkit/browser';
import { Installation } from '@holdfast/testkit/installation';
import type { LiveProgram } from '@holdfast/testkit/live-program';
import { go, joinFleet, sign } from './operator-browser.ts';

interface Offered {
  readonly code: string;
  readonly url: string;
  readonly words: readonly string[];
}

suite('pairing in the console', { skip: noChromium }, () => {
  let holdfast: Installation;
  let browser: TestBrowser;
  let visitor: Visitor;
  let other: Visitor;
  const asking: LiveProgram[] = [];

  before(async () => {
    holdfast = await Installation.create();
    await holdfast.start({ console: true });
    await holdfast.must(['init', '--name', 'home', '--json']);
    browser = await TestBrowser.launch();
    visitor = await browser.visitor(holdfast.consoleUrl ?? '', { size: phone });
    await joinFleet(visitor, holdfast, 'phone');
    other = await browser.visitor(holdfast.consoleUrl ?? '', { size: desk });
    await joinFleet(other, holdfast, 'desk');
  });
  after(async () => {
    await Promise.all(asking.map((each) => each.end()));
    await browser.close();
    await holdfast.remove();
  });

  const enroll = async (scope: string): Promise<{ readonly program: LiveProgram; readonly offer: Offered }> => {
    const program = holdfast.live(['enroll', '--scope', scope, '--relay', holdfast.url, '--json']);
    asking.push(program);
    const [line] = await program.waitFor(/.*\n/);
    return { program, offer: JSON.parse(line) as Offered };
  };
  /** Inside the page, as a link from the camera app would not: that one unlocks first. */
  const give = async (text: string): Promise<void> => {
    const { page } = visitor;
    await go(visitor, 'Agents');
    await page.getByRole('link', { name: 'Pair an agent' }).first().click();
    await page.getByLabel('Code or address').fill(text);
    await page.getByRole('button', { name: 'Look who waits' }).click();
  };
  const type = async (words: string): Promise<void> => {
    await visitor.page.getByLabel('The three words that the machine shows').fill(words);
    await visitor.page.getByRole('button', { name: 'Admit it' }).click();
  };
  let used = '';

  test('machine, scope, key store and consequence stand there; the right words admit it, and its machine says so', async () => {
    const { page } = visitor;
    const { program, offer } = await enroll('main');
    used = offer.code;
    await give(offer.url);
    await page.getByRole('heading', { name: 'A machine asks to be admitted' }).waitFor();
    await page.getByText('claimed').waitFor();
    await page.getByText(/It gets no credential by this/).waitFor();
    await visitor.screenshot('pair-shown');
    await visitor.assertAccessible();
    await visitor.assertFits();
    await type(offer.words.join(' ').toUpperCase());
    await sign(visitor);
    await page.getByText('Its machine has it: it is here.').waitFor();
    await program.ended;
    assert.match(program.said, /"agent":"[0-9a-f]{32}"/);
    await visitor.screenshot('pair-admitted');
    await page.getByRole('link', { name: 'Open main' }).click();
    await page.getByRole('heading', { level: 1, name: 'main' }).waitFor();
    await go(visitor, 'Now');
    assert.equal(await page.getByText('A new agent: main').count(), 0, 'who admitted it knows');
    await go(other, 'Now');
    await other.page.getByText('A new agent: main').waitFor();
    await other.page.getByText("phone admitted it. If you don't want it, suspend or revoke it.").waitFor();
    const told = await holdfast.must(['devices', 'list']);
    assert.match(told.stderr, /new agent: main on .*, admitted by phone\. If you don't want it: holdfast revoke [0-9a-f]{32}/);
    visitor.assertNoFaults();
  });

  test('wrong words three times: nobody is admitted, with a reason and what to do', async () => {
    const { page } = visitor;
    const { offer } = await enroll('lured');
    await give(offer.code);
    await page.getByRole('heading', { name: 'A machine asks to be admitted' }).waitFor();
    await type('wrong words here');
    await page.getByText('These are not its words. Look again: 2 tries are left.').waitFor();
    await type('wrong again here');
    await type('and once more');
    await page.getByText('pairing_words_wrong').waitFor();
    await page.getByText(/somebody lures you/).waitFor();
    await visitor.screenshot('pair-wrong-words');
    await visitor.assertAccessible();
    // The offer was taken: the same code finds nobody any more, whoever has it.
    await give(offer.code);
    await page.getByText(/was used already|Nobody waits behind this code/).waitFor();
    const { agents } = JSON.parse((await holdfast.must(['agents', '--json'])).stdout.trim().split('\n').at(-1) ?? '') as {
      agents: { scope: string }[];
    };
    assert.deepEqual(
      agents.map(({ scope }) => scope),
      ['main'],
    );
  });

  test('a code that was used, and one that is none, are refused with a reason', async () => {
    const { page } = visitor;
    await give(used);
    await page.getByText(/was used already|Nobody waits behind this code/).waitFor();
    await give('7QW2-M9XK');
    await page.getByText(/this is no pairing code/).waitFor();
    visitor.assertNoFaults();
  });
});
