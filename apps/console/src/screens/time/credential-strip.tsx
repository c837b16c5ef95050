// One credential's 30 days, as a picture and as a table.

import { duration } from '@holdfast/protocol/codec/shown';
import type { CredentialTicks, Tick } from '@holdfast/protocol/audit/ticks';
import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { ratioText, standingWidth, stripDays, type Span } from './strip.ts';
import { TickLink, TickStrip } from './tick-strip.tsx';

/** A longer table is in the audit. */
const rowsShown = 200;

interface StripProps {
  readonly credential: CredentialTicks;
  readonly span: Span;
  readonly scopeOf: (agent: string) => string | undefined;
}

export function CredentialStrip(props: StripProps): JSX.Element {
  const [isTable, setTable] = createSignal(false);
  const ticks = (): readonly Tick[] => props.credential.ticks;
  const standing = createMemo(() => standingWidth(props.credential, props.span));
  const name = (): string => props.credential.name ?? props.credential.item.slice(0, 8);
  const label = (): string =>
    `${name()}: ${props.credential.calls} calls in ${stripDays} days, ${duration(props.credential.permissionedMs)} in all; ${ratioText(props.credential.standingRatio)}.`;

  return (
    <section class="page-part" aria-label={name()}>
      <h2 class="mono">{name()}</h2>
      <TickStrip
        ticks={ticks()}
        standing={standing()}
        span={props.span}
        label={label()}
        since={`${stripDays} days ago`}
        scopeOf={props.scopeOf}
      >
        <p>
          {duration(props.credential.permissionedMs)} in {props.credential.calls.toLocaleString('en')} calls of{' '}
          {props.credential.agents} {props.credential.agents === 1 ? 'agent' : 'agents'}, {duration(props.credential.peakMs)} at
          once at most; {ratioText(props.credential.standingRatio)}.
        </p>
      </TickStrip>
      <Show when={ticks().length > 0}>
        <details class="time-table" onToggle={(event) => setTable(event.currentTarget.open)}>
          <summary>As a table</summary>
          <Show when={isTable()}>
            <ol reversed>
              <For each={ticks().slice(-rowsShown).toReversed()}>
                {(each) => (
                  <li>
                    <TickLink tick={each} scopeOf={props.scopeOf} />
                  </li>
                )}
              </For>
            </ol>
            <Show when={ticks().length > rowsShown}>
              <p class="quiet">
                {(ticks().length - rowsShown).toLocaleString('en')} before these: <a href="/audit">see the audit</a>.
              </p>
            </Show>
          </Show>
        </details>
      </Show>
    </section>
  );
}
