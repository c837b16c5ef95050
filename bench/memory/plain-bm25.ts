// BM25 as everybody has it, to compare with: words in lower case, one field, k1 1.2, b 0.75.

export class PlainBm25 {
  readonly #ids: string[] = [];
  readonly #lengths: number[] = [];
  readonly #postings = new Map<string, Map<number, number>>();
  readonly #average: number;

  constructor(texts: readonly (readonly [id: string, text: string])[]) {
    for (const [id, text] of texts) {
      const words = wordsOf(text);
      const place = this.#ids.push(id) - 1;
      this.#lengths.push(words.length);
      for (const word of words) {
        const postings = this.#postings.get(word) ?? new Map<number, number>();
        this.#postings.set(word, postings.set(place, (postings.get(place) ?? 0) + 1));
      }
    }
    this.#average = this.#lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, texts.length);
  }

  search(text: string, count: number): readonly string[] {
    const scores = new Map<number, number>();
    for (const word of new Set(wordsOf(text))) {
      const postings = this.#postings.get(word) ?? new Map<number, number>();
      const worth = Math.log(1 + (this.#ids.length - postings.size + 0.5) / (postings.size + 0.5));
      for (const [place, times] of postings) {
        const norm = 1.2 * (0.25 + (0.75 * (this.#lengths[place] ?? 0)) / this.#average);
        scores.set(place, (scores.get(place) ?? 0) + (worth * times * 2.2) / (times + norm));
      }
    }
    return [...scores]
      .toSorted(([left, a], [right, b]) => b - a || left - right)
      .slice(0, count)
      .map(([place]) => this.#ids[place] ?? '');
  }
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
}
