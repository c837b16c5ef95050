// How the operator's key in this browser will be unlocked: a passkey where there is one, or a passphrase. The choice is made once and can be added to later.

import { createSignal, Show } from 'solid-js';
import { HoldfastError } from '@holdfast/protocol/errors';
import { useConsole } from '../app/console.tsx';
import { Button } from '../design/button.tsx';
import { TextField } from '../design/field.tsx';
import type { Way } from '../keys/ways.ts';
import { takePassphrase } from './enter.ts';

interface WayFormProps {
  readonly busy: boolean;
  /** What the button does, for example "Make the fleet". */
  readonly verb: string;
  chosen(way: Way): void;
  failed(thrown: unknown): void;
}

export function WayForm(props: WayFormProps) {
  const { browser } = useConsole();
  const [withPassphrase, setWithPassphrase] = createSignal(!browser.hasPasskeys);
  const submit = (form: HTMLFormElement): void => {
    const [field, again] = ['passphrase', 'again'].map((name) => form.elements.namedItem(name));
    if (!(field instanceof HTMLInputElement && again instanceof HTMLInputElement)) return;
    if (field.value !== again.value)
      return props.failed(new HoldfastError('usage', 'the two passphrases differ', { next: 'type it twice' }));
    again.value = '';
    props.chosen(takePassphrase(field));
  };
  return (
    <Show
      when={withPassphrase()}
      fallback={
        <div class="enter-form">
          <p>
            Your passkey seals the key that this browser makes: a copy of the disk is worth nothing without it. It also confirms
            each approval, grant and revocation.
          </p>
          <Button kind="primary" busy={props.busy} onClick={() => props.chosen({ kind: 'passkey' })}>
            {props.verb} with a passkey
          </Button>
          <Button kind="plain" disabled={props.busy} onClick={() => setWithPassphrase(true)}>
            Use a passphrase instead
          </Button>
        </div>
      }
    >
      <form
        class="enter-form"
        onSubmit={(event) => {
          event.preventDefault();
          submit(event.currentTarget);
        }}
      >
        <p>
          The passphrase seals the key that this browser makes. Whoever has a copy of the disk and the passphrase is the operator.
        </p>
        <TextField
          label="Passphrase"
          name="passphrase"
          type="password"
          autocomplete="new-password"
          hint="Ten characters or more; five random words are good."
        />
        <TextField label="The same again" name="again" type="password" autocomplete="new-password" />
        <Button kind="primary" type="submit" busy={props.busy}>
          {props.verb} with this passphrase
        </Button>
        <Show when={browser.hasPasskeys}>
          <Button kind="plain" disabled={props.busy} onClick={() => setWithPassphrase(false)}>
            Use a passkey instead
          </Button>
        </Show>
      </form>
    </Show>
  );
}
