// Writing entries, spec/journal.md: one after another, each sealed, signed, and reduced on its author's own state before it counts, so that
// nothing leaves that readers would reject. What is written, and why, is compose.ts's affair.

import { HoldfastError } from '../errors.ts';
import { controlTopic, noHash, signEntry, verifyEntry, type Head, type Tip, type UnverifiedEntry } from '../blind/entry.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { commitToKey, epochKeyBytes, sealBody } from '../seal/body.ts';
import { makeLockbox, sealPreviousKey, type LockboxPlace } from '../seal/lockbox.ts';
import { encodeBody, type Body, type BodyOf } from './bodies.ts';
import { reduce } from './reduce.ts';
import type { Replica } from './replica.ts';
import { currentEpoch, membersOf, type FleetState, type Member } from './state.ts';
import { opened } from './verify.ts';
import { signed, warrantIn, type Draftable } from './warranted.ts';

/** A lockbox and its place at the relay. */
export interface PlacedLockbox extends LockboxPlace {
  readonly wire: Uint8Array;
}

export interface Composed {
  readonly lockboxes: readonly PlacedLockbox[];
  /** In the order in which they must be appended. */
  readonly entries: readonly UnverifiedEntry[];
}

/** An operator device that writes. `replica` is its own, read up to the relay's head. */
export interface Operator {
  readonly primitives: Primitives;
  readonly replica: Replica;
  readonly device: Uint8Array;
  readonly holder: KeyHolder;
  /** The author's wall clock; entries are never dated before their predecessor. */
  readonly nowMs: number;
}

/** Where an entry goes and who signs it. */
export interface Place {
  readonly fleet: Uint8Array;
  readonly topic: Uint8Array;
  readonly tip: Tip | undefined;
  readonly author: Uint8Array;
  readonly holder: KeyHolder;
  readonly control?: Head;
  readonly audience: string;
  readonly epoch: number;
  readonly nowMs: number;
}

/** [ENTRY-8] */
const dated = (nowMs: number, tip: Tip | undefined): number => Math.max(nowMs, tip?.atMs ?? 0);

/** Seals and signs one entry for the place after `tip`. `key` stays the caller's. Throws `codec_*`. */
export async function composeEntry(primitives: Primitives, place: Place, key: Uint8Array, body: Body): Promise<UnverifiedEntry> {
  const { fleet, topic, tip, author, holder, control, audience, epoch, nowMs } = place;
  const plain = encodeBody(body);
  const toSeal = {
    v: 1,
    fleet,
    topic,
    position: tip === undefined ? 0 : tip.position + 1,
    previous: tip?.hash ?? noHash,
    author,
    atMs: dated(nowMs, tip),
    ...(control === undefined ? {} : { control }),
    audience,
    epoch,
  } as const;
  try {
    return await signEntry(primitives, holder, await sealBody(primitives, key, toSeal, plain));
  } finally {
    plain.fill(0);
  }
}

/** Several entries after one another, each checked by the rules that readers will hold against it. */
export class Draft {
  readonly #operator: Operator;
  readonly #lockboxes: PlacedLockbox[] = [];
  readonly #entries: UnverifiedEntry[] = [];
  /** Epochs that this draft starts. */
  readonly #started = new Map<string, { readonly epoch: number; readonly key: Uint8Array }>();
  state: FleetState;

  constructor(operator: Operator) {
    this.#operator = operator;
    this.state = operator.replica.state;
  }

  async write(audience: string, body: Draftable): Promise<void> {
    const { epoch, key } = this.#started.get(audience) ?? (await this.#operator.replica.epochKey(audience));
    try {
      await this.#append(audience, epoch, key, body);
    } finally {
      if (!this.#started.has(audience)) key.fill(0);
    }
  }

  /** The next epoch of an audience with a key of its own, sealed to exactly its members. [AUDIENCE-3] [AUDIENCE-7] */
  async startEpoch(audience: string): Promise<void> {
    const { primitives, replica } = this.#operator;
    const members = membersOf(this.state, audience) ?? [];
    const before = currentEpoch(this.state, audience);
    const epoch = before === undefined ? 0 : before.epoch + 1;
    const key = primitives.random(epochKeyBytes);
    this.#started.set(audience, { epoch, key });
    const name = { fleet: this.state.fleet, audience, epoch };
    const body: BodyOf<'epoch'> = { kind: 'epoch', members: members.map(({ id }) => id) };
    if (before === undefined) await this.#append(audience, epoch, key, body);
    else {
      const previous = await replica.epochKey(audience);
      const previousKey = await sealPreviousKey(primitives, name, key, previous.key);
      previous.key.fill(0);
      await this.#append(audience, epoch, key, { ...body, previousKey });
    }
    for (const member of members) await this.#addLockbox(audience, epoch, key, member);
  }

  /** Lets a member that came later open the current epoch, and through it the ones before. */
  async admit(audience: string, member: Member): Promise<void> {
    const { epoch, key } = await this.#operator.replica.epochKey(audience);
    await this.#addLockbox(audience, epoch, key, member);
    key.fill(0);
  }

  composed(): Composed {
    return { lockboxes: this.#lockboxes, entries: this.#entries };
  }

  wipe(): void {
    for (const { key } of this.#started.values()) key.fill(0);
  }

  async #append(audience: string, epoch: number, key: Uint8Array, bare: Draftable): Promise<void> {
    const { primitives, device, holder, nowMs } = this.#operator;
    const { fleet, control } = this.state;
    const body = await signed(holder, { fleet, author: device, atMs: dated(nowMs, control) }, bare);
    const place = { fleet, topic: controlTopic, tip: control, author: device, holder, audience, epoch, nowMs };
    const entry = await composeEntry(primitives, place, key, body);
    const verified = await verifyEntry(primitives, entry, holder.publicKeys.sign);
    const warrant = await warrantIn(primitives, entry.statement, body, holder.publicKeys.sign);
    const next = reduce(this.state, opened(verified, { kind: 'body', body, warrant }));
    const rejection = next.rejected.at(-1);
    if (rejection?.position === entry.statement.position) {
      throw new HoldfastError(rejection.code, `the ${body.kind} entry would be rejected by every reader`); // [JOURNAL-20]
    }
    this.state = next;
    this.#entries.push(entry);
  }

  async #addLockbox(audience: string, epoch: number, key: Uint8Array, { id, seal }: Member): Promise<void> {
    const name = { fleet: this.state.fleet, audience, epoch };
    const { primitives } = this.#operator;
    const wire = await makeLockbox(primitives, name, { member: id, recipient: seal }, key);
    this.#lockboxes.push({ audience, epoch, keyCommitment: commitToKey(primitives, key), member: id, wire });
  }
}

export async function drafted(
  operator: Operator,
  write: (draft: Draft) => Promise<void>,
): Promise<Composed & { readonly state: FleetState }> {
  const draft = new Draft(operator);
  try {
    await write(draft);
    return { ...draft.composed(), state: draft.state };
  } finally {
    draft.wipe();
  }
}
