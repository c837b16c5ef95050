// Approvals on a phone: a real sealed session asks, a person reads a card and answers with a thumb, and the act goes on, or does not. Real daemon, relay
// and Chromium; the harness is a few lines of shell that ask at the session's door as Claude Code's hooks do.

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { desk, noChromium, phone, TestBrowser, type Visitor } from '@holdfast/testkit/browser';
import { newCanary } from '@holdfast/testkit/canary';
import { Installation } from '@holdfast/testkit/installation';
import type { LiveProgram } from '@holdfast/testkit/live-program';
import { startOrigin, type Origin } from '@holdfast/testkit/origin';
import { asksForForcePush, go, joinFleet, sign } from './operator-browser.ts';

/** Asks about one shell command a line of standard input, each by itself, and says what it was answered. */
const harness = `
while read -r id command; do
  { printf '{"hook_event_name":"PreToolUse","session_id":"c","cwd":"%s","tool_use_id":"%s","tool_name":"Bash","tool_input":{"command":"%s"}}' "$PWD" "$id" "$command" |
    curl -sS --noproxy '*' --max-time 300 -H 'content-type: application/json' -d @- "http://127.0.0.1:\${port:=$(printf %s "$HTTP_PROXY" | sed 's/.*:\\([0-9]*\\).*/\\1/')}/v1/hook/claude-code" |
    sed "s/^/$id /"
  echo "$id done"; } &
done
wait`;

/** One request with the credential that is approved per use. */
const client = `
while read -r id path body; do
  curl -sS -o /dev/null -w "$id %{http_code} %header{x-holdfast-error}\\n" -H 'content-type: application/json' -d "$body" "$BANK$path"
done`;

