// The daemon's handles, spec/handle.md: minted only while the fleet's state is fresh, consumed at most once, and only after the use is on
// disk. Callers are told `refused` and nothing else; the record has the reason. Nothing survives the process: a restart ends every handle.

import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import type { AuditReport } from '@holdfast/protocol/audit/event';
import { HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
import type { Primitives } from '@holdfast/protocol/primitives/primitives';
import type { RequestFacts } from '@holdfast/protocol/vault/fence';
import {
  handleBytes,
  handleId,
  isPastLife,
  minted,
  present,
  requestDigest,
  type HandleState,
} from '@holdfast/protocol/vault/handle';
import { recordedRequest, type RecordPolicy } from '../audit/redact.ts';
import type { Clock } from '../ports.ts';

/** More than one session's concurrent requests; a session that mints and never uses is stopped here. */
const maxPerSession = 256;
const maxHandles = 4096;

export interface Recorder {
  append(report: AuditReport): Promise<void>;
  appendDurable(report: AuditReport): Promise<void>;
}

export interface MintPorts {
  readonly primitives: Primitives;
  readonly clock: Clock;
  /** Why nothing may be minted for this agent now (`stale_relay`, `stale_pulse`), or undefined. */
  readonly staleness: (agent: Uint8Array) => ErrorCode | undefined;
  /** The audit log of this agent. Throws when there is none: then nothing is minted. */
  readonly recorder: (agent: Uint8Array) => Recorder;
  readonly policy: RecordPolicy;
}

/** What may be used, by whom. All ids. */
export interface Holder {
  readonly session: Uint8Array;
  readonly agent: Uint8Array;
  readonly grant: Uint8Array;
  readonly item: Uint8Array;
  readonly name: string;
}

/** Proof of one recorded use; made by `consume` alone. Its ids go into the `credentialed` event. */
export interface Use {
  readonly handle: Uint8Array;
  readonly session: Uint8Array;
  readonly agent: Uint8Array;
  readonly grant: Uint8Array;
  readonly item: Uint8Array;
}

/** What a revocation or an ending session takes down with it. */
export type BurnTarget =
  | { readonly kind: 'grant'; readonly grant: Uint8Array }
  | { readonly kind: 'agent'; readonly agent: Uint8Array }
  | { readonly kind: 'session'; readonly session: Uint8Array }
  | { readonly kind: 'all' };

interface Entry {
  readonly id: Uint8Array;
  readonly holder: Holder;
  state: HandleState;
  /** Set while the use is being written, too: a revocation that comes between still wins. */
  burned: boolean;
}

function refused(): HoldfastError {
  return new HoldfastError('refused', 'the vault refuses this', { next: 'an operator sees the reason in the audit log' });
}

function hits(target: BurnTarget, { session, agent, grant }: Holder): boolean {
  switch (target.kind) {
    case 'grant':
      return equalBytes(target.grant, grant);
    case 'agent':
      return equalBytes(target.agent, agent);
    case 'session':
      return equalBytes(target.session, session);
    case 'all':
      return true;
    default:
      target satisfies never;
      return true;
  }
}

export class HandleTable {
  private readonly ports: MintPorts;
  /** By the hex of `handleId`, so that looking one up says nothing about the handles there are. In order of minting. */
  private readonly entries = new Map<string, Entry>();
  private readonly perSession = new Map<string, number>();

  constructor(ports: MintPorts) {
    this.ports = ports;
  }

  get size(): number {
    return this.entries.size;
  }

  /**
   * A handle for one use of one grant for one request, which the caller has held against the fence. Its `minted` event is written when this
   * resolves. Throws `stale_relay` or `stale_pulse`, `limit_exceeded`, `audit_unavailable`.
   */
  async mint(holder: Holder, facts: RequestFacts): Promise<Uint8Array> {
    const { primitives, clock, staleness, recorder, policy } = this.ports;
    const stale = staleness(holder.agent);
    if (stale !== undefined) throw new HoldfastError(stale, "the fleet's state is not fresh enough to mint"); // [HANDLE-7]
    if (this.isFull(holder.session)) await this.sweep();
    if (this.isFull(holder.session)) throw new HoldfastError('limit_exceeded', 'too many handles wait to be used'); // [HANDLE-11]
    const request = recordedRequest(primitives, facts, policy);
    const handle = primitives.random(handleBytes); // [HANDLE-1]
    const id = handleId(primitives, handle);
    const binding = { session: holder.session, agent: holder.agent, grant: holder.grant, request: request.digest };
    const entry: Entry = { id, holder, state: minted(binding, clock.monotonicMs()), burned: false };
    this.add(entry);
    try {
      const { session, grant, item, name } = holder;
      await recorder(holder.agent).append({ kind: 'minted', session, handle: id, grant, item, name, request });
    } catch (cause) {
      this.remove(entry);
      throw cause;
    }
    return handle;
  }

  /**
   * Consumes a handle: once this resolves, its use is on disk and the credential may be opened. Every presentation ends the handle. Throws
   * `refused` whatever the reason, `audit_unavailable` when the use could not be written; then the handle is gone as well.
   */
  async consume(
    handle: Uint8Array,
    by: { readonly session: Uint8Array; readonly agent: Uint8Array },
    facts: RequestFacts,
  ): Promise<Use> {
    const { primitives, clock, recorder } = this.ports;
    const id = handleId(primitives, handle);
    const entry = this.entries.get(toHex(id));
    if (entry === undefined) return this.refuse(by, id, 'handle_used'); // [HANDLE-5]
    const request = requestDigest(primitives, facts);
    const { next, verdict } = present(entry.state, { ...by, request }, clock.monotonicMs());
    entry.state = next; // [HANDLE-5] before anything is awaited: of many at once, one passes
    const { session, agent, grant, item } = entry.holder;
    const use: Use = { handle: id, session, agent, grant, item };
    if (verdict.kind === 'refuse') {
      if (next.kind === 'expired') await this.end(entry, { kind: 'expired', session, handle: id, grant, item });
      else if (verdict.code === 'handle_foreign')
        await this.end(entry, { kind: 'handle-refused', session, handle: id, code: verdict.code });
      return this.refuse(by, id, verdict.code); // [HANDLE-8]
    }
    try {
      await recorder(agent).appendDurable({ kind: 'consumed', session, handle: id, grant, item, request }); // [HANDLE-9]
    } finally {
      this.remove(entry);
    }
    if (entry.burned) throw refused(); // [HANDLE-10] revoked while it was being written
    return use;
  }

  /** Ends every handle that the target covers, at once; their events follow. Rejects with `audit_unavailable` after all are dead. */
  async burn(target: BurnTarget): Promise<void> {
    const covered = [...this.entries.values()].filter((entry) => hits(target, entry.holder));
    for (const entry of covered) entry.burned = true; // [HANDLE-10]
    const unused = covered.filter((entry) => entry.state.kind === 'minted');
    await Promise.all(
      unused.map((entry) =>
        this.end(entry, { kind: 'handle-refused', session: entry.holder.session, handle: entry.id, code: 'handle_burned' }),
      ),
    );
  }

  /** Ends handles past their life and records it; to be called every second or so. Rejects with `audit_unavailable` after all are dead. */
  async sweep(): Promise<void> {
    const nowMs = this.ports.clock.monotonicMs();
    const late = [...this.entries.values()].filter((entry) => isPastLife(entry.state, nowMs));
    for (const entry of late) entry.state = { kind: 'expired' }; // [HANDLE-4]
    await Promise.all(
      late.map((entry) => {
        const { session, grant, item } = entry.holder;
        return this.end(entry, { kind: 'expired', session, handle: entry.id, grant, item });
      }),
    );
  }

  private async end(entry: Entry, report: AuditReport): Promise<void> {
    this.remove(entry);
    await this.ports.recorder(entry.holder.agent).append(report);
  }

  private async refuse(
    by: { readonly session: Uint8Array; readonly agent: Uint8Array },
    id: Uint8Array,
    code: ErrorCode,
  ): Promise<never> {
    await this.ports.recorder(by.agent).append({ kind: 'handle-refused', session: by.session, handle: id, code });
    throw refused(); // [HANDLE-8]
  }

  private isFull(session: Uint8Array): boolean {
    return this.entries.size >= maxHandles || (this.perSession.get(toHex(session)) ?? 0) >= maxPerSession; // [HANDLE-11]
  }

  private add(entry: Entry): void {
    const session = toHex(entry.holder.session);
    this.entries.set(toHex(entry.id), entry);
    this.perSession.set(session, (this.perSession.get(session) ?? 0) + 1);
  }

  private remove(entry: Entry): void {
    if (!this.entries.delete(toHex(entry.id))) return;
    const session = toHex(entry.holder.session);
    const left = (this.perSession.get(session) ?? 0) - 1;
    if (left > 0) this.perSession.set(session, left);
    else this.perSession.delete(session);
  }
}
