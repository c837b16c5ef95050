// What the rules in the editor would have done to what this fleet's agents did.

import { instant, visible } from '@holdfast/protocol/codec/shown';
import { Show, type JSX } from 'solid-js';
import { Empty } from '../../design/empty.tsx';
import { VirtualList } from '../../design/virtual-list.tsx';
import { ownZone } from '../../fleet/own-zone.ts';
import type { HeldHistory } from './rules-work.ts';
import { heldText, recordedText } from './words.ts';

const rowHeight = 64;

interface PreviewProps {
  readonly history: HeldHistory | undefined;
  readonly isReading: boolean;
  readonly logs: number;
}

export function Preview(props: PreviewProps): JSX.Element {
  return (
    <section class="page-part" aria-labelledby="held" aria-live="polite">
      <h2 id="held">Held against the last 30 days</h2>
      <Show
        when={props.history}
        fallback={<p class="quiet">{props.isReading ? 'Reading what agents did…' : 'Write rules that can be read.'}</p>}
      >
        {(history) => (
          <>
            <p class="rules-held">{heldText(history())}</p>
            <Show when={history().freed > 0}>
              <p class="quiet">{history().freed.toLocaleString('en')} that were stopped then would pass.</p>
            </Show>
            <Show when={history().partly > 0}>
              <p class="quiet">
                Of {history().partly.toLocaleString('en')} the record holds a part only: what was written, or said to a tool, is
                not kept.
              </p>
            </Show>
            <Show when={props.isReading}>
              <p class="quiet">More is being read.</p>
            </Show>
            <Show
              when={history().stopped.length > 0}
              fallback={
                <Show when={history().calls === 0}>
                  <Empty title="Nothing was recorded in these 30 days." />
                </Show>
              }
            >
              <div class="rules-stopped">
                <VirtualList
                  items={history().stopped}
                  rowHeight={rowHeight}
                  label="What would have been stopped"
                  row={(call) => (
                    <a class="rules-stop" href={`/audit/${call.agentId}/${call.sequence}`}>
                      <span class="rules-stop-act mono">
                        {call.name} {visible(recordedText(call.act))}
                      </span>
                      <span class="rules-stop-why">
                        {call.effect === 'ask' ? 'asked' : 'denied'} by {call.rules.join(', ')} · {call.agent} ·{' '}
                        {instant(call.atMs, ownZone)}
                      </span>
                    </a>
                  )}
                />
              </div>
            </Show>
          </>
        )}
      </Show>
    </section>
  );
}
