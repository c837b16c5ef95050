// What the door answers, over a machine that is enrolled for real.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { verifyAudit } from '@holdfast/protocol/audit/verify';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { encodeDoorReply, type DoorReply, type DoorReplyOf, type DoorRequest } from '@holdfast/protocol/door/wire';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { doorHandler } from '../../src/door/requests.ts';
import type { GuardedDoors } from '../../src/guarded/doors.ts';
import type { Sessions } from '../../src/session/session.ts';
import { Rotations } from '../../src/rotate.ts';
import { Asker, EnrolWorld } from '../agent/enrol-world.ts';

const noSessions = { views: () => [] } as unknown as Sessions;
const noDoors = { views: () => [], failures: () => [], portOf: () => undefined } as unknown as GuardedDoors;

function askerOf(world: EnrolWorld): (request: DoorRequest) => Promise<DoorReply[]> {
  return async (request) => {
    const { agents, custody } = world;
    const asker = new Asker();
    await doorHandler({
      agents,
      sessions: noSessions,
      guarded: noDoors,
      enrolments: world.enrolments,
      rotations: new Rotations(world),
      custody,
      version: '0',
      startedAtMs: 1_700_000_000_000,
    })(request, asker);
    for (const reply of asker.replies) encodeDoorReply(reply); // fits the wire
    return asker.replies;
  };
}

async function only<K extends DoorReply['kind']>(replies: Promise<DoorReply[]>, kind: K): Promise<DoorReplyOf<K>> {
  const [reply, ...others] = await replies;
  assert.equal(reply?.kind, kind);
  assert.deepEqual(others, []);
  return reply as DoorReplyOf<K>;
}

test('status, roster, evidence and waiting, as the command line asks for them', async (t) => {
  const world = await EnrolWorld.begin(t);
  const ask = askerOf(world);
  const old = await world.enrolled('main');
  await world.operator.revoke(old);
  await world.until(() => !world.agents.ofScope('main').live, 'revoked');
  const young = await world.enrolled('main');
  const agent = world.agents.ofScope('main');
  await world.until(() => agent.view().relayState === 'connected' && agent.view().freshness.refusal === undefined, 'fresh');

  const status = await only(ask({ kind: 'status' }), 'status');
  assert.deepEqual(
    status.agents.map(({ agent: id, state, relayState }) => [toHex(id), state, relayState]),
    [[toHex(young), 'live', 'connected']],
  );
  assert.deepEqual([status.custody, status.sessions, status.notices], ['software, unsealed', [], []]);

  const machine = await only(ask({ kind: 'machine' }), 'machine');
  assert.deepEqual(
    machine.agents.map(({ agent: id, state, here }) => [toHex(id), state, here]),
    [
      [toHex(old), 'revoked', true],
      [toHex(young), 'live', true],
    ],
  );

  const { control } = agent.view();
  assert.ok(control !== undefined);
  const { fleet } = agent.enrolment;
  await only(ask({ kind: 'await-control', fleet, ...control, timeoutMs: 1000 }), 'done');
  await assert.rejects(
    ask({ kind: 'await-control', fleet, position: control.position, hash: primitives.random(32), timeoutMs: 1000 }),
    { code: 'entry_fork' },
  );
  await assert.rejects(ask({ kind: 'await-control', fleet, position: control.position + 1, hash: control.hash, timeoutMs: 20 }), {
    code: 'relay_unreachable',
  });
  await assert.rejects(ask({ kind: 'await-control', fleet: primitives.random(32), ...control, timeoutMs: 20 }), {
    code: 'agent_unknown',
  });

  for (const name of ['main', toHex(old)]) {
    const checkpoints = await only(ask({ kind: 'audit', agent: name, part: 'checkpoints', from: 0, limit: 100 }), 'audit-page');
    const pages: Uint8Array[] = [];
    for (;;) {
      const page = await only(ask({ kind: 'audit', agent: name, part: 'events', from: pages.length, limit: 1 }), 'audit-page');
      if (page.items.length === 0) break;
      pages.push(...page.items);
    }
    assert.equal(decodeEvent(pages[0] ?? new Uint8Array()).kind, 'daemon-start');
    const verdict = await verifyAudit(primitives, checkpoints, { events: pages, checkpoints: checkpoints.items });
    assert.ok(verdict.covered > 0);
  }
  await assert.rejects(ask({ kind: 'audit', agent: 'nobody', part: 'events', from: 0, limit: 1 }), { code: 'agent_unknown' });
  await assert.rejects(ask({ kind: 'run', scope: 'other', command: ['x'], cwd: '/', path: '', home: '/', environment: {} }), {
    code: 'scope_unknown',
    next: /enroll --scope other/,
  });
});

// [DOOR-4]
test('a frame of a session that does not run is no request', async (t) => {
  const world = await EnrolWorld.begin(t);
  for (const request of [
    { kind: 'input', data: new Uint8Array(1) },
    { kind: 'input-end' },
    { kind: 'resize', columns: 1, rows: 1 },
    { kind: 'signal', name: 'SIGTERM' },
  ] as const) {
    await assert.rejects(askerOf(world)(request), { code: 'usage' });
  }
  const status = await only(askerOf(world)({ kind: 'status' }), 'status');
  assert.deepEqual(status.agents, []);
});
