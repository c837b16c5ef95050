// Another name for this device or one that came later: one entry, which every device hears. Who may, and which names are taken, is the journal's to say.

import { visible } from '@holdfast/protocol/codec/shown';
import { renameDevice } from '@holdfast/protocol/journal/compose-devices';
import type { Device } from '@holdfast/protocol/journal/state';
import { createSignal, Show, type JSX } from 'solid-js';
import { Button } from '../../design/button.tsx';
import { TextField } from '../../design/field.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { useAct } from '../../fleet/use-act.ts';

export function RenameDevice(props: { readonly device: Device; done(): void }): JSX.Element {
  const act = useAct();
  const [typed, setTyped] = createSignal(props.device.name);
  const rename = async (): Promise<void> => {
    const { id: device, name: was } = props.device;
    const name = typed().trim();
    const isDone = await act.run(`Call the device "${visible(was)}" by another name: "${visible(name)}"`, (session) =>
      session.write((operator) => renameDevice(operator, { device, name })),
    );
    if (isDone) props.done();
  };
  return (
    <section class="add-device" aria-label="Rename a device">
      <form
        class="enter-form"
        onSubmit={(event) => {
          event.preventDefault();
          void rename();
        }}
      >
        <h2>
          Rename <bdi>{visible(props.device.name)}</bdi>
        </h2>
        <p>Every device of yours sees the new name at once, and the name by which it was added stays beside it.</p>
        <TextField label="New name" value={typed()} onInput={setTyped} maxLength={64} autocomplete="off" />
        <Show when={act.error()}>{(error) => <ErrorNotice error={error()} />}</Show>
        <Button
          kind="primary"
          type="submit"
          busy={act.isBusy()}
          disabled={typed().trim() === '' || typed().trim() === props.device.name}
        >
          Rename it
        </Button>
        <Button onClick={() => props.done()}>Keep the name</Button>
      </form>
    </section>
  );
}
