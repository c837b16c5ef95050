// The confirmation of an act: its sentence word for word as it is signed for, and what this browser unlocks with. Denials never come here.

import { utf8 } from '@holdfast/protocol/codec/bytes';
import { createResource, createSignal, Show, type JSX } from 'solid-js';
import { ActText } from '../design/act-text.tsx';
import { Button } from '../design/button.tsx';
import { Dialog } from '../design/dialog.tsx';
import { TextField } from '../design/field.tsx';
import { ErrorNotice } from '../design/notice.tsx';
import { asError } from '../fleet/acts.ts';
import './confirm.css';
import type { Waiting } from './confirmations.ts';
import { useConsole } from './console.tsx';

export default function Confirm(props: { readonly waiting: Waiting }): JSX.Element {
  const { browser } = useConsole();
  const [record] = createResource(() => browser.session.keys.record());
  const [withPassphrase, setWithPassphrase] = createSignal(false);
  const has = (kind: 'passkey' | 'passphrase'): boolean => record.latest?.unlocks.some((each) => each.kind === kind) === true;
  const asksPassphrase = (): boolean => has('passphrase') && (withPassphrase() || !has('passkey'));

  return (
    <Dialog title="Confirm with your key" open onClose={() => props.waiting.refused()} keeps>
      <div class="confirm">
        <ActText text={props.waiting.act} label="What is signed" />
        <Show when={record.error as unknown}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
        <Show when={props.waiting.failed()}>
          {(thrown) => (
            <>
              <ErrorNotice error={asError(thrown())} />
              <p class="quiet">Nothing was signed yet. Try again here: what you have entered is still there.</p>
            </>
          )}
        </Show>
        <Show when={asksPassphrase()}>
          <form
            class="confirm-form"
            onSubmit={(event) => {
              event.preventDefault();
              const field = event.currentTarget.elements.namedItem('passphrase');
              if (!(field instanceof HTMLInputElement) || field.value === '') return;
              const passphrase = utf8(field.value);
              field.value = '';
              props.waiting.confirmed({ kind: 'passphrase', passphrase });
            }}
          >
            <TextField
              label="Passphrase"
              name="passphrase"
              type="password"
              autocomplete="current-password"
              ref={(field) => queueMicrotask(() => field.focus())}
            />
            <div class="dialog-acts">
              <Button onClick={() => props.waiting.refused()}>Don’t sign</Button>
              <Button kind="primary" type="submit" busy={props.waiting.busy()}>
                Sign
              </Button>
            </div>
          </form>
        </Show>
        <Show when={has('passkey') && !asksPassphrase()}>
          <div class="dialog-acts">
            <Show when={has('passphrase')}>
              <Button onClick={() => setWithPassphrase(true)}>Use the passphrase</Button>
            </Show>
            <Button onClick={() => props.waiting.refused()}>Don’t sign</Button>
            <Button kind="primary" busy={props.waiting.busy()} onClick={() => props.waiting.confirmed({ kind: 'passkey' })}>
              Sign with passkey
            </Button>
          </div>
        </Show>
      </div>
    </Dialog>
  );
}
