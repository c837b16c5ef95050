// An act that waits for an operator: let go by one answer to this very call, and denied in every other case there is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Ask, Outcome, Said } from '@holdfast/protocol/approvals/ask';
import { callDigest } from '@holdfast/protocol/approvals/call';
import { approve } from '@holdfast/protocol/approvals/approved';
import { OneUseKey, sealUse, useDigest, type BoundRequest } from '@holdfast/protocol/approvals/use';
import { agentSays, hearAgent, operatorAnswers } from '@holdfast/protocol/approvals/signals';
import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import type { RelayRequest } from '@holdfast/protocol/blind/frames';
import { parseSignal, signSignal, type Signal, type SignalStatement } from '@holdfast/protocol/blind/signal';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { setAuditPolicy } from '@holdfast/protocol/journal/compose';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { ToolCall } from '@holdfast/protocol/rules/call';
import type { Sealed } from '@holdfast/protocol/seal/hpke';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { patienceMs } from '@holdfast/testkit/patience';
import { World } from '../../../../packages/testkit/src/world.ts';
import type { Agent } from '../../src/agent/agent.ts';
import { Machine } from '../agent/machine.ts';

const session = primitives.random(16);
const by = { session, mode: 'sealed', program: 'claude' } as const;
const push: ToolCall = {
  tool: 'shell',
  harness: 'claude-code',
  name: 'Bash',
  input: { command: 'git push --force', timeout: 5 },
  command: 'git push --force',
};
const because = [{ rule: 'no-force-push', reason: 'It rewrites what others have pulled.' }];

/** An operator who reads what the relay carries, and answers as a test wants it. */
class Operator {
  private readonly machine: Machine;
  private read = 0;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /** The next ask that left the machine. */
  async next(): Promise<{ readonly ask: Ask; readonly expiresAtMs: number }> {
    const { said, expiresAtMs } = await this.heard('ask');
    return { ask: said, expiresAtMs };
  }

