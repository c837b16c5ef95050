// Shipped logs as the console reads and follows them, and what it makes of a relay that cuts one. spec/audit-shipping.md.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SegmentSealer } from '@holdfast/protocol/audit/segment';
import { signFreshness } from '@holdfast/protocol/blind/freshness';
import type { ShippedPiece } from '@holdfast/protocol/blind/shipment';
import { controlTopic, noHash } from '@holdfast/protocol/blind/entry';
import { cosignatureLine, cosignedBytes } from '@holdfast/protocol/blind/log-note';
import { deviceWitness, vouchFor, type DeviceNote } from '@holdfast/protocol/blind/witness';
import { concat, toHex, utf8 } from '@holdfast/protocol/codec/bytes';
import type { FleetState } from '@holdfast/protocol/journal/state';
import type { OperatorSession } from '@holdfast/protocol/operator/session';
import { parseNote } from '@holdfast/protocol/keys/note';
import { nodePrimitives as primitives } from '@holdfast/protocol/primitives/node';
import { SoftwareKeyHolder } from '@holdfast/protocol/seal/software-key-holder';
import { Author } from '@holdfast/testkit/long-log';
import { LogFollower, type AgentLog } from '../../src/fleet/log-follower.ts';
import { LogWork } from '../../src/fleet/log-work.ts';

const fleet = primitives.random(32);
const key = primitives.random(32);
const author = await Author.of(fleet);
const { agent } = author.log;
const id = toHex(agent);
const relayKeys = await SoftwareKeyHolder.generate(primitives);
const events = author.records(600);
const checkpoints = await author.sign(events, 200);

/** The file of a log up to so many records, as a daemon seals it: a checkpoint behind each 200. */
async function pieceOf(count: number): Promise<Uint8Array> {
  const sealer = new SegmentSealer({ primitives, key, fleet, agent }, { ordinal: 0, first: 0 });
  const parts = [sealer.header, await sealer.seal({ kind: 'start', v: 1, size: 0, peaks: [] })];
  for (let first = 0; first < count; first += 200) {
    parts.push(await sealer.seal({ kind: 'records', first, records: events.slice(first, Math.min(count, first + 200)) }));
    const wire = checkpoints[first / 200];
    if (first + 200 <= count && wire !== undefined) parts.push(await sealer.seal({ kind: 'checkpoint', wire }));
  }
  return concat(...parts);
}

const device = await SoftwareKeyHolder.generate(primitives);
const deviceId = primitives.random(16);

/** What that device has cosigned: the log of these records, as the agent published it. */
async function cosignedNote(records: readonly Uint8Array[]): Promise<DeviceNote> {
  const seed = primitives.sha256(utf8('witness'));
  const witness = deviceWitness(primitives, await primitives.ed25519PublicKey(seed));
  const published = await author.publish(records);
  const signature = await primitives.ed25519Sign(seed, cosignedBytes(parseNote(published).text, 1_790_000));
  const note = `${published}${cosignatureLine(primitives, witness, 1_790_000, signature)}\n`;
  return { device: deviceId, note, vouch: await vouchFor(device, witness) };
}

/** A relay with one log, of which a test says how much there is, and a topic of which it says the newest checkpoint. */
class OneLog {
  readonly file: Uint8Array;
  shown = 0;
  checkpoint: Uint8Array | undefined;
  nowMs = 1_790_000_000_000;
  notes: readonly DeviceNote[] = [];
  /** What this device says to the opening of a key, where a test wants a fault. */
  fault: Error | undefined;
  readonly devices = new Map([[toHex(deviceId), { name: 'desk', keys: { sign: device.publicKeys.sign } }]]);
  readonly seen = new Map<string, Uint8Array>();
  logs: readonly AgentLog[] = [];
  readonly #waiting: { readonly ms: number; readonly go: () => void }[] = [];
  readonly follower: LogFollower;

  constructor(file: Uint8Array) {
    this.file = file;
    const work: { now?: LogWork } = {};
    this.follower = new LogFollower({
      primitives,
      session: () => this.session,
      state: () => this.state,
      seen: {
        get: async (name) => this.seen.get(name),
        keep: async (name, wire) => void this.seen.set(name, wire),
      },
      startWorker: (answered) => {
        work.now = new LogWork(primitives, () => 0, answered);
        return { ask: (request) => void work.now?.take(structuredClone(request)), end: () => undefined };
      },
      nowMs: () => this.nowMs,
      wait: (ms, ended) =>
        new Promise((resolve) => {
          ended.addEventListener('abort', () => resolve());
          if (ms < 1000) setImmediate(resolve);
          else this.#waiting.push({ ms, go: resolve });
        }),
      changed: (logs) => (this.logs = logs),
    });
  }

  get state(): FleetState {
    const keys = { sign: author.log.agentKey, seal: noHash };
    const records = this.checkpoint === undefined ? [] : [{ checkpoint: this.checkpoint, hash: noHash, atMs: 0 }];
    return {
      agents: new Map([[id, { id: agent, scope: 'main', keys, earlierKeys: [], revoked: undefined }]]),
      topics: new Map([[id, records]]),
      devices: this.devices,
    } as unknown as FleetState;
  }

