// Which shortcut a person's keys mean: single ones, and two after each other. Pure: keys.ts listens.

export interface Shortcut {
  /** `j`, `/`, `g a`. */
  readonly keys: string;
  /** What it does, in the words of the help. */
  readonly does: string;
  readonly run: () => void;
}

/** After this long the first key of two is forgotten. */
const togetherMs = 1_500;

export class KeySequence {
  #first: { readonly key: string; readonly atMs: number } | undefined;

  /** `waits`: it is the first of two. The newest of those that have the same keys counts. */
  press(key: string, nowMs: number, shortcuts: readonly Shortcut[]): Shortcut | 'waits' | undefined {
    const first = this.#first !== undefined && nowMs - this.#first.atMs <= togetherMs ? `${this.#first.key} ` : '';
    this.#first = undefined;
    const found = shortcuts.findLast(({ keys }) => keys === first + key);
    // the second of two is never one by itself: after a g, an a is no yes
    if (found !== undefined || first !== '') return found;
    if (!shortcuts.some(({ keys }) => keys.startsWith(`${key} `))) return undefined;
    this.#first = { key, atMs: nowMs };
    return 'waits';
  }

  /** Whether the next key is the second of two. */
  isWaiting(nowMs: number): boolean {
    return this.#first !== undefined && nowMs - this.#first.atMs <= togetherMs;
  }
}
