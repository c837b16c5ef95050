// All credentials of some agents in one strip, beside one standing key: on Now for today, and for each agent. Loaded when it is shown, as it reads logs.

import type { Tick } from '@holdfast/protocol/audit/ticks';
import { duration } from '@holdfast/protocol/codec/shown';
import { createMemo, Show, type JSX } from 'solid-js';
import { problemOf, useLogs } from '../../fleet/logs.ts';
import { ActsByHour } from './acts-by-hour.tsx';
import { beginOfDay, dayMs, mergedTicks, ratioText, standingWidth, stripDays } from './strip.ts';
import { TickStrip } from './tick-strip.tsx';
import { useTime } from './use-time.ts';

interface UsesProps {
  /** In hex; undefined: all agents. */
  readonly agent?: string;
  readonly stretch: 'today' | 'thirty days';
}

/** @public Loaded by the screens that show it. */
export default function UsesStrip(props: UsesProps): JSX.Element {
  const logs = useLogs();
  const isToday = (): boolean => props.stretch === 'today';
  const { time, watchWidth } = useTime(
    logs,
    () => (props.agent === undefined ? undefined : [props.agent]),
    (nowMs) => (isToday() ? Math.max(60_000, nowMs - beginOfDay(nowMs)) : stripDays * dayMs),
  );
  const ticks = createMemo((): readonly Tick[] => mergedTicks(time()?.credentials ?? []));
  const when = (): string => (isToday() ? 'Today' : `In ${stripDays} days`);
  const problem = createMemo(() =>
    logs
      .all()
      .filter(({ agent }) => props.agent === undefined || agent === props.agent)
      .map(problemOf)
      .find((each) => each !== undefined),
  );
  return (
    <div ref={watchWidth} class="time-whole">
      <Show when={time()} fallback={<p class="quiet">Reading what was recorded…</p>}>
        {(now) => {
          /** One key in the place of all of them: there as long as the one of them that was granted for longest. */
          const standingMs = (): number => Math.max(0, ...now().credentials.map((each) => each.standingMs));
          const ratio = (): number | null =>
            now().whole.calls === 0 ? null : standingMs() / Math.max(1, now().whole.permissionedMs);
          const sentence = (): string =>
            now().whole.calls === 0
              ? `${when()} no credential was used.`
              : `${when()} credentials could have been used for ${duration(now().whole.permissionedMs)} in all; ${ratioText(ratio())}.`;
          return (
            <div class="time-uses">
              <TickStrip
                ticks={ticks()}
                standing={standingWidth({ standingMs: standingMs() }, now())}
                span={now()}
                label={`Permissioned time beside one standing key. ${sentence()}`}
                since={isToday() ? 'midnight' : `${stripDays} days ago`}
                scopeOf={(agent) => logs.of(agent)?.scope}
              >
                <p>
                  {sentence()}{' '}
                  <a href={props.agent === undefined ? '/time' : `/audit?kind=consumed&agent=${props.agent}`}>
                    {now().whole.calls.toLocaleString('en')} {now().whole.calls === 1 ? 'call' : 'calls'}
                  </a>
                </p>
              </TickStrip>
              <Show when={problem()}>{(wrong) => <p class="field-error">{`${wrong().title}: this is no proof.`}</p>}</Show>
            </div>
          );
        }}
      </Show>
      <Show when={props.agent}>{(agent) => <ActsByHour agent={agent()} events={logs.of(agent())?.events ?? []} />}</Show>
    </div>
  );
}
