// The ways into the console, as people go them: a first fleet in three steps on a phone, a lock, a second device by the address in a QR code, and the way
// back with the recovery kit when all devices are lost. Real browser, real relay; the passkey is the browser's own virtual one.

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { desk, noChromium, phone, TestBrowser, type Visitor } from '@holdfast/testkit/browser';
import { Installation } from '@holdfast/testkit/installation';
import { wordsToType } from './operator-browser.ts';

interface Kit {
  readonly code: string;
  readonly fleet: string;
}

/** Reads the kit off the screen, and answers for it as a person who saved it. */
async function keepKit({ page }: Visitor, verb: string): Promise<Kit> {
  const code = (await page.getByTestId('recovery-code').innerText()).trim();
  const fleet = (await page.getByTestId('fleet-id').innerText()).replaceAll(/\s/g, '');
  await page.getByRole('button', { name: 'I have it' }).click();
  const groups = page.getByLabel(/^Group \d+/);
  for (let at = 0; at < 2; at += 1) {
    const field = groups.nth(at);
    const number = Number(/\d+/.exec(await labelOf(field))?.[0]);
    await field.fill(code.split('-')[number - 1] ?? '');
  }
  await page.getByRole('button', { name: verb }).click();
  return { code, fleet };
}

/** What a field is called on the screen. */
function labelOf(field: ReturnType<Visitor['page']['getByLabel']>): Promise<string> {
  return field.evaluate((element) => (element as HTMLInputElement).labels?.[0]?.textContent ?? '');
}

async function makeFleet(visitor: Visitor, name: string, device: string): Promise<Kit> {
  const { page } = visitor;
  await visitor.goto('/');
  await page.getByLabel('Name of the fleet').fill(name);
  await page.getByLabel('Name of this device').fill(device);
  await visitor.screenshot('enter-1-name');
  await visitor.assertAccessible();
  await visitor.assertFits();
  await page.getByRole('button', { name: 'Next' }).click();
  await visitor.screenshot('enter-2-key');
  await visitor.assertAccessible();
  await page.getByRole('button', { name: 'Make the key with a passkey' }).click();
  await page.getByTestId('recovery-code').waitFor();
  await visitor.screenshot('enter-3-kit');
  await visitor.assertAccessible();
  await visitor.assertFits();
  const kit = await keepKit(visitor, 'Make the fleet');
  await page.getByRole('navigation').first().waitFor();
  return kit;
}

