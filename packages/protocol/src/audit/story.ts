// The whole story of one act, spec/audit.md [AUDIT-29], told in the order in which people ask: what began it, who it was, what it was to do, what was decided
// and by what, who was asked, what it was allowed to use, what went out, and how it ended.

import type { AuditEvent } from './event.ts';
import { storyOf, type EventKind } from './classes.ts';
import { namesIn, partsOf, type EventParts } from './sentence.ts';

export type Stage = 'prompt' | 'session' | 'act' | 'decision' | 'ask' | 'handle' | 'call' | 'end';
/** In the order in which they are told. */
const stages: readonly Stage[] = ['prompt', 'session', 'act', 'decision', 'ask', 'handle', 'call', 'end'];

/** Where in a story an event stands. Kinds that are of no act stand with what was decided. */
const stageOf = {
  prompted: 'prompt',
  enrolled: 'session',
  delegated: 'session',
  'session-start': 'session',
  'tool-call': 'act',
  granted: 'decision',
  'rules-set': 'decision',
  'rules-unreadable': 'decision',
  'audit-policy': 'decision',
  'bedrock-changed': 'decision',
  'egress-allowed': 'decision',
  'egress-ended': 'decision',
  'budget-set': 'decision',
  'budget-ended': 'decision',
  'grant-ended': 'decision',
  'agent-suspended': 'decision',
  'agent-resumed': 'decision',
  'keys-changed': 'decision',
  resumed: 'decision',
  asked: 'ask',
  answered: 'ask',
  'answer-refused': 'ask',
  minted: 'handle',
  'handle-refused': 'handle',
  expired: 'handle',
  consumed: 'call',
  request: 'call',
  refused: 'call',
  presented: 'call',
  'turned-away': 'call',
  credentialed: 'end',
  'bytes-reserved': 'call',
  'bytes-returned': 'end',
  'stream-cut': 'end',
  'child-end': 'end',
  'session-end': 'end',
  'daemon-start': 'session',
  'daemon-stop': 'end',
  revoked: 'end',
  tampered: 'end',
  'entry-rejected': 'decision',
  'entry-refused': 'decision',
  pruned: 'end',
  erased: 'end',
  silenced: 'end',
  gap: 'end',
  fault: 'end',
  'shipping-stopped': 'end',
  'shipping-resumed': 'end',
  repaired: 'end',
  'clock-moved': 'end',
} as const satisfies Record<EventKind, Stage>;

export interface Chapter {
  readonly stage: Stage;
  readonly events: readonly EventParts[];
}

/** What the rules said of a call. */
export interface Verdict {
  readonly sequence: number;
  readonly decision: 'allow' | 'warn' | 'ask' | 'deny';
  readonly allowed: boolean;
  readonly rules: readonly string[];
  /** Undefined: no set was in force, only reading was allowed. */
  readonly version: number | undefined;
}

export interface Story {
  /** The event that was asked about. */
  readonly sequence: number;
  /** Those that have something to tell. */
  readonly chapters: readonly Chapter[];
  readonly verdicts: readonly Verdict[];
}

/** Undefined: there is no such event. `events`: of one log. */
export function toldStory(events: readonly AuditEvent[], sequence: number): Story | undefined {
  const told = storyOf(events, sequence);
  if (told.length === 0) return undefined;
  const names = namesIn(told);
  return {
    sequence,
    chapters: stages.flatMap((stage): Chapter[] => {
      const found = told.filter(({ kind }) => stageOf[kind] === stage);
      return found.length === 0 ? [] : [{ stage, events: found.map((event) => partsOf(event, names)) }];
    }),
    verdicts: told.flatMap((event): Verdict[] => {
      if (event.kind !== 'tool-call') return [];
      const { decision, allowed, rules, rulesVersion: version } = event;
      return [{ sequence: event.sequence, decision, allowed, rules, version }];
    }),
  };
}
