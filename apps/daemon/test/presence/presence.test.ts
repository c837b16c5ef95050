// What a machine says of its agent while it runs, as an operator elsewhere reads it from the relay.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Presence } from '@holdfast/protocol/approvals/presence';
import { hearAgent } from '@holdfast/protocol/approvals/signals';
import { parseSignal, type SignalStatement } from '@holdfast/protocol/blind/signal';
import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { ToolCall } from '@holdfast/protocol/rules/call';
import { patienceMs } from '@holdfast/testkit/patience';
import { Machine } from '../agent/machine.ts';

interface Said {
  readonly presence: Presence;
  readonly statement: SignalStatement;
}

/** Reads as an operator's device whatever left the machine for the relay. */
class Listener {
  readonly #machine: Machine;
  readonly all: Said[] = [];
  #read = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  async read(): Promise<void> {
    const { world, hostile } = this.#machine;
    const { replica, id } = world.operator;
    const sent = hostile.asked.filter((each) => each.kind === 'signal-put');
    for (const { signal } of sent.slice(this.#read)) {
      const { statement } = parseSignal(signal);
      const known = {
        primitives,
        fleet: world.fleet,
        reader: id,
        signKeyOf: (from: Uint8Array) => replica.state.agents.get(toHex(from))?.keys.sign,
        epochKey: (audience: string, epoch: number) => replica.epochKey(audience, epoch),
        nowMs: Date.now(),
      };
      const { said } = await hearAgent(known, signal);
      if (said.kind === 'presence') this.all.push({ presence: said, statement });
    }
    this.#read = sent.length;
  }

