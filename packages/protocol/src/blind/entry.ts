// An entry of a fleet's journal as everybody may see it, spec/entry.md: who wrote it, where it stands, and a sealed body.
// The relay stores and orders entries by this; readers verify by this before anything is opened.

import { equalBytes } from '../codec/bytes.ts';
import { bytes, bytesUpTo, decode, encode, integer, literal, optional, record, text, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { statementHash, verifySignature } from '../keys/domain.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { digest, fleetId, principalId, signature, wallClockMs } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';

/** Largest sealed body: holds a rule set or a CA bundle, and bounds what a reader must hold for one entry. */
export const maxSealedBytes = 256 * 1024;
/** Largest entry on the wire. */
export const maxEntryBytes = maxSealedBytes + 2048;

/** `controlTopic`, or the id of the one agent that writes the topic. */
export const topicId = bytes(16);
/** The topic that only operator devices write. */
export const controlTopic: Uint8Array = new Uint8Array(16);
/** In place of `previous` at position 0, and of `fleet` in the genesis entry, whose hash is the fleet's id. */
export const noHash: Uint8Array = new Uint8Array(32);

/** The audience whose epoch key seals the body: `operators`, `fleet`, or `agent:` and the agent's id (that agent with the operators). */
export const audienceName = text({ max: 64, pattern: /^(operators|fleet|agent:[0-9a-f]{32})$/ });

export const position = integer({ max: 2 ** 48 });

/** The last entry of a topic that somebody has seen. */
export const head = record({ position, hash: digest });
export type Head = Infer<typeof head>;

export const entryStatement = record({
  v: literal(1),
  fleet: fleetId,
  topic: topicId,
  position,
  previous: digest,
  /** Random; a second entry with the same id is a duplicate. */
  id: bytes(16),
  author: principalId,
  atMs: integer(wallClockMs),
  /** In agents' topics: the control head under which the entry was made. */
  control: optional(head),
  audience: audienceName,
  epoch: integer({ max: 2 ** 32 }),
  /** SHA-256 of the epoch key, domain-separated (spec/entry.md): the author commits to the key that opens the body. */
  keyCommitment: digest,
  sealed: bytesUpTo(maxSealedBytes),
});
export type EntryStatement = Infer<typeof entryStatement>;

const signedEntry = record({ statement: bytesUpTo(maxEntryBytes), signature });

/** An entry whose shape is right and whose signature is still to be checked. */
export interface UnverifiedEntry {
  readonly statement: EntryStatement;
  readonly hash: Uint8Array;
  /** The exact bytes that were received: they are what is stored and passed on. */
  readonly wire: Uint8Array;
  readonly statementBytes: Uint8Array;
  readonly signature: Uint8Array;
}

declare const verified: unique symbol;
/** Only verify functions make one: holding it is the proof. */
export type Verified<T> = T & { readonly [verified]: true };

/** Reads an entry off the wire. Throws `codec_*`. [ENTRY-1, ENTRY-2] */
export function parseEntry(primitives: Primitives, wire: Uint8Array): UnverifiedEntry {
  const outer = decode(signedEntry, wire, maxEntryBytes);
  const statement = decode(entryStatement, outer.statement, maxEntryBytes);
  return {
    statement,
    hash: statementHash(primitives, 'entry', outer.statement),
    wire,
    statementBytes: outer.statement,
    signature: outer.signature,
  };
}

/** Signs an entry with its author's key. Throws `codec_*` for a statement that no reader would accept. */
export async function signEntry(primitives: Primitives, holder: KeyHolder, statement: EntryStatement): Promise<UnverifiedEntry> {
  const statementBytes = encode(entryStatement, statement);
  const wire = encode(signedEntry, { statement: statementBytes, signature: await holder.sign('entry', statementBytes) });
  return parseEntry(primitives, wire);
}

/** Checks the author's signature. Whether that author may write this, and whether it stands in the right place, is asked elsewhere. */
export async function verifyEntry(
  primitives: Primitives,
  entry: UnverifiedEntry,
  authorKey: Uint8Array,
): Promise<Verified<UnverifiedEntry>> {
  const { statementBytes: statement, signature } = entry;
  await verifySignature(primitives, { domain: 'entry', statement, signature, publicKey: authorKey }); // [ENTRY-3]
  return entry as Verified<UnverifiedEntry>;
}

/** The topic's last entry as its successor sees it. */
export interface Tip extends Head {
  readonly atMs: number;
}

/** Throws unless `entry` is the direct successor of `tip` (undefined: the topic is empty). */
export function assertFollows(tip: Tip | undefined, entry: UnverifiedEntry): void {
  const { statement } = entry;
  const next = tip === undefined ? 0 : tip.position + 1;
  if (statement.position < next) throw new HoldfastError('entry_stale', `position ${statement.position} is already taken`); // [ENTRY-5]
  if (statement.position > next) throw new HoldfastError('entry_gap', `position ${next} is missing`); // [ENTRY-6]
  if (!equalBytes(statement.previous, tip?.hash ?? noHash))
    throw new HoldfastError('entry_fork', 'previous hash differs: two histories'); // [ENTRY-7]
  if (tip !== undefined && statement.atMs < tip.atMs) throw new HoldfastError('entry_time', "time is before the predecessor's"); // [ENTRY-8]
}
