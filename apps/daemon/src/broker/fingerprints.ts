// What the broker remembers of secrets to find them in replies, spec/broker.md §6: for each encoding, as it reads, a keyed rolling hash of
// its first characters and a MAC of all of it. Neither gives a byte back; with the key in hand (a dump of this process) a guess can be
// tested, so what protects the secret then is that it cannot be guessed.

import { createHmac, randomBytes } from 'node:crypto';
import { HoldfastError } from '@holdfast/protocol/errors';
import { base64Core, base64Edges, decimal, hex, joined, replaced, reversed } from './encode.ts';
import { escapes, Reading } from './reading.ts';
import { refusal } from './refusal.ts';

/** A shorter secret could not be told from ordinary text. [BROKER-23] */
export const minSecretBytes = 8;
/** Characters under the rolling hash: no encoding of a secret reads shorter. */
const windowLength: number = minSecretBytes;
/** Characters of the tag by which a short end of a chunk is recognised as a possible beginning. */
const tagLength = 4;
/** A secret that reads at least as long is also found without its first eight characters, should what stands before it swallow them. */
const longEnoughToCut = 32;

export interface Print {
  /** Which of the secrets it is of, in the order in which they were added. */
  readonly of: number;
  /** In characters, as they read. */
  readonly length: number;
  readonly mac: Buffer;
  /** What replaces each byte: `*`, or a character that keeps a decoder of the encoding going. */
  readonly fill: number;
  /** Characters beside it that go with it: those that carry some of its bits, those that its reading leaves out, those that were cut off. */
  readonly beside: {
    readonly bitsBefore: boolean;
    readonly bitsBehind: boolean;
    readonly before: number;
    readonly behind: number;
  };
  readonly cut: number;
}

interface Form {
  readonly bytes: Buffer;
  readonly fill: number;
  readonly edges?: { readonly before: boolean; readonly after: boolean };
}

const [star, letterX, zero, one] = [0x2a, 0x78, 0x30, 0x31] as const;
const [space, plus, colon, dash] = [0x20, 0x2b, 0x3a, 0x2d] as const;

/** Every encoding that replies are searched for beside escapes; each is memory of its own that the caller overwrites. [BROKER-21] */
function formsOf(secret: Uint8Array): Form[] {
  const forms: Form[] = [
    { bytes: joined(secret), fill: star },
    { bytes: reversed(secret), fill: star },
    // Forms write a space so.
    ...(secret.includes(space) ? [{ bytes: replaced(secret, space, plus), fill: star }] : []),
    { bytes: hex(secret), fill: zero },
    { bytes: hex(secret, colon), fill: zero },
    { bytes: hex(secret, dash), fill: zero },
    { bytes: decimal(secret), fill: one },
  ];
  for (const offset of [0, 1, 2])
    forms.push({ bytes: base64Core(secret, offset), fill: letterX, edges: base64Edges(secret.length, offset) });
  return forms;
}

/** Coarse classes of characters: which ones a session's secrets use says next to nothing about them, and lets most texts end in no beginning. */
const classOf = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (/[A-Za-z0-9]/.test(character)) return 1;
  if ('.~'.includes(character)) return 2;
  if ('+/'.includes(character)) return 4;
  if (character === '%') return 8;
  if (character === ':') return 16;
  if (byte > 0x20 && byte < 0x7f) return 32;
  return byte < 0x20 ? 0 : 128;
});

/** The fingerprints of one session's secrets. Grows only; the scrubbers of the session share it, and what they read with. */
export class Fingerprints {
  readonly reading = new Reading();
  readonly #key = randomBytes(32);
  readonly #factor: number = randomBytes(4).readInt32LE() | 1;
  /** factor^windowLength: takes the character that leaves the window out of the hash. */
  readonly #leaving: number;
  readonly #prints = new Map<number, Print[]>();
  readonly #known = new Set<string>();
  readonly #maxSecrets: number;
  readonly #candidates = new Uint8Array(1 << 16);
  readonly #tags = new Uint8Array(1 << 16);
  #classes = 0;

