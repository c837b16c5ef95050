// What an agent wants to do, or what is about to be signed: canonical, monospace, nothing cut without saying how much, nothing in it that is not seen.

import { createMemo, createSignal, createUniqueId, For, Show, type JSX } from 'solid-js';
import './act-text.css';
import { foldText, piecesOf } from './shown-text.ts';

/** @public */
export function ActText(props: { readonly text: string; readonly label?: string }): JSX.Element {
  const id = createUniqueId();
  const [isOpen, setOpen] = createSignal(false);
  const folded = createMemo(() => foldText(props.text));
  const shown = createMemo(() => piecesOf(isOpen() ? props.text : folded().shown));
  const hidden = (): string => {
    const { hiddenLines, hiddenCharacters } = folded();
    const lines = hiddenLines > 0 ? `${hiddenLines} ${hiddenLines === 1 ? 'line' : 'lines'}, ` : '';
    return `${lines}${hiddenCharacters} ${hiddenCharacters === 1 ? 'character' : 'characters'}`;
  };
  return (
    <div class="act-text">
      <code class="act-text-words" id={id} role={props.label === undefined ? undefined : 'group'} aria-label={props.label}>
        <For each={shown()}>
          {(piece) =>
            piece.kind === 'plain' ? (
              piece.text
            ) : (
              <span class="act-text-marked" title="A character that shows as nothing">
                {piece.name}
              </span>
            )
          }
        </For>
      </code>
      <Show when={folded().hiddenCharacters > 0}>
        <button
          type="button"
          class="act-text-fold"
          aria-expanded={isOpen()}
          aria-controls={id}
          onClick={() => setOpen(!isOpen())}
        >
          {isOpen() ? 'Show less' : `Show all: ${hidden()} more`}
        </button>
      </Show>
    </div>
  );
}
