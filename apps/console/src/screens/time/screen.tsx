// Permissioned time: for how long credentials could have been used in these 30 days, beside the key that would have lain there all the time. The figures are
// those of `holdfast time`, made of the same records.

import { duration } from '@holdfast/protocol/codec/shown';
import { createMemo, For, Show, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Empty } from '../../design/empty.tsx';
import { Fact, Facts } from '../../design/facts.tsx';
import { Notice } from '../../design/notice.tsx';
import { Page } from '../../design/page.tsx';
import { problemOf, useLogs } from '../../fleet/logs.ts';
import { CredentialStrip } from './credential-strip.tsx';
import { dayMs, ratioText, stripDays } from './strip.ts';
import { useTime } from './use-time.ts';
import './time.css';

/** @public */
export default function TimeScreen(): JSX.Element {
  const { fleet } = useConsole();
  const logs = useLogs();
  const { time, watchWidth } = useTime(
    logs,
    () => undefined,
    () => stripDays * dayMs,
  );
  const isRead = createMemo(() => logs.all().length > 0 && logs.all().every(({ stage }) => stage === 'read'));
  const events = createMemo(() => logs.all().reduce((sum, log) => sum + log.events.length, 0));
  const problems = createMemo(() => logs.all().flatMap((log) => problemOf(log) ?? []));
  const unverified = createMemo(() =>
    logs.all().reduce((sum, { events: all, pruned, verifiedTo }) => sum + Math.max(0, pruned + all.length - verifiedTo), 0),
  );

  return (
    <Page title="Permissioned time">
      <div ref={watchWidth} class="time-whole">
        <Show when={problems()[0]}>
          {(problem) => (
            <Notice kind="stop" title={problem().title}>
              <p>{problem().text}</p>
            </Notice>
          )}
        </Show>
        <Show
          when={time()}
          fallback={
            <Show
              when={fleet()?.state()?.agents.size === 0}
              fallback={<p class="quiet">{logs.all().length === 0 ? 'Reading what agents recorded…' : 'Counting…'}</p>}
            >
              <Empty title="There is no agent yet.">
                <a href="/pair">Pair one</a>
              </Empty>
            </Show>
          }
        >
          {(now) => (
            <>
              <Show
                when={now().credentials.length > 0}
                fallback={
                  <Empty
                    title={isRead() ? 'No credential was granted or used in these 30 days.' : 'Reading what agents recorded…'}
                  >
                    <Show when={isRead()}>
                      <a href="/vault">Grant one in the vault</a>
                    </Show>
                  </Empty>
                }
              >
                <p class="time-sentence">
                  In {stripDays} days credentials could have been used for {duration(now().whole.permissionedMs)} in all;{' '}
                  {ratioText(now().whole.standingRatio)}.
                </p>
                <Facts>
                  <Fact label="Calls">{now().whole.calls.toLocaleString('en')}</Fact>
                  <Fact label="Agents">{now().whole.agents}</Fact>
                  <Fact label="Longest at once">{duration(now().whole.peakMs)}</Fact>
                  <Fact label="In the clear">{duration(now().whole.credentialedMs)}</Fact>
                </Facts>
                <For each={now().credentials}>
                  {(credential) => (
                    <CredentialStrip credential={credential} span={now()} scopeOf={(agent) => logs.of(agent)?.scope} />
                  )}
                </For>
              </Show>
              <p class="quiet">
                {unverified() === 0
                  ? 'All of it is covered by checkpoints that agents signed.'
                  : `${unverified().toLocaleString('en')} of ${events().toLocaleString('en')} records are newer than the last checkpoint that was verified.`}
              </p>
            </>
          )}
        </Show>
      </div>
    </Page>
  );
}
