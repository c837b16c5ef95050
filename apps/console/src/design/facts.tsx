// What is known of one thing, label by label.

import type { JSX } from 'solid-js';
import './facts.css';

/** @public */
export function Facts(props: { readonly children: JSX.Element }): JSX.Element {
  return (
    <div class="facts-box">
      <dl class="facts">{props.children}</dl>
    </div>
  );
}

/** @public */
export function Fact(props: { readonly label: string; readonly children: JSX.Element }): JSX.Element {
  return (
    <div class="fact">
      <dt class="fact-label">{props.label}</dt>
      <dd class="fact-value">{props.children}</dd>
    </div>
  );
}
