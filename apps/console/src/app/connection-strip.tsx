// Whether what is shown is how it is now. Silent while it is.

import { instant } from '@holdfast/protocol/codec/shown';
import { Match, Show, Switch, type JSX } from 'solid-js';
import { Ago } from '../design/ago.tsx';
import { Button } from '../design/button.tsx';
import { Icon } from '../design/icon.tsx';
import { ErrorNotice } from '../design/notice.tsx';
import type { Fleet } from '../fleet/fleet.ts';
import type { Connection } from '../fleet/live-fleet.ts';
import './connection-strip.css';

export function ConnectionStrip(props: { readonly fleet: Fleet }): JSX.Element {
  const connection = (): Connection => props.fleet.connection();
  const lost = (): (Connection & { readonly kind: 'lost' }) | undefined => {
    const now = connection();
    return now.kind === 'lost' ? now : undefined;
  };
  const refused = (): (Connection & { readonly kind: 'refused' }) | undefined => {
    const now = connection();
    return now.kind === 'refused' ? now : undefined;
  };
  /** What was kept from another visit is older than the connection that was lost. */
  const asOfMs = ({ sinceMs }: { readonly sinceMs: number }): number => props.fleet.asOfMs() ?? sinceMs;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <div role="status">
      <Switch>
        <Match when={connection().kind === 'connecting' && props.fleet.state() === undefined}>
          <p class="connection">Connecting to the relay, and reading what was signed…</p>
        </Match>
        <Match when={connection().kind === 'connecting'}>
          <p class="connection connection-lost">
            <Icon name="wifi-off" />
            <span>Connecting again. This is the last known state.</span>
          </p>
        </Match>
        <Match when={lost()}>
          {(now) => (
            <div class="connection connection-lost">
              <Icon name="wifi-off" />
              <span>
                No connection to the relay.{' '}
                <Show when={props.fleet.state() !== undefined} fallback="Nothing was read yet.">
                  Last known state, as of {instant(asOfMs(now()), zone)}, <Ago atMs={asOfMs(now())} />.
                </Show>
              </span>
              <Button onClick={() => props.fleet.tryNow()}>Try now</Button>
            </div>
          )}
        </Match>
        <Match when={refused()}>
          {(now) => (
            <div class="connection-refused">
              <ErrorNotice error={now().error}>
                <p>Nothing is tried again by itself. What is shown is the last state that was verified.</p>
                <Show
                  when={now().error.code === 'relay_refused'}
                  fallback={
                    <p>
                      The relay, or whoever stands before it, can cause this and no more than this. Look from another network, or
                      with holdfast status.
                    </p>
                  }
                >
                  <p>If another device removed this one, its key opens nothing any more: lock, and choose Forget this key.</p>
                </Show>
                <Button onClick={() => props.fleet.tryNow()}>Try again</Button>
              </ErrorNotice>
            </div>
          )}
        </Match>
      </Switch>
    </div>
  );
}
