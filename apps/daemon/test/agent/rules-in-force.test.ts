// Rules and bedrock on a machine: in force at the very next question, the last good set whatever comes, and an alarm for what is wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { controlTopic, signEntry } from '@holdfast/protocol/blind/entry';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { hashRules } from '@holdfast/protocol/journal/bodies';
import { addBedrock, removeBedrock, setRules } from '@holdfast/protocol/journal/compose';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { CallContext, ToolCall } from '@holdfast/protocol/rules/call';
import { decide } from '@holdfast/protocol/rules/decide';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { patienceMs } from '@holdfast/testkit/patience';
import type { Agent } from '../../src/agent/agent.ts';
import { Machine } from './machine.ts';

const denying = (command: string) =>
  `rules:\n  no-${command}:\n    deny: shell\n    command: ${command}\n    reason: Not here.\n`;
const shell = (command: string): ToolCall => ({ tool: 'shell', harness: 'test', name: 'Bash', input: { command }, command });
const reading: ToolCall = { tool: 'read', harness: 'test', name: 'Read', input: {}, paths: ['/tmp/x'] };
const context: CallContext = {
  agent: '',
  scope: 'main',
  mode: 'sealed',
  directory: '/tmp',
  home: '/home/x',
  labels: new Set(),
  nowMs: 0,
};
const effect = (agent: Agent, call: ToolCall) => decide(agent.rules.rules, call, context).effect;

async function recorded<K extends AuditEvent['kind']>(
  machine: Machine,
  agent: Agent,
  kind: K,
  count = 1,
): Promise<Extract<AuditEvent, { kind: K }>[]> {
  const events = async () =>
    (await agent.audit.read({ from: 0, limit: 1000 }))
      .map(decodeEvent)
      .filter((each): each is Extract<AuditEvent, { kind: K }> => each.kind === kind);
  let found = await events();
  const lateMs = performance.now() + patienceMs;
  while (found.length < count) {
    if (performance.now() > lateMs) assert.fail(`${found.length} ${kind} in the log; ${String(machine.agent.view().relayError)}`);
    await new Promise((resolve) => setImmediate(resolve));
    found = await events();
  }
  return found;
}

async function publish(machine: Machine, text: string): Promise<number> {
  const { version } = await machine.world.operator.act((author) => setRules(author, text));
  machine.relay.push();
  await machine.until(() => machine.agent.state?.rules?.version === version, `version ${version}`);
  return version;
}

test('a machine that never got a set may only read; the first set holds at once, and so does each after it', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  assert.deepEqual([agent.rules.version, effect(agent, shell('ls')), effect(agent, reading)], [undefined, 'deny', 'allow']);
  assert.equal(agent.view().rules, undefined);
  await publish(machine, denying('dd'));
  assert.deepEqual([effect(agent, shell('dd')), effect(agent, shell('shred'))], ['deny', 'allow']);
  const { rules } = agent.rules;
  assert.equal(agent.rules.rules, rules, 'a set is compiled once');
  await publish(machine, denying('shred'));
  assert.deepEqual([effect(agent, shell('dd')), effect(agent, shell('shred')), agent.view().rules], ['allow', 'deny', 2]);
  const events = await recorded(machine, agent, 'rules-set', 2);
  assert.deepEqual(
    events.map(({ version, hash }) => [version, toHex(hash)]),
    [denying('dd'), denying('shred')].map((text, index) => [index + 1, toHex(hashRules(primitives, text))]),
  );
});

