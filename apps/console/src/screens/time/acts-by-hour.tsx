// How much an agent did in the last day, as a line of small bars, one an hour. They lead to the acts.

import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { createMemo, For, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { actsByHour } from './strip.ts';

const [height, step, bar] = [24, 8, 6] as const;

export function ActsByHour(props: { readonly agent: string; readonly events: readonly AuditEvent[] }): JSX.Element {
  const { nowMs } = useConsole();
  const minute = createMemo(() => Math.floor(nowMs() / 60_000));
  const hours = createMemo(() => actsByHour(props.events, (minute() + 1) * 60_000));
  const most = (): number => Math.max(1, ...hours());
  const sum = (): number => hours().reduce((all, each) => all + each, 0);
  return (
    <p class="time-acts">
      <svg
        width={hours().length * step}
        height={height}
        viewBox={`0 0 ${hours().length * step} ${height}`}
        role="img"
        aria-label={`Acts by hour in the last day: ${sum()} in all, ${Math.max(...hours())} in the hour with most.`}
      >
        <For each={hours()}>
          {(count, at) => {
            const tall = (): number => (count === 0 ? 1 : Math.max(2, Math.round((count / most()) * height)));
            return (
              <rect
                class={count === 0 ? 'time-none' : 'time-bar'}
                x={at() * step}
                y={height - tall()}
                width={bar}
                height={tall()}
              />
            );
          }}
        </For>
      </svg>{' '}
      <a href={`/audit?kind=tool&agent=${props.agent}&since=24h`}>
        {sum().toLocaleString('en')} {sum() === 1 ? 'act' : 'acts'} in a day
      </a>
    </p>
  );
}
