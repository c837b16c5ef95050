// Events from files that `audit export` wrote, so that figures can be had from them alone: lines of JSON, or bundles. They are read, not verified:
// holdfast-verify and `audit verify` do that.

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { decodeEvent, encodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import { Pruning } from '@holdfast/protocol/audit/pruning';
import { fromBase64url, fromHex, utf8 } from '@holdfast/protocol/codec/bytes';
import { parseJsonObject, type Json, type JsonObject } from '@holdfast/protocol/codec/json';
import { usage } from '../output.ts';

/** A longer line is none of an export. */
const maxLineBytes = 64 * 1024;
/** Of these figures are made; what other lines say does not matter to them. */
const counted = new Set(['granted', 'grant-ended', 'revoked', 'minted', 'consumed', 'expired', 'handle-refused', 'credentialed']);
const idFields = new Set([
  'agent',
  'run',
  'session',
  'child',
  'trace',
  'from',
  'handle',
  'grant',
  'item',
  'request',
  'digest',
  'warrant',
  'ask',
  'budget',
]);

export interface CountedLog {
  readonly events: readonly AuditEvent[];
  /** So many first ones were pruned. */
  readonly pruned: number;
}

/**
 * The events of one file that permissioned time is made of, in order. Throws `usage` for another file, and for one with events left out that were not
 * pruned.
 */
export async function countedEvents(file: string): Promise<CountedLog> {
  const events: AuditEvent[] = [];
  const pruning = new Pruning();
  let [number, pruned, read] = [0, 0, 0];
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      number += 1;
      const said = parseJsonObject(utf8(line), maxLineBytes);
      if (read === 0 && Object.keys(said).join() === 'leaf') {
        pruned += 1;
        continue;
      }
      const event = eventOf(said);
      if ('event' in said) read += 1;
      if (event?.kind === 'pruned') pruning.take(event);
      else if (event !== undefined) events.push(event);
    }
    pruning.of(pruned);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unreadable';
    throw usage(`${file}, line ${number}: ${why}`, 'write it anew: holdfast audit export, without --redact');
  }
  return { events, pruned };
}

/** Undefined for a line that does not matter. */
function eventOf(line: JsonObject): AuditEvent | undefined {
  if ('leaf' in line) throw new Error('an event is left out: figures need all');
  if (typeof line['event'] === 'string') {
    const wire = fromBase64url(line['event']);
    if (wire === undefined) throw new Error('no event of a bundle');
    const event = decodeEvent(wire);
    return counted.has(event.kind) || event.kind === 'pruned' ? event : undefined;
  }
  if (typeof line['kind'] !== 'string') {
    if ('checkpoint' in line || line['type'] === 'holdfast-audit-bundle') return undefined;
    throw new Error('neither an exported event nor a bundle');
  }
  if (!counted.has(line['kind'])) return undefined;
  const event = withIds(line) as unknown as AuditEvent;
  encodeEvent(event); // whatever has not the shape of an event is none
  return event;
}

/** As `audit export` writes ids: hex. */
function withIds(fields: JsonObject): object {
  const entries = Object.entries(fields).map(([name, value]): readonly [string, unknown] => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return [name, withIds(value as JsonObject)];
    return [name, typeof value === 'string' && idFields.has(name) ? bytesOf(name, value) : (value satisfies Json)];
  });
  return Object.fromEntries(entries);
}

function bytesOf(name: string, text: string): Uint8Array {
  const found = fromHex(text);
  if (found === undefined) throw new Error(`${name} is no hex`);
  return found;
}