suite('approvals in the console', { skip: noChromium }, () => {
  let holdfast: Installation;
  let browser: TestBrowser;
  let thumb: Visitor;
  let origin: Origin;
  let program: LiveProgram;

  before(async () => {
    holdfast = await Installation.create();
    await holdfast.settle({ console: true });
    await holdfast.applyRules(asksForForcePush);
    browser = await TestBrowser.launch();
    thumb = await browser.visitor(holdfast.consoleUrl ?? '', { size: phone });
    await joinFleet(thumb, holdfast, 'phone');
    origin = await startOrigin();
    program = holdfast.session(['sh', '-c', harness]);
  });
  after(async () => {
    program.closeInput();
    await program.end();
    await browser.close();
    await holdfast.remove();
    await origin.close();
  });

  const card = (text: string) => thumb.page.getByRole('article').filter({ hasText: text });
  const answered = async (id: string): Promise<string> => {
    await program.waitFor(new RegExp(`^${id} done`, 'm'));
    const line = program.said.split('\n').find((each) => each.startsWith(`${id} {`)) ?? '';
    return /"permissionDecision":"(\w+)"/.exec(line)?.[1] ?? 'no objection';
  };
  const putAway = (text: string): Promise<void> => card(text).getByRole('button', { name: 'Put away' }).click();

  test('a tap and a finger on the passkey let a sealed session go on; the card says how long it took', async (context) => {
    program.write('one git push --force origin one\n');
    const ask = card('git push --force origin one');
    await ask.waitFor();
    await ask.getByText('sealed').waitFor();
    await ask.getByText('It rewrites what others have pulled already.').waitFor();
    await thumb.screenshot('approval-card');
    await thumb.assertAccessible();
    await thumb.assertFits();
    await ask.getByRole('button', { name: 'Once', exact: true }).click();
    const tappedMs = performance.now();
    await sign(thumb);
    await ask.getByText(/^Approved, once\. Unblocked .* later\. It had waited/).waitFor();
    assert.equal(await answered('one'), 'no objection');
    context.diagnostic(`tap → unblocked, heard of in the page: ${Math.round(performance.now() - tappedMs)} ms`);
    await thumb.screenshot('approval-done');
    await putAway('origin one');
    await thumb.page.getByText(/^Nothing needs you/).waitFor();
    thumb.assertNoFaults();
  });

  test('denied with one tap and no key', async () => {
    program.write('two git push --force origin two\n');
    await card('origin two').getByRole('button', { name: 'Deny', exact: true }).click();
    await card('origin two').getByText('Denied.', { exact: true }).waitFor();
    assert.equal(await answered('two'), 'deny');
    await putAway('origin two');
  });

  test('an act that says other things than it shows stands there as what it is, whole', async () => {
    program.write('odd git push --force <img/src=x>\u202Egnp.exe\u200B\n');
    const ask = card('git push --force <img/src=x>');
    await ask.waitFor();
    assert.equal(await thumb.page.locator('img[src=x]').count(), 0);
    assert.doesNotMatch(await ask.innerText(), /[\u202E\u200B]/);
    await thumb.screenshot('approval-hostile');
    await ask.getByRole('button', { name: 'Deny', exact: true }).click();
    assert.equal(await answered('odd'), 'deny');
    await putAway('git push --force <img/src=x>');
    thumb.assertNoFaults();
  });

  test('asks that read the same are one card with a count, each answered by its own digest', async () => {
    program.write('same1 git push --force origin same\n');
    await card('origin same').waitFor();
    program.write('same2 git push --force origin same\n');
    const ask = card('origin same');
    await ask.getByText('× 2, the same each time').waitFor();
    await ask.getByRole('button', { name: 'Once for each of the 2' }).click();
    await sign(thumb);
    assert.deepEqual([await answered('same1'), await answered('same2')], ['no objection', 'no objection']);
    await putAway('origin same');
  });

  test('answered elsewhere, it stays where it was, greyed, with what became of it', async () => {
    program.write('far git push --force origin far\n');
    await card('origin far').waitFor();
    const { asks } = JSON.parse((await holdfast.must(['approvals', '--json'])).stdout.trim().split('\n').at(-1) ?? '') as {
      asks: { ask: string }[];
    };
    await holdfast.must(['approvals', 'deny', asks[0]?.ask ?? '', '--json']);
    await card('origin far').getByText('Denied. Answered on another device.').waitFor();
    assert.equal(await card('origin far').getByRole('button', { name: 'Once' }).count(), 0);
    await putAway('origin far');
  });

  test('with the keyboard alone: the focus, twice d, and a', async () => {
    await using keyboard = await browser.visitor(holdfast.consoleUrl ?? '', { size: desk });
    await joinFleet(keyboard, holdfast, 'desk');
    const { page } = keyboard;
    program.write('keys1 git push --force origin keys1\n');
    await page.getByRole('article').filter({ hasText: 'origin keys1' }).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('d');
    await page.getByRole('button', { name: 'Press d again to deny' }).waitFor();
    await page.keyboard.press('d');
    assert.equal(await answered('keys1'), 'deny');
    program.write('keys2 git push --force origin keys2\n');
    await page.getByRole('article').filter({ hasText: 'origin keys2' }).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('a');
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /passkey/i })
      .focus();
    await page.keyboard.press('Enter');
    assert.equal(await answered('keys2'), 'no objection');
    await keyboard.screenshot('approvals-desk');
    await keyboard.assertAccessible();
    keyboard.assertNoFaults();
  });

  test('one use of a credential: all of the request is shown, let through once, and then always within a fence', async () => {
    await holdfast.addCredential('bank', newCanary(), origin, { paths: ['/v1/**'], methods: ['POST'] });
    await holdfast.must(['vault', 'grant', 'bank', '--to', 'main', '--approve', '--json']);
    const agent = holdfast.session(['sh', '-c', `BANK=https://localhost:${origin.port}; ${client}`]);
    try {
      agent.write('pay /v1/payments {"amount":10}\n');
      const ask = card('/v1/payments');
      await ask.getByText('as a bearer token').waitFor();
      await ask.getByText('You have not approved a use of this credential by this agent here before.').waitFor();
      await ask.getByText('{"amount":10}').waitFor();
      await thumb.screenshot('approval-use');
      await thumb.assertAccessible();
      await thumb.assertFits();
      await ask.getByRole('button', { name: 'Always within…' }).click();
      const dialog = thumb.page.getByRole('dialog', { name: 'Always within…' });
      await dialog
        .getByText(
          /^main may call localhost:\d+, POST at \/v1\/payments, 20 times an hour, until .*You are not asked for each use any more\.$/,
        )
        .waitFor();
      await thumb.screenshot('approval-always');
      await thumb.assertAccessible();
      await dialog.getByRole('button', { name: 'Grant this' }).click();
      await sign(thumb);
      await agent.waitFor(/^pay 200/m);
      await ask.getByText(/^Approved, once\./).waitFor();
      await putAway('/v1/payments');
      // The entry goes out once the act was let go.
      await thumb.page
        .getByText(/(relay has|agent has|agents have) it/)
        .first()
        .waitFor();
      let seen = '';
      for (let at = 0; !seen.startsWith('200'); at += 1) {
        agent.write(`again${at} /v1/payments {"amount":11}\n`);
        [, seen = ''] = await agent.waitFor(new RegExp(`^again${at} (.*)$`, 'm'));
      }
      agent.write('other /v1/other {"amount":12}\n');
      await agent.waitFor(/^other (?!200)/m);
      assert.equal(await card('/v1/').count(), 0, 'nothing was asked again');
    } finally {
      agent.closeInput();
      await agent.end();
    }
  });

  test('what nobody answers in its time is over, and said so', async () => {
    await holdfast.addCredential('slow', newCanary(), origin, { paths: ['/late'], methods: ['POST'] });
    await holdfast.must(['vault', 'grant', 'slow', '--to', 'main', '--approve', '--approve-within', '5s', '--json']);
    const agent = holdfast.session(['sh', '-c', `BANK=https://localhost:${origin.port}; ${client}`]);
    try {
      agent.write('late /late {}\n');
      await card('/late').waitFor();
      await card('/late').getByText('Nobody answered in time: denied.').waitFor();
      assert.equal(await card('/late').getByRole('button', { name: 'Once' }).count(), 0);
      await agent.waitFor(/^late 403 approval_expired/m);
      await putAway('/late');
    } finally {
      agent.closeInput();
      await agent.end();
    }
  });

  test('suspended, resumed and revoked: with its name typed, and what to rotate', async () => {
    await go(thumb, 'Agents');
    const { page } = thumb;
    await page.getByRole('link', { name: /main/ }).first().waitFor();
    await thumb.screenshot('agents');
    await thumb.assertAccessible();
    await thumb.assertFits();
    await page.getByRole('link', { name: /main/ }).first().click();
    await page.getByRole('heading', { level: 1, name: 'main' }).waitFor();
    await thumb.screenshot('agent');
    await thumb.assertAccessible();
    await thumb.assertFits();
    await page.getByRole('button', { name: 'Suspend' }).click();
    await sign(thumb);
    await page.getByText('Suspended: it does nothing until you resume it').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await sign(thumb);
    await page.getByRole('button', { name: 'Suspend' }).waitFor();
    await page.getByRole('button', { name: 'Revoke…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Revoke main' });
    await dialog.getByText(/^Rotate upstream: /).waitFor();
    await dialog.getByLabel('Type main to revoke it').fill('mai');
    assert.equal(await dialog.getByRole('button', { name: 'Revoke for good' }).isDisabled(), true);
    await dialog.getByLabel('Type main to revoke it').fill('main');
    await thumb.screenshot('agent-revoke');
    await thumb.assertAccessible();
    await dialog.getByRole('button', { name: 'Revoke for good' }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /passkey/i })
      .click();
    await page.getByRole('dialog', { name: 'main is revoked' }).waitFor();
    await program.ended;
    thumb.assertNoFaults();
  });
});
