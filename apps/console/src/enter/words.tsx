// The three words of a pairing: large, in one line that is easy to read aloud.

import { For } from 'solid-js';

export function Words(props: { readonly words: readonly string[] }) {
  return (
    <ol class="words" aria-label="The words to type there">
      <For each={props.words}>{(word) => <li>{word}</li>}</For>
    </ol>
  );
}
