// The writer of one agent's audit log, spec/audit.md. An event counts once its promise resolves: no record, no effect. Records are written and
// synced in groups; what cannot be written is refused, and the writer goes on by itself when the disk does, without losing order.

import { logOrigin, readCheckpoint, type CheckpointStatement } from '@holdfast/protocol/audit/checkpoint';
import { encodeEvent, type AuditEvent, type AuditReport } from '@holdfast/protocol/audit/event';
import { isSilenced, type AuditPolicy } from '@holdfast/protocol/audit/policy';
import { maxBatch, type SegmentSecrets } from '@holdfast/protocol/audit/segment';
import type { Anchor } from '@holdfast/protocol/audit/verify';
import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import type { Clock, Log } from '../ports.ts';
import type { AuditFiles } from './files.ts';
import { pruneSegment } from './prune.ts';
import { AuditReader, type AuditRange, type ClosedSegment, type SyncedSegment } from './reader.ts';
import type { Redactor } from './redactor.ts';
import { asEvidence, lostEvidenceNext, openStoredLog, type StoredLog } from './stored-log.ts';
import { Tail, type SyncedEnd } from './tail.ts';
import { WallClock, type Moment } from './wall-clock.ts';

/** Half of the 50 ms within which every record is synced [AUDIT-17]. */
const syncDelayMs = 25;
const retryDelayMs = 100;
const checkpointDelayMs = 1000;
const checkpointEvery = 1024;
/** How long a count of silenced events may wait for its record. [AUDIT-61] */
const tellSilencedMs = 1000;
/** More than a stalled disk should let pile up; past it events are refused, and with them what they record. */
const maxQueue = 16_384;
/** Notes that a session can bring about without end. */
const provoked: ReadonlySet<AuditReport['kind']> = new Set(['refused', 'fault', 'answered']);
/** What it does not fill with them is left for what it did, and for other sessions of the agent. */
const maxQueueOfProvoked = maxQueue / 2;

export interface AuditOptions {
  readonly files: AuditFiles;
  readonly secrets: SegmentSecrets;
  readonly clock: Clock;
  readonly log: Log;
  /** This run of the daemon: a random id, and the monotonic time at which it began. */
  readonly run: { readonly id: Uint8Array; readonly startedMs: number };
  /** The statement signed by the session key with its certificate (`signCheckpoint` of the protocol); may fail, then it is asked again. */
  readonly sign: (statement: CheckpointStatement) => Promise<Uint8Array>;
  /** The agent's child whose session this is, and what began that; undefined: the agent's own. */
  readonly childOf?: (session: Uint8Array) => { readonly child: Uint8Array; readonly trace: Uint8Array } | undefined;
  /** What the operators want recorded, as it is now; asked for each event. Absent: everything. */
  readonly policy?: () => AuditPolicy | undefined;
  /** Absent: nothing that is recorded is anybody's. */
  readonly redactor?: Redactor;
  /** There are new records; and more of them is synced. Neither may throw. */
  readonly grew?: { written(): void; synced(): void } | undefined;
  /** The newest checkpoint known from the journal: a log that is shorter was cut. */
  readonly anchor?: Anchor;
  /** Why this log does not hold: it is opened to be read, and nothing is written any more. */
  readonly evidenceOf?: HoldfastError;
}

type Item = (
  | { readonly kind: 'record'; readonly event: AuditEvent }
  | { readonly kind: 'checkpoint'; readonly wire: Uint8Array }
  | { readonly kind: 'barrier' }
) & {
  readonly durable: boolean;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
};
type Content = Item extends infer I ? (I extends unknown ? Omit<I, 'durable' | 'resolve' | 'reject'> : never) : never;

function unavailable(cause?: unknown): HoldfastError {
  return new HoldfastError('audit_unavailable', 'the audit record could not be written', {
    next: 'free space or mend the disk',
    cause,
  });
}

export class AuditWriter {
  private readonly options: AuditOptions;
  private readonly tail: Tail;
  private readonly reader: AuditReader;
  private readonly queue: Item[] = [];
  private working: Promise<void> | undefined;
  private syncDue = false;
  private syncTimer: NodeJS.Timeout | undefined;
  private checkpointTimer: NodeJS.Timeout | undefined;
  private signing: Promise<void> | undefined;
  private signingFailed = false;
  private closed = false;
  /** The last thing that was to be written was not. */
  private failing = false;
  private fault: HoldfastError | undefined;
  private readonly wallClock: WallClock;
  /** Notes that found no place since the last `gap`, by kind. */
  private readonly dropped = new Map<AuditReport['kind'], number>();
  /** Events that the policy of `silencedBy` kept out since the last `silenced`, by kind. */
  private readonly silenced = new Map<AuditReport['kind'], number>();
  private silencedBy = 1;
  private silenceTimer: NodeJS.Timeout | undefined;

