// What one event says, for people, spec/audit.md: in a sentence, and in the parts that a list or a story is made of. Trusts that the event was decoded;
// what an agent worded is in it as it stands there, printable ASCII.

import { toHex } from '../codec/bytes.ts';
import { duration, size } from '../codec/shown.ts';
import { actInWords } from './act.ts';
import { classOf, traceOf } from './classes.ts';
import type { AuditEvent, RecordedRequest } from './event.ts';

/** What a log tells of names elsewhere than in the event that is shown; keyed by ids in hex. */
export interface Names {
  /** Of the agent's children, as they began with them. */
  readonly children: ReadonlyMap<string, string>;
  /** Of credentials, by their items and by their grants. */
  readonly credentials: ReadonlyMap<string, string>;
  /** Where a handle was to be used. */
  readonly hosts: ReadonlyMap<string, string>;
}

const noNames: Names = { children: new Map(), credentials: new Map(), hosts: new Map() };

/** The names of a log that grows: `take` its events in their order. */
export class GrowingNames implements Names {
  readonly children = new Map<string, string>();
  readonly credentials = new Map<string, string>();
  readonly hosts = new Map<string, string>();

  take(event: AuditEvent): void {
    if (event.kind === 'delegated') this.children.set(toHex(event.child), event.name);
    if (event.kind === 'granted' || event.kind === 'minted') {
      this.credentials.set(toHex(event.item), event.name);
      this.credentials.set(toHex(event.grant), event.name);
    }
    if (event.kind === 'minted') this.hosts.set(toHex(event.handle), placeOf(event.request));
  }
}

export function namesIn(events: Iterable<AuditEvent>): Names {
  const names = new GrowingNames();
  for (const event of events) names.take(event);
  return names;
}

/** `alarm`: somebody should look; `stopped`: it was not let happen; `waits`: an operator was asked. */
export type Outcome = 'happened' | 'waits' | 'stopped' | 'alarm';
export const outcomes: readonly Outcome[] = ['happened', 'waits', 'stopped', 'alarm'];

/** The ids by which an event hangs together with others, in hex. */
export interface Refs {
  readonly session?: string;
  readonly child?: string;
  readonly trace?: string;
  readonly step?: string;
  readonly from?: string;
  readonly handle?: string;
  readonly ask?: string;
  readonly call?: string;
  readonly grant?: string;
  readonly item?: string;
}

export interface EventParts {
  readonly sequence: number;
  readonly atMs: number;
  readonly kind: AuditEvent['kind'];
  /** What it says. */
  readonly what: string;
  /** The agent by its id; a child by its name as well, where the log tells it. */
  readonly who: { readonly agent: string; readonly child?: { readonly id: string; readonly name?: string } };
  /** `host:port`, or a folder of the machine. */
  readonly where?: string;
  readonly outcome: Outcome;
  /** Whether the daemon saw it, or has it from a harness. */
  readonly seen: 'observed' | 'reported';
  readonly refs: Refs;
}

/** How much it matters to whoever watches: an alarm, something that was not let happen, or neither. [EXPORT-3] */
export function weightOf(event: AuditEvent): 'alarm' | 'refusal' | 'plain' {
  if (event.kind === 'resumed') return 'plain';
  if (classOf[event.kind] === 'alarm') return 'alarm';
  if (event.kind === 'tool-call') return event.allowed ? 'plain' : 'refusal';
  if (event.kind === 'answered') return event.outcome === 'allowed' ? 'plain' : 'refusal';
  return notLet.has(event.kind) ? 'refusal' : 'plain';
}

const notLet: ReadonlySet<AuditEvent['kind']> = new Set(['refused', 'handle-refused', 'turned-away']);

export function outcomeOf(event: AuditEvent): Outcome {
  if (event.kind === 'asked') return 'waits';
  return ({ alarm: 'alarm', refusal: 'stopped', plain: 'happened' } as const)[weightOf(event)];
}

/** A session of a hook tells of acts; all else the daemon did or saw itself. [AUDIT-64] */
export const seenOf = (event: AuditEvent): 'observed' | 'reported' => ('label' in event ? event.label : 'observed');

export function partsOf(event: AuditEvent, names: Names = noNames): EventParts {
  const { sequence, atMs, kind } = event;
  const child = 'child' in event && event.child !== undefined ? toHex(event.child) : undefined;
  const name = child === undefined ? undefined : names.children.get(child);
  const where = whereOf(event, names);
  return {
    sequence,
    atMs,
    kind,
    what: sentenceOf(event, names),
    who: { agent: toHex(event.agent), ...(child !== undefined && { child: { id: child, ...(name !== undefined && { name }) } }) },
    ...(where !== undefined && { where }),
    outcome: outcomeOf(event),
    seen: seenOf(event),
    refs: refsOf(event),
  };
}

const refNames = ['session', 'child', 'step', 'from', 'handle', 'ask', 'call', 'grant', 'item'] as const;

function refsOf(event: AuditEvent): Refs {
  const fields: Readonly<Record<string, unknown>> = event;
  const trace = traceOf(event);
  return {
    ...Object.fromEntries(
      refNames.flatMap((name) => {
        const value = fields[name];
        return value instanceof Uint8Array ? [[name, toHex(value)]] : [];
      }),
    ),
    ...(trace !== undefined && { trace: toHex(trace) }),
  };
}

const placeOf = ({ host, port }: Pick<RecordedRequest, 'host' | 'port'>): string => `${host}:${port}`;

/** What of a request stands in the record. */
const requestText = (request: RecordedRequest): string => `${request.method} ${placeOf(request)}${request.path ?? ''}`;

