// Where there is nothing: what that means, and what would make it otherwise.

import type { JSX } from 'solid-js';
import './empty.css';

/** @public */
export function Empty(props: { readonly title: string; readonly children?: JSX.Element }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      {props.children}
    </div>
  );
}
