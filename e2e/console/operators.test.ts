// An operator with a phone and a desk, and an agent that asks more than anybody can answer: what one device decides the other one shows, nothing is decided
// twice, and what is stopped or revoked in a browser is over on the machine.

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { desk, noChromium, phone, type Visitor } from '@holdfast/testkit/browser';
import { newCanary } from '@holdfast/testkit/canary';
import { jsonOf } from '@holdfast/testkit/installation';
import type { LiveProgram } from '@holdfast/testkit/live-program';
import { startOrigin, streamAnswer, type Origin } from '@holdfast/testkit/origin';
import { share } from '@holdfast/testkit/shares';
import { go, sign } from './operator-browser.ts';
import { ShownFleet } from './shown-fleet.ts';

/** Of one session within ten minutes; three may be open, twenty may begin. [APPROVAL-8] */
const asksAtOnce = share({ ci: 40, soak: 500 });

suite('several devices of one operator', { skip: noChromium }, () => {
  let fleet: ShownFleet;
  let stream: Origin;
  let thumb: Visitor;
  let study: Visitor;

  before(async () => {
    [fleet, stream] = await Promise.all([ShownFleet.create(), startOrigin(streamAnswer)]);
    await fleet.holdfast.giveCredential('feed', newCanary(), stream, { paths: ['/feed'] });
    thumb = await fleet.operator('phone', { size: phone });
    study = await fleet.operator('desk', { size: desk });
  });
  after(async () => {
    await fleet[Symbol.asyncDispose]();
    await stream.close();
  });

  const card = ({ page }: Visitor, text: string) => page.getByRole('article').filter({ hasText: text });
  const once = (visitor: Visitor, text: string) => card(visitor, text).getByRole('button', { name: 'Once', exact: true });
  const answersOf = async (outcome: string): Promise<number> => {
    const shown = ['audit', 'show', '--what', 'answered', '--json'];
    const { events } = jsonOf<{ events: readonly { readonly outcome: string }[] }>(await fleet.holdfast.cli(shown));
    return events.filter((event) => event.outcome === outcome).length;
  };
  /** A session that reads a stream with a credential; resolves once it flows. */
  const reading = async (): Promise<LiveProgram> => {
    const program = fleet.holdfast.session(['sh', '-c', `curl -sSN https://${stream.host}:${stream.port}/feed`]);
    await program.waitFor(/data: 3\n/);
    return program;
  };
  const openMain = async (visitor: Visitor): Promise<void> => {
    await go(visitor, 'Agents');
    await visitor.page.getByRole('link', { name: /main/ }).first().click();
    await visitor.page.getByRole('heading', { level: 1, name: 'main' }).waitFor();
  };

  test('approved at both at once it happens once', async () => {
    const id = fleet.command('git push --force origin both');
    await Promise.all([once(thumb, 'origin both').click(), once(study, 'origin both').click()]);
    await Promise.all([sign(thumb), sign(study)]);
    assert.equal(await fleet.answered(id), 'no objection');
    for (const visitor of [thumb, study])
      await card(visitor, 'origin both')
        .getByText(/^Approved, once\./)
        .waitFor();
    assert.equal(await answersOf('allowed'), 1);
  });

  test('denied at the desk while the phone still asks for the key: what was signed then comes too late, and says so', async () => {
    const before = await answersOf('allowed');
    const id = fleet.command('git push --force origin parted');
    await once(thumb, 'origin parted').click();
    await thumb.page.getByRole('dialog').waitFor();
    await card(study, 'origin parted').getByRole('button', { name: 'Deny', exact: true }).click();
    assert.equal(await fleet.answered(id), 'deny');
    await sign(thumb);
    await card(thumb, 'origin parted')
      .getByText(/^(Too late\. Denied\.|Denied\. Answered on another device\.)/)
      .waitFor();
    assert.equal(await answersOf('allowed'), before);
  });

  test('neither a second tap nor the way back and forth in history answers again', async () => {
    const { page } = thumb;
    const before = await answersOf('allowed');
    const id = fleet.command('git push --force origin twice');
    await once(thumb, 'origin twice').dblclick();
    await sign(thumb);
    assert.equal(await fleet.answered(id), 'no objection');
    await card(thumb, 'origin twice')
      .getByText(/^Approved, once\./)
      .waitFor();
    await go(thumb, 'Agents');
    await page.getByRole('heading', { level: 1, name: 'Agents' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0);
    // Gone to another page and come back: the key is not there any more, and nothing of the fleet is.
    await page.goto('about:blank');
    await page.goBack();
    await page.getByRole('button', { name: 'Unlock with passkey' }).waitFor();
    assert.equal(await page.getByText('origin twice').count(), 0);
    await page.getByRole('button', { name: 'Unlock with passkey' }).click();
    await page.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
    assert.equal(await answersOf('allowed'), before + 1);
  });

  test(`[APPROVAL-8] of ${asksAtOnce} asks three are shown and none is approved by itself; the rest are denied at once`, async () => {
    const { page } = thumb;
    const before = await answersOf('allowed');
    const ids = Array.from({ length: asksAtOnce }, (_, at) => fleet.command(`git push --force origin flood-${at}`));
    const open = card(thumb, 'origin flood-');
    await open.nth(2).waitFor();
    await fleet.saidOf(ids, asksAtOnce - 3);
    assert.equal(await open.count(), 3);
    await thumb.screenshot('approvals-flood');
    await thumb.assertAccessible();
    await thumb.assertFits();
    for (let left = 3; left > 0; left -= 1) {
      await open.getByRole('button', { name: 'Deny', exact: true }).first().click();
      await open
        .getByText('Denied.', { exact: true })
        .nth(3 - left)
        .waitFor();
    }
    const answers = await Promise.all(ids.map((id) => fleet.answered(id)));
    assert.deepEqual([...new Set(answers)], ['deny']);
    assert.equal(await answersOf('allowed'), before);
    assert.equal(await answersOf('crowded'), asksAtOnce - 3);
    await page.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
    thumb.assertNoFaults();
  });

  test('the whole fleet stopped at the phone: the stream is cut, the session over, the desk shows it, and lets it go on', async () => {
    const program = await reading();
    await go(thumb, 'Agents');
    await thumb.page.getByRole('button', { name: 'Stop the fleet…' }).click();
    await thumb.page.getByRole('button', { name: 'Stop everything now' }).click();
    await sign(thumb);
    await program.ended;
    await go(study, 'Agents');
    await study.page.getByRole('button', { name: 'Resume all' }).click();
    await sign(study);
    await study.page.getByText(/(1 of 2|all 2) agents have it/).waitFor(); // one was stopped long ago, and looks seldom
    await thumb.page.getByRole('button', { name: 'Resume all' }).waitFor({ state: 'detached' });
    const again = await reading();
    await again.end();
  });

  test('revoked at the phone: the stream that runs with a credential is cut, and nothing passes any more', async (context) => {
    const program = await reading();
    await openMain(thumb);
    const { page } = thumb;
    await page.getByRole('button', { name: 'Revoke…' }).click();
    await page.getByLabel('Type main to revoke it').fill('main');
    await page.getByRole('button', { name: 'Revoke for good' }).click();
    await sign(thumb);
    const tappedMs = performance.now();
    await program.ended;
    context.diagnostic(`confirmed → session over: ${Math.round(performance.now() - tappedMs)} ms`);
    await page
      .getByRole('dialog', { name: 'main is revoked' })
      .getByText(/^Rotate upstream: /)
      .waitFor();
    await openMain(study);
    await study.page
      .getByText(/[Rr]evoked/)
      .first()
      .waitFor();
    const { code } = await fleet.holdfast.run(['true']);
    assert.notEqual(code, 0);
    const cut = ['audit', 'show', '--what', 'stream-cut', '--json'];
    const { events } = jsonOf<{ events: readonly unknown[] }>(await fleet.holdfast.cli(cut));
    assert.ok(events.length >= 2, 'stopped and revoked');
    study.assertNoFaults();
  });
});
