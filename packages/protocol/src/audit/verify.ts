// Verifying an agent's audit log, spec/audit.md: needs the records, the checkpoints and the agent's public key, nothing else. What is not
// covered by a signed checkpoint is counted, not believed.

import { equalBytes, toHex } from '../codec/bytes.ts';
import { codeOf, HoldfastError, type ErrorCode } from '../errors.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { verifyCheckpoint, type CheckpointStatement, type LogIdentity } from './checkpoint.ts';
import { decodeEvent, type AuditEvent } from './event.ts';
import { Frontier, leafHash } from '../primitives/merkle.ts';
import { Pruning, type Pruned } from './pruning.ts';

/** A size and root that the verifier knows from elsewhere: the journal, another device, an earlier run. */
export interface Anchor {
  readonly size: number;
  readonly root: Uint8Array;
  /** The log's keys whose word the verifier has from there, for what comes after it, in the order in which the agent had them. */
  readonly by?: readonly number[];
}

export interface AuditVerdict {
  readonly events: number;
  readonly root: Uint8Array;
  readonly checkpoints: number;
  /** Events that the newest checkpoint or the anchor covers; those after it rest on the daemon's word alone. */
  readonly covered: number;
  /** Whether a key that was known from elsewhere certified whatever signed beyond an anchor. [BUNDLE-8] */
  readonly keyPinned: boolean;
  readonly runs: number;
  /** Records dated before their predecessor: the wall clock was set back. Not a fault; the order stands by number. */
  readonly clockSetBack: number;
  /** Events that the log itself says were left out. */
  readonly dropped: number;
  /** What a policy had removed, of which hashes are left; absent: nothing. */
  readonly pruned?: Pruned;
  readonly firstAtMs: number | undefined;
  readonly lastAtMs: number | undefined;
}

function fail(code: ErrorCode, message: string, cause?: unknown): never {
  throw new HoldfastError(code, message, { cause });
}

/** The checks of one record against those before it. */
class Sequence {
  private readonly agent: Uint8Array;
  private readonly ended = new Set<string>();
  private run: Uint8Array | undefined;
  private monotonicUs = 0;
  readonly pruning = new Pruning();
  runs = 0;
  clockSetBack = 0;
  dropped = 0;
  firstAtMs: number | undefined;
  lastAtMs: number | undefined;

  constructor(agent: Uint8Array) {
    this.agent = agent;
  }

  take(index: number, event: AuditEvent): void {
    if (event.sequence > index) fail('audit_gap', `record ${index} is missing`); // [AUDIT-13]
    if (event.sequence < index) fail('audit_altered', `record ${index} says that it is number ${event.sequence}`); // [AUDIT-14]
    if (!equalBytes(event.agent, this.agent)) fail('audit_forged', `record ${index} is of another agent`); // [AUDIT-11]
    this.takeTime(index, event);
    this.pruning.take(event);
    if (event.kind === 'gap') for (const { count } of event.dropped) this.dropped += count;
  }

  private takeTime(index: number, { run, monotonicUs, atMs }: AuditEvent): void {
    if (this.run === undefined || !equalBytes(run, this.run)) {
      if (this.run !== undefined) this.ended.add(toHex(this.run));
      if (this.ended.has(toHex(run))) fail('audit_time', `record ${index} is of a run that had ended`); // [AUDIT-15]
      this.run = run;
      this.runs += 1;
    } else if (monotonicUs < this.monotonicUs) {
      fail('audit_time', `record ${index} is before its predecessor`); // [AUDIT-15]
    }
    if (this.lastAtMs !== undefined && atMs < this.lastAtMs) this.clockSetBack += 1;
    this.monotonicUs = monotonicUs;
    this.firstAtMs ??= atMs;
    this.lastAtMs = atMs;
  }
}

