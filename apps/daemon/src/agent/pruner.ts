// Prunes an agent's audit log by the operators' policy, spec/audit.md "Pruning": only what a witness saw long enough before an operator's newest pulse, what
// the relay has a copy of, and what the index of uses counts. No clock of this machine has a say; no effect waits for it.

import { decodeEvent } from '@holdfast/protocol/audit/event';
import type { AuditPolicy } from '@holdfast/protocol/audit/policy';
import { dayMs } from '@holdfast/protocol/audit/pruning';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { codeOf } from '@holdfast/protocol/errors';
import type { ClosedSegment } from '../audit/reader.ts';
import type { AuditWriter } from '../audit/writer.ts';
import type { Log } from '../ports.ts';
import type { StateStore } from '../state/store.ts';
import type { LogShipper } from './log-shipper.ts';
import { Recurring } from './recurring.ts';

const everyMs = 5 * 60_000;
/** After a cosignature, which others follow at start. */
const soonMs = 1000;

export interface PrunerParts {
  readonly audit: Pick<AuditWriter, 'closedSegments' | 'frozen' | 'prune' | 'read'>;
  readonly agent: Uint8Array;
  readonly store: Pick<StateStore, 'cosigned' | 'saveCosigned' | 'dropCosigned'>;
  readonly shipper: Pick<LogShipper, 'reached'>;
  /** As `countedSoFar`. */
  readonly counted: () => Promise<{ readonly size: number; readonly open: readonly Uint8Array[] }>;
  /** As they are now. */
  readonly policy: () => AuditPolicy | undefined;
  readonly pulseAtMs: () => number | undefined;
  readonly log: Log;
}

/** What a policy lets go. */
interface Due {
  readonly version: number;
  readonly retentionDays: number;
  readonly pulseAtMs: number;
  readonly segments: readonly ClosedSegment[];
}

export class Pruner {
  private readonly parts: PrunerParts;
  readonly pruning: Recurring;
  /** By what it was looked at last. */
  private looked = '';

  constructor(parts: PrunerParts) {
    this.parts = parts;
    this.pruning = new Recurring(() => this.look(), { everyMs, soonMs });
  }

  /** A witness cosigned so much, at that time by its own clock. Kept once for each segment that ends in it: a later time lets less go. */
  cosigned(size: number, atMs: number): void {
    const { audit, agent, store, log } = this.parts;
    try {
      const end = audit.closedSegments.findLast(({ next }) => next <= size)?.next;
      if (end === undefined || store.cosigned(agent).some((each) => each.size >= end)) return;
      store.saveCosigned(agent, { size, atMs });
      this.pruning.soon();
    } catch (thrown) {
      log.warn({ code: codeOf(thrown) }, 'what a witness cosigned could not be written down');
    }
  }

  /** Looks at once after another policy, or another pulse; called every second or so. */
  tick(): void {
    const now = `${this.parts.policy()?.version} ${this.parts.pulseAtMs()}`;
    if (now === this.looked) return;
    this.looked = now;
    this.pruning.soon();
  }

  private async look(): Promise<void> {
    try {
      await this.attempt();
    } catch (thrown) {
      this.parts.log.warn({ code: codeOf(thrown) }, 'the audit log could not be pruned');
    }
  }

  private async attempt(): Promise<void> {
    const { audit, agent, store, policy } = this.parts;
    const seen = this.seen();
    if (seen === undefined) return;
    const segments = await this.uncountedLeft(await this.copied(seen.segments));
    const below = segments.at(-1)?.next ?? 0;
    const seenAtMs = this.seenAtMs(below);
    if (below === 0 || seenAtMs === undefined || audit.frozen || policy()?.version !== seen.version) return;
    const { version, retentionDays, pulseAtMs } = seen;
    await audit.prune({ kind: 'pruned', below, version, retentionDays, seenAtMs, pulseAtMs });
    store.dropCosigned(agent, below);
  }

  /** Those of which a witness had seen the end by the pulse and the retention. [AUDIT-69] */
  private seen(): Due | undefined {
    const { audit, policy } = this.parts;
    const { version, retentionDays } = policy() ?? {};
    const pulseAtMs = this.parts.pulseAtMs();
    if (version === undefined || retentionDays === undefined || pulseAtMs === undefined || audit.frozen) return undefined;
    const isDue = ({ next }: ClosedSegment): boolean => {
      const seenAtMs = this.seenAtMs(next);
      return seenAtMs !== undefined && seenAtMs + retentionDays * dayMs <= pulseAtMs;
    };
    const segments = leading(audit.closedSegments, isDue);
    return segments.length === 0 ? undefined : { version, retentionDays, pulseAtMs, segments };
  }

  /** When a witness first had so many records. */
  private seenAtMs(size: number): number | undefined {
    const times = this.parts.store.cosigned(this.parts.agent).filter((each) => each.size >= size);
    return times.length === 0 ? undefined : Math.min(...times.map(({ atMs }) => atMs));
  }

  /** Those that the relay's copy is past. [AUDIT-69] */
  private async copied(segments: readonly ClosedSegment[]): Promise<readonly ClosedSegment[]> {
    const reached = await this.parts.shipper.reached();
    return leading(segments, ({ ordinal }) => reached !== undefined && ordinal < reached);
  }

  /** Those that the index counts, before the first with a use that is open. [AUDIT-69] */
  private async uncountedLeft(segments: readonly ClosedSegment[]): Promise<readonly ClosedSegment[]> {
    if (segments.length === 0) return [];
    const { size, open } = await this.parts.counted();
    const handles = new Set(open.map(toHex));
    const left: ClosedSegment[] = [];
    for (const segment of segments) {
      if (segment.next > size || (handles.size > 0 && (await this.holds(segment, handles)))) break;
      left.push(segment);
    }
    return left;
  }

  private async holds({ first, next }: ClosedSegment, handles: ReadonlySet<string>): Promise<boolean> {
    for (let at = first; at < next;) {
      const page = await this.parts.audit.read({ from: at, limit: next - at });
      for (const event of page.map(decodeEvent)) if ('handle' in event && handles.has(toHex(event.handle))) return true;
      at += page.length;
    }
    return false;
  }
}

/** Up to the first for which it does not hold. */
function leading<T>(all: readonly T[], holds: (each: T) => boolean): readonly T[] {
  const end = all.findIndex((each) => !holds(each));
  return end < 0 ? all : all.slice(0, end);
}
