// What takes power away acts here at once: handles burn, sessions are told, also when the disk fails in that very moment.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { readCredential, rootOf } from '@holdfast/protocol/identity/credential';
import { verifyPresentation } from '@holdfast/protocol/identity/presentation';
import { allowEgress, endGrant, rotateItem } from '@holdfast/protocol/journal/compose';
import {
  dueForRenewal,
  endBudget,
  renewCredentials,
  resumeAgent,
  revokeChild,
  setBudget,
  suspendAgent,
} from '@holdfast/protocol/journal/compose-agents';
import type { Grant } from '@holdfast/protocol/journal/state';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { BudgetLimits } from '@holdfast/protocol/vault/budget';
import { patienceMs } from '@holdfast/testkit/patience';
import type { Agent } from '../../src/agent/agent.ts';
import { World } from '../../../../packages/testkit/src/world.ts';
import type { ChildRequest } from '../../src/children/children.ts';
import { Effects, type AgentEvents } from '../../src/agent/effects.ts';
import { RulesInForce } from '../../src/agent/rules-in-force.ts';
import type { HandleTable } from '../../src/vault/mint.ts';
import { StateStore } from '../../src/state/store.ts';
import { Machine } from './machine.ts';

const facts = { scheme: 'https', host: 'api.example.com', port: 443, method: 'GET', path: '/v1/me' };
const basis = { warrant: new Uint8Array(32), rulesVersion: undefined, ask: undefined };
const session = primitives.random(16);
const secret = Buffer.from('a-secret-that-is-long-enough');

const mintFor = (agent: Agent, { grant, item, name }: { grant: Uint8Array; item: Uint8Array; name: string }) =>
  agent.handles.mint({ session, agent: agent.id, grant, item, name }, facts);

const use = (agent: Agent, handle: Uint8Array, { grant }: { readonly grant: Uint8Array }) =>
  agent.handles.consume(handle, { session, agent: agent.id, grant }, facts, basis).then(
    () => 'used',
    (thrown: unknown) => codeOf(thrown),
  );

const presenting = (agent: Agent, change: { readonly show?: readonly string[] } = {}) =>
  agent.present({ audience: 'https://api.example.com', nonce: undefined, show: [], ...change }).then(
    () => 'ok',
    (thrown: unknown) => codeOf(thrown),
  );

function listening(agent: Agent): { readonly heard: string[]; readonly events: AgentEvents } {
  const heard: string[] = [];
  const events = {
    revoked: () => void heard.push('revoked'),
    suspended: () => void heard.push('suspended'),
    grantEnded: (grant: Uint8Array) => void heard.push(toHex(grant)),
    budgetBegan: () => void heard.push('budget'),
    rulesChanged: () => void heard.push('rules'),
  };
  agent.subscribe(events);
  return { heard, events };
}

async function granted(machine: Machine, agent: Agent, name: string) {
  const { operator } = machine.world;
  const grant = await operator.grant(await operator.keep(name, secret), agent.id);
  machine.relay.push();
  await machine.until(() => agent.grants().some((each) => each.name === name), `${name} granted`);
  const found = agent.grants().find((each) => toHex(each.grant) === toHex(grant));
  assert.ok(found);
  return found;
}

