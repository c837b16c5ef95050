#!/usr/bin/env node
// Verifies an exported audit log (spec/audit-bundle.md) on any machine, or the proof that one was forked (spec/witness.md).
// It stands alone, on purpose: one file, Node's own crypto, no line shared with what writes the log, so that a fault of the writer is not
// repeated by its reader. It takes public keys and a checkpoint from elsewhere, and says what that proves and what it does not.
// Exit codes: 0 it holds, 1 it could not be read, 2 wrong usage, 4 it does not hold.

import { createHash, createPublicKey, verify } from 'node:crypto';
import { createReadStream, readFileSync, realpathSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** A verdict against the log. `where`: the first and last record that can be meant, where that is known. */
export class Fault extends Error {
  code = '';
  /** @type {{ from: number, to: number } | undefined} */ where;
}

/** @param {string} code as the pages of spec/ name it @param {string} message @param {Fault['where']} [where] @returns {never} */
export function fail(code, message, where) {
  throw Object.assign(new Fault(message), { code, where });
}

// --- CBOR in the one form that the log uses (spec/codec.md) ---------------------------------------------------------------------------
/** The value that all of `bytes` is. @param {Buffer} bytes @returns {unknown} */
export function decodeCbor(bytes) {
  let at = 0;
  /** @type {() => never} */ const bad = () => fail('codec_shape', `not deterministic CBOR at byte ${at}`);
  /** @param {number} count */ const take = (count) => {
    if (count > bytes.length - at) bad();
    return bytes.subarray(at, (at += count));
  };
  /** @param {number} short */ const argument = (short) => {
    if (short < 24) return short;
    if (short > 27) bad();
    const size = 1 << (short - 24);
    const value = take(size).reduce((sum, byte) => sum * 256 + byte, 0);
    return value < (size === 1 ? 24 : 256 ** (size / 2)) || !Number.isSafeInteger(value) ? bad() : value;
  };
  /** @param {number} depth @returns {unknown} */
  const value = (depth) => {
    if (depth > 16) bad();
    const [first = 0] = take(1);
    const [major, short] = [first >> 5, first & 31];
    if (major === 7) return short === 20 ? false : short === 21 ? true : short === 22 ? null : bad();
    if (major === 6) bad();
    const count = argument(short);
    if (major === 0) return count;
    if (major === 1) return count === Number.MAX_SAFE_INTEGER ? bad() : -1 - count;
    if (major === 2) return take(count);
    if (major === 3) return textOf(take(count)) ?? bad();
    if (count > bytes.length - at) bad();
    if (major === 4) return Array.from({ length: count }, () => value(depth + 1));
    const map = new Map();
    let before = Buffer.alloc(0);
    for (let index = 0; index < count; index += 1) {
      const start = at;
      const key = value(depth + 1);
      const encoded = Buffer.from(bytes.subarray(start, at));
      if (typeof key !== 'string' || Buffer.compare(before, encoded) >= 0) return bad();
      before = encoded;
      map.set(key, value(depth + 1));
    }
    return map;
  };
  const whole = value(0);
  return at === bytes.length ? whole : bad();
}

/** What these bytes say, if they are UTF-8. @param {Buffer} bytes */
const textOf = (bytes) => (Buffer.from(bytes.toString()).equals(bytes) ? bytes.toString() : undefined);

/** The fields of a map by name, each of its kind; no others, where they are named. @param {Buffer} wire @param {string[]} names */
function fieldsOf(wire, ...names) {
  const decoded = decodeCbor(wire);
  const map = decoded instanceof Map ? /** @type {Map<string, unknown>} */ (decoded) : fail('codec_shape', 'not a map');
  /** @param {string} name @returns {never} */
  const bad = (name) => fail('codec_shape', `field ${name} is missing, unknown or of another shape`);
  for (const name of map.keys()) if (names.length > 0 && !names.includes(name)) bad(name);
  /** @param {string} name */ const any = (name) => map.get(name);
  /** @param {string} name @param {number} [length] @param {unknown} [it] @returns {Buffer} */
  const bytes = (name, length, it = any(name)) => (Buffer.isBuffer(it) && it.length === (length ?? it.length) ? it : bad(name));
  /** @param {string} name @param {unknown} [it] @returns {number} */
  const whole = (name, it = any(name)) => (typeof it === 'number' && it >= 0 ? it : bad(name));
  /** @param {string} name @param {unknown} [it] @returns {string} */
  const text = (name, it = any(name)) => (typeof it === 'string' ? it : bad(name));
  return { bad, any, bytes, whole, text };
}

// --- Signatures (spec/keys.md) --------------------------------------------------------------------------------------------------------
const halfOrder = Buffer.from('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8', 'hex');
const maxSessionKeyMs = 600_000;

/** A note (domain '') is signed as it stands. @param {string} domain @param {Buffer} statement */
export const signingInput = (domain, statement) => Buffer.concat([Buffer.from(domain && `holdfast/v1 ${domain}\0`), statement]);
/** @param {Buffer[]} parts */
export const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

/** RFC 5480. @param {Buffer} point */
const spkiOf = (point) => Buffer.concat([Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'), point]);
/** ES256, as in a token. @param {Buffer} input @param {Buffer} signature @param {Buffer} point of 65 bytes */
export function isEs256(input, signature, point) {
  try {
    const key = createPublicKey({ key: spkiOf(point), format: 'der', type: 'spki' });
    return point[0] === 4 && verify('sha256', input, { key, dsaEncoding: 'ieee-p1363' }, signature);
  } catch {
    return false; // not a point of the curve
  }
}
/** With the smaller s. @param {string} domain @param {Buffer} statement @param {Buffer} signature @param {Buffer} point */
export const isSigned = (domain, statement, signature, point) =>
  Buffer.compare(signature.subarray(32), halfOrder) <= 0 && isEs256(signingInput(domain, statement), signature, point);

/**
 * `keys`: the agent's, in the order in which it had them; each signs until the next one has.
 * @typedef {{ fleet: Buffer, agent: Buffer, keys: Buffer[] }} Log
 * `by`: the keys whose word the reader has from elsewhere, for what comes after it.
 * @typedef {{ size: number, root: Buffer, nth?: number, by?: number[] }} Mark
 */

/** @param {Pick<Log, 'fleet' | 'agent'>} log */
const originOf = ({ fleet, agent }) => `holdfast/${fleet.toString('hex')}/${agent.toString('hex')}`;

/** The session key of a certificate that one of the agent's keys signed, and which of them. @param {Buffer} wire @param {Log} log */
function certifiedKey(wire, { fleet, agent, keys }) {
  try {
    const certificate = fieldsOf(wire, 'statement', 'signature');
    const [statement, signature] = [certificate.bytes('statement'), certificate.bytes('signature', 64)];
    const said = fieldsOf(statement, 'v', 'fleet', 'agent', 'key', 'notBeforeMs', 'notAfterMs');
    const [from, to, key] = [said.whole('notBeforeMs'), said.whole('notAfterMs'), said.bytes('key', 65)];
    const nth = keys.findIndex((each) => isSigned('session-key', statement, signature, each));
    const isOurs = said.bytes('fleet').equals(fleet) && said.bytes('agent').equals(agent) && said.whole('v') === 1;
    if (nth >= 0 && isOurs && to > from && to - from <= maxSessionKeyMs) return { from, to, key, nth };
  } catch {
    // said below
  }
  return fail('audit_forged', 'no key of this agent certified what signed a checkpoint');
}

/**
 * A checkpoint whose signature, certificate and names hold. The hash is what the next one says as its `previous`.
 * @param {Buffer} wire @param {Log} log @returns {Mark & { nth: number, previous: Buffer | undefined, hash: Buffer }}
 */
function readCheckpoint(wire, log) {
  const outer = fieldsOf(wire, 'statement', 'signature', 'certificate');
  const [statement, signature] = [outer.bytes('statement'), outer.bytes('signature', 64)];
  const said = fieldsOf(statement, 'v', 'fleet', 'agent', 'origin', 'size', 'root', 'atMs', 'previous');
  const [size, root, atMs] = [said.whole('size'), said.bytes('root', 32), said.whole('atMs')];
  const previous = said.any('previous') === undefined ? undefined : said.bytes('previous', 32);
  const origin = originOf({ fleet: said.bytes('fleet', 32), agent: said.bytes('agent', 16) });
  if (said.whole('v') !== 1 || size < 1) said.bad('size');
  const { from, to, key, nth } = certifiedKey(outer.bytes('certificate'), log);
  if (atMs < from || atMs > to) fail('audit_time', 'a checkpoint is dated outside its certificate');
  if (!isSigned('audit-checkpoint', statement, signature, key)) fail('audit_forged', 'a checkpoint was not signed so');
  if (said.text('origin') !== origin || origin !== originOf(log)) fail('audit_forged', 'a checkpoint is of another log');
  return { size, root, nth, previous, hash: sha256(signingInput('audit-checkpoint', statement)) };
}

/**
 * A checkpoint as it is published (spec/witness.md), signed by one of the log's keys, and when each witness saw it.
 * @param {string} note @param {Log} log @param {string[]} witnesses @returns {Mark & { witnesses: ReturnType<typeof seenBy>[] }}
 */
export function readPublished(note, { fleet, agent, keys }, witnesses = []) {
  const end = note.lastIndexOf('\n\n') + 1;
  const [text, lines] = [note.slice(0, end), note.slice(end + 1).split('\n').map((line) => /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]{8,}=*)$/u.exec(line))]; // prettier-ignore
  const [, origin = '', size, root] = /^(holdfast\/log\/[0-9a-f]{64})\n([1-9]\d{0,14})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text) ?? [];
  if (root === undefined || lines.pop() !== null || lines.length === 0 || lines.includes(null))
    return fail('bundle_shape', 'not a published checkpoint'); // [WITNESS-1] [WITNESS-3]
  if (origin !== `holdfast/log/${sha256(Buffer.from('holdfast/v1 log\0'), fleet, agent).toString('hex')}`)
    fail('audit_forged', 'the checkpoint is of another log'); // [WITNESS-2]
  /** @type {SignaturesBy} */ const signaturesBy = (name, id) => {
    const own = lines.flatMap((line) => (line?.[1] === name ? [Buffer.from(line[2] ?? '', 'base64')] : []));
    return own.filter((line) => line.subarray(0, 4).equals(id)).map((line) => line.subarray(4));
  };
  const signed = keys.flatMap((point, nth) => {
    const by = signaturesBy(origin, sha256(spkiOf(point)).subarray(0, 4));
    return by.map((der) => (isSigned('', Buffer.from(text), rawOf(der), point) ? nth : -1));
  });
  if (signed.length === 0 || signed.includes(-1)) fail('audit_forged', 'no key of this agent signed the checkpoint'); // [WITNESS-4]
  const by = new Set(signed).size === 1 ? signed : [];
  const seen = { witnesses: witnesses.map((witness) => seenBy(witness, text, signaturesBy)) };
  return { size: Number(size), root: Buffer.from(root, 'base64'), by, ...seen };
}

