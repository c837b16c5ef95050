// The daemon's handles, spec/handle.md: minted only while the fleet's state is fresh, consumed at most once, and only after the use is on
// disk. Callers are told `refused` and nothing else; the record has the reason. Nothing survives the process: a restart ends every handle.

import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { whoOf, type AuditReport, type Cause } from '@holdfast/protocol/audit/event';
import { codeOf, HoldfastError, type ErrorCode } from '@holdfast/protocol/errors';
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
import { recordedDigest, recordedRequest, type RecordPolicy } from '../audit/redact.ts';
import type { Clock } from '../ports.ts';
import { budgetAmong, type Account } from './account.ts';
import type { UseCounts } from './use-counts.ts';

/** More than one session's concurrent requests. */
const maxPerSession = 256;
const maxHandles = 4096;
/** Of those, such as an agent asked for: they may wait for minutes, and must not keep requests from being made. */
const maxAskedPerSession = 64;
const maxAsked = 2048;

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
  readonly counts: UseCounts;
}

/** What may be used, by whom. All ids. */
export interface Holder {
  readonly session: Uint8Array;
  readonly agent: Uint8Array;
  readonly grant: Uint8Array;
  readonly item: Uint8Array;
  readonly name: string;
  /** Which of the agent's children; absent: the agent itself. */
  readonly child?: Uint8Array | undefined;
  /** What the request came from, for the record. */
  readonly cause?: Cause | undefined;
}