/** Records follow what they record where power is taken away. */
async function recorded(agent: Agent, kind: string): Promise<void> {
  const lateMs = performance.now() + patienceMs;
  while (!(await kindsOf(agent)).some((each) => each === kind)) {
    if (performance.now() > lateMs) assert.fail(`no ${kind} in the log`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const eventsOf = async (agent: Agent) => (await agent.audit.read({ from: 0, limit: 1000 })).map(decodeEvent);
const kindsOf = async (agent: Agent) => (await eventsOf(agent)).map(({ kind }) => kind);

/** The world's clock stands in January: a credential that is in force today. */
async function renewed(machine: Machine, agent: Agent): Promise<void> {
  const { operator } = machine.world;
  const nowMs = Date.now();
  await operator.act((author) =>
    renewCredentials(
      { ...author, nowMs },
      { agents: dueForRenewal(author.replica.state, nowMs, author.device), statusUri: 'https://relay.example/status' },
    ),
  );
  machine.relay.push();
  await machine.until(() => readCredential(agent.own?.credential ?? new Uint8Array()).expiresAtMs > nowMs, 'renewed');
}

test('a grant that ends burns its handles and is told to sessions; other grants go on', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  const [ending, staying] = [await granted(machine, agent, 'ending'), await granted(machine, agent, 'staying')];
  const { heard } = listening(agent);
  const [burned, good] = [await mintFor(agent, ending), await mintFor(agent, staying)];
  await machine.world.operator.act((operator) => endGrant(operator, { agent: agent.id, grant: ending.grant }));
  machine.relay.push();
  await machine.until(() => heard.length > 0, 'grant ended');
  assert.deepEqual(heard, [toHex(ending.grant)]);
  assert.equal(await use(agent, burned, ending), 'refused');
  assert.equal(await use(agent, good, staying), 'used');
  await recorded(agent, 'grant-ended');
});

test('a budget that begins, or comes to limit bytes or how many are open, is told to sessions; other limits are not [VAULT-18]', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  const { heard } = listening(agent);
  const uses = (total: number) => ({ total, windows: [] });
  let times = 0;
  const set = async (limits: BudgetLimits): Promise<readonly string[]> => {
    heard.length = 0;
    const { budget } = await machine.world.operator.act((operator) => setBudget(operator, { agent: agent.id, limits }));
    machine.relay.push();
    times += 1;
    while ((await kindsOf(agent)).filter((kind) => kind === 'budget-set').length < times)
      await new Promise((resolve) => setImmediate(resolve));
    assert.equal(toHex(budget), toHex(agent.budget?.id ?? new Uint8Array()));
    return [...heard];
  };
  assert.deepEqual(await set({ uses: uses(10) }), ['budget']);
  assert.deepEqual(await set({ uses: uses(20) }), []);
  assert.deepEqual(await set({ uses: uses(20), bytes: uses(1000) }), ['budget']);
  assert.deepEqual(await set({ bytes: uses(2000) }), []);
  assert.deepEqual(await set({ bytes: uses(2000), concurrent: 2 }), ['budget']);
  const budget = agent.budget?.id ?? assert.fail();
  await machine.world.operator.act((operator) => endBudget(operator, { agent: agent.id, budget }));
  machine.relay.push();
  await machine.until(() => agent.budget === undefined, 'ended');
  await recorded(agent, 'budget-ended');
  assert.deepEqual(await set({ concurrent: 2 }), ['budget']);
  assert.notEqual(toHex(agent.budget?.id ?? budget), toHex(budget), 'and begins at nothing');
});

test('a new secret in an item: what used the old one is cut, and the grant goes on [JOURNAL-36]', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  const old = await granted(machine, agent, 'rotated');
  const { heard } = listening(agent);
  const burned = await mintFor(agent, old);
  const { item } = await machine.world.operator.act((operator) =>
    rotateItem(operator, { item: old.item, secret: Buffer.from('sk-another-secret') }),
  );
  machine.relay.push();
  const now = (): Grant | undefined => agent.grants().find(({ grant }) => toHex(grant) === toHex(old.grant));
  await machine.until(() => toHex(now()?.item ?? new Uint8Array()) === toHex(item), 'granted anew');
  assert.deepEqual(heard, [toHex(old.grant)]);
  const anew = now() ?? assert.fail();
  assert.equal(await use(agent, burned, anew), 'refused');
  assert.equal(await use(agent, await mintFor(agent, anew), anew), 'used');
  await recorded(agent, 'grant-ended');
  assert.equal((await kindsOf(agent)).filter((kind) => kind === 'granted').length, 2);
});

