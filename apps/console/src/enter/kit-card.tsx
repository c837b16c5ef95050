// The recovery kit on the screen: shown once, saved by the person, and checked by two groups that they read from what they saved.

import { createSignal, Show } from 'solid-js';
import { HoldfastError } from '@holdfast/protocol/errors';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { saveFile } from '../app/save-file.ts';
import { Button } from '../design/button.tsx';
import { TextField } from '../design/field.tsx';
import { ErrorNotice } from '../design/notice.tsx';
import { asError } from '../fleet/acts.ts';
import { fleetGroups, groupsToCheck, isGroup, kitText, type RecoveryKit } from './kit.ts';

interface KitCardProps {
  readonly kit: RecoveryKit;
  readonly busy: boolean;
  /** What the last button does. */
  readonly verb: string;
  /** The person has it. */
  checked(): void;
}

export function KitCard(props: KitCardProps) {
  const [isSaved, setSaved] = createSignal(false);
  const [failed, setFailed] = createSignal<unknown>();
  const [first, second] = groupsToCheck(props.kit.code, (length) => webPrimitives.random(length));
  const save = (): void => {
    const name = `holdfast-recovery-${fleetGroups(props.kit.fleet).slice(0, 8)}.txt`;
    saveFile(name, [kitText(props.kit, Date.now())]);
  };
  const check = (form: HTMLFormElement): void => {
    const typed = (name: string): string => {
      const field = form.elements.namedItem(name);
      return field instanceof HTMLInputElement ? field.value : '';
    };
    if (isGroup(props.kit.code, first, typed('first')) && isGroup(props.kit.code, second, typed('second')))
      return props.checked();
    setFailed(
      new HoldfastError('recovery_code_invalid', 'these are not those groups of the code', {
        next: 'look at what you saved; go back if you have not saved it',
      }),
    );
  };
  return (
    <section class="kit">
      <Show
        when={isSaved()}
        fallback={
          <>
            <h2>Save the recovery kit</h2>
            <p>
              It is the only way back when every device is lost, and whoever has it can take over the fleet. It is shown this
              once. Print it, write it down, or put it where no computer of yours reads it.
            </p>
            <dl class="kit-facts">
              <dt>Recovery code</dt>
              <dd class="kit-code" data-testid="recovery-code">
                {props.kit.code}
              </dd>
              <dt>The fleet's id</dt>
              <dd class="kit-id" data-testid="fleet-id">
                {fleetGroups(props.kit.fleet)}
              </dd>
              <dt>Its relay</dt>
              <dd class="kit-id">{props.kit.relayUrl}</dd>
            </dl>
            <div class="kit-buttons">
              <Button kind="plain" onClick={save}>
                Save as a file
              </Button>
              <Button kind="plain" onClick={() => print()}>
                Print
              </Button>
            </div>
            <Button kind="primary" onClick={() => setSaved(true)}>
              I have it
            </Button>
          </>
        }
      >
        <form
          class="enter-form"
          onSubmit={(event) => {
            event.preventDefault();
            check(event.currentTarget);
          }}
        >
          <h2>Check it</h2>
          <p>Two groups of the code, read from what you saved. The code is {props.kit.code.split('-').length} groups long.</p>
          <TextField label={`Group ${first + 1}`} name="first" autocomplete="off" />
          <TextField label={`Group ${second + 1}`} name="second" autocomplete="off" />
          <Show when={failed()}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
          <Button kind="primary" type="submit" busy={props.busy}>
            {props.verb}
          </Button>
          <Button kind="plain" disabled={props.busy} onClick={() => setSaved(false)}>
            Show it once more
          </Button>
        </form>
      </Show>
    </section>
  );
}
