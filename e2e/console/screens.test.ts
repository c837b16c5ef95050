// Every screen of the console over a fleet that shows something on each, on a phone and at a desk, in the light and in the dark: nothing stands out of the
// window, nothing is cut, nothing is too small for a finger, and axe finds nothing serious.

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { desk, noChromium, phone, type Visitor } from '@holdfast/testkit/browser';
import { Installation } from '@holdfast/testkit/installation';
import { joinFleet } from './operator-browser.ts';
import { assertWellLaid } from './screen-checks.ts';
import { ShownFleet } from './shown-fleet.ts';
import { closedScreens, openScreens, type ShownScreen } from './shown-screens.ts';

suite('the screens of the console', { skip: noChromium }, () => {
  let fleet: ShownFleet;
  before(async () => {
    fleet = await ShownFleet.create();
    await fleet.work();
  });
  after(() => fleet[Symbol.asyncDispose]());

  /** All of them are looked at; resolves with all that is wrong. */
  const look = async (visitor: Visitor, screens: readonly ShownScreen[], isPhone: boolean): Promise<string[]> => {
    const faults: string[] = [];
    for (const { name, open } of screens) {
      await open(visitor);
      await visitor.screenshot(name);
      const tries = [() => visitor.assertFits(), () => assertWellLaid(visitor, isPhone), () => visitor.assertAccessible()];
      for (const each of tries) await each().catch((thrown: unknown) => faults.push(`${name}: ${String(thrown)}`));
    }
    visitor.assertNoFaults();
    return faults;
  };

  test('with nothing in it yet, each screen says what to do', async () => {
    const holdfast = await Installation.create();
    try {
      await holdfast.start({ console: true });
      await holdfast.must(['init', '--name', 'new', '--json']);
      await using visitor = await fleet.browser.visitor(holdfast.consoleUrl ?? '', { size: phone });
      await joinFleet(visitor, holdfast, 'phone');
      const { page } = visitor;
      for (const [key, words] of Object.entries({
        n: 'Pair an agent',
        t: 'Pair one',
        a: 'scan or paste it',
        l: 'What one does stands here as soon as it is done.',
        v: 'Add one: agents can then use it, and never see it.',
        b: /^Write what each of them should know/,
        p: /When a rule says that an act needs you/,
      })) {
        await page.keyboard.press('g');
        await page.keyboard.press(key);
        await page.getByText(words).filter({ visible: true }).first().waitFor();
        await visitor.screenshot(`empty-${key}`);
        await visitor.assertFits();
        await assertWellLaid(visitor, true);
      }
    } finally {
      await holdfast.remove();
    }
  });

  for (const [device, size, theme] of [
    ['phone', phone, 'light'],
    ['desk', desk, 'dark'],
  ] as const) {
    test(`on a ${device}, ${theme}`, async () => {
      await using stranger = await fleet.stranger({ size, theme });
      const faults = await look(stranger, closedScreens, size === phone);
      await using visitor = await fleet.operator(device, { size, theme });
      fleet.command(`git push --force origin from-${device}`);
      faults.push(...(await look(visitor, openScreens, size === phone)));
      assert.deepEqual(faults, []);
    });
  }
});
