#!/usr/bin/env node
// Tells of each use of a credential in an exported log who was allowed what by whom (spec/authority.md): `holdfast-authority BUNDLE --root FILE`.
// As holdfast-verify.mjs beside it, which first says whether the log holds, it shares no line with what writes logs, and needs Node and nothing else.
// It trusts the root, which comes from the operator: a fleet's id, the key of the device that made it, and the devices that were removed.
// Exit codes: 0 every use had its whole authority, 1 it could not be read, 2 wrong usage, 4 the log does not hold, or some use had not.

import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bytesFrom, decodeCbor, fail, Fault, isEs256, isSigned, logOf, parseLine, sha256, signingInput, verifyLog } from './holdfast-verify.mjs'; // prettier-ignore

/** Why a use had not its whole authority, or what was read is none of ours. @param {string} code @returns {never} */
const lack = (code) => fail(code, code);
/** @param {string} text */
const ascii = (text) => Buffer.from(text, 'latin1');

// --- What is signed ---------------------------------------------------------------------------------------------------------------------

/** A map of the log or of a warrant, read by name. What is absent, or of another kind, reads as nothing: '', 0 or undefined. */
class Fields {
  /** @param {unknown} map */
  constructor(map) {
    this.map = map instanceof Map ? /** @type {Map<string, unknown>} */ (map) : lack('codec_shape');
  }
  /** @param {string} name */
  bytes(name) {
    const value = this.map.get(name);
    return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
  }
  /** @param {string} name */
  hex(name) {
    return this.bytes(name).toString('hex');
  }
  /** @param {string} name */
  number(name) {
    const value = this.map.get(name);
    return typeof value === 'number' ? value : undefined;
  }
  /** @param {string} name */
  text(name) {
    const value = this.map.get(name);
    return typeof value === 'string' ? value : '';
  }
  /** @param {string} name */
  within(name) {
    return new Fields(this.map.get(name));
  }
  /** Each as it compares: bytes in hex. @param {string} name */
  list(name) {
    const value = this.map.get(name);
    return Array.isArray(value) ? /** @type {unknown[]} */ (value).map((each) => (Buffer.isBuffer(each) ? each.toString('hex') : each)) : undefined; // prettier-ignore
  }
}

/** @typedef {{ x?: string, y?: string }} Jwk */
/** @typedef {{ alg?: string, typ?: string, chain?: string[], iss?: string, sub?: string, operator?: string, iat?: number, exp?: number, cnf?: { jwk?: Jwk } }} Token */
/** @param {Jwk | undefined} jwk */
const pointOf = (jwk) => Buffer.concat([Buffer.of(4), ...[jwk?.x, jwk?.y].map((half) => Buffer.from(half ?? '', 'base64url'))]);
/** @param {string} kind @param {unknown} urn */
const idOf = (kind, urn) => Buffer.from(new RegExp(`^urn:holdfast:${kind}:([0-9a-f]+)$`).exec(String(urn))?.[1] ?? '', 'hex');

/** @param {Buffer} point */
const deviceIdOf = (point) => sha256(ascii('holdfast/v1 device\0'), point).subarray(0, 16);

/** A token's header and payload, by a key. @param {string} type @param {string} token @param {(header: Token) => Buffer} keyOf */
function readToken(type, token, keyOf) {
  const [header, payload, signature, more] = token.split('.');
  const parse = (/** @type {string | undefined} */ part) =>
    /** @type {Token} */ (JSON.parse(Buffer.from(part ?? '', 'base64url').toString()));
  const said = parse(header);
  const unknown = Object.keys(said).some((name) => !['alg', 'typ', 'kid', 'chain'].includes(name));
  if (said.alg !== 'ES256' || said.typ !== type || unknown || more !== undefined) lack('credential_invalid');
  if (!isEs256(ascii(`${header}.${payload}`), Buffer.from(signature ?? '', 'base64url'), keyOf(said))) lack('credential_invalid');
  return parse(payload);
}

// --- What leads to the root -------------------------------------------------------------------------------------------------------------

/** @typedef {{ fleet: string, key: Jwk, removed?: { device: string, atMs: number }[] }} Root */
/** @typedef {{ root: Root, chains: string[][], credentials: string[], warrants: string[] }} Authority */
/** @typedef {{ digest: string, said: Fields, statement: Buffer, signature: Buffer }} Warrant */

