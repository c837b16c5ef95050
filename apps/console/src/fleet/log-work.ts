// What is done to shipped logs away from the page, in log-worker.ts: files are opened, records read and verified, so that no log, however long, keeps the
// page from answering a finger. Everything said here is of one log, named by its agent; answers come in the order of what was asked.

import { bundleLines } from '@holdfast/protocol/audit/bundle';
import { readCheckpoint, type LogIdentity } from '@holdfast/protocol/audit/checkpoint';
import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { permissionedTime, type PermissionedTime } from '@holdfast/protocol/audit/permissioned-time';
import type { Proofs } from '@holdfast/protocol/audit/proofs';
import { ShippedReader, verifyShippedLog } from '@holdfast/protocol/audit/shipped-log';
import { ticksOf, type CredentialTicks, type Stretch } from '@holdfast/protocol/audit/ticks';
import type { Anchor, AuditVerdict } from '@holdfast/protocol/audit/verify';
import type { ShippedPiece } from '@holdfast/protocol/blind/shipment';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';

export type LogRequest =
  /** `key`: of the agent's audience, epoch 0. */
  | { readonly kind: 'begin'; readonly log: string; readonly key: Uint8Array; readonly whose: LogIdentity }
  | { readonly kind: 'pieces'; readonly log: string; readonly pieces: readonly ShippedPiece[] }
  /**
   * Tells what is new, and verifies all of it where `anchors` are given: checkpoints that are known from elsewhere. `mayBeBehind`: the topic is ahead of
   * what was shipped, for moments.
   */
  | {
      readonly kind: 'look';
      readonly log: string;
      readonly whose: LogIdentity;
      readonly anchors: readonly Uint8Array[] | undefined;
      /** Roots that devices have cosigned, verified. */
      readonly known: readonly Anchor[];
      readonly mayBeBehind: boolean;
    }
  /** All that was read of it as a bundle, spec/audit-bundle.md. `id`: of the question. */
  | {
      readonly kind: 'bundle';
      readonly id: number;
      readonly log: string;
      readonly whose: LogIdentity;
      readonly proofs: Proofs | undefined;
    }
  /** Permissioned time of these logs together, over that stretch. `id`: of the question. */
  | { readonly kind: 'time'; readonly id: number; readonly logs: readonly string[]; readonly stretch: Stretch };

/** An error on its way out of a worker, which hands on no classes. */
export interface ToldError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly next: string | undefined;
}

export type LogAnswer =
  /** In order, a few at a time: whoever reads them has other things to do as well. */
  | { readonly kind: 'events'; readonly log: string; readonly events: readonly AuditEvent[] }
  /** What was asked is done. `verdict`: undefined where nothing was verified. */
  | {
      readonly kind: 'looked';
      readonly log: string;
      /** Records whose hashes alone are left; they come before all others. */
      readonly pruned: number;
      readonly behind: boolean;
      readonly verdict: AuditVerdict | undefined;
      /** The newest in the log. */
      readonly checkpoint: Uint8Array | undefined;
      readonly tookMs: number;
    }
  | { readonly kind: 'failed'; readonly log: string; readonly error: ToldError }
  | { readonly kind: 'bundle'; readonly id: number; readonly lines: readonly string[] }
  | ({ readonly kind: 'time'; readonly id: number } & TimeOf);

export interface TimeOf {
  readonly whole: PermissionedTime;
  readonly credentials: readonly CredentialTicks[];
}

/** Of what permissioned time is made. */
const counts: ReadonlySet<AuditEvent['kind']> = new Set([
  ...(['granted', 'grant-ended', 'revoked', 'minted', 'consumed', 'expired', 'handle-refused', 'credentialed'] as const),
]);

/** Of one message: some milliseconds to unpack. */
const eventsAtOnce = 256;

interface Open {
  readonly reader: ShippedReader;
  readonly counted: AuditEvent[];
  told: number;
  failed: boolean;
}

