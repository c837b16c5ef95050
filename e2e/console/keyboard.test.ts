// An operator without a mouse: from the lock to an ask that is answered, an agent, a grant and a rule, by keys alone. Where the focus is, is seen at each
// stop; it is never lost, and a dialog keeps it in and gives it back.

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { desk, noChromium, type Visitor } from '@holdfast/testkit/browser';
import { ShownFleet } from './shown-fleet.ts';

/** More stops than any screen here has. */
const maxStops = 60;

interface Stop {
  readonly name: string;
  readonly isNowhere: boolean;
  readonly isSeen: boolean;
  readonly isInDialog: boolean;
}

/** Runs in the page. */
function whereFocusIs(): Stop {
  const at = document.activeElement;
  if (!(at instanceof HTMLElement) || at === document.body)
    return { name: 'nowhere', isNowhere: true, isSeen: false, isInDialog: false };
  const labels = at instanceof HTMLInputElement || at instanceof HTMLTextAreaElement ? at.labels : null;
  const name = at.getAttribute('aria-label') ?? labels?.[0]?.textContent ?? at.textContent ?? '';
  const outlined = [at, at.parentElement, at.parentElement?.parentElement].some((each) => {
    if (!each) return false;
    const { outlineStyle, outlineWidth } = getComputedStyle(each);
    return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
  });
  // what is read and not used has the focus without a ring: a heading, a dialog
  const isRead = at.tabIndex < 0;
  const { top, bottom } = at.getBoundingClientRect();
  return {
    name: name.trim(),
    isNowhere: false,
    isSeen: isRead || (outlined && bottom > 0 && top < innerHeight),
    isInDialog: at.closest('[role="dialog"]') !== null,
  };
}

suite('the console by keys alone', { skip: noChromium }, () => {
  let fleet: ShownFleet;
  let visitor: Visitor;
  before(async () => {
    fleet = await ShownFleet.create();
    visitor = await fleet.operator('desk', { size: desk });
  });
  after(() => fleet[Symbol.asyncDispose]());

  const press = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await visitor.page.keyboard.press(key);
  };
  const stop = async (): Promise<Stop> => {
    const at = await visitor.page.evaluate(whereFocusIs);
    assert.ok(at.isSeen, `the focus is not seen: ${JSON.stringify(at)}`);
    return at;
  };
  /** Tab until it is there, or Shift+Tab. */
  const tabTo = async (name: string | RegExp, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> => {
    const passed: string[] = [];
    for (let count = 0; count < maxStops; count += 1) {
      await press(key);
      const at = await visitor.page.evaluate(whereFocusIs);
      if (at.isNowhere) continue; // past the last: the browser's own
      assert.ok(at.isSeen, `the focus is not seen: ${JSON.stringify(at)}`);
      passed.push(at.name);
      if (typeof name === 'string' ? at.name === name : name.test(at.name)) return;
    }
    throw new Error(`${String(name)} is not among ${JSON.stringify(passed)}`);
  };
  const heading = (name: string) => visitor.page.getByRole('heading', { level: 1, name, exact: true });
  const focused = (name: string) => visitor.page.locator(':focus').and(visitor.page.getByRole('heading', { name, exact: true }));
  const dialog = () => visitor.page.getByRole('dialog');
  /** In the confirmation: all stops are inside; then the passkey. */
  const signByKeys = async (): Promise<void> => {
    await dialog().waitFor();
    await visitor.page.waitForFunction(() => document.activeElement?.closest('[role="dialog"]') instanceof Element);
    for (let count = 0; count < 5; count += 1) {
      await press('Tab');
      const at = await stop();
      assert.ok(at.isInDialog, `the dialog keeps the focus, which is at ${at.name}`);
    }
    await tabTo(/passkey/i);
    await press('Enter');
    await dialog().waitFor({ state: 'detached' });
  };
  /** After an act: where one was, or at the heading of what is left of it. */
  const assertKept = async (): Promise<void> => {
    await visitor.page.waitForFunction(() => document.activeElement !== document.body);
    await stop();
  };

  test('locks, and unlocks', async () => {
    await press('g', 's');
    await heading('Settings').waitFor();
    await tabTo('Lock now');
    await press('Enter');
    await visitor.page.getByRole('button', { name: 'Unlock with passkey' }).waitFor();
    await tabTo('Unlock with passkey');
    await press('Enter');
    await heading('Settings').waitFor();
    await assertKept();
  });

  test('a part that is put away while it waits for something has the focus again when it is back', async () => {
    const isBack = await visitor.page.evaluate(async () => {
      const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve));
      const main = document.querySelector('main');
      const button = main?.querySelector('button');
      if (!main || !button) return 'no button';
      button.focus();
      const parts = [...main.childNodes];
      main.replaceChildren();
      await turn();
      main.append(...parts);
      await turn();
      return document.activeElement === button;
    });
    assert.equal(isBack, true);
  });

  test('approves what an agent asks; the dialog keeps the focus, and gives it back', async () => {
    const asked = fleet.command('git push --force origin keys');
    await press('g', 'n');
    await visitor.page.getByRole('button', { name: 'Once', exact: true, disabled: false }).waitFor();
    await press('j');
    assert.match((await stop()).name, /^main /);
    await press('a');
    await dialog().waitFor();
    await press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await assertKept();
    await press('a');
    await signByKeys();
    assert.equal(await fleet.answered(asked), 'no objection');
    await visitor.page.getByText(/^Approved, once\./).waitFor();
    await assertKept();
    await tabTo('Put away');
    await press('Enter');
    await visitor.page.getByText(/^Approved, once\./).waitFor({ state: 'detached' });
    await assertKept();
  });

  test('opens an agent, and reads the keys', async () => {
    await press('g', 'a');
    await heading('Agents').waitFor();
    await press('j', 'Enter');
    await focused('main').waitFor();
    await press('?');
    await visitor.page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await assertKept();
  });

  test('grants a credential', async () => {
    await press('g', 'v');
    await heading('Vault').waitFor();
    await press('/');
    assert.equal((await stop()).name, 'Search');
    await visitor.page.keyboard.type('payments');
    await tabTo(/^payments/);
    await press('Enter');
    await focused('payments').waitFor();
    await tabTo('Grant');
    await press('Enter');
    await focused('Grant payments').waitFor();
    await tabTo(/^How often/);
    await visitor.page.keyboard.type('5/h');
    await visitor.page
      .getByText(/5 times an hour/)
      .first()
      .waitFor();
    await press('Enter');
    await signByKeys();
    await visitor.page
      .getByRole('region', { name: 'Who may use it' })
      .getByText(/5 times an hour/)
      .waitFor();
    await assertKept();
  });

  test('publishes a rule, and gets out of the editor', async () => {
    await press('g', 'r');
    await heading('Rules').waitFor();
    await visitor.page.getByText('It is what is in force.').waitFor();
    await tabTo('Rules, in YAML');
    await press('Control+End');
    await visitor.page.keyboard.insertText('  no-push:\n    deny: shell\n    command: git push\n    reason: Others pull it.\n');
    await visitor.page.getByText(/^It adds no-push\./).waitFor();
    await tabTo('Publish', 'Shift+Tab');
    await press('Enter');
    await signByKeys();
    await visitor.page.getByText(/^Version 2 is in force/).waitFor();
    await assertKept();
    visitor.assertNoFaults();
  });
});
