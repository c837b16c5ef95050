// What this device has approved before, so that an operator sees what differs now, spec/approval.md. Kept as tags under a key that only operators have:
// whoever has the file learns how many there are, and can make the next use look new, but not look usual.

import { concat, fromHex, toHex, utf8 } from '../codec/bytes.ts';
import type { Primitives } from '../primitives/primitives.ts';
import type { UseAct } from './asks.ts';
import type { OperatorStore } from './ports.ts';
import type { OperatorSession } from './session.ts';

export type Difference = 'first-use' | 'first-host' | 'first-method' | 'first-path' | 'larger';

const tagBytes = 16;
/** Of the youngest. */
const maxTags = 4096;
/** Of a body's size: doublings, up to the longest that is shown. */
const maxBucket = 13;

export class Usual {
  readonly #primitives: Primitives;
  readonly #store: Pick<OperatorStore, 'keepApproved'>;
  readonly #key: Uint8Array;
  readonly #tags: Set<string>;

  private constructor({ primitives, store }: OperatorSession['ports'], key: Uint8Array, tags: Set<string>) {
    this.#primitives = primitives;
    this.#store = store;
    this.#key = key;
    this.#tags = tags;
  }

  static async of({ ports, operator }: Pick<OperatorSession, 'ports' | 'operator'>): Promise<Usual> {
    const { key } = await operator.replica.epochKey('operators', 0);
    try {
      const tags = tagsOf(await ports.store.approvedBefore());
      return new Usual(ports, ports.primitives.hmacSha256(key, utf8('holdfast/v1 approved before\0')), tags);
    } finally {
      key.fill(0);
    }
  }

  /** [APPROVAL-23] */
  differences(agent: Uint8Array, act: UseAct): readonly Difference[] {
    const [use, host, method, place] = this.#placesOf(agent, act);
    const knows = (tag: string | undefined): boolean => tag !== undefined && this.#tags.has(tag);
    if (!knows(use)) return ['first-use'];
    const found: Difference[] = [];
    if (!knows(host)) found.push('first-host');
    else if (!knows(method)) found.push('first-method');
    else if (!knows(place)) found.push('first-path');
    const size = bucketOf(act);
    const upwards = Array.from({ length: maxBucket + 1 - size }, (_, more) => this.#sizeOf(agent, act, size + more));
    if (!upwards.some(knows)) found.push('larger');
    return found;
  }

  async remember(agent: Uint8Array, act: UseAct): Promise<void> {
    for (const tag of [...this.#placesOf(agent, act), this.#sizeOf(agent, act, bucketOf(act))]) {
      this.#tags.delete(tag);
      this.#tags.add(tag);
    }
    const kept = [...this.#tags].slice(-maxTags);
    await this.#store.keepApproved(fromHex(kept.join('')) ?? concat());
  }

  #placesOf(agent: Uint8Array, { item, host, port, method, path: place }: UseAct): readonly string[] {
    const whose = [toHex(agent), toHex(item)];
    return [whose, [...whose, host, port], [...whose, host, port, method], [...whose, host, port, method, place]].map((said) =>
      this.#tag(said),
    );
  }

  #sizeOf(agent: Uint8Array, { item }: UseAct, bucket: number): string {
    return this.#tag([toHex(agent), toHex(item), 'size', bucket]);
  }

  #tag(said: readonly (string | number)[]): string {
    return toHex(this.#primitives.hmacSha256(this.#key, utf8(JSON.stringify(said))).subarray(0, tagBytes));
  }
}

const bucketOf = ({ body }: UseAct): number => Math.min(maxBucket, Math.ceil(Math.log2(utf8(body).length + 1)));

/** None where nothing is kept, or what is none: then everything is new. */
function tagsOf(kept: Uint8Array = concat()): Set<string> {
  const count = Math.min(maxTags, Math.floor(kept.length / tagBytes));
  return new Set(Array.from({ length: count }, (_, at) => toHex(kept.subarray(at * tagBytes, (at + 1) * tagBytes))));
}
