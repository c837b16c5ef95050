// What is left of a time: a ring that empties, and the words beside it. Told to a screen reader once, not each second.

import type { JSX } from 'solid-js';
import './countdown.css';
import { ticking } from './now-ticks.ts';
import { leftInWords, momentForMachines, momentInWords } from './time-words.ts';

/** Then it is said in another colour as well. */
const soonMs = 30_000;

/** @public */
export function Countdown(props: { readonly untilMs: number; readonly fromMs: number }): JSX.Element {
  const wholeMs = (): number => Math.max(1, props.untilMs - props.fromMs);
  /** Never more than there was: the clock of who asks may be ahead of this one. */
  const leftMs = (): number => Math.max(0, Math.min(props.untilMs - ticking(), wholeMs()));
  const left = (): number => leftMs() / wholeMs();
  return (
    <time
      class="countdown"
      classList={{ 'countdown-soon': leftMs() > 0 && leftMs() < soonMs, 'countdown-over': leftMs() === 0 }}
      datetime={momentForMachines(props.untilMs)}
      title={`until ${momentInWords(props.untilMs)}`}
    >
      <svg class="countdown-ring" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
        <circle class="countdown-whole" cx="8" cy="8" r="6" />
        <circle
          class="countdown-left"
          cx="8"
          cy="8"
          r="6"
          pathLength="100"
          stroke-dasharray="100"
          stroke-dashoffset={100 - 100 * left()}
        />
      </svg>
      <span>{leftInWords(leftMs())}</span>
    </time>
  );
}
