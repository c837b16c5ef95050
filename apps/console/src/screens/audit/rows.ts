// The rows of the audit stream: events of all logs, newest first, that a filter lets through. Each event is looked at once for a filter, a hundred thousand of
// them in pieces, so that the page answers in between; and a row stays the same one while records come, so that a list keeps its place.

import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { GrowingNames, type Names } from '@holdfast/protocol/audit/sentence';

/** As much of a log as rows need. */
export interface RowLog {
  /** The agent's id in hex. */
  readonly agent: string;
  readonly scope: string;
  /** Oldest first. Those that were there before stay. */
  readonly events: readonly AuditEvent[];
}

export interface Row {
  readonly agent: string;
  readonly scope: string;
  readonly event: AuditEvent;
  /** Of its log, as far as it was looked at. */
  readonly names: Names;
}

/** A filter, for the events of a log with these names. */
export type Matching = (names: Names) => (event: AuditEvent) => boolean;

export interface Turns {
  /** Milliseconds, of a clock that is never set back. */
  readonly monotonicMs: () => number;
  /** Lets the page go on. */
  readonly next: () => Promise<void>;
}

/** Then the page gets its turn: half of what it has for one picture. */
const atOnceMs = 8;
/** Between two looks at the clock. */
const eventsPerLook = 128;

interface Known {
  readonly names: GrowingNames;
  named: number;
}

interface Sifted {
  readonly matches: (event: AuditEvent) => boolean;
  readonly rows: Row[];
  looked: number;
}

/** Rows of logs that grow. One `rowsOf` goes on at a time; a newer one ends the one before. */
export class RowStream {
  readonly #turns: Turns;
  readonly #known = new Map<string, Known>();
  #sifted = new Map<string, Sifted>();
  #matching: Matching | undefined;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /**
   * Newest first by the machines' clocks, each log in its own order; undefined when `over` aborted, and what was looked at until then stays looked at. The
   * same `matching` as before goes on where that one ended.
   */
  async rowsOf(logs: readonly RowLog[], matching: Matching, over: AbortSignal): Promise<readonly Row[] | undefined> {
    if (matching !== this.#matching) this.#sifted = new Map();
    this.#matching = matching;
    const goOn = this.#pacing(over);
    for (const log of logs) if (!(await this.#look(log, matching, goOn))) return undefined;
    return this.#merged(logs, goOn);
  }

  async #look({ agent, scope, events }: RowLog, matching: Matching, goOn: () => Promise<boolean>): Promise<boolean> {
    const known = this.#known.get(agent) ?? { names: new GrowingNames(), named: 0 };
    this.#known.set(agent, known);
    const { names } = known;
    const sifted = this.#sifted.get(agent) ?? { matches: matching(names), rows: [], looked: 0 };
    this.#sifted.set(agent, sifted);
    while (sifted.looked < events.length) {
      for (const event of events.slice(sifted.looked, sifted.looked + eventsPerLook)) {
        if (sifted.looked >= known.named) {
          names.take(event);
          known.named += 1;
        }
        if (sifted.matches(event)) sifted.rows.push({ agent, scope, event, names });
        sifted.looked += 1;
      }
      if (!(await goOn())) return false;
    }
    return true;
  }

  async #merged(logs: readonly RowLog[], goOn: () => Promise<boolean>): Promise<readonly Row[] | undefined> {
    const sources = logs.flatMap(({ agent }) => {
      const rows = this.#sifted.get(agent)?.rows ?? [];
      return rows.length === 0 ? [] : [{ rows, at: rows.length - 1 }];
    });
    const merged: Row[] = [];
    for (;;) {
      for (let count = 0; count < eventsPerLook; count += 1) {
        let newest: (typeof sources)[number] | undefined;
        for (const source of sources) {
          const [ours, theirs] = [source.rows[source.at], newest?.rows[newest.at]];
          if (ours !== undefined && (theirs === undefined || ours.event.atMs > theirs.event.atMs)) newest = source;
        }
        const row = newest?.rows[newest.at];
        if (newest === undefined || row === undefined) return merged;
        newest.at -= 1;
        merged.push(row);
      }
      if (!(await goOn())) return undefined;
    }
  }

  /** Whether it is to go on; resolves after the page's turn where that is due. */
  #pacing(over: AbortSignal): () => Promise<boolean> {
    const { monotonicMs, next } = this.#turns;
    let untilMs = monotonicMs() + atOnceMs;
    return async () => {
      if (monotonicMs() >= untilMs) {
        await next();
        untilMs = monotonicMs() + atOnceMs;
      }
      return !over.aborted;
    };
  }
}

/** What is open at `/audit/AGENT/SEQUENCE`; undefined for the stream, and for what is no such address. */
export function openAt(path: string): { readonly agent: string; readonly sequence: number } | undefined {
  const [, agent, sequence] = /^\/audit\/([0-9a-f]{32})\/(\d{1,15})$/.exec(path) ?? [];
  return agent === undefined ? undefined : { agent, sequence: Number(sequence) };
}
