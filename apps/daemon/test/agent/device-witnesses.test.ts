// The log and what operators' devices cosigned of it: the newest counts, of devices in force alone, and another history under our own key is evidence,
// whoever shows it. spec/witness.md

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forkFile, verifyFork } from '@holdfast/protocol/audit/fork';
import { cosignatureLine, cosignedBytes, logLine, logText, readLogText, signLogHead } from '@holdfast/protocol/blind/log-note';
import { deviceWitness, vouchFor } from '@holdfast/protocol/blind/witness';
import { joinNote, parseNote } from '@holdfast/protocol/keys/note';
import { leafHash } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { Machine } from './machine.ts';

const seed = new Uint8Array(32).fill(3);
const witness = deviceWitness(primitives, await primitives.ed25519PublicKey(seed));
const cosigned = (machine: Machine) => machine.until(() => machine.agent.view().witness?.size !== undefined, 'a cosignature');

/** The relay's newest checkpoint, or one with another root or size, cosigned by a device. */
async function byDevice(
  machine: Machine,
  { change = {}, by = machine.world.operator, atS = Math.floor(Date.now() / 1000) - 60, agent = machine.actor.holder }: { change?: { size?: number; root?: Uint8Array }; by?: { id: Uint8Array; holder: SoftwareKeyHolder }; atS?: number; agent?: SoftwareKeyHolder } = {}, // prettier-ignore
) {
  const [note = ''] = machine.relay.witness.notes.values();
  const head = { ...readLogText(parseNote(note).text), ...change };
  const text = logText(head);
  const line = logLine(primitives, head.origin, agent.publicKeys.sign, await signLogHead(agent, head));
  const cosignature = cosignatureLine(primitives, witness, atS, await primitives.ed25519Sign(seed, cosignedBytes(text, atS)));
  return { device: by.id, note: joinNote(text, [line, cosignature]), vouch: await vouchFor(by.holder, witness) };
}

test('[WITNESS-23] the newest that a device in force cosigned is shown with its age, and no other', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  await cosigned(machine);
  const { devices } = machine.relay.witness;
  const stranger = { id: primitives.random(16), holder: await SoftwareKeyHolder.generate(primitives) };
  const { id } = machine.world.operator;
  for (const uncounted of [
    await byDevice(machine, { by: stranger }), // [WITNESS-18] removed, or never there
    await byDevice(machine, { by: { ...stranger, id } }),
    { ...(await byDevice(machine)), note: 'hello' },
  ]) {
    devices.splice(0, 1, uncounted);
    await agent.publishedNote();
    assert.equal(agent.view().witness?.device, undefined);
  }
  const good = await byDevice(machine);
  devices.splice(0, 1, good);
  await agent.audit.appendDurable({ kind: 'fault', code: 'internal' });
  await agent.publishedNote();
  const { size, device } = agent.view().witness ?? {};
  assert.equal(device?.size, readLogText(parseNote(good.note).text).size);
  assert.ok((size ?? 0) > (device?.size ?? 0));
  assert.ok((device?.ageMs ?? 0) >= 60_000);
  devices.push(await byDevice(machine));
  await agent.publishedNote();
  assert.equal(agent.view().witness?.device?.size, size);
  assert.equal(agent.auditFault, undefined);
});

test('[WITNESS-23] another history of ours that a device cosigned is evidence, with its proof, and a longer one too', async (t) => {
  for (const [code, change] of [
    ['audit_altered', { root: new Uint8Array(32).fill(1) }],
    ['audit_truncated', { size: 10_000 }],
  ] as const) {
    const machine = await Machine.enrolled(t);
    const agent = await machine.start();
    await cosigned(machine);
    machine.relay.witness.devices.push(await byDevice(machine, { change }));
    await agent.publishedNote();
    assert.equal(agent.auditFault?.code, code);
    if (code === 'audit_truncated') continue;
    const { holder } = machine.actor;
    const log = { fleet: agent.enrolment.fleet, agent: machine.actor.id, agentKey: holder.publicKeys.sign };
    const leaves = (await agent.audit.read({ from: 0, limit: 1000 })).map((event) => leafHash(primitives, event));
    const proof = forkFile(primitives, log, { ...(agent.forked ?? assert.fail()), leaves }) ?? assert.fail();
    await verifyFork(primitives, proof, { keys: [log.agentKey], witnesses: [] });
  }
});

test('[WITNESS-23] what a relay shows as of a device without our signature condemns nothing', async (t) => {
  const machine = await Machine.enrolled(t);
  const agent = await machine.start();
  await cosigned(machine);
  const forger = await SoftwareKeyHolder.generate(primitives);
  machine.relay.witness.devices.push(await byDevice(machine, { change: { size: 10_000 }, agent: forger }));
  await agent.publishedNote();
  assert.equal(agent.auditFault, undefined);
});
