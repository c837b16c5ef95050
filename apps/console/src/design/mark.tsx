// What must never be mistaken for its opposite, each by a word and a shape: the strong one is filled, the weak one is not. Colour is the third sign.

import { For, type JSX } from 'solid-js';
import './mark.css';

interface Drawn {
  readonly word: string;
  /** What it means, for who rests on it. */
  readonly means: string;
  /** Filled paths, and drawn ones, in a square of 12. */
  readonly filled?: string;
  readonly drawn?: readonly string[];
}

const square = 'M2 3.5A1.5 1.5 0 0 1 3.5 2h5A1.5 1.5 0 0 1 10 3.5v5A1.5 1.5 0 0 1 8.5 10h-5A1.5 1.5 0 0 1 2 8.5z';
const hexagon = 'M6 1.2 10.2 3.6v4.8L6 10.8 1.8 8.4V3.6z';
const diamond = 'M6 1 11 6 6 11 1 6z';
const circle = 'M6 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z';
const eye = 'M1 6s2-3.5 5-3.5S11 6 11 6 9 9.5 6 9.5 1 6 1 6z';

const marks = {
  sealed: { word: 'sealed', means: 'Its only way out is the broker: it cannot go round the rules', filled: square },
  guarded: {
    word: 'guarded',
    means: 'Its tool calls are judged; a program it starts may still go round',
    filled: 'M2 2h4v8H2z',
    drawn: [square],
  },
  hardware: { word: 'hardware', means: 'Its key is in a chip and cannot be copied', filled: hexagon },
  software: { word: 'software', means: 'Its key is a file: whoever copies it is the agent', drawn: [hexagon] },
  attested: { word: 'attested', means: 'Shown by the chip and verified', filled: diamond },
  claimed: { word: 'claimed', means: 'The machine says so, nobody could verify it', drawn: [diamond] },
  fresh: { word: 'fresh', means: 'An operator was heard of in time', filled: circle },
  stale: {
    word: 'stale',
    means: 'No operator was heard of in time: it is stopped until one is',
    drawn: ['M6 1.5a4.5 4.5 0 1 0 4.5 4.5', 'M6 3.5V6l2 1'],
  },
  observed: {
    word: 'observed',
    means: 'The broker saw it happen',
    filled: 'M6 4.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z',
    drawn: [eye],
  },
  reported: { word: 'reported', means: 'The agent says so, nobody saw it', drawn: ['M1.5 2.5h9v6h-5l-2 2v-2h-2z'] },
  live: { word: 'live', means: 'It may act', filled: circle },
  suspended: { word: 'suspended', means: 'Stopped, until it is resumed', drawn: ['M4 2.5v7', 'M8 2.5v7'] },
  revoked: { word: 'revoked', means: 'Ended for good', drawn: ['M2.5 2.5l7 7', 'M9.5 2.5l-7 7'] },
  waiting: {
    word: 'waiting',
    means: 'Until an operator decides',
    drawn: ['M3 1.5h6', 'M3 10.5h6', 'M3.5 1.5c0 3 5 6 5 9', 'M8.5 1.5c0 3-5 6-5 9'],
  },
} as const satisfies Record<string, Drawn>;

/** @public */
export type MarkKind = keyof typeof marks;

/** @public For the screens. */
export function Mark(props: { readonly kind: MarkKind }): JSX.Element {
  const drawn = (): Drawn => marks[props.kind];
  return (
    <span class={`mark mark-${props.kind}`} title={drawn().means}>
      <svg class="mark-shape" width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
        {drawn().filled === undefined ? undefined : <path class="mark-filled" d={drawn().filled} />}
        <For each={drawn().drawn ?? []}>{(path) => <path d={path} />}</For>
      </svg>
      {drawn().word}
    </span>
  );
}
