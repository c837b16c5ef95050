// Vectors for what travels through a relay: entry, access list, pulse, freshness, signal and the relay's own frames. One fault each.
// `node scripts/vectors/relay-wire.ts` writes spec/vectors/*/…; keys, ids and signatures follow from labels, so it writes the same again.

import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signAccessList, type AccessList } from '../../packages/protocol/src/blind/access-list.ts';
import {
  controlTopic,
  noHash,
  signEntry,
  type EntryStatement,
  type Tip,
  type UnverifiedEntry,
} from '../../packages/protocol/src/blind/entry.ts';
import { encodeRelayFrame, encodeRequest } from '../../packages/protocol/src/blind/frames.ts';
import { signFreshness } from '../../packages/protocol/src/blind/freshness.ts';
import { maxPulseAheadMs, signPulse, type PulseStatement } from '../../packages/protocol/src/blind/pulse.ts';
import { signRelayAuth } from '../../packages/protocol/src/blind/relay-auth.ts';
import { maxSignalLifeMs, signSignal, type SignalStatement } from '../../packages/protocol/src/blind/signal.ts';
import { compareBytes, concat, toHex } from '../../packages/protocol/src/codec/bytes.ts';
import { decodeValue, encodeValue, type Value } from '../../packages/protocol/src/codec/cbor.ts';
import type { ErrorCode } from '../../packages/protocol/src/errors.ts';
import type { Domain } from '../../packages/protocol/src/keys/domain.ts';
import { webPrimitives } from '../../packages/protocol/src/primitives/web.ts';
import { SoftwareKeyHolder } from '../../packages/protocol/src/seal/software-key-holder.ts';

const root = join(import.meta.dirname, '../../spec/vectors');
const primitives = webPrimitives;
const atMs = Date.UTC(2026, 0, 1);

/** Bytes that follow from a label. */
function derived(label: string, length: number): Uint8Array {
  return new Uint8Array(createHash('sha512').update(`holdfast vectors: ${label}`).digest().subarray(0, length));
}

interface Actor {
  readonly id: Uint8Array;
  readonly holder: SoftwareKeyHolder;
  readonly key: Uint8Array;
}

async function actor(label: string): Promise<Actor> {
  const holder = await SoftwareKeyHolder.fromRecoveryCode(primitives, derived(`key of ${label}`, 32));
  return { id: derived(`id of ${label}`, 16), holder, key: holder.publicKeys.sign };
}

const device = await actor('device');
const secondDevice = await actor('second device');
const agent = await actor('agent');
const stranger = await actor('stranger');
const relay = await actor('relay');

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Byte strings become hex. */
function plain(value: unknown): Json {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, plain(item)]])));
  }
  return value as Json;
}

const written = new Set<string>();

