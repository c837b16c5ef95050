// The rows of the audit stream: events of all logs, newest first, that a filter lets through. A hundred thousand of them are looked at in pieces, so that
// the page answers in between.

import type { AuditEvent } from '@holdfast/protocol/audit/event';
import type { Names } from '@holdfast/protocol/audit/sentence';

/** As much of a log as rows need. */
export interface RowLog {
  /** The agent's id in hex. */
  readonly agent: string;
  readonly scope: string;
  /** Oldest first. */
  readonly events: readonly AuditEvent[];
}

export interface Row {
  readonly agent: string;
  readonly scope: string;
  readonly event: AuditEvent;
  readonly names: Names;
}

/** Looked at before somebody else gets a turn: some milliseconds. */
const eventsAtOnce = 2_000;

export interface Sifting {
  /** Of each log, by its agent. */
  readonly names: ReadonlyMap<string, Names>;
  /** For the events of a log with these names. */
  readonly matching: (names: Names) => (event: AuditEvent) => boolean;
  /** Lets the page go on. */
  readonly turn: () => Promise<void>;
  readonly over: AbortSignal;
}

const noNames: Names = { children: new Map(), credentials: new Map(), hosts: new Map() };

/** Newest first by the machines' clocks, each log in its own order; undefined when `over` aborted. */
export async function rowsOf(
  logs: readonly RowLog[],
  { names, matching, turn, over }: Sifting,
): Promise<readonly Row[] | undefined> {
  const sources = logs.map(({ agent, scope, events }) => {
    const own = names.get(agent) ?? noNames;
    return { agent, scope, events, names: own, matches: matching(own), at: events.length - 1 };
  });
  const rows: Row[] = [];
  for (let looked = 1; ; looked += 1) {
    const next = sources.reduce<(typeof sources)[number] | undefined>((newest, source) => {
      const [ours, theirs] = [source.events[source.at], newest?.events[newest.at]];
      return ours !== undefined && (theirs === undefined || ours.atMs > theirs.atMs) ? source : newest;
    }, undefined);
    const event = next?.events[next.at];
    if (next === undefined || event === undefined) return rows;
    next.at -= 1;
    if (next.matches(event)) rows.push({ agent: next.agent, scope: next.scope, event, names: next.names });
    if (looked % eventsAtOnce === 0) {
      await turn();
      if (over.aborted) return undefined;
    }
  }
}

/** What is open at `/audit/AGENT/SEQUENCE`; undefined for the stream, and for what is no such address. */
export function openAt(path: string): { readonly agent: string; readonly sequence: number } | undefined {
  const [, agent, sequence] = /^\/audit\/([0-9a-f]{32})\/(\d{1,15})$/.exec(path) ?? [];
  return agent === undefined ? undefined : { agent, sequence: Number(sequence) };
}
