// What an operator wants recorded, spec/audit.md: classes of events that are counted and not written, and for how long records are kept. The
// classes that can be silenced are a list of the format, so that readers of two versions judge alike; all others never are.

import { integer, list, oneOf, type Infer } from '../codec/schema.ts';
import { classOf, type EventKind } from './classes.ts';
import type { PersonalData } from './personal.ts';

/** [AUDIT-62] Uses of credentials, identity, rules, alarms and the policy itself are not among them. */
export const silenceable = ['request', 'session', 'tool'] as const;
export const silencedClasses = list(oneOf(...silenceable), { max: silenceable.length });
export type SilencedClass = Infer<typeof silencedClasses>[number];

export const policyVersion = integer({ min: 1, max: 2 ** 32 });
/** A hundred years; absent: for ever. */
export const retentionDays = integer({ min: 1, max: 36_500 });

export interface AuditPolicy {
  readonly version: number;
  readonly silenced: readonly SilencedClass[];
  readonly retentionDays?: number;
  /** What is never recorded in clear; absent: nothing was declared. */
  readonly personal?: PersonalData;
}

/**
 * Of classes that can be silenced, what is recorded all the same: what a session never came to do, who acted for whom, and where a run began, without
 * which nobody knows that what an earlier one had under way is over. [AUDIT-62]
 */
const alwaysRecorded: ReadonlySet<EventKind> = new Set(['refused', 'turned-away', 'delegated', 'child-end', 'daemon-start']);

/** Whether events of this kind are counted only. [AUDIT-60] */
export function isSilenced(policy: AuditPolicy | undefined, kind: EventKind): boolean {
  if (policy === undefined || alwaysRecorded.has(kind)) return false;
  return (policy.silenced as readonly string[]).includes(classOf[kind]);
}