function whereOf(event: AuditEvent, { hosts }: Names): string | undefined {
  if ('request' in event && !(event.request instanceof Uint8Array)) return placeOf(event.request);
  if ('host' in event) return placeOf(event);
  if ('handle' in event) return hosts.get(toHex(event.handle));
  return 'directory' in event ? event.directory : undefined;
}

/** What one event says, in a line. */
function sentenceOf(event: AuditEvent, { credentials }: Names = noNames): string {
  const credential = (id: Uint8Array): string => credentials.get(toHex(id)) ?? 'a credential';
  const counted = (counts: readonly { readonly count: number; readonly kind?: string; readonly code?: string }[]): string =>
    counts.map(({ kind, code, count }) => `${count} ${kind ?? code}`).join(', ');
  switch (event.kind) {
    case 'delegated':
      return `${event.name}: ${event.of} ${toHex(event.child)}`;
    case 'child-end':
      return event.why;
    case 'session-start':
      return `${event.mode} session of ${event.program}`;
    case 'session-end':
      return event.exitCode === undefined ? 'session ended' : `session ended with ${event.exitCode}`;
    case 'minted':
      return `${event.name} for ${requestText(event.request)}`;
    case 'consumed':
      return `one use of ${credential(event.item)}${event.ask === undefined ? '' : ', as it was approved'}`;
    case 'expired':
      return `${credential(event.item)} was not used in time`;
    case 'credentialed':
      return `held for ${(event.credentialedUs / 1000).toFixed(2)} ms${event.sent ? '' : ', not sent'}`;
    case 'bytes-reserved':
      return `${size(event.bytes)} more may pass`;
    case 'bytes-returned':
      return `over; ${size(event.bytes)} did not pass`;
    case 'refused':
      return `${event.code}: ${requestText(event.request)}`;
    case 'turned-away':
      return `no requests: ${counted(event.counts)}`;
    case 'request':
      return requestText(event.request);
    case 'granted':
      return event.name;
    case 'grant-ended':
      return `${credential(event.grant)} may not be used any more`;
    case 'handle-refused':
    case 'fault':
      return event.code;
    case 'egress-allowed':
      return placeOf(event);
    case 'egress-ended':
      return 'a host may not be reached any more';
    case 'budget-set':
      return 'all of its credentials together are limited';
    case 'budget-ended':
      return 'all of its credentials together are not limited any more';
    case 'stream-cut':
      return event.grant === undefined ? 'a connection was cut' : `a connection with ${credential(event.grant)} was cut`;
    case 'revoked':
    case 'agent-suspended':
      return event.reason;
    case 'agent-resumed':
      return 'it may act again';
    case 'presented':
      return `to ${event.audience}${event.shown.length === 0 ? '' : `: ${event.shown.join(', ')}`}`;
    case 'enrolled':
    case 'keys-changed':
      return event.custody;
    case 'daemon-start':
      return event.version;
    case 'daemon-stop':
      return 'the daemon ended';
    case 'prompted':
      return `${event.label} by ${event.harness}`;
    case 'tool-call':
      return `${event.allowed ? '' : 'refused: '}${event.name} ${actInWords(event.act)}${event.rules.length > 0 ? ` (${event.decision}: ${event.rules.join(', ')})` : ''}`;
    case 'asked':
      return `an operator, for ${duration(event.lifeMs)} at most: ${event.rules.join(', ')}`;
    case 'answered':
      return answerWords[event.outcome];
    case 'audit-policy':
      return `version ${event.version}: ${event.silenced.length === 0 ? 'all is recorded' : `not recorded: ${event.silenced.join(', ')}`}`;
    case 'pruned':
      return `of the events below ${event.below} hashes are left (policy ${event.version}: ${event.retentionDays} days)`;
    case 'erased':
      return `what stands for ${event.subject} before this can't be proven any more`;
    case 'silenced':
      return `not recorded: ${counted(event.counts)} (policy ${event.version})`;
    case 'rules-set':
      return `version ${event.version}`;
    case 'rules-unreadable':
      return `version ${event.version} cannot be read (${event.code}); in force: ${event.inForce ?? 'only reading'}`;
    case 'bedrock-changed':
      return `${event.texts} texts`;
    case 'entry-rejected':
      return `entry ${event.position}: ${event.code}`;
    case 'shipping-stopped':
      return `the relay does not take this log: ${event.code}`;
    case 'shipping-resumed':
      return 'the relay takes this log again';
    case 'answer-refused':
    case 'entry-refused':
      return event.code;
    case 'tampered':
      return `suspended: changed were ${event.places.join(', ')}${event.unlisted === undefined ? '' : ` and ${event.unlisted} more`}`;
    case 'resumed':
      return 'an operator let the session go on';
    case 'repaired':
      return `${event.bytes} bytes that nobody had been told of were cut off the end, and ${event.files} files`;
    case 'clock-moved':
      return `${event.to} by ${duration(event.byMs)}`;
    case 'gap':
      return counted(event.dropped);
  }
}

const answerWords: Readonly<Record<Extract<AuditEvent, { kind: 'answered' }>['outcome'], string>> = {
  allowed: 'an operator allowed it',
  denied: 'an operator denied it',
  expired: 'nobody answered in time',
  crowded: 'not asked: too many were waiting',
  unasked: 'not asked: nobody could be',
  withdrawn: 'who had asked did not wait any more',
};

/** Which of the agent's children did it, by the name that it began with; empty where the agent did itself. */
export function byWhom({ kind, who: { child } }: EventParts): string {
  return kind === 'delegated' || child === undefined ? '' : `, by ${child.name ?? 'a child'} ${child.id.slice(0, 8)}`;
}
