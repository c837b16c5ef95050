// What operators want recorded, on a machine: obeyed from the next event on, told in the log itself, and never more than a policy can silence.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEvent, type AuditEvent, type AuditReport } from '@holdfast/protocol/audit/event';
import { isSilenced, silenceable } from '@holdfast/protocol/audit/policy';
import { controlTopic } from '@holdfast/protocol/blind/entry';
import { setAuditPolicy } from '@holdfast/protocol/journal/compose';
import { encodeBody } from '@holdfast/protocol/journal/bodies';
import { classOf, type EventKind } from '@holdfast/protocol/audit/classes';
import { World } from '@holdfast/testkit/world';
import { patienceMs } from '@holdfast/testkit/patience';
import { LogWorld } from '../audit/log-world.ts';
import { MemoryDisk } from '../audit/memory-disk.ts';
import { Machine } from './machine.ts';

const id = new Uint8Array(16).fill(1);
const digest = new Uint8Array(32);
const request = { method: 'GET', host: 'api.example.com', port: 443, path: '/', digest };
const passed: AuditReport = { kind: 'request', session: id, request };
const refused: AuditReport = { kind: 'refused', session: id, code: 'egress_denied', request };
const used: AuditReport = { kind: 'consumed', session: id, handle: id, grant: id, item: id, request: digest };

// [AUDIT-60]
test('a policy is obeyed from the next event on and stands in the log', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  const { operator } = machine.world;
  const publish = async (silenced: readonly ('request' | 'tool')[], retentionDays?: number): Promise<void> => {
    const { version } = await operator.act((author) => setAuditPolicy(author, { silenced, retentionDays }));
    machine.relay.push();
    await machine.until(
      () => agent.audit !== undefined && machine.agent.state?.auditPolicy?.version === version,
      `policy ${version}`,
    );
  };
  const kinds = async (): Promise<AuditEvent[]> => (await agent.audit.read({ from: 0, limit: 1000 })).map(decodeEvent);
  await agent.audit.append(passed);
  await publish(['request', 'tool'], 90);
  for (let times = 0; times < 3; times += 1) await agent.audit.append(passed);
  await agent.audit.append(refused);
  await agent.audit.append(used);
  await publish([]);
  await agent.audit.append(passed);
  const events = await kinds();
  assert.equal(events.filter(({ kind }) => kind === 'request').length, 2);
  assert.deepEqual(
    [events.filter(({ kind }) => kind === 'refused').length, events.filter(({ kind }) => kind === 'consumed').length],
    [1, 1],
  );
  const policies = events.filter((event) => event.kind === 'audit-policy');
  assert.deepEqual(policies.map(({ version, silenced, retentionDays }) => [version, silenced, retentionDays]), [[1, ['request', 'tool'], 90], [2, [], undefined]]); // prettier-ignore
  await machine.stop();
});

// [JOURNAL-40]
test('an older policy, another of its version, or one that skips one, has no effect', async () => {
  for (const version of [1, 3]) {
    const world = await World.begin();
    const main = await world.enroll('main');
    await world.operator.act((author) => setAuditPolicy(author, { silenced: ['tool'] }));
    await main.sync();
    const before = main.replica.state.auditPolicy;
    assert.deepEqual([before?.version, before?.silenced], [1, ['tool']]);
    const forged = await world.operator.forge({ kind: 'audit-policy', version, silenced: [], retentionDays: 1 });
    const [result] = await main.replica.ingest(controlTopic, [forged.wire]);
    assert.equal(result?.kind === 'rejected' ? result.code : result?.kind, 'policy_version');
    assert.deepEqual(main.replica.state.auditPolicy, before);
  }
});

// [AUDIT-61]
test('what is silenced is counted, and the count is in the log that is signed', async () => {
  const world = await LogWorld.make();
  let version = 4;
  const writer = await world.open(new MemoryDisk(), { policy: () => ({ version, silenced: ['request'] }) });
  for (let times = 0; times < 5; times += 1) await writer.append(passed);
  version = 5;
  await writer.appendDurable(passed);
  await writer.append(refused);
  const silenced = async () =>
    (await writer.read({ from: 0, limit: 100 })).map(decodeEvent).filter((event) => event.kind === 'silenced');
  const untilMs = performance.now() + patienceMs;
  while ((await silenced()).length < 2 && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(
    (await silenced()).map((event) => [event.version, event.counts]),
    [
      [4, [{ kind: 'request', count: 5 }]],
      [5, [{ kind: 'request', count: 1 }]],
    ],
  );
  await world.verify(writer);
  writer.freeze(new Error('altered') as never);
  await assert.rejects(writer.append(passed), { code: 'audit_unavailable' }, 'a log that does not hold silences nothing');
  await writer.close();
});

// [AUDIT-62]
test('uses, identity, rules, alarms and refusals are recorded under every policy, and no policy can name them', () => {
  const everything = { version: 1, silenced: silenceable };
  const recorded = (Object.keys(classOf) as EventKind[]).filter((kind) => !isSilenced(everything, kind));
  for (const kind of [
    'consumed',
    'minted',
    'credentialed',
    'refused',
    'revoked',
    'presented',
    'delegated',
    'daemon-start',
    'gap',
    'tampered',
    'rules-set',
    'audit-policy',
    'silenced',
  ] as const)
    // prettier-ignore
    assert.ok(recorded.includes(kind), kind);
  for (const kind of Object.keys(classOf) as EventKind[])
    if (['credential', 'identity', 'rules', 'alarm'].includes(classOf[kind])) assert.ok(recorded.includes(kind), kind);
  for (const name of ['credential', 'alarm', 'identity', 'rules', 'consumed'])
    assert.throws(() => encodeBody({ kind: 'audit-policy', version: 1, silenced: [name as 'tool'] }), { code: 'codec_shape' });
});
