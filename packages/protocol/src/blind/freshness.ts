// Freshness, spec/freshness.md: the relay signs the reader's nonce and the heads it has, so that a reader knows it is not being shown
// yesterday. How old a statement may be is counted from when the nonce was made, on the reader's monotonic clock.

import { compareBytes, equalBytes } from '../codec/bytes.ts';
import { bytes, bytesUpTo, decode, encode, integer, list, literal, record, refine, type Infer } from '../codec/schema.ts';
import { HoldfastError } from '../errors.ts';
import { verifySignature } from '../keys/domain.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { digest, fleetId, signature, wallClockMs } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { controlTopic, position, topicId, type Head, type Verified } from './entry.ts';

/** Topics that one statement can name besides control. */
export const maxFreshTopics = 1024;
export const maxFreshnessBytes = 256 * 1024;

export const freshNonce = bytes(32);

const topicHead = record({ topic: topicId, position, hash: digest });

export const freshnessStatement = refine(
  record({
    v: literal(1),
    fleet: fleetId,
    nonce: freshNonce,
    /** The relay's clock; told for people, never relied on. */
    atMs: integer(wallClockMs),
    heads: list(topicHead, { min: 1, max: maxFreshTopics + 1 }),
  }),
  (statement) => {
    let previous: Uint8Array | undefined;
    for (const { topic } of statement.heads) {
      const ordered = previous === undefined ? equalBytes(topic, controlTopic) : compareBytes(previous, topic) < 0;
      if (!ordered) throw new HoldfastError('codec_shape', 'heads do not begin with control in ascending order of topics'); // [FRESH-2]
      previous = topic;
    }
    return statement;
  },
);
export type FreshnessStatement = Infer<typeof freshnessStatement>;

const signedFreshness = record({ statement: bytesUpTo(maxFreshnessBytes), signature });

/** The relay's side. `heads` in ascending order of topics, control first; returns the wire form. */
export async function signFreshness(signer: Pick<KeyHolder, 'sign'>, statement: FreshnessStatement): Promise<Uint8Array> {
  const statementBytes = encode(freshnessStatement, statement);
  return encode(signedFreshness, { statement: statementBytes, signature: await signer.sign('freshness', statementBytes) });
}

/**
 * Checks a statement against what was asked: the reader's own nonce, its fleet, the pinned relay key, and no topic but control and
 * those asked for. Throws `codec_*` or `freshness_forged`.
 */
export async function verifyFreshness(
  primitives: Primitives,
  wire: Uint8Array,
  asked: { fleet: Uint8Array; nonce: Uint8Array; relayKey: Uint8Array; topics: readonly Uint8Array[] },
): Promise<Verified<FreshnessStatement>> {
  const outer = decode(signedFreshness, wire, maxFreshnessBytes); // [FRESH-1]
  const statement = decode(freshnessStatement, outer.statement, maxFreshnessBytes);
  try {
    await verifySignature(primitives, {
      domain: 'freshness',
      statement: outer.statement,
      signature: outer.signature,
      publicKey: asked.relayKey,
    });
  } catch (cause) {
    throw new HoldfastError('freshness_forged', "the freshness statement is not signed by the fleet's relay", { cause }); // [FRESH-3]
  }
  if (!equalBytes(statement.fleet, asked.fleet))
    throw new HoldfastError('freshness_forged', 'the freshness statement is of another fleet'); // [FRESH-4]
  if (!equalBytes(statement.nonce, asked.nonce))
    throw new HoldfastError('freshness_forged', 'the freshness statement answers another nonce'); // [FRESH-5]
  for (const { topic } of statement.heads.slice(1)) {
    if (!asked.topics.some((each) => equalBytes(each, topic)))
      throw new HoldfastError('freshness_forged', 'the freshness statement names a topic that was not asked for'); // [FRESH-6]
  }
  return statement as Verified<FreshnessStatement>;
}

/** The head that a statement tells for a topic; undefined: the relay says the topic is empty. */
export function headOf(statement: Verified<FreshnessStatement>, topic: Uint8Array): Head | undefined {
  const found = statement.heads.find((each) => equalBytes(each.topic, topic));
  return found === undefined ? undefined : { position: found.position, hash: found.hash };
}

/**
 * Compares the head a reader has seen with the one it is told: `same`, or `ahead` when there is more to read. Throws `entry_stale`
 * when the other side is behind (rolled back) and `entry_fork` when it tells another history of the same length.
 */
export function compareHeads(seen: Head | undefined, told: Head | undefined): 'same' | 'ahead' {
  if (seen === undefined) return told === undefined ? 'same' : 'ahead';
  if (told === undefined || told.position < seen.position)
    throw new HoldfastError('entry_stale', 'the head is older than one already seen'); // [FRESH-7]
  if (told.position > seen.position) return 'ahead';
  if (!equalBytes(told.hash, seen.hash))
    throw new HoldfastError('entry_fork', 'the head differs from the one already seen: two histories'); // [FRESH-7]
  return 'same';
}
