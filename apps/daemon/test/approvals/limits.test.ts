// How often a session may ask, by a clock that the test moves; and what becomes of an ask when something around it fails.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { approve } from '@holdfast/protocol/approvals/approved';
import { operatorAnswers } from '@holdfast/protocol/approvals/signals';
import type { AuditReport } from '@holdfast/protocol/audit/event';
import { certifySessionKey } from '@holdfast/protocol/blind/session-key';
import type { Signal } from '@holdfast/protocol/blind/signal';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import type { FleetState } from '@holdfast/protocol/journal/state';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { Approvals, type ApprovalsOptions, type Waiting } from '../../src/approvals/approvals.ts';
import { asItIs } from '../audit/log-world.ts';
import { AskLimits, sameActs } from '../../src/approvals/limits.ts';

const minuteMs = 60_000;
const id = () => primitives.random(16);

function clockAt(): { nowMs: () => number; monotonicMs: () => number; pass(ms: number): void } {
  let passed = 0;
  return { nowMs: () => 1_800_000_000_000 + passed, monotonicMs: () => passed, pass: (ms) => void (passed += ms) };
}

test('[APPROVAL-8]: three at once, twenty in ten minutes, and an operator’s no stands for five', () => {
  const clock = clockAt();
  const limits = new AskLimits(clock);
  const session = toHex(id());
  const call = () => toHex(primitives.random(32));
  const open = [call(), call(), call()];
  for (const each of open) assert.equal(limits.begin(session, each), 'ask');
  assert.equal(limits.begin(session, call()), 'crowded');
  assert.equal(limits.begin(toHex(id()), call()), 'ask');
  for (const each of open) limits.end(session, each, 'allowed');
  for (let count = 3; count < 20; count += 1) {
    const next = call();
    assert.equal(limits.begin(session, next), 'ask', String(count));
    limits.end(session, next, 'expired');
  }
  assert.equal(limits.begin(session, call()), 'crowded');
  clock.pass(10 * minuteMs);
  const refused = call();
  assert.equal(limits.begin(session, refused), 'ask');
  limits.end(session, refused, 'denied');
  clock.pass(5 * minuteMs - 1);
  assert.equal(limits.begin(session, refused), 'denied');
  assert.equal(limits.begin(session, call()), 'ask');
  clock.pass(1);
  assert.equal(limits.begin(session, refused), 'ask');
});

test('[APPROVAL-8]: a session and all that it starts beside itself ask as one', () => {
  const limits = new AskLimits(clockAt());
  const [parent, child, below, other] = [id(), id(), id(), id()];
  limits.beside(child, parent);
  limits.beside(below, child);
  const whose = [parent, child, below];
  const counted = whose.map((session) => limits.countedAs(session));
  for (const [index, each] of counted.entries()) assert.equal(limits.begin(each, `act ${index}`), 'ask');
  for (const each of counted) assert.equal(limits.begin(each, 'one more'), 'crowded');
  assert.equal(limits.begin(limits.countedAs(other), 'one more'), 'ask');
  limits.end(counted[2] ?? '', 'act 2', 'denied');
  for (const each of counted) assert.equal(limits.begin(each, 'act 2'), 'denied');
  limits.forget(child);
  limits.end(counted[1] ?? '', 'act 1', 'withdrawn');
  assert.equal(limits.begin(limits.countedAs(parent), 'one more'), 'ask');
  assert.equal(limits.begin(limits.countedAs(parent), 'another'), 'ask');
  assert.equal(limits.begin(limits.countedAs(parent), 'yet another'), 'crowded');
});

