// Reading an audit log back from its folder, spec/audit.md "On disk": at start the last segment, later any page. What was acknowledged as
// synced must open; a tail that never was is cut off. Nothing is ever skipped.

import { concat, equalBytes } from '@holdfast/protocol/codec/bytes';
import { readCheckpoint, type CheckpointStatement } from '@holdfast/protocol/audit/checkpoint';
import { decodeEvent } from '@holdfast/protocol/audit/event';
import {
  checkpointsOf,
  leavesOf,
  openSegment,
  parseSegmentName,
  recordsOf,
  saysPruned,
  segmentName,
  type OpenedSegment,
  type SegmentId,
  type SegmentSecrets,
} from '@holdfast/protocol/audit/segment';
import { Frontier } from '@holdfast/protocol/primitives/merkle';
import type { Anchor } from '@holdfast/protocol/audit/verify';
import { HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import type { AuditFiles } from './files.ts';

const markName = 'synced';
export const lostEvidenceNext =
  'keep the folder as it is and put it back from a backup, or revoke this agent and enrol again; see: holdfast audit verify';

function damaged(code: ErrorCode, message: string, cause?: unknown): HoldfastError {
  return new HoldfastError(code, message, { next: lostEvidenceNext, cause });
}

export const ourTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** How many records were synced, and what size the newest synced checkpoint has (0: none). */
export interface Mark {
  readonly records: number;
  readonly checkpoint: number;
}
const noMark: Mark = { records: 0, checkpoint: 0 };

/** Fixed width, and with a check, so that a torn one reads as none. */
function markBytes(primitives: Primitives, { records, checkpoint }: Mark): Uint8Array {
  const counts = new Uint8Array(16);
  const view = new DataView(counts.buffer);
  view.setBigUint64(0, BigInt(records));
  view.setBigUint64(8, BigInt(checkpoint));
  return concat(counts, primitives.sha256(counts).subarray(0, 8));
}

export async function writeMark(files: AuditFiles, primitives: Primitives, mark: Mark): Promise<void> {
  await files.overwrite(markName, markBytes(primitives, mark));
}

async function readMark(files: AuditFiles, primitives: Primitives): Promise<Mark> {
  const found = await files.read(markName);
  if (found?.length !== 24) return noMark;
  const view = new DataView(found.buffer, found.byteOffset);
  const mark = { records: Number(view.getBigUint64(0)), checkpoint: Number(view.getBigUint64(8)) };
  const sound = Number.isSafeInteger(mark.records) && Number.isSafeInteger(mark.checkpoint);
  return sound && equalBytes(found, markBytes(primitives, mark)) ? mark : noMark;
}

export interface NewestCheckpoint {
  readonly wire: Uint8Array;
  readonly hash: Uint8Array;
  readonly statement: CheckpointStatement;
}

export interface StoredLog {
  readonly frontier: Frontier;
  readonly checkpoint: NewestCheckpoint | undefined;
  /** In order. */
  readonly segments: readonly SegmentId[];
  /** Of how many of them, the first ones, hashes are left. */
  readonly pruned: number;
  /** When the last record of the last segment was written, by the wall clock. */
  readonly lastAtMs: number | undefined;
  /** What was cut off the end. [AUDIT-40] */
  readonly cut: Cut;
}

export interface Cut {
  readonly bytes: number;
  readonly files: number;
}

async function listSegments(files: AuditFiles): Promise<SegmentId[]> {
  const found = (await files.list()).flatMap((name) => parseSegmentName(name) ?? []).toSorted((a, b) => a.ordinal - b.ordinal);
  if (found.some(({ ordinal }, index) => ordinal !== index)) throw damaged('audit_corrupt', 'an audit file is missing'); // [AUDIT-21]
  return found;
}

/** A folder whose log does not hold: as evidence it is read as it is, whatever is missing, and nothing in it is changed. */
export function asEvidence(files: AuditFiles): AuditFiles {
  const refuse = () => Promise.reject(new HoldfastError('audit_unavailable', 'evidence is not changed'));
  return {
    list: () => files.list(),
    read: async (name) => (name === markName ? undefined : files.read(name)),
    create: refuse,
    truncate: async () => {},
    remove: async () => {},
    overwrite: refuse,
    replace: refuse,
    close: () => files.close(),
  };
}

/**
 * The log as it stood. Cuts a tail that was never acknowledged. Throws `audit_corrupt` for damage, `audit_truncated` when records that were
 * synced or that `anchor` covers are gone, `audit_altered` when they are others.
 */
export async function openStoredLog(files: AuditFiles, secrets: SegmentSecrets, anchor?: Anchor): Promise<StoredLog> {
  const { primitives } = secrets;
  const mark = await readMark(files, primitives);
  for (const name of await files.list()) if (isLeftover(name)) await files.remove(name); // [AUDIT-66]
  const segments = await listSegments(files);
  const cut = { bytes: 0, files: 0 };
  let log: StoredLog = {
    frontier: new Frontier(primitives),
    checkpoint: undefined,
    segments: [],
    pruned: 0,
    lastAtMs: undefined,
    cut,
  };
  for (let id = segments.at(-1); id !== undefined; id = segments.at(-1)) {
    const name = segmentName(id);
    const file = (await files.read(name)) ?? new Uint8Array(0);
    const opened = await openSegment(secrets, id, file, ourTurn);
    const replayed = opened && replay(primitives, opened, anchor);
    const torn = opened === undefined || !opened.whole;
    const good = { records: replayed?.frontier.size ?? id.first, checkpoint: replayed?.checkpoint?.statement.size ?? 0 };
    const lost =
      good.records < Math.max(mark.records, anchor?.size ?? 0) || (opened !== undefined && good.checkpoint < mark.checkpoint);
    if (torn && lost) throw damaged('audit_corrupt', `audit file ${name} is damaged`); // [AUDIT-20] [AUDIT-23]
    if (opened !== undefined && replayed !== undefined) {
      await files.truncate(name, opened.goodBytes); // [AUDIT-19] never acknowledged; what is left counts as synced from here on
      cut.bytes += file.length - opened.goodBytes;
      log = { ...replayed, segments, pruned: await prunedOf(files, segments), cut };
      break;
    }
    await files.remove(name); // [AUDIT-19] begun, and never acknowledged
    cut.bytes += file.length;
    cut.files += 1;
    segments.pop();
  }
  const { size } = log.frontier;
  const wanted = Math.max(mark.records, mark.checkpoint, anchor?.size ?? 0, log.checkpoint?.statement.size ?? 0);
  if (size < wanted) throw damaged('audit_truncated', `${wanted} audit records were written, ${size} are left`); // [AUDIT-21]
  return log;
}

/** What a prune that ended early leaves. */
const isLeftover = (name: string): boolean =>
  name.endsWith('.new') && parseSegmentName(name.slice(0, -'.new'.length)) !== undefined;

/** Segments are pruned from the first on: halves what is left to look at. [AUDIT-65] */
async function prunedOf(files: AuditFiles, segments: readonly SegmentId[]): Promise<number> {
  let [from, to] = [0, segments.length];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    const id = segments[middle];
    const file = id && (await files.read(segmentName(id)));
    if (file !== undefined && saysPruned(file)) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Rebuilds the tree over one segment and holds it against the checkpoints in it. */
function replay(
  primitives: Primitives,
  opened: OpenedSegment,
  anchor: Anchor | undefined,
): Pick<StoredLog, 'frontier' | 'checkpoint' | 'lastAtMs'> {
  const { start } = opened;
  const frontier = new Frontier(primitives, start);
  const wires = [...(start.checkpoint === undefined ? [] : [start.checkpoint]), ...checkpointsOf(opened)];
  const checkpoints = wires.map((wire) => ({ wire, ...readCheckpoint(primitives, wire) }));
  const expected = [...checkpoints.map(({ statement }) => statement), ...(anchor === undefined ? [] : [anchor])];
  const roots = new Map(expected.map(({ size, root }) => [size, root]));
  for (const leaf of leavesOf(primitives, opened)) {
    frontier.append(leaf);
    const root = roots.get(frontier.size);
    if (root !== undefined && !equalBytes(root, frontier.root()))
      throw damaged('audit_altered', 'audit records differ from their checkpoint'); // [AUDIT-21]
  }
  const last = recordsOf(opened).at(-1);
  return { frontier, checkpoint: checkpoints.at(-1), lastAtMs: last && decodeEvent(last).atMs };
}

/** A segment that ended before record `next`: all of it must be there. Throws `audit_corrupt`. */
export async function readClosedSegment(
  files: AuditFiles,
  secrets: SegmentSecrets,
  id: SegmentId,
  next: number,
): Promise<OpenedSegment> {
  const file = await files.read(segmentName(id));
  const opened = file && (await openSegment(secrets, id, file, ourTurn));
  if (opened?.whole !== true || id.first + leavesOf(secrets.primitives, opened).length !== next) {
    throw damaged('audit_corrupt', `audit file ${segmentName(id)} is damaged`); // [AUDIT-20]
  }
  return opened;
}
