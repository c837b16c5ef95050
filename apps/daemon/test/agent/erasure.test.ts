// What operators declare and erase, on a machine: obeyed once it was verified, also by a daemon that was down meanwhile; and kept in snapshots.

import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import { eraseSubject, setAuditPolicy } from '@holdfast/protocol/journal/compose';
import { readSnapshot, writeSnapshot } from '@holdfast/protocol/journal/snapshot';
import { Machine } from './machine.ts';

const jane = 'jane.doe@example.com';
const personal = [{ subject: 'jane', values: [jane], like: ['*@example.org'] }];
const id = new Uint8Array(16).fill(1);

// [COMMIT-11] [COMMIT-5]
test('a subject is erased on every machine that hears of it, once, also when it was down; the log names what was declared by its subject alone', async (t) => {
  const machine = await Machine.enrolled(t);
  let agent = await machine.start();
  const { operator } = machine.world;
  const { version } = await operator.act((author) => setAuditPolicy(author, { silenced: [], personal }));
  machine.relay.push();
  await machine.until(() => machine.agent.state?.auditPolicy?.version === version, 'the policy');
  const record = async (): Promise<Uint8Array> => {
    await agent.audit.appendDurable({ kind: 'session-start', session: id, mode: 'sealed', program: `mail ${jane}` });
    return (await agent.audit.read({ from: 0, limit: 1000 })).findLast(
      (wire) => decodeEvent(wire).kind === 'session-start',
    ) as Uint8Array;
  };
  const erased = async (): Promise<AuditEvent[]> =>
    (await agent.audit.read({ from: 0, limit: 1000 })).map(decodeEvent).filter(({ kind }) => kind === 'erased');
  const keys = (): number => readdirSync(path.join(machine.saltsFolder, toHex(agent.id))).length;
  const isErased = (wire: Uint8Array): boolean => {
    try {
      agent.redactor.reveal(wire, utf8(jane));
      return false;
    } catch (thrown) {
      return codeOf(thrown) === 'commitment_erased';
    }
  };
  const wire = await record();
  assert.equal(agent.redactor.reveal(wire, utf8(jane)).subject, 'jane');
  assert.equal(keys(), 1);
  await operator.act((author) => eraseSubject(author, 'nobody'));
  await operator.act((author) => eraseSubject(author, 'jane'));
  machine.relay.push();
  await machine.until(() => isErased(wire), 'the salts are gone');
  assert.equal(keys(), 0);
  const open = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // the listing's own
    }
  });
  assert.deepEqual(open.filter((name) => name.includes('.salt')), [], 'nor is it held open'); // prettier-ignore
  assert.deepEqual((await erased()).map((event) => event.kind === 'erased' && event.subject), ['jane']); // prettier-ignore
  const later = await record();
  await machine.stop();
  await operator.act((author) => eraseSubject(author, 'jane'));
  agent = await machine.start();
  machine.relay.push();
  await machine.until(() => isErased(later), 'the salts of the daemon that was down are gone');
  assert.equal(keys(), 0);
  assert.equal((await erased()).length, 2);
  const events = (await agent.audit.read({ from: 0, limit: 1000 })).map(decodeEvent);
  const policy = events.find((event) => event.kind === 'audit-policy');
  assert.deepEqual(policy?.kind === 'audit-policy' && policy.personal, ['jane']);
  const state = machine.agent.state ?? assert.fail();
  const read = readSnapshot(writeSnapshot(state, { hashes: [], ids: [] })).state;
  assert.deepEqual([read.auditPolicy, read.erasures], [state.auditPolicy, state.erasures]);
  assert.deepEqual([state.erasures.get('jane'), state.erasures.get('nobody')], [2, 1]);
  await machine.stop();
});

test('an audit log that could not be opened can be opened once its disk is mended', async (t) => {
  const machine = await Machine.enrolled(t);
  const folder = path.join(machine.auditFolder, toHex((await machine.start()).id));
  await machine.stop();
  renameSync(folder, `${folder}.away`);
  writeFileSync(folder, '');
  await assert.rejects(machine.start(), { code: 'EEXIST' });
  rmSync(folder);
  renameSync(`${folder}.away`, folder);
  await machine.start();
});
