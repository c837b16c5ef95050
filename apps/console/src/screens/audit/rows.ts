// The rows of the audit stream: events of all logs, newest first, that a filter lets through. Each event becomes a row once and is looked at once for a filter,
// a hundred thousand of them in pieces, so that the page answers in between; and a row stays the same one, so that a list keeps its place.

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
  /** Of each event that was looked at, whatever the filter. */
  readonly rows: Row[];
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

  async #look(log: RowLog, matching: Matching, goOn: () => Promise<boolean>): Promise<boolean> {
    const known = this.#known.get(log.agent) ?? { names: new GrowingNames(), rows: [] };
    this.#known.set(log.agent, known);
    const sifted = this.#sifted.get(log.agent) ?? { matches: matching(known.names), rows: [], looked: 0 };
    this.#sifted.set(log.agent, sifted);
    while (sifted.looked < log.events.length) {
      const end = Math.min(log.events.length, sifted.looked + eventsPerLook);
      for (; sifted.looked < end; sifted.looked += 1) {
        const row = rowAt(known, log, sifted.looked);
        if (row !== undefined && sifted.matches(row.event)) sifted.rows.push(row);
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
    merged.length = sources.reduce((sum, { rows }) => sum + rows.length, 0); // growing to a hundred thousand is copying them again and again
    for (let at = 0; at < merged.length;) {
      for (const end = Math.min(merged.length, at + eventsPerLook); at < end; at += 1) {
        let newest: (typeof sources)[number] | undefined;
        for (const source of sources) {
          const [ours, theirs] = [source.rows[source.at], newest?.rows[newest.at]];
          if (ours !== undefined && (theirs === undefined || ours.event.atMs > theirs.event.atMs)) newest = source;
        }
        const row = newest?.rows[newest.at];
        if (newest === undefined || row === undefined) return merged.slice(0, at);
        newest.at -= 1;
        merged[at] = row;
      }
      if (!(await goOn())) return undefined;
    }
    return merged;
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

/** Undefined where there is no such event. */
function rowAt({ names, rows }: Known, { agent, scope, events }: RowLog, at: number): Row | undefined {
  const event = events[at];
  if (at < rows.length || event === undefined) return rows[at];
  names.take(event);
  const row = { agent, scope, event, names };
  rows.push(row);
  return row;
}

/** What is open at `/audit/AGENT/SEQUENCE`; undefined for the stream, and for what is no such address. */
export function openAt(path: string): { readonly agent: string; readonly sequence: number } | undefined {
  const [, agent, sequence] = /^\/audit\/([0-9a-f]{32})\/(\d{1,15})$/.exec(path) ?? [];
  return agent === undefined ? undefined : { agent, sequence: Number(sequence) };
}
