// What agents, tools and names say is text in the console, whatever it is made of: markup, SVG that acts, links of Markdown, commands for a terminal, turned
// and hidden characters, and the big list of naughty strings. Nothing of it runs, fetches, asks or becomes an
// element, and what does not show itself is shown as what it is.

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { noChromium, phone, type Visitor } from '@holdfast/testkit/browser';
import { externalJson, noExternalVectors } from '@holdfast/testkit/vectors';
import { assertWellLaid } from './screen-checks.ts';
import { ShownFleet } from './shown-fleet.ts';
import { openScreens } from './shown-screens.ts';

const img = '<img src=x onerror="globalThis.hostile=1">';
const svg = '<svg onload="globalThis.hostile=1"><image href="https://elsewhere.example/x"/></svg>';
const link = '[read this](javascript:globalThis.hostile=1) ![x](https://elsewhere.example/x)';
const frame = '"><iframe srcdoc="<script>parent.hostile=1</script>"></iframe><a href="javascript:alert(1)">x</a>';
const ansi = '\u001b[2K\u001b[1A\u001b]8;;https://elsewhere.example\u0007link\u001b]8;;\u0007';
const turned = 'pay \u202e0001\u202c \u2066to\u2069 me\u200b, ab\u00adcd\u2060ef\u{e0041}';
const long = 'x'.repeat(9_000);
const acts = [img, svg, link, frame, ansi, turned, long, '{{7*7}}${7*7}', `';alert(1)//`];

/** Runs in the page: what was made of a text, and characters that nobody sees. */
function wrongIn(hidden: string): string[] {
  const wrong: string[] = [];
  const page = globalThis as unknown as { readonly hostile?: unknown; readonly refused?: readonly string[] };
  if (page.hostile !== undefined) wrong.push('a script of the text ran');
  wrong.push(...(page.refused ?? []).map((each) => `refused by the policy: ${each}`));
  for (const element of document.body.querySelectorAll('*')) {
    const isOurs = element.tagName !== 'SCRIPT' || new URL((element as HTMLScriptElement).src).origin === location.origin;
    if (!isOurs || element.matches('img, image, iframe, object, embed, link, style, marquee, video, audio, base, meta'))
      wrong.push(`made of a text: ${element.outerHTML.slice(0, 200)}`);
    if (element instanceof HTMLAnchorElement && element.origin !== location.origin) wrong.push(`leads away: ${element.href}`);
    for (const { name } of element.attributes)
      if (name.startsWith('on')) wrong.push(`listens: ${element.outerHTML.slice(0, 200)}`);
  }
  const seen = new RegExp(hidden, 'u').exec(document.body.innerText);
  if (seen !== null) wrong.push(`unseen in what is shown: ${JSON.stringify(seen[0])}`);
  return wrong;
}

/** What shows nothing, or turns what stands beside it; our own lines end somewhere. */
const hidden = String.raw`(?![\n\t])[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]`;

