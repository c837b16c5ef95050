// What says the same in other words, spec/memory-search.md: claims by the share of terms that they have in common, so that a flood of one
// claim in many wordings takes few places of an answer.

/** [RECALL-16] Claims that share this much, of 1, are one claim in other words; those of few words need more, being alike by their grammar. */
const alike = 0.5;
const alikeInFew = 0.75;
const few = 4;

/** [RECALL-16] Terms of both in terms of either. Two claims without terms are not alike. */
export function areAlike(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  let both = 0;
  for (const term of left) if (right.has(term)) both += 1;
  return both > 0 && both >= (both < few ? alikeInFew : alike) * (left.size + right.size - both);
}

/** [RECALL-17] So many of one claim before everything else that answers. */
const maxAlike = 2;

/** Claims as they come, best first. */
export class Groups {
  readonly #groups: ReadonlySet<string>[][] = [];

  /** Whether there are enough of its kind already; if not it is taken up. */
  isOneTooMany(claim: ReadonlySet<string>): boolean {
    const group = this.#groups.find((claims) => claims.some((other) => areAlike(other, claim)));
    if (group === undefined) this.#groups.push([claim]);
    else if (group.length >= maxAlike) return true;
    else group.push(claim);
    return false;
  }
}
