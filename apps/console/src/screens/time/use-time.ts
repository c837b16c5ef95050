// Permissioned time of some agents over a stretch that ends now, counted anew as logs grow, minutes pass or the room for its picture changes.

import { createEffect, createMemo, createSignal, on, onCleanup, onMount, type Accessor } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import type { Logs, TimeOf } from '../../fleet/logs.ts';
import type { Span } from './strip.ts';

/** Counting anew costs the other thread something. */
const againMs = 1000;
const leastWidth = 120;

export interface CountedTime extends TimeOf, Span {}

export interface UsedTime {
  /** Undefined until it was counted once. */
  readonly time: Accessor<CountedTime | undefined>;
  /** The picture is as wide as this element. */
  watchWidth(element: HTMLElement): void;
}

/** `agents`: ids in hex; undefined: all of them. `lengthMs`: of the stretch at that moment. */
export function useTime(logs: Logs, agents: () => readonly string[] | undefined, lengthMs: (nowMs: number) => number): UsedTime {
  const { nowMs } = useConsole();
  const [width, setWidth] = createSignal(600);
  const [time, setTime] = createSignal<CountedTime>();
  const shown = createMemo(() => {
    const wanted = agents();
    return wanted === undefined ? logs.all() : logs.all().filter(({ agent }) => wanted.includes(agent));
  });
  const events = createMemo(() => shown().reduce((sum, log) => sum + log.events.length, 0));
  const minute = createMemo(() => Math.floor(nowMs() / 60_000));
  createEffect(
    on([events, minute, width], () => {
      if (shown().length === 0) return;
      const count = async (): Promise<void> => {
        const toMs = Date.now();
        const stretch = { fromMs: toMs - lengthMs(toMs), toMs, columns: width() };
        const counted = await logs.timeOf(
          shown().map(({ agent }) => agent),
          stretch,
        );
        if (counted !== undefined) setTime({ ...counted, fromMs: stretch.fromMs, toMs, width: stretch.columns });
      };
      const timer = setTimeout(() => void count(), time() === undefined ? 0 : againMs);
      onCleanup(() => clearTimeout(timer));
    }),
  );
  return {
    time,
    watchWidth(element) {
      const measure = (): void => void setWidth(Math.max(leastWidth, Math.floor(element.clientWidth)));
      const sizes = new ResizeObserver(measure);
      onMount(measure);
      sizes.observe(element);
      onCleanup(() => sizes.disconnect());
    },
  };
}