/**
 * When a witness, named by its verifier key `name+id+key`, saw a text: the newest time. [WITNESS-6] [WITNESS-14]
 * @typedef {(name: string, id: Buffer) => Buffer[]} SignaturesBy
 * @param {string} witness @param {string} text @param {SignaturesBy} signaturesBy
 */
function seenBy(witness, text, signaturesBy) {
  const [, name = '', id, encoded = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/u.exec(witness) ?? [];
  const bytes = Buffer.from(encoded, 'base64');
  const keyId = sha256(Buffer.from(`${name}\n`), bytes).subarray(0, 4);
  if (bytes[0] !== 4 || keyId.toString('hex') !== id) fail('codec_shape', 'no verifier key of a witness');
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url', 1) } });
  const times = signaturesBy(name, keyId).map((line) => {
    const atS = line.length === 72 ? Number(line.readBigUInt64BE()) : 0;
    const signs = verify(null, Buffer.from(`cosignature/v1\ntime ${atS}\n${text}`), key, line.subarray(8));
    const isTime = atS > 0 && atS < 8.64e12; // or no calendar has it
    return signs && isTime ? atS : fail('signature_invalid', `the cosignature of ${name} does not verify`);
  });
  if (times.length === 0) fail('witness_missing', `${name} has not cosigned the published checkpoint`);
  return { name, atMs: 1000 * Math.max(...times) };
}

/** r and s of a DER signature, 64 bytes. @param {Buffer} der */
function rawOf(der) {
  const at = 4 + (der[3] ?? 0);
  const frame = [der[0], der[1], der[2], der[at], der[at + 1]].join();
  if (frame !== [48, der.length - 2, 2, 2, der.length - at - 2].join()) return Buffer.alloc(0);
  const halves = [der.subarray(4, at), der.subarray(at + 2)].map((each) => each.toString('hex').replace(/^00/, ''));
  return Buffer.from(halves.map((each) => each.padStart(64, '0')).join(''), 'hex');
}

// --- The tree (RFC 6962 section 2.1) and what stands in it ------------------------------------------------------------------------------
/** Roots of the complete subtrees so far, largest first. */
class Tree {
  size = 0;
  /** @type {Buffer[]} */ peaks = [];
  /** The next leaf's hash, or the root of the next `width` leaves, a power of two that divides the size. @param {Buffer} hash @param {number} [width] */
  add(hash, width = 1) {
    let joined = hash;
    for (let rest = this.size / width; rest % 2 === 1; rest = Math.floor(rest / 2))
      joined = sha256(Buffer.of(1), /** @type {Buffer} */ (this.peaks.pop()), joined);
    this.peaks.push(joined);
    this.size += width;
  }
  root() {
    return this.peaks.length === 0 ? sha256() : this.peaks.reduceRight((right, left) => sha256(Buffer.of(1), left, right));
  }
}

/** Number, agent and time of each record, against those before it. */
class Order {
  ended = new Set(['']);
  last = { run: '', monotonicUs: 0, atMs: 0 };
  policy = { version: 0, days: 0 };
  pruned = { below: 0, version: 0, days: 0 };
  counts = { runs: 0, dropped: 0, setBack: 0 };
  /** @param {number} at @param {Buffer} agent @param {Buffer} bytes */
  take(at, agent, bytes) {
    /** @type {(code: string, why: string) => never} */
    const refuse = (code, why) => fail(code, `record ${at} ${why}`, { from: at, to: at });
    const { last, ended, counts } = this;
    let event;
    try {
      event = stampOf(fieldsOf(bytes));
    } catch (thrown) {
      return refuse('audit_altered', `cannot be read: ${messageOf(thrown)}`);
    }
    if (event.sequence > at) refuse('audit_gap', 'is missing');
    if (event.sequence < at) refuse('audit_altered', `says that it is number ${event.sequence}`);
    if (!event.agent.equals(agent)) refuse('audit_forged', 'is of another agent');
    if (event.run !== last.run) {
      ended.add(last.run);
      if (ended.has(event.run)) refuse('audit_time', 'is of a run that had ended');
      counts.runs += 1;
    } else if (event.monotonicUs < last.monotonicUs) refuse('audit_time', 'is before its predecessor');
    if (event.atMs < last.atMs) counts.setBack += 1;
    counts.dropped += event.dropped;
    this.last = event;
    this.policy = event.policy ?? this.policy;
    if (event.pruned === undefined) return;
    const { below, version, days, forMs } = event.pruned; // [AUDIT-67]
    const isTheirs = version > this.policy.version || (version === this.policy.version && days === this.policy.days);
    const fits = isTheirs && days > 0 && below >= this.pruned.below && below <= at && forMs >= 86_400_000 * days;
    this.pruned = fits ? event.pruned : refuse('audit_pruned', 'prunes what it may not');
  }
}

/** What every record carries; what else it says is its writer's. @param {ReturnType<typeof fieldsOf>} event */
function stampOf(event) {
  if (event.whole('v') !== 1) event.bad('v');
  const kind = event.text('kind');
  const dropped = kind === 'gap' ? event.any('dropped') : [];
  const by = () => ({ version: event.whole('version'), days: event.whole('retentionDays', event.any('retentionDays') ?? 0) });
  const policy = kind === 'audit-policy' ? by() : undefined;
  const forMs = kind === 'pruned' ? event.whole('pulseAtMs') - event.whole('seenAtMs') : 0;
  const pruned = kind === 'pruned' ? { ...by(), below: event.whole('below'), forMs } : undefined;
  const counts = (Array.isArray(dropped) ? dropped : []).map((each) => (each instanceof Map ? Number(each.get('count')) : 0));
  const [sequence, atMs, monotonicUs] = [event.whole('sequence'), event.whole('atMs'), event.whole('monotonicUs')];
  const [agent, run] = [event.bytes('agent', 16), event.bytes('run', 16).toString('hex')];
  return { agent, run, sequence, atMs, monotonicUs, pruned, policy, dropped: counts.reduce((sum, count) => sum + count, 0) };
}

/**
 * A whole log against its checkpoints, as stored and oldest first, and against `known` from elsewhere.
 * @typedef {{ event: Buffer } | { leaf: Buffer }} Row
 * @param {Log} log @param {Buffer[]} checkpoints @param {AsyncIterable<Row> | Iterable<Row>} records @param {Mark[]} known
 */
export async function verifyLog(log, checkpoints, records, known = []) {
  /** @type {Mark[]} */ const marks = [];
  let before;
  for (const wire of checkpoints) {
    const checkpoint = readCheckpoint(wire, log);
    if (before !== undefined && checkpoint.size <= before.size) fail('audit_altered', 'checkpoints do not grow');
    const linked = before === undefined ? checkpoint.previous === undefined : checkpoint.previous?.equals(before.hash);
    if (!linked) fail('audit_altered', 'a checkpoint is missing between two');
    if (checkpoint.nth < (before?.nth ?? 0)) fail('audit_forged', 'a checkpoint is by a key that another had taken the place of');
    marks.push((before = checkpoint));
  }
  const keyPinned = known.some((each) => each.by !== undefined && marks.every(({ size, nth = -1 }) => size <= each.size || each.by?.includes(nth))); // prettier-ignore
  marks.push(...known.filter(({ size }) => size > 0));
  marks.sort((a, b) => a.size - b.size);
  const [tree, order] = [new Tree(), new Order()];
  let [next, good, leaves, leading] = [0, 0, 0, 0];
  for await (const record of records) {
    if ('leaf' in record) {
      leaves += 1; // [BUNDLE-3]
      if (leading === tree.size) leading += 1;
      tree.add(record.leaf);
    } else {
      order.take(tree.size, log.agent, record.event);
      tree.add(sha256(Buffer.of(0), record.event));
    }
    for (let mark = marks[next]; mark?.size === tree.size; mark = marks[(next += 1)]) {
      const where = { from: good, to: mark.size - 1 };
      if (!mark.root.equals(tree.root())) fail('audit_altered', `records ${good} to ${where.to} are not what was signed`, where);
      good = mark.size;
    }
  }
  const newest = marks.at(-1)?.size ?? 0;
  const where = { from: tree.size, to: newest - 1 };
  if (newest > tree.size) fail('audit_truncated', `${newest} records were signed, ${tree.size} are left`, where);
  const pruned = Math.min(leading, order.pruned.below); // [BUNDLE-9]
  const counts = { records: tree.size, covered: newest, checkpoints: checkpoints.length, pruned, withheld: leaves - pruned };
  return { ...counts, ...order.counts, keyPinned, policy: order.pruned, root: tree.root() };
}

// --- The bundle (spec/audit-bundle.md) --------------------------------------------------------------------------------------------------
/** @param {unknown} value @param {'hex' | 'base64url'} form @param {number} [length] */
export function bytesFrom(value, form, length) {
  const bytes = typeof value === 'string' ? Buffer.from(value, form) : Buffer.alloc(0);
  const fits = bytes.toString(form) === value && bytes.length === (length ?? bytes.length);
  return fits ? bytes : fail('bundle_shape', `${form} expected`); // [BUNDLE-1]
}

/** @param {string} line @returns {Record<string, unknown>} */
export function parseLine(line) {
  try {
    const value = /** @type {unknown} */ (JSON.parse(line));
    if (typeof value === 'object' && value !== null) return /** @type {Record<string, unknown>} */ (value);
  } catch {
    // said below
  }
  return fail('bundle_shape', 'a line is no JSON object');
}

/** Whose log it is, as the first line of a bundle or of a checkpoint's file says. @param {Record<string, unknown>} head @returns {Log} */
export function logOf(head) {
  if (head.v !== 1) fail('bundle_shape', 'not an audit bundle or checkpoint of version 1');
  const earlier = /** @type {unknown[]} */ (Array.isArray(head.earlierKeys) ? head.earlierKeys : []);
  const keys = [...earlier, head.agentKey].map((key) => bytesFrom(key, 'hex', 65));
  return { fleet: bytesFrom(head.fleet, 'hex', 32), agent: bytesFrom(head.agent, 'hex', 16), keys };
}

/**
 * That a log has two histories: it published two checkpoints, and the newer one's tree does not begin with the older one's. [WITNESS-15]
 * @param {Record<string, unknown>} said @param {Trusted} trusted
 */
export function verifyFork(said, { keys, witnesses }) {
  const claimed = logOf(said);
  const log = { ...claimed, keys: keys.length > 0 ? keys.map((key) => bytesFrom(key, 'hex', 65)) : claimed.keys };
  const [older, newer] = [readPublished(String(said.older), log, witnesses), readPublished(String(said.newer), log, witnesses)];
  const tree = new Tree();
  let was = older.root;
  const roots = Array.isArray(said.subtrees) ? said.subtrees : fail('bundle_shape', 'no subtrees');
  for (const root of roots) {
    const end = tree.size < older.size ? older.size : newer.size;
    let width = 1;
    while (tree.size % (2 * width) === 0 && tree.size + 2 * width <= end) width *= 2;
    tree.add(bytesFrom(root, 'hex', 32), width);
    if (tree.size === older.size) was = tree.root();
  }
  if (was.equals(older.root) || tree.size !== newer.size || !tree.root().equals(newer.root))
    fail('proof_invalid', 'the two checkpoints do not contradict each other');
  const proven = [`the first ${older.size} records of the ${newer.size} that it published are others than it had published`];
  proven.push(...older.witnesses.map(({ name }) => `witness ${name} cosigned both`));
  const unproven = keys.length > 0 ? [] : ["whose key it is: the file's own word (--key)"];
  const [, fleet, agent] = originOf(log).split('/');
  return { fleet, agent, sizes: [older.size, newer.size], headline: `it is forked: the log of agent ${agent}`, proven, unproven };
}

/**
 * Reads a bundle line by line; a file of any size takes little memory. `checkpoint`: a file from elsewhere; `keys`: the agent's, in hex;
 * `witnesses`: the verifier keys of those that must have cosigned the checkpoint.
 * @typedef {{ checkpoint?: string | undefined, keys: string[], witnesses: string[] }} Trusted
 * @param {string} file @param {Trusted} trusted
 */
async function verifyFile(file, { checkpoint, keys, witnesses }) {
  const input = createReadStream(file, 'utf8');
  const lines = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]();
  const next = async () => parseLine((await lines.next()).value ?? '');
  try {
    const head = await next();
    if (head.type === 'holdfast-audit-fork') return verifyFork(head, { keys, witnesses });
    if (head.type !== 'holdfast-audit-bundle') fail('bundle_shape', 'not an audit bundle');
    const claimed = logOf(head);
    const text = checkpoint === undefined ? undefined : readFileSync(checkpoint, 'utf8');
    const published = text?.startsWith('holdfast/log/') === true;
    const known = text === undefined || published ? undefined : parseLine(text.trim());
    if (known !== undefined && known.type !== 'holdfast-audit-checkpoint') fail('bundle_shape', 'not a checkpoint');
    if (witnesses.length > 0 && !published) fail('witness_missing', 'witnesses cosign a published checkpoint (--checkpoint)');
    const from = known === undefined ? undefined : logOf(known);
    const pinned = [...(from?.keys ?? []), ...keys.map((key) => bytesFrom(key, 'hex', 65))]; // [BUNDLE-4] [BUNDLE-5]
    if (from !== undefined && originOf(from) !== originOf(claimed)) fail('audit_forged', 'the checkpoint is of another log');
    const log = { ...claimed, keys: pinned.length > 0 ? pinned : claimed.keys };
    const note = published ? readPublished(text, log, witnesses) : undefined;
    const anchor = from === undefined ? note : readCheckpoint(bytesFrom(known?.checkpoint, 'base64url'), log);
    /** @type {Buffer[]} */ const checkpoints = [];
    while (checkpoints.length < Number(head.checkpoints)) checkpoints.push(bytesFrom((await next()).checkpoint, 'base64url'));
    const verdict = await verifyLog(log, checkpoints, recordsFrom(lines), anchor === undefined ? [] : [anchor]);
    if (head.records !== verdict.records)
      fail('audit_truncated', `the bundle names ${String(head.records)} records and holds ${verdict.records}`); // [BUNDLE-2]
    const keyPinned = pinned.length > 0 || verdict.keyPinned; // [BUNDLE-8]
    return explained(log, { ...verdict, keyPinned, anchoredAt: anchor?.size, witnesses: note?.witnesses ?? [] });
  } finally {
    input.destroy();
  }
}

