// What one rule set changes in place of another, rule by rule, as it is signed.

import { For, Show, type JSX } from 'solid-js';
import { ActText } from '../../design/act-text.tsx';
import type { ChangeText } from './rules-work.ts';

const words = { added: 'new', changed: 'changed', removed: 'gone' } as const;

export function Changes(props: { readonly changes: readonly ChangeText[] }): JSX.Element {
  return (
    <ul class="rules-changes">
      <For each={props.changes}>
        {({ rule, how, before, after }) => (
          <li>
            <details>
              <summary>
                <span class={`rules-how rules-how-${how}`}>{words[how]}</span> <span class="mono">{rule}</span>
              </summary>
              <Show when={before}>
                {(text) => (
                  <>
                    <p class="quiet">Before</p>
                    <ActText text={text()} />
                  </>
                )}
              </Show>
              <Show when={after}>
                {(text) => (
                  <>
                    <p class="quiet">After</p>
                    <ActText text={text()} />
                  </>
                )}
              </Show>
            </details>
          </li>
        )}
      </For>
    </ul>
  );
}