test('a revocation ends everything here: handles, sessions, the link; the evidence stays readable', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  const grant = await granted(machine, agent, 'demo');
  const { heard } = listening(agent);
  const handle = await mintFor(agent, grant);
  await machine.world.operator.revoke(agent.id);
  machine.relay.push();
  await machine.until(() => agent.view().state === 'revoked', 'revoked');
  await machine.until(() => heard.length > 0, 'told');
  assert.deepEqual(heard, ['revoked']);
  assert.equal(await use(agent, handle, grant), 'refused');
  assert.deepEqual(agent.grants(), []);
  assert.throws(() => agent.assertLive(), { code: 'agent_revoked' });
  assert.equal(agent.view().relayState, 'ended');
  await recorded(agent, 'revoked');

  await machine.stop();
  const again = await machine.start({ offline: true }); // it does not knock again
  assert.equal(again.view().relayState !== 'connected' && again.live, false);
  assert.ok((await kindsOf(again)).includes('revoked'));
});

test('a suspension ends what runs and mints nothing; the link stays, and what comes back is the leave, not what ran', async (t) => {
  const machine = await Machine.enrolled(t);
  const { operator } = machine.world;
  const agent = await machine.start();
  const grant = await granted(machine, agent, 'demo');
  const { heard } = listening(agent);
  const handle = await mintFor(agent, grant);
  assert.equal(await presenting(agent), 'credential_expired'); // [PRESENT-12]
  await renewed(machine, agent);
  assert.equal(await presenting(agent), 'ok');
  const about = { agent: agent.id, accessVersion: 1 };
  await operator.act((author) => suspendAgent(author, { ...about, reason: 'odd\u00e9' }));
  machine.relay.push();
  await machine.until(() => heard.length > 0, 'told');
  assert.deepEqual(heard, ['suspended']);
  await recorded(agent, 'agent-suspended');
  assert.equal(await use(agent, handle, grant), 'refused');
  assert.deepEqual(agent.grants(), []);
  assert.throws(() => agent.assertLive(), { code: 'agent_suspended' });
  assert.equal(await mintFor(agent, grant).then(() => 'minted', codeOf), 'agent_suspended');
  assert.equal(await presenting(agent), 'agent_suspended');
  assert.deepEqual([agent.view().state, agent.view().relayState], ['suspended', 'connected']);

  await operator.act((author) => resumeAgent(author, about));
  machine.relay.push();
  await machine.until(() => agent.view().state === 'live', 'resumed');
  await recorded(agent, 'agent-resumed');
  assert.equal(await use(agent, handle, grant), 'refused'); // burned for good
  assert.equal(agent.grants().length, 1);
  assert.equal(await use(agent, await mintFor(agent, grant), grant), 'used');
  assert.equal(await presenting(agent), 'ok');
});

test('a suspension that is over by the time it is heard of ends what ran before it [JOURNAL-30]', async () => {
  const world = await World.begin();
  const { operator } = world;
  const { id } = await world.enroll('main');
  const before = operator.replica.state;
  const about = { agent: id, accessVersion: 1 };
  await operator.act((author) => suspendAgent(author, { ...about, reason: '' }));
  await operator.act((author) => resumeAgent(author, about));
  const done: string[] = [];
  const effects = new Effects({
    agent: id,
    custodyLevel: 'software',
    log: { info: () => {}, warn: () => {} },
    note: ({ kind }) => void done.push(kind),
    leave: () => void done.push('left'),
    endChild: () => {},
  });
  effects.subscribe({
    revoked: () => void done.push('told of a revocation'),
    suspended: () => void done.push('told'),
    grantEnded: () => {},
    budgetBegan: () => {},
    rulesChanged: () => {},
  });
  const handles = { burn: async () => void done.push('burned') } as unknown as HandleTable;
  await effects.apply(operator.replica.state, before, handles, new RulesInForce().in(before));
  assert.deepEqual(done, ['told', 'burned', 'agent-suspended', 'agent-resumed']);
});

