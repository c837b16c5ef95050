// What a device holds a log against before it cosigns, and what it remembers of it. spec/witness.md. The logs are real ones.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { readCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import { verifyFork } from '@holdfast/protocol/audit/fork';
import { verifyAudit } from '@holdfast/protocol/audit/verify';
import { logName, witnessedAt, witnessKeyText } from '@holdfast/protocol/blind/log-note';
import { vouchedWitness } from '@holdfast/protocol/blind/witness';
import { codeOf } from '@holdfast/protocol/errors';
import { parseNote } from '@holdfast/protocol/keys/note';
import { leafHash } from '@holdfast/protocol/primitives/merkle';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { Author } from '@holdfast/testkit/long-log';
import { assertGoesOn, checkpointsOf, ForkFound } from '../src/audit/witnessing.ts';
import { DeviceWitness } from '../src/operator/device-witness.ts';
import { cli } from './cli.ts';

const author = await Author.of(primitives.random(32));
const { fleet, agent, agentKey } = author.log;
const keys = { origin: logName(primitives, fleet, agent), keys: [agentKey] };
const [truth, other] = [author.records(40), author.records(60)];
const noteOf = (events: readonly Uint8Array[], size: number) => author.publish(events.slice(0, size));
const codeFrom = (work: Promise<unknown>): Promise<string> => work.then(() => 'ok', codeOf);

const byDevice = (note: string) => ({ device: new Uint8Array(16), note, vouch: new Uint8Array() });
interface Case {
  readonly shown?: string;
  readonly last?: string;
  readonly given?: readonly string[];
  readonly devices?: readonly string[];
}
const found = ({ shown, last, given = [], devices = [] }: Case) =>
  checkpointsOf(keys, { asked: { note: shown, devices: devices.map(byDevice) }, last, given });

/** The log that the relay shows, held against what there is of it; `anchor`: the topic's newest; of the first ones that were pruned it has the hashes. */
async function judged(all: readonly Uint8Array[], known: Case, anchor?: Uint8Array, pruned = 0): Promise<unknown> {
  const checkpoints = await author.sign(all, 10);
  const leaves = all.slice(0, pruned).map((event) => leafHash(primitives, event));
  const shipped = { whose: author.log, leaves, events: all.slice(pruned), checkpoints, ...(anchor !== undefined && { anchor }) };
  return assertGoesOn(shipped, await found(known), async (read, anchors) => {
    const topic = read.anchor === undefined ? [] : [readCheckpoint(primitives, read.anchor).statement];
    return verifyAudit(primitives, author.log, { ...read, anchors: [...topic, ...anchors] });
  });
}

test('[WITNESS-20] less than this device, another one or a kept checkpoint saw is refused, also where nothing is shown', async () => {
  const [short, long] = [await noteOf(truth, 10), await noteOf(truth, 20)];
  assert.equal(await codeFrom(found({})), 'audit_unavailable');
  assert.equal(await codeFrom(found({ last: short })), 'audit_truncated');
  assert.equal(await codeFrom(found({ devices: [short] })), 'audit_truncated');
  assert.equal(await codeFrom(found({ shown: short, last: long })), 'audit_truncated');
  assert.equal(await codeFrom(found({ shown: short, last: short, given: [long] })), 'audit_truncated');
  assert.equal(await codeFrom(found({ shown: short, devices: [long] })), 'audit_truncated');
  assert.equal(await codeFrom(found({ shown: long, last: short, given: [long], devices: [long] })), 'ok');
});

test("[WITNESS-19, WITNESS-20] a checkpoint by another key is refused, and counts for nothing in another device's place", async () => {
  const stranger = await Author.of(fleet, agent);
  const forged = await stranger.publish(truth);
  assert.equal(await codeFrom(found({ shown: forged })), 'audit_forged');
  assert.equal(await codeFrom(found({ shown: await noteOf(truth, 10), given: [forged] })), 'audit_forged');
  assert.equal((await found({ shown: await noteOf(truth, 10), devices: [forged, 'none'] })).seen.length, 0);
});

test('[WITNESS-19] the log has the root of the checkpoint that is shown, and all of its records', async () => {
  const shown = await noteOf(truth, 30);
  assert.equal(await codeFrom(judged(truth, { shown })), 'ok');
  assert.equal(await codeFrom(judged(truth.slice(0, 30), { shown })), 'ok');
  assert.equal(await codeFrom(judged(truth.slice(0, 29), { shown })), 'audit_unavailable');
  assert.equal(await codeFrom(judged(other, { shown })), 'audit_altered');
  assert.equal(await codeFrom(judged(truth.slice(0, 19), { shown, last: await noteOf(truth, 20) })), 'audit_truncated');
});

test('[WITNESS-19] a topic that is ahead of what was shipped is waited for; the log is held against it as soon as it is there', async () => {
  const [shown, topic = new Uint8Array()] = [await noteOf(truth, 20), (await author.sign(truth, 30)).at(-1)];
  assert.equal(await codeFrom(judged(truth, { shown }, topic)), 'ok');
  assert.equal(await codeFrom(judged(truth.slice(0, 25), { shown }, topic)), 'audit_unavailable');
  assert.equal(await codeFrom(judged([...truth.slice(0, 20), ...other.slice(20)], { shown }, topic)), 'audit_altered');
});

