// What operator devices cosigned, at a relay over real sockets: whose it takes, what of it it keeps, and to whom it shows it.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import {
  cosignatureLine,
  cosignedBytes,
  logLine,
  logName,
  logText,
  signLogHead,
  type Witness,
} from '@holdfast/protocol/blind/log-note';
import { deviceWitness, verifyDeviceNote, vouchFor } from '@holdfast/protocol/blind/witness';
import { askWitness, askWitnessed, putWitnessed } from '@holdfast/protocol/exchange/witness-calls';
import { putAccessList } from '@holdfast/protocol/exchange/relay-calls';
import { joinNote, parseNote, signatureLine } from '@holdfast/protocol/keys/note';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { newActor, type Actor, type FleetWorld } from '../../../packages/testkit/src/fleet-world.ts';
import { openRelayKey } from '../src/relay-key.ts';
import { codeFrom, RelayWorld, type Client } from './relay-world.ts';

const atS = 1_790_000_000;

async function witnessOf(seedByte: number): Promise<{ seed: Uint8Array; witness: Witness }> {
  const seed = new Uint8Array(32).fill(seedByte);
  return { seed, witness: deviceWitness(primitives, await primitives.ed25519PublicKey(seed)) };
}

async function stage(context: TestContext) {
  const relays = await RelayWorld.start(context);
  const [actor, other] = [await newActor(), await newActor()];
  const { world, device } = await relays.fleet([actor, other]);
  const client = await relays.client({ world, as: actor });
  const { publicKey: relayKey } = await openRelayKey(primitives, relays.folder, { hasFleets: true });
  const own = await witnessOf(7);
  return { relays, world, device, actor, other, client, relayKey, own, vouch: await vouchFor(world.device.holder, own.witness) };
}

/** A checkpoint of `size` under the agent's key, and further lines under it. */
async function published(world: FleetWorld, actor: Actor, size: number, lines: (text: string) => Promise<readonly string[]>) {
  const head = { origin: logName(primitives, world.fleet, actor.id), size, root: new Uint8Array(32).fill(size) };
  const text = logText(head);
  const line = logLine(primitives, head.origin, actor.holder.publicKeys.sign, await signLogHead(actor.holder, head));
  return joinNote(text, [line, ...(await lines(text))]);
}

const lineBy = async ({ seed, witness }: { seed: Uint8Array; witness: Witness }, text: string) =>
  cosignatureLine(primitives, witness, atS, await primitives.ed25519Sign(seed, cosignedBytes(text, atS)));

type Stage = Awaited<ReturnType<typeof stage>>;

/** As the device puts it: the agent's checkpoint of `size`, cosigned by `own`. */
const put = async (
  { world, device, actor, own, vouch }: Stage,
  size: number,
  change: { agent?: Uint8Array; note?: string; vouch?: Uint8Array; by?: Client } = {},
) =>
  codeFrom(
    putWitnessed((change.by ?? device).exchange, {
      agent: change.agent ?? actor.id,
      note: change.note ?? (await published(world, actor, size, async (text) => [await lineBy(own, text)])),
      vouch: change.vouch ?? vouch,
    }),
  );

const shown = async (client: Client, agent: Actor) => (await askWitnessed(client.exchange, agent.id)).devices;

test('[WITNESS-22] the newest that a device cosigned of a log is kept, and shown to its agent and to operators, also after a restart', async (context) => {
  const parts = await stage(context);
  const { relays, world, actor, other, own } = parts;
  assert.equal(await put(parts, 3), 'ok');
  assert.equal(await put(parts, 9), 'ok');
  await relays.restart();
  for (const as of [world.device, actor]) {
    const [only, ...more] = await shown(await relays.client({ world, as }), actor);
    assert.equal(more.length, 0);
    assert.deepEqual(only?.device, world.device.id);
    const log = {
      origin: logName(primitives, world.fleet, actor.id),
      keys: [actor.holder.publicKeys.sign],
      deviceKey: world.device.holder.publicKeys.sign,
    };
    const { size, atMs, witness } = await verifyDeviceNote(primitives, only ?? assert.fail(), log);
    assert.deepEqual([size, atMs, witness.name], [9, 1000 * atS, own.witness.name]);
  }
  const stranger = await relays.client({ world, as: other });
  assert.equal(await codeFrom(shown(stranger, actor)), 'relay_refused');
});