test('[APPROVAL-8]: an act is the same in other words, by whoever, and for another ask', () => {
  const [grant, item] = [id(), id()];
  const use = { kind: 'use', grant, item, name: 'bank', method: 'GET', host: 'a.example', port: 443, path: '/' } as const;
  const asked = (key: Uint8Array, command: string, query = '') =>
    sameActs(primitives, { ...use, query, headers: [], body: '', key, reported: { command } });
  assert.equal(asked(new Uint8Array(1), 'a'), asked(new Uint8Array(2), 'b'));
  assert.notEqual(asked(new Uint8Array(1), 'a'), asked(new Uint8Array(1), 'a', 'x=1'));
  const access = { kind: 'access', method: 'GET', host: 'a.example', port: 443, path: '/' } as const;
  assert.equal(sameActs(primitives, { ...access, reason: 'a' }), sameActs(primitives, { ...access, reason: 'b' }));
  assert.notEqual(sameActs(primitives, { ...access, reason: 'a' }), sameActs(primitives, { ...access, path: '/b', reason: 'a' }));
  const call = { kind: 'tool-call', tool: 'shell', harness: 'h', name: 'Bash', text: 'x' } as const;
  assert.equal(sameActs(primitives, call), sameActs(primitives, { ...call, subagent: 'helper' }));
  assert.notEqual(sameActs(primitives, call), sameActs(primitives, { ...call, text: '\ud800' }));
});

test('sessions that nobody ends do not pile up', () => {
  const limits = new AskLimits(clockAt());
  const first = toHex(id());
  const call = toHex(primitives.random(32));
  limits.begin(first, call);
  limits.end(first, call, 'denied');
  for (let count = 0; count < 1024; count += 1) {
    const session = toHex(id());
    limits.begin(session, call);
    limits.end(session, call, 'expired');
  }
  assert.equal(limits.begin(first, call), 'ask');
});

async function stage(change: Partial<ApprovalsOptions> = {}) {
  const [fleet, agent, device] = [primitives.random(32), id(), id()];
  const [agentKeys, deviceKeys, sessionKeys] = [
    await SoftwareKeyHolder.generate(primitives),
    await SoftwareKeyHolder.generate(primitives),
    await SoftwareKeyHolder.generate(primitives),
  ];
  const clock = clockAt();
  const recorded: AuditReport[] = [];
  const { promise: sent, resolve: left } = Promise.withResolvers<Signal>();
  const key = primitives.random(32);
  const asks: Uint8Array[] = [];
  const options: ApprovalsOptions = {
    ports: { clock, primitives, log: { info: () => {}, warn: () => {} }, webSocket: WebSocket },
    fleet,
    agent,
    state: () => ({ devices: new Map([[toHex(device), { keys: deviceKeys.publicKeys }]]) }) as unknown as FleetState,
    epochKey: async () => ({ epoch: 0, key: key.slice() }),
    signer: async (lastsMs) => ({
      certificate: await certifySessionKey(agentKeys, {
        v: 1,
        fleet,
        agent,
        key: sessionKeys.publicKeys.sign,
        notBeforeMs: clock.nowMs(),
        notAfterMs: clock.nowMs() + lastsMs,
      }),
      sign: sessionKeys.sign.bind(sessionKeys),
    }),
    publish: async (signal) => left(signal),
    isFresh: () => true,
    redacting: asItIs,
    record: async (report) => {
      if (report.kind === 'asked') asks.push(report.ask);
      recorded.push(report);
    },
    note: (report) => void recorded.push(report),
    ...change,
  };
  const approvals = new Approvals(options);
  const call = primitives.random(32);
  const act = { kind: 'tool-call', tool: 'shell', harness: 'test', name: 'Bash', text: 'x' } as const;
  const session = id();
  const outcome = approvals.ask({ session, mode: 'sealed', program: 'p' }, { act, call, because: [] });
  const yes = async () => {
    await sent;
    const to = { primitives, fleet, agent, epochKey: { epoch: 0, key: key.slice() }, expiresAtMs: clock.nowMs() + 600_000 };
    const ask = asks[0] ?? assert.fail();
    const approval = { fleet, agent, device, ask: { ask, session, call, act } };
    const warrant = await approve(primitives, deviceKeys, approval, clock.nowMs());
    return operatorAnswers(to, { id: device, holder: deviceKeys }, { kind: 'answer', v: 1, ask, call, verdict: 'once', warrant });
  };
  const kinds = () => recorded.map((report) => [report.kind, 'code' in report ? report.code : undefined]);
  return { approvals, clock, outcome, yes, kinds };
}