export class LogWork {
  readonly #primitives: Primitives;
  readonly #say: (answer: LogAnswer) => void;
  readonly #monotonicMs: () => number;
  readonly #open = new Map<string, Open>();
  #last: Promise<void> = Promise.resolve();

  constructor(primitives: Primitives, monotonicMs: () => number, say: (answer: LogAnswer) => void) {
    this.#primitives = primitives;
    this.#monotonicMs = monotonicMs;
    this.#say = say;
  }

  /** Never rejects: what goes wrong is said. */
  take(request: LogRequest): Promise<void> {
    this.#last = this.#last.then(() =>
      this.#do(request).catch((thrown: unknown) => {
        if (request.kind === 'time') return; // counting what was decoded does not fail
        const open = this.#open.get(request.log);
        if (open?.failed === true) return;
        if (open !== undefined) open.failed = true;
        this.#say({ kind: 'failed', log: request.log, error: told(thrown) });
      }),
    );
    return this.#last;
  }

  async #do(request: LogRequest): Promise<void> {
    if (request.kind === 'time') return this.#say({ kind: 'time', id: request.id, ...this.#timeOf(request) });
    if (request.kind === 'begin') {
      const { key, whose } = request;
      const secrets = { primitives: this.#primitives, key, fleet: whose.fleet, agent: whose.agent };
      this.#open.set(request.log, { reader: new ShippedReader(secrets), counted: [], told: 0, failed: false });
      return;
    }
    const open = this.#open.get(request.log);
    if (open === undefined) throw new HoldfastError('internal', 'a log that was not begun');
    if (request.kind === 'pieces') {
      if (!open.failed) for (const piece of request.pieces) await open.reader.take(piece);
      return;
    }
    if (request.kind === 'bundle') {
      const { whose, proofs, id } = request;
      const lines = [...bundleLines(this.#primitives, whose, { ...(await open.reader.read()), proofs })];
      return this.#say({ kind: 'bundle', id, lines });
    }
    await this.#look(request, open);
  }

  async #look(
    { log: name, whose, anchors, known, mayBeBehind }: Extract<LogRequest, { kind: 'look' }>,
    open: Open,
  ): Promise<void> {
    const beganMs = this.#monotonicMs();
    const log = await open.reader.read();
    for (let at = open.told; at < log.events.length; at += eventsAtOnce) {
      const events = log.events.slice(at, at + eventsAtOnce).map(decoded);
      for (const event of events) if (counts.has(event.kind)) open.counted.push(event);
      this.#say({ kind: 'events', log: name, events });
      open.told = at + events.length;
    }
    const there = log.leaves.length + log.events.length;
    const behind = (anchors ?? []).some((wire) => readCheckpoint(this.#primitives, wire).statement.size > there);
    const verdict =
      anchors === undefined || (behind && mayBeBehind)
        ? undefined
        : await verifyShippedLog(this.#primitives, whose, log, { wires: anchors, known });
    this.#say({
      kind: 'looked',
      log: name,
      pruned: log.leaves.length,
      behind,
      verdict,
      checkpoint: log.checkpoints.at(-1),
      tookMs: this.#monotonicMs() - beganMs,
    });
  }

  #timeOf({ logs, stretch }: Extract<LogRequest, { kind: 'time' }>): TimeOf {
    const events = logs.flatMap((name) => this.#open.get(name)?.counted ?? []);
    const past = events.filter(({ atMs }) => atMs <= stretch.toMs);
    return { whole: permissionedTime(past, stretch.toMs, stretch.fromMs), credentials: ticksOf(past, stretch) };
  }
}

function decoded(wire: Uint8Array): AuditEvent {
  try {
    return decodeEvent(wire);
  } catch (cause) {
    if (!codeOf(cause).startsWith('codec_')) throw cause;
    throw new HoldfastError('audit_altered', 'the log holds what no daemon writes', { cause });
  }
}

function told(thrown: unknown): ToldError {
  if (thrown instanceof HoldfastError) return { code: thrown.code, message: thrown.message, next: thrown.next };
  return { code: 'internal', message: 'this console could not read the log', next: undefined };
}