suite('the ways into the console', { skip: noChromium }, () => {
  let holdfast: Installation;
  let browser: TestBrowser;
  let url = '';
  let first: Visitor;
  let second: Visitor;
  let kit: Kit;

  before(async () => {
    holdfast = await Installation.create();
    await holdfast.start({ console: true });
    url = holdfast.consoleUrl ?? '';
    browser = await TestBrowser.launch();
    first = await browser.visitor(url, { size: phone });
    second = await browser.visitor(url, { size: desk });
  });
  after(async () => {
    await browser.close();
    await holdfast.remove();
  });

  test('a first fleet in three steps: name, passkey, a recovery kit that was saved and checked', async () => {
    kit = await makeFleet(first, 'home', 'phone');
    assert.match(kit.fleet, /^[0-9a-f]{64}$/);
    await first.goto('/devices');
    // A page that was loaded anew has no key until it is unlocked.
    await first.page.getByRole('button', { name: 'Unlock with passkey' }).click();
    await first.page.getByText('phone').first().waitFor();
    first.assertNoFaults();
  });

  test('locked by hand it shows nothing of the fleet but its name, and opens again', async () => {
    const { page } = first;
    await first.goto('/settings');
    await page.getByRole('button', { name: 'Unlock with passkey' }).click();
    await page.getByRole('button', { name: 'Lock now' }).click();
    const unlock = page.getByRole('button', { name: 'Unlock with passkey' });
    await unlock.waitFor();
    await first.screenshot('locked');
    await first.assertAccessible();
    await unlock.click();
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
    await page.getByText('it cannot be switched off').waitFor();
    await page.getByText('Nobody is woken: what agents ask shows while the console is open.').waitFor();
    await first.screenshot('settings');
    await first.assertAccessible();
    await first.assertFits();
    first.assertNoFaults();
  });

  test('a second device by the address of a QR code: words that are typed at the first one, and the fleet is there', async () => {
    await first.goto('/devices');
    await first.page.getByRole('button', { name: 'Unlock with passkey' }).click();
    await first.page.getByRole('button', { name: 'Add a device' }).click();
    const code = (await first.page.getByTestId('pairing-code').innerText()).trim();
    await first.page.getByRole('img', { name: 'Address for the new device' }).waitFor();
    await first.screenshot('device-add');
    await second.goto(`/join#${code}`);
    await second.page.getByLabel('Name of this device').fill('desk');
    await second.page.getByRole('button', { name: 'Next' }).click();
    await second.page.getByRole('button', { name: 'Make the key with a passkey' }).click();
    const words = await wordsToType(second);
    assert.equal(words.length, 3);
    assert.equal(new URL(second.page.url()).hash, '', 'the code stays in no history');
    await second.screenshot('join-words');
    await first.page.getByText('desk', { exact: true }).waitFor();
    const typed = first.page.getByLabel('The three words that it shows');
    await typed.fill('wrong wrong wrong');
    await first.page.getByRole('button', { name: 'Make it a device' }).click();
    await first.page.getByText('These are not its words. Look again: 2 tries are left.').waitFor();
    await typed.fill(words.join(' '));
    await first.page.getByRole('button', { name: 'Make it a device' }).click();
    await first.page
      .getByRole('dialog')
      .getByRole('button', { name: /passkey/i })
      .click();
    await second.page.getByRole('navigation').first().waitFor();
    await second.page.getByRole('link', { name: 'Devices' }).click();
    await second.page.getByText('phone').first().waitFor();
    first.assertNoFaults();
    second.assertNoFaults();
  });

  test('[JOURNAL-42] a passkey that proves nothing is asked again in place; a new name is seen live on the other device', async () => {
    const { page } = first;
    await page.getByRole('button', { name: 'Rename desk' }).click();
    await page.getByLabel('New name').fill('Phone');
    const rename = page.getByRole('button', { name: 'Rename it' });
    await rename.click();
    const sign = page.getByRole('dialog').getByRole('button', { name: /passkey/i });
    await first.unverified(true);
    await sign.click();
    await page.getByRole('dialog').getByText('passkey_refused').waitFor();
    await first.screenshot('confirm-again');
    await first.assertAccessible();
    await first.unverified(false);
    await sign.click();
    await page.getByText('name_taken').first().waitFor();
    assert.equal(await page.getByLabel('New name').inputValue(), 'Phone');
    await page.getByLabel('New name').fill('study');
    await rename.click();
    await sign.click();
    await second.page.getByText('study', { exact: true }).waitFor();
    await second.page.getByText('added as desk').waitFor();
    await first.screenshot('device-renamed');
    first.assertNoFaults();
  });

  test('all devices lost: a new browser recovers with the kit, gets a new one, and the old devices are out', async () => {
    await using third = await browser.visitor(url, { size: phone });
    const { page } = third;
    await third.goto('/recover');
    await page.getByLabel('Recovery code').fill(kit.code.toLowerCase());
    await page.getByLabel("The fleet's id").fill(kit.fleet);
    await page.getByLabel('Name of this device').fill('found again');
    await page.getByRole('button', { name: 'Read the fleet' }).click();
    await page.getByText('"home" has 2 devices').waitFor();
    await third.screenshot('recover-devices');
    await third.assertAccessible();
    await page.getByRole('button', { name: 'Go on with a passkey' }).click();
    const next = await keepKit(third, 'Recover the fleet');
    assert.notEqual(next.code, kit.code);
    await page.getByRole('navigation').first().waitFor();
    await second.page.getByText('relay_refused').first().waitFor();
    third.assertNoFaults();
  });

  test('[BKEY-15] a browser that was removed forgets its key, in all of its tabs, and is as new', async () => {
    const { page } = second;
    const other = await page.context().newPage();
    await other.goto(`${url}/devices`);
    await other.getByRole('button', { name: 'Unlock with passkey' }).waitFor();
    await page.getByText('choose Forget this key').waitFor();
    await page.getByRole('button', { name: 'Lock' }).click();
    await page.getByText('Forget this key').click();
    await second.screenshot('forget-key');
    await second.assertAccessible();
    await page.getByRole('button', { name: 'Erase it from this browser' }).click();
    await page.getByLabel('Name of the fleet').waitFor();
    const kept = page.evaluate<number>(
      `new Promise((resolve, reject) => {
        const opened = indexedDB.open('holdfast');
        opened.onerror = () => reject(opened.error);
        opened.onsuccess = () => {
          const count = opened.result.transaction('records').objectStore('records').count();
          count.onsuccess = () => resolve(count.result);
        };
      })`,
    );
    assert.equal(await kept, 0);
    await other.getByRole('button', { name: 'Unlock with passkey' }).click();
    await other.getByText('operator_absent').waitFor();
    second.assertNoFaults();
  });
});