test('a rotation that is over by the time it is heard of cuts what used the old secret [JOURNAL-36]', async () => {
  const world = await World.begin();
  const { operator } = world;
  const { id } = await world.enroll('main');
  const item = await operator.keep('demo', Buffer.from('sk-old-0123456789'));
  const grant = await operator.grant(item, id);
  const before = operator.replica.state;
  await operator.act((author) => rotateItem(author, { item, secret: Buffer.from('sk-new-0123456789') }));
  const done: string[] = [];
  const effects = new Effects({
    agent: id,
    custodyLevel: 'software',
    log: { info: () => {}, warn: () => {} },
    note: ({ kind }) => void done.push(kind),
    leave: () => {},
    endChild: () => {},
  });
  effects.subscribe({
    revoked: () => {},
    suspended: () => {},
    grantEnded: (ended) => void done.push(`told of ${toHex(ended)}`),
    budgetBegan: () => {},
    rulesChanged: () => {},
  });
  const handles = { burn: async () => void done.push('burned') } as unknown as HandleTable;
  await effects.apply(operator.replica.state, before, handles, new RulesInForce().in(before));
  assert.deepEqual(done, [`told of ${toHex(grant)}`, 'burned', 'grant-ended', 'granted']);
});

test('a proof of who the agent is: for one audience, of now, recorded before it leaves [PRESENT-12]', async (t) => {
  const machine = await Machine.enrolled(t);
  const { world } = machine;
  const agent = await machine.start();
  await renewed(machine, agent);
  const request = { audience: 'https://api.example.com', nonce: undefined, show: ['scope'] };
  const { presentation, nonce, shown } = await agent.present(request);
  assert.deepEqual(shown, ['scope']);
  const presented = (await eventsOf(agent)).find(({ kind }) => kind === 'presented');
  assert.ok(presented?.kind === 'presented' && presented.nonce === nonce && presented.audience === request.audience);
  const verified = await verifyPresentation(primitives, presentation, {
    root: rootOf(toHex(world.fleet), world.operator.holder.publicKeys.sign),
    audience: request.audience,
    challenge: nonce,
    nowMs: () => Date.now(),
    firstUse: () => true,
    assertInForce: async () => {},
  });
  assert.deepEqual([verified.agent, verified.scope, verified.machine], [toHex(agent.id), 'main', undefined]);
  assert.equal(await presenting(agent, { show: ['capability:other'] }), 'usage');
  assert.equal(await presenting(agent, { show: ['harness'] }), 'usage', 'nobody knows of one here');

  await machine.stop();
  const offline = await machine.start({ offline: true });
  assert.equal(await presenting(offline), 'stale_relay');
});

