#!/usr/bin/env node
// Verifies an exported audit log (spec/audit-bundle.md) on any machine: `npx holdfast-verify BUNDLE [--checkpoint FILE] [--key HEX]`.
// It stands alone, on purpose: one file, Node's own crypto, no line shared with what writes the log, so that a fault of the writer is not
// repeated by its reader. It takes public keys and a checkpoint from elsewhere, and says what that proves and what it does not.
// Exit codes: 0 it holds, 1 it could not be read, 2 wrong usage, 4 it does not hold.

import { createHash, createPublicKey, verify as verifyEcdsa } from 'node:crypto';
import { createReadStream, readFileSync, realpathSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** A verdict against the log. `where`: the first and last record that can be meant, where that is known. */
class Fault extends Error {
  code = '';
  /** @type {{ from: number, to: number } | undefined} */
  where;
}

/** @param {string} code as the pages of spec/ name it @param {string} message @param {Fault['where']} [where] @returns {never} */
function fail(code, message, where) {
  throw Object.assign(new Fault(message), { code, where });
}

// --- CBOR in the one form that the log uses (spec/codec.md) ---------------------------------------------------------------------------

const maxDepth = 16;

/** The value that all of `bytes` is. @param {Buffer} bytes @returns {unknown} */
function decodeCbor(bytes) {
  let at = 0;
  /** @type {() => never} */
  const bad = () => fail('codec_shape', `not deterministic CBOR at byte ${at}`);
  /** @param {number} count */
  const take = (count) => {
    if (count > bytes.length - at) bad();
    return bytes.subarray(at, (at += count));
  };
  /** @param {number} short */
  const argument = (short) => {
    if (short < 24) return short;
    if (short > 27) bad();
    const size = 1 << (short - 24);
    const wide = take(size);
    const value = size === 8 ? wide.readBigUInt64BE() : BigInt(wide.readUIntBE(0, size));
    const least = size === 1 ? 24n : 1n << BigInt(size * 4);
    if (value < least || value > BigInt(Number.MAX_SAFE_INTEGER)) bad();
    return Number(value);
  };
  /** @param {number} depth @returns {unknown} */
  const value = (depth) => {
    if (depth > maxDepth) bad();
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
    /** @type {Map<string, unknown>} */
    const map = new Map();
    /** @type {Buffer} */
    let before = Buffer.alloc(0);
    for (let index = 0; index < count; index += 1) {
      const start = at;
      const key = value(depth + 1);
      const encoded = bytes.subarray(start, at);
      if (typeof key !== 'string' || (index > 0 && Buffer.compare(before, encoded) >= 0)) return bad();
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

/** The fields of a map, read by name; each is of its kind, or the map is none of ours. */
class Fields {
  /** @param {Buffer} bytes */
  constructor(bytes) {
    const map = decodeCbor(bytes);
    if (!(map instanceof Map)) fail('codec_shape', 'not a map');
    this.map = /** @type {Map<string, unknown>} */ (map);
  }
  /** @param {string} name @returns {never} */
  bad(name) {
    fail('codec_shape', `field ${name} is missing or has another shape`);
  }
  /** @param {string} name @param {number} [length] */
  bytes(name, length) {
    const value = this.map.get(name);
    return Buffer.isBuffer(value) && value.length === (length ?? value.length) ? value : this.bad(name);
  }
  /** @param {string} name */
  whole(name) {
    const value = this.map.get(name);
    return typeof value === 'number' && value >= 0 ? value : this.bad(name);
  }
  /** @param {string} name */
  text(name) {
    const value = this.map.get(name);
    return typeof value === 'string' ? value : this.bad(name);
  }
  /** No others. @param {string[]} names */
  only(...names) {
    for (const name of this.map.keys()) if (!names.includes(name)) fail('codec_shape', `unknown field ${name}`);
    return this;
  }
}

// --- Signatures (spec/keys.md) --------------------------------------------------------------------------------------------------------

const halfOrder = Buffer.from('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8', 'hex');
const maxSessionKeyMs = 600_000;

/** @param {string} domain @param {Buffer} statement */
const signingInput = (domain, statement) => Buffer.concat([Buffer.from(`holdfast/v1 ${domain}\0`), statement]);
/** @param {Buffer[]} parts */
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

/** RFC 5480. @param {Buffer} point */
const spkiOf = (point) => Buffer.concat([Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'), point]);
/** ES256, with the smaller s. @param {string} domain @param {Buffer} statement @param {Buffer} signature @param {Buffer} point of 65 bytes */
function isSigned(domain, statement, signature, point) {
  if (Buffer.compare(signature.subarray(32), halfOrder) > 0) return false;
  try {
    const key = createPublicKey({ key: spkiOf(point), format: 'der', type: 'spki' });
    const input = domain === '' ? statement : signingInput(domain, statement); // a note is signed as it stands
    return point[0] === 4 && verifyEcdsa('sha256', input, { key, dsaEncoding: 'ieee-p1363' }, signature);
  } catch {
    return false; // not a point of the curve
  }
}

/**
 * `keys`: the agent's, in the order in which it had them; each signs until the next one has.
 * @typedef {{ fleet: Buffer, agent: Buffer, keys: Buffer[] }} Log
 * `by`: the keys whose word the reader has from elsewhere, for what comes after it.
 * @typedef {{ size: number, root: Buffer, nth?: number, by?: number[] }} Mark
 */

/** The session key of a certificate that one of the agent's keys signed, and which of them. @param {Buffer} wire @param {Log} log */
function certifiedKey(wire, { fleet, agent, keys }) {
  try {
    const certificate = new Fields(wire).only('statement', 'signature');
    const [statement, signature] = [certificate.bytes('statement'), certificate.bytes('signature', 64)];
    const said = new Fields(statement).only('v', 'fleet', 'agent', 'key', 'notBeforeMs', 'notAfterMs');
    const [from, to, key] = [said.whole('notBeforeMs'), said.whole('notAfterMs'), said.bytes('key', 65)];
    const nth = keys.findIndex((each) => isSigned('session-key', statement, signature, each));
    if (nth < 0 || said.whole('v') !== 1 || to <= from || to - from > maxSessionKeyMs) throw new Error('no certificate');
    if (!said.bytes('fleet').equals(fleet) || !said.bytes('agent').equals(agent)) throw new Error('of another');
    return { from, to, key, nth };
  } catch {
    fail('audit_forged', 'no key of this agent certified what signed a checkpoint');
  }
}

/**
 * A checkpoint whose signature, certificate and names hold. The hash is what the next one says as its `previous`.
 * @param {Buffer} wire @param {Log} log
 * @returns {Mark & { nth: number, previous: Buffer | undefined, hash: Buffer }}
 */
function readCheckpoint(wire, log) {
  const outer = new Fields(wire).only('statement', 'signature', 'certificate');
  const [statement, signature] = [outer.bytes('statement'), outer.bytes('signature', 64)];
  const said = new Fields(statement).only('v', 'fleet', 'agent', 'origin', 'size', 'root', 'atMs', 'previous');
  const [size, root, atMs] = [said.whole('size'), said.bytes('root', 32), said.whole('atMs')];
  const previous = said.map.has('previous') ? said.bytes('previous', 32) : undefined;
  const names = [said.bytes('fleet', 32), said.bytes('agent', 16)].map((name) => name.toString('hex'));
  if (said.whole('v') !== 1 || size < 1) said.bad('size');
  const { from, to, key, nth } = certifiedKey(outer.bytes('certificate'), log);
  if (atMs < from || atMs > to) fail('audit_time', 'a checkpoint is dated outside its certificate');
  if (!isSigned('audit-checkpoint', statement, signature, key))
    fail('audit_forged', 'the signature of a checkpoint does not verify');
  const origin = `holdfast/${log.fleet.toString('hex')}/${log.agent.toString('hex')}`;
  if (said.text('origin') !== origin || `holdfast/${names.join('/')}` !== origin)
    fail('audit_forged', 'a checkpoint is of another log');
  return { size, root, nth, previous, hash: sha256(signingInput('audit-checkpoint', statement)) };
}

/**
 * A checkpoint as it is published (spec/witness.md), signed by one of the log's keys. Witnesses' lines are left unread.
 * @param {string} note @param {Log} log @returns {Mark}
 */
export function readPublished(note, { fleet, agent, keys }) {
  const end = note.lastIndexOf('\n\n') + 1;
  const [text, lines] = [note.slice(0, end), note.slice(end + 1).split('\n').map((line) => /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]{8,}=*)$/u.exec(line))]; // prettier-ignore
  const [, origin, size, root] = /^(holdfast\/log\/[0-9a-f]{64})\n([1-9]\d{0,14})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text) ?? [];
  if (root === undefined || lines.pop() !== null || lines.length === 0 || lines.includes(null))
    fail('bundle_shape', 'not a published checkpoint'); // [WITNESS-1] [WITNESS-3]
  if (origin !== `holdfast/log/${sha256(Buffer.from('holdfast/v1 log\0'), fleet, agent).toString('hex')}`)
    fail('audit_forged', 'the checkpoint is of another log'); // [WITNESS-2]
  const own = lines.flatMap((line) => (line?.[1] === origin ? [Buffer.from(line[2] ?? '', 'base64')] : []));
  const signed = keys.flatMap((point, nth) => {
    const by = own.filter((line) => line.subarray(0, 4).equals(sha256(spkiOf(point)).subarray(0, 4)));
    return by.map((line) => (isSigned('', Buffer.from(text), rawOf(line.subarray(4)), point) ? nth : -1));
  });
  const by = new Set(signed).size === 1 ? signed : [];
  if (signed.length > 0 && !signed.includes(-1)) return { size: Number(size), root: Buffer.from(root, 'base64'), by };
  fail('audit_forged', 'no key of this agent signed the checkpoint'); // [WITNESS-4]
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
  /** @type {Buffer[]} */
  peaks = [];

  /** @param {Buffer} leaf the hash of it */
  add(leaf) {
    let joined = leaf;
    for (let rest = this.size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      joined = sha256(Buffer.of(1), /** @type {Buffer} */ (this.peaks.pop()), joined);
    }
    this.peaks.push(joined);
    this.size += 1;
  }

  root() {
    return this.peaks.length === 0 ? sha256() : this.peaks.reduceRight((right, left) => sha256(Buffer.of(1), left, right));
  }
}

/** Number, agent and time of each record, against those before it. */
class Order {
  /** @type {Set<string>} */
  ended = new Set();
  run = '';
  monotonicUs = 0;
  lastAtMs = 0;
  counts = { runs: 0, dropped: 0, setBack: 0 };

  /** @param {number} at @param {Buffer} agent @param {Buffer} bytes */
  take(at, agent, bytes) {
    const refuse = (/** @type {string} */ code, /** @type {string} */ why) =>
      fail(code, `record ${at} ${why}`, { from: at, to: at });
    const event = this.read(at, bytes);
    if (event.sequence > at) refuse('audit_gap', 'is missing');
    if (event.sequence < at) refuse('audit_altered', `says that it is number ${event.sequence}`);
    if (!event.agent.equals(agent)) refuse('audit_forged', 'is of another agent');
    if (event.run !== this.run) {
      if (this.run !== '') this.ended.add(this.run);
      if (this.ended.has(event.run)) refuse('audit_time', 'is of a run that had ended');
      this.run = event.run;
      this.counts.runs += 1;
    } else if (event.monotonicUs < this.monotonicUs) refuse('audit_time', 'is before its predecessor');
    if (event.atMs < this.lastAtMs) this.counts.setBack += 1;
    this.monotonicUs = event.monotonicUs;
    this.lastAtMs = event.atMs;
    this.counts.dropped += event.dropped;
  }
  /** The stamp that every record carries; what else it says is its writer's. @param {number} at @param {Buffer} bytes */
  read(at, bytes) {
    try {
      const event = new Fields(bytes);
      if (event.whole('v') !== 1) event.bad('v');
      const dropped = event.text('kind') === 'gap' ? event.map.get('dropped') : [];
      const counts = (Array.isArray(dropped) ? dropped : []).map((/** @type {unknown} */ each) =>
        each instanceof Map ? Number(each.get('count')) : 0,
      );
      return {
        agent: event.bytes('agent', 16),
        sequence: event.whole('sequence'),
        run: event.bytes('run', 16).toString('hex'),
        atMs: event.whole('atMs'),
        monotonicUs: event.whole('monotonicUs'),
        dropped: counts.reduce((sum, count) => sum + count, 0),
      };
    } catch (thrown) {
      return fail('audit_altered', `record ${at} cannot be read: ${messageOf(thrown)}`, { from: at, to: at });
    }
  }
}

/**
 * A whole log against its checkpoints, as stored and oldest first, and against `known` from elsewhere.
 * @typedef {{ event: Buffer } | { leaf: Buffer }} Row
 * @param {Log} log @param {Buffer[]} checkpoints @param {AsyncIterable<Row> | Iterable<Row>} records @param {Mark[]} known
 */
export async function verifyLog(log, checkpoints, records, known = []) {
  /** @type {Mark[]} */
  const marks = [];
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
  const tree = new Tree();
  const order = new Order();
  let [next, good, withheld] = [0, 0, 0];
  for await (const record of records) {
    if ('leaf' in record) {
      withheld += 1; // [BUNDLE-3]
      tree.add(record.leaf);
    } else {
      order.take(tree.size, log.agent, record.event);
      tree.add(sha256(Buffer.of(0), record.event));
    }
    for (let mark = marks[next]; mark?.size === tree.size; mark = marks[(next += 1)]) {
      if (!mark.root.equals(tree.root())) {
        const where = { from: good, to: mark.size - 1 };
        fail('audit_altered', `records ${good} to ${where.to} are not those that were signed`, where);
      }
      good = mark.size;
    }
  }
  const newest = marks.at(-1)?.size ?? 0;
  if (newest > tree.size) {
    const where = { from: tree.size, to: newest - 1 };
    fail('audit_truncated', `${newest} records were signed, ${tree.size} are left`, where);
  }
  const counts = { records: tree.size, covered: newest, checkpoints: checkpoints.length, withheld, ...order.counts };
  return { ...counts, keyPinned, root: tree.root() };
}

// --- The bundle (spec/audit-bundle.md) --------------------------------------------------------------------------------------------------

/** @param {unknown} value @param {'hex' | 'base64url'} form @param {number} [length] */
function bytesFrom(value, form, length) {
  const bytes = typeof value === 'string' ? Buffer.from(value, form) : Buffer.alloc(0);
  if (bytes.toString(form) !== value || (length !== undefined && bytes.length !== length))
    fail('bundle_shape', `${form} expected`); // [BUNDLE-1]
  return bytes;
}

/** @param {string} line @returns {Record<string, unknown>} */
function parseLine(line) {
  try {
    /** @type {unknown} */
    const value = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return /** @type {Record<string, unknown>} */ (value);
  } catch {
    // said below
  }
  fail('bundle_shape', 'a line is no JSON object');
}

/** Whose log it is, as the first line of a bundle or of a checkpoint's file says. @param {Record<string, unknown>} head @returns {Log} */
function logOf(head) {
  if (head.v !== 1) fail('bundle_shape', 'not an audit bundle or checkpoint of version 1');
  const earlier = /** @type {unknown[]} */ (Array.isArray(head.earlierKeys) ? head.earlierKeys : []);
  return {
    fleet: bytesFrom(head.fleet, 'hex', 32),
    agent: bytesFrom(head.agent, 'hex', 16),
    keys: [...earlier, head.agentKey].map((key) => bytesFrom(key, 'hex', 65)),
  };
}

/**
 * Reads a bundle line by line; a file of any size takes little memory. `checkpoint`: a file from elsewhere; `keys`: the agent's, in hex.
 * @param {string} file @param {{ checkpoint?: string, keys?: string[] }} trusted
 */
async function verifyBundle(file, { checkpoint, keys = [] } = {}) {
  const input = createReadStream(file, 'utf8');
  const lines = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]();
  try {
    const first = await lines.next();
    const head = parseLine(first.done === true ? '' : first.value);
    if (head.type !== 'holdfast-audit-bundle') fail('bundle_shape', 'not an audit bundle');
    const claimed = logOf(head);
    const text = checkpoint === undefined ? undefined : readFileSync(checkpoint, 'utf8');
    const published = text?.startsWith('holdfast/log/') === true;
    const known = text === undefined || published ? undefined : parseLine(text.trim());
    if (known !== undefined && known.type !== 'holdfast-audit-checkpoint') fail('bundle_shape', 'not a checkpoint');
    const from = known === undefined ? undefined : logOf(known);
    // [BUNDLE-4] [BUNDLE-5]
    const pinned = [...(from?.keys ?? []), ...keys.map((key) => bytesFrom(key, 'hex', 65))];
    if (from !== undefined && !(from.fleet.equals(claimed.fleet) && from.agent.equals(claimed.agent)))
      fail('audit_forged', 'the bundle is of another log than the checkpoint');
    const log = { ...claimed, keys: pinned.length > 0 ? pinned : claimed.keys };
    /** @type {Mark[]} */
    const marks = from === undefined ? [] : [readCheckpoint(bytesFrom(known?.checkpoint, 'base64url'), log)];
    if (published) marks.push(readPublished(text, log));
    /** @type {Buffer[]} */
    const checkpoints = [];
    for (let count = 0; count < Number(head.checkpoints); count += 1) {
      const line = await lines.next();
      checkpoints.push(bytesFrom(parseLine(line.done === true ? '' : line.value).checkpoint, 'base64url'));
    }
    const verdict = await verifyLog(log, checkpoints, recordsFrom(lines), marks);
    if (head.records !== verdict.records)
      // [BUNDLE-2]
      fail('audit_truncated', `the bundle names ${String(head.records)} records and holds ${verdict.records}`);
    const keyPinned = pinned.length > 0 || verdict.keyPinned; // [BUNDLE-8]
    return { ...verdict, fleet: log.fleet, agent: log.agent, keyPinned, anchoredAt: marks[0]?.size };
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

const usage = `usage: holdfast-verify BUNDLE [--checkpoint FILE] [--key HEX]… [--json]

BUNDLE        what \`holdfast audit export --format bundle\` wrote
--checkpoint  what \`holdfast audit checkpoint\` wrote, at another time or place: its keys are believed, and the log must have made it
--key         the agent's public key (65 bytes in hex), known from elsewhere
`;

/** @param {Awaited<ReturnType<typeof verifyBundle>>} verdict @returns {{ proven: string[], unproven: string[] }} */
function explain({ records, covered, checkpoints, withheld, dropped, keyPinned, anchoredAt }) {
  const proven = [`records 0 to ${covered - 1} are what was signed, in this order, none left out (${checkpoints} checkpoints)`];
  const unproven = [];
  if (covered === 0) proven[0] = 'nothing: no checkpoint covers a record';
  if (anchoredAt !== undefined) proven.push(`the log goes on from the checkpoint that you hold (${anchoredAt} records)`);
  else unproven.push('that there is no other log: compare a checkpoint from elsewhere (--checkpoint)');
  const known = anchoredAt === undefined ? 'it is' : 'signed what came later';
  if (keyPinned) proven.push('a key that you named, or that published the checkpoint, certified what signed it');
  else unproven.push(`whose key ${known}: the bundle's own word (--key, --checkpoint)`);
  if (records > covered) unproven.push(`records ${covered} to ${records - 1}: no checkpoint covers them yet`);
  if (withheld > 0) unproven.push(`what ${withheld} records say: the bundle holds their hashes alone`);
  if (dropped > 0) unproven.push(`what ${dropped} events were: the log counted them and left them out`);
  return { proven, unproven };
}

/** @param {string[]} argv @param {(text: string) => void} say @returns {Promise<number>} the exit code */
async function main(argv, say) {
  let parsed;
  try {
    const options = /** @type {const} */ ({
      checkpoint: { type: 'string' }, key: { type: 'string', multiple: true }, json: { type: 'boolean' }, help: { type: 'boolean' },
    }); // prettier-ignore
    parsed = parseArgs({ args: argv, allowPositionals: true, options });
  } catch (thrown) {
    say(`${messageOf(thrown)}\n${usage}`);
    return 2;
  }
  const { values, positionals } = parsed;
  const [file] = positionals;
  if (values.help === true || file === undefined || positionals.length > 1) {
    say(usage);
    return values.help === true ? 0 : 2;
  }
  try {
    const trusted = { keys: values.key ?? [], ...(values.checkpoint === undefined ? {} : { checkpoint: values.checkpoint }) };
    const verdict = await verifyBundle(file, trusted);
    const { proven, unproven } = explain(verdict);
    const [fleet, agent, root] = [verdict.fleet, verdict.agent, verdict.root].map((bytes) => bytes.toString('hex'));
    if (values.json === true) say(`${JSON.stringify({ ok: true, ...verdict, fleet, agent, root, proven, unproven })}\n`);
    else {
      const list = [...proven.map((line) => `  proven    ${line}`), ...unproven.map((line) => `  unproven  ${line}`)];
      say(`it holds: ${verdict.records} records of agent ${agent}, root ${root}\n${list.join('\n')}\n`);
    }
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof Fault)) {
      say(`${messageOf(thrown)}\n`);
      return 1;
    }
    const { code, message, where } = thrown;
    const json = JSON.stringify({ ok: false, code, message, where });
    say(`${values.json === true ? json : `it does not hold: ${message} (${code})`}\n`);
    return 4;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2), (text) => void process.stdout.write(text));
}
