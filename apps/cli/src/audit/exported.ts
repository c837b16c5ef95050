// One event on its way to another system, spec/audit-export.md: what every form says of it.

import { agentsWords } from '@holdfast/protocol/audit/bundle';
import { decodeEvent, type AuditEvent } from '@holdfast/protocol/audit/event';
import type { LogIdentity } from '@holdfast/protocol/audit/checkpoint';
import { leafHash } from '@holdfast/protocol/primitives/merkle';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';

export interface Exported {
  readonly event: AuditEvent;
  /** Hex: names the event in all systems, and proves it against a signed checkpoint. */
  readonly leaf: string;
  /** What an agent wrote is left out: number, kind, time and leaf stay. [BUNDLE-6] */
  readonly withheld: boolean;
}

export type LogName = Pick<LogIdentity, 'fleet' | 'agent'>;

export function exportedOf(wire: Uint8Array, redact: boolean): Exported {
  const event = decodeEvent(wire);
  return { event, leaf: toHex(leafHash(nodePrimitives, wire)), withheld: redact && agentsWords.has(event.kind) };
}
