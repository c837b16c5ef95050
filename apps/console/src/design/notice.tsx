// What must be read: something was stopped, something is not as it should be, something to know. It stays until its reason is gone.

import type { HoldfastError } from '@holdfast/protocol/errors';
import { children, Show, type JSX } from 'solid-js';
import { Icon, type IconName } from './icon.tsx';
import './notice.css';

interface NoticeProps {
  readonly kind: 'stop' | 'warn' | 'info';
  readonly title: string;
  readonly children?: JSX.Element;
}

const icons = { stop: 'circle-alert', warn: 'triangle-alert', info: 'info' } as const satisfies Record<
  NoticeProps['kind'],
  IconName
>;

/** @public */
export function Notice(props: NoticeProps): JSX.Element {
  const body = children(() => props.children);
  return (
    <div class={`notice notice-${props.kind}`} role={props.kind === 'stop' ? 'alert' : 'status'}>
      <span class="notice-icon">
        <Icon name={icons[props.kind]} />
      </span>
      <p class="notice-title">{props.title}</p>
      <Show when={body.toArray().length > 0}>
        <div class="notice-body">{body()}</div>
      </Show>
    </div>
  );
}

/** @public What happened, what to do next, and its code. */
export function ErrorNotice(props: { readonly error: HoldfastError; readonly children?: JSX.Element }): JSX.Element {
  return (
    <Notice kind="stop" title={sentence(props.error.message)}>
      <Show when={props.error.next}>{(next) => <p>{sentence(next())}</p>}</Show>
      <p class="notice-code mono">{props.error.code}</p>
      {props.children}
    </Notice>
  );
}

/** Messages begin small, as terminals want them. */
function sentence(text: string): string {
  const whole = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.?:]$/.test(whole) ? whole : `${whole}.`;
}
