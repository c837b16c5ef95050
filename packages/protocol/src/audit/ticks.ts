// Permissioned time as a picture, spec/permissioned-time.md: for each credential the spans in which it could have been used, drawn over a stretch of time.
// What would fall into one column of the picture is one tick, so their number is bounded by its width, however many uses there were.

import { toHex } from '../codec/bytes.ts';
import type { AuditEvent } from './event.ts';
import { HandleWindows, type Minted, type Window } from './handle-windows.ts';
import { permissionedTime, type CredentialExposure } from './permissioned-time.ts';

export interface Tick {
  readonly atMs: number;
  /** From its beginning to its end, of all windows in it; a picture draws no less than a column. */
  readonly lengthMs: number;
  /** The time in which the credential could have been used: less than the length where windows lie apart. */
  readonly permissionedMs: number;
  readonly handles: number;
  /** The first of them: what a tap leads to. */
  readonly first: { readonly agent: Uint8Array; readonly sequence: number };
}

export interface CredentialTicks extends CredentialExposure {
  /** As it was called last; undefined where the events do not tell. */
  readonly name: string | undefined;
  /** Agents that used it. */
  readonly agents: number;
  /** Ascending, at most one a column. */
  readonly ticks: readonly Tick[];
}

export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the picture; at least one. */
  readonly columns: number;
}

/**
 * `events` in the order of their logs, of one agent or of several after one another; what came after `toMs` is left out. The figures are those of
 * `permissionedTime` over the same stretch. Credentials in the order in which the events name them.
 */
export function ticksOf(events: Iterable<AuditEvent>, { fromMs, toMs, columns }: Stretch): readonly CredentialTicks[] {
  const past = [...events].filter(({ atMs }) => atMs <= toMs);
  const count = Math.max(1, Math.floor(columns));
  const columnMs = Math.max(1, (toMs - fromMs) / count);
  /** What reaches beyond the end is drawn to its last column. */
  const columnAt = (ms: number): number => Math.min(count - 1, Math.floor((ms - fromMs) / columnMs));
  const [names, agents] = [new Map<string, string>(), new Map<string, Set<string>>()];
  for (const event of past) {
    if (event.kind === 'granted' || event.kind === 'minted') names.set(toHex(event.item), event.name);
    if (event.kind === 'consumed' && event.atMs >= fromMs)
      agents.set(toHex(event.item), (agents.get(toHex(event.item)) ?? new Set()).add(toHex(event.agent)));
  }
  const windows = Map.groupBy(windowsIn(past, fromMs, toMs), ({ minted }) => toHex(minted.item));
  return permissionedTime(past, toMs, fromMs).perCredential.map((exposure) => ({
    ...exposure,
    name: names.get(exposure.item),
    agents: agents.get(exposure.item)?.size ?? 0,
    ticks: merged(windows.get(exposure.item) ?? [], columnAt),
  }));
}

function windowsIn(past: readonly AuditEvent[], fromMs: number, toMs: number): readonly Window[] {
  const windows = new HandleWindows();
  const over: (Window | undefined)[] = [];
  for (const event of past) {
    if (event.kind === 'minted' && event.atMs >= fromMs) windows.open(event);
    if (event.kind === 'consumed' || event.kind === 'expired' || event.kind === 'handle-refused') over.push(windows.close(event));
  }
  return [...over, ...windows.closeAll(toMs)].filter((each) => each !== undefined);
}

interface Drawn {
  atMs: number;
  untilMs: number;
  us: number;
  handles: number;
  first: Minted;
}

function merged(windows: readonly Window[], columnAt: (ms: number) => number): readonly Tick[] {
  const drawn: Drawn[] = [];
  for (const { minted, us } of windows.toSorted((one, other) => one.minted.atMs - other.minted.atMs)) {
    const untilMs = minted.atMs + us / 1000;
    const last = drawn.at(-1);
    if (last !== undefined && columnAt(minted.atMs) <= columnAt(last.untilMs)) {
      last.untilMs = Math.max(last.untilMs, untilMs);
      last.us += us;
      last.handles += 1;
    } else drawn.push({ atMs: minted.atMs, untilMs, us, handles: 1, first: minted });
  }
  return drawn.map(({ atMs, untilMs, us, handles, first: { agent, sequence } }) => ({
    atMs,
    lengthMs: untilMs - atMs,
    permissionedMs: us / 1000,
    handles,
    first: { agent, sequence },
  }));
}
