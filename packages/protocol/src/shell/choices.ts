// A variable may have several values where the text branches. A command is read once for each combination: every reading asks here which
// value to take, and `next` moves on to the next combination, until all were taken or there were enough.

import { hole } from './command.ts';
import type { Elements } from './scope.ts';

const maxReadings = 16;

export class Choices {
  readonly #digits = new Map<string, { at: number; readonly of: number }>();
  #readings = 1;
  /** True in a last reading that stands for all combinations that were not taken: every choice is a hole. */
  #rest = false;

  choose(name: string, values: readonly Elements[]): Elements {
    const [only] = values;
    if (values.length < 2 && only !== undefined) return only;
    if (this.#rest) return [hole];
    // The same variable may have other values where it is read again.
    const key = `${name}\0${values.map((value) => value.join('\x01').slice(0, 256)).join('\0')}`;
    let digit = this.#digits.get(key);
    if (digit === undefined) {
      digit = { at: 0, of: values.length };
      this.#digits.set(key, digit);
    }
    return values[Math.min(digit.at, values.length - 1)] ?? [hole];
  }

  /** Calls `read` once for each combination; once only where an outer reading has chosen. */
  static each(outer: Choices | undefined, read: (choices: Choices, again: boolean) => void): void {
    if (outer !== undefined) {
      read(outer, false);
      return;
    }
    const choices = new Choices();
    let again = false;
    do {
      read(choices, again);
      again = true;
    } while (choices.next());
  }

  /** False when there is nothing left to choose. */
  next(): boolean {
    if (this.#rest) return false;
    for (const digit of this.#digits.values()) {
      digit.at += 1;
      if (digit.at < digit.of) {
        this.#readings += 1;
        this.#rest = this.#readings > maxReadings;
        return true;
      }
      digit.at = 0;
    }
    return false;
  }
}
