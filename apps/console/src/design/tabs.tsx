// Views of one thing beside each other. What is not seen is not made.

import { Tabs as Ark } from '@ark-ui/solid/tabs';
import { For, type JSX } from 'solid-js';
import './tabs.css';

interface TabsProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly tabs: readonly { readonly value: string; readonly label: string; readonly content: () => JSX.Element }[];
}

/** @public */
export function Tabs(props: TabsProps): JSX.Element {
  return (
    <Ark.Root value={props.value} onValueChange={({ value }) => props.onChange(value)} lazyMount unmountOnExit>
      <Ark.List class="tabs-list" aria-label={props.label}>
        <For each={props.tabs}>
          {(tab) => (
            <Ark.Trigger class="tabs-tab" value={tab.value}>
              {tab.label}
            </Ark.Trigger>
          )}
        </For>
      </Ark.List>
      <For each={props.tabs}>
        {(tab) => (
          <Ark.Content class="tabs-content" value={tab.value}>
            {tab.content()}
          </Ark.Content>
        )}
      </For>
    </Ark.Root>
  );
}