class Proofs {
  /** Keys of devices, by id. @type {Map<string, Buffer>} */
  devices = new Map();
  /** @type {{ point: Buffer, untilMs: number }[]} */
  bound = [];
  /** @type {Map<string, Warrant>} */
  warrants = new Map();

  /** @param {Root} root @param {Authority} said as the first line of the bundle has it @param {string} agent */
  constructor(root, said, agent) {
    this.root = root;
    for (const chain of [[], ...said.chains]) this.attempt(() => this.follow(chain));
    for (const credential of said.credentials) this.attempt(() => this.bind(credential, agent));
    for (const wire of said.warrants) {
      const warrant = readWarrant(Buffer.from(wire, 'base64url'));
      this.warrants.set(warrant.digest, warrant);
    }
  }

  /** What does not lead to the root is nothing. @param {() => void} act */
  attempt(act) {
    try {
      act();
    } catch {
      // left out
    }
  }

  /** The device at the end of a chain. @param {string[]} chain */
  follow(chain) {
    let point = pointOf(this.root.key);
    let device = deviceIdOf(point);
    for (const link of chain) {
      const signer = point;
      const said = readToken('device+jwt', link, () => signer);
      if (said.iss !== `urn:holdfast:fleet:${this.root.fleet}`) lack('credential_foreign');
      if (this.hadEnded(device.toString('hex'), (said.iat ?? Infinity) * 1000)) lack('device_unknown');
      [point, device] = [pointOf(said.cnf?.jwk), idOf('device', said.sub)];
      if (!device.equals(deviceIdOf(point))) lack('device_unknown');
    }
    this.devices.set(device.toString('hex'), point);
    return { point, device: device.toString('hex') };
  }

  /** @param {string} credential @param {string} agent */
  bind(credential, agent) {
    let issuer = '';
    const said = readToken('dc+sd-jwt', credential.split('~')[0] ?? '', ({ chain = [] }) => {
      const found = this.follow(chain);
      issuer = found.device;
      return found.point;
    });
    const ours = said.iss === `urn:holdfast:fleet:${this.root.fleet}` && said.sub === `urn:holdfast:agent:${agent}`;
    if (!ours || said.operator !== `urn:holdfast:device:${issuer}` || this.hadEnded(issuer, (said.iat ?? Infinity) * 1000))
      return;
    this.bound.push({ point: pointOf(said.cnf?.jwk), untilMs: (said.exp ?? 0) * 1000 });
  }

  /** @param {string} device @param {number} atMs */
  hadEnded(device, atMs) {
    return (this.root.removed ?? []).some((each) => each.device === device && !(atMs < each.atMs));
  }

  /** [AUTHORITY-10] @param {Warrant | undefined} warrant @param {number} shownAtMs when the log first showed it */
  check(warrant, shownAtMs) {
    if (warrant === undefined) return lack('warrant_missing');
    const { said, statement, signature } = warrant;
    const device = said.hex('device');
    const point = this.devices.get(device);
    if (said.hex('fleet') !== this.root.fleet) return lack('warrant_invalid');
    if (point === undefined || this.hadEnded(device, Math.max(atOf(said), shownAtMs))) return lack('device_unknown');
    return isSigned('warrant', statement, signature, point) ? said : lack('warrant_invalid');
  }
}

/** @param {Fields} said */
const atOf = (said) => said.number('atMs') ?? lack('codec_shape');

/** @param {Buffer} wire @returns {Warrant} */
function readWarrant(wire) {
  const outer = new Fields(decodeCbor(wire));
  const [statement, signature] = [outer.bytes('statement'), outer.bytes('signature')];
  const said = new Fields(decodeCbor(statement));
  if (said.number('v') !== 1) lack('codec_shape');
  return { said, statement, signature, digest: sha256(signingInput('warrant', statement)).toString('hex') };
}

// --- The fence (spec/fence.md) ----------------------------------------------------------------------------------------------------------

