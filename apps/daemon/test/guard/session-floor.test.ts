// What rules that change while a session runs mean for its mounts. [GUARD-26]

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { compile } from '@holdfast/protocol/rules/compile';
import { parseRules } from '@holdfast/protocol/rules/language';
import { SessionFloor, type FloorAgent } from '../../src/guard/session-floor.ts';

const noEnv = '  no-env: {deny: read, paths: .env, reason: Secret.}\n';

async function session(t: TestContext, rules: string | undefined) {
  const tree = realpathSync(mkdtempSync(path.join(tmpdir(), 'holdfast-floor-')));
  t.after(() => rmSync(tree, { recursive: true, force: true }));
  const put = (file: string) => {
    mkdirSync(path.dirname(path.join(tree, file)), { recursive: true });
    writeFileSync(path.join(tree, file), 'x');
  };
  for (const file of ['.env', 'keys/a.key', 'open.txt']) put(file);
  let inForce: FloorAgent['rules'];
  const setRules = (text: string | undefined) => {
    const set = compile(parseRules(`rules:\n${text ?? noEnv}`));
    inForce = { rules: set, version: text === undefined ? undefined : 1, unreadable: undefined };
  };
  setRules(rules);
  const agent = {
    id: new Uint8Array(16),
    enrolment: { scope: 'main' },
    get rules() {
      return inForce;
    },
  };
  const floor = await SessionFloor.atStart(agent, tree);
  return { tree, put, setRules, floor };
}

const changed = (naming: string) => ({ code: 'sandbox_rules_changed', message: new RegExp(naming) });

test('rules that keep nothing more change nothing, whatever appeared in the tree meanwhile', async (t) => {
  const { tree, put, setRules, floor } = await session(t, noEnv);
  assert.deepEqual(floor.held, { masked: [path.join(tree, '.env')], readOnly: [] });
  put('later/.env');
  await floor.assertHolds();
  setRules(`${noEnv}  no-touch: {deny: shell, command: touch, reason: No.}\n`);
  await floor.assertHolds();
  setRules(noEnv.replace('no-env', 'other-name'));
  await floor.assertHolds();
});

test('what is masked already, or lies below, may be kept by other words; a mask is also read-only', async (t) => {
  const { setRules, floor } = await session(t, `${noEnv}  no-keys: {deny: read, paths: keys, reason: Secret.}\n`);
  setRules('  one: {deny: read, paths: [.env, a.key], reason: Secret.}\n  two: {deny: write, paths: .env, reason: Fixed.}\n');
  await floor.assertHolds();
});

test('a place that rules keep now and mounts do not ends the session: to read, to write, by a set that is the first', async (t) => {
  const read = await session(t, noEnv);
  read.setRules(`${noEnv}  more: {deny: read, paths: '*.txt', reason: Secret.}\n`);
  await assert.rejects(read.floor.assertHolds(), changed('open\\.txt'));
  await assert.rejects(read.floor.assertHolds(), changed('open\\.txt'), 'and once more when it is asked once more');
  const write = await session(t, noEnv);
  write.setRules(`${noEnv}  more: {deny: write, paths: keys, reason: Fixed.}\n`);
  await assert.rejects(write.floor.assertHolds(), changed('keys'));
  const first = await session(t, undefined);
  assert.deepEqual(first.floor.held, { masked: [], readOnly: [] });
  first.setRules(noEnv);
  await assert.rejects(first.floor.assertHolds(), changed('\\.env'));
});

test('a pattern that found nothing is not held against what appears later by a set that says it again', async (t) => {
  const { put, setRules, floor } = await session(t, noEnv);
  const more = `${noEnv}  more: {deny: read, paths: '*.pem', reason: Secret.}\n`;
  setRules(more);
  await floor.assertHolds();
  put('made.pem');
  setRules(`${more}  no-touch: {deny: shell, command: touch, reason: No.}\n`);
  await floor.assertHolds();
});
