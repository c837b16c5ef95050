// Moments and what is left of a time, in words beside those of codec/shown.ts.

import { duration } from '@holdfast/protocol/codec/shown';

const day = 24 * 60 * 60_000;

/** As the second hand goes: "4:59 left", "1:02:03 left", "3 d left", "over". */
export function leftInWords(ms: number): string {
  if (ms <= 0) return 'over';
  if (ms >= day) return `${duration(ms)} left`;
  const seconds = Math.ceil(ms / 1_000);
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return `${shown.map((part, at) => (at === 0 ? `${part}` : part.toString().padStart(2, '0'))).join(':')} left`;
}

/** Made once: making one takes longer than a row of a list may. */
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

/** A moment as this person writes it, with its zone: the one in which the page was opened. */
export function momentInWords(atMs: number): string {
  return moments.format(atMs);
}

/** The same as machines write it. */
export function momentForMachines(atMs: number): string {
  return new Date(atMs).toISOString();
}