/** @param {AsyncIterator<string>} lines @returns {AsyncGenerator<{ event: Buffer } | { leaf: Buffer }>} */
async function* recordsFrom(lines) {
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    const { event, leaf } = parseLine(line.value);
    yield event === undefined ? { leaf: bytesFrom(leaf, 'hex', 32) } : { event: bytesFrom(event, 'base64url') };
  }
}

// --- The command ------------------------------------------------------------------------------------------------------------------------
/** @param {unknown} thrown */
const messageOf = (thrown) => (thrown instanceof Error ? thrown.message : String(thrown));

const usage = `usage: holdfast-verify FILE [--checkpoint FILE] [--key HEX]… [--witness KEY]… [--json]

FILE          what \`holdfast audit export --format bundle\` wrote, or \`holdfast audit verify --fork-out\`: the proof of two histories
--checkpoint  what \`holdfast audit checkpoint\` wrote, at another time or place: its keys are believed, and the log must have made it
--key         the agent's public key (65 bytes in hex), known from elsewhere
--witness     the verifier key (name+id+key) of who must have cosigned the published checkpoint
`;

/**
 * @typedef {{ anchoredAt: number | undefined, witnesses: ReturnType<typeof seenBy>[] }} Known
 * @param {Log} log @param {Awaited<ReturnType<typeof verifyLog>> & Known} verdict
 */
