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
    if (this.#rest && values.length > 1) return [hole];
    let digit = this.#digits.get(name);
    if (digit === undefined) {
      digit = { at: 0, of: values.length };
      this.#digits.set(name, digit);
    }
    return values[Math.min(digit.at, values.length - 1)] ?? [hole];
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
