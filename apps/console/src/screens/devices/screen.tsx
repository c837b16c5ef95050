// The operator's own devices: which there are, since when, what they are called, and how one comes and goes. An older device removes or renames a younger
// one; anything else takes the recovery kit.

import { equalBytes, toHex } from '@holdfast/protocol/codec/bytes';
import { visible } from '@holdfast/protocol/codec/shown';
import type { Device, FleetState } from '@holdfast/protocol/journal/state';
import { createSignal, For, Show } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Ago } from '../../design/ago.tsx';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Empty } from '../../design/empty.tsx';
import { TextField } from '../../design/field.tsx';
import { Page } from '../../design/page.tsx';
import { AddDevice } from './add-device.tsx';
import { removeDeviceNow } from './remove-device.ts';
import { RenameDevice } from './rename-device.tsx';
import './devices.css';

/** @public By its route. */
export default function Devices() {
  const { fleet } = useConsole();
  const [isAdding, setAdding] = createSignal(false);
  const [removing, setRemoving] = createSignal<Device>();
  const [renaming, setRenaming] = createSignal<Device>();
  const [typed, setTyped] = createSignal('');
  const state = (): FleetState | undefined => fleet()?.state();
  const own = (): Uint8Array => fleet()?.facts.device ?? new Uint8Array();
  const devices = (): readonly Device[] => [...(state()?.devices.values() ?? [])].toSorted((a, b) => a.position - b.position);
  const isYounger = (device: Device): boolean => (state()?.devices.get(toHex(own()))?.position ?? 0) < device.position;
  const former = () => [...(state()?.former.values() ?? [])].filter(({ name }) => name !== '');

  return (
    <Page
      title="Devices"
      actions={
        <Button kind="plain" onClick={() => setAdding(true)}>
          Add a device
        </Button>
      }
    >
      <Show when={isAdding()}>
        <AddDevice done={() => setAdding(false)} />
      </Show>
      <Show when={renaming()} keyed>
        {(device) => <RenameDevice device={device} done={() => setRenaming(undefined)} />}
      </Show>
      <ul class="devices">
        <For
          each={devices()}
          fallback={<Empty title="Nothing is read yet">The relay has not shown the fleet to this browser.</Empty>}
        >
          {(device) => (
            <li>
              <div>
                <strong>
                  <bdi>{visible(device.name)}</bdi>
                </strong>{' '}
                <Show when={equalBytes(device.id, own())}>· this one</Show>
                <div class="quiet">
                  since <Ago atMs={device.sinceMs} /> · <code>{toHex(device.id).slice(0, 8)}</code>
                  <AddedAs name={device.name} as={device.renamed?.joinedAs} />
                </div>
              </div>
              <div class="device-acts">
                <Show when={isYounger(device) || equalBytes(device.id, own())}>
                  <Button onClick={() => setRenaming(device)} label={`Rename ${visible(device.name)}`}>
                    Rename
                  </Button>
                </Show>
                <Show
                  when={isYounger(device)}
                  fallback={
                    <span class="quiet">
                      {equalBytes(device.id, own())
                        ? device.id === devices()[0]?.id
                          ? 'the oldest: only the recovery kit removes it'
                          : 'an older device removes it, or the recovery kit'
                        : 'older than this one: only the recovery kit removes it'}
                    </span>
                  }
                >
                  <Button kind="stop" onClick={() => setRemoving(device)} label={`Remove ${visible(device.name)}`}>
                    Remove
                  </Button>
                </Show>
              </div>
            </li>
          )}
        </For>
      </ul>
      <Show when={former().length > 0}>
        <h2>Removed</h2>
        <ul class="devices">
          <For each={former()}>
            {({ id, name, joinedAs, endedAtMs }) => (
              <li>
                <bdi>{visible(name)}</bdi>
                <span class="quiet">
                  <Ago atMs={endedAtMs} /> · <code>{toHex(id).slice(0, 8)}</code>
                  <AddedAs name={name} as={joinedAs} />
                </span>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <p class="quiet">
        A device that shows a code of its own: <a href="/pair">scan or paste its code</a>.
      </p>
      <h2>Recovery</h2>
      <p class="quiet">
        The recovery kit adds a device when all are lost, and removes an older one. Only a use of it replaces it. On a new
        browser: Recover; on a machine: holdfast recover.
      </p>
      <Dialog title="Remove a device" open={removing() !== undefined} onClose={() => setRemoving(undefined)}>
        <Show when={removing()}>
          {(device) => (
            <form
              class="enter-form"
              onSubmit={(event) => {
                event.preventDefault();
                if (typed().trim() !== device().name) return;
                const open = fleet();
                const chosen = device();
                setRemoving(undefined);
                setTyped('');
                if (open !== undefined) void removeDeviceNow(open, chosen).catch(() => undefined);
              }}
            >
              <p>
                "{device().name}" writes nothing more and reads nothing new, and every key that it had is replaced. What it could
                read before it may have kept: if it was stolen, rotate what the vault holds.
              </p>
              <TextField
                label={`Type its name to remove it: ${device().name}`}
                name="name"
                value=""
                onInput={setTyped}
                autocomplete="off"
              />
              <Button kind="stop" type="submit" disabled={typed().trim() !== device().name}>
                Remove it
              </Button>
            </form>
          )}
        </Show>
      </Dialog>
    </Page>
  );
}

/** The name by which a device was added, where it has another one now. [DEVICES-11] */
function AddedAs(props: { readonly name: string; readonly as: string | undefined }) {
  return (
    <Show when={props.as !== undefined && props.as !== props.name && props.as}>
      {(name) => (
        <>
          {' '}
          · added as <bdi>{visible(name())}</bdi>
        </>
      )}
    </Show>
  );
}