/** What a use stands on, for the record. [AUTHORITY-5] */
export interface Basis {
  /** Digest of the grant's. */
  readonly warrant: Uint8Array;
  /** Of the rules that let it go; undefined: there were none. */
  readonly rulesVersion: number | undefined;
  /** By which it was approved. */
  readonly ask: Uint8Array | undefined;
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
  | { readonly kind: 'child'; readonly child: Uint8Array }
  | { readonly kind: 'all' };

interface Entry {
  readonly id: Uint8Array;
  readonly holder: Holder;
  /** Whether the agent asked for it and holds it, instead of a request that uses it at once. */
  readonly asked: boolean;
  state: HandleState;
  /** Set while the use is being written, too: a revocation that comes between still wins. */
  burned: boolean;
}

function refused(): HoldfastError {
  return new HoldfastError('refused', 'the vault refuses this', { next: 'an operator sees the reason in the audit log' });
}

function hits(target: BurnTarget, { session, agent, grant, child }: Holder): boolean {
  switch (target.kind) {
    case 'grant':
      return equalBytes(target.grant, grant);
    case 'agent':
      return equalBytes(target.agent, agent);
    case 'session':
      return equalBytes(target.session, session);
    case 'child':
      return child !== undefined && equalBytes(target.child, child);
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
  private readonly askedPerSession = new Map<string, number>();

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
  async mint(holder: Holder, facts: RequestFacts, { asked = false }: { asked?: boolean } = {}): Promise<Uint8Array> {
    const { primitives, clock, staleness, recorder, policy } = this.ports;
    const stale = staleness(holder.agent);
    if (stale !== undefined) throw new HoldfastError(stale, "the fleet's state is not fresh enough to mint"); // [HANDLE-7]
    if (this.isFull(holder.session, asked)) await this.sweep();
    if (this.isFull(holder.session, asked)) throw new HoldfastError('limit_exceeded', 'too many handles wait to be used'); // [HANDLE-11]
    const request = recordedRequest(primitives, facts, policy);
    const handle = primitives.random(handleBytes); // [HANDLE-1]
    const id = handleId(primitives, handle);
    const binding = {
      session: holder.session,
      agent: holder.agent,
      grant: holder.grant,
      request: requestDigest(primitives, facts),
    };
    const entry: Entry = { id, holder, asked, state: minted(binding, clock.monotonicMs()), burned: false };
    this.add(entry);
    try {
      const { grant, item, name } = holder;
      await recorder(holder.agent).append({ kind: 'minted', ...whoOf(holder), handle: id, grant, item, name, request });
    } catch (cause) {
      this.remove(entry);
      throw cause;
    }
    return handle;
  }

  /**
   * Consumes a handle: once this resolves, its use is on disk and the credential may be opened. Every presentation ends the handle. Throws
   * `refused` whatever the reason but `fence_uses`, `budget_spent`, `audit_unavailable` when the use could not be written; then the handle is gone as well.
   */
  async consume(
    handle: Uint8Array,
    by: Pick<Holder, 'session' | 'agent' | 'grant' | 'child' | 'cause'>,
    facts: RequestFacts,
    { warrant, rulesVersion, ask }: Basis,
    accounts: readonly Account[] = [{ kind: 'grant', id: by.grant }],
  ): Promise<Use> {
    const { primitives, clock, recorder, policy } = this.ports;
    const id = handleId(primitives, handle);
    const entry = this.entries.get(toHex(id));
    if (entry === undefined) return this.refuse(by, id, 'handle_used'); // [HANDLE-5]
    const request = requestDigest(primitives, facts);
    const { next, verdict } = present(entry.state, { ...by, request }, clock.monotonicMs());
    entry.state = next; // [HANDLE-5] before anything is awaited: of many at once, one passes
    const { session, agent, grant, item } = entry.holder;
    const use: Use = { handle: id, session, agent, grant, item };
    const who = whoOf({ ...entry.holder, child: by.child ?? entry.holder.child, cause: by.cause ?? entry.holder.cause });
    if (verdict.kind === 'refuse') {
      if (next.kind === 'expired') await this.end(entry, { kind: 'expired', ...who, handle: id, grant, item });
      else if (verdict.code === 'handle_foreign')
        await this.end(entry, { kind: 'handle-refused', ...who, handle: id, code: verdict.code });
      return this.refuse(by, id, verdict.code); // [HANDLE-8]
    }
    try {
      this.ports.counts.take(accounts); // [FENCE-31] before anything is awaited, as the handle itself
    } catch (thrown) {
      await this.end(entry, { kind: 'handle-refused', ...who, handle: id, code: codeOf(thrown) });
      throw thrown;
    }
    const { digest, salted } = recordedDigest(primitives, facts, policy.redacting);
    const used = { request: digest, ...(salted !== undefined && { salted }) };
    try {
      const standsOn = {
        ...{ warrant, ...budgetAmong(accounts) },
        ...(rulesVersion !== undefined && { rulesVersion }),
        ...(ask !== undefined && { ask }),
      };
      await recorder(agent).appendDurable({ kind: 'consumed', ...who, handle: id, grant, item, ...used, ...standsOn }); // [HANDLE-9]
    } finally {
      this.remove(entry);
    }
    if (entry.burned) return this.refuse(by, id, 'handle_burned'); // [HANDLE-10] revoked while it was being written
    return use;
  }

  /** The grant that a waiting handle of this session is for; undefined for any other. */
  grantOf(handle: Uint8Array, session: Uint8Array): Uint8Array | undefined {
    const entry = this.entries.get(toHex(handleId(this.ports.primitives, handle)));
    return entry?.state.kind === 'minted' && equalBytes(entry.holder.session, session) ? entry.holder.grant : undefined;
  }

  /** Ends a handle that was seen where it is not for, whoever showed it; one that is no more stays so. Rejects with `audit_unavailable` once it is dead. */
  async misused(handle: Uint8Array): Promise<void> {
    const entry = this.entries.get(toHex(handleId(this.ports.primitives, handle)));
    if (entry?.state.kind !== 'minted') return;
    entry.state = { kind: 'refused', code: 'handle_foreign' }; // [HANDLE-6]
    await this.end(entry, { kind: 'handle-refused', ...whoOf(entry.holder), handle: entry.id, code: 'handle_foreign' });
  }

  /** Ends every handle that the target covers, at once; their events follow. Rejects with `audit_unavailable` after all are dead. */
  async burn(target: BurnTarget): Promise<void> {
    const covered = [...this.entries.values()].filter((entry) => hits(target, entry.holder));
    for (const entry of covered) entry.burned = true; // [HANDLE-10]
    const unused = covered.filter((entry) => entry.state.kind === 'minted');
    await Promise.all(
      unused.map((entry) =>
        this.end(entry, { kind: 'handle-refused', ...whoOf(entry.holder), handle: entry.id, code: 'handle_burned' }),
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
        const { grant, item } = entry.holder;
        return this.end(entry, { kind: 'expired', ...whoOf(entry.holder), handle: entry.id, grant, item });
      }),
    );
  }

  private async end(entry: Entry, report: AuditReport): Promise<void> {
    this.remove(entry);
    await this.ports.recorder(entry.holder.agent).append(report);
  }

  private async refuse(
    by: Pick<Holder, 'session' | 'agent' | 'child' | 'cause'>,
    id: Uint8Array,
    code: ErrorCode,
  ): Promise<never> {
    await this.ports.recorder(by.agent).append({ kind: 'handle-refused', ...whoOf(by), handle: id, code });
    throw refused(); // [HANDLE-8]
  }

  private isFull(session: Uint8Array, asked: boolean): boolean {
    const key = toHex(session);
    if (this.entries.size >= maxHandles || (this.perSession.get(key) ?? 0) >= maxPerSession) return true; // [HANDLE-11]
    if (!asked) return false;
    const waiting = [...this.askedPerSession.values()].reduce((sum, count) => sum + count, 0);
    return waiting >= maxAsked || (this.askedPerSession.get(key) ?? 0) >= maxAskedPerSession; // [HANDLE-11]
  }

  private add(entry: Entry): void {
    this.entries.set(toHex(entry.id), entry);
    this.count(entry, 1);
  }

  private remove(entry: Entry): void {
    if (this.entries.delete(toHex(entry.id))) this.count(entry, -1);
  }

  private count({ holder, asked }: Entry, change: 1 | -1): void {
    const session = toHex(holder.session);
    for (const counts of asked ? [this.perSession, this.askedPerSession] : [this.perSession]) {
      const left = (counts.get(session) ?? 0) + change;
      if (left > 0) counts.set(session, left);
      else counts.delete(session);
    }
  }
}