suite('hostile text in the console', { skip: noChromium }, () => {
  let fleet: ShownFleet;
  let visitor: Visitor;
  const elsewhere: string[] = [];
  const dialogs: string[] = [];

  before(async () => {
    fleet = await ShownFleet.create({
      rules: JSON.stringify({
        rules: {
          'force-push': { ask: 'shell', command: 'git push', flags: '--force|-f', opaque: 'allow', reason: `${img} ${link}` },
        },
      }),
      bedrock: `${svg}\n${link}\n${frame}`,
      purpose: `${img}${svg}`,
    });
    visitor = await fleet.operator('<b onclick=alert(1)>x', { size: phone });
    const ours = new Set([new URL(fleet.holdfast.consoleUrl ?? '').host, new URL(fleet.holdfast.url).host]);
    const note = (url: string): void => {
      if (!ours.has(new URL(url).host)) elsewhere.push(url);
    };
    visitor.context.on('request', (request) => note(request.url()));
    visitor.page.on('websocket', (socket) => note(socket.url()));
    visitor.page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await visitor.page.evaluate(() => {
      const page = globalThis as unknown as { refused: string[] };
      page.refused = [];
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        page.refused.push(`${violatedDirective} ${blockedURI}`),
      );
    });
  });
  after(() => fleet[Symbol.asyncDispose]());

  const assertInert = async (): Promise<void> => {
    const wrong = await visitor.page.evaluate(wrongIn, hidden);
    assert.deepEqual({ wrong, elsewhere, dialogs }, { wrong: [], elsewhere: [], dialogs: [] });
  };

  test('a command that is asked about is shown whole, with what hides in it by its name', async () => {
    const { page } = visitor;
    const asked = fleet.command(`git push --force ${turned} ${img} ${link}`, { agent_id: 'a1', agent_type: `${svg}\u202e` });
    const card = page.getByRole('article').first();
    await card.waitFor();
    await card.getByText(img).first().waitFor();
    const text = await card.innerText();
    for (const name of ['right-to-left override U+202E', 'zero-width space U+200B', 'soft hyphen U+00AD', 'U+E0041'])
      assert.ok(text.includes(name), `${name} is not in ${JSON.stringify(text)}`);
    await assertInert();
    await visitor.assertFits();
    await assertWellLaid(visitor, true);
    await visitor.screenshot('hostile-card');
    await card.getByRole('button', { name: 'Deny', exact: true }).click();
    assert.equal(await fleet.answered(asked), 'deny');
  });

  test('on every screen, and as every field of a log', async () => {
    await fleet.work();
    for (const text of acts) {
      const fields = { hook_event_name: 'PreToolUse', tool_use_id: `toolu_${acts.indexOf(text)}` };
      await fleet.tell({ hook_event_name: 'UserPromptSubmit', prompt: text });
      await fleet.tell({ ...fields, tool_name: 'Bash', tool_input: { command: text, description: text } });
      await fleet.tell({ ...fields, tool_name: 'Write', tool_input: { file_path: `/tmp/${text.slice(0, 200)}`, content: text } });
    }
    for (const { name, open } of openScreens) {
      if (/^(now|approvals|locked)$/.test(name)) continue; // nothing waits any more
      if (/^audit-story$/.test(name)) continue;
      await open(visitor);
      await assertInert();
      await visitor.assertFits();
      await assertWellLaid(visitor, true);
      await visitor.screenshot(`hostile-${name}`);
    }
  });

  /** Scrolls through all records, and looks at each window of them. */
  const readAll = async (): Promise<void> => {
    const { page } = visitor;
    await page.keyboard.press('g');
    await page.keyboard.press('l');
    await page.getByText(/^[\d,]+ of [\d,]+ records$/).waitFor();
    const list = page.getByRole('list', { name: 'Records, newest first' });
    for (let isOver = false; !isOver;) {
      await assertInert();
      isOver = await list.evaluate(async (element) => {
        const scroller = element.closest('.virtual-list') ?? element;
        const before = scroller.scrollTop;
        scroller.scrollTop += scroller.clientHeight;
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        return scroller.scrollTop === before;
      });
    }
  };

  test('a record’s story', async () => {
    await readAll();
    const { page } = visitor;
    await page.getByLabel('Search').fill('elsewhere.example');
    await page.getByRole('list', { name: 'Records, newest first' }).getByRole('link').first().click();
    await page
      .getByRole('article')
      .getByText(/records hashed, held against/)
      .waitFor();
    await assertInert();
    await visitor.assertFits();
    await assertWellLaid(visitor, true);
    await visitor.screenshot('hostile-story');
  });

  test('the naughty strings', { skip: noExternalVectors }, async () => {
    const tried = externalJson<string[]>('naughty-strings/blns.json').filter((text) => text !== '');
    for (const [at, text] of tried.entries())
      await fleet.tell({
        hook_event_name: 'PreToolUse',
        tool_use_id: `toolu_n${at}`,
        tool_name: 'Bash',
        tool_input: { command: `echo ${text}` },
      });
    await readAll();
    // what it is looked for by is what it is
    const { page } = visitor;
    for (const text of ['<script>alert(0)</script>', '田中さんにあげて下さい']) {
      await page.getByLabel('Search').fill(text);
      await page.getByText(/^[1-9]\d* of [\d,]+ records$/).waitFor();
    }
    visitor.assertNoFaults();
  });
});