async function verifyChain(
  primitives: Primitives,
  wires: readonly Uint8Array[],
  log: LogIdentity,
): Promise<(CheckpointStatement & { readonly nth: number })[]> {
  const statements: (CheckpointStatement & { readonly nth: number })[] = [];
  let previous: Uint8Array | undefined;
  let reached = 0;
  for (const wire of wires) {
    const { statement, hash, nth } = await verifyCheckpoint(primitives, wire, log);
    const before = statements.at(-1);
    if (before !== undefined && statement.size <= before.size) fail('audit_altered', 'checkpoints do not grow'); // [AUDIT-12]
    const linked =
      previous === undefined
        ? statement.previous === undefined
        : statement.previous !== undefined && equalBytes(statement.previous, previous);
    if (!linked) fail('audit_altered', 'a checkpoint is missing between two'); // [AUDIT-12]
    if (nth < reached) fail('audit_forged', 'a checkpoint is by keys that others had taken the place of'); // [ROTATE-7]
    reached = nth;
    statements.push({ ...statement, nth });
    previous = hash;
  }
  return statements;
}

function decodeAt(index: number, wire: Uint8Array): AuditEvent {
  try {
    return decodeEvent(wire);
  } catch (cause) {
    return fail('audit_altered', `record ${index} cannot be read (${codeOf(cause)})`, cause); // [AUDIT-14]
  }
}

/**
 * Checks a whole log from its first record; `leaves`: what is left of those before `events`. Throws `audit_altered`, `audit_gap`, `audit_pruned`,
 * `audit_truncated`, `audit_forged`, `audit_time`, or `codec_*` for a checkpoint that is none. `visit` sees each event once its own checks passed, before the whole log has.
 */
export async function verifyAudit(
  primitives: Primitives,
  log: LogIdentity,
  {
    leaves = [],
    events,
    checkpoints,
    anchors = [],
  }: {
    leaves?: readonly Uint8Array[] | undefined;
    events: Iterable<Uint8Array>;
    checkpoints: readonly Uint8Array[];
    anchors?: readonly Anchor[];
  },
  visit: (event: AuditEvent) => void = () => {},
): Promise<AuditVerdict> {
  const signed = await verifyChain(primitives, checkpoints, log);
  const expected: Anchor[] = [...signed, ...anchors.filter(({ size }) => size > 0)].toSorted((a, b) => a.size - b.size);
  const keyPinned = anchors.some(
    ({ size, by }) => by !== undefined && signed.every((each) => each.size <= size || by.includes(each.nth)),
  );
  const sequence = new Sequence(log.agent);
  const frontier = new Frontier(primitives);
  let next = 0;
  let good = 0;
  const append = (leaf: Uint8Array): void => {
    frontier.append(leaf);
    for (let mark = expected[next]; mark?.size === frontier.size; mark = expected[next]) {
      if (!equalBytes(mark.root, frontier.root()))
        fail('audit_altered', `records ${good} to ${mark.size - 1} are not those that were signed`); // [AUDIT-14] [BUNDLE-7]
      good = mark.size;
      next += 1;
    }
  };
  for (const leaf of leaves) append(leaf);
  for (const wire of events) {
    const event = decodeAt(frontier.size, wire);
    sequence.take(frontier.size, event);
    append(leafHash(primitives, wire));
    visit(event);
  }
  const pruned = sequence.pruning.of(leaves.length);
  const missing = expected.at(-1);
  if (missing !== undefined && missing.size > frontier.size) {
    fail('audit_truncated', `${missing.size} records were signed, ${frontier.size} are left`); // [AUDIT-16]
  }
  const { runs, clockSetBack, dropped, firstAtMs, lastAtMs } = sequence;
  return {
    events: frontier.size,
    root: frontier.root(),
    checkpoints: signed.length,
    covered: missing?.size ?? 0,
    keyPinned,
    runs,
    clockSetBack,
    dropped,
    ...(pruned !== undefined && { pruned }),
    firstAtMs,
    lastAtMs,
  };
}