  private constructor(options: AuditOptions, stored: StoredLog) {
    this.options = options;
    this.tail = new Tail(options.files, options.secrets, stored);
    this.reader = new AuditReader(options.files, options.secrets, this.tail, stored.pruned);
    this.fault = options.evidenceOf;
    this.wallClock = new WallClock(stored.lastAtMs);
  }

  /** Takes over `files`, also when it throws: `audit_corrupt`, `audit_truncated`, `audit_altered`, or what the file system says; then nothing may be minted for this agent. */
  static async open(given: AuditOptions): Promise<AuditWriter> {
    const options = given.evidenceOf === undefined ? given : { ...given, files: asEvidence(given.files) };
    try {
      const stored = await openStoredLog(options.files, options.secrets, options.anchor);
      const writer = new AuditWriter(options, stored);
      if (!writer.frozen && (stored.cut.bytes > 0 || stored.cut.files > 0)) writer.note({ kind: 'repaired', ...stored.cut }); // [AUDIT-40]
      return writer;
    } catch (cause) {
      await options.files.close();
      throw cause;
    }
  }

  /** Records so far. */
  get size(): number {
    return this.tail.size;
  }

  /** Records that the newest signed checkpoint covers. */
  get signedSize(): number {
    return this.tail.checkpoint?.statement.size ?? 0;
  }

  /** The newest signed checkpoint, as stored. */
  get newestCheckpoint(): Uint8Array | undefined {
    return this.tail.checkpoint?.wire;
  }

  /** Since the last try nothing could be written: what needs a record does not happen. */
  get isFailing(): boolean {
    return this.failing;
  }

  get frozen(): boolean {
    return this.fault !== undefined;
  }

  /** From now on every event is refused and no checkpoint made: what would follow could not be told from what was put in its place. */
  freeze(fault: HoldfastError): void {
    this.fault ??= fault;
  }

  /** Throws `audit_truncated` or `audit_altered` unless this very log made that checkpoint; `audit_corrupt`. */
  async assertMade(checkpoint: Uint8Array): Promise<void> {
    const { size } = readCheckpoint(this.options.secrets.primitives, checkpoint).statement;
    if (size > this.size)
      throw new HoldfastError('audit_truncated', `${size} audit records were signed, ${this.size} are left`, {
        next: lostEvidenceNext,
      }); // [AUDIT-23]
    if (!(await this.reader.hasCheckpoint(checkpoint))) {
      throw new HoldfastError('audit_altered', 'the audit log is another than the one that was signed', {
        next: lostEvidenceNext,
      }); // [AUDIT-23]
    }
  }

  /** Resolves when written; synced within 50 ms. Rejects with `audit_unavailable`: then what it records must not happen. */
  append(report: AuditReport): Promise<void> {
    return this.record(report, false);
  }

  /** Resolves when it would survive a power loss. Rejects with `audit_unavailable`; then the record may or may not be in the log. */
  appendDurable(report: AuditReport): Promise<void> {
    return this.record(report, true);
  }

  /** Writes a report that no effect waits for. What found no place is counted, and told in a `gap` as soon as something is written. [AUDIT-25] */
  note(report: AuditReport): void {
    const { kind } = report;
    const written =
      provoked.has(kind) && this.queue.length >= maxQueueOfProvoked ? Promise.reject(unavailable()) : this.append(report);
    written.catch(() => this.drop(kind, 1));
  }

  private drop(kind: AuditReport['kind'], count: number): void {
    if (this.dropped.size === 0) this.options.log.warn({ kind }, 'audit events could not be written');
    this.dropped.set(kind, (this.dropped.get(kind) ?? 0) + count);
  }

  private tellDropped(): void {
    if (this.dropped.size === 0) return;
    const dropped = [...this.dropped].map(([kind, count]) => ({ kind, count }));
    this.dropped.clear();
    this.append({ kind: 'gap', dropped }).catch(() => {
      for (const { kind, count } of dropped) this.drop(kind, count);
    });
  }

