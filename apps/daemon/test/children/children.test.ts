// The children of an agent: less than their parent on every axis, recorded before they begin, nothing once they have ended. What they present is held
// against the fleet's root by the verifier that services use.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditReport } from '@holdfast/protocol/audit/event';
import { toBase64url, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { delegate, maxDelegationDepth, type DelegationTerms } from '@holdfast/protocol/custody/delegation';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { confirmationOf, issueCredential, rootOf } from '@holdfast/protocol/identity/credential';
import { verifyPresentation } from '@holdfast/protocol/identity/presentation';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { deviceIdOf } from '@holdfast/protocol/identity/genesis-device';
import type { Child } from '../../src/children/child.ts';
import { ByteFlow } from '../../src/vault/byte-counts.ts';
import { Children, type ChildRequest, type Origin } from '../../src/children/children.ts';

const session = primitives.random(16);
const audience = 'https://api.example.com';
const [one, other] = [primitives.random(16), primitives.random(16)];
const root: ChildRequest = { session, kind: 'sub-agent', name: 'a look around' };

async function rig(change: Partial<Origin> = {}) {
  const [operator, agentKey] = await Promise.all([
    SoftwareKeyHolder.generate(primitives),
    SoftwareKeyHolder.generate(primitives),
  ]);
  const [fleet, agent] = [primitives.random(32), primitives.random(16)];
  const startMs = Math.floor(Date.now() / 1000) * 1000;
  const clock = { atMs: startMs, nowMs: () => clock.atMs, monotonicMs: () => clock.atMs - startMs };
  const capabilities = ['deploy', 'read'];
  const expiresAtMs = startMs + 24 * 3_600_000;
  const text = new TextDecoder().decode(
    await issueCredential(primitives, operator, {
      fleet,
      agent,
      device: deviceIdOf(primitives, operator.publicKeys.sign),
      confirm: confirmationOf(primitives, agentKey.publicKeys),
      scope: 'main',
      machine: 'box',
      custody: { level: 'software', evidence: 'claimed' },
      capabilities,
      issuedAtMs: startMs,
      expiresAtMs,
      status: { index: 1, uri: 'https://relay.example/status/1' },
    }),
  );
  const records: AuditReport[] = [];
  const burned: string[] = [];
  const origin: Origin = {
    leave: { capabilities, depth: maxDelegationDepth, expiresAtMs },
    assertAble: () => {},
    credential: async (wanted) =>
      text
        .split('~')
        .filter(
          (part) =>
            part.includes('.') ||
            part === '' ||
            wanted.some((each) => atob(part.replaceAll('-', '+').replaceAll('_', '/')).includes(`"${each}"`)),
        )
        .join('~'),
    delegate: (credential: string, terms: DelegationTerms) =>
      delegate(primitives, agentKey, { ...terms, credential }, clock.nowMs()),
    record: async (report) => void records.push(report),
    note: (report) => void records.push(report),
    burn: (child) => void burned.push(toHex(child)),
    ...change,
  };
  const children = new Children({ clock, primitives }, origin);
  const outcome = (asked: Partial<ChildRequest> = {}) => children.enrol({ ...root, ...asked }).then(() => 'ok', codeOf);
  const verified = async (presentation: string, nonce: string) =>
    verifyPresentation(primitives, presentation, {
      root: rootOf(toHex(fleet), operator.publicKeys.sign),
      audience,
      challenge: nonce,
      nowMs: clock.nowMs,
      firstUse: () => true,
      assertInForce: async () => {},
    });
  return { children, records, burned, clock, outcome, verified, agentKey };
}

const nonce = 'n'.repeat(22);

test('a child, and its own, prove who they are to a service, and below whom [DELEGATE-1] [CHILD-1]', async () => {
  const { children, verified } = await rig();
  const child = await children.enrol({ ...root, depth: 1, lifeS: 600 });
  const below = await children.enrol({ ...root, parent: child.id, capabilities: ['read'], uses: 2 });
  for (const [who, chain, capabilities] of [
    [child, [child.hex], ['deploy', 'read']],
    [below, [child.hex, below.hex], ['read']],
  ] as const) {
    const told = await verified(who.credential + (await who.present({ audience, nonce })), nonce);
    assert.deepEqual([told.children, [...told.capabilities].toSorted()], [chain, capabilities]);
  }
});

test('it gets no more than its parent has, on any axis [CHILD-1] [CHILD-4]', async () => {
  const { children, outcome, records } = await rig();
  const parent = await children.enrol({
    ...root,
    capabilities: ['read'],
    fences: { audiences: [audience], grants: [one], hosts: ['api.example.com:443'] },
    uses: 3,
    lifeS: 600,
    depth: 1,
  });
  const below = { parent: parent.id };
  const wrong: readonly Partial<ChildRequest>[] = [
    { ...below, capabilities: ['deploy'] },
    { ...below, fences: { audiences: ['https://other.example'] } },
    { ...below, fences: { grants: [one, other] } },
    { ...below, fences: { hosts: ['api.example.com:8443'] } },
    { ...below, uses: 4 },
    { ...below, lifeS: 601 },
    { ...below, depth: 1 },
    { capabilities: ['root'] },
    { depth: 3 },
    { lifeS: 3601 },
    { lifeS: 0 },
  ];
  for (const asked of wrong) assert.equal(await outcome(asked), 'delegation_exceeded', JSON.stringify(asked));
  const child = await children.enrol({ ...root, ...below });
  const { capabilities, audiences, grants, hosts, uses, depth } = child.leave;
  assert.deepEqual(
    [capabilities, audiences, grants, hosts, uses, depth],
    [['read'], [audience], [toBase64url(one)], ['api.example.com:443'], 3, 0],
    'what is not asked for is as the parent has it',
  );
  assert.deepEqual(
    [child.mayUse(one), child.mayUse(other), child.mayReach('api.example.com', 443), child.mayReach('api.example.com', 80)],
    [true, false, true, false],
  );
  assert.equal(await codeOfRejected(child.present({ audience: 'https://other.example', nonce })), 'delegation_exceeded');
  assert.equal(await outcome({ parent: child.id }), 'delegation_exceeded', 'depth is used up');
  assert.equal(records.filter(({ kind }) => kind === 'delegated').length, 2, 'what was refused never began');
});

const codeOfRejected = (promise: Promise<unknown>) => promise.then(() => 'ok', codeOf);
const thrownBy = (act: () => unknown): string => {
  try {
    act();
    return 'ok';
  } catch (thrown) {
    return codeOf(thrown);
  }
};

test('its event is written before it begins; without a record there is no child [DELEGATE-7]', async () => {
  const { outcome, children } = await rig({
    record: async () => {
      throw new HoldfastError('audit_unavailable', 'full');
    },
  });
  assert.equal(await outcome(), 'audit_unavailable');
  assert.deepEqual(children.views(), []);
});

test('one that has ended does nothing: by itself, with its parent, its session, its agent, its time [CHILD-3]', async () => {
  const { children, clock, records, burned, outcome } = await rig();
  const dead = async (child: Awaited<ReturnType<Children['enrol']>>) => {
    assert.equal(
      thrownBy(() => child.takeUse()),
      'child_ended',
    );
    assert.equal(
      thrownBy(() => child.credential),
      'child_ended',
    );
    assert.equal(await codeOfRejected(child.present({ audience, nonce })), 'child_ended');
    assert.match(await outcome({ parent: child.id }), /^child_(?:ended|unknown)$/);
    assert.ok(burned.includes(child.hex));
    assert.ok(!children.views().some((view) => toHex(view.child) === child.hex));
    return records.findLast((report) => report.kind === 'child-end' && toHex(report.child) === child.hex)?.kind === 'child-end';
  };
  const ends: Record<string, (id: Uint8Array) => unknown> = {
    stopped: (id) => children.retire(children.find(id)),
    revoked: (id) => children.revoke(id),
    session: () => children.endOf(session),
    agent: () => children.endAll(),
    expired: () => {
      clock.atMs += 3_600_000;
      children.sweep();
    },
  };
  for (const [why, end] of Object.entries(ends)) {
    const own = primitives.random(16);
    const within = why === 'session' ? session : own;
    const child = await children.enrol({ ...root, session: within, depth: 1 });
    const below = await children.enrol({ ...root, session: within, parent: child.id });
    const heard: string[] = [];
    child.onEnd((said) => heard.push(said));
    end(child.id);
    assert.ok((await dead(child)) && (await dead(below)), why);
    assert.deepEqual(heard, [why]);
  }
  assert.equal(await outcome(), 'child_ended', 'a session that has ended has no more children');
});

test('nothing revives when its time is over before anybody sweeps [CHILD-3]', async () => {
  const { children, clock } = await rig();
  const child = await children.enrol({ ...root, lifeS: 5 });
  clock.atMs += 5000;
  assert.equal(
    thrownBy(() => child.assertGoing()),
    'child_ended',
  );
});

test('what ends its parent while it is being made ends it [CHILD-3]', async () => {
  const ends: ((children: Children, parent: Uint8Array) => unknown)[] = [
    (children, parent) => children.revoke(parent),
    (children) => children.endOf(session),
    (children) => children.endAll(),
  ];
  for (const end of ends) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    let held = false;
    const { children } = await rig({
      record: async () => {
        if (!held) return;
        reached.resolve();
        await promise;
      },
    });
    const parent = await children.enrol({ ...root, depth: 1 });
    held = true;
    const outcome = codeOfRejected(children.enrol({ ...root, parent: parent.id }));
    await reached.promise;
    end(children, parent.id);
    resolve();
    assert.equal(await outcome, 'child_ended');
    assert.deepEqual(children.views(), []);
  }
});

