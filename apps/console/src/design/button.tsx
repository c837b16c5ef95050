// A button. While it is busy it takes no second press, and keeps the focus.

import { Show, type JSX } from 'solid-js';
import './button.css';

/** @public */
export interface ButtonProps {
  /** `primary`: one of a screen at most. `stop`: what ends something. */
  readonly kind?: 'primary' | 'plain' | 'stop';
  readonly busy?: boolean | undefined;
  readonly disabled?: boolean | undefined;
  readonly onClick?: (event: MouseEvent) => void;
  readonly type?: 'button' | 'submit';
  /** Where the words in it do not say enough by themselves. */
  readonly label?: string;
  readonly pressed?: boolean;
  readonly expanded?: boolean;
  readonly children: JSX.Element;
}

/** @public */
export function Button(props: ButtonProps): JSX.Element {
  return (
    <button
      class={`button button-${props.kind ?? 'plain'}`}
      type={props.type ?? 'button'}
      disabled={props.disabled === true}
      aria-busy={props.busy === true ? 'true' : undefined}
      aria-disabled={props.busy === true ? 'true' : undefined}
      aria-label={props.label}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      onClick={(event) => {
        if (props.busy === true) event.preventDefault();
        else props.onClick?.(event);
      }}
    >
      <Show when={props.busy === true}>
        <span class="button-busy" aria-hidden="true" />
      </Show>
      {props.children}
    </button>
  );
}
