// An operator's word, with the real Claude Code: its call waits, the operator answers at another terminal, and exactly that call runs, once. Default deny:
// a no, and an answer that does not come in time. spec/approval.md, spec/guard.md.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Installation, jsonOf, type Ran } from '../../packages/testkit/src/installation.ts';
import { answerAsModel, type Script } from '../../packages/testkit/src/model-server.ts';
import { startOrigin, type Answer, type Origin } from '../../packages/testkit/src/origin.ts';
import { share } from '../../packages/testkit/src/shares.ts';
import { quiet } from './quiet.ts';

const claude = process.env['HOLDFAST_CLAUDE'] ?? '';
const rules = 'rules:\n  ask-first:\n    ask: shell\n    command: deploy\n    reason: Somebody looks at it first.\n';
const deploy = (to: string) => ({ tool: 'Bash', input: { command: `./deploy ${to}`, description: 'deploys' } });
/** An answer has five minutes: too long for every day. */
const waitsForTheEnd = share({ ci: 1, soak: 2 }) === 2;

interface Asked {
  readonly ask: string;
  readonly act: { readonly text: string };
}

describe('an operator’s word in the real Claude Code', { timeout: 900_000 }, () => {
  let holdfast: Installation;
  let tree: string;
  let model: Origin;
  let answers: Answer = answerAsModel([]);

  before(async () => {
    holdfast = await Installation.create();
    await holdfast.settle();
    await holdfast.applyRules(rules);
    tree = path.join(holdfast.work, 'app');
    mkdirSync(tree);
    model = await startOrigin((...asked) => answers(...asked));
    await holdfast.giveCredential('model', 'sk-ant-stand-in-of-some-length', model, {
      attach: 'header:x-api-key',
      env: 'ANTHROPIC_API_KEY',
    });
    writeFileSync(path.join(tree, 'deploy'), '#!/bin/sh\necho "$@" >> deployed\n', { mode: 0o755 });
  });
  after(async () => {
    await holdfast.remove();
    await model.close();
  });

  /** Starts it on a script of its own. */
  function agentRuns(script: Script): { readonly ran: Promise<Ran>; readonly told: () => string } {
    answers = answerAsModel(script);
    const environment = {
      ANTHROPIC_BASE_URL: `https://localhost:${model.port}`,
      ...quiet,
      IS_SANDBOX: '1',
    };
    const words = ['-p', 'Deploy.', '--output-format', 'stream-json', '--verbose', '--dangerously-skip-permissions'];
    const passed = Object.keys(environment).flatMap((each) => ['--pass-env', each]);
    const ran = holdfast.cli(['run', ...passed, '--', claude, ...words], { cwd: tree, environment, timeoutMs: 600_000 });
    return { ran, told: () => model.seen.map(({ body }) => body.toString('utf8')).join('\n') };
  }

  /** The operator looks again and again, as a person does, until something new waits. */
  async function waiting(known: readonly string[], ran: Promise<Ran>): Promise<Asked> {
    let over: Ran | undefined;
    void ran.then((ending) => (over = ending)).catch(() => undefined);
    for (;;) {
      assert.equal(over, undefined, `it ended before it asked: ${over?.stdout}${over?.stderr}`);
      const { asks } = jsonOf<{ asks: Asked[] }>(await holdfast.must(['approvals', '--json']));
      const fresh = asks.find(({ ask }) => !known.includes(ask));
      if (fresh !== undefined) return fresh;
    }
  }

  const deployed = (): string => {
    const file = path.join(tree, 'deployed');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  const answer = (verdict: string, ask: string) => holdfast.operator(['approvals', verdict, ask, '--json']);
  const kinds = async (kind: string): Promise<Record<string, unknown>[]> =>
    jsonOf<{ events: Record<string, unknown>[] }>(await holdfast.cli(['audit', 'show', '--json'])).events.filter(
      (event) => event['kind'] === kind,
    );

  it('waits for the operator, and then exactly that call runs, once; the same call again is asked again, and denied', async () => {
    const { ran, told } = agentRuns([deploy('to staging'), deploy('to staging'), deploy('to production')]);
    const first = await waiting([], ran);
    assert.equal(first.act.text, './deploy to staging');
    assert.equal(deployed(), '', 'nothing runs while it waits');
    assert.equal(jsonOf<{ outcome: string }>(await answer('approve', first.ask)).outcome, 'allowed');

    const again = await waiting([first.ask], ran);
    assert.equal(again.act.text, './deploy to staging');
    assert.equal(deployed(), 'to staging\n', 'once');
    assert.notEqual((await answer('approve', first.ask)).code, 0, 'an answer is for one call');
    assert.equal(jsonOf<{ outcome: string }>(await answer('deny', again.ask)).outcome, 'denied');

    const third = await waiting([first.ask, again.ask], ran);
    assert.equal(third.act.text, './deploy to production');
    assert.equal(jsonOf<{ outcome: string }>(await answer('approve', third.ask)).outcome, 'allowed');
    const { code, stderr } = await ran;
    assert.equal(code, 0, stderr);
    assert.equal(deployed(), 'to staging\nto production\n');
    assert.match(
      told(),
      /needs an operator's word, and the answer was: denied\. Somebody looks at it first\. \(rule ask-first\)/,
    );

    const acts = (await kinds('tool-call')).map(({ decision, allowed, rules: matched }) => [decision, allowed, matched]);
    assert.deepEqual(
      acts,
      [true, false, true].map((allowed) => ['ask', allowed, ['ask-first']]),
    );
    assert.deepEqual(
      (await kinds('answered')).map(({ outcome }) => outcome),
      ['allowed', 'denied', 'allowed'],
    );
  });

  it('an agent that is gone is waited for no more, and nothing runs', async () => {
    const already = deployed();
    const { ran } = agentRuns([deploy('after all')]);
    const { ask } = await waiting([], ran);
    // The operator's fleet goes on; this agent's session does not.
    await holdfast.stop();
    assert.notEqual((await ran).code, 0);
    await holdfast.start();
    assert.notEqual((await answer('approve', ask)).code, 0);
    assert.equal(deployed(), already);
    assert.equal((await kinds('answered')).at(-1)?.['outcome'], 'withdrawn');
  });

  if (waitsForTheEnd)
    it('an answer that does not come in time is a no', async () => {
      const already = deployed();
      const { ran, told } = agentRuns([deploy('too late')]);
      assert.equal((await ran).code, 0);
      assert.equal(deployed(), already);
      assert.match(told(), /the answer was: expired/);
      assert.equal((await kinds('answered')).at(-1)?.['outcome'], 'expired');
    });
});