  /** The next body of that kind. */
  async heard<K extends Said['kind']>(
    kind: K,
  ): Promise<{ readonly said: Extract<Said, { kind: K }>; readonly expiresAtMs: number; readonly urgent: boolean }> {
    const { world, hostile } = this.machine;
    const { replica, id } = world.operator;
    const isIt = (said: Said): said is Extract<Said, { kind: K }> => said.kind === kind;
    for (;;) {
      const sent = hostile.asked.filter(isSaid);
      while (this.read < sent.length) {
        const { signal } = sent[this.read] ?? assert.fail();
        this.read += 1;
        const { said, expiresAtMs } = await hearAgent(
          {
            primitives,
            fleet: world.fleet,
            reader: id,
            signKeyOf: (from) => replica.state.agents.get(toHex(from))?.keys.sign,
            epochKey: (audience, epoch) => replica.epochKey(audience, epoch),
            nowMs: parseSignal(signal).statement.expiresAtMs - 1, // also one that is over by now
          },
          signal,
        );
        if (isIt(said)) return { said, expiresAtMs, urgent: parseSignal(signal).statement.urgent === true };
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async answer(
    asked: Pick<Ask, 'ask' | 'call' | 'session' | 'act'>,
    verdict: Answer['verdict'],
    change: {
      readonly holder?: SoftwareKeyHolder;
      readonly from?: Uint8Array;
      readonly fleet?: Uint8Array;
      readonly sealed?: Sealed;
      readonly warrant?: Uint8Array | undefined;
    } = {},
  ): Promise<Signal> {
    const { world, actor } = this.machine;
    const { replica, id, holder } = world.operator;
    const epochKey = await replica.epochKey(`agent:${toHex(actor.id)}`);
    const to = { primitives, fleet: change.fleet ?? world.fleet, agent: actor.id, epochKey, expiresAtMs: Date.now() + 60_000 };
    const device = { id: change.from ?? id, holder: change.holder ?? holder };
    const { ask, call } = asked;
    const sealing = change.sealed === undefined ? {} : { sealed: change.sealed };
    const approval = { fleet: to.fleet, agent: actor.id, device: device.id, ask: asked };
    const approved = verdict === 'once' ? await approve(primitives, device.holder, approval, Date.now()) : undefined;
    const { warrant = approved } = change;
    const leave = warrant !== undefined && { warrant };
    return operatorAnswers(to, device, { kind: 'answer', v: 1, ask, call, verdict, ...sealing, ...leave });
  }

  say(...signals: readonly Signal[]): void {
    this.machine.hostile.toClients(signals.map(({ wire }) => ({ kind: 'push-signal', signal: wire })));
  }
}

/** A signal about approvals; what the machine says of itself besides is of no matter here. */
const isSaid = (asked: RelayRequest | undefined): asked is Extract<RelayRequest, { kind: 'signal-put' }> =>
  asked?.kind === 'signal-put' && parseSignal(asked.signal).statement.latest === undefined;

interface Scene {
  readonly machine: Machine;
  readonly agent: Agent;
  readonly operator: Operator;
  /** The relay has taken so many signals, and said so. */
  readonly taken: (count: number) => Promise<void>;
}

async function scene(t: Parameters<typeof Machine.enrolled>[0]): Promise<Scene> {
  const machine = await Machine.enrolled(t);
  let told = 0;
  const agent = await machine.start({
    script: {
      answer: (frame, _line, asked) => {
        if (isSaid(asked)) told += 1;
        return [frame];
      },
    },
  });
  const taken = async (count: number) => {
    await machine.until(() => told >= count, `${count} signals taken`);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { machine, agent, operator: new Operator(machine), taken };
}

async function recorded<K extends AuditEvent['kind']>(
  agent: Agent,
  kind: K,
  count: number,
): Promise<Extract<AuditEvent, { kind: K }>[]> {
  const lateMs = performance.now() + patienceMs;
  for (;;) {
    const events = (await agent.audit.read({ from: 0, limit: 1000 })).map(decodeEvent);
    const found = events.filter((each): each is Extract<AuditEvent, { kind: K }> => each.kind === kind);
    if (found.length >= count) return found;
    if (performance.now() > lateMs) assert.fail(`${found.length} ${kind} in the log`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const isOpen = async (outcome: Promise<Outcome>): Promise<boolean> =>
  (await Promise.race([outcome, new Promise((resolve) => setImmediate(resolve, 'open'))])) === 'open';

test('an operator sees the whole act and lets it go once', async (t) => {
  const { agent, operator } = await scene(t);
  const outcome = agent.approvals.askAboutCall(by, push, { because, directory: '/srv/shop' });
  const { ask } = await operator.next();
  assert.deepEqual(ask.act, {
    kind: 'tool-call',
    tool: 'shell',
    harness: 'claude-code',
    name: 'Bash',
    text: 'git push --force',
    rest: '{"timeout":5}',
    directory: '/srv/shop',
  });
  assert.deepEqual([ask.mode, ask.program, ask.because, ask.session], ['sealed', 'claude', because, session]);
  assert.deepEqual(ask.call, callDigest(primitives, { agent: agent.id, session }, push));
  assert.equal(await isOpen(outcome), true);
  operator.say(await operator.answer(ask, 'once'));
  assert.equal(await outcome, 'allowed');
  const [asked] = await recorded(agent, 'asked', 1); // [APPROVAL-10]
  const [answered] = await recorded(agent, 'answered', 1);
  assert.deepEqual([asked?.ask, answered?.ask, answered?.outcome], [ask.ask, ask.ask, 'allowed']);
  assert.ok(asked !== undefined && answered !== undefined && asked.sequence < answered.sequence);
});

test('[DOOR-18]: a session is told that it waits once its ask has left, and not when that is over already', async (t) => {
  const machine = await Machine.enrolled(t);
  const held: (() => void)[] = [];
  const agent = await machine.start({
    script: {
      answer: async (frame, _line, asked) => {
        if (isSaid(asked)) await new Promise<void>((resolve) => void held.push(resolve));
        return [frame];
      },
    },
  });
  const told: Uint8Array[] = [];
  agent.approvals.onWaiting(session, ({ ask }) => told.push(ask));
  const operator = new Operator(machine);
  const first = agent.approvals.askAboutCall(by, push, { because });
  await operator.next();
  await machine.until(() => held.length > 0, 'the ask on its way');
  agent.approvals.withdrawAll();
  assert.equal(await first, 'withdrawn');
  for (const release of held.splice(0)) release();
  const second = agent.approvals.askAboutCall(by, push, { because });
  const { ask: asked } = await operator.next();
  await machine.until(() => {
    for (const release of held.splice(0)) release();
    return told.length > 0;
  }, 'told of the second');
  assert.deepEqual(told, [asked.ask]);
  agent.approvals.withdrawAll();
  assert.equal(await second, 'withdrawn');
  for (const release of held.splice(0)) release();
});

test('[APPROVAL-6]: an answer counts once; replayed it lets nothing go, not even the same call again', async (t) => {
  const { agent, operator } = await scene(t);
  const first = agent.approvals.askAboutCall(by, push, { because });
  const { ask } = await operator.next();
  const yes = await operator.answer(ask, 'once');
  operator.say(yes);
  assert.equal(await first, 'allowed');
  const second = agent.approvals.askAboutCall(by, push, { because });
  const { ask: again } = await operator.next();
  assert.notDeepEqual(again.ask, ask.ask);
  assert.deepEqual(again.call, ask.call);
  operator.say(yes, yes);
  const refused = await recorded(agent, 'answer-refused', 2);
  assert.deepEqual(
    refused.map(({ code }) => code),
    ['ask_unknown', 'ask_unknown'],
  );
  assert.equal(await isOpen(second), true);
  operator.say(await operator.answer(again, 'deny'));
  assert.equal(await second, 'denied');
});

/** One request with a credential that is approved per use, put to an operator. */
async function useAsked({ agent, operator, machine }: Scene) {
  const key = await OneUseKey.make(primitives);
  const request: BoundRequest = {
    ...{ agent: agent.id, session, grant: primitives.random(16), item: primitives.random(16), name: 'bank', method: 'POST' },
    ...{ host: 'bank.example', port: 443, path: '/v1/payments', query: '', headers: [], body: '{"amount":10}' },
  };
  const { agent: _agent, session: _session, ...fields } = request;
  const act = { kind: 'use', ...fields, key: key.publicKey } as const;
  const answer = agent.approvals.askAboutUse(by, { act, call: useDigest(primitives, request), because: [] });
  const { ask, expiresAtMs } = await operator.next();
  const { fleet } = machine.world;
  const secret = new TextEncoder().encode('canary-bank');
  const sealed = await sealUse(primitives, { fleet, agent: agent.id, ask, expiresAtMs }, secret);
  return { key, request, answer, ask, expiresAtMs, sealed, fleet, secret };
}

test('[APPROVAL-16]: a use is let go by an answer with its sealing, and by no other', async (t) => {
  const all = await scene(t);
  const { agent, operator } = all;
  const { key, request, answer, ask, expiresAtMs, sealed, fleet, secret } = await useAsked(all);
  operator.say(await operator.answer(ask, 'once')); // says yes and brings nothing
  assert.equal((await recorded(agent, 'answer-refused', 1))[0]?.code, 'ask_mismatch');
  operator.say(await operator.answer(ask, 'once', { sealed }));
  const told = await answer;
  assert.deepEqual([told.outcome, told.expiresAtMs, told.ask], ['allowed', expiresAtMs, ask.ask]);
  const terms = { fleet, agent: agent.id, session, ask: ask.ask, expiresAtMs: told.expiresAtMs };
  assert.deepEqual(await key.open(terms, request, told.sealed ?? assert.fail(), Date.now()), secret);
  const call = agent.approvals.askAboutCall(by, push, { because });
  operator.say(await operator.answer((await operator.next()).ask, 'once', { sealed })); // a sealing for what needs none
  assert.equal((await recorded(agent, 'answer-refused', 2))[1]?.code, 'ask_mismatch');
  agent.approvals.withdraw(session);
  assert.equal(await call, 'withdrawn');
});

test('[APPROVAL-6] [APPROVAL-17]: of two devices that approve at once one counts; what either sealed opens for no other ask', async (t) => {
  const all = await scene(t);
  const { agent, operator } = all;
  const first = await useAsked(all);
  const again = await sealUse(
    primitives,
    { fleet: first.fleet, agent: agent.id, ask: first.ask, expiresAtMs: first.expiresAtMs },
    first.secret,
  );
  operator.say(await operator.answer(first.ask, 'once', { sealed: first.sealed }));
  operator.say(await operator.answer(first.ask, 'once', { sealed: again }));
  const told = await first.answer;
  assert.equal(told.outcome, 'allowed');
  assert.equal((await recorded(agent, 'answer-refused', 1))[0]?.code, 'ask_unknown');
  const second = await useAsked(all);
  operator.say(await operator.answer(second.ask, 'once', { sealed: first.sealed })); // what the first ask was answered with
  const replayed = await second.answer;
  const terms = { fleet: second.fleet, agent: agent.id, session, ask: second.ask.ask, expiresAtMs: second.expiresAtMs };
  await assert.rejects(second.key.open(terms, second.request, replayed.sealed ?? assert.fail(), Date.now()), {
    code: 'open_failed',
  });
});

test('[APPROVAL-8]: what was denied is not asked again soon, and others are', async (t) => {
  const { machine, agent, operator } = await scene(t);
  const first = agent.approvals.askAboutCall(by, push, { because });
  operator.say(await operator.answer((await operator.next()).ask, 'deny'));
  assert.equal(await first, 'denied');
  const sent = machine.hostile.asked.filter(isSaid).length;
  assert.equal(await agent.approvals.askAboutCall(by, push, { because }), 'denied');
  assert.ok(machine.hostile.asked.filter(isSaid).length <= sent + 1, 'nothing but `closed` was sent');
  const other = agent.approvals.askAboutCall({ ...by, session: primitives.random(16) }, push, { because });
  operator.say(await operator.answer((await operator.next()).ask, 'once'));
  assert.equal(await other, 'allowed');
});

test('[APPROVAL-5]: no answer but that of a device, to this agent, for this call', async (t) => {
  const { machine, agent, operator } = await scene(t);
  const { world } = machine;
  const peer = await world.enroll('peer');
  machine.relay.push();
  const elsewhere = await World.begin();
  const outcome = agent.approvals.askAboutCall(by, push, { because });
  const { ask } = await operator.next();
  const good = (await operator.answer(ask, 'once')).statement;
  const resigned = (holder: SoftwareKeyHolder, change: Partial<SignalStatement>) => signSignal(holder, { ...good, ...change });
  const { holder } = world.operator;
  const { to: _nobody, ...toAll } = good;
  const call = new Uint8Array(32);
  const wrong: readonly (readonly [string, Signal, string])[] = [
    ['a peer in its own name', await operator.answer(ask, 'once', { from: peer.id, holder: peer.holder }), 'signal_forged'],
    ['a peer in the operator’s name', await operator.answer(ask, 'once', { holder: peer.holder }), 'signal_forged'],
    [
      'an operator of another fleet',
      await operator.answer(ask, 'once', { from: elsewhere.operator.id, holder: elsewhere.operator.holder }),
      'signal_forged',
    ],
    ['another fleet', await operator.answer(ask, 'once', { fleet: elsewhere.fleet }), 'signal_forged'],
    ['to nobody', await signSignal(holder, toAll), 'signal_forged'],
    ['to a peer', await resigned(holder, { to: peer.id }), 'signal_forged'],
    ['expired', await resigned(holder, { expiresAtMs: Date.now() - 1 }), 'signal_expired'],
    ['another call', await operator.answer({ ...ask, call }, 'once'), 'ask_mismatch'],
    ['another ask', await operator.answer({ ...ask, ask: new Uint8Array(16) }, 'once'), 'ask_unknown'],
  ];
  for (const [index, [name, signal, code]] of wrong.entries()) {
    operator.say(signal);
    const refused = await recorded(agent, 'answer-refused', index + 1);
    assert.equal(refused.at(-1)?.code, code, name);
    assert.equal(await isOpen(outcome), true, name);
    if (index === 5) await machine.until(() => agent.view().relayState === 'connected', 'still connected');
  }
  operator.say(await operator.answer(ask, 'once'));
  assert.equal(await outcome, 'allowed');
});

test('[AUTHORITY-4]: no approval without a warrant of that device for this very act', async (t) => {
  const { machine, agent, operator } = await scene(t);
  const { world } = machine;
  const outcome = agent.approvals.askAboutCall(by, push, { because });
  const { ask } = await operator.next();
  const about = { fleet: world.fleet, agent: machine.actor.id, device: world.operator.id };
  const warrantOf = (asked: Ask, holder = world.operator.holder) =>
    approve(primitives, holder, { ...about, ask: asked }, Date.now());
  const wrong: readonly (readonly [string, Uint8Array, string])[] = [
    ['of another call', await warrantOf({ ...ask, call: new Uint8Array(32) }), 'warrant_invalid'],
    ['of another session', await warrantOf({ ...ask, session: new Uint8Array(16) }), 'warrant_invalid'],
    ['by the agent', await warrantOf(ask, machine.actor.holder), 'warrant_invalid'],
  ];
  for (const [index, [name, warrant, code]] of wrong.entries()) {
    operator.say(await operator.answer(ask, 'once', { warrant }));
    assert.equal((await recorded(agent, 'answer-refused', index + 1)).at(-1)?.code, code, name);
    assert.equal(await isOpen(outcome), true, name);
  }
  const good = await warrantOf(ask);
  operator.say(await operator.answer(ask, 'once', { warrant: good }));
  assert.equal(await outcome, 'allowed');
  const [answered] = await recorded(agent, 'answered', 1);
  assert.deepEqual(answered?.kind === 'answered' && answered.warrant, good); // [AUTHORITY-5]
});

test('[COMMIT-6]: a digest that was salted when it was asked is named by no answer, whatever is declared by then', async (t) => {
  const { machine, agent, operator } = await scene(t);
  const declare = async (values: string[]): Promise<void> => {
    const personal = values.length === 0 ? [] : [{ subject: 'jane', values, like: [] }];
    const { version } = await machine.world.operator.act((author) => setAuditPolicy(author, { silenced: [], personal }));
    machine.relay.push();
    await machine.until(() => agent.state?.auditPolicy?.version === version, 'the policy');
  };
  await declare(['jane.doe@example.com']);
  const command = 'mail jane.doe@example.com';
  const mail = { ...push, input: { command }, command };
  const outcome = agent.approvals.askAboutCall(by, mail, { because });
  const { ask } = await operator.next();
  assert.equal((await recorded(agent, 'asked', 1))[0]?.salted, true);
  await declare([]);
  operator.say(await operator.answer(ask, 'once'));
  assert.equal(await outcome, 'allowed');
  assert.equal((await recorded(agent, 'answered', 1))[0]?.warrant, undefined);
});

test('signals that are none of the agent’s business change nothing', async (t) => {
  const { machine, agent, operator } = await scene(t);
  const { world, actor } = machine;
  const outcome = agent.approvals.askAboutCall(by, push, { because });
  const { ask } = await operator.next();
  const { statement } = await operator.answer(ask, 'once');
  const elsewhere = await signSignal(world.operator.holder, { ...statement, audience: 'fleet' });
  const certificate = parseSignal((machine.hostile.asked.find(isSaid) ?? assert.fail()).signal).session ?? assert.fail();
  const own = await agentSays(
    {
      primitives,
      fleet: world.fleet,
      agent: actor.id,
      epochKey: await world.operator.replica.epochKey(statement.audience),
      expiresAtMs: statement.expiresAtMs,
    },
    { certificate, sign: (domain, bytes) => actor.holder.sign(domain, bytes) },
    { kind: 'closed', v: 1, ask: ask.ask, outcome: 'allowed' },
  );
  for (let count = 0; count < 50; count += 1) operator.say(elsewhere, own);
  operator.say(await operator.answer(ask, 'once'));
  assert.equal(await outcome, 'allowed');
  assert.equal(agent.view().relayState, 'connected');
});

test('[APPROVAL-7]: nobody answers in time, and a late answer finds nothing open', async (t) => {
  const { agent, operator } = await scene(t);
  const outcome = agent.approvals.askAboutCall(by, push, { because, withinMs: 1 });
  assert.equal(await outcome, 'expired');
  const second = agent.approvals.askAboutCall(by, push, { because, withinMs: 60_000 });
  const { ask } = await operator.next();
  assert.equal(ask.lifeMs, 1);
  operator.say(await operator.answer(ask, 'once'));
  assert.equal((await recorded(agent, 'answer-refused', 1))[0]?.code, 'ask_unknown');
  assert.equal(await isOpen(second), true);
  agent.approvals.withdraw(session);
  assert.equal(await second, 'withdrawn');
});

test('[APPROVAL-8]: a session has three asks open, the fourth is denied at once; another session is not touched', async (t) => {
  const { agent } = await scene(t);
  const call = (n: number): ToolCall => ({ ...push, input: { command: `git push ${n}` }, command: `git push ${n}` });
  const open = [1, 2, 3].map((n) => agent.approvals.askAboutCall(by, call(n), { because }));
  assert.equal(await agent.approvals.askAboutCall(by, call(4), { because }), 'crowded');
  const other = { ...by, session: primitives.random(16) };
  const elsewhere = agent.approvals.askAboutCall(other, call(4), { because });
  assert.equal(await isOpen(elsewhere), true);
  agent.approvals.withdraw(session); // [APPROVAL-12]
  assert.deepEqual(await Promise.all(open), ['withdrawn', 'withdrawn', 'withdrawn']);
  agent.approvals.withdraw(other.session);
  assert.equal(await elsewhere, 'withdrawn');
});

test('[APPROVAL-24, SIGNAL-10]: only an ask is urgent, and the machine says how long what was allowed had waited', async (t) => {
  const { machine, agent, operator } = await scene(t);
  const began = performance.now();
  const outcome = agent.approvals.askAboutCall(by, push, { because });
  const asked = await operator.heard('ask');
  operator.say(await operator.answer(asked.said, 'once'));
  assert.equal(await outcome, 'allowed');
  const tookMs = performance.now() - began;
  const { said, urgent } = await operator.heard('closed');
  assert.deepEqual([asked.urgent, urgent], [true, false]);
  assert.ok(said.letGoAfterMs !== undefined && said.letGoAfterMs <= tookMs + 1, `${String(said.letGoAfterMs)} of ${tookMs}`);
  const other = { ...push, input: { command: 'git push' }, command: 'git push' };
  const denied = agent.approvals.askAboutCall(by, other, { because });
  operator.say(await operator.answer((await operator.next()).ask, 'deny'));
  assert.equal(await denied, 'denied');
  const end = (await operator.heard('closed')).said;
  assert.deepEqual([end.outcome, end.letGoAfterMs], ['denied', undefined]);
  assert.equal(machine.agent, agent);
});

test('[APPROVAL-24]: of a use it is said once whoever was allowed it says that it goes', async (t) => {
  const all = await scene(t);
  const { machine, agent, operator } = all;
  const { answer, ask, sealed } = await useAsked(all);
  operator.say(await operator.answer(ask, 'once', { sealed }));
  const { outcome, over } = await answer;
  assert.equal(outcome, 'allowed');
  const call = agent.approvals.askAboutCall(by, push, { because });
  const next = await operator.next();
  assert.equal(machine.hostile.asked.filter(isSaid).length, 2, 'two asks');
  over();
  assert.deepEqual((await operator.heard('closed')).said.ask, ask.ask);
  operator.say(await operator.answer(next.ask, 'deny'));
  assert.equal(await call, 'denied');
});

test('[APPROVAL-13]: whoever looks later is told that nobody waits, for as long as the ask is kept', async (t) => {
  const { machine, agent, operator, taken } = await scene(t);
  const outcome = agent.approvals.askAboutCall(by, push, { because, withinMs: 300_000 });
  operator.say(await operator.answer((await operator.next()).ask, 'deny'));
  assert.equal(await outcome, 'denied');
  await taken(2);
  const [asked, closed] = machine.hostile.asked.flatMap((each) =>
    isSaid(each) ? [parseSignal(each.signal).statement.expiresAtMs] : [],
  );
  assert.ok(asked !== undefined && closed !== undefined && closed >= asked, `${String(closed)} before ${String(asked)}`);
});

test('[APPROVAL-9]: without a relay, or with one that does not take it, the act is denied at once', async (t) => {
  const machine = await Machine.enrolled(t);
  await machine.start();
  await machine.stop();
  let agent = await machine.start({ offline: true });
  assert.equal(await agent.approvals.askAboutCall(by, push, { because }), 'unasked');
  await machine.stop();
  agent = await machine.start({
    script: {
      answer: (frame, _line, asked) =>
        isSaid(asked)
          ? [{ kind: 'error', id: asked.id, code: 'limit_exceeded', message: 'too many signals wait to expire' }]
          : [frame],
    },
  });
  assert.equal(await agent.approvals.askAboutCall(by, push, { because }), 'unasked');
  assert.equal((await recorded(agent, 'answered', 1)).at(-1)?.outcome, 'unasked');
});

test('[APPROVAL-12]: whoever waits may leave, and the end of the daemon denies', async (t) => {
  const { machine, agent, operator } = await scene(t);
  const left = new AbortController();
  const outcome = agent.approvals.askAboutCall(by, push, { because, gone: left.signal });
  await operator.next();
  left.abort();
  assert.equal(await outcome, 'withdrawn');
  assert.equal(await agent.approvals.askAboutCall(by, push, { because, gone: left.signal }), 'withdrawn');
  const last = agent.approvals.askAboutCall(by, push, { because });
  await operator.next();
  await machine.stop();
  assert.notEqual(await last, 'allowed');
});

test('[APPROVAL-3]: what cannot be shown as a whole is not asked', async (t) => {
  const { machine, agent } = await scene(t);
  let deep: ToolCall['input'] = 'x';
  for (let depth = 0; depth < 100; depth += 1) deep = [deep];
  const calls: readonly ToolCall[] = [
    { ...push, input: { command: 'x'.repeat(9000) }, command: 'x'.repeat(9000) },
    { ...push, input: { command: 'é'.repeat(8000) }, command: 'é'.repeat(8000) },
    { tool: 'other', harness: 'test', name: 'T', input: deep },
    { ...push, input: { command: '\ud800' }, command: '\ud800' },
  ];
  for (const call of calls) assert.equal(await agent.approvals.askAboutCall(by, call, { because }), 'unasked');
  assert.equal(machine.hostile.asked.filter(isSaid).length, 0);
});

test('an answer that the relay kept while the machine was away counts when it is back', async (t) => {
  const { machine, agent, operator, taken } = await scene(t);
  const outcome = agent.approvals.askAboutCall(by, push, { because });
  const { ask } = await operator.next();
  await taken(1);
  const yes = await operator.answer(ask, 'once');
  machine.hostile.script = {
    answer: (frame, _line, asked) => (asked?.kind === 'auth' ? [{ kind: 'push-signal', signal: yes.wire }, frame] : [frame]), // [RELAY-20]
  };
  machine.hostile.cut();
  assert.equal(await outcome, 'allowed');
});

test('[RELAY-26]: a relay that hands over one forged answer after the other is left', async (t) => {
  const { machine, agent, operator, taken } = await scene(t);
  const outcome = agent.approvals.askAboutCall(by, push, { because });
  const { ask } = await operator.next();
  await taken(1);
  const stranger = await SoftwareKeyHolder.generate(primitives);
  const forged = await operator.answer(ask, 'once', { holder: stranger });
  const { connections } = machine.hostile;
  for (let count = 0; count < 20; count += 1) operator.say(forged);
  await machine.until(() => machine.hostile.connections > connections, 'left');
  assert.equal(await isOpen(outcome), true);
  const refused = await recorded(agent, 'answer-refused', 1);
  assert.ok(refused.length <= 16);
  agent.approvals.withdraw(session);
  assert.equal(await outcome, 'withdrawn');
});
