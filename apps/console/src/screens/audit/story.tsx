// One act's whole story, from what began it to how it ended, and what its records rest on.

import { toldStory, type Stage } from '@holdfast/protocol/audit/story';
import type { AuditEvent } from '@holdfast/protocol/audit/event';
import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { ActText } from '../../design/act-text.tsx';
import { Ago } from '../../design/ago.tsx';
import { Button } from '../../design/button.tsx';
import { Empty } from '../../design/empty.tsx';
import { Fact, Facts } from '../../design/facts.tsx';
import { Mark } from '../../design/mark.tsx';
import { Notice } from '../../design/notice.tsx';
import { momentInWords } from '../../design/time-words.ts';
import { problemOf, type AgentLog } from '../../fleet/logs.ts';
import { SaveEvents } from './export.tsx';

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

interface StoryProps {
  readonly log: AgentLog;
  readonly sequence: number;
  readonly turn: () => Promise<void>;
  /** Verifies the log anew. */
  readonly verify: () => void;
}

export function StoryView(props: StoryProps): JSX.Element {
  const story = createMemo(() => toldStory(props.log.events, props.sequence));
  const isCovered = (): boolean => props.sequence < props.log.verifiedTo;
  /** Of the verdict that stood when the button was pressed; -1: there was none. */
  const [asked, setAsked] = createSignal<number>();
  const isVerifying = (): boolean => asked() !== undefined && asked() === (props.log.verifiedAtMs ?? -1) && !props.log.problem;
  const events = (): readonly AuditEvent[] => {
    const wanted = new Set(story()?.chapters.flatMap((chapter) => chapter.events.map(({ sequence }) => sequence)));
    return props.log.events.filter(({ sequence }) => wanted.has(sequence));
  };
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
              <Fact label="Witnesses">
                <Show
                  when={props.log.cosigned.length > 0}
                  fallback="no operator device has cosigned this log: holdfast audit witness makes one that does"
                >
                  <ul class="audit-cosigned">
                    <For each={props.log.cosigned}>
                      {({ device, size, atMs }) => (
                        <li>
                          {device} read and cosigned {size.toLocaleString('en')} records{' '}
                          <span title={momentInWords(atMs)}>
                            <Ago atMs={atMs} />
                          </span>
                          {props.sequence < size ? ', this one among them' : '; this one came later'}
                        </li>
                      )}
                    </For>
                  </ul>
                </Show>
              </Fact>
              <Fact label="Verified here">
                <Show when={props.log.verifiedAtMs} fallback="not yet">
                  {(atMs) => (
                    <span role="status" title={momentInWords(atMs())}>
                      <Ago atMs={atMs()} />: {props.log.verdict?.events.toLocaleString('en')} records hashed, held against{' '}
                      {props.log.verdict?.checkpoints.toLocaleString('en')} signed checkpoints
                      {props.log.cosigned.length > 0 ? ' and what witnesses saw' : ''}
                    </span>
                  )}
                </Show>
              </Fact>
              <Fact label="By anybody else">the whole log as a file, and holdfast-verify</Fact>
            </Facts>
            <div class="audit-export-acts">
              <Button
                busy={isVerifying()}
                onClick={() => {
                  setAsked(props.log.verifiedAtMs ?? -1);
                  props.verify();
                }}
              >
                Verify the whole log again
              </Button>
              <SaveEvents
                events={events()}
                name={`holdfast-${props.log.scope}-${props.sequence}`}
                what="this story"
                turn={props.turn}
              />
            </div>
            <Show when={problemOf(props.log)}>
              {(problem) => (
                <Notice kind="stop" title={problem().title}>
                  <p>{problem().text}</p>
                </Notice>
              )}
            </Show>
          </section>
        </article>
      )}
    </Show>
  );
}
