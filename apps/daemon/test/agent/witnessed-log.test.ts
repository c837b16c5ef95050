// The log and its witness: cosigned while it grows, and found by what the relay had cosigned when it was put back or begun anew.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import {
  logLine,
  logName,
  logText,
  parseWitnessKey,
  readLogText,
  signLogHead,
  verifyLogNote,
  witnessedAt,
} from '@holdfast/protocol/blind/log-note';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import { forkFile, verifyFork } from '@holdfast/protocol/audit/fork';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { joinNote, parseNote } from '@holdfast/protocol/keys/note';
import { leafHash } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import type { Agent } from '../../src/agent/agent.ts';
import { Machine } from './machine.ts';

const originOf = ({ enrolment }: Agent): string => logName(primitives, enrolment.fleet, enrolment.agent);
const seen = (machine: Machine) => machine.until(() => machine.agent.view().witness?.size !== undefined, 'a cosignature');

test('[WITNESS-10] the log is cosigned when it has connected and as it grows, under the key in custody', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  await seen(machine);
  agent.note({ kind: 'fault', code: 'internal' });
  await agent.audit.appendDurable({ kind: 'fault', code: 'internal' });
  const published = await agent.publishedNote();
  assert.ok(published !== undefined);
  const { size, note } = await verifyLogNote(primitives, published.note, { origin: originOf(agent), keys: agent.keys() });
  assert.equal(size, agent.audit.size);
  const [key = ''] = published.witnesses;
  assert.equal(await witnessedAt(primitives, note, parseWitnessKey(primitives, key)), machine.relay.witness.atS);
  assert.equal(agent.view().witness?.stale, false);

  // Another run goes on from there, and a relay that lost its store begins anew.
  await machine.stop();
  for (const lost of [false, true]) {
    if (lost) machine.relay.witness.notes.clear();
    const again = await machine.start();
    await seen(machine);
    assert.ok((again.view().witness?.size ?? 0) > size);
    await machine.stop();
  }
});

test('[WITNESS-12] a machine that was put back to an older image is found by what the relay had cosigned, also where its topic ends early', async (t) => {
  const machine = await Machine.enrolled(t);
  const topic = toHex(machine.actor.id);
  await machine.start();
  await seen(machine);
  await machine.stop();
  machine.copyDisk('old');
  const shown = machine.relay.store.topics.get(topic) ?? [];
  const agent = await machine.start();
  for (let round = 0; round < 20; round += 1) await agent.audit.appendDurable({ kind: 'fault', code: 'internal' });
  await agent.publishedNote();
  await machine.stop();
  machine.putBack('old');
  machine.relay.store.topics.set(topic, shown);
  await machine.start();
  await machine.agent.publishedNote();
  assert.match(machine.agent.auditFault?.code ?? '', /^audit_(?:altered|truncated)$/);
});

test('[WITNESS-16] another history that the relay had cosigned under our key is kept with our own, as a proof for anybody', async (t) => {
  const machine = await Machine.enrolled(t);
  await machine.start();
  await seen(machine);
  await machine.stop();
  const [[origin = '', note = ''] = []] = machine.relay.witness.notes;
  const { holder } = machine.actor;
  const head = { ...readLogText(parseNote(note).text), root: new Uint8Array(32).fill(1) };
  const line = logLine(primitives, head.origin, holder.publicKeys.sign, await signLogHead(holder, head));
  machine.relay.witness.notes.set(origin, joinNote(logText(head), [line]));
  const agent = await machine.start();
  await machine.until(() => agent.auditFault !== undefined, 'the relay to show it');
  assert.equal(agent.auditFault?.code, 'audit_altered');
  const log = { fleet: agent.enrolment.fleet, agent: machine.actor.id, agentKey: holder.publicKeys.sign };
  const leaves = (await agent.audit.read({ from: 0, limit: 1000 })).map((event) => leafHash(primitives, event));
  const proof = forkFile(primitives, log, { ...(agent.forked ?? assert.fail()), leaves }) ?? assert.fail();
  const { sizes } = await verifyFork(primitives, proof, { keys: [log.agentKey], witnesses: [] });
  assert.equal(sizes[0], head.size);
});

test('[WITNESS-12] what a relay shows as ours without our signature counts for nothing', async (t) => {
  const machine = await Machine.enrolled(t);
  await machine.start();
  await seen(machine);
  await machine.stop();
  const [[origin = '', note = ''] = []] = machine.relay.witness.notes;
  machine.relay.witness.notes.set(origin, note.replace(/\n\d+\n/, '\n1000\n'));
  const agent = await machine.start();
  await machine.until(() => machine.agent.view().relayState === 'connected', 'a connection');
  await agent.publishedNote();
  assert.equal(agent.auditFault, undefined);
  assert.equal(agent.view().witness?.size, undefined);
});

test('[TILES-6, TILES-7] tiles that somebody changed condemn no log: they are made anew, the record says so, and it is cosigned', async (t) => {
  const machine = await Machine.enrolled(t);
  const first = await machine.start();
  await seen(machine);
  for (let round = 0; round < 3; round += 1) {
    await first.audit.appendDurable({ kind: 'fault', code: 'internal' });
    await first.publishedNote();
  }
  await machine.stop();
  const file = path.join(machine.auditFolder, toHex(machine.actor.id), 'tiles', '0');
  writeFileSync(file, readFileSync(file).map((byte) => byte ^ 1)); // prettier-ignore
  const agent = await machine.start();
  await seen(machine);
  await agent.audit.appendDurable({ kind: 'fault', code: 'internal' }); // behind all that was noted before
  assert.equal(agent.auditFault, undefined);
  const codes = (await agent.audit.read({ from: 0, limit: 1000 })).map(decodeEvent).flatMap((event) => event.kind === 'fault' ? [event.code] : []); // prettier-ignore
  assert.equal(codes.filter((code) => code === 'audit_tiles').length, 1);
});

test('[WITNESS-10] a log whose agent never comes to a relay is signed for nobody, however long it lies there', async (t) => {
  const machine = await Machine.enrolled(t);
  await machine.start();
  await seen(machine);
  await machine.stop();
  machine.published.length = 0;
  t.mock.timers.enable({ apis: ['setInterval'] });
  const agent = await machine.start({ past: true, offline: true });
  t.mock.timers.tick(10 * 60_000);
  await agent.audit.checkpoint();
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(machine.published, []);
});
