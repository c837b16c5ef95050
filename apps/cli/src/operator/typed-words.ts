// A pairing as a person at a terminal does it: the code that they type, and the words.

import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { assertWords, parsePairingCode, type OpenedOffer } from '@holdfast/protocol/identity/pairing';
import type { AnyOffer, Newcomer } from '@holdfast/protocol/identity/pairing-kind';
import type { GivenCode } from '@holdfast/protocol/operator/admit';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { Output } from '../output.ts';
import { askLine, lineFromStdin } from '../secrets-input.ts';

/** A person may mistype; more than this is guessing. */
const maxTries = 3;

/** A code or its URL; `-`: a line of standard input. Throws `pairing_code_invalid`. */
export function typedCode(kind: Newcomer, typed: string): GivenCode {
  return parsePairingCode(nodePrimitives, kind, typed === '-' ? lineFromStdin() : typed);
}

/** The offer is taken, and no code works twice: a person may try again here and now, a script must start anew. [CLI-13] */
export async function confirmWords<O extends AnyOffer>(
  output: Output,
  opened: OpenedOffer<O>,
  given: string | undefined,
): Promise<void> {
  const { noun, command } = opened.kind;
  for (let tries = 1; ; tries += 1) {
    try {
      assertWords(opened, given ?? (await askLine(`The three words that the ${noun} shows`)));
      return;
    } catch (cause) {
      if (codeOf(cause) !== 'pairing_words_wrong') throw cause;
      if (given !== undefined || tries === maxTries) {
        throw new HoldfastError('pairing_words_wrong', `these are not the words of that ${noun}; nothing was admitted`, {
          cause,
          next: `look at the ${noun} that you mean: if the words differ there, somebody lures you; if you mistyped, run ${command} there again for a new code`,
        });
      }
      output.say('  these are not its words; look again');
    }
  }
}
