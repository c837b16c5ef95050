// Says again and again how an agent is, spec/presence.md: soon after something changed, and now and then while nothing does. What could not be said
// is said with the next change, the next connection or the next time; nothing waits for it.

import { presenceEveryMs } from '@holdfast/protocol/approvals/presence';

/** What follows within so little is said together. */
const gatherMs = 20;
/** Between two of one agent. [PRESENCE-3] */
const leastGapMs = 200;

export interface TellerPorts {
  monotonicMs(): number;
  /** Says how it is now; `anyway`: also when that is what was said last. Resolves when the relay has it, or when there was nothing to say. May reject. */
  say(anyway: boolean): Promise<void>;
}

export class PresenceTeller {
  readonly #ports: TellerPorts;
  readonly #heartbeat: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #saying: Promise<void> | undefined;
  /** Something happened since the last time; `anyway`: or it is time. */
  #due: 'no' | 'change' | 'anyway' = 'no';
  #beganMs = -Infinity;
  #stopped = false;

  constructor(ports: TellerPorts) {
    this.#ports = ports;
    this.#heartbeat = setInterval(() => this.#soon('anyway'), presenceEveryMs).unref();
  }

  /** Something may be another than it was. */
  changed(): void {
    this.#soon('change');
  }

  /** The relay may know nothing of us. */
  connected(): void {
    this.#soon('anyway');
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#timer);
  }

  #soon(why: 'change' | 'anyway'): void {
    if (this.#due !== 'anyway') this.#due = why;
    if (this.#stopped || this.#timer !== undefined || this.#saying !== undefined) return;
    const sinceMs = this.#ports.monotonicMs() - this.#beganMs;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#saying = this.#say().finally(() => {
          this.#saying = undefined;
          if (this.#due !== 'no') this.#soon(this.#due);
        });
      },
      Math.max(gatherMs, leastGapMs - sinceMs),
    ).unref();
  }

  async #say(): Promise<void> {
    const anyway = this.#due === 'anyway';
    this.#due = 'no';
    this.#beganMs = this.#ports.monotonicMs();
    // Away, or refused: the relay is asked again when something changes, and by the heartbeat.
    await this.#ports.say(anyway).catch(() => {});
  }
}
