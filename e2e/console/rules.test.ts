// Rules written in the console: held against what an agent did, signed, and in force at the next act of a session that runs already. Real daemon, relay and
// Chromium; the harness is a few lines of shell that ask at the session's door as Claude Code's hooks do.

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { desk, noChromium, TestBrowser, type Visitor } from '@holdfast/testkit/browser';
import { Installation } from '@holdfast/testkit/installation';
import type { LiveProgram } from '@holdfast/testkit/live-program';
import { go, joinFleet, sign } from './operator-browser.ts';

const before30 = `rules:
  no-reset:
    deny: shell
    command: git reset
    flags: --hard
    reason: It throws work away.
`;

const after30 = `${before30}
  no-push:
    deny: shell
    command: git push
    reason: Others pull it.
    hits:
      - git push origin main
    misses:
      - git pull
`;

/** Asks about one shell command a line of standard input, and says what it was answered. */
const harness = `
echo ready
while read -r id command; do
  printf '{"hook_event_name":"PreToolUse","session_id":"c","cwd":"%s","tool_use_id":"%s","tool_name":"Bash","tool_input":{"command":"%s"}}' "$PWD" "$id" "$command" |
    curl -sS --noproxy '*' --max-time 300 -H 'content-type: application/json' -d @- "http://127.0.0.1:$(printf %s "$HTTP_PROXY" | sed 's/.*:\\([0-9]*\\).*/\\1/')/v1/hook/claude-code" |
    sed "s/^/$id /"
  echo "$id done"
done`;

suite('rules in the console', { skip: noChromium }, () => {
  let holdfast: Installation;
  let browser: TestBrowser;
  let visitor: Visitor;
  let program: LiveProgram;

  before(async () => {
    holdfast = await Installation.create();
    await holdfast.settle({ console: true });
    await holdfast.applyRules(before30);
    browser = await TestBrowser.launch();
    visitor = await browser.visitor(holdfast.consoleUrl ?? '', { size: desk });
    await joinFleet(visitor, holdfast, 'desk');
    program = holdfast.session(['sh', '-c', harness]);
    await program.waitFor(/ready/);
  });
  after(async () => {
    program.closeInput();
    await program.end();
    await browser.close();
    await holdfast.remove();
  });

  const answered = async (id: string, command: string): Promise<string> => {
    program.write(`${id} ${command}\n`);
    await program.waitFor(new RegExp(`^${id} done`, 'm'));
    const line = program.said.split('\n').find((each) => each.startsWith(`${id} {`)) ?? '';
    return /"permissionDecision":"(\w+)"/.exec(line)?.[1] ?? 'no objection';
  };

  test('what is typed is held against what the agent did, and a fault is told at its line', async () => {
    assert.equal(await answered('one', 'git push origin main'), 'no objection');
    const { page } = visitor;
    await go(visitor, 'Rules');
    const source = page.getByRole('textbox', { name: 'Rules, in YAML' });
    await page.getByText('It is what is in force.').waitFor();
    await source.fill(after30.replace('deny: shell\n    command: git push', 'deny: shel\n    command: git push'));
    await page.getByRole('button', { name: 'Line 9' }).waitFor();
    await visitor.screenshot('rules-fault');
    await source.fill(after30);
    await page.getByText('It adds no-push. It concerns main.').waitFor();
    await page.getByText('They would have stopped 1 of the 1 recorded acts.').waitFor();
    assert.equal(
      await page.getByRole('list', { name: 'What would have been stopped' }).getByText('git push origin main').count(),
      1,
    );
    await visitor.screenshot('rules');
    await visitor.assertAccessible();
    await visitor.assertFits();
  });

  test('published, it stops the next act of the session that runs', async () => {
    const { page } = visitor;
    await page.getByRole('button', { name: 'Publish' }).click();
    await page
      .getByRole('dialog')
      .getByText(/^Publish version 2 of the rules: 2 rules, adds no-push\. It concerns main/)
      .waitFor();
    await sign(visitor);
    await page.getByText(/^Version 2 is in force/).waitFor();
    let answer = '';
    for (let call = 0; answer !== 'deny' && call < 60; call += 1) answer = await answered(`next${call}`, 'git push origin main');
    assert.equal(answer, 'deny');
    await page.getByText('It is what is in force.').waitFor();
    await page.getByRole('button', { name: 'What version 2 changed' }).click();
    await page.getByText('no-push').last().waitFor();
    visitor.assertNoFaults();
  });
});
