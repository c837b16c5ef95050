// Revoking: what will end and what to replace upstream, said before; its name, typed; and what to replace, said again after.

import { listed, visible } from '@holdfast/protocol/codec/shown';
import { couldHaveOpened } from '@holdfast/protocol/journal/state';
import { createSignal, For, Show, type JSX } from 'solid-js';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { TextField } from '../../design/field.tsx';
import { asError } from '../../fleet/acts.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import { ErrorNotice } from '../../design/notice.tsx';
import type { HoldfastError } from '@holdfast/protocol/errors';
import { revoke } from './acts.ts';
import type { AgentNode } from './tree.ts';
import { endsWords, namesIt, sentences } from './words.ts';

export function RevokeDialog(props: {
  readonly fleet: Fleet;
  readonly node: AgentNode;
  readonly grants: number;
  onClose(): void;
}): JSX.Element {
  const [typed, setTyped] = createSignal('');
  const [reason, setReason] = createSignal('');
  const [busy, setBusy] = createSignal(false);
  const [error, setError] = createSignal<HoldfastError>();
  const { agent } = props.node;
  const ends = endsWords(props.node, props.grants);
  const known = props.fleet.state();
  /** As it was before: what it could have opened does not become less by revoking it. */
  const rotate = known === undefined ? [] : couldHaveOpened(known, agent.id);
  const [done, setDone] = createSignal(false);
  const work = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      const why = reason().trim() === '' ? 'by hand, from a console' : reason().trim();
      await props.fleet.act(sentences.revoke(agent), (session) => revoke(session, agent.id, why));
      setDone(true);
    } catch (thrown) {
      setError(asError(thrown));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={done() ? `${agent.scope} is revoked` : `Revoke ${agent.scope}`} open onClose={() => props.onClose()} keeps>
      <div class="agent-dialog">
        <Show when={!done()} fallback={<Rotate names={rotate} />}>
          <ul class="agent-ends">
            <For each={ends}>{(each) => <li>{each}</li>}</For>
          </ul>
          <Rotate names={rotate} />
          <TextField
            label="Why"
            hint="Signed with it; other devices of yours read it."
            value={reason()}
            onInput={setReason}
            maxLength={200}
          />
          <TextField label={`Type ${agent.scope} to revoke it`} value={typed()} onInput={setTyped} mono autocomplete="off" />
          <Show when={error()}>{(thrown) => <ErrorNotice error={thrown()} />}</Show>
        </Show>
        <div class="agent-buttons">
          <Show when={!done()}>
            <Button kind="stop" disabled={!namesIt(typed(), agent)} busy={busy()} onClick={() => void work()}>
              Revoke for good
            </Button>
          </Show>
          <Button onClick={() => props.onClose()}>{done() ? 'Close' : 'Back'}</Button>
        </div>
      </div>
    </Dialog>
  );
}

/** What lay on its disk may still be there: only a new secret upstream ends that. */
function Rotate(props: { readonly names: readonly string[] }): JSX.Element {
  return (
    <Show when={props.names.length > 0} fallback={<p>It held no credential: nothing has to be replaced upstream.</p>}>
      <p>
        {`Rotate upstream: ${listed(props.names.map(visible))}. It could have opened ${props.names.length === 1 ? 'it' : 'them'}.`}{' '}
        <a href="/vault">Open the vault</a>
      </p>
    </Show>
  );
}
