// Everything that waits for an operator, and what became of what was asked since this console was opened.

import { visible } from '@holdfast/protocol/codec/shown';
import { For, Show, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Ago } from '../../design/ago.tsx';
import { Empty } from '../../design/empty.tsx';
import { Notice } from '../../design/notice.tsx';
import { Page } from '../../design/page.tsx';
import { AskCards } from './cards.tsx';
import { endingWords, refusedWords, titleOf } from './words.ts';

/** @public By its route: app/screens.ts. */
export default function Approvals(): JSX.Element {
  const { fleet } = useConsole();
  return (
    <Page title="Approvals">
      <Show when={fleet()}>
        {(open) => (
          <>
            <Show when={open().refusedSignals() > 0}>
              <Notice kind="warn" title={refusedWords(open().refusedSignals())} />
            </Show>
            <AskCards fleet={open()} openAtOnce={5}>
              <Empty title="Nothing waits for you">
                When a rule says that an act needs you, it waits here until you answer, two minutes at the most unless its grant
                says otherwise. What nobody answers is denied.
              </Empty>
            </AskCards>
            <Show when={open().closedAsks().length > 0}>
              <section class="asks-ended">
                <h2>Since you opened this</h2>
                <ul>
                  <For each={open().closedAsks()}>
                    {(closed) => (
                      <li>
                        <span>
                          {closed.open === undefined
                            ? 'An ask that was not shown here. '
                            : `${closed.open.agent.scope} on ${visible(closed.open.agent.machine)} ${titleOf(closed.open.ask.act)}. `}
                        </span>
                        <span>{endingWords(closed, undefined)}</span> <Ago atMs={closed.atMs} />
                      </li>
                    )}
                  </For>
                </ul>
              </section>
            </Show>
          </>
        )}
      </Show>
    </Page>
  );
}
