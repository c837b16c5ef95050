// Scrubs secrets out of bytes as they stream, in place and at equal length, spec/broker.md §6. Holds back only an end that could be the
// beginning of an encoding, so that event streams do not stall.

import { Transform, type TransformCallback } from 'node:stream';
import { joined, ownBuffer } from './encode.ts';
import { Fingerprints, type Print } from './fingerprints.ts';
import { escapes, folded, kindsOfEscape } from './reading.ts';

const isBase64 = (byte: number): boolean => /[A-Za-z0-9+/_-]/.test(String.fromCharCode(byte));
const edgeFill = 0x78;
const star = 0x2a;
const lineFeed = 0x0a;

/** A blank line: an event stream says nothing more before the next event. */
const endsEvent = (work: Buffer): boolean => /\n\r?\n$/.test(work.toString('latin1', Math.max(0, work.length - 3)));

/** Bytes of a text, and which secret they are of. */
export interface Found {
  readonly of: number;
  readonly from: number;
  readonly to: number;
}

type Owed = Pick<Print['beside'], 'bitsBehind' | 'behind'>;

interface Cover {
  readonly of: number;
  readonly fill: number;
  /** Of the next bytes, should they not be settled yet. */
  readonly owed?: Owed;
  /** Nothing but what is left out stands behind it. */
  readonly isLast?: boolean;
  readonly from: number;
  readonly to: number;
}

/** One stream's scrubber. Chunks become its own: what it does not give back it overwrites. */
export class Scrubber {
  readonly #prints: Fingerprints;
  #held = ownBuffer(0);
  /** How much of what is held has gone out already, at a border. */
  #out = 0;
  /** What ended with the last byte, and what of the next characters goes with it. */
  #owed: Owed | undefined;

  constructor(prints: Fingerprints) {
    this.#prints = prints;
  }