test('[JOURNAL-27]: a set that cannot be read leaves the last good one in force, and raises an alarm, after a restart as well', async (t) => {
  const machine = await Machine.enrolled(t);
  let agent = await machine.start();
  await publish(machine, denying('dd'));
  const bad = [
    '}{',
    'rules:\n  a: {deny: shell, reason: x}\n  a: {ask: shell, reason: y}\n',
    'packs: [secrets]\n',
    'tomorrow: {}\n',
  ];
  for (const [index, text] of bad.entries()) {
    await publish(machine, text);
    assert.deepEqual([agent.rules.version, effect(agent, shell('dd')), effect(agent, shell('ls'))], [1, 'deny', 'allow']);
    assert.deepEqual(agent.view().rulesUnreadable, { version: index + 2, code: 'rules_invalid' });
  }
  const alarms = await recorded(machine, agent, 'rules-unreadable', bad.length);
  assert.deepEqual(
    alarms.map(({ version, code, inForce }) => [version, code, inForce]),
    bad.map((_, index) => [index + 2, 'rules_invalid', 1]),
  );
  await machine.stop();
  agent = await machine.start({ offline: true });
  assert.deepEqual([agent.rules.version, effect(agent, shell('dd'))], [1, 'deny']);
  assert.equal((await recorded(machine, agent, 'rules-unreadable', bad.length + 1)).at(-1)?.version, bad.length + 1);
  await machine.stop();
  agent = await machine.start();
  await publish(machine, denying('shred'));
  assert.deepEqual([agent.rules.version, agent.rules.unreadable, effect(agent, shell('dd'))], [6, undefined, 'allow']);
});

test('[JOURNAL-27]: where none can be read only reading is allowed', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  await publish(machine, '}{');
  assert.deepEqual([agent.rules.version, effect(agent, shell('ls')), effect(agent, reading)], [undefined, 'deny', 'allow']);
  const [alarm] = await recorded(machine, agent, 'rules-unreadable');
  assert.equal(alarm?.inForce, undefined);
});

test('an older version, and the same with another text: no effect, and an alarm', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  await publish(machine, denying('dd'));
  await publish(machine, denying('shred'));
  const { operator, relay } = machine.world;
  for (const version of [1, 2]) {
    const text = denying('ls');
    relay.append(await operator.forge({ kind: 'rules-set', version, text, hash: hashRules(primitives, text) }));
    await operator.sync();
  }
  machine.relay.push();
  const { position } = operator.replica.state.control;
  await machine.until(() => agent.hasRead(position), 'both read');
  assert.deepEqual([agent.rules.version, effect(agent, shell('shred')), effect(agent, shell('ls'))], [2, 'deny', 'allow']);
  const alarms = await recorded(machine, agent, 'entry-rejected', 2);
  assert.deepEqual(
    alarms.map(({ code }) => code),
    ['rules_version', 'rules_version'],
  );
});

test('a set by somebody else, or cut off: refused with an alarm, and the last good one stays', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  await publish(machine, denying('dd'));
  const { operator } = machine.world;
  const text = denying('ls');
  const { statement, wire } = await operator.forge({ kind: 'rules-set', version: 2, text, hash: hashRules(primitives, text) });
  const stranger = await SoftwareKeyHolder.generate(primitives);
  const foreign = await signEntry(primitives, stranger, statement);
  for (const [index, entry] of [foreign.wire, wire.slice(0, -1)].entries()) {
    machine.hostile.toClients([{ kind: 'push-entry', topic: controlTopic, entry }]);
    await recorded(machine, agent, 'entry-refused', index + 1);
    await machine.until(() => agent.view().relayState === 'connected', 'connected again');
  }
  assert.deepEqual([agent.rules.version, effect(agent, shell('dd')), effect(agent, shell('ls'))], [1, 'deny', 'allow']);
  const alarms = await recorded(machine, agent, 'entry-refused');
  assert.deepEqual(
    alarms.map(({ code }) => code),
    ['signature_invalid', 'codec_truncated'],
  );
});

test('bedrock comes with a version, and changes at once', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  assert.deepEqual([agent.bedrock.version, agent.bedrock.texts.size], [0, 0]);
  const { operator } = machine.world;
  const { id } = await operator.act((author) => addBedrock(author, 'Deploys on Fridays only.'));
  await operator.act((author) => addBedrock(author, 'Second.'));
  await operator.act((author) => removeBedrock(author, id));
  machine.relay.push();
  await machine.until(() => agent.bedrock.version === 3, 'three changes');
  assert.deepEqual(
    [...agent.bedrock.texts.values()].map(({ text }) => text),
    ['Second.'],
  );
  assert.equal((await recorded(machine, agent, 'bedrock-changed', 3)).at(-1)?.texts, 1);
});
