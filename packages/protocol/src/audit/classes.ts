// Classes of events, spec/audit.md: what people ask for by one word, and the events that tell one act's whole story.

import { toHex } from '../codec/bytes.ts';
import type { AuditEvent } from './event.ts';

export type EventKind = AuditEvent['kind'];

/** [AUDIT-28] Each kind is of one class. */
export const classOf = {
  granted: 'credential',
  'grant-ended': 'credential',
  'budget-set': 'credential',
  'budget-ended': 'credential',
  minted: 'credential',
  consumed: 'credential',
  expired: 'credential',
  'handle-refused': 'credential',
  credentialed: 'credential',
  'bytes-reserved': 'credential',
  'bytes-returned': 'credential',
  request: 'request',
  refused: 'request',
  'turned-away': 'request',
  'egress-allowed': 'request',
  'egress-ended': 'request',
  'stream-cut': 'request',
  prompted: 'tool',
  'tool-call': 'tool',
  asked: 'tool',
  answered: 'tool',
  'session-start': 'session',
  'session-end': 'session',
  delegated: 'session',
  'child-end': 'session',
  'daemon-start': 'session',
  'daemon-stop': 'session',
  enrolled: 'identity',
  revoked: 'identity',
  'agent-suspended': 'identity',
  'agent-resumed': 'identity',
  'keys-changed': 'identity',
  presented: 'identity',
  'audit-policy': 'rules',
  pruned: 'rules',
  erased: 'rules',
  silenced: 'rules',
  'rules-set': 'rules',
  'bedrock-changed': 'rules',
  tampered: 'alarm',
  resumed: 'alarm',
  'rules-unreadable': 'alarm',
  'entry-rejected': 'alarm',
  'entry-refused': 'alarm',
  'answer-refused': 'alarm',
  gap: 'alarm',
  fault: 'alarm',
  'shipping-stopped': 'alarm',
  'shipping-resumed': 'alarm',
  repaired: 'alarm',
  'clock-moved': 'alarm',
} as const satisfies Record<EventKind, string>;
export const classNames: readonly string[] = [...new Set(Object.values(classOf))];

/** The kinds that a class or a kind's own name stands for. Undefined for any other word. */
export function kindsOf(word: string): ReadonlySet<EventKind> | undefined {
  const kinds = (Object.keys(classOf) as EventKind[]).filter((kind) => kind === word || classOf[kind] === word);
  return kinds.length === 0 ? undefined : new Set(kinds);
}

/** What binds two events to one act: the handle, the question, the call itself or its digest. */
function threadsOf(event: AuditEvent): string[] {
  return [
    ...('handle' in event ? [`handle ${toHex(event.handle)}`] : []),
    ...('ask' in event && event.ask !== undefined ? [`ask ${toHex(event.ask)}`] : []),
    ...('call' in event && 'session' in event ? [`call ${toHex(event.session)} ${toHex(event.call)}`] : []),
    ...('step' in event && event.step !== undefined ? [`step ${toHex(event.step)}`] : []),
    ...('from' in event && event.from !== undefined && event.kind !== 'delegated' ? [`step ${toHex(event.from)}`] : []),
  ];
}

const same = (left: Uint8Array | undefined, right: Uint8Array | undefined): boolean =>
  left !== undefined && right !== undefined && toHex(left) === toHex(right);

/** What began it, [AUDIT-50]: a prompt's id, or a session's. Undefined for what happens in no session. */
export function traceOf(event: AuditEvent): Uint8Array | undefined {
  return 'session' in event ? (event.trace ?? event.session) : undefined;
}

/** Who acted, from the child that did up to the agent's own beginning, and the calls that began the children. */
function authorsOf(events: readonly AuditEvent[], event: AuditEvent): AuditEvent[] {
  const found: AuditEvent[] = [];
  let child = 'child' in event ? event.child : undefined;
  for (const each of events.toReversed()) {
    if (each.sequence > event.sequence) continue;
    if (each.kind === 'delegated' && same(each.child, child)) {
      const by = events.find((call) => call.kind === 'tool-call' && same(call.step, each.from));
      found.push(each, ...(by === undefined ? [] : [by]));
      child = each.parent ?? (by?.kind === 'tool-call' ? by.child : undefined);
    }
  }
  const enrolled = events.findLast(({ kind, sequence }) => kind === 'enrolled' && sequence <= event.sequence);
  return enrolled === undefined ? found : [...found, enrolled];
}

/** What let it happen: the grant it used, the rules it was held to, the prompt that began it. */
function groundsOf(
  events: readonly AuditEvent[],
  { thread, until }: { thread: readonly AuditEvent[]; until: number },
): AuditEvent[] {
  const traces = thread.map(traceOf);
  return events.filter((each) => {
    if (each.sequence > until) return false;
    if (each.kind === 'prompted') return traces.some((trace) => same(trace, each.trace));
    if (each.kind === 'granted')
      return thread.some((one) => 'grant' in one && one.kind !== 'grant-ended' && same(one.grant, each.grant));
    if (each.kind === 'rules-set') return thread.some((one) => one.kind === 'tool-call' && one.rulesVersion === each.version);
    return false;
  });
}

/**
 * [AUDIT-29] All that the log says of the act of one event, in order: the call, its decision and its answer; the handle from minting to its end;
 * the session; who delegated to whom by which calls, up to the agent's enrolment; the grant and the rules that let it happen; the prompt that began it.
 * Empty where there is no such event.
 */
export function storyOf(events: readonly AuditEvent[], sequence: number): AuditEvent[] {
  const event = events.find((each) => each.sequence === sequence);
  if (event === undefined) return [];
  const threads = new Set(threadsOf(event));
  const thread = new Set([event]);
  for (let before = 0; before < thread.size;) {
    before = thread.size;
    for (const each of events) {
      const own = threadsOf(each);
      if (!own.some((name) => threads.has(name))) continue;
      thread.add(each);
      for (const name of own) threads.add(name);
    }
  }
  const session = 'session' in event ? event.session : undefined;
  const around = events.filter(
    (each) => (each.kind === 'session-start' || each.kind === 'session-end') && same(each.session, session),
  );
  const grounds = groundsOf(events, { thread: [...thread], until: event.sequence });
  return [...new Set([...thread, ...authorsOf(events, event), ...around, ...grounds])].toSorted(
    (a, b) => a.sequence - b.sequence,
  );
}