test('of a hundred uses at once no more pass than are left, also over a child and its own together [CHILD-5]', async () => {
  const { children } = await rig();
  const parent = await children.enrol({ ...root, uses: 10, depth: 1 });
  const child = await children.enrol({ ...root, parent: parent.id, uses: 7 });
  const tried = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => thrownBy(() => (index % 2 === 0 ? child : parent).takeUse())),
  );
  assert.equal(tried.filter((each) => each === 'ok').length, 10);
  assert.ok(tried.every((each) => each === 'ok' || each === 'child_spent'));
  const fresh = await children.enrol({ ...root, uses: 1 });
  fresh.takeUse()();
  const back = fresh.takeUse();
  back();
  back();
  fresh.takeUse();
  assert.equal(
    thrownBy(() => fresh.takeUse()),
    'child_spent',
    'given back once, whoever says it twice',
  );
});

test('of the bytes of a child and all below it no more pass than are left, whoever takes them; a use that would begin with none is none [CHILD-11]', async () => {
  const { children } = await rig();
  const parent = await children.enrol({ ...root, bytes: 1000, depth: 1 });
  const child = await children.enrol({ ...root, parent: parent.id, bytes: 700 });
  const free = await children.enrol({ ...root, depth: 1 });
  assert.equal(free.purse(), undefined, 'nobody counts');
  await assert.rejects(children.enrol({ ...root, parent: parent.id, bytes: 1001 }), { code: 'delegation_exceeded' });
  assert.equal((await children.enrol({ ...root, parent: parent.id })).bytesLeft, 1000, 'as its parent has it');
  const record = { reserved: async () => {}, returned: () => {} };
  const flow = (of: Child) => new ByteFlow([of.purse() ?? assert.fail()], record);
  const taken = await Promise.allSettled([...Array(20).keys()].map(async (at) => flow(at % 2 === 0 ? child : parent).take(200)));
  assert.equal(taken.filter(({ status }) => status === 'fulfilled').length, 5);
  for (const each of taken) if (each.status === 'rejected') assert.equal(codeOf(each.reason), 'child_spent');
  assert.equal(
    thrownBy(() => parent.takeUse()),
    'child_spent',
  );
  const fresh = await children.enrol({ ...root, bytes: 1000 });
  const ended = flow(fresh);
  await ended.take(10);
  assert.ok((fresh.bytesLeft ?? 0) < 990, 'reserved ahead');
  ended.end();
  assert.equal(fresh.bytesLeft, 990);
});

test('at most 256 of one session; another has room of its own [CHILD-2]', async () => {
  const { children, outcome, agentKey } = await rig();
  const key = agentKey.publicKeys.sign;
  for (let count = 0; count < 256; count += 1) await children.enrol({ ...root, kind: 'key', key });
  assert.equal(await outcome(), 'limit_exceeded');
  assert.equal(await outcome({ session: primitives.random(16) }), 'ok');
});

test('a key that is not here signs for no child of its own, and its name is printable', async () => {
  const { children, outcome, agentKey } = await rig();
  const child = await children.enrol({ ...root, kind: 'key', name: 'ä\u001b[31m', key: agentKey.publicKeys.sign, depth: 1 });
  assert.equal(child.name, '??[31m');
  assert.equal(await outcome({ parent: child.id }), 'delegation_exceeded');
  assert.ok(utf8(child.credential).length > 0);
});
