// What the broker remembers of secrets to find them in replies, spec/broker.md §6: for each encoding a keyed rolling hash of its first
// bytes and a MAC of all of it. Neither gives a byte back; with the key in hand (a dump of this process) a guess can be tested, so
// what protects the secret then is that it cannot be guessed.

import { createHmac, randomBytes } from 'node:crypto';
import {
  base64Core,
  base64Edges,
  componentPlain,
  escaped,
  formPlain,
  hex,
  inCase,
  jsonUnicode,
  nothingPlain,
  percent,
  reversed,
  unreservedOnly,
} from './encode.ts';
import { refusal } from './refusal.ts';

/** A shorter secret could not be told from ordinary text. [BROKER-23] */
export const minSecretBytes = 8;
/** Bytes under the rolling hash: no encoding of a secret is shorter. */
const windowBytes: number = minSecretBytes;
/** Bytes of the tag by which a short end of a chunk is recognised as a possible beginning. */
const tagBytes = 4;

interface Print {
  readonly length: number;
  readonly mac: Buffer;
  /** What replaces each byte: `*`, or a character that keeps a decoder of the encoding going. */
  readonly fill: number;
  readonly edges: { readonly before: boolean; readonly after: boolean };
}

interface Form {
  readonly bytes: Buffer;
  readonly fill: number;
  readonly edges?: Print['edges'];
}

const star = 0x2a;
const letterX = 0x78;
const zero = 0x30;
const noEdges = { before: false, after: false };

const jsonEscapes = new Map([
  [0x22, '\\"'],
  [0x5c, '\\\\'],
]);
const jsonSlashEscapes = new Map([...jsonEscapes, [0x2f, '\\/']]);
const htmlEscapes = (quote: string, apostrophe: string): ReadonlyMap<number, string> =>
  new Map([
    [0x26, '&amp;'],
    [0x3c, '&lt;'],
    [0x3e, '&gt;'],
    [0x22, quote],
    [0x27, apostrophe],
  ]);

/** Every encoding that replies are searched for; each is memory of its own that the caller overwrites. [BROKER-21] */
function formsOf(secret: Uint8Array): Form[] {
  const forms: Form[] = [
    { bytes: Buffer.from(secret.buffer, secret.byteOffset, secret.length), fill: star },
    { bytes: reversed(secret), fill: star },
    { bytes: inCase(secret, 'lower'), fill: star },
    { bytes: inCase(secret, 'upper'), fill: star },
    { bytes: percent(secret, unreservedOnly, 'upper'), fill: star },
    { bytes: percent(secret, unreservedOnly, 'lower'), fill: star },
    { bytes: percent(secret, componentPlain, 'upper'), fill: star },
    { bytes: percent(secret, formPlain, 'upper', '+'), fill: star },
    { bytes: percent(secret, nothingPlain, 'upper'), fill: letterX },
    { bytes: percent(secret, nothingPlain, 'lower'), fill: letterX },
    { bytes: escaped(secret, jsonEscapes), fill: star },
    { bytes: escaped(secret, jsonSlashEscapes), fill: star },
    { bytes: jsonUnicode(secret, 'lower'), fill: star },
    { bytes: jsonUnicode(secret, 'upper'), fill: star },
    { bytes: escaped(secret, htmlEscapes('&quot;', '&#39;')), fill: star },
    { bytes: escaped(secret, htmlEscapes('&#34;', '&#39;')), fill: star },
    { bytes: escaped(secret, htmlEscapes('&quot;', '&#x27;')), fill: star },
    { bytes: hex(secret, 'lower'), fill: zero },
    { bytes: hex(secret, 'upper'), fill: zero },
  ];
  for (const offset of [0, 1, 2]) {
    for (const alphabet of ['standard', 'url'] as const) {
      forms.push({ bytes: base64Core(secret, offset, alphabet), fill: letterX, edges: base64Edges(secret.length, offset) });
    }
  }
  return forms;
}

/** Coarse classes of bytes: which ones a session's secrets use says next to nothing about them, and lets most texts end in no beginning. */
const classOf = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (/[A-Za-z0-9]/.test(character)) return 1;
  if ('-_.~'.includes(character)) return 2;
  if ('+/='.includes(character)) return 4;
  if (character === '%') return 8;
  if (character === '\\') return 16;
  if (byte > 0x20 && byte < 0x7f) return 32;
  return byte < 0x20 ? 64 : 128;
});

