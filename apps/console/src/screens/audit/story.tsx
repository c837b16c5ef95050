// One act's whole story, from what began it to how it ended, and what its records rest on.

import { toldStory, type Stage } from '@holdfast/protocol/audit/story';
import { createMemo, For, Show, type JSX } from 'solid-js';
import { ActText } from '../../design/act-text.tsx';
import { Ago } from '../../design/ago.tsx';
import { Empty } from '../../design/empty.tsx';
import { Fact, Facts } from '../../design/facts.tsx';
import { Mark } from '../../design/mark.tsx';
import { Notice } from '../../design/notice.tsx';
import { momentInWords } from '../../design/time-words.ts';
import type { AgentLog } from '../../fleet/logs.ts';

const stageWords: Readonly<Record<Stage, string>> = {
  prompt: 'What began it',
  session: 'Who it was',
  act: 'What it was to do',
  decision: 'What was decided',
  ask: 'Who was asked',
  handle: 'What it was allowed to use',
  call: 'What went out',
  end: 'How it ended',
};

export function StoryView(props: { readonly log: AgentLog; readonly sequence: number }): JSX.Element {
  const story = createMemo(() => toldStory(props.log.events, props.sequence));
  const isCovered = (): boolean => props.sequence < props.log.verifiedTo;
  return (
    <Show
      when={story()}
      fallback={
        <Empty title={props.log.stage === 'read' ? 'There is no such record here.' : 'Reading what this agent recorded…'}>
          {props.log.pruned > 0 ? `The first ${props.log.pruned} records were let go: hashes alone are left of them.` : ''}
        </Empty>
      }
    >
      {(told) => (
        <article class="story" aria-label={`Record ${props.sequence} of ${props.log.scope}`}>
          <h2>
            {props.log.scope}, record {props.sequence}
          </h2>
          <For each={told().chapters}>
            {({ stage, events }) => (
              <section class="story-chapter">
                <h3>{stageWords[stage]}</h3>
                <ol class="story-events">
                  <For each={events}>
                    {(event) => (
                      <li classList={{ 'story-asked': event.sequence === props.sequence }}>
                        <div class="story-head">
                          <a href={`/audit/${props.log.agent}/${event.sequence}`}>{event.sequence}</a>
                          <span title={momentInWords(event.atMs)}>
                            <Ago atMs={event.atMs} />
                          </span>
                          <strong>{event.kind}</strong>
                          <Mark kind={event.seen} />
                        </div>
                        <ActText text={event.what} />
                      </li>
                    )}
                  </For>
                </ol>
              </section>
            )}
          </For>
          <Show when={told().verdicts.length > 0}>
            <section class="story-chapter">
              <h3>By which rules</h3>
              <For each={told().verdicts}>
                {({ decision, rules, version }) => (
                  <p>
                    {decision}
                    {rules.length > 0 ? ` by ${rules.join(', ')}` : ', and no rule objected'};{' '}
                    {version === undefined ? 'no set was in force, only reading was allowed' : `version ${version} of the rules`}
                  </p>
                )}
              </For>
            </section>
          </Show>
          <section class="story-chapter">
            <h3>What it rests on</h3>
            <Facts>
              <Fact label="Position">
                record {props.sequence} of the log of {props.log.scope}
              </Fact>
              <Fact label="Checkpoint">
                <Show when={props.log.checkpoint} fallback="none was verified here yet">
                  {(checkpoint) =>
                    isCovered()
                      ? `covered by one of ${checkpoint().size} records, which the agent signed and this browser verified`
                      : `newer than the last one that was verified, of ${checkpoint().size} records: it rests on the machine's word until the next`
                  }
                </Show>
              </Fact>
              <Fact label="By anybody else">holdfast audit export, and one file: holdfast-verify</Fact>
            </Facts>
            <Show when={props.log.problem}>
              {(problem) => (
                <Notice kind="stop" title={`The log of ${props.log.scope} does not hold`}>
                  <p>{problem().message}. What is shown of it is no proof of anything.</p>
                </Notice>
              )}
            </Show>
          </section>
        </article>
      )}
    </Show>
  );
}
