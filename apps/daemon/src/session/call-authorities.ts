// What the calls of one session may do, as its broker and tools ask: each as whoever makes it, the agent or one of its sub-agents, under the rules for its type, and
// recorded as that call's. Who asks is told by the tag of a call; an ended child's is nobody's. spec/guard.md [GUARD-30].

import type { Cause } from '@holdfast/protocol/audit/event';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { Authority } from '../broker/broker.ts';
import { refusal } from '../broker/refusal.ts';
import type { Child } from '../children/child.ts';
import type { CallTags, TaggedCall } from '../guard/call-tags.ts';
import { keepNewest } from '../newest.ts';
import type { RuledAuthority } from './ruled-authority.ts';

/** More than calls make requests at once. */
const maxKept = 1024;

export class CallAuthorities {
  readonly #tags: CallTags;
  readonly #make: (call: TaggedCall) => RuledAuthority;
  readonly #cut: (isEnded: (authority: Authority) => boolean) => void;
  readonly #kept = new Map<string, RuledAuthority>();
  /** Whose each one is, also of those that are kept no more and have something open. */
  readonly #children = new WeakMap<Authority, Child>();
  readonly #followed = new WeakSet<Child>();

  /** `cut`: ends what is open in the name of those for which it is true, when a child has ended. */
  constructor(
    tags: CallTags,
    make: (call: TaggedCall) => RuledAuthority,
    cut: (isEnded: (authority: Authority) => boolean) => void,
  ) {
    this.#tags = tags;
    this.#make = make;
    this.#cut = cut;
  }

  /** Throws `child_ended`. */
  named(tag: string): RuledAuthority {
    return this.of(this.#going(tag));
  }

  /** Throws `child_ended`. */
  causeOf(tag: string): Cause {
    return this.#going(tag).cause;
  }

  #going(tag: string): TaggedCall {
    const call = this.#tags.named(tag);
    if (call === undefined || call.by?.child?.ended !== undefined) throw refusal('child_ended'); // [BROKER-34]
    return call;
  }

  of(call: TaggedCall): RuledAuthority {
    const { by, cause } = call;
    const key = JSON.stringify([by?.id, by?.child?.hex, by?.types, cause.from && toHex(cause.from)]);
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const made = this.#make(call);
    this.#kept.set(key, made);
    keepNewest(this.#kept, maxKept);
    if (by?.child !== undefined) this.#follow(by.child, made);
    return made;
  }

  #follow(child: Child, authority: RuledAuthority): void {
    this.#children.set(authority, child);
    if (this.#followed.has(child)) return;
    this.#followed.add(child);
    const isEnded = (each: Authority): boolean => this.#children.get(each) === child;
    child.onEnd(() => {
      for (const [key, each] of this.#kept) if (isEnded(each)) this.#kept.delete(key);
      this.#cut(isEnded);
    });
  }
}
