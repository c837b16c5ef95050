// Rules: what agents may do, written once, held against what they did, signed, and in force at the very next act.

import { setRules } from '@holdfast/protocol/journal/compose';
import type { FleetState, SignedRules } from '@holdfast/protocol/journal/state';
import { createEffect, createMemo, createSignal, For, on, Show, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Ago } from '../../design/ago.tsx';
import { Button } from '../../design/button.tsx';
import { Check } from '../../design/field.tsx';
import { ErrorNotice, Notice } from '../../design/notice.tsx';
import { Page } from '../../design/page.tsx';
import { useLogs } from '../../fleet/logs.ts';
import { useAct } from '../../fleet/use-act.ts';
import { Changes } from './changes.tsx';
import { Editor } from './editor.tsx';
import { helpWords } from './help-words.ts';
import { Preview } from './preview.tsx';
import { packsIn, withPack } from './rule-source.ts';
import { useRulesWorker } from './use-rules-worker.ts';
import { Versions } from './versions.tsx';
import { changesText, concernsText, publishText } from './words.ts';
import './rules.css';

/** @public */
export default function RulesScreen(): JSX.Element {
  const { fleet } = useConsole();
  const act = useAct();
  const logs = useLogs();
  const [source, setSource] = createSignal<string>();
  /** As it was put into the editor: whoever typed on keeps what they typed. */
  const [begun, setBegun] = createSignal<string>();
  const state = (): FleetState | undefined => fleet()?.state();
  const reading = useRulesWorker(source, state, logs.all);
  const isReading = createMemo(() => logs.all().length === 0 || logs.all().some(({ stage }) => stage !== 'read'));
  const inForce = (): SignedRules | undefined => state()?.rules;
  const isTyped = (): boolean => source() !== begun();

  const putIn = async (signed: string | undefined): Promise<void> => {
    const text = await reading.sourceOf(signed);
    setBegun(text);
    setSource(text);
  };
  createEffect(
    on(
      () => (state() === undefined ? undefined : (inForce()?.version ?? 0)),
      (version) => {
        if (version !== undefined && !isTyped()) void putIn(inForce()?.text);
      },
    ),
  );

  const publish = async (): Promise<void> => {
    const set = reading.set();
    if (set === undefined || !canPublish()) return;
    const next = (inForce()?.version ?? 0) + 1;
    const typed = source();
    const isDone = await act.run(publishText(set, next), (session) => session.write((operator) => setRules(operator, set.text)));
    if (isDone) setBegun(typed);
  };
  const canPublish = (): boolean => {
    const set = reading.set();
    return set !== undefined && set.failed.length === 0 && !set.isInForce;
  };

  return (
    <Page
      title="Rules"
      actions={
        <Button kind="primary" disabled={!canPublish()} busy={act.isBusy()} onClick={() => void publish()}>
          Publish
        </Button>
      }
    >
      <p class="quiet">
        <Show when={inForce()} fallback="There are no rules yet: agents may only read.">
          {(signed) => (
            <>
              Version {signed().version} is in force since <Ago atMs={signed().setAtMs} />.
            </>
          )}
        </Show>
      </p>
      <Show when={act.error()}>{(error) => <ErrorNotice error={error()} />}</Show>
      <section class="page-part" aria-labelledby="packs">
        <h2 id="packs">Packs</h2>
        <div class="rules-packs">
          <For each={reading.packs()}>
            {(pack) => (
              <Check
                label={pack.name}
                hint={
                  <details>
                    <summary>{pack.rules.length} rules</summary>
                    <ul class="rules-pack">
                      <For each={pack.rules}>
                        {(rule) => (
                          <li>
                            <span class="mono">{rule.id}</span> {rule.effect}: {rule.reason}
                          </li>
                        )}
                      </For>
                    </ul>
                  </details>
                }
                checked={packsIn(source() ?? '').includes(pack.name)}
                onChange={(isOn) => setSource((before) => withPack(before ?? '', pack.name, isOn))}
              />
            )}
          </For>
        </div>
      </section>
      <section class="page-part" aria-labelledby="own">
        <h2 id="own">Source</h2>
        <Show when={source() !== undefined} fallback={<p class="quiet">Reading the fleet…</p>}>
          <Editor value={source() ?? ''} onInput={setSource} fault={reading.fault()} />
        </Show>
        <Help />
      </section>
      <Show when={reading.set()}>
        {(set) => (
          <section class="page-part" aria-labelledby="changes" aria-live="polite">
            <h2 id="changes">What this changes</h2>
            <Show when={set().failed.length > 0}>
              <Notice kind="stop" title={`${set().failed.length} of ${set().examples} examples do not hold.`}>
                <ul>
                  <For each={set().failed}>{(text) => <li>{text}</li>}</For>
                </ul>
              </Notice>
            </Show>
            <Show when={set().failed.length === 0 && set().examples > 0}>
              <p class="quiet">All {set().examples} examples hold.</p>
            </Show>
            <Show
              when={set().changes.length > 0}
              fallback={
                <p class="quiet">
                  {set().isInForce ? 'It is what is in force.' : 'It decides as what is in force does; its examples are others.'}
                </p>
              }
            >
              <p>
                {set().isFirst ? 'These are the first.' : `It ${changesText(set().changes)}.`} {concernsText(set().concerned)}.
              </p>
              <Changes changes={set().changes} />
            </Show>
          </section>
        )}
      </Show>
      <Preview history={reading.history()} isReading={isReading()} logs={logs.all().length} />
      <Show when={inForce()}>
        {(signed) => (
          <Versions
            versions={[signed(), ...(state()?.earlierRules ?? [])]}
            compare={reading.compare}
            edit={({ text }) => void putIn(text)}
          />
        )}
      </Show>
    </Page>
  );
}

function Help(): JSX.Element {
  return (
    <details class="rules-help">
      <summary>The words of a rule</summary>
      <For each={helpWords}>
        {(group) => (
          <>
            <h3>{group.title}</h3>
            <dl>
              <For each={Object.entries(group.words)}>
                {([word, means]) => (
                  <div>
                    <dt class="mono">{word}</dt>
                    <dd>{means}</dd>
                  </div>
                )}
              </For>
            </dl>
          </>
        )}
      </For>
    </details>
  );
}
