// One file of an audit log, spec/audit.md "On disk": a header, then sealed frames, each a batch of records or a checkpoint; where it was pruned, leaf
// hashes in place of the records. Whoever copies the disk reads sizes and times of files. A segment's key is its own, so a number is never used twice under one key, whatever is cut or retried.

import { concat, utf8 } from '../codec/bytes.ts';
import { bytes, bytesUpTo, decode, encode, integer, list, literal, optional, union, type Infer } from '../codec/schema.ts';
import { maxCheckpointBytes } from './checkpoint.ts';
import { maxEventBytes } from './event.ts';
import { codeOf } from '../errors.ts';
import { leafHash } from '../primitives/merkle.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { hkdf } from '../seal/hkdf.ts';

/** Records that are sealed and written together, at most: a few milliseconds of work. */
export const maxBatch = 256;
/** Leaf hashes that are sealed together, at most. */
const maxLeaves = 4096;
const maxFrameBytes = maxBatch * (maxEventBytes + 8) + 64;
const tagBytes = 16;

const frame = union({
  /** First in each segment: the tree and the newest checkpoint as they stood before it. */
  start: {
    v: literal(1),
    size: integer(),
    peaks: list(bytes(32), { max: 53 }),
    checkpoint: optional(bytesUpTo(maxCheckpointBytes)),
  },
  records: { first: integer(), records: list(bytesUpTo(maxEventBytes), { min: 1, max: maxBatch }) },
  /** Of a pruned segment: what is left of its records. */
  leaves: { first: integer(), hashes: list(bytes(32), { min: 1, max: maxLeaves }) },
  checkpoint: { wire: bytesUpTo(maxCheckpointBytes) },
});
export type Frame = Infer<typeof frame>;
export type StartFrame = Extract<Frame, { kind: 'start' }>;

const magic = utf8('HFAUDIT1');
/** Of a segment that was pruned: it holds no records. */
const prunedMagic = utf8('HFPRUNE1');
const saltBytes = 32;
const headerBytes = magic.length + saltBytes;

const begins = (file: Uint8Array, by: Uint8Array): boolean => by.every((byte, at) => file[at] === byte);
/** As its first bytes say; whether that is so shows when it is opened. */
export const saysPruned = (file: Uint8Array): boolean => begins(file, prunedMagic);

export interface SegmentSecrets {
  readonly primitives: Primitives;
  /** The audience key under which this log is kept, 32 bytes. */
  readonly key: Uint8Array;
  readonly fleet: Uint8Array;
  readonly agent: Uint8Array;
}

/** Segments are numbered without gaps; `first` is the number of the first record in it. */
export interface SegmentId {
  readonly ordinal: number;
  readonly first: number;
}

export function segmentName({ ordinal, first }: SegmentId): string {
  return `${String(ordinal).padStart(8, '0')}-${String(first).padStart(16, '0')}.log`;
}

/** Undefined for names that are none of ours. */
export function parseSegmentName(name: string): SegmentId | undefined {
  return /^[0-9]{8}-[0-9]{16}\.log$/.test(name)
    ? { ordinal: Number(name.slice(0, 8)), first: Number(name.slice(9, 25)) }
    : undefined;
}

function segmentKey({ primitives, key, fleet, agent }: SegmentSecrets, salt: Uint8Array, id: SegmentId): Uint8Array {
  const info = concat(utf8('holdfast/v1 audit\0'), fleet, agent, utf8(segmentName(id)));
  return hkdf(primitives, { secret: key, salt, info, length: 32 }); // [AUDIT-18]
}

function nonceOf(index: number): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, BigInt(index));
  return nonce;
}

const noAssociated = new Uint8Array(0);

/** Makes the bytes of one segment in order. The writer of a segment never outlives a failed write: it is dropped with the segment. */
export class SegmentSealer {
  readonly header: Uint8Array;
  private readonly primitives: Primitives;
  private readonly key: Uint8Array;
  private index = 0;

  constructor(secrets: SegmentSecrets, id: SegmentId, begin = magic) {
    const salt = secrets.primitives.random(saltBytes); // [AUDIT-18]
    this.header = concat(begin, salt);
    this.primitives = secrets.primitives;
    this.key = segmentKey(secrets, salt, id);
  }