test('a child gets a name below the agent, recorded before it leaves; a suspended agent gives none [DELEGATE-7]', async (t) => {
  const machine = await Machine.enrolled(t);
  const { operator } = machine.world;
  const agent = await machine.start();
  const key = operator.holder.publicKeys.sign;
  const asked: ChildRequest = { session, kind: 'key', name: 'a key', key, capabilities: [], lifeS: 900 };
  const outcome = async (change: Partial<ChildRequest> = {}) =>
    agent.children.enrol({ ...asked, ...change }).then(() => 'ok', codeOf);
  assert.equal(await outcome(), 'credential_expired');
  await renewed(machine, agent);
  const { hex: child, credential } = await agent.children.enrol(asked);
  const made = (await eventsOf(agent)).find(({ kind }) => kind === 'delegated');
  assert.ok(made?.kind === 'delegated' && toHex(made.child) === child && toHex(made.session) === toHex(session));
  assert.match(credential, /^[^~]+~[^~]+~$/);
  assert.equal(await outcome({ capabilities: ['deploy'] }), 'delegation_exceeded');
  const living = await agent.children.enrol({ session, kind: 'sub-agent', name: 'it' });
  const own = primitives.random(16);
  agent.children.speaks(living, own);
  await agent.audit.append({ kind: 'session-start', session: own, mode: 'sealed', program: 'true' });
  const started = (await eventsOf(agent)).findLast(({ kind }) => kind === 'session-start');
  assert.ok(started?.kind === 'session-start' && toHex(started.child ?? session) === living.hex, '[CHILD-7]');
  await operator.act((author) => suspendAgent(author, { agent: agent.id, accessVersion: 1, reason: '' }));
  machine.relay.push();
  await machine.until(() => agent.view().state === 'suspended', 'suspended');
  assert.equal(await outcome(), 'agent_suspended');
  assert.equal(living.ended, 'agent'); // [CHILD-3]
  assert.deepEqual(agent.children.views(), []);
  await agent.audit.append({ kind: 'session-end', session: own }); // all before it is written then
  const ends = (await eventsOf(agent)).filter(({ kind }) => kind === 'child-end');
  assert.equal(ends.length, 2);
});

test('a child that an operator revokes ends with all below it, and nobody else does [CHILD-10]', async (t) => {
  const machine = await Machine.enrolled(t);
  const { operator } = machine.world;
  const agent = await machine.start();
  await renewed(machine, agent);
  const asked: ChildRequest = { session, kind: 'sub-agent', name: 'it', capabilities: [] };
  const child = await agent.children.enrol({ ...asked, depth: 1 });
  const below = await agent.children.enrol({ ...asked, parent: child.id });
  const sibling = await agent.children.enrol(asked);
  const revoke = (terms: { readonly agent: Uint8Array; readonly child: Uint8Array }) =>
    operator.act((author) => revokeChild(author, { ...terms, reason: 'odd' }));
  const other = await machine.world.enroll('other');
  await revoke({ agent: other.id, child: sibling.id });
  await revoke({ agent: agent.id, child: child.id });
  await operator.act((author) => allowEgress(author, { agent: agent.id, host: 'a.example', port: 443, allowPrivate: false }));
  machine.relay.push();
  await recorded(agent, 'egress-allowed'); // and so what came before has taken effect
  assert.deepEqual([child.ended, below.ended, sibling.ended], ['revoked', 'parent', undefined]);
  const own = { audience: 'https://api.example.com', nonce: 'n'.repeat(22) };
  assert.equal(await child.present(own).then(() => 'ok', codeOf), 'child_ended');
  assert.match(await agent.children.enrol({ ...asked, parent: child.id }).then(() => 'ok', codeOf), /^child_(?:ended|unknown)$/);
  assert.equal(await sibling.present(own).then(() => 'ok', codeOf), 'ok');
  await recorded(agent, 'child-end');
  const end = (await eventsOf(agent)).find((event) => event.kind === 'child-end' && toHex(event.child) === child.hex);
  assert.ok(end?.kind === 'child-end' && end.why === 'revoked');
});

test('what custody still signs when the agent is stopped does not leave [PRESENT-12] [CHILD-3]', async (t) => {
  const machine = await Machine.enrolled(t);
  const { operator } = machine.world;
  const agent = await machine.start();
  await renewed(machine, agent);
  const { holder } = agent;
  const [present, delegate] = [holder.present.bind(holder), holder.delegate.bind(holder)];
  const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let waiting = 0;
  const slow = async (): Promise<void> => {
    if ((waiting += 1) === 2) asked.resolve();
    await gate.promise;
  };
  holder.present = async (terms) => slow().then(() => present(terms));
  holder.delegate = async (credential, terms) => slow().then(() => delegate(credential, terms));
  const outcomes = [presenting(agent), agent.children.enrol({ session, kind: 'sub-agent', name: 'it' }).then(() => 'ok', codeOf)];
  await asked.promise;
  await operator.act((author) => suspendAgent(author, { agent: agent.id, accessVersion: 1, reason: '' }));
  machine.relay.push();
  await machine.until(() => agent.view().state === 'suspended', 'suspended');
  gate.resolve();
  assert.deepEqual(await Promise.all(outcomes), ['agent_suspended', 'child_ended']);
});

