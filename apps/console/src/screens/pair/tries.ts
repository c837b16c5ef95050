// Three tries for the three words, [CLI-13]: a person may mistype, and more than that is guessing. What was admitted by nobody has to begin anew.

import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { assertWords, type OpenedOffer } from '@holdfast/protocol/identity/pairing';
import type { AnyOffer } from '@holdfast/protocol/identity/pairing-kind';

const maxTries = 3;

export type Tried =
  | { readonly kind: 'right' }
  | { readonly kind: 'again'; readonly left: number }
  | { readonly kind: 'over'; readonly error: HoldfastError };

export class WordTries {
  readonly #opened: Pick<OpenedOffer<AnyOffer>, 'words'> & { readonly kind: OpenedOffer<AnyOffer>['kind'] };
  #left = maxTries;

  constructor(opened: WordTries['opened']) {
    this.#opened = opened;
  }

  get opened(): Pick<OpenedOffer<AnyOffer>, 'words'> & { readonly kind: OpenedOffer<AnyOffer>['kind'] } {
    return this.#opened;
  }

  /** Nothing typed is no try. */
  try(typed: string): Tried {
    if (this.#left === 0) return this.#over();
    if (typed.trim() === '') return { kind: 'again', left: this.#left };
    try {
      assertWords(this.#opened, typed);
      return { kind: 'right' };
    } catch (thrown) {
      if (codeOf(thrown) !== 'pairing_words_wrong') throw thrown;
      this.#left -= 1;
      return this.#left === 0 ? this.#over() : { kind: 'again', left: this.#left };
    }
  }

  #over(): Tried {
    const { noun, command } = this.#opened.kind;
    const error = new HoldfastError('pairing_words_wrong', `these are not the words of that ${noun}; nothing was admitted`, {
      next: `look at the ${noun} that you mean: if the words differ there, somebody lures you; if you mistyped, run ${command} there again for a new code`,
    });
    return { kind: 'over', error };
  }
}

/** How a wrong try is told. */
export const againWords = (left: number): string =>
  `These are not its words. Look again: ${left === 1 ? '1 try is left' : `${left} tries are left`}.`;