test('[APPROVAL-10]: what cannot be recorded is neither asked nor let go', async () => {
  const full = async (): Promise<void> => Promise.reject(new Error('disk full'));
  assert.equal(await (await stage({ record: full, publish: () => assert.fail('asked without a record') })).outcome, 'unasked');
  const asks: Uint8Array[] = [];
  const later = await stage({
    record: async (report) => {
      if (report.kind !== 'asked') throw new Error('disk full');
      asks.push(report.ask);
    },
  });
  assert.equal(asks.length, 1);
  later.approvals.withdrawAll();
  assert.equal(await later.outcome, 'unasked');
});

test('[APPROVAL-10]: an act is let go only after the answer is recorded', async () => {
  const { promise: written, resolve: write } = Promise.withResolvers<void>();
  const order: string[] = [];
  const asks: Uint8Array[] = [];
  const scene = await stage({
    record: async (report) => {
      if (report.kind === 'asked') asks.push(report.ask);
      if (report.kind === 'answered') {
        order.push('writing');
        await written;
        order.push('written');
      }
    },
  });
  scene.approvals.withdrawAll();
  const done = scene.outcome.then(() => order.push('told'));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(order, ['writing']);
  write();
  await done;
  assert.deepEqual(order, ['writing', 'written', 'told']);
});

test('[APPROVAL-9]: an answer does not count while the relay has not confirmed our state', async () => {
  let fresh = false;
  const scene = await stage({ isFresh: () => fresh });
  const { wire } = await scene.yes();
  await scene.approvals.hear(wire);
  assert.deepEqual(scene.kinds().at(-1), ['answer-refused', 'stale_relay']);
  assert.equal(scene.approvals.waiting, 1);
  fresh = true;
  await scene.approvals.hear(wire);
  assert.equal(await scene.outcome, 'allowed');
});

test('[APPROVAL-7]: the monotonic clock ends an ask, whatever the wall clock and the timers say', async () => {
  const scene = await stage();
  const { wire } = await scene.yes();
  scene.clock.pass(120_000);
  await scene.approvals.hear(wire);
  assert.deepEqual(scene.kinds().at(-1), ['answer-refused', 'ask_unknown']);
  scene.approvals.withdrawAll();
  assert.equal(await scene.outcome, 'withdrawn');
});

test('a device that was removed meanwhile does not count', async () => {
  const scene = await stage({ state: () => ({ devices: new Map() }) as unknown as FleetState });
  const { wire } = await scene.yes();
  assert.equal(await scene.approvals.hear(wire).then(() => 'ok', codeOf), 'signal_forged');
  scene.approvals.withdrawAll();
  assert.equal(await scene.outcome, 'withdrawn');
});

test('[DOOR-18]: whoever carries a session hears of its ask once it has left, and of none that could not be asked', async () => {
  for (const publish of [undefined, async (): Promise<void> => Promise.reject(new Error('no relay'))]) {
    const scene = await stage(publish && { publish });
    const { promise: heard, resolve: tell } = Promise.withResolvers<Waiting | undefined>();
    const [session, other] = [id(), id()];
    scene.approvals.onWaiting(session, tell);
    scene.approvals.onWaiting(other, () => assert.fail('told to another'));
    const act = { kind: 'access', method: 'GET', host: 'h.example', port: 443, path: '/', reason: 'why' } as const;
    const by = { session, mode: 'sealed', program: 'p' } as const;
    const outcome = scene.approvals.ask(by, { act, call: primitives.random(32), because: [], withinMs: 5_000 });
    if (publish === undefined) {
      const waits = await heard;
      assert.deepEqual([waits?.act.kind, waits?.withinMs, waits?.ask.length], ['access', 5_000, 16]);
      scene.approvals.withdraw(session);
      assert.equal(await outcome, 'withdrawn');
      scene.approvals.withdrawAll();
    } else {
      assert.equal(await outcome, 'unasked');
      tell(undefined);
      assert.equal(await heard, undefined);
    }
    await scene.outcome;
  }
});
