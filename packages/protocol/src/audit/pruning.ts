// What a log says of the records that are gone from it, spec/audit.md "Pruning": by which policy, and whether it may say so. By times of witnesses and
// operators alone, which the record names; the clock of the machine counts for nothing.

import { HoldfastError } from '../errors.ts';
import type { AuditEvent } from './event.ts';

export const dayMs = 86_400_000;

export interface Pruned {
  /** Of which hashes are left: the first ones of the log. */
  readonly records: number;
  /** The policy's. */
  readonly version: number;
  readonly retentionDays: number;
}

type Told = Extract<AuditEvent, { kind: 'pruned' }>;

export class Pruning {
  #newest: Told | undefined;
  #policy: Extract<AuditEvent, { kind: 'audit-policy' }> | undefined;

  /** Each event of the log, in order. Throws `audit_pruned` for a record of pruning that names what it can't. [AUDIT-67] */
  take(event: AuditEvent): void {
    if (event.kind === 'audit-policy') this.#policy = event;
    if (event.kind !== 'pruned') return;
    const refuse = (why: string): never => {
      throw new HoldfastError('audit_pruned', `record ${event.sequence} ${why}`);
    };
    const { below, sequence, version, retentionDays, seenAtMs, pulseAtMs } = event;
    if (below > sequence) refuse('says that it was pruned itself');
    if (below < (this.#newest?.below ?? 0)) refuse('names fewer records than were pruned before');
    if (pulseAtMs - seenAtMs < retentionDays * dayMs) refuse('prunes before the time that it names is over');
    const policy = this.#policy ?? { version, retentionDays };
    const isTheirs = version > policy.version || (version === policy.version && retentionDays === policy.retentionDays);
    if (!isTheirs) refuse('names a policy that was not in force');
    this.#newest = event;
  }

  /** Of so many first records only hashes are left. Throws `audit_gap` where no record of the log says so. [AUDIT-68] */
  of(records: number): Pruned | undefined {
    if (records === 0) return undefined;
    const { below = 0, version, retentionDays } = this.#newest ?? {};
    if (records > below || version === undefined || retentionDays === undefined)
      throw new HoldfastError('audit_gap', `record ${below} is missing, and no policy had it pruned`);
    return { records, version, retentionDays };
  }
}