test('[WITNESS-19, AUDIT-68] a log is whole whose first records were pruned before it was shipped, as far as it says so', async () => {
  const { events } = await author.writePruning(30, 10);
  const known = { shown: await noteOf(events, 30), last: await noteOf(events, 5) };
  assert.equal(await codeFrom(judged(events, known, undefined, 10)), 'ok');
  assert.equal(await codeFrom(judged(events, known, undefined, 11)), 'audit_gap');
});

test('[WITNESS-20, WITNESS-24] another history than was seen is found whoever saw it, with a proof for whoever has the key', async () => {
  const shown = await noteOf(other, 55);
  const before = await noteOf(truth, 20);
  for (const known of [
    { last: before },
    { given: [before] },
    { devices: [before] },
    { last: await noteOf(other, 15), given: [before] },
  ]) {
    const thrown = await judged(other, { shown, ...known }).catch((each: unknown) => each);
    assert.ok(thrown instanceof ForkFound && thrown.code === 'audit_altered');
    const { sizes } = await verifyFork(primitives, thrown.proof, { keys: [agentKey], witnesses: [] });
    assert.deepEqual(sizes, [20, 55]);
  }
  const same = await judged(other, { shown, last: await noteOf([...truth, ...truth], 55) }).catch((each: unknown) => each);
  assert.ok(same instanceof ForkFound);
  // Of what is not shown whole there is a verdict, and no proof yet.
  const part = await judged(other.slice(0, 50), { shown, last: before }).catch((each: unknown) => each);
  assert.ok(!(part instanceof ForkFound));
  assert.equal(codeOf(part), 'audit_altered');
});

const device = await SoftwareKeyHolder.generate(primitives);
const id = new Uint8Array(16).fill(5);

function folderOf(t: TestContext): { operator: string; seen: string } {
  const operator = mkdtempSync(path.join(tmpdir(), 'holdfast-witness-'));
  t.after(() => rmSync(operator, { recursive: true, force: true }));
  return { operator, seen: path.join(operator, 'witness', 'seen') };
}

async function withWitness<T>(
  operator: string,
  work: (witness: DeviceWitness) => Promise<T>,
  by = id,
  holder = device,
): Promise<T> {
  const witness = await DeviceWitness.open(operator, by, holder);
  try {
    return await work(witness);
  } finally {
    witness.close();
  }
}
const keyIn = (operator: string, by = id, holder = device) =>
  withWitness(operator, async ({ witness, isNew }) => [witnessKeyText(primitives, witness), isNew] as const, by, holder);

test('[WITNESS-17, WITNESS-18] a device has one witness key as long as it has what it saw, and another one without', async (t) => {
  const { operator, seen } = folderOf(t);
  const { text } = parseNote(await noteOf(truth, 20));
  const note = await withWitness(operator, async (by) => {
    const cosigned = await by.cosign(agent, text, { lines: [], atS: 1_790_000_000 });
    const vouched = await vouchedWitness(primitives, by.vouch, device.publicKeys.sign);
    assert.equal(await witnessedAt(primitives, parseNote(cosigned), vouched), 1_790_000_000);
    return cosigned;
  });
  const [key, isNew] = await keyIn(operator);
  assert.equal(isNew, false);
  assert.equal(await withWitness(operator, async (by) => by.last(agent)), note);
  const [foreign, isForeignNew] = await keyIn(operator, new Uint8Array(16).fill(6), await SoftwareKeyHolder.generate(primitives));
  assert.ok(isForeignNew && foreign !== key);
  rmSync(seen);
  const [anew, isAnew] = await keyIn(operator);
  assert.ok(isAnew && anew !== key);
  writeFileSync(seen, 'no');
  assert.equal(await codeFrom(keyIn(operator)), 'key_invalid');
});

test('[WITNESS-21] what is cosigned is on the disk first, in place of the last, and by one command at a time', async (t) => {
  const { operator, seen } = folderOf(t);
  const [{ text: first }, { text: second }] = [parseNote(await noteOf(truth, 20)), parseNote(await noteOf(truth, 30))];
  await withWitness(operator, async (by) => {
    assert.equal(await codeFrom(keyIn(operator)), 'already_running');
    await by.cosign(agent, first, { lines: [], atS: 1 });
    const note = await by.cosign(agent, second, { lines: [], atS: 2 });
    assert.ok(readFileSync(seen).includes(note));
    assert.ok(!readFileSync(seen).includes(first));
    rmSync(seen);
    mkdirSync(path.join(seen, 'in the way'), { recursive: true });
    assert.equal(await codeFrom(by.cosign(agent, first, { lines: [], atS: 3 })), 'store_failed');
    assert.equal(by.last(agent), note);
  });
});

test('[CLI-94] what is of one log wants its agent, and a checkpoint to be one, before a passphrase is asked for', async (t) => {
  const { operator } = folderOf(t);
  const file = path.join(operator, 'checkpoint');
  writeFileSync(file, 'hello');
  const asked = async (...words: string[]) => {
    const { code, stdout } = await cli(['audit', 'witness', ...words, '--json'], { home: operator });
    return [code, (JSON.parse(stdout) as { error?: { code: string } }).error?.code];
  };
  for (const option of ['--checkpoint', '--out', '--fork-out']) assert.deepEqual(await asked(option, file), [2, 'usage']);
  assert.deepEqual(await asked('--agent', 'main', '--checkpoint', file), [2, 'bundle_shape']);
  assert.deepEqual(await asked('--agent', 'main'), [3, 'operator_absent']);
});