function explained(log, verdict) {
  const { records, covered, checkpoints, pruned, policy, withheld, dropped, keyPinned, anchoredAt, witnesses } = verdict;
  const proven = [`records 0 to ${covered - 1} are what was signed, in this order, none left out (${checkpoints} checkpoints)`];
  const unproven = [];
  if (covered === 0) proven[0] = 'nothing: no checkpoint covers a record';
  if (anchoredAt !== undefined) proven.push(`the log goes on from the checkpoint that you hold (${anchoredAt} records)`);
  else unproven.push('that there is no other log: compare a checkpoint from elsewhere (--checkpoint)');
  for (const { name, atMs } of witnesses)
    proven.push(`${name} saw the log only grow, up to that checkpoint, at ${new Date(atMs).toISOString()}`);
  const known = anchoredAt === undefined ? 'it is' : 'signed what came later';
  if (keyPinned) proven.push('a key that you named, or that published the checkpoint, certified what signed it');
  else unproven.push(`whose key ${known}: the bundle's own word (--key, --checkpoint)`);
  if (records > covered) unproven.push(`records ${covered} to ${records - 1}: no checkpoint covers them yet`);
  if (pruned > 0) unproven.push(`what ${pruned} records said: policy ${policy.version} had them pruned, of ${policy.days} days`);
  if (withheld > 0) unproven.push(`what ${withheld} records say: the bundle withholds them, and holds their hashes alone`);
  if (dropped > 0) unproven.push(`what ${dropped} events were: the log counted them and left them out`);
  const [[, fleet, agent], root] = [originOf(log).split('/'), verdict.root.toString('hex')];
  const headline = `it holds: ${records} records of agent ${agent}, root ${root}`;
  return { ...verdict, fleet, agent, root, headline, proven, unproven };
}