  /** What can go out now. [BROKER-21, BROKER-22] */
  push(chunk: Buffer): Buffer {
    const work = this.#withHeld(chunk);
    const owed = this.#takeOwed();
    const { settled, clean } = this.#mask(work, false);
    this.#held = ownBuffer(work.length - settled);
    work.copy(this.#held, 0, settled);
    work.fill(0, clean);
    const out = Math.min(this.#out, clean);
    this.#out = Math.max(this.#out, clean) - settled;
    work.fill(0, 0, out);
    return this.#released(work.subarray(out, clean), owed);
  }

  /**
   * What was held back, where a message ends and the next may be long in coming. What is the beginning of a secret beyond doubt goes out
   * overwritten; what may be one goes out, and the rest of it, should it come, does not. [BROKER-32]
   */
  border(): Buffer {
    const owed = this.#takeOwed();
    const whole = joined(this.#held);
    this.#mask(whole, true);
    if (this.#beginsASecret()) whole.fill(star);
    const released = whole.subarray(this.#out);
    this.#out = this.#held.length;
    return this.#released(released, owed);
  }

  /** What was held back, at the end of the stream: a beginning without an end is no secret. */
  end(): Buffer {
    const work = this.#held;
    const out = this.#out;
    this.#held = ownBuffer(0);
    this.#out = 0;
    const owed = this.#takeOwed();
    this.#mask(work, true);
    return this.#released(work.subarray(out), owed);
  }

  #withHeld(chunk: Buffer): Buffer {
    if (this.#held.length === 0) return chunk;
    const work = ownBuffer(this.#held.length + chunk.length);
    this.#held.copy(work);
    chunk.copy(work, this.#held.length);
    this.#held.fill(0);
    chunk.fill(0);
    return work;
  }

  #beginsASecret(): boolean {
    const { reading } = this.#prints;
    try {
      return [escapes.all, escapes.none, ...kindsOfEscape].some((kinds) => {
        reading.read(this.#held, kinds);
        return this.#prints.nextCandidate(0) === 0;
      });
    } finally {
      reading.forget();
    }
  }

  /** Overwrites what it finds; how many bytes from the start are settled, and how many may go out. */
  #mask(work: Buffer, final: boolean): { readonly settled: number; readonly clean: number } {
    const { reading } = this.#prints;
    const covers: Cover[] = [];
    try {
      const found = this.#searchAll(work, final, covers);
      const settled = found.reduce((least, each) => Math.min(least, each.settled), work.length);
      // A line whose end says next to nothing does not wait for the next one; what was found in it is found.
      const lineGoes = work.at(-1) === lineFeed && !found.some(({ telling }) => telling);
      const clean = this.#overwrite(work, covers, lineGoes ? work.length : settled);
      return { settled: Math.min(settled, clean), clean };
    } finally {
      reading.forget();
    }
  }

  /** In each reading that it may have. */
  #searchAll(work: Buffer, final: boolean, covers: Cover[]): { readonly settled: number; readonly telling: boolean }[] {
    const { reading } = this.#prints;
    reading.read(work, escapes.all);
    const { undone, unfinished, nested } = reading;
    const found = [this.#search(work, final, covers)];
    // What looked like one kind of escape may have been none, or another's plain text.
    const kinds = kindsOfEscape.filter((kind) => ((undone | unfinished) & kind) !== 0);
    const others = [...(undone === escapes.none ? [] : [escapes.none]), ...(nested || kinds.length > 1 ? kinds : [])];
    for (const kinds of others) {
      reading.read(work, kinds);
      found.push(this.#search(work, final, covers));
    }
    return found;
  }

  /** Where secrets stand in a whole text, which stays as it is: in order, and apart. */
  found(whole: Buffer): readonly Found[] {
    const covers: Cover[] = [];
    try {
      this.#searchAll(whole, true, covers);
    } finally {
      this.#prints.reading.forget();
    }
    const apart: Found[] = [];
    for (const { of, from, to } of covers.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
      const last = apart.at(-1);
      if (last === undefined || from > last.to || (from === last.to && of !== last.of)) apart.push({ of, from, to });
      else apart[apart.length - 1] = { ...last, to: Math.max(last.to, to) };
    }
    return apart;
  }

  /** Overwrites what lies before `settled`; what reaches beyond it is decided again, whole. How much is settled then. */
  #overwrite(work: Buffer, covers: readonly Cover[], settled: number): number {
    const across = covers.filter(({ from, to }) => from < settled && to > settled).map(({ from }) => from);
    if (across.length > 0) return this.#overwrite(work, covers, Math.min(...across));
    for (const { fill, from, to, owed, isLast } of covers) {
      if (to <= settled) work.fill(fill, from, to);
      if ((to === settled || from === settled || (isLast && settled === work.length)) && owed !== undefined) this.#owed = owed;
    }
    return settled;
  }

  #search(work: Buffer, final: boolean, covers: Cover[]): { readonly settled: number; readonly telling: boolean } {
    const { reading } = this.#prints;
    let at = 0;
    for (;;) {
      const candidate = this.#prints.nextCandidate(at);
      if (candidate < 0) break;
      const match = this.#prints.matchAt(candidate, final);
      if (match === undefined) {
        at = candidate + 1;
        continue;
      }
      if (match === 'partial') return { settled: reading.startOf(candidate), telling: true };
      covers.push(...this.#coversOf(candidate, match));
      at = candidate + match.length;
    }
    if (final) return { settled: work.length, telling: false };
    const live = this.#prints.liveLength(at);
    const liveFrom = live === 0 ? work.length : reading.startOf(reading.wholeLength - live);
    return {
      settled: Math.min(liveFrom, reading.unfinishedAt),
      telling: (live >= Fingerprints.tellingLength && !endsEvent(work)) || reading.unfinishedAt < work.length,
    };
  }

  /** From the first byte of the first character to the last of the last, whatever stands between, and what goes with it on both sides. */
  #coversOf(candidate: number, { of, length, fill, cut, beside }: Print): Cover[] {
    const { reading } = this.#prints;
    const [first, last] = [Math.max(0, candidate - cut), candidate + length - 1];
    const to = reading.leftOutBehind(last, beside.behind);
    const neighbour = (index: number): Cover[] =>
      index >= 0 && index < reading.length && isBase64(reading.characters[index] as number)
        ? [{ of, fill: edgeFill, from: reading.startOf(index), to: reading.endOf(index) }]
        : [];
    return [
      ...(beside.bitsBefore ? neighbour(first - 1) : []),
      ...(beside.bitsBehind ? neighbour(last + 1).map((cover) => ({ ...cover, owed: { bitsBehind: true, behind: 0 } })) : []),
      { of, fill, from: reading.leftOutBefore(first, beside.before), to, owed: beside, isLast: last + 1 === reading.length },
    ];
  }

  /** What of these bytes goes with a match that ended right before them. */
  #released(bytes: Buffer, owed: Owed | undefined): Buffer {
    if (owed === undefined) return bytes;
    let at = 0;
    for (; at < bytes.length && folded[bytes[at] as number] === 0; at += 1) if (at < owed.behind) bytes[at] = star;
    if (at === bytes.length) this.#owed = { ...owed, behind: Math.max(0, owed.behind - at) };
    else if (owed.bitsBehind && isBase64(bytes[at] as number)) bytes[at] = edgeFill;
    return bytes;
  }

  #takeOwed(): Owed | undefined {
    const owed = this.#owed;
    this.#owed = undefined;
    return owed;
  }
}

/** The scrubber as a stream, for bodies. */
export function scrubStream(prints: Fingerprints): Transform {
  const scrubber = new Scrubber(prints);
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      const clean = scrubber.push(chunk);
      done(null, clean.length > 0 ? clean : undefined);
    },
    flush(done: TransformCallback) {
      const rest = scrubber.end();
      done(null, rest.length > 0 ? rest : undefined);
    },
  });
}

/** Scrubs a whole text in place. */
export function scrubWhole(prints: Fingerprints, bytes: Buffer): void {
  const scrubber = new Scrubber(prints);
  const first = scrubber.push(bytes);
  const rest = scrubber.end();
  if (first.length + rest.length !== bytes.length || first.buffer !== bytes.buffer)
    throw new Error('a scrubbed text keeps its length');
  rest.copy(bytes, first.length);
  rest.fill(0);
}

/** Where secrets stand in a text. */
export const secretsIn = (prints: Fingerprints, text: Buffer): readonly Found[] => new Scrubber(prints).found(text);
