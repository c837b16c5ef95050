// When something was: in words that go on, and exactly for whoever asks.

import { ago } from '@holdfast/protocol/codec/shown';
import type { JSX } from 'solid-js';
import { ticking } from './now-ticks.ts';
import { momentForMachines, momentInWords } from './time-words.ts';

/** @public */
export function Ago(props: { readonly atMs: number }): JSX.Element {
  return (
    <time class="number" datetime={momentForMachines(props.atMs)} title={momentInWords(props.atMs)}>
      {ago(ticking() - props.atMs)}
    </time>
  );
}