/** The fingerprints of one session's secrets. Grows only; the scrubbers of the session share it. */
export class Fingerprints {
  readonly #key = randomBytes(32);
  readonly #factor: number = randomBytes(4).readInt32LE() | 1;
  /** factor^windowBytes: takes the byte that leaves the window out of the hash. */
  readonly #leaving: number;
  readonly #prints = new Map<number, Print[]>();
  readonly #known = new Set<string>();
  readonly #maxSecrets: number;
  readonly #candidates = new Uint8Array(1 << 16);
  readonly #tags = new Uint8Array(256);
  #classes = 0;
  longestBytes = 0;

  constructor(maxSecrets: number) {
    this.#maxSecrets = maxSecrets;
    let leaving = 1;
    for (let at = 0; at < windowBytes; at += 1) leaving = Math.imul(leaving, this.#factor);
    this.#leaving = leaving;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Remembers how `secret` looks in each encoding. The secret stays the caller's and is not kept. Throws `limit_exceeded`. [BROKER-21] */
  add(secret: Uint8Array): void {
    const name = this.#mac(secret).toString('base64');
    if (this.#known.has(name)) return;
    if (this.#known.size >= this.#maxSecrets) throw refusal('limit_exceeded');
    const forms = formsOf(secret);
    try {
      for (const form of forms) this.#addForm(form);
      this.#known.add(name);
    } finally {
      for (const { bytes } of forms.slice(1)) bytes.fill(0);
    }
  }

  #addForm({ bytes, fill, edges = noEdges }: Form): void {
    const mac = this.#mac(bytes);
    const hash = this.hashAt(bytes, 0, windowBytes);
    const sameHash = this.#prints.get(hash) ?? [];
    if (sameHash.some((print) => print.mac.equals(mac))) return;
    this.#prints.set(hash, [...sameHash, { length: bytes.length, mac, fill, edges }]);
    this.#candidates[hash >>> 16] = 1;
    this.#tags[this.hashAt(bytes, 0, tagBytes) >>> 24] = 1;
    for (const byte of bytes) this.#classes |= classOf[byte] ?? 0;
    this.longestBytes = Math.max(this.longestBytes, bytes.length);
  }

  #mac(bytes: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(bytes).digest().subarray(0, 16);
  }

  hashAt(bytes: Uint8Array, from: number, length: number): number {
    let hash = 0;
    for (let at = from; at < from + length; at += 1) hash = (Math.imul(hash, this.#factor) + (bytes[at] ?? 0)) | 0;
    return hash;
  }

  /** The first window at or after `from` that could begin an encoding, or -1. One multiplication or two a byte. */
  nextCandidate(bytes: Uint8Array, from: number): number {
    const last = bytes.length - windowBytes;
    if (from > last) return -1;
    const factor = this.#factor;
    const leaving = this.#leaving;
    const candidates = this.#candidates;
    let hash = this.hashAt(bytes, from, windowBytes);
    for (let at = from; ; at += 1) {
      if (candidates[hash >>> 16] === 1 && this.#prints.has(hash)) return at;
      if (at === last) return -1;
      hash = (Math.imul(hash, factor) + (bytes[at + windowBytes] ?? 0) - Math.imul(bytes[at] ?? 0, leaving)) | 0;
    }
  }

  /** At a candidate: the encoding that stands there whole, `partial` if the bytes end too early to tell, or undefined. */
  matchAt(bytes: Uint8Array, at: number): Print | 'partial' | undefined {
    const prints = this.#prints.get(this.hashAt(bytes, at, windowBytes)) ?? [];
    let partial = false;
    let longest: Print | undefined;
    for (const print of prints) {
      if (at + print.length > bytes.length) partial = true;
      else if (print.length > (longest?.length ?? 0) && this.#mac(bytes.subarray(at, at + print.length)).equals(print.mac))
        longest = print;
    }
    if (longest !== undefined) return longest;
    return partial && bytes.subarray(at).every((byte) => this.#mayStand(byte)) ? 'partial' : undefined;
  }

  #mayStand(byte: number): boolean {
    return ((classOf[byte] ?? 0) & this.#classes) !== 0;
  }

  /** Where the end of `bytes`, shorter than a window, could begin an encoding; `bytes.length` if nowhere. [BROKER-22] */
  liveEnd(bytes: Uint8Array, from: number): number {
    const { length } = bytes;
    let live = length;
    for (let at = length - 1; at >= Math.max(from, length - windowBytes + 1); at -= 1) {
      if (!this.#mayStand(bytes[at] ?? 0)) break;
      if (length - at < tagBytes || this.#tags[this.hashAt(bytes, at, tagBytes) >>> 24] === 1) live = at;
    }
    return live;
  }
}