/** One text, one reading. @param {string} path */
function isPlain(path) {
  const refused = /%(?:[01].|7F|5C|3B|25|2[DE]|3\d|[46][1-9A-F]|[57][\dA]|5F|7E)/; // controls, what parts, what needs no escape
  const parts = path.slice(1).split('/');
  if (!/^\/(?:[A-Za-z0-9._~!$&'()*+,=:@/-]|%[0-9A-F]{2})*$/.test(path) || path.length > 4096 || refused.test(path)) return false;
  if (parts.some((part, at) => part === '.' || part === '..' || (part === '' && at < parts.length - 1))) return false;
  try {
    return decodeURIComponent(path) !== '';
  } catch {
    return false;
  }
}

/** @param {string} glob @param {string} path */
function matches(glob, path) {
  const steps = glob.match(/\*\*|\*|[^*]/g) ?? [];
  /** Which ends of the path the steps so far can reach. */
  let ends = [true, ...Array.from(path, () => false)];
  for (const step of steps) {
    const next = ends.map((reached, at) =>
      step.startsWith('*') ? reached : at > 0 && ends[at - 1] === true && path[at - 1] === step,
    );
    if (step.startsWith('*'))
      for (let at = 1; at < next.length; at += 1) next[at] ||= next[at - 1] === true && (step === '**' || path[at - 1] !== '/');
    ends = next;
  }
  return ends.at(-1) === true;
}

/** @param {Fields} fence @param {{ method: string, host: string, port: number, path: string }} request @param {number} atMs [AUTHORITY-12] */
function assertInside(fence, { method, host, port, path }, atMs) {
  const hosts = (fence.list('hosts') ?? []).map((each) => new Fields(each));
  if (!hosts.some((each) => each.text('host') === host && each.number('port') === port)) lack('fence_host');
  if (fence.list('methods')?.includes(method) !== true) lack('fence_method');
  const slashes = path.split('%2F').length - 1;
  const readings = slashes === 0 ? [path] : [path, path.replaceAll('%2F', '/')];
  if (slashes > 8 || !readings.every(isPlain)) lack('path_unsafe');
  const globs = (fence.list('paths') ?? []).map(String);
  if (!readings.every((each) => globs.some((glob) => matches(glob, each)))) lack('fence_path');
  if (![atMs, atMs - recordedWithinMs].some((at) => isOpen(fence, at))) lack('fence_time');
}

/** @param {Fields} fence @param {number} atMs */
function isOpen(fence, atMs) {
  const hours = fence.list('hours')?.map((each) => new Fields(each));
  if (atMs > (fence.number('untilMs') ?? Infinity)) return false;
  return hours === undefined || hours.some((each) => {
    const [days, from, to] = [each.list('days') ?? [], each.number('from') ?? 0, each.number('to') ?? 0];
    const format = new Intl.DateTimeFormat('en-US', { timeZone: each.text('zone'), weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }); // prettier-ignore
    const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
    const day = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(parts.weekday ?? '');
    const minute = Number(parts.hour) * 60 + Number(parts.minute);
    if (from < to) return days.includes(day) && minute >= from && minute < to;
    return (days.includes(day) && minute >= from) || (days.includes((day + 6) % 7) && minute < to);
  }); // prettier-ignore
}

/** [HANDLE-3] @param {{ method: string, host: string, port: number, path: string }} request */
function requestDigest({ method, host, port, path }) {
  /** @param {number} major @param {number} value */
  const head = (major, value) => {
    if (value < 24) return Buffer.of((major << 5) | value);
    return value < 256 ? Buffer.of((major << 5) | 24, value) : Buffer.of((major << 5) | 25, value >> 8, value & 255);
  };
  /** @param {string} said */
  const text = (said) => Buffer.concat([head(3, Buffer.byteLength(said)), Buffer.from(said)]);
  const fields = [['host', text(host)], ['path', text(path)], ['port', head(0, port)], ['method', text(method)], ['scheme', text('https')]]; // prettier-ignore
  const parts = fields.flatMap(([name, value]) => [text(String(name)), /** @type {Buffer} */ (value)]);
  return sha256(ascii('holdfast/v1 request\0'), head(5, fields.length), ...parts);
}

// --- The uses ---------------------------------------------------------------------------------------------------------------------------

const [maxClockSkewMs, recordedWithinMs, maxApprovalAgeMs, maxDepth] = [300_000, 60_000, 900_000, 3];
/** What ends all of an agent's uses, and what lets it go on. @type {Record<string, string | undefined>} */
const halts = { revoked: 'agent_revoked', 'agent-suspended': 'agent_suspended', 'agent-resumed': undefined };

/** Each use of a log that holds, in order. */
class Judge {
  /** @type {Map<string, Fields>} by kind and id */
  told = new Map();
  /** @type {Map<string, number>} by digest */
  shown = new Map();
  ended = new Set();
  spent = new Set();
  /** @type {number | undefined} */
  inForce = undefined;
  /** @type {string | undefined} */
  halted = undefined;
  withheld = false;

  /** @param {Buffer[]} keys the log's @param {Proofs} proofs */
  constructor(keys, proofs) {
    this.keys = keys;
    this.proofs = proofs;
  }

  /** @param {Fields} event @returns {{ event: number, atMs: number, name?: string, approvedBy?: string, code?: string } | undefined} */
  take(event) {
    const kind = event.text('kind');
    const id = { minted: 'handle', answered: 'ask', delegated: 'child', 'rules-set': 'version' }[kind];
    if (id !== undefined) this.told.set(`${kind} ${event.hex(id) || event.number(id)}`, event);
    const digest = event.hex('warrant');
    if ((kind === 'granted' || kind === 'rules-set') && !this.shown.has(digest)) this.shown.set(digest, atOf(event));
    if (kind === 'granted') this.ended.delete(`grant ${event.hex('grant')}`);
    if (kind === 'grant-ended') this.ended.add(`grant ${event.hex('grant')}`);
    if (kind === 'child-end') this.ended.add(`child ${event.hex('child')}`);
    if (kind === 'rules-set') this.inForce = event.number('version');
    if (kind === 'rules-unreadable') this.inForce = event.number('inForce');
    if (kind in halts) this.halted = halts[kind];
    return kind === 'consumed' ? this.judge(event) : undefined;
  }

  /** @param {Fields} use */
  judge(use) {
    /** @type {{ event: number, atMs: number, name?: string, approvedBy?: string, code?: string }} */
    const judged = { event: use.number('sequence') ?? -1, atMs: atOf(use) };
    try {
      if (this.halted !== undefined) lack(this.halted);
      this.assertAgent(judged.atMs);
      const terms = this.termsOf(use);
      judged.name = terms.text('name');
      const request = this.requestOf(use);
      assertInside(terms.within('fence'), request, judged.atMs);
      this.assertRules(use);
      if (terms.map.get('approve') !== false) judged.approvedBy = this.approvedBy(use);
      this.assertChild(use, request);
    } catch (thrown) {
      judged.code = thrown instanceof Fault ? thrown.code : 'internal';
    }
    return judged;
  }

  /** [AUTHORITY-9] @param {number} atMs */
  assertAgent(atMs) {
    if (!this.keys.every((key) => this.proofs.bound.some(({ point }) => point.equals(key)))) lack('credential_invalid');
    if (!this.proofs.bound.some(({ untilMs }) => atMs < untilMs)) lack('credential_expired');
  }

  /** [AUTHORITY-10] [AUTHORITY-11] @param {Fields} use */
  termsOf(use) {
    const digest = use.hex('warrant');
    const said = this.proofs.check(this.proofs.warrants.get(digest), this.shown.get(digest) ?? atOf(use));
    if (said.text('kind') !== 'grant') return lack('warrant_invalid');
    const terms = said.within('terms');
    if (['agent', 'grant', 'item'].some((name) => terms.hex(name) !== use.hex(name))) lack('warrant_invalid');
    const tooEarly = atOf(use) + maxClockSkewMs < atOf(said);
    return tooEarly || this.ended.has(`grant ${use.hex('grant')}`) ? lack('grant_unknown') : terms;
  }

  /** What a record leaves out is no authority. [AUTHORITY-16] @param {Fields} use */
  requestOf(use) {
    const minted = this.told.get(`minted ${use.hex('handle')}`);
    if (minted === undefined) return lack(this.withheld ? 'warrant_unread' : 'handle_foreign');
    const said = minted.within('request');
    const isPart = said.text('path') === '' || said.map.get('pathCut') === true || said.map.get('salted') === true;
    if (isPart) lack('warrant_unread');
    const request = { method: said.text('method'), host: said.text('host'), port: said.number('port') ?? 0, path: said.text('path') }; // prettier-ignore
    const digests = [requestDigest(request).toString('hex'), said.hex('digest'), use.hex('request')];
    return new Set(digests).size === 1 && minted.hex('grant') === use.hex('grant') ? request : lack('handle_foreign');
  }

  /** [AUTHORITY-13] @param {Fields} use */
  assertRules(use) {
    const version = use.number('rulesVersion');
    if (version === undefined ? this.inForce !== undefined : version < (this.inForce ?? 0)) lack('rules_version');
    if (version === undefined) return;
    const told = this.told.get(`rules-set ${version}`);
    const of = (/** @type {Fields} */ said) => said.text('kind') === 'rules' && said.number('version') === version;
    const named = told === undefined ? [...this.proofs.warrants.values()].find(({ said }) => of(said)) : this.proofs.warrants.get(told.hex('warrant')); // prettier-ignore
    const said = this.proofs.check(named, atOf(told ?? use));
    if (!of(said) || (told !== undefined && said.hex('hash') !== told.hex('hash'))) lack('warrant_invalid');
  }

  /** [AUTHORITY-14] @param {Fields} use */
  approvedBy(use) {
    const ask = use.hex('ask');
    const answer = this.told.get(`answered ${ask}`);
    if (answer?.text('outcome') !== 'allowed' || !answer.map.has('warrant')) return lack('warrant_missing');
    const said = this.proofs.check(readWarrant(answer.bytes('warrant')), atOf(answer));
    const names = ['ask', 'agent', 'session', 'grant', 'request'];
    const same = said.text('kind') === 'approval' && names.every((name) => said.hex(name) === use.hex(name));
    if (!same || this.spent.has(ask)) lack('ask_mismatch');
    this.spent.add(ask);
    const age = atOf(use) - atOf(said);
    return age < -maxClockSkewMs || age > maxApprovalAgeMs ? lack('approval_expired') : said.hex('device');
  }

  /** [AUTHORITY-15] @param {Fields} use @param {{ host: string, port: number }} request */
  assertChild(use, { host, port }) {
    /** @type {Fields[]} */
    const line = [];
    for (let at = use.hex('child'); at !== '';) {
      const found = this.told.get(`delegated ${at}`);
      if (found === undefined || line.length === maxDepth) return lack(this.withheld ? 'warrant_unread' : 'child_unknown');
      line.push(found);
      at = found.hex('parent');
    }
    if (line.some((each) => this.ended.has(`child ${each.hex('child')}`))) lack('child_ended');
    if (line.some((each) => atOf(use) >= (each.number('expiresAtMs') ?? 0) + recordedWithinMs)) lack('delegation_expired');
    for (const [index, each] of line.entries()) if (!isWithin(each, line[index + 1])) lack('delegation_exceeded');
    const outside = (/** @type {Fields} */ each) => each.list('mayUse')?.includes(use.hex('grant')) === false || each.list('mayReach')?.includes(`${host}:${port}`) === false; // prettier-ignore
    if (line.some(outside)) lack('delegation_exceeded');
  }
}

/** [AUTHORITY-15] @param {Fields} child @param {Fields | undefined} parent undefined: the agent */
function isWithin(child, parent) {
  const counted = (/** @type {string} */ count, /** @type {string} */ names) => child.number(count) === child.list(names)?.length;
  if (!counted('grants', 'mayUse') || !counted('hosts', 'mayReach')) lack('warrant_unread');
  const [depth, life] = [child.number('depth') ?? maxDepth, child.number('expiresAtMs') ?? Infinity];
  if (parent === undefined) return depth < maxDepth;
  const among = (/** @type {string} */ name) => {
    const all = parent.list(name);
    return all === undefined || child.list(name)?.every((one) => all.includes(one)) === true;
  };
  const fewer = (/** @type {string} */ name) => (child.number(name) ?? Infinity) <= (parent.number(name) ?? Infinity);
  const shorter = life <= (parent.number('expiresAtMs') ?? 0) && depth < (parent.number('depth') ?? 0);
  return ['capabilities', 'mayUse', 'mayReach'].every(among) && ['uses', 'bytes'].every(fewer) && shorter;
}

// --- The command ------------------------------------------------------------------------------------------------------------------------

/** @param {string} text the bundle's @param {Root | undefined} root the operator's; undefined: the bundle's own word */
export async function judgeBundle(text, root) {
  const [head = {}, ...lines] = text.trimEnd().split('\n').map(parseLine); // prettier-ignore
  const authority = /** @type {Authority | undefined} */ (head.authority);
  if (head.type !== 'holdfast-audit-bundle' || authority === undefined) return lack('bundle_shape');
  const trusted = root ?? authority.root; // [AUTHORITY-8]
  if (head.fleet !== trusted.fleet) lack('audit_forged');
  const log = logOf(head);
  const checkpoints = lines.splice(0, Number(head.checkpoints)).map(({ checkpoint }) => bytesFrom(checkpoint, 'base64url'));
  const rows = lines.map(({ event, leaf }) => (event === undefined ? { leaf: bytesFrom(leaf, 'hex', 32) } : { event: bytesFrom(event, 'base64url') })); // prettier-ignore
  const { covered, records, withheld, pruned } = await verifyLog(log, checkpoints, rows);
  if (records !== head.records) lack('audit_truncated');
  const judge = new Judge(log.keys, new Proofs(trusted, authority, log.agent.toString('hex')));
  const uses = [];
  for (const row of rows.slice(0, covered)) {
    if ('leaf' in row) judge.withheld = true;
    const judged = 'event' in row ? judge.take(new Fields(decodeCbor(row.event))) : undefined;
    if (judged !== undefined) uses.push(judged);
  }
  return { uses, uncovered: records - covered, withheld: withheld + pruned, rootGiven: root !== undefined };
}

const usage = `usage: holdfast-authority BUNDLE --root FILE [--json]

BUNDLE  what \`holdfast audit export --format bundle\` wrote
--root  what \`holdfast root\` printed: whom the operator says to trust
`;

/** @param {string[]} argv @param {(text: string) => void} say @returns {Promise<number>} the exit code */
async function main(argv, say) {
  try {
    const options = /** @type {const} */ ({ root: { type: 'string' }, json: { type: 'boolean' } });
    const { values, positionals } = parseArgs({ args: argv, allowPositionals: true, options });
    const [file, more] = positionals;
    if (file === undefined || more !== undefined) {
      say(usage);
      return 2;
    }
    const root = values.root === undefined ? undefined : /** @type {Root} */ (JSON.parse(readFileSync(values.root, 'utf8')));
    const { uses, uncovered, withheld, rootGiven } = await judgeBundle(readFileSync(file, 'utf8'), root);
    const lacking = uses.filter(({ code }) => code !== undefined);
    if (values.json === true) say(`${JSON.stringify({ ok: lacking.length === 0, uses, uncovered, withheld, rootGiven })}\n`);
    else {
      say(`${uses.length - lacking.length} of ${uses.length} uses had their whole authority\n`);
      for (const { event, name = 'a credential', code = '' } of lacking) say(`  ! event ${event}: use of ${name} (${code})\n`);
      if (!rootGiven) say("  unproven  whose fleet it is: the root is the bundle's own word (--root)\n");
      if (withheld > 0)
        say(
          `  unproven  what ${withheld} records say, perhaps that a grant, a child or the agent had ended (withheld or pruned)\n`,
        );
      if (uncovered > 0) say(`  unproven  the last ${uncovered} records: no checkpoint covers them yet\n`);
    }
    return lacking.length === 0 ? 0 : 4;
  } catch (thrown) {
    const { code = '', message } = /** @type {{ code?: string, message: string }} */ (thrown);
    const isUsage = code.startsWith('ERR_PARSE_ARGS');
    const told = thrown instanceof Fault ? `it does not hold: ${message} (${code})` : message;
    const isJson = argv.includes('--json');
    say(isUsage ? usage : `${isJson ? JSON.stringify({ ok: false, code, message }) : told}\n`);
    return isUsage ? 2 : thrown instanceof Fault ? 4 : 1;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2), (text) => void process.stdout.write(text));
}
