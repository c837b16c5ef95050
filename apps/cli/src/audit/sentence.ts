// What an event says, for people.

import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { duration, size, visible } from '../output.ts';

/** What one event says, in a line. */
function sentence(event: AuditEvent): string {
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
      return `${event.name} for ${event.request.method} ${event.request.host}:${event.request.port}${event.request.path ?? ''}`;
    case 'credentialed':
      return `held for ${(event.credentialedUs / 1000).toFixed(2)} ms${event.sent ? '' : ', not sent'}`;
    case 'bytes-reserved':
      return `${size(event.bytes)} more may pass`;
    case 'bytes-returned':
      return `over; ${size(event.bytes)} did not pass`;
    case 'refused':
      return `${event.code}: ${event.request.method} ${event.request.host}:${event.request.port}${event.request.path ?? ''}`;
    case 'turned-away':
      return `no requests: ${event.counts.map(({ code, count }) => `${count} ${code}`).join(', ')}`;
    case 'request':
      return `${event.request.method} ${event.request.host}:${event.request.port}${event.request.path ?? ''}`;
    case 'granted':
      return event.name;
    case 'handle-refused':
    case 'fault':
      return event.code;
    case 'egress-allowed':
      return `${event.host}:${event.port}`;
    case 'revoked':
    case 'agent-suspended':
      return event.reason;
    case 'presented':
      return `to ${event.audience}${event.shown.length === 0 ? '' : `: ${event.shown.join(', ')}`}`;
    case 'enrolled':
    case 'keys-changed':
      return event.custody;
    case 'daemon-start':
      return event.version;
    case 'prompted':
      return `${event.label} by ${event.harness}`;
    case 'tool-call':
      return `${event.allowed ? '' : 'refused: '}${event.name} ${event.act}${event.rules.length > 0 ? ` (${event.decision}: ${event.rules.join(', ')})` : ''}`;
    case 'asked':
      return `${toHex(event.ask)} for ${duration(event.lifeMs)}: ${event.rules.join(', ')}`;
    case 'answered':
      return `${toHex(event.ask)} ${event.outcome}`;
    case 'audit-policy':
      return `version ${event.version}: ${event.silenced.length === 0 ? 'all is recorded' : `not recorded: ${event.silenced.join(', ')}`}`;
    case 'pruned':
      return `of the events below ${event.below} hashes are left (policy ${event.version}: ${event.retentionDays} days)`;
    case 'erased':
      return `what stands for ${event.subject} before this can't be proven any more`;
    case 'silenced':
      return `not recorded: ${event.counts.map(({ kind, count }) => `${count} ${kind}`).join(', ')} (policy ${event.version})`;
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
      return event.dropped.map(({ kind, count }) => `${count} ${kind}`).join(', ');
    default:
      return '';
  }
}

/** Which of the agent's children did it, by the name that it began with. */
function byWhom(event: AuditEvent, names: ReadonlyMap<string, string>): string {
  if (event.kind === 'delegated' || !('child' in event) || event.child === undefined) return '';
  const id = toHex(event.child);
  return `, by ${names.get(id) ?? 'a child'} ${id.slice(0, 8)}`;
}

/** Names of the agent's children, by their ids in hex, as they began with them. */
export function namesOfChildren(events: readonly AuditEvent[]): ReadonlyMap<string, string> {
  return new Map(events.flatMap((event) => (event.kind === 'delegated' ? [[toHex(event.child), event.name] as const] : [])));
}

/** One line: number, time, kind, what it says and who did it. */
export function lineOf(event: AuditEvent, names: ReadonlyMap<string, string>): string {
  const { sequence, atMs, kind } = event;
  return `${String(sequence).padStart(6)}  ${new Date(atMs).toISOString()}  ${kind.padEnd(15)} ${visible(sentence(event) + byWhom(event, names))}`;
}
