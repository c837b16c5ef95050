// Work that is done again and again, one run at a time: every so often, soon after something happened, at once, and anew where the run that is under
// way began too early. Timers keep no process alive.

export interface Pace {
  readonly everyMs: number;
  /** After something that is often followed by more of the kind. */
  readonly soonMs: number;
}

export class Recurring {
  private readonly work: () => Promise<void>;
  private readonly soonMs: number;
  private readonly interval: NodeJS.Timeout;
  private timer: { readonly due: NodeJS.Timeout; readonly withinMs: number } | undefined;
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private stopped = false;

  /** `work` never rejects. */
  constructor(work: () => Promise<void>, { everyMs, soonMs }: Pace) {
    this.work = work;
    this.soonMs = soonMs;
    this.interval = setInterval(() => void this.now(), everyMs).unref();
  }

  /** Resolves when it is done; joins the run that is under way. */
  now(): Promise<void> {
    if (this.stopped) return this.running ?? Promise.resolve();
    this.running ??= this.work().finally(() => (this.running = undefined));
    return this.running;
  }

  /** The same, by a run that begins after this call: it finds whatever is there by now. */
  anew(): Promise<void> {
    if (this.running === undefined) return this.now();
    this.next ??= this.running.then(() => {
      this.next = undefined;
      return this.now();
    });
    return this.next;
  }

  /** By a run that finds whatever is there by now. Many calls are one; a sooner one takes the place of a later. */
  soon(withinMs = this.soonMs): void {
    if (this.stopped || (this.timer !== undefined && this.timer.withinMs <= withinMs)) return;
    clearTimeout(this.timer?.due);
    const due = setTimeout(() => {
      this.timer = undefined;
      void this.anew();
    }, withinMs).unref();
    this.timer = { due, withinMs };
  }

  /** For good: nothing begins any more. What runs is told by `isStopped`. */
  stop(): void {
    this.stopped = true;
    clearInterval(this.interval);
    clearTimeout(this.timer?.due);
  }

  get isStopped(): boolean {
    return this.stopped;
  }
}