test('one session that fails to act on a revocation does not keep the others from it', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  agent.subscribe({
    suspended: () => {},
    revoked: () => {
      throw new Error('this session is broken');
    },
    grantEnded: () => {},
    budgetBegan: () => {},
    rulesChanged: () => {},
  });
  const { heard } = listening(agent);
  await machine.world.operator.revoke(agent.id);
  machine.relay.push();
  await machine.until(() => heard.length > 0, 'told');
});

test('a revocation acts although its entry cannot be stored; and it is stored once the disk is back', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  const { heard } = listening(agent);
  const save = StateStore.prototype.saveEntries;
  t.after(() => (StateStore.prototype.saveEntries = save));
  let tried = 0;
  StateStore.prototype.saveEntries = () => {
    tried += 1;
    throw new HoldfastError('store_failed', 'no space');
  };
  await machine.world.operator.revoke(agent.id);
  machine.relay.push();
  await machine.until(() => heard.length > 0 && tried > 0, 'told');
  assert.deepEqual(heard, ['revoked']);
  assert.equal(agent.live, false);
  StateStore.prototype.saveEntries = save;
  await machine.stop();
  const again = await machine.start();
  await machine.until(() => !again.live && again.state !== undefined && again.view().state === 'revoked', 'heard again');
});

test('while entries cannot be stored the link stays down and so nothing is fresh; afterwards nothing is missing', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  const save = StateStore.prototype.saveEntries;
  t.after(() => (StateStore.prototype.saveEntries = save));
  StateStore.prototype.saveEntries = () => {
    throw new HoldfastError('store_failed', 'no space');
  };
  const { operator } = machine.world;
  await operator.keep('one', secret);
  machine.relay.push();
  await machine.until(() => agent.view().relayError === 'store_failed', 'link down');
  StateStore.prototype.saveEntries = save;
  await machine.until(() => agent.view().relayState === 'connected', 'link up');
  await operator.keep('two', secret);
  machine.relay.push();
  const { position } = operator.replica.state.control;
  await machine.until(() => agent.hasRead(position), 'read on');
  await machine.stop();
  const again = await machine.start({ offline: true });
  assert.equal(again.view().control?.position, position);
});

test('revoked while the log cannot be written: everything dies, and only the record is missing', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  const grant = await granted(machine, agent, 'demo');
  const handle = await mintFor(agent, grant);
  const { heard } = listening(agent);
  agent.audit.append = () => Promise.reject(new HoldfastError('audit_unavailable', 'no space'));
  await machine.world.operator.revoke(agent.id);
  machine.relay.push();
  await machine.until(() => heard.length > 0, 'told');
  assert.deepEqual(heard, ['revoked']);
  assert.notEqual(await use(agent, handle, grant), 'used');
});

test('closing twice is no fault; what is asked of a closed agent is refused by a code', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  await agent.close();
  await agent.close();
  assert.throws(() => agent.handles, { code: 'audit_unavailable' });
  await agent.endSession(session, 0);
});

test('a past agent does nothing and is read: no link, no new event, its log as it was', async (t) => {
  const machine = await Machine.enrolled(t);
  await machine.start();
  await machine.stop();
  const past = await machine.start({ offline: true, past: true });
  const { size } = past.audit;
  assert.ok(size > 0);
  assert.equal(past.live, false);
  assert.equal(past.view().relayState, 'connecting');
  await machine.stop();
  const again = await machine.start({ offline: true, past: true });
  assert.equal(again.audit.size, size);
});
