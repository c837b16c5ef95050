// Stopping everything: two presses and the operator's confirmation, with what it does said before. And letting everything go on.

import { actingAgents, liveAgents } from '@holdfast/protocol/journal/state';
import { createSignal, Show, type JSX } from 'solid-js';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import type { Fleet } from '../../fleet/fleet.ts';
import { resumeFleet, stopFleet } from './acts.ts';
import { sentences } from './words.ts';

export function StopFleet(props: { readonly fleet: Fleet }): JSX.Element {
  const [open, setOpen] = createSignal(false);
  const [busy, setBusy] = createSignal(false);
  const acting = () => {
    const state = props.fleet.state();
    return state === undefined ? 0 : actingAgents(state).length;
  };
  const suspended = () => {
    const state = props.fleet.state();
    return state === undefined ? 0 : liveAgents(state).length - acting();
  };
  const act = (what: string, work: Parameters<Fleet['act']>[1]): void => {
    setBusy(true);
    void props.fleet
      .act(what, work)
      .catch(() => undefined) // it stands with the acts
      .finally(() => {
        setBusy(false);
        setOpen(false);
      });
  };
  return (
    <>
      <Show when={suspended() > 0}>
        <Button busy={busy()} onClick={() => act(sentences.resumeAll(suspended()), resumeFleet)}>
          Resume all
        </Button>
      </Show>
      <Show when={acting() > 0}>
        <Button kind="stop" busy={busy()} onClick={() => setOpen(true)}>
          Stop the fleet…
        </Button>
      </Show>
      <Dialog title="Stop the whole fleet" open={open()} onClose={() => setOpen(false)}>
        <div class="agent-dialog">
          <p>
            {`Every agent that may act, ${acting()} just now, is suspended: sessions end as soon as their machines hear of it, handles are burned, streams that run with credentials are cut, and nothing new begins.`}
          </p>
          <p>
            Nothing is lost: grants, rules and memory stay as they are. You resume each agent by itself, or all at once. What ran
            does not come back by itself.
          </p>
          <p>A machine that is offline hears of it when it is back; until then its pulse runs out.</p>
          <div class="agent-buttons">
            <Button
              kind="stop"
              busy={busy()}
              onClick={() =>
                act(sentences.stopAll(acting()), (session) => stopFleet(session, 'the whole fleet was stopped, from a console'))
              }
            >
              Stop everything now
            </Button>
            <Button onClick={() => setOpen(false)}>Back</Button>
          </div>
        </div>
      </Dialog>
    </>
  );
}
