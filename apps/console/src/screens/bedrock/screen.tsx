// Bedrock: texts that operators sign and every agent has in its context, at the start, after it was compacted, and from its next turn on after a change.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { addBedrock, removeBedrock, replaceBedrock } from '@holdfast/protocol/journal/compose';
import { liveAgents, type Bedrock, type BedrockText, type FleetState } from '@holdfast/protocol/journal/state';
import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { ActText } from '../../design/act-text.tsx';
import { Ago } from '../../design/ago.tsx';
import { Button } from '../../design/button.tsx';
import { Empty } from '../../design/empty.tsx';
import { TextField } from '../../design/field.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { Page } from '../../design/page.tsx';
import { useAct } from '../../fleet/use-act.ts';
import { roomFor, seenText, type SeenBy } from './texts.ts';
import './bedrock.css';

/** @public */
export default function BedrockScreen(): JSX.Element {
  const { fleet, nowMs } = useConsole();
  const [isWriting, setWriting] = createSignal(false);
  const state = (): FleetState | undefined => fleet()?.state();
  const seen = createMemo((): readonly SeenBy[] => {
    const [now, open] = [state(), fleet()];
    if (now === undefined || open === undefined) return [];
    return liveAgents(now).map(({ id, scope }) => {
      const presence = open.presences().of(id, nowMs())?.presence;
      const sessions = presence?.sessions ?? [];
      const told = sessions.filter(({ bedrock }) => bedrock !== undefined && bedrock >= now.bedrock.version).length;
      return { agent: toHex(id), scope, machine: presence?.bedrock, told, sessions: sessions.length };
    });
  });

  return (
    <Page
      title="Bedrock"
      actions={
        <Button kind="primary" disabled={state() === undefined || isWriting()} onClick={() => setWriting(true)}>
          Write a text
        </Button>
      }
    >
      <p class="quiet">
        What every agent of the fleet knows, whatever else it is told: at the start of a session, after its context was compacted,
        and from its next turn on when you change it.
      </p>
      <Show when={state()} fallback={<p class="quiet">Reading the fleet…</p>}>
        {(now) => (
          <>
            <Show when={isWriting()}>
              <Write bedrock={now().bedrock} done={() => setWriting(false)} />
            </Show>
            <Show
              when={now().bedrock.texts.size > 0}
              fallback={
                <Show when={!isWriting()}>
                  <Empty title="Agents are told nothing.">
                    <p>Write what each of them should know: how you commit, what to leave alone, whom to ask.</p>
                  </Empty>
                </Show>
              }
            >
              <ul class="bedrock-texts" aria-label="Texts">
                <For each={[...now().bedrock.texts.values()]}>{(text) => <Text text={text} bedrock={now().bedrock} />}</For>
              </ul>
            </Show>
            <Budget used={roomFor(now().bedrock, '').used} most={roomFor(now().bedrock, '').most} />
            <Show when={now().bedrock.version > 0}>
              <section class="page-part" aria-labelledby="seen">
                <h2 id="seen">Who has version {now().bedrock.version}</h2>
                <Show when={seen().length > 0} fallback={<p class="quiet">There is no agent yet.</p>}>
                  <ul class="bedrock-seen">
                    <For each={seen()}>{(each) => <li>{seenText(each, now().bedrock.version)}</li>}</For>
                  </ul>
                </Show>
              </section>
            </Show>
          </>
        )}
      </Show>
    </Page>
  );
}

function Budget(props: { readonly used: number; readonly most: number }): JSX.Element {
  const text = (): string => `${props.used.toLocaleString('en')} of ${props.most.toLocaleString('en')} characters`;
  return (
    <div class="bedrock-budget">
      <meter min={0} max={props.most} value={Math.min(props.used, props.most)} aria-label="Characters of all texts together">
        {text()}
      </meter>
      <span class="quiet number">{text()}</span>
    </div>
  );
}

interface WriteProps {
  readonly bedrock: Bedrock;
  readonly before?: BedrockText;
  readonly done: () => void;
}

function Write(props: WriteProps): JSX.Element {
  const act = useAct();
  const [typed, setTyped] = createSignal(props.before?.text ?? '');
  const room = createMemo(() => roomFor(props.bedrock, typed(), props.before && toHex(props.before.id)));
  const isSame = (): boolean => typed().trim() === (props.before?.text ?? '');
  const sign = async (): Promise<void> => {
    const text = typed().trim();
    if (text === '' || isSame() || room().fault !== undefined) return;
    const { before } = props;
    const what =
      before === undefined ? `Tell every agent: ${text}` : `Tell every agent, in place of what it was told before: ${text}`;
    const isDone = await act.run(what, (session) =>
      session.write<Awaited<ReturnType<typeof addBedrock>>>((operator) =>
        before === undefined ? addBedrock(operator, text) : replaceBedrock(operator, { before: before.id, text }),
      ),
    );
    if (isDone) props.done();
  };
  return (
    <form
      class="bedrock-form"
      onSubmit={(event) => {
        event.preventDefault();
        void sign();
      }}
    >
      <TextField
        label={props.before === undefined ? 'What every agent should know' : 'What every agent should know instead'}
        value={typed()}
        onInput={setTyped}
        error={room().fault}
        lines={6}
        spellcheck
      />
      <Budget used={room().used} most={room().most} />
      <Show when={act.error()}>{(error) => <ErrorNotice error={error()} />}</Show>
      <div class="bedrock-acts">
        <Button onClick={props.done}>Cancel</Button>
        <Button
          kind="primary"
          type="submit"
          busy={act.isBusy()}
          disabled={typed().trim() === '' || isSame() || room().fault !== undefined}
        >
          Tell them
        </Button>
      </div>
    </form>
  );
}

function Text(props: { readonly text: BedrockText; readonly bedrock: Bedrock }): JSX.Element {
  const act = useAct();
  const [isOpen, setOpen] = createSignal(false);
  const remove = (): void => {
    const { id, text } = props.text;
    void act.run(`No agent is told any more: ${text}`, (session) => session.write((operator) => removeBedrock(operator, id)));
  };
  const beginning = (): string => props.text.text.slice(0, 40);
  return (
    <li class="bedrock-text">
      <Show when={!isOpen()} fallback={<Write bedrock={props.bedrock} before={props.text} done={() => setOpen(false)} />}>
        <ActText text={props.text.text} />
        <div class="bedrock-acts">
          <span class="quiet">
            told <Ago atMs={props.text.addedAtMs} />
          </span>
          <Button label={`Edit: ${beginning()}`} onClick={() => setOpen(true)}>
            Edit
          </Button>
          <Button kind="stop" label={`Remove: ${beginning()}`} busy={act.isBusy()} onClick={remove}>
            Remove
          </Button>
        </div>
      </Show>
      <Show when={act.error()}>{(error) => <ErrorNotice error={error()} />}</Show>
    </li>
  );
}