  private record(report: AuditReport, durable: boolean): Promise<void> {
    const { clock } = this.options;
    const at = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
    const moved = this.frozen ? undefined : this.wallClock.moved(at);
    if (moved !== undefined) this.stamped(moved, at, false).catch(() => this.drop(moved.kind, 1)); // [AUDIT-41]
    const policy = this.options.policy?.();
    if (policy !== undefined && this.fault === undefined && !this.closed && isSilenced(policy, report.kind)) {
      this.silence(policy.version, report.kind);
      return Promise.resolve();
    }
    return this.stamped(report, at, durable);
  }

  /** Counted, and told with the version that wanted it so. [AUDIT-61] */
  private silence(version: number, kind: AuditReport['kind']): void {
    if (version !== this.silencedBy) this.tellSilenced();
    this.silencedBy = version;
    this.silenced.set(kind, (this.silenced.get(kind) ?? 0) + 1);
    this.silenceTimer ??= setTimeout(() => this.tellSilenced(), tellSilencedMs).unref();
  }

  private tellSilenced(): void {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = undefined;
    if (this.silenced.size === 0) return;
    const counted = [...this.silenced];
    const version = this.silencedBy;
    this.silenced.clear();
    this.append({ kind: 'silenced', version, counts: counted.map(([kind, count]) => ({ kind, count })) }).catch(() => {
      for (const [kind, count] of counted) this.drop(kind, count);
    });
  }

  private stamped(report: AuditReport, { wallMs, monotonicMs }: Moment, durable: boolean): Promise<void> {
    const { run, secrets } = this.options;
    // The number is given when it is written: a refused record leaves no gap.
    const stamp = {
      v: 1,
      agent: secrets.agent,
      sequence: 0,
      run: run.id,
      atMs: Math.trunc(wallMs),
      monotonicUs: Math.round((monotonicMs - run.startedMs) * 1000),
    } as const;
    const whose = 'session' in report && report.session !== undefined ? this.options.childOf?.(report.session) : undefined;
    const event = { ...whose, ...(this.options.redactor?.report(report) ?? report), ...stamp } as AuditEvent; // [CHILD-7] [AUDIT-50]
    return this.enqueue({ kind: 'record', event }, durable);
  }

  private enqueue(content: Content, durable: boolean): Promise<void> {
    if (this.fault !== undefined) return Promise.reject(unavailable(this.fault)); // [AUDIT-24]
    if (this.closed || this.queue.length >= maxQueue) return Promise.reject(unavailable());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.queue.push({ ...content, durable, resolve, reject });
    this.work();
    return promise;
  }

  private work(): void {
    this.working ??= this.turns();
  }

  private async turns(): Promise<void> {
    await Promise.resolve(); // callers of the same turn share a group
    while (this.queue.length > 0 || this.syncDue) {
      const batch = this.queue.splice(0, maxBatch);
      try {
        await this.writeBatch(batch);
        this.failing = false;
        this.tellDropped();
      } catch (cause) {
        this.options.log.warn({ cause: String(cause) }, 'audit records could not be written');
        this.failing = true;
        for (const { reject } of batch) reject(unavailable(cause)); // those already resolved stay so
        this.syncDue = false;
        this.syncSoon(retryDelayMs);
      }
    }
    this.working = undefined; // in the same step as the last look at the queue: what is queued from here on starts a new round
  }

  private async writeBatch(batch: readonly Item[]): Promise<void> {
    const records: Uint8Array[] = [];
    for (const item of batch) {
      if (item.kind !== 'record') continue;
      try {
        records.push(encodeEvent({ ...item.event, sequence: this.tail.size + records.length }));
      } catch (cause) {
        item.reject(cause); // an event of no known shape is a fault of its caller, not of the disk
      }
    }
    await this.options.redactor?.settle(); // [COMMIT-3]
    if (records.length > 0) await this.tail.write(records);
    for (const item of batch) if (item.kind === 'checkpoint') await this.tail.writeCheckpoint(item.wire);
    for (const { durable, resolve } of batch) if (!durable) resolve();
    if (records.length > 0) this.options.grew?.written();
    if (this.syncDue || batch.some(({ durable }) => durable)) {
      await this.tail.sync();
      this.syncDue = false;
      for (const { resolve } of batch) resolve();
      this.options.grew?.synced();
      this.checkpointSoon();
    } else {
      this.syncSoon(syncDelayMs);
    }
  }

  private syncSoon(delayMs: number): void {
    this.syncTimer ??= setTimeout(() => {
      this.syncTimer = undefined;
      if (this.tail.isSynced) return;
      this.syncDue = true;
      this.work();
    }, delayMs).unref();
  }

