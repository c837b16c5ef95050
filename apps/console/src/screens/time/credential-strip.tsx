// One credential's 30 days: the bar is a key that would have lain there, the lines are when it could have been used. A line leads to its call.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { duration, instant } from '@holdfast/protocol/codec/shown';
import type { CredentialTicks, Tick } from '@holdfast/protocol/audit/ticks';
import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { ownZone } from '../../fleet/own-zone.ts';
import { nearestTick, pixelOf, ratioText, standingWidth, stripDays, ticksPath, tickText, type Span } from './strip.ts';

const height = 40;
/** A longer table is in the audit. */
const rowsShown = 200;

interface StripProps {
  readonly credential: CredentialTicks;
  readonly span: Span;
  readonly scopeOf: (agent: string) => string | undefined;
}

export function CredentialStrip(props: StripProps): JSX.Element {
  const [chosen, setChosen] = createSignal<number>();
  const [isTable, setTable] = createSignal(false);
  const ticks = (): readonly Tick[] => props.credential.ticks;
  const path = createMemo(() => ticksPath(ticks(), height, props.span));
  const standing = createMemo(() => standingWidth(props.credential, props.span));
  const tick = (): Tick | undefined => {
    const at = chosen();
    return at === undefined ? undefined : ticks()[at];
  };
  const name = (): string => props.credential.name ?? props.credential.item.slice(0, 8);
  const choose = (event: PointerEvent & { readonly currentTarget: SVGSVGElement }): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const pixel = ((event.clientX - box.left) / box.width) * props.span.width;
    setChosen(nearestTick(ticks(), pixel, props.span));
  };
  const step = (by: number): void => {
    const { length } = ticks();
    if (length > 0) setChosen((at) => Math.max(0, Math.min(length - 1, at === undefined ? length - 1 : at + by)));
  };
  const label = (): string =>
    `${name()}: ${props.credential.calls} calls in ${stripDays} days, ${duration(props.credential.permissionedMs)} in all; ${ratioText(props.credential.standingRatio)}. Arrow keys go from use to use.`;

  return (
    <section class="page-part" aria-label={name()}>
      <h2 class="mono">{name()}</h2>
      <svg
        class="time-strip"
        width={props.span.width}
        height={height}
        viewBox={`0 0 ${props.span.width} ${height}`}
        role="img"
        aria-label={label()}
        tabindex="0"
        onPointerMove={choose}
        onPointerDown={choose}
        onKeyDown={(event) => {
          if (event.key === 'ArrowLeft') step(-1);
          else if (event.key === 'ArrowRight') step(1);
          else return;
          event.preventDefault();
        }}
      >
        <rect class="time-standing" x={props.span.width - standing()} y={0} width={standing()} height={height} />
        <path class="time-ticks" d={path()} />
        <Show when={tick()}>
          {(now) => <path class="time-chosen" d={`M${pixelOf(now().atMs, props.span) + 0.5} 0V${height}`} />}
        </Show>
      </svg>
      <div class="time-scale quiet" aria-hidden="true">
        <span>{stripDays} days ago</span>
        <span>now</span>
      </div>
      <p>
        {duration(props.credential.permissionedMs)} in {props.credential.calls.toLocaleString('en')} calls of{' '}
        {props.credential.agents} {props.credential.agents === 1 ? 'agent' : 'agents'}, {duration(props.credential.peakMs)} at
        once at most; {ratioText(props.credential.standingRatio)}.
      </p>
      <p class="time-tick" aria-live="polite">
        <Show
          when={tick()}
          fallback={<span class="quiet">{ticks().length === 0 ? '' : 'A line is one use, or as many as fall together.'}</span>}
        >
          {(now) => <TickLink tick={now()} scopeOf={props.scopeOf} />}
        </Show>
      </p>
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

function TickLink(props: { readonly tick: Tick; readonly scopeOf: StripProps['scopeOf'] }): JSX.Element {
  const agent = (): string => toHex(props.tick.first.agent);
  return (
    <>
      <a class="number" href={`/audit/${agent()}/${props.tick.first.sequence}`}>
        {instant(props.tick.atMs, ownZone)}
      </a>{' '}
      {props.scopeOf(agent()) ?? agent().slice(0, 8)}, {tickText(props.tick)}
    </>
  );
}