  /** The newest one, once it is so. */
  async newest(isSo: (presence: Presence) => boolean, what: string): Promise<Said> {
    const lateMs = performance.now() + patienceMs;
    for (;;) {
      await this.read();
      const newest = this.all.at(-1);
      if (newest !== undefined && isSo(newest.presence)) return newest;
      if (performance.now() > lateMs) assert.fail(`no presence says: ${what}; ${JSON.stringify(newest?.presence)}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

async function scene(t: TestContext) {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  return { machine, agent, listener: new Listener(machine) };
}

const facts = (session: Uint8Array) => ({ session, mode: 'sealed', program: 'claude', startedAtMs: Date.now() }) as const;
const call = (command: string): ToolCall => ({
  tool: 'shell',
  harness: 'claude-code',
  name: 'Bash',
  input: { command },
  command,
});

test('[PRESENCE-1, PRESENCE-2, PRESENCE-8]: an operator sees the sessions, what they do just now, and under what', async (t) => {
  const { machine, agent, listener } = await scene(t);
  const first = await listener.newest(() => true, 'anything at all');
  assert.deepEqual(first.presence.sessions, []);
  assert.deepEqual(first.presence.control, agent.view().control);
  assert.equal(first.presence.version, '0');
  assert.equal(first.statement.latest, true);
  assert.equal(first.statement.urgent, undefined);
  assert.equal(first.statement.audience, `agent:${toHex(machine.actor.id)}`);
  assert.ok(first.statement.expiresAtMs <= Date.now() + 120_000);

  const session = primitives.random(16);
  const living = agent.living.begin(facts(session));
  living.turns(3);
  living.hears(2);
  living.judged(3);
  living.begins('a', call('ls'));
  living.begins('b', call('git push'));
  const both = await listener.newest(({ sessions: [one] }) => one?.more === 1, 'two calls under way');
  const [shown] = both.presence.sessions;
  assert.ok(shown !== undefined && equalBytes(shown.session, session));
  assert.deepEqual([shown.now?.text, shown.calls, shown.rules, shown.bedrock], ['git push', 1, 3, 2]);
  living.over('b');
  living.over('a');
  await listener.newest(({ sessions: [one] }) => one !== undefined && one.now === undefined, 'neither');
  await agent.endSession(session, 0);
  const last = await listener.newest(({ sessions }) => sessions.length === 0, 'no session');
  const sequences = listener.all.map(({ presence }) => presence.sequence);
  assert.deepEqual(
    sequences,
    [...new Set(sequences)].toSorted((a, b) => a - b),
  ); // [PRESENCE-5]
  assert.ok(last.presence.atMs <= Date.now());
});

test('[PRESENCE-9]: no placeholder and no secret of a known shape is shown, also where the text is cut', async (t) => {
  const { agent, listener } = await scene(t);
  const key = `ghp_${'a1B2'.repeat(9)}`;
  const living = agent.living.begin(facts(primitives.random(16)));
  living.begins('a', call(`GITHUB_TOKEN=${key} gh pr list ${'x'.repeat(214)} ${key} ${'y'.repeat(9000)}`));
  const { presence } = await listener.newest(({ sessions: [one] }) => one?.now !== undefined, 'a call');
  const now = presence.sessions[0]?.now ?? assert.fail();
  assert.ok(!now.text.includes('ghp_') && now.text.length <= 240, now.text);
  assert.ok((now.cut ?? 0) > 8900, String(now.cut));
});

test('what waits for an operator stands first and is counted', async (t) => {
  const { agent, listener } = await scene(t);
  const [waits, busy] = [primitives.random(16), primitives.random(16)];
  agent.living.begin(facts(waits));
  agent.living.begin({ ...facts(busy), startedAtMs: Date.now() + 1000 });
  const gone = new AbortController();
  const by = { session: waits, mode: 'sealed', program: 'claude' } as const;
  const outcome = agent.approvals.askAboutCall(by, call('git push --force'), { because: [], gone: gone.signal });
  const { presence } = await listener.newest(({ sessions }) => sessions[0]?.waiting === 1, 'one waits');
  assert.ok(equalBytes(presence.sessions[0]?.session ?? assert.fail(), waits)); // [PRESENCE-4]
  assert.equal(presence.sessions[1]?.waiting, undefined);
  gone.abort();
  assert.equal(await outcome, 'withdrawn');
  await listener.newest(({ sessions }) => sessions.every(({ waiting }) => waiting === undefined), 'none waits');
});

test('[PRESENCE-6]: a change of the fleet is shown once it has taken effect here', async (t) => {
  const { machine, agent, listener } = await scene(t);
  const before = (await listener.newest(() => true, 'anything')).presence.control.position;
  await machine.world.enroll('second');
  machine.relay.push();
  const { control } = machine.world.operator.replica.state;
  assert.ok(control.position > before);
  const { presence } = await listener.newest((said) => said.control.position === control.position, 'the newest control head');
  assert.deepEqual(presence.control.hash, control.hash);
  assert.deepEqual(agent.view().control?.hash, control.hash);
});

test('[PRESENCE-7]: an incident is urgent once, and nothing else is', async (t) => {
  const { agent, listener } = await scene(t);
  await listener.newest(() => true, 'anything');
  const living = agent.living.begin(facts(primitives.random(16)));
  living.suspended = true;
  const told = await listener.newest(({ incidents }) => incidents.includes('session_suspended'), 'the incident');
  assert.equal(told.statement.urgent, true);
  assert.equal(told.presence.sessions[0]?.suspended, true);
  living.judged(1);
  const next = await listener.newest(({ sessions: [one] }) => one?.calls === 1, 'the next');
  assert.equal(next.statement.urgent, undefined);
  living.suspended = false;
  await listener.newest(({ incidents }) => incidents.length === 0, 'its end');
  living.suspended = true;
  const again = await listener.newest(({ incidents }) => incidents.length === 1, 'another');
  assert.equal(again.statement.urgent, true);
});

test('[PRESENCE-3]: what is the same as before is not said again until it is time', async (t) => {
  const { agent, listener } = await scene(t);
  const living = agent.living.begin(facts(primitives.random(16)));
  living.judged(1);
  await listener.newest(({ sessions: [one] }) => one?.calls === 1, 'one act');
  const said = listener.all.length;
  for (let record = 0; record < 50; record += 1) await agent.audit.append({ kind: 'fault', code: 'internal' }); // no part of it
  living.judged(1);
  await listener.newest(({ sessions: [one] }) => one?.calls === 2, 'another act');
  assert.equal(listener.all.length, said + 1);
});

test('[PRESENCE-4]: a thousand sessions and as many calls leave asks their places', async (t) => {
  const { agent, machine, listener } = await scene(t);
  const all = Array.from({ length: 1000 }, () => agent.living.begin(facts(primitives.random(16))));
  for (const each of all) each.begins('a', call('x'.repeat(300)));
  const { presence } = await listener.newest(({ sessions }) => sessions[0]?.now !== undefined, 'calls');
  assert.equal(presence.sessions.length + presence.unlisted.sessions, 1000);
  assert.ok(presence.sessions.length > 8);
  const gone = new AbortController();
  const by = { session: primitives.random(16), mode: 'sealed', program: 'claude' } as const;
  const asked = agent.approvals.askAboutCall(by, call('git push'), { because: [], gone: gone.signal });
  await machine.until(() => agent.approvals.waiting === 1, 'an ask');
  gone.abort();
  assert.equal(await asked, 'withdrawn');
});
