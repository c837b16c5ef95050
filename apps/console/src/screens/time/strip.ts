// Permissioned time as a picture, in numbers: where on a strip of so many pixels ticks and the standing key lie, and which tick is meant by a place on it.

import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { duration } from '@holdfast/protocol/codec/shown';
import type { CredentialTicks, Tick } from '@holdfast/protocol/audit/ticks';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the strip, in pixels. */
  readonly width: number;
}

export const stripDays = 30;
export const dayMs = 86_400_000;

/** The pixel in which a moment lies. */
export function pixelOf(atMs: number, { fromMs, toMs, width }: Span): number {
  const at = Math.floor(((atMs - fromMs) / (toMs - fromMs)) * width);
  return Math.max(0, Math.min(width - 1, at));
}

/** Of an SVG path with lines of one pixel: thinner than that nothing can be drawn, and wider most of them are not. */
export function ticksPath(ticks: readonly Tick[], height: number, span: Span): string {
  return ticks
    .map(({ atMs, lengthMs }) => {
      const [from, to] = [pixelOf(atMs, span), pixelOf(atMs + lengthMs, span)];
      return Array.from({ length: to - from + 1 }, (_, more) => `M${from + more + 0.5} 0V${height}`).join('');
    })
    .join('');
}

/** How much of the strip a key of its own would have filled. */
export function standingWidth({ standingMs }: Pick<CredentialTicks, 'standingMs'>, { fromMs, toMs, width }: Span): number {
  return Math.min(width, Math.round((standingMs / (toMs - fromMs)) * width));
}

/** The tick that is nearest to a place on the strip; its number, or undefined where there is none. */
export function nearestTick(ticks: readonly Tick[], pixel: number, span: Span): number | undefined {
  let [nearest, distance]: [number | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
  for (const [index, { atMs }] of ticks.entries()) {
    const away = Math.abs(pixelOf(atMs, span) - pixel);
    if (away < distance) [nearest, distance] = [index, away];
  }
  return nearest;
}

/** "a standing key would have lain there 41,000 times as long" */
export function ratioText(ratio: number | null): string {
  if (ratio === null) return 'it was not used';
  return `a standing key would have been there ${Math.round(ratio).toLocaleString('en')} times as long`;
}

export function tickText({ handles, permissionedMs }: Tick): string {
  const uses = handles === 1 ? 'one use' : `${handles.toLocaleString('en')} uses`;
  return `${uses}, ${duration(permissionedMs)}`;
}

/** Of all credentials together, in the order of time. */
export function mergedTicks(credentials: readonly Pick<CredentialTicks, 'ticks'>[]): readonly Tick[] {
  return credentials.flatMap(({ ticks }) => ticks).toSorted((one, other) => one.atMs - other.atMs);
}

/** Midnight before this moment, where this browser is. */
export function beginOfDay(nowMs: number): number {
  return new Date(nowMs).setHours(0, 0, 0, 0);
}

const hourMs = 3_600_000;
const hoursShown = 24;

/** Calls of tools in each of the last 24 hours, oldest first. `events` in the order of their log; only its end is looked at. */
export function actsByHour(events: readonly AuditEvent[], nowMs: number): readonly number[] {
  const hours = Array.from({ length: hoursShown }, () => 0);
  const fromMs = nowMs - hoursShown * hourMs;
  for (let at = events.length - 1; at >= 0; at -= 1) {
    const event = events[at];
    if (event === undefined || event.atMs < fromMs - hourMs) break; // a clock may have gone back a little
    const hour = Math.floor((event.atMs - fromMs) / hourMs);
    if (event.kind === 'tool-call' && hour >= 0 && hour < hoursShown) hours[hour] = (hours[hour] ?? 0) + 1;
  }
  return hours;
}
