// `npm run guide`: makes the pictures of docs/guide and the console's icons anew, over a real fleet in a temporary home. Nothing but the text around them
// is written by hand; a step whose screen does not come fails.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { desk, phone, type Visitor } from '@holdfast/testkit/browser';
import { root } from '@holdfast/testkit/installation';
import { go, sign } from './operator-browser.ts';
import { ShownFleet } from './shown-fleet.ts';
import { closedScreens, openScreens } from './shown-screens.ts';

/** All of them together, in bytes: they lie in the repository. */
const maxBytes = 1_000_000;
const folder = join(root, 'docs/guide/img');
let written = 0;

/** What the window shows, as WebP: a quarter of what a PNG takes. */
async function picture({ context, page }: Visitor, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  // Left open: the browser takes a passkey away with any session that ends.
  const devtools = await context.newCDPSession(page);
  const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality: 82 });
  const bytes = Buffer.from(data, 'base64');
  written += bytes.length;
  await writeFile(join(folder, `${name}.webp`), bytes);
  process.stdout.write(`${name.padEnd(20)} ${Math.round(bytes.length / 1000)} kB\n`);
}

async function screen(visitor: Visitor, name: string): Promise<void> {
  // What was done before is over, and told no more.
  await visitor.page.getByRole('log', { name: 'What you did' }).waitFor({ state: 'detached' });
  const found = [...closedScreens, ...openScreens].find((each) => each.name === name);
  if (found === undefined) throw new Error(`no screen ${name}`);
  await found.open(visitor);
}

/** Three steps, up to the kit: no fleet is made by it. */
async function firstFleet(fleet: ShownFleet): Promise<void> {
  await using visitor = await fleet.stranger({ size: phone, scale: 2, reducedMotion: true });
  const { page } = visitor;
  await screen(visitor, 'welcome');
  await picture(visitor, 'first-name');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Make the key with a passkey' }).waitFor();
  await picture(visitor, 'first-key');
  await page.getByRole('button', { name: 'Make the key with a passkey' }).click();
  await page.getByTestId('recovery-code').waitFor();
  await picture(visitor, 'first-kit');
}

async function recovery(fleet: ShownFleet): Promise<void> {
  await using visitor = await fleet.stranger({ size: phone, scale: 2, reducedMotion: true });
  await screen(visitor, 'recover');
  await picture(visitor, 'recover');
}

async function pairing(fleet: ShownFleet, visitor: Visitor): Promise<void> {
  const { page } = visitor;
  const asking = fleet.holdfast.live(['enroll', '--scope', 'builder', '--relay', fleet.holdfast.url, '--json']);
  try {
    const [line] = await asking.waitFor(/.*\n/);
    const offer = JSON.parse(line) as { readonly url: string; readonly words: readonly string[] };
    await screen(visitor, 'pair');
    await page.getByLabel('Code or address').fill(offer.url);
    await page.getByRole('button', { name: 'Look who waits' }).click();
    await page.getByRole('heading', { name: 'A machine asks to be admitted' }).waitFor();
    await picture(visitor, 'pair-who');
    const words = page.getByLabel('The three words that the machine shows');
    await words.fill(offer.words.join(' '));
    await words.scrollIntoViewIfNeeded();
    await picture(visitor, 'pair-words');
    await page.getByRole('button', { name: 'Admit it' }).click();
    await sign(visitor);
    await page.getByText('Its machine has it: it is here.').waitFor();
    await asking.ended;
  } finally {
    await asking.end();
  }
}

async function approval(fleet: ShownFleet, visitor: Visitor): Promise<void> {
  const { page } = visitor;
  const asked = fleet.command('git push --force origin cart-fix');
  await screen(visitor, 'now');
  await picture(visitor, 'approve-card');
  await page.getByRole('button', { name: 'Once', exact: true }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /passkey/i })
    .waitFor();
  await picture(visitor, 'approve-sign');
  await sign(visitor);
  await fleet.answered(asked);
  await page.getByText(/^Approved, once\. Unblocked/).waitFor();
  await picture(visitor, 'approve-done');
  await page.getByRole('button', { name: 'Put away' }).click();
  await page.getByText(/^Approved, once\. Unblocked/).waitFor({ state: 'detached' });
}

async function stopping(visitor: Visitor): Promise<void> {
  const { page } = visitor;
  await screen(visitor, 'agents');
  await picture(visitor, 'agents');
  await screen(visitor, 'agent');
  await page.getByRole('button', { name: 'Revoke…' }).click();
  await page.getByRole('dialog', { name: 'Revoke main' }).waitFor();
  await picture(visitor, 'revoke');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

async function devices(visitor: Visitor): Promise<void> {
  const { page } = visitor;
  await screen(visitor, 'devices');
  await page.getByRole('button', { name: 'Add a device' }).click();
  await page.getByRole('img', { name: 'Address for the new device' }).waitFor();
  await picture(visitor, 'device-add');
}

/** Home screens want pixels. */
async function icons(fleet: ShownFleet): Promise<void> {
  await using visitor = await fleet.stranger({ size: { width: 512, height: 512 } });
  const shapes = {
    'icon-192': ['icon.svg', 192],
    'icon-512': ['icon.svg', 512],
    'apple-touch-icon': ['icon-maskable.svg', 180],
  } as const;
  for (const [name, [file, side]] of Object.entries(shapes)) {
    const svg = await readFile(join(root, 'apps/console/public', file), 'utf8');
    await visitor.page.setViewportSize({ width: side, height: side });
    await visitor.page.setContent(`<style>body { margin: 0 } svg { display: block }</style>${svg}`);
    await visitor.page.screenshot({ path: join(root, 'apps/console/public', `${name}.png`), omitBackground: true });
  }
}

async function main(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await using fleet = await ShownFleet.create();
  await icons(fleet);
  await fleet.work();
  await firstFleet(fleet);
  await recovery(fleet);
  const thumb = await fleet.operator('phone', { size: phone, scale: 2, reducedMotion: true });
  await screen(thumb, 'more');
  await picture(thumb, 'more');
  await approval(fleet, thumb);
  await thumb.page.getByText(/^Nothing needs you/).waitFor();
  await screen(thumb, 'more');
  await go(thumb, 'Now');
  await thumb.page.getByRole('img', { name: /^Permissioned time beside one standing key/ }).waitFor();
  await picture(thumb, 'now');
  await pairing(fleet, thumb);
  await screen(thumb, 'vault-item');
  await picture(thumb, 'vault-item');
  await screen(thumb, 'vault-grant');
  await picture(thumb, 'vault-grant');
  await screen(thumb, 'time');
  await picture(thumb, 'time');
  await stopping(thumb);
  await devices(thumb);
  await go(thumb, 'Now');
  await thumb.close();
  const wide = await fleet.operator('desk', { size: desk, reducedMotion: true });
  await screen(wide, 'rules');
  const source = wide.page.getByRole('textbox', { name: 'Rules, in YAML' });
  await source.fill(
    `${await source.inputValue()}  no-local-tests:\n    deny: shell\n    command: npm test\n    reason: The suite runs in CI.\n`,
  );
  await wide.page.getByText(/^It adds no-local-tests\./).waitFor();
  await wide.page.getByText('npm test -- src/cart').waitFor();
  await source.blur();
  await wide.page.getByRole('heading', { name: 'Source' }).evaluate((heading) => heading.scrollIntoView());
  await picture(wide, 'rules');
  await screen(wide, 'audit-story');
  await picture(wide, 'audit-story');
  await wide.close();
  if (written > maxBytes) throw new Error(`the pictures are ${written} bytes, more than ${maxBytes}`);
}

await main();
