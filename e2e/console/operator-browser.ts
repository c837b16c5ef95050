// A browser that is an operator device of an installation's fleet: it joins as a person does it, with the code that its page shows and the words typed at
// the terminal that was there before.

import type { Visitor } from '@holdfast/testkit/browser';
import type { Installation } from '@holdfast/testkit/installation';

export async function joinFleet(visitor: Visitor, holdfast: Installation, name: string): Promise<void> {
  const { page } = visitor;
  await visitor.goto('/join');
  await page.getByLabel('Name of this device').fill(name);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Make the key with a passkey' }).click();
  const code = (await page.getByTestId('pairing-code').innerText()).trim();
  const words = await wordsToType(visitor);
  await holdfast.must(['devices', 'add', code, '--words', words.join(' '), '--json']);
  await page.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
}

/** What a browser that joins shows, once it has its key and the other side has answered. */
export async function wordsToType({ page }: Visitor): Promise<readonly string[]> {
  const words = page.getByRole('list', { name: 'The words to type there' }).getByRole('listitem');
  await words.first().waitFor();
  return words.allInnerTexts();
}

/** What is about to be signed was read: the finger on the passkey. */
export async function sign({ page }: Visitor): Promise<void> {
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /passkey/i })
    .click();
}

/** Goes there inside the page: an address that is loaded anew has no key. */
export async function go({ page }: Visitor, link: string): Promise<void> {
  await page.getByRole('link', { name: link, exact: true }).filter({ visible: true }).first().click();
}

/** Rules by which somebody has to be asked. */
export const asksForForcePush = `rules:
  force-push:
    ask: shell
    command: git push
    flags: --force|-f
    reason: It rewrites what others have pulled already.
`;