test('[WITNESS-22] it is taken from a device alone, of an agent of its fleet, under the keys of both', async (context) => {
  const parts = await stage(context);
  const { world, client, actor, other, own } = parts;
  const cosigned = (text: string) => lineBy(own, text).then((line) => [line]);
  const another = await witnessOf(8);
  const cases: Record<string, [string, Parameters<typeof put>[2]]> = {
    'from an agent': ['relay_refused', { by: client }],
    'of nobody': ['relay_refused', { agent: new Uint8Array(16).fill(9) }],
    'of a device': ['relay_refused', { agent: world.device.id }],
    "another agent's checkpoint": ['audit_forged', { note: await published(world, other, 3, cosigned) }],
    "the word of somebody else's key": ['signature_invalid', { vouch: await vouchFor(actor.holder, own.witness) }],
    'the word for another key': ['witness_missing', { vouch: await vouchFor(world.device.holder, another.witness) }],
    'no cosignature': ['witness_missing', { note: await published(world, actor, 3, async () => []) }],
    'a cosignature of another text': ['signature_invalid', { note: await published(world, actor, 3, async (text) => cosigned(`${text} `)) }], // prettier-ignore
  };
  for (const [name, [expected, change]] of Object.entries(cases)) assert.equal(await put(parts, 3, change), expected, name);
  assert.deepEqual(await shown(client, actor), []);
});

test("[WITNESS-22] of its lines the relay keeps the agent's, its own and the device's, once each, where they verify", async (context) => {
  const parts = await stage(context);
  const { world, client, actor, own, relayKey } = parts;
  const bare = await published(world, actor, 3, async () => []);
  const asked = await askWitness(client.exchange, relayKey, { note: bare, old: 0, proof: [] });
  assert.ok(asked.kind === 'cosigned');
  const junk = signatureLine('example.com/other', new Uint8Array(4).fill(1), new Uint8Array(70).fill(1));
  const lines = async (text: string) => [junk, asked.line, asked.line, await lineBy(own, text), await lineBy(own, text)];
  assert.equal(await put(parts, 3, { note: await published(world, actor, 3, lines) }), 'ok');
  const [only] = await shown(client, actor);
  const origin = logName(primitives, world.fleet, actor.id);
  const names = parseNote(only?.note ?? '').signatures.map(({ name }) => name);
  assert.deepEqual(names, [origin, asked.witness.name, own.witness.name]);
  const forged = signatureLine(asked.witness.name, parseNote(only?.note ?? '').signatures[1]?.keyId ?? new Uint8Array(), new Uint8Array(72)); // prettier-ignore
  const note = await published(world, actor, 3, async (text) => [forged, await lineBy(own, text)]);
  assert.equal(await put(parts, 3, { note }), 'signature_invalid');
});

test('[WITNESS-22] what a device cosigned that was removed is shown to nobody, and dropped when the next one comes', async (context) => {
  const parts = await stage(context);
  const { relays, world, device, client, actor, other } = parts;
  const phone = await newActor();
  await putAccessList(device.exchange, await world.nextAccess([actor, other], [phone]));
  const phones = await witnessOf(8);
  const note = await published(world, actor, 3, async (text) => [await lineBy(phones, text)]);
  const vouch = await vouchFor(phone.holder, phones.witness);
  assert.equal(await put(parts, 3, { by: await relays.client({ world, as: phone }), note, vouch }), 'ok');
  assert.equal(await put(parts, 3), 'ok');
  assert.equal((await shown(client, actor)).length, 2);
  await putAccessList(device.exchange, await world.nextAccess([actor, other]));
  assert.deepEqual((await shown(client, actor)).map((each) => each.device), [world.device.id]); // prettier-ignore
  assert.equal(await put(parts, 4), 'ok');
  await putAccessList(device.exchange, await world.nextAccess([actor, other], [phone]));
  assert.equal((await shown(client, actor)).length, 1);
});
