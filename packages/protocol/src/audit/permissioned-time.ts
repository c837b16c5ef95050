// Permissioned time, spec/permissioned-time.md: for how long credentials could be used, from audit events alone, so that whoever reads the
// events gets the same numbers [TIME-9]. Windows are measured on the monotonic clock of the run that recorded them.

import { toHex } from '../codec/bytes.ts';
import type { AuditEvent } from './event.ts';
import { HandleWindows, type Window } from './handle-windows.ts';

export interface Exposure {
  /** Minted → consumed, refused or expired, all handles summed. */
  readonly permissionedMs: number;
  /** Decrypted → overwritten, all uses summed. */
  readonly credentialedMs: number;
  readonly calls: number;
  /** By the wall clock that the record has; null before the first. */
  readonly lastUseAtMs: number | null;
  /** The longest single permissioned window. */
  readonly peakMs: number;
}

export interface Hour extends Pick<Exposure, 'permissionedMs' | 'credentialedMs' | 'calls'> {
  /** Its beginning, UTC. */
  readonly atMs: number;
}

export interface CredentialExposure extends Exposure {
  readonly item: string;
  /** How long a key of its own would have lain there: from its grant to the grant's end, or to now. */
  readonly standingMs: number;
  /** Standing time ÷ permissioned time; null before the first handle. */
  readonly standingRatio: number | null;
}

export interface PermissionedTime extends Exposure {
  /** Agents that used a credential. */
  readonly agents: number;
  readonly standingRatio: number | null;
  readonly perCredential: readonly CredentialExposure[];
  readonly perAgent: readonly (Exposure & { readonly agent: string })[];
  /** The hours in which there was something, ascending; together they are the whole. */
  readonly timeline: readonly Hour[];
}

class Total {
  permissionedUs = 0;
  credentialedUs = 0;
  peakUs = 0;
  calls = 0;
  lastUseAtMs: number | null = null;

  use(atMs: number): void {
    this.calls += 1; // [TIME-3]
    this.lastUseAtMs = Math.max(this.lastUseAtMs ?? atMs, atMs); // [TIME-7]
  }

  window(us: number): void {
    this.permissionedUs += us;
    this.peakUs = Math.max(this.peakUs, us);
  }

  exposure(): Exposure {
    return {
      permissionedMs: this.permissionedUs / 1000,
      credentialedMs: this.credentialedUs / 1000,
      calls: this.calls,
      lastUseAtMs: this.lastUseAtMs,
      peakMs: this.peakUs / 1000,
    };
  }
}

/** One credential, as long as a standing key in its place would have been there; the same in whatever order the logs are read. [TIME-5] */
class Standing {
  private readonly grants = new Set<string>();
  private grantedAtMs = Number.POSITIVE_INFINITY;
  private mintedAtMs = Number.POSITIVE_INFINITY;
  private endedAtMs: number | undefined;

  minted(atMs: number): void {
    this.mintedAtMs = Math.min(this.mintedAtMs, atMs);
  }

  granted(grant: string, atMs: number): void {
    this.grants.add(grant);
    this.grantedAtMs = Math.min(this.grantedAtMs, atMs);
  }

  ended(grant: string, atMs: number): void {
    if (this.grants.delete(grant)) this.endedAtMs = Math.max(this.endedAtMs ?? atMs, atMs);
  }

  /** All grants of an agent that is revoked. */
  agentEnded(agent: string, atMs: number): void {
    for (const grant of [...this.grants]) if (grant.startsWith(`${agent} `)) this.ended(grant, atMs);
  }

  /** From `fromMs` to `nowMs`, as far as it lay there. [TIME-8] */
  ms(fromMs: number, nowMs: number): number {
    const sinceMs = Number.isFinite(this.grantedAtMs) ? this.grantedAtMs : this.mintedAtMs;
    const untilMs = this.grants.size > 0 ? nowMs : (this.endedAtMs ?? nowMs);
    return Math.max(0, Math.min(untilMs, nowMs) - Math.max(sinceMs, fromMs));
  }
}

const hourMs = 3_600_000;
const grantOf = (event: { readonly agent: Uint8Array; readonly grant: Uint8Array }) =>
  `${toHex(event.agent)} ${toHex(event.grant)}`;

