// What clients ask of a relay, one function each, over an exchange. Answers that can be verified by themselves are (freshness);
// entries, pulses and access lists come back as bytes, for a reader that knows whose keys they must be signed with.

import type { AccessList } from '../blind/access-list.ts';
import { maxPageEntries } from '../blind/frames.ts';
import type { Head, UnverifiedEntry, Verified } from '../blind/entry.ts';
import { verifyFreshness, type FreshnessStatement } from '../blind/freshness.ts';
import type { Pulse } from '../blind/pulse.ts';
import type { Signal } from '../blind/signal.ts';
import { codeOf, HoldfastError } from '../errors.ts';
import type { LockboxPlace } from '../seal/lockbox.ts';
import type { RelayExchange } from './relay-exchange.ts';

/** `conflict`: another entry stands there; `head` is the topic's last one (undefined: the topic is empty). */
export type AppendOutcome = { readonly kind: 'appended' } | { readonly kind: 'conflict'; readonly head: Head | undefined };

export interface RendezvousPlace {
  /** 16 bytes that follow from the pairing code. */
  readonly rendezvous: Uint8Array;
  readonly slot: 'offer' | 'answer';
}

/** Makes the fleet known to the relay: its first access list and its genesis entry, in one step. Doing it again is no fault. */
export async function createFleet(exchange: RelayExchange, access: AccessList, genesis: UnverifiedEntry): Promise<void> {
  await exchange.request({ kind: 'fleet-create', access: access.wire, genesis: genesis.wire });
}

/** Throws `access_forged`, `access_stale` (read the current one and make the list anew). */
export async function putAccessList(exchange: RelayExchange, access: AccessList): Promise<void> {
  await exchange.request({ kind: 'access-put', access: access.wire });
}

/** The wire form of the list in force. */
export async function getAccessList(exchange: RelayExchange): Promise<Uint8Array | undefined> {
  return (await exchange.request({ kind: 'access-get' })).access;
}

/** Appends durably. Appending the very same entry again is no fault: a lost answer may be retried. */
export async function appendEntry(exchange: RelayExchange, entry: UnverifiedEntry): Promise<AppendOutcome> {
  const answer = await exchange.request({ kind: 'append', topic: entry.statement.topic, entry: entry.wire });
  return answer.kind === 'ok' ? { kind: 'appended' } : { kind: 'conflict', head: answer.head };
}

/**
 * All entries of a topic from a position on, in order and unverified, page by page, up to the head of the last page. A relay that
 * claims more than it gives is refused with `relay_protocol`.
 */
export async function* readTopic(exchange: RelayExchange, topic: Uint8Array, from: number): AsyncGenerator<Uint8Array> {
  let next = from;
  for (;;) {
    const { entries, head } = await exchange.request({ kind: 'read', topic, from: next, max: maxPageEntries });
    yield* entries;
    next += entries.length;
    if (head === undefined || next > head.position) return;
    if (entries.length === 0) throw new HoldfastError('relay_protocol', 'the relay withholds entries that it says it has'); // [RELAY-14]
  }
}

/** From now on entries of these topics come as pushes: each position from `from` on, once and in order. */
export async function watchTopics(
  exchange: RelayExchange,
  topics: readonly { readonly topic: Uint8Array; readonly from: number }[],
): Promise<void> {
  await exchange.request({ kind: 'watch', topics });
}

/** `taken`: another box stands there, and stays. It was put for the same key and member, as when a command is done again. [LOCKBOX-6] */
export async function putLockbox(exchange: RelayExchange, place: LockboxPlace, sealed: Uint8Array): Promise<'put' | 'taken'> {
  try {
    await exchange.request({ kind: 'lockbox-put', ...place, sealed });
    return 'put';
  } catch (thrown) {
    if (codeOf(thrown) === 'id_taken') return 'taken';
    throw thrown;
  }
}

export async function getLockbox(exchange: RelayExchange, place: LockboxPlace): Promise<Uint8Array | undefined> {
  return (await exchange.request({ kind: 'lockbox-get', ...place })).sealed;
}

/** Throws `pulse_forged`, `pulse_stale`, `pulse_time`. */
export async function putPulse(exchange: RelayExchange, pulse: Pulse): Promise<void> {
  await exchange.request({ kind: 'pulse-put', pulse: pulse.wire });
}

/** Throws `status_forged`, and `status_stale` when the relay has one that was made after more of the journal, or later. */
export async function putStatusList(exchange: RelayExchange, list: string): Promise<void> {
  await exchange.request({ kind: 'status-put', list });
}

/** The wire form of the newest pulse; later ones are pushed. */
export async function getPulse(exchange: RelayExchange): Promise<Uint8Array | undefined> {
  return (await exchange.request({ kind: 'pulse-get' })).pulse;
}

/**
 * The relay's statement over a fresh nonce, verified; its age counts from before this call [FRESH-8]. `relayKey` is the key pinned in genesis.
 * Throws `freshness_forged`.
 */
export async function askFreshness(
  exchange: RelayExchange,
  { fleet, relayKey, topics }: { fleet: Uint8Array; relayKey: Uint8Array; topics: readonly Uint8Array[] },
): Promise<Verified<FreshnessStatement>> {
  const nonce = exchange.primitives.random(32);
  const { freshness } = await exchange.request({ kind: 'fresh', nonce, topics });
  return verifyFreshness(exchange.primitives, freshness, { fleet, nonce, relayKey, topics });
}

/** Throws `limit_exceeded` while too many of the sender's are kept, `signal_expired`, `relay_refused`. */
export async function putSignal(exchange: RelayExchange, signal: Signal): Promise<void> {
  await exchange.request({ kind: 'signal-put', signal: signal.wire });
}

/** Throws `rendezvous_used` when the slot was put before. */
export async function putRendezvous(
  exchange: RelayExchange,
  place: RendezvousPlace,
  body: Uint8Array,
  ttlMs: number,
): Promise<void> {
  await exchange.request({ kind: 'rendezvous-put', ...place, body, ttlMs });
}

/** Takes what the other side put; undefined when nothing came within `waitMs`: ask again. Throws `rendezvous_used` when it was taken before. */
export async function takeRendezvous(
  exchange: RelayExchange,
  place: RendezvousPlace,
  waitMs: number,
): Promise<Uint8Array | undefined> {
  return (await exchange.request({ kind: 'rendezvous-take', ...place, waitMs })).body;
}