  /** Length and sealed frame, ready to append. */
  async seal(content: Frame): Promise<Uint8Array> {
    const nonce = nonceOf(this.index);
    this.index += 1;
    const sealed = await this.primitives.aeadSeal(this.key, nonce, noAssociated, encode(frame, content));
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, sealed.length);
    return concat(length, sealed);
  }
}

export interface OpenedSegment {
  readonly start: StartFrame;
  readonly frames: readonly Frame[];
  /** It holds leaf hashes in place of records. */
  readonly pruned: boolean;
  /** Where the last frame that opened ends; what follows is torn or damaged. */
  readonly goodBytes: number;
  readonly whole: boolean;
}

/** Frames between two looks at the rest of the daemon. */
const framesPerTurn = 64;

/**
 * Opens a segment up to the first frame that does not open. Undefined when not even its start does. `pause` is awaited every few frames, so that
 * others of its process have their turn.
 */
export async function openSegment(
  secrets: SegmentSecrets,
  id: SegmentId,
  file: Uint8Array,
  pause: () => Promise<void> = async () => {},
): Promise<OpenedSegment | undefined> {
  const pruned = saysPruned(file);
  if (file.length < headerBytes || !(pruned || begins(file, magic))) return undefined;
  const key = segmentKey(secrets, file.subarray(magic.length, headerBytes), id);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const frames: Frame[] = [];
  let offset = headerBytes;
  while (file.length - offset >= 4) {
    const length = view.getUint32(offset);
    const end = offset + 4 + length;
    if (end > file.length || length > maxFrameBytes + tagBytes) break;
    const opened = await openFrame(secrets.primitives, key, frames.length, file.subarray(offset + 4, end));
    if (opened === undefined || opened.kind === (pruned ? 'records' : 'leaves')) break; // [AUDIT-65]
    frames.push(opened);
    offset = end;
    if (frames.length % framesPerTurn === 0) await pause();
  }
  const [start, ...rest] = frames;
  if (start?.kind !== 'start' || start.size !== id.first) return undefined;
  return { start, frames: rest, pruned, goodBytes: offset, whole: offset === file.length };
}

export const recordsOf = (segment: OpenedSegment): Uint8Array[] =>
  segment.frames.flatMap((each) => (each.kind === 'records' ? each.records : []));
export const checkpointsOf = (segment: OpenedSegment): Uint8Array[] =>
  segment.frames.flatMap((each) => (each.kind === 'checkpoint' ? [each.wire] : []));

/** Of all its records, whether they are there or pruned. */
export const leavesOf = (primitives: Primitives, segment: OpenedSegment): Uint8Array[] =>
  segment.frames.flatMap((each) =>
    each.kind === 'leaves'
      ? each.hashes
      : each.kind === 'records'
        ? each.records.map((record) => leafHash(primitives, record))
        : [],
  );

/** The bytes of a segment in whose place no record can be read any more: the same start, checkpoints and leaf hashes, under a key of its own. [AUDIT-65] */
export async function prunedSegment(secrets: SegmentSecrets, id: SegmentId, segment: OpenedSegment): Promise<Uint8Array> {
  const sealer = new SegmentSealer(secrets, id, prunedMagic);
  const parts = [sealer.header, await sealer.seal(segment.start)];
  const leaves: Uint8Array[] = [];
  let first = id.first;
  const sealLeaves = async (): Promise<void> => {
    while (leaves.length > 0) {
      const hashes = leaves.splice(0, maxLeaves);
      parts.push(await sealer.seal({ kind: 'leaves', first, hashes }));
      first += hashes.length;
    }
  };
  for (const each of segment.frames) {
    if (each.kind === 'checkpoint') {
      await sealLeaves();
      parts.push(await sealer.seal(each));
    } else leaves.push(...leavesOf(secrets.primitives, { ...segment, frames: [each] }));
  }
  await sealLeaves();
  return concat(...parts);
}

async function openFrame(primitives: Primitives, key: Uint8Array, index: number, sealed: Uint8Array): Promise<Frame | undefined> {
  try {
    return decode(frame, await primitives.aeadOpen(key, nonceOf(index), noAssociated, sealed), maxFrameBytes);
  } catch (cause) {
    if (codeOf(cause) === 'internal') throw cause;
    return undefined;
  }
}
