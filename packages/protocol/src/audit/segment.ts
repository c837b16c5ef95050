// One file of an audit log, spec/audit.md "On disk": a header, then sealed frames, each a batch of records or a checkpoint. Whoever copies the
// disk reads sizes and times of files. A segment's key is its own, so a number is never used twice under one key, whatever is cut or retried.

import { concat, utf8 } from '../codec/bytes.ts';
import { bytes, bytesUpTo, decode, encode, integer, list, literal, optional, union, type Infer } from '../codec/schema.ts';
import { maxCheckpointBytes } from './checkpoint.ts';
import { maxEventBytes } from './event.ts';
import { codeOf } from '../errors.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { hkdf } from '../seal/hkdf.ts';

/** Records that are sealed and written together, at most: a few milliseconds of work. */
export const maxBatch = 256;
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
  checkpoint: { wire: bytesUpTo(maxCheckpointBytes) },
});
export type Frame = Infer<typeof frame>;
export type StartFrame = Extract<Frame, { kind: 'start' }>;

const magic = utf8('HFAUDIT1');
const saltBytes = 32;
const headerBytes = magic.length + saltBytes;

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

  constructor(secrets: SegmentSecrets, id: SegmentId) {
    const salt = secrets.primitives.random(saltBytes); // [AUDIT-18]
    this.header = concat(magic, salt);
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
  if (file.length < headerBytes || !magic.every((byte, at) => file[at] === byte)) return undefined;
  const key = segmentKey(secrets, file.subarray(magic.length, headerBytes), id);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const frames: Frame[] = [];
  let offset = headerBytes;
  while (file.length - offset >= 4) {
    const length = view.getUint32(offset);
    const end = offset + 4 + length;
    if (end > file.length || length > maxFrameBytes + tagBytes) break;
    const opened = await openFrame(secrets.primitives, key, frames.length, file.subarray(offset + 4, end));
    if (opened === undefined) break;
    frames.push(opened);
    offset = end;
    if (frames.length % framesPerTurn === 0) await pause();
  }
  const [start, ...rest] = frames;
  if (start?.kind !== 'start' || start.size !== id.first) return undefined;
  return { start, frames: rest, goodBytes: offset, whole: offset === file.length };
}

export const recordsOf = (segment: OpenedSegment): Uint8Array[] =>
  segment.frames.flatMap((each) => (each.kind === 'records' ? each.records : []));
export const checkpointsOf = (segment: OpenedSegment): Uint8Array[] =>
  segment.frames.flatMap((each) => (each.kind === 'checkpoint' ? [each.wire] : []));

async function openFrame(primitives: Primitives, key: Uint8Array, index: number, sealed: Uint8Array): Promise<Frame | undefined> {
  try {
    return decode(frame, await primitives.aeadOpen(key, nonceOf(index), noAssociated, sealed), maxFrameBytes);
  } catch (cause) {
    if (codeOf(cause) === 'internal') throw cause;
    return undefined;
  }
}
