// Tabs of one browser tell each other what happened to the keys and to what is remembered, spec/console-key.md. What is heard moves a lock or a look
// into the database, never a key: another tab is this origin's own code, and still nothing of it is believed.

/** `touched`: somebody is at this browser. `heads`: something was remembered. `key`: the record changed, or there is one now. */
export type TabNews = 'locked' | 'touched' | 'heads' | 'key';

const known: ReadonlySet<unknown> = new Set<TabNews>(['locked', 'touched', 'heads', 'key']);
/** A hand on a keyboard touches often. */
const touchedEveryMs = 5_000;

export class Tabs {
  readonly #channel: BroadcastChannel;
  readonly #nowMs: () => number;
  #toldMs = Number.NEGATIVE_INFINITY;

  /** `nowMs`: by a clock that does not go back. */
  constructor(nowMs: () => number, name = 'holdfast') {
    this.#channel = new BroadcastChannel(name);
    this.#nowMs = nowMs;
  }

  hear(listener: (news: TabNews) => void): void {
    this.#channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (known.has(data)) listener(data as TabNews);
    });
  }

  tell(news: TabNews): void {
    if (news === 'touched') {
      if (this.#nowMs() - this.#toldMs < touchedEveryMs) return;
      this.#toldMs = this.#nowMs();
    }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin
    this.#channel.postMessage(news);
  }

  close(): void {
    this.#channel.close();
  }
}
