// What the sub-agents of one session may do, as its broker and tools ask: each as the child that it is, under the rules for its type. Who asks is told by the
// tag of a call; an ended child's is nobody's. spec/guard.md [GUARD-30].

import { refusal } from '../broker/refusal.ts';
import type { CallTags } from '../guard/call-tags.ts';
import type { SubAgent } from '../guard/sub-agents.ts';
import { keepNewest } from '../newest.ts';
import type { RuledAuthority } from './ruled-authority.ts';

/** More than sub-agents live at once. */
const maxKept = 1024;

export class SubAgentAuthorities {
  readonly #tags: CallTags;
  readonly #make: (by: SubAgent) => RuledAuthority;
  readonly #cut: (authority: RuledAuthority) => void;
  readonly #kept = new Map<string, RuledAuthority>();

  /** `cut`: ends what is open in a child's name, when it has ended. */
  constructor(tags: CallTags, make: (by: SubAgent) => RuledAuthority, cut: (authority: RuledAuthority) => void) {
    this.#tags = tags;
    this.#make = make;
    this.#cut = cut;
  }

  /** Throws `child_ended`. */
  named(tag: string): RuledAuthority {
    const by = this.#tags.named(tag);
    if (by === undefined || by.child?.ended !== undefined) throw refusal('child_ended'); // [BROKER-34]
    return this.of(by);
  }

  of(by: SubAgent): RuledAuthority {
    const key = JSON.stringify([by.id, by.child?.hex, by.types]);
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const made = this.#make(by);
    this.#kept.set(key, made);
    keepNewest(this.#kept, maxKept);
    by.child?.onEnd(() => {
      this.#kept.delete(key);
      this.#cut(made);
    });
    return made;
  }
}