  get session(): OperatorSession {
    const request = async ({ kind, offset, nonce }: { kind: string; offset: number; nonce: Uint8Array }): Promise<unknown> => {
      if (kind === 'witness-get') return { devices: this.notes };
      if (kind === 'fresh') {
        const heads = [{ topic: controlTopic, position: 1, hash: noHash }];
        return { freshness: await signFreshness(relayKeys, { v: 1, fleet, nonce, atMs: 0, heads }) };
      }
      const bytes = this.file.slice(offset, this.shown);
      const piece: ShippedPiece = { ordinal: 0, first: 0, offset, bytes };
      return { pieces: bytes.length === 0 ? [] : [piece] };
    };
    return {
      facts: { fleet, relayKey: relayKeys.publicKeys.sign },
      relay: { primitives, request },
      operator: { replica: { epochKey: () => this.#epochKey() } },
      state: this.state,
      readAgentTopic: async () => undefined,
    } as unknown as OperatorSession;
  }

  async #epochKey(): Promise<{ readonly epoch: number; readonly key: Uint8Array }> {
    if (this.fault !== undefined) throw this.fault;
    return { epoch: 0, key: key.slice() };
  }

  /** The next round, and what is known after it. */
  async round(): Promise<AgentLog> {
    this.#waiting.shift()?.go();
    while (this.#waiting.length === 0) await new Promise(setImmediate);
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    return this.logs[0] ?? assert.fail('no log is shown');
  }
}

const whole = await pieceOf(600);
const [, second, third] = checkpoints;

test('[SHIP-8, SHIP-9] a log is read, verified to its checkpoint, and goes on where it ended', async () => {
  const relay = new OneLog(whole);
  relay.shown = (await pieceOf(450)).length;
  relay.checkpoint = second;
  const stop = relay.follower.watch();
  const first = await relay.round();
  assert.deepEqual([first.stage, first.events.length, first.verifiedTo, first.problem], ['read', 400, 400, undefined]);
  assert.equal(first.checkpoint?.size, 400);
  relay.shown = whole.length;
  relay.checkpoint = third;
  const later = await relay.round();
  assert.deepEqual([later.events.length, later.verifiedTo], [600, 600]);
  assert.deepEqual(
    later.events.map(({ sequence }) => sequence),
    events.map((_, index) => index),
  );
  assert.deepEqual(relay.seen.get(id), third);
  stop();
  relay.follower.end();
  assert.deepEqual(relay.logs, []);
});

test('[WITNESS-18] a log is held against what devices cosigned; what a removed device says counts for nothing', async () => {
  const other = await cosignedNote(author.records(400));
  const begun = async (notes: readonly DeviceNote[], isRemoved = false): Promise<AgentLog> => {
    const relay = new OneLog(whole);
    relay.shown = whole.length;
    relay.notes = notes;
    if (isRemoved) relay.devices.clear();
    relay.follower.watch();
    const log = await relay.round();
    relay.follower.end();
    return log;
  };
  const good = await begun([await cosignedNote(events.slice(0, 400))]);
  assert.equal(good.problem, undefined);
  assert.deepEqual(
    good.cosigned.map(({ device: by, size, atMs }) => [by, size, atMs]),
    [['desk', 400, 1_790_000_000]],
  );
  assert.equal((await begun([other])).problem?.code, 'audit_altered');
  assert.equal((await begun([await cosignedNote([...events, ...author.records(1)])])).problem?.code, 'audit_truncated');
  const without = await begun([other], true);
  assert.deepEqual([without.problem, without.cosigned, without.verifiedTo], [undefined, [], 600]);
});

test('[SHIP-9] a topic that is ahead is waited for; then the log was cut', async () => {
  const relay = new OneLog(whole);
  relay.shown = (await pieceOf(400)).length;
  relay.checkpoint = third;
  relay.follower.watch();
  const early = await relay.round();
  assert.deepEqual([early.problem, early.verifiedTo, early.events.length], [undefined, 0, 400]);
  relay.nowMs += 60_000;
  const late = await relay.round();
  assert.equal(late.problem?.code, 'audit_truncated');
  relay.follower.end();
});

test('[SHIP-9] less than this device saw before is told, also where the topic was cut with it', async () => {
  const relay = new OneLog(whole);
  relay.shown = (await pieceOf(400)).length;
  relay.checkpoint = second;
  if (third !== undefined) relay.seen.set(id, third);
  relay.follower.watch();
  assert.equal((await relay.round()).problem, undefined);
  relay.nowMs += 60_000;
  assert.equal((await relay.round()).problem?.code, 'audit_truncated');
  relay.follower.end();
});

test('[SHIP-8] a file that was changed at the relay ends where it was changed, which the topic tells', async () => {
  const relay = new OneLog(Uint8Array.from(whole, (byte, at) => (at === 60 ? byte ^ 1 : byte)));
  relay.shown = whole.length;
  relay.checkpoint = third;
  relay.follower.watch();
  assert.equal((await relay.round()).events.length, 0);
  relay.nowMs += 60_000;
  assert.equal((await relay.round()).problem?.code, 'audit_truncated');
  relay.follower.end();
});

test('what fails in this console is told with its log, which would else wait for ever', async () => {
  const relay = new OneLog(whole);
  relay.shown = whole.length;
  relay.fault = new TypeError('a fault of ours');
  relay.follower.watch();
  const { stage, problem } = await relay.round();
  assert.deepEqual([stage, problem?.code, problem?.cause], ['read', 'internal', relay.fault]);
  assert.match(problem?.next ?? '', /unlock it again/);
  relay.follower.end();
});
