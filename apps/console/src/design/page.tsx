// A screen's frame: one heading, what can be done, its parts under each other. And a list whose things open beside it, or instead of it on a phone.

import { children, Show, type JSX } from 'solid-js';
import { Icon } from './icon.tsx';
import './page.css';

interface PageProps {
  readonly title: string;
  readonly actions?: JSX.Element;
  readonly children: JSX.Element;
}

/** @public The heading takes the focus after each way here: app/router.ts. Parts are `<section class="page-part">` with an h2. */
export function Page(props: PageProps): JSX.Element {
  const actions = children(() => props.actions);
  return (
    <div class="page">
      <div class="page-head">
        <h1 tabindex="-1">{props.title}</h1>
        <Show when={actions.toArray().length > 0}>
          <div class="page-acts">{actions()}</div>
        </Show>
      </div>
      {props.children}
    </div>
  );
}

interface ListDetailProps {
  readonly list: JSX.Element;
  /** Undefined while nothing is open. */
  readonly detail?: JSX.Element;
  /** Where the list stands alone: a phone goes back there. */
  readonly back?: { readonly href: string; readonly label: string };
}

/** @public */
export function ListDetail(props: ListDetailProps): JSX.Element {
  const detail = children(() => props.detail);
  const isOpen = (): boolean => detail.toArray().some((each) => each !== undefined && each !== null && each !== false);
  return (
    <div class="list-detail" classList={{ 'list-detail-open': isOpen() }}>
      <div class="list-detail-list">{props.list}</div>
      <Show when={isOpen()}>
        <div class="list-detail-detail">
          <Show when={props.back}>
            {(back) => (
              <a class="list-detail-back" href={back().href}>
                <Icon name="arrow-left" />
                {back().label}
              </a>
            )}
          </Show>
          {detail()}
        </div>
      </Show>
    </div>
  );
}