  private get uncovered(): number {
    return this.tail.syncedSize - this.signedSize;
  }

  /** A checkpoint within a second of the first record without one, at once when there are many, and not at once after a failure. */
  private checkpointSoon(): void {
    if (this.signing !== undefined || this.closed || this.uncovered === 0) return;
    const begin = () => {
      clearTimeout(this.checkpointTimer);
      this.checkpointTimer = undefined;
      void this.checkpoint().catch((cause: unknown) => {
        this.options.log.warn({ code: codeOf(cause) }, 'audit checkpoint could not be made');
      });
    };
    if (this.uncovered >= checkpointEvery && !this.signingFailed) begin();
    else this.checkpointTimer ??= setTimeout(begin, checkpointDelayMs).unref();
  }

  /** A signed checkpoint over everything that was to be written by now, stored and synced; none of a log that does not hold. Rejects with what signing or writing said. */
  async checkpoint(): Promise<void> {
    if (this.fault !== undefined) return;
    while (this.signing !== undefined) await this.signing.catch(() => {});
    this.signingFailed = true;
    this.signing = this.makeCheckpoint()
      .then(() => void (this.signingFailed = false))
      .finally(() => {
        this.signing = undefined;
        this.checkpointSoon();
      });
    await this.signing;
  }

  private async makeCheckpoint(): Promise<void> {
    if (!this.tail.isSynced || this.working !== undefined) await this.enqueue({ kind: 'barrier' }, true);
    if (this.uncovered === 0) return;
    const { fleet, agent } = this.options.secrets;
    const previous = this.tail.checkpoint;
    const wire = await this.options.sign({
      v: 1,
      fleet,
      agent,
      origin: logOrigin(fleet, agent),
      ...this.tail.synced,
      atMs: Math.trunc(this.options.clock.nowMs()),
      ...(previous !== undefined && { previous: previous.hash }),
    });
    await this.enqueue({ kind: 'checkpoint', wire }, true);
  }

  /** As `AuditReader.read`. */
  read(range: AuditRange): Promise<Uint8Array[]> {
    return this.reader.read(range);
  }

  /** All checkpoints, oldest first, as stored. Throws `audit_corrupt`. */
  checkpoints(): Promise<Uint8Array[]> {
    return this.reader.checkpoints();
  }

  /** The number of the first record that was not pruned. */
  get firstKept(): number {
    return this.reader.firstKept;
  }

  /** As `AuditReader.leaves`. */
  leaves(range: Pick<AuditRange, 'from' | 'limit'>): Promise<Uint8Array[]> {
    return this.reader.leaves(range);
  }

  /** As `AuditReader.kept`. */
  get closedSegments(): readonly ClosedSegment[] {
    return this.reader.kept();
  }

  /**
   * Leaves the hashes of all records below `pruned.below`, the end of a closed segment. It is in the log, synced, before anything goes. Rejects with
   * `audit_unavailable`, `audit_corrupt`, or what the disk says; then part of it may be done. [AUDIT-66]
   */
  async prune(report: Extract<AuditReport, { kind: 'pruned' }>): Promise<void> {
    await this.appendDurable(report);
    for (const segment of this.reader.kept()) {
      if (segment.next > report.below || this.fault !== undefined || this.closed) return;
      await this.reader.pruning(() => pruneSegment(this.options.files, this.options.secrets, segment));
    }
  }

  /** What is synced ends there: as long as it stays the same, so does all that `syncedSegment` reads. */
  get syncedEnd(): SyncedEnd {
    return this.tail.syncedEnd;
  }

  /** As `AuditReader.syncedSegment`. */
  syncedSegment(ordinal: number): Promise<SyncedSegment | undefined> {
    return this.reader.syncedSegment(ordinal);
  }

  /** Writes what is queued, a last checkpoint if it can be signed, and closes the files. Later appends are refused. */
  async close(): Promise<void> {
    this.tellSilenced();
    this.tellDropped();
    await this.checkpoint().catch((cause: unknown) =>
      this.options.log.warn({ code: codeOf(cause) }, 'last audit checkpoint could not be made'),
    );
    this.closed = true;
    clearTimeout(this.checkpointTimer);
    await this.working;
    await this.tail
      .sync()
      .catch((cause: unknown) => this.options.log.warn({ cause: String(cause) }, 'last audit records could not be synced'));
    clearTimeout(this.syncTimer);
    await this.tail.close();
    await this.options.files.close();
  }
}
