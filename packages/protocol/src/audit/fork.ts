// The proof that a log has two histories, spec/witness.md: two checkpoints that its agent published, and the roots of subtrees from which the newer
// one's root follows, and another one than the older one's at that size. Whoever has the agent's public key needs nothing else to check it.

import { equalBytes, toHex, utf8 } from '../codec/bytes.ts';
import { parseJsonObject, type Json, type JsonObject } from '../codec/json.ts';
import { HoldfastError } from '../errors.ts';
import { logName, readLogText, seenBy, verifyLogNote, type Seen, type Witness } from '../blind/log-note.ts';
import { parseNote } from '../keys/note.ts';
import { divided, Frontier, rootOf } from '../primitives/merkle.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { headOf, identityOf, listOf } from './bundle.ts';
import type { LogIdentity } from './checkpoint.ts';

/** Two notes, and fewer hashes than any two sizes need. */
const maxForkBytes = 256 * 1024;

export interface Histories {
  /** Two notes under the agent's keys. */
  readonly older: string;
  readonly newer: string;
  /** The hashes of the log that `newer` is of. */
  readonly leaves: readonly Uint8Array[];
}

/** The file; undefined where `newer` is of fewer records: a log that was only cut contradicts nothing. Throws `codec_shape` for what is no note. [WITNESS-15] */
export function forkFile(primitives: Primitives, log: LogIdentity, { older, newer, leaves }: Histories): string | undefined {
  const [from = 0, to = 0] = [older, newer].map((note) => readLogText(parseNote(note).text).size);
  if (from > to || to > leaves.length) return undefined;
  const subtrees = divided(from, to).map((span) => toHex(rootOf(primitives, leaves.slice(span.from, span.to))));
  return `${JSON.stringify({ type: 'holdfast-audit-fork', ...headOf(log), older, newer, subtrees })}\n`;
}

export interface Forked {
  readonly log: LogIdentity;
  /** Records under the older and under the newer note. */
  readonly sizes: readonly [number, number];
  /** When each witness that was named saw the older one; it cosigned both. */
  readonly witnesses: readonly Seen[];
}

/**
 * `keys`: the agent's, known from elsewhere; none: those that the file names count, and prove nothing of any agent. Throws `bundle_shape`, `codec_*`,
 * `audit_forged`, `witness_missing`, `signature_invalid`; `proof_invalid` where one log can be both. [WITNESS-15]
 */
export async function verifyFork(
  primitives: Primitives,
  text: string,
  { keys, witnesses }: { readonly keys: readonly Uint8Array[]; readonly witnesses: readonly Witness[] },
): Promise<Forked> {
  const said = parsed(text);
  const log = identityOf(said);
  const whose = {
    origin: logName(primitives, log.fleet, log.agent),
    keys: keys.length > 0 ? keys : [...(log.earlierKeys ?? []), log.agentKey],
  };
  const older = await verifyLogNote(primitives, textOf(said['older']), whose);
  const newer = await verifyLogNote(primitives, textOf(said['newer']), whose);
  const seen = await seenBy(primitives, older.note, witnesses);
  await seenBy(primitives, newer.note, witnesses);
  const subtrees = listOf(said['subtrees'], 'subtrees', 32);
  const spans = older.size > newer.size ? [] : divided(older.size, newer.size);
  const tree = new Frontier(primitives);
  let was = older.root;
  for (const [nth, { from, to }] of spans.entries()) {
    tree.append(subtrees[nth] ?? new Uint8Array(32), to - from);
    if (to === older.size) was = tree.root();
  }
  if (subtrees.length !== spans.length || !equalBytes(tree.root(), newer.root) || equalBytes(was, older.root))
    throw new HoldfastError('proof_invalid', 'the two checkpoints do not contradict each other');
  return { log, sizes: [older.size, newer.size], witnesses: seen };
}

const noFork = (): HoldfastError => new HoldfastError('bundle_shape', 'that is no proof of a fork');

function textOf(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  throw noFork();
}

function parsed(text: string): JsonObject {
  try {
    const said = parseJsonObject(utf8(text), maxForkBytes);
    if (said['type'] === 'holdfast-audit-fork' && said['v'] === 1) return said;
  } catch {
    // said below
  }
  throw noFork();
}