/** @param {string[]} args @param {(text: string) => void} say @returns {Promise<number>} the exit code */
async function main(args, say) {
  const [text, flag] = [{ type: /** @type {const} */ ('string') }, { type: /** @type {const} */ ('boolean') }];
  const many = /** @type {const} */ ({ ...text, multiple: true });
  const options = { checkpoint: text, key: many, witness: many, json: flag, help: flag };
  const json = args.includes('--json');
  try {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
    const [file, ...others] = positionals;
    if (values.help === true || file === undefined || others.length > 0) {
      say(usage);
      return values.help === true ? 0 : 2;
    }
    const { checkpoint, key: keys = [], witness: witnesses = [] } = values;
    const { headline, ...said } = await verifyFile(file, { checkpoint, keys, witnesses });
    const lines = [said.proven.map((line) => `  proven    ${line}`), said.unproven.map((line) => `  unproven  ${line}`)].flat();
    say(json ? `${JSON.stringify({ ok: true, ...said })}\n` : `${[headline, ...lines].join('\n')}\n`);
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof Fault)) {
      const isUsage = String(/** @type {{ code?: unknown }} */ (thrown).code).startsWith('ERR_PARSE_ARGS');
      say(`${messageOf(thrown)}\n${isUsage ? usage : ''}`);
      return isUsage ? 2 : 1;
    }
    const { code, message, where } = thrown;
    say(json ? `${JSON.stringify({ ok: false, code, message, where })}\n` : `it does not hold: ${message} (${code})\n`);
    return 4;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2), (text) => void process.stdout.write(text));
}