/** `clauses` are those that the vector proves; `expect` is `ok` or the code that a verifier must give. */
function vector(
  format: string,
  name: string,
  about: string,
  clauses: readonly string[],
  expect: ErrorCode | 'ok',
  input: object,
): void {
  const folder = join(root, format);
  if (!written.has(format)) rmSync(folder, { recursive: true, force: true });
  written.add(format);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify({ about, clauses, expect, input: plain(input) }, null, 2)}\n`);
}

/** The wire form of any statement, also of one that no honest signer would make. */
async function signedWire(
  by: Actor,
  domain: Domain,
  statement: Uint8Array,
  more: { readonly [key: string]: Value } = {},
): Promise<Uint8Array> {
  return encodeValue({ ...more, statement, signature: await by.holder.sign(domain, statement) });
}

function withField(encoded: Uint8Array, change: (fields: { [key: string]: Value }) => void): Uint8Array {
  const fields = { ...(decodeValue(encoded, 1 << 20) as { readonly [key: string]: Value }) };
  change(fields);
  return encodeValue(fields);
}

/** Flips the last bit of the signature: the outer map ends with it. */
function withBadSignature(wire: Uint8Array): Uint8Array {
  return withField(wire, (fields) => {
    const signature = (fields['signature'] as Uint8Array).slice();
    signature[63] = (signature[63] ?? 0) ^ 1;
    fields['signature'] = signature;
  });
}

// --- entry ------------------------------------------------------------------------------------------------------------------

function statementOf(label: string, author: Actor, parts: Partial<EntryStatement>): EntryStatement {
  return {
    v: 1,
    fleet: noHash,
    topic: controlTopic,
    position: 0,
    previous: noHash,
    id: derived(`entry id of ${label}`, 16),
    author: author.id,
    atMs,
    audience: 'fleet',
    epoch: 0,
    keyCommitment: derived('key commitment', 32),
    sealed: derived(`body of ${label}`, 48),
    ...parts,
  };
}

const genesisStatement = statementOf('genesis', device, {});
const genesis = await signEntry(primitives, device.holder, genesisStatement);
const fleet = genesis.hash;
const genesisTip: Tip = { position: 0, hash: genesis.hash, atMs };
const control = { position: 0, hash: genesis.hash };
const secondStatement = statementOf('second', device, { fleet, position: 1, previous: genesis.hash, atMs: atMs + 1 });
const second = await signEntry(primitives, device.holder, secondStatement);
const agentStatement = statementOf('agent', agent, { fleet, topic: agent.id, control, audience: `agent:${toHex(agent.id)}` });

async function entryVectors(): Promise<void> {
  const put = (
    name: string,
    about: string,
    clauses: readonly string[],
    expect: ErrorCode | 'ok',
    entry: Uint8Array,
    tip?: Tip,
    authorKey = device.key,
  ): void => vector('entry', name, about, clauses, expect, { wire: entry, authorKey, tip });
  const after = async (parts: Partial<EntryStatement>): Promise<Uint8Array> =>
    (await signEntry(primitives, device.holder, { ...secondStatement, ...parts })).wire;

  put('genesis', 'the first entry of a fleet', ['ENTRY-1', 'ENTRY-3'], 'ok', genesis.wire);
  put('second', 'the direct successor of genesis', ['ENTRY-5', 'ENTRY-6', 'ENTRY-7', 'ENTRY-8'], 'ok', second.wire, genesisTip);
  const first = await signEntry(primitives, agent.holder, agentStatement);
  put(
    'agent-topic',
    "the first entry of an agent's topic, naming the control head",
    ['ENTRY-3'],
    'ok',
    first.wire,
    undefined,
    agent.key,
  );
  put('same-time', 'the same time as the predecessor is allowed', ['ENTRY-8'], 'ok', await after({ atMs }), genesisTip);
  put('stale', 'a position that is taken', ['ENTRY-5'], 'entry_stale', second.wire, { ...genesisTip, position: 1 });
  put('gap', 'a position beyond the next', ['ENTRY-6'], 'entry_gap', await after({ position: 2 }), genesisTip);
  put('fork', 'another predecessor', ['ENTRY-7'], 'entry_fork', await after({ previous: derived('another', 32) }), genesisTip);
  put(
    'previous-at-zero',
    'a predecessor before position 0',
    ['ENTRY-7'],
    'entry_fork',
    (await signEntry(primitives, device.holder, { ...genesisStatement, previous: fleet })).wire,
  );
  put('time', 'dated before the predecessor', ['ENTRY-8'], 'entry_time', await after({ atMs: atMs - 1 }), genesisTip);
  put('wrong-key', "signed by another's key", ['ENTRY-3'], 'signature_invalid', second.wire, genesisTip, secondDevice.key);
  put(
    'bad-signature',
    'one bit of the signature differs',
    ['ENTRY-3'],
    'signature_invalid',
    withBadSignature(second.wire),
    genesisTip,
  );
  const other = await signedWire(device, 'pulse', second.statementBytes);
  put('other-domain', 'signed as another kind of statement', ['ENTRY-3'], 'signature_invalid', other, genesisTip);
  const resealed = withField(second.statementBytes, (fields) => (fields['sealed'] = derived('planted', 48)));
  put(
    'altered-body',
    'the body was swapped under the signature',
    ['ENTRY-2', 'ENTRY-3'],
    'signature_invalid',
    encodeValue({ statement: resealed, signature: second.signature }),
    genesisTip,
  );
  const extra = withField(second.statementBytes, (fields) => (fields['extra'] = 1));
  put(
    'unknown-key',
    'a field that version 1 does not have',
    ['ENTRY-1'],
    'codec_shape',
    await signedWire(device, 'entry', extra),
    genesisTip,
  );
  const version = withField(second.statementBytes, (fields) => (fields['v'] = 2));
  put(
    'version',
    'a version that nobody knows',
    ['ENTRY-1'],
    'codec_shape',
    await signedWire(device, 'entry', version),
    genesisTip,
  );
  const audience = withField(second.statementBytes, (fields) => (fields['audience'] = 'agent:xyz'));
  put(
    'audience',
    'an audience that does not exist',
    ['ENTRY-1'],
    'codec_shape',
    await signedWire(device, 'entry', audience),
    genesisTip,
  );
  put('trailing', 'bytes after the entry', ['ENTRY-1'], 'codec_trailing', concat(second.wire, Uint8Array.of(0)), genesisTip);
  put('truncated', 'the last byte is missing', ['ENTRY-1'], 'codec_truncated', second.wire.slice(0, -1), genesisTip);
}

// --- access list ------------------------------------------------------------------------------------------------------------

const member = ({ id, key }: Actor): { id: Uint8Array; sign: Uint8Array } => ({ id, sign: key });
const firstList = await signAccessList(device.holder, device.id, {
  v: 1,
  fleet,
  version: 1,
  atMs,
  devices: [member(device)],
  agents: [],
});
const nextStatement = {
  ...firstList.statement,
  version: 2,
  devices: [device, secondDevice].map(member),
  agents: [member(agent)],
};
const nextList = await signAccessList(device.holder, device.id, nextStatement);

async function accessVectors(): Promise<void> {
  const put = (
    name: string,
    about: string,
    clauses: readonly string[],
    expect: ErrorCode | 'ok',
    input: { wire: Uint8Array; previous?: Uint8Array; genesis?: Uint8Array },
  ): void => vector('access-list', name, about, clauses, expect, input);
  const start = (list: AccessList, entry: UnverifiedEntry = genesis): { wire: Uint8Array; genesis: Uint8Array } => ({
    wire: list.wire,
    genesis: entry.wire,
  });
  const next = (list: AccessList | Uint8Array): { wire: Uint8Array; previous: Uint8Array } => ({
    wire: list instanceof Uint8Array ? list : list.wire,
    previous: firstList.wire,
  });
  const first = firstList.statement;
  /** Unsorted and otherwise wrong lists, which the signing function would refuse or mend. */
  const raw = async (change: (fields: { [key: string]: Value }) => void): Promise<Uint8Array> =>
    signedWire(device, 'access-list', withField(nextList.statementBytes, change), { author: device.id });

  put('first', 'version 1 with its genesis entry', ['ACCESS-6', 'ACCESS-7', 'ENTRY-4'], 'ok', start(firstList));
  put('next', 'a second device and an agent', ['ACCESS-4', 'ACCESS-5'], 'ok', next(nextList));
  put(
    'first-not-1',
    'a fleet that would begin with version 2',
    ['ACCESS-6'],
    'access_stale',
    start(await signAccessList(device.holder, device.id, { ...first, version: 2 })),
  );
  put(
    'first-with-agent',
    'a first list that names more than its author',
    ['ACCESS-6'],
    'access_forged',
    start(await signAccessList(device.holder, device.id, { ...first, agents: [member(agent)] })),
  );
  const taken = await signAccessList(stranger.holder, stranger.id, { ...first, devices: [member(stranger)] });
  put('taken-fleet', "a stranger's list with the fleet's genesis entry", ['ACCESS-7'], 'access_forged', start(taken));
  const impostor = { id: device.id, sign: stranger.key };
  const borrowed = await signAccessList(stranger.holder, device.id, { ...first, devices: [impostor] });
  put('borrowed-id', "the author's id with a stranger's key", ['ACCESS-7'], 'access_forged', start(borrowed));
  put(
    'not-genesis',
    "an entry that is not the fleet's genesis",
    ['ACCESS-7', 'ENTRY-4'],
    'access_forged',
    start(firstList, second),
  );
  const otherGenesis = await signEntry(primitives, device.holder, { ...genesisStatement, atMs: atMs + 1 });
  put(
    'other-genesis',
    "the genesis entry of the author's other fleet",
    ['ACCESS-7', 'ENTRY-4'],
    'access_forged',
    start(firstList, otherGenesis),
  );
  put('by-agent', 'signed by an agent', ['ACCESS-4'], 'access_forged', {
    wire: (await signAccessList(agent.holder, agent.id, { ...nextStatement, version: 3 })).wire,
    previous: nextList.wire,
  });
  put(
    'by-added-device',
    'signed by the device that it adds',
    ['ACCESS-4'],
    'access_forged',
    next(await signAccessList(secondDevice.holder, secondDevice.id, nextStatement)),
  );
  put('bad-signature', 'one bit of the signature differs', ['ACCESS-4'], 'access_forged', next(withBadSignature(nextList.wire)));
  put(
    'same-version',
    'the version in force again, with other content',
    ['ACCESS-5'],
    'access_stale',
    next(await signAccessList(device.holder, device.id, { ...nextStatement, version: 1 })),
  );
  put(
    'skipped-version',
    'a version left out',
    ['ACCESS-5'],
    'access_stale',
    next(await signAccessList(device.holder, device.id, { ...nextStatement, version: 3 })),
  );
  put(
    'other-fleet',
    'a list of another fleet',
    ['ACCESS-8'],
    'access_forged',
    next(await signAccessList(device.holder, device.id, { ...nextStatement, fleet: derived('another fleet', 32) })),
  );
  const descending = [device, secondDevice].toSorted((a, b) => compareBytes(b.id, a.id)).map(member);
  put(
    'unordered',
    'devices out of order',
    ['ACCESS-2'],
    'codec_shape',
    next(await raw((fields) => (fields['devices'] = descending))),
  );
  put(
    'repeated',
    'a device twice',
    ['ACCESS-2'],
    'codec_shape',
    next(await raw((fields) => (fields['devices'] = [member(device), member(device)]))),
  );
  put(
    'zero-id',
    'an agent that would own the control topic',
    ['ACCESS-3'],
    'codec_shape',
    next(await raw((fields) => (fields['agents'] = [{ id: controlTopic, sign: agent.key }]))),
  );
  put(
    'both',
    'a device that is an agent as well',
    ['ACCESS-3'],
    'codec_shape',
    next(await raw((fields) => (fields['agents'] = [member(device)]))),
  );
  put(
    'no-device',
    'nobody left who could sign the next',
    ['ACCESS-1'],
    'codec_shape',
    next(await raw((fields) => (fields['devices'] = []))),
  );
  put('trailing', 'bytes after the list', ['ACCESS-1'], 'codec_trailing', next(concat(nextList.wire, Uint8Array.of(0))));
}

// --- pulse ------------------------------------------------------------------------------------------------------------------

async function pulseVectors(): Promise<void> {
  const statement: PulseStatement = {
    v: 1,
    fleet,
    id: derived('pulse', 16),
    device: device.id,
    atMs,
    control: { position: 1, hash: second.hash },
  };
  const pulse = await signPulse(device.holder, statement);
  const newest = await signPulse(device.holder, {
    ...statement,
    id: derived('newest pulse', 16),
    atMs: atMs + 1000,
    control: { position: 2, hash: derived('third', 32) },
  });
  const input = { wire: pulse.wire, fleet, deviceKey: device.key, nowMs: atMs + 1000, maxAgeMs: 86_400_000 };
  const put = (name: string, about: string, clauses: readonly string[], expect: ErrorCode | 'ok', changed: object): void =>
    vector('pulse', name, about, clauses, expect, { ...input, ...changed });

  put('good', 'a pulse of one second ago', ['PULSE-1', 'PULSE-2'], 'ok', {});
  put('newer', 'a newer pulse than the one known', ['PULSE-4'], 'ok', { wire: newest.wire, newest: pulse.wire });
  put('barely-ahead', 'five minutes ahead of the reader', ['PULSE-5'], 'ok', { nowMs: atMs - maxPulseAheadMs });
  put('wrong-key', 'signed by another device', ['PULSE-2'], 'pulse_forged', { deviceKey: secondDevice.key });
  put('bad-signature', 'one bit of the signature differs', ['PULSE-2'], 'pulse_forged', { wire: withBadSignature(pulse.wire) });
  put('other-domain', 'signed as another kind of statement', ['PULSE-2'], 'pulse_forged', {
    wire: await signedWire(device, 'entry', pulse.statementBytes),
  });
  put('other-fleet', 'a pulse of another fleet', ['PULSE-3'], 'pulse_forged', { fleet: derived('another fleet', 32) });
  put('older', 'older than the one known', ['PULSE-4'], 'pulse_stale', { newest: newest.wire });
  const behind = await signPulse(device.holder, { ...statement, atMs: atMs + 2000, control: { position: 1, hash: second.hash } });
  put('control-behind', 'later, but with an earlier control head', ['PULSE-4'], 'pulse_stale', {
    wire: behind.wire,
    newest: newest.wire,
  });
  put('future', 'more than five minutes ahead', ['PULSE-5'], 'pulse_time', { nowMs: atMs - maxPulseAheadMs - 1 });
  put('too-old', 'older than the fleet allows', ['PULSE-6'], 'pulse_stale', { nowMs: atMs + 86_400_001 });
  const extra = withField(pulse.statementBytes, (fields) => (fields['extra'] = 1));
  put('unknown-key', 'a field that version 1 does not have', ['PULSE-1'], 'codec_shape', {
    wire: await signedWire(device, 'pulse', extra),
  });
}

// --- freshness --------------------------------------------------------------------------------------------------------------

async function freshnessVectors(): Promise<void> {
  const nonce = derived('nonce', 32);
  const heads = [
    { topic: controlTopic, position: 1, hash: second.hash },
    { topic: agent.id, position: 4, hash: derived('agent head', 32) },
  ];
  const statement = { v: 1 as const, fleet, nonce, atMs, heads };
  const input = { wire: await signFreshness(relay.holder, statement), fleet, nonce, relayKey: relay.key, topics: [agent.id] };
  const put = (name: string, about: string, clauses: readonly string[], expect: ErrorCode | 'ok', changed: object): void =>
    vector('freshness', name, about, clauses, expect, { ...input, ...changed });
  const raw = async (change: (fields: { [key: string]: Value }) => void): Promise<Uint8Array> => {
    const good = decodeValue(input.wire, 1 << 20) as { readonly statement: Uint8Array };
    return signedWire(relay, 'freshness', withField(good.statement, change));
  };

  put('good', 'control and one topic', ['FRESH-1', 'FRESH-3', 'FRESH-4'], 'ok', {});
  put('empty-topic', 'a topic without entries is absent', ['FRESH-6'], 'ok', {
    wire: await signFreshness(relay.holder, { ...statement, heads: heads.slice(0, 1) }),
  });
  put('seen-same', 'the head that the reader has', ['FRESH-7'], 'ok', {
    seen: { topic: agent.id, position: 4, hash: derived('agent head', 32) },
  });
  put('seen-behind', 'there is more to read', ['FRESH-7'], 'ok', {
    seen: { topic: agent.id, position: 3, hash: derived('earlier', 32) },
  });
  put('rolled-back', 'behind the head that the reader has', ['FRESH-7'], 'entry_stale', {
    seen: { topic: agent.id, position: 5, hash: derived('later', 32) },
  });
  put('emptied', 'a topic that the reader knows is said to be empty', ['FRESH-7'], 'entry_stale', {
    wire: await signFreshness(relay.holder, { ...statement, heads: heads.slice(0, 1) }),
    seen: { topic: agent.id, position: 0, hash: derived('earlier', 32) },
  });
  put('forked', 'another entry at the same position', ['FRESH-7'], 'entry_fork', {
    seen: { topic: agent.id, position: 4, hash: derived('other', 32) },
  });
  put('wrong-key', 'signed by another relay', ['FRESH-3'], 'freshness_forged', { relayKey: stranger.key });
  put('bad-signature', 'one bit of the signature differs', ['FRESH-3'], 'freshness_forged', {
    wire: withBadSignature(input.wire),
  });
  put('other-fleet', 'of another fleet', ['FRESH-4'], 'freshness_forged', { fleet: derived('another fleet', 32) });
  put('replayed', 'the answer to an earlier nonce', ['FRESH-5'], 'freshness_forged', { nonce: derived('another nonce', 32) });
  put('not-asked', 'a topic that was not asked for', ['FRESH-6'], 'freshness_forged', { topics: [] });
  put('unordered', 'control is not first', ['FRESH-2'], 'codec_shape', {
    wire: await raw((fields) => (fields['heads'] = heads.toReversed())),
  });
  put('repeated', 'a topic twice', ['FRESH-2'], 'codec_shape', {
    wire: await raw((fields) => (fields['heads'] = [...heads, ...heads.slice(1)])),
  });
  put('no-heads', 'not even control', ['FRESH-1'], 'codec_shape', { wire: await raw((fields) => (fields['heads'] = [])) });
}

// --- signal -----------------------------------------------------------------------------------------------------------------

async function signalVectors(): Promise<void> {
  const statement: SignalStatement = {
    v: 1,
    fleet,
    id: derived('signal', 16),
    from: agent.id,
    to: device.id,
    audience: `agent:${toHex(agent.id)}`,
    epoch: 0,
    expiresAtMs: atMs + 60_000,
    sealed: derived('signal body', 48),
  };
  const signal = await signSignal(agent.holder, statement);
  const { to: _, ...toAll } = statement;
  const input = { wire: signal.wire, fleet, reader: device.id, senderKey: agent.key, nowMs: atMs };
  const put = (name: string, about: string, clauses: readonly string[], expect: ErrorCode | 'ok', changed: object): void =>
    vector('signal', name, about, clauses, expect, { ...input, ...changed });

  put('good', 'to one device, for a minute', ['SIGNAL-1', 'SIGNAL-2'], 'ok', {});
  put('to-all', 'to everybody of the audience', ['SIGNAL-4'], 'ok', {
    wire: (await signSignal(agent.holder, toAll)).wire,
    reader: secondDevice.id,
  });
  put('wrong-key', "under another's key", ['SIGNAL-2'], 'signal_forged', { senderKey: stranger.key });
  put('bad-signature', 'one bit of the signature differs', ['SIGNAL-2'], 'signal_forged', {
    wire: withBadSignature(signal.wire),
  });
  put('other-fleet', 'of another fleet', ['SIGNAL-3'], 'signal_forged', { fleet: derived('another fleet', 32) });
  put('other-reader', 'for somebody else', ['SIGNAL-4'], 'signal_forged', { reader: secondDevice.id });
  put('expired', 'at the moment of its expiry', ['SIGNAL-5'], 'signal_expired', { nowMs: statement.expiresAtMs });
  put('too-long', 'would live longer than signals may', ['SIGNAL-6'], 'signal_expired', {
    nowMs: statement.expiresAtMs - maxSignalLifeMs - 1,
  });
  const marked = async (marks: Pick<SignalStatement, 'urgent' | 'latest'>): Promise<object> => ({
    wire: (await signSignal(agent.holder, { ...statement, ...marks })).wire,
  });
  put('urgent', 'somebody has to look', ['SIGNAL-10'], 'ok', await marked({ urgent: true }));
  put('latest', 'in place of the one before', ['SIGNAL-11'], 'ok', await marked({ latest: true }));
  const unmarked = withField(signal.statementBytes, (fields) => (fields['urgent'] = false));
  put('not-urgent', 'what is not so is not said', ['SIGNAL-1'], 'codec_shape', {
    wire: await signedWire(agent, 'signal', unmarked),
  });
  const planted = withField(signal.wire, (outer) => {
    outer['statement'] = withField(signal.statementBytes, (fields) => (fields['urgent'] = true));
  });
  put('made-urgent', 'by whoever passed it on', ['SIGNAL-2', 'SIGNAL-10'], 'signal_forged', { wire: planted });
  const extra = withField(signal.statementBytes, (fields) => (fields['extra'] = 1));
  put('unknown-key', 'a field that version 1 does not have', ['SIGNAL-1'], 'codec_shape', {
    wire: await signedWire(agent, 'signal', extra),
  });
}

// --- relay ------------------------------------------------------------------------------------------------------------------

async function relayVectors(): Promise<void> {
  const nonce = derived('welcome', 32);
  const toRelay = (name: string, about: string, clauses: readonly string[], expect: ErrorCode | 'ok', frame: Uint8Array): void =>
    vector('relay', `to-relay-${name}`, about, clauses, expect, { request: frame });
  const toClient = (name: string, about: string, clauses: readonly string[], expect: ErrorCode | 'ok', frame: Uint8Array): void =>
    vector('relay', `to-client-${name}`, about, clauses, expect, { frame });
  const read = encodeRequest({ kind: 'read', id: 7, topic: controlTopic, from: 3, max: 100 });
  const okFrame = encodeRelayFrame({ kind: 'ok', id: 7 });

  toRelay('read', 'a page of the control topic', ['RELAY-5'], 'ok', read);
  toRelay(
    'unknown-kind',
    'a request that does not exist',
    ['RELAY-5'],
    'codec_shape',
    withField(read, (fields) => (fields['kind'] = 'delete')),
  );
  toRelay(
    'unknown-key',
    'a field that the request does not have',
    ['RELAY-5'],
    'codec_shape',
    withField(read, (fields) => (fields['topics'] = [])),
  );
  toRelay(
    'no-id',
    'a request without id',
    ['RELAY-5'],
    'codec_shape',
    withField(read, (fields) => delete fields['id']),
  );
  toRelay(
    'too-many',
    'a page longer than pages may be',
    ['RELAY-5'],
    'codec_shape',
    withField(read, (fields) => (fields['max'] = 1025)),
  );
  toClient('welcome', 'the first frame', ['RELAY-4'], 'ok', encodeRelayFrame({ kind: 'welcome', v: 1, relay: relay.key, nonce }));
  toClient('ok', 'an answer', ['RELAY-5'], 'ok', okFrame);
  toClient(
    'terminal',
    'an error message that would move a cursor',
    ['RELAY-5'],
    'codec_shape',
    encodeValue({ kind: 'error', id: 7, code: 'relay_refused', message: '\u001b[2J' }),
  );
  toClient(
    'unknown-kind',
    'a frame that does not exist',
    ['RELAY-5'],
    'codec_shape',
    withField(okFrame, (fields) => (fields['kind'] = 'redirect')),
  );

  const auth = { fleet, principal: agent.id, nonce, relay: relay.key };
  const signature = await signRelayAuth(agent.holder, auth);
  const put = (name: string, about: string, expect: ErrorCode | 'ok', changed: object): void =>
    vector('relay', `auth-${name}`, about, ['RELAY-6', 'RELAY-7'], expect, {
      auth: { ...auth, signature, publicKey: agent.key, ...changed },
    });
  put('good', 'a proof for this welcome', 'ok', {});
  put('replayed', 'the proof of another connection', 'relay_refused', { nonce: derived('another welcome', 32) });
  put('other-relay', 'a proof made at another relay', 'relay_refused', { relay: stranger.key });
  put('other-principal', "another principal's proof", 'relay_refused', { principal: device.id });
  put('other-fleet', 'a proof for another fleet', 'relay_refused', { fleet: derived('another fleet', 32) });
  put('wrong-key', 'a key that the access list does not name', 'relay_refused', { publicKey: device.key });
}

await entryVectors();
await accessVectors();
await pulseVectors();
await freshnessVectors();
await signalVectors();
await relayVectors();