function ratio(standingMs: number, permissionedUs: number): number | null {
  return permissionedUs > 0 ? (standingMs * 1000) / permissionedUs : null; // [TIME-6]
}

class Ledger {
  readonly all = new Total();
  readonly items = new Map<string, Total>();
  readonly agents = new Map<string, Total>();
  readonly hours = new Map<number, Total>();
  readonly standing = new Map<string, Standing>();
  private readonly windows = new HandleWindows();
  /** Windows and uses that began before do not count. [TIME-8] */
  private readonly fromMs: number;

  constructor(fromMs: number) {
    this.fromMs = fromMs;
  }

  private standingOf(item: Uint8Array): Standing {
    const key = toHex(item);
    const standing = this.standing.get(key) ?? new Standing();
    this.standing.set(key, standing);
    return standing;
  }

  private totals(event: { readonly item: Uint8Array; readonly agent: Uint8Array; readonly atMs: number }): Total[] {
    const of = <K>(map: Map<K, Total>, key: K) => {
      const total = map.get(key) ?? new Total();
      map.set(key, total);
      return total;
    };
    const hour = event.atMs - (event.atMs % hourMs); // [TIME-11]
    return [this.all, of(this.items, toHex(event.item)), of(this.agents, toHex(event.agent)), of(this.hours, hour)];
  }

  take(event: AuditEvent): void {
    switch (event.kind) {
      case 'granted':
        return this.standingOf(event.item).granted(grantOf(event), event.grantedAtMs);
      case 'grant-ended':
        for (const standing of this.standing.values()) standing.ended(grantOf(event), event.atMs);
        return;
      case 'revoked':
        for (const standing of this.standing.values()) standing.agentEnded(toHex(event.agent), event.atMs);
        return;
      case 'minted':
        this.standingOf(event.item).minted(event.atMs);
        if (event.atMs >= this.fromMs) this.windows.open(event);
        return;
      case 'consumed':
        this.window(this.windows.close(event));
        if (event.atMs < this.fromMs) return;
        for (const total of this.totals(event)) total.use(event.atMs);
        return;
      case 'expired':
      case 'handle-refused':
        return this.window(this.windows.close(event));
      case 'credentialed':
        if (event.atMs < this.fromMs) return;
        for (const total of this.totals(event)) total.credentialedUs += event.credentialedUs; // [TIME-2]
        return;
      default:
    }
  }

  closeAll(nowMs: number): void {
    for (const each of this.windows.closeAll(nowMs)) this.window(each);
  }

  private window(over: Window | undefined): void {
    if (over === undefined) return;
    for (const total of this.totals(over.minted)) total.window(over.us);
  }
}

function hourOf(atMs: number, total: Total): Hour {
  const { permissionedMs, credentialedMs, calls } = total.exposure();
  return { atMs, permissionedMs, credentialedMs, calls };
}

/**
 * `events` in the order of their logs, of one agent or of several after one another, in any order. `nowMs`: wall clock, ends the standing time and the handles
 * that are still open. `fromMs`: only what began since then counts. Total and pure: whoever has the events and both times gets the same.
 */
export function permissionedTime(events: Iterable<AuditEvent>, nowMs: number, fromMs = 0): PermissionedTime {
  const ledger = new Ledger(fromMs);
  for (const event of events) ledger.take(event);
  ledger.closeAll(nowMs);

  const perCredential = [...ledger.standing].map(([item, standing]) => {
    const total = ledger.items.get(item) ?? new Total();
    const standingMs = standing.ms(fromMs, nowMs); // [TIME-5]
    return { item, ...total.exposure(), standingMs, standingRatio: ratio(standingMs, total.permissionedUs) };
  });
  const standingMs = perCredential.reduce((sum, credential) => sum + credential.standingMs, 0);
  return {
    ...ledger.all.exposure(),
    agents: [...ledger.agents.values()].filter((total) => total.calls > 0).length,
    standingRatio: ratio(standingMs, ledger.all.permissionedUs),
    perCredential,
    perAgent: [...ledger.agents].map(([agent, total]) => ({ agent, ...total.exposure() })),
    timeline: [...ledger.hours].toSorted(([one], [other]) => one - other).map(([atMs, total]) => hourOf(atMs, total)),
  };
}
