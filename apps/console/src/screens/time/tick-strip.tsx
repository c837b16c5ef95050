// A stretch of time as a picture: the bar is a key that would have lain there, the lines are when a credential could have been used, one pixel wide because
// nothing thinner can be drawn. A finger or the arrow keys choose a line; it leads to its call.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { instant } from '@holdfast/protocol/codec/shown';
import type { Tick } from '@holdfast/protocol/audit/ticks';
import { createMemo, createSignal, Show, type JSX } from 'solid-js';
import { ownZone } from '../../fleet/own-zone.ts';
import { nearestTick, pixelOf, ticksPath, tickText, type Span } from './strip.ts';
import './time.css';

const height = 40;

interface TickStripProps {
  /** Ascending. */
  readonly ticks: readonly Tick[];
  /** How many pixels of the strip the key would have been there, from its end. */
  readonly standing: number;
  readonly span: Span;
  readonly label: string;
  /** What the left end is. */
  readonly since: string;
  readonly scopeOf: (agent: string) => string | undefined;
  /** Between the picture and the line that was chosen. */
  readonly children?: JSX.Element;
}

export function TickStrip(props: TickStripProps): JSX.Element {
  const [chosen, setChosen] = createSignal<number>();
  const path = createMemo(() => ticksPath(props.ticks, height, props.span));
  const tick = (): Tick | undefined => {
    const at = chosen();
    return at === undefined ? undefined : props.ticks[at];
  };
  const choose = (event: PointerEvent & { readonly currentTarget: SVGSVGElement }): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const pixel = ((event.clientX - box.left) / box.width) * props.span.width;
    setChosen(nearestTick(props.ticks, pixel, props.span));
  };
  const step = (by: number): void => {
    const { length } = props.ticks;
    if (length > 0) setChosen((at) => Math.max(0, Math.min(length - 1, at === undefined ? length - 1 : at + by)));
  };
  return (
    <>
      <svg
        class="time-strip"
        width={props.span.width}
        height={height}
        viewBox={`0 0 ${props.span.width} ${height}`}
        role="img"
        aria-label={`${props.label} Arrow keys go from use to use.`}
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
        <rect class="time-standing" x={props.span.width - props.standing} y={0} width={props.standing} height={height} />
        <path class="time-ticks" d={path()} />
        <Show when={tick()}>
          {(now) => <path class="time-chosen" d={`M${pixelOf(now().atMs, props.span) + 0.5} 0V${height}`} />}
        </Show>
      </svg>
      <div class="time-scale quiet" aria-hidden="true">
        <span>{props.since}</span>
        <span>now</span>
      </div>
      {props.children}
      <p class="time-tick" aria-live="polite">
        <Show
          when={tick()}
          fallback={
            <span class="quiet">{props.ticks.length === 0 ? '' : 'A line is one use, or as many as fall together.'}</span>
          }
        >
          {(now) => <TickLink tick={now()} scopeOf={props.scopeOf} />}
        </Show>
      </p>
    </>
  );
}

export function TickLink(props: { readonly tick: Tick; readonly scopeOf: TickStripProps['scopeOf'] }): JSX.Element {
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