  constructor(maxSecrets: number) {
    this.#maxSecrets = maxSecrets;
    let leaving = 1;
    for (let at = 0; at < windowLength; at += 1) leaving = Math.imul(leaving, this.#factor);
    this.#leaving = leaving;
  }

  get size(): number {
    return this.#known.size;
  }

  /**
   * Remembers how `secret` looks in each encoding. The secret stays the caller's and is not kept. Throws `limit_exceeded`, or `secret_unfit`
   * for one of which too little reads as itself; then nothing is remembered of it. [BROKER-23, BROKER-40]
   */
  add(secret: Uint8Array): void {
    const name = this.#mac(secret).toString('base64');
    if (this.#known.has(name)) return;
    if (this.#known.size >= this.#maxSecrets) throw refusal('limit_exceeded');
    const forms = formsOf(secret);
    try {
      for (const { bytes } of forms) this.#readEach(bytes, () => this.#assertTelling());
      for (const form of forms) this.#readEach(form.bytes, () => this.#addReading(form));
      this.#known.add(name);
    } finally {
      for (const { bytes } of forms) bytes.fill(0);
      this.reading.forget();
    }
  }

  /** Once with what looks like an escape in it undone, and once as it is: other characters may stand between those of the escape. */
  #readEach(bytes: Buffer, then: () => void): void {
    for (const kinds of [escapes.all, escapes.none]) {
      this.reading.read(bytes, kinds);
      then();
    }
  }

  #assertTelling(): void {
    if (this.reading.length < windowLength)
      throw new HoldfastError('secret_unfit', 'Too little of the credential could be told from other text in a reply.', {
        next: 'Have the operator add a longer one.',
      });
  }

  #addReading({ bytes, fill, edges = { before: false, after: false } }: Form): void {
    const { reading } = this;
    const { length } = reading;
    const beside = { bitsBefore: edges.before, bitsBehind: edges.after };
    const before = reading.startOf(0);
    const behind = bytes.length - reading.endOf(length - 1);
    this.#addPrint(reading.characters.subarray(0, length), { fill, beside: { ...beside, before, behind }, cut: 0 });
    if (length < longEnoughToCut) return;
    const rest = reading.characters.subarray(windowLength, length);
    this.#addPrint(rest, { fill, beside: { ...beside, before: 0, behind }, cut: windowLength });
  }

  #addPrint(characters: Uint8Array, rest: Omit<Print, 'of' | 'length' | 'mac'>): void {
    const mac = this.#mac(characters);
    const hash = this.#hash(characters, 0, windowLength);
    const sameHash = this.#prints.get(hash) ?? [];
    if (sameHash.some((print) => print.mac.equals(mac))) return;
    this.#prints.set(hash, [...sameHash, { of: this.#known.size, length: characters.length, mac, ...rest }]);
    this.#candidates[hash >>> 16] = 1;
    this.#tags[this.#hash(characters, 0, tagLength) >>> 16] = 1;
    for (const character of characters) this.#classes |= classOf[character] ?? 0;
  }

  #mac(bytes: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(bytes).digest().subarray(0, 16);
  }

  #hash(characters: Uint8Array, from: number, length: number): number {
    let hash = 0;
    for (let at = from; at < from + length; at += 1) hash = (Math.imul(hash, this.#factor) + (characters[at] ?? 0)) | 0;
    return hash;
  }

  /** The first window of the reading at or after `from` that could begin an encoding, or -1. One multiplication or two a character. */
  nextCandidate(from: number): number {
    const { characters } = this.reading;
    const last = this.reading.length - windowLength;
    if (from > last) return -1;
    const factor = this.#factor;
    const leaving = this.#leaving;
    const candidates = this.#candidates;
    let hash = this.#hash(characters, from, windowLength);
    for (let at = from; ; at += 1) {
      if (candidates[hash >>> 16] === 1 && this.#prints.has(hash)) return at;
      if (at === last) return -1;
      hash =
        (Math.imul(hash, factor) + (characters[at + windowLength] as number) - Math.imul(characters[at] as number, leaving)) | 0;
    }
  }

  /** At a candidate: the encoding that stands there whole, `partial` if the reading ends too early to tell and is not all, or undefined. */
  matchAt(at: number, isAll: boolean): Print | 'partial' | undefined {
    const { characters, length, wholeLength } = this.reading;
    const known = isAll ? length : wholeLength;
    const prints = this.#prints.get(this.#hash(characters, at, windowLength)) ?? [];
    let longest: Print | undefined;
    for (const print of prints)
      if (
        at + print.length <= known &&
        print.length > (longest?.length ?? 0) &&
        this.#mac(characters.subarray(at, at + print.length)).equals(print.mac)
      )
        longest = print;
    // One secret may begin with another.
    const longer = prints.some((print) => print.length > (longest?.length ?? 0) && at + print.length > known);
    if (!isAll && longer && characters.subarray(at, known).every((character) => this.#mayStand(character))) return 'partial';
    return longest;
  }

  #mayStand(character: number): boolean {
    return ((classOf[character] as number) & this.#classes) !== 0;
  }

  /** How many of the reading's last characters, fewer than a window, could begin an encoding; at least `tagLength` only by their tag. [BROKER-22] */
  liveLength(from: number): number {
    const { characters, wholeLength: length } = this.reading;
    let live = 0;
    for (let at = length - 1; at >= Math.max(from, length - windowLength + 1); at -= 1) {
      if (!this.#mayStand(characters[at] as number)) break;
      if (length - at < tagLength || this.#tags[this.#hash(characters, at, tagLength) >>> 16] === 1) live = length - at;
    }
    return live;
  }

  /** Fewer say nothing yet: what ends a line with them need not wait for the next. */
  static readonly tellingLength: number = tagLength;
}
