// A whole log in one file for who verifies it elsewhere, and one checkpoint of it as an anchor for later, spec/audit-bundle.md. Written here;
// packages/audit-verifier reads bundles, with nothing of this.

import { fromBase64url, fromHex, toBase64url, toHex, utf8 } from '../codec/bytes.ts';
import { parseJsonObject, type Json, type JsonObject } from '../codec/json.ts';
import { HoldfastError } from '../errors.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { maxCheckpointBytes, type LogIdentity } from './checkpoint.ts';
import { decodeEvent, type AuditEvent } from './event.ts';
import { proofsJson, type Proofs } from './proofs.ts';
import { leafHash } from '../primitives/merkle.ts';

/** An anchor of more is none: keys that ended, and one checkpoint. */
const maxFileBytes = 128 * 1024;

/** [BUNDLE-6] What these hold, an agent wrote. */
export const agentsWords: ReadonlySet<AuditEvent['kind']> = new Set([
  'tool-call',
  'request',
  'minted',
  'refused',
  'presented',
  'session-start',
  'delegated',
  'tampered',
]);

/** Whose log it is, as both files say it. */
export function headOf({ fleet, agent, agentKey, earlierKeys = [] }: LogIdentity): JsonObject {
  return {
    v: 1,
    fleet: toHex(fleet),
    agent: toHex(agent),
    agentKey: toHex(agentKey),
    ...(earlierKeys.length > 0 && { earlierKeys: earlierKeys.map(toHex) }),
  };
}

/** The lines of a bundle, each with its line feed. `withhold`: says of an event whether only its hash goes in. Throws `codec_*` for a record that is none. */
export function* bundleLines(
  primitives: Primitives,
  log: LogIdentity,
  {
    leaves = [],
    events,
    checkpoints,
    proofs,
  }: {
    /** Of the records before `events`, which were pruned. */
    readonly leaves?: readonly Uint8Array[] | undefined;
    readonly events: readonly Uint8Array[];
    readonly checkpoints: readonly Uint8Array[];
    readonly proofs?: Proofs | undefined;
  },
  withhold: (event: AuditEvent) => boolean = () => false,
): Generator<string> {
  const line = (value: JsonObject): string => `${JSON.stringify(value)}\n`;
  const counts = { checkpoints: checkpoints.length, records: leaves.length + events.length };
  const authority = proofs !== undefined && { authority: proofsJson(proofs) };
  yield line({ type: 'holdfast-audit-bundle', ...headOf(log), ...counts, ...authority }); // [BUNDLE-1] [AUTHORITY-7]
  for (const checkpoint of checkpoints) yield line({ checkpoint: toBase64url(checkpoint) });
  for (const leaf of leaves) yield line({ leaf: toHex(leaf) }); // [BUNDLE-9]
  for (const event of events) {
    const withheld = withhold(decodeEvent(event));
    yield line(withheld ? { leaf: toHex(leafHash(primitives, event)) } : { event: toBase64url(event) }); // [BUNDLE-3]
  }
}

/** One checkpoint and whose log it is of, as a file to keep elsewhere. */
export function checkpointFile(log: LogIdentity, checkpoint: Uint8Array): string {
  return `${JSON.stringify({ type: 'holdfast-audit-checkpoint', ...headOf(log), checkpoint: toBase64url(checkpoint) })}\n`;
}

const fault = (why: string): never => {
  throw new HoldfastError('bundle_shape', `no file of an audit log: ${why}`);
};

function bytesOf(
  value: Json | undefined,
  read: (text: string) => Uint8Array | undefined,
  name: string,
  length?: number,
): Uint8Array {
  const bytes = typeof value === 'string' ? read(value) : undefined;
  return bytes !== undefined && (length === undefined || bytes.length === length)
    ? bytes
    : fault(`${name} is missing or has another shape`);
}

/** Byte strings of this length, in hex. Throws `bundle_shape`. */
export function listOf(value: Json | undefined, name: string, length: number): readonly Uint8Array[] {
  if (!Array.isArray(value)) return fault(`${name} is no list`);
  return (value as readonly Json[]).map((each) => bytesOf(each, fromHex, name, length));
}

/** Nothing of it is verified yet: `verifyCheckpoint` does. Throws `bundle_shape`. */
export function readCheckpointFile(text: string): { readonly log: LogIdentity; readonly checkpoint: Uint8Array } {
  let said: JsonObject;
  try {
    said = parseJsonObject(utf8(text), maxFileBytes);
  } catch {
    return fault('not one JSON object');
  }
  if (said['type'] !== 'holdfast-audit-checkpoint' || said['v'] !== 1) return fault('another type or version');
  const checkpoint = bytesOf(said['checkpoint'], fromBase64url, 'checkpoint');
  if (checkpoint.length > maxCheckpointBytes) return fault('checkpoint is too long');
  return { log: identityOf(said), checkpoint };
}

/** The names and keys that a file begins with. Throws `bundle_shape`. */
export function identityOf(said: JsonObject): LogIdentity {
  return {
    fleet: bytesOf(said['fleet'], fromHex, 'fleet', 32),
    agent: bytesOf(said['agent'], fromHex, 'agent', 16),
    agentKey: bytesOf(said['agentKey'], fromHex, 'agentKey', 65),
    earlierKeys: listOf(said['earlierKeys'] ?? [], 'earlierKeys', 65),
  };
}
