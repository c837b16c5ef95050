// A new credential: what it is, where it may go and how, and its secret.

import { addItem } from '@holdfast/protocol/journal/compose';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import { listed } from '@holdfast/protocol/codec/shown';
import type { VaultItem } from '@holdfast/protocol/vault/item';
import { attachWords, fenceParts } from '@holdfast/protocol/vault/sentence';
import { templateNames } from '@holdfast/protocol/vault/templates';
import { createMemo, createSignal, Show, type JSX } from 'solid-js';
import { Button } from '../../design/button.tsx';
import { Check, Select, TextField } from '../../design/field.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { useAct } from '../../fleet/use-act.ts';
import { sentenceOf } from './grant-form.ts';
import { emptyItemForm, fromTemplate, itemOf, type NewItemForm } from './new-item.ts';
import { SecretField, TypedSecret } from './secret-field.tsx';

const noTemplate = 'none';

/** "api.github.com, anywhere, as a bearer token": whoever it is granted to. */
function placeText({ fence, attach }: Pick<VaultItem, 'fence' | 'attach'>): string {
  return [...fenceParts(fence).map(({ text }) => text), attachWords(attach)].join(', ');
}

export function AddItem(props: { readonly added: (name: string) => void; readonly cancel: () => void }): JSX.Element {
  const act = useAct();
  const secret = new TypedSecret();
  const [form, setForm] = createSignal<NewItemForm>(emptyItemForm);
  const [template, setTemplate] = createSignal(noTemplate);
  const [fault, setFault] = createSignal<string>();
  const set = (change: Partial<NewItemForm>): void => void setForm((before) => ({ ...before, ...change }));
  const item = createMemo(() => {
    try {
      return itemOf(form(), new Uint8Array(16));
    } catch {
      return undefined;
    }
  });
  const isOther = (): boolean => template() === noTemplate;

  const cancel = (): void => {
    secret.clear();
    props.cancel();
  };
  const add = async (): Promise<void> => {
    setFault(undefined);
    let made: VaultItem;
    try {
      made = itemOf(form(), webPrimitives.random(16));
    } catch (thrown) {
      setFault(sentenceOf(thrown));
      return;
    }
    try {
      await secret.take(made.attach, async (bytes) => {
        const what = `Keep the credential ${made.name}: it may be sent to ${placeText(made)}. Nobody may use it until you grant it.`;
        if (await act.run(what, (session) => session.write((operator) => addItem(operator, made, bytes)))) props.added(made.name);
      });
    } catch (thrown) {
      setFault(sentenceOf(thrown));
    }
  };

  return (
    <form
      class="vault-form"
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      <Select
        label="Service"
        value={template()}
        options={[{ value: noTemplate, label: 'Another one' }, ...templateNames.map((name) => ({ value: name, label: name }))]}
        onChange={(name) => {
          setTemplate(name);
          if (name !== noTemplate) setForm((before) => fromTemplate(before, name));
        }}
      />
      <TextField label="Name" value={form().name} onInput={(name) => set({ name })} placeholder="github" mono />
      <TextField label="What it is for" hint="Agents read this." value={form().purpose} onInput={(purpose) => set({ purpose })} />
      <SecretField secret={secret} label="Secret" />
      <TextField
        label="Hosts"
        hint="One a line; with a port where it is not 443."
        value={form().hosts}
        onInput={(hosts) => set({ hosts })}
        placeholder="api.example.com"
        lines={2}
        mono
      />
      <TextField
        label="Where in a request it stands"
        hint="bearer, basic, basic:USER, header:NAME, query:NAME or body:/POINTER"
        value={form().attach}
        onInput={(attach) => set({ attach })}
        mono
      />
      <details class="vault-more" open={isOther()}>
        <summary>Methods, paths, variable, certificates</summary>
        <TextField
          label="Methods"
          hint="Left out: those that ordinary clients send."
          value={form().methods}
          onInput={(methods) => set({ methods })}
          placeholder="GET POST"
          mono
        />
        <TextField
          label="Paths"
          hint="One a line. * stands for any characters of one part, ** for anything. Left out: all."
          value={form().paths}
          onInput={(paths) => set({ paths })}
          placeholder="/repos/**"
          lines={2}
          mono
        />
        <TextField
          label="Variable inside sessions"
          hint="It holds a placeholder there, never the secret."
          value={form().env}
          onInput={(env) => set({ env })}
          placeholder="GITHUB_TOKEN"
          mono
        />
        <Check
          label="The name may lead to a private address"
          hint="For a service of your own network."
          checked={form().allowPrivate}
          onChange={(allowPrivate) => set({ allowPrivate })}
        />
        <TextField
          label="Certificates of your own"
          hint="PEM. Then no public certificate authority is trusted for these hosts."
          value={form().ca}
          onInput={(ca) => set({ ca })}
          lines={2}
          mono
        />
        <TextField
          label="Pinned keys"
          hint="sha256/BASE64, one a line."
          value={form().pin}
          onInput={(pin) => set({ pin })}
          lines={2}
          mono
        />
      </details>
      <Show when={item()}>
        {(made) => (
          <p class="vault-sentence" aria-live="polite">
            {made().name} may be sent to {placeText(made())}. {variableText(made())}
          </p>
        )}
      </Show>
      <Show when={fault()}>
        {(text) => (
          <p class="field-error" role="alert">
            {text()}
          </p>
        )}
      </Show>
      <Show when={act.error()}>{(error) => <ErrorNotice error={error()} />}</Show>
      <div class="vault-acts">
        <Button onClick={cancel}>Cancel</Button>
        <Button kind="primary" type="submit" busy={act.isBusy()}>
          Keep it
        </Button>
      </div>
    </form>
  );
}

function variableText({ env, fence: { hosts } }: VaultItem): string {
  const where = listed(
    hosts.map(({ host }) => host),
    'or',
  );
  return env === undefined ? `Requests to ${where} carry it by themselves.` : `In sessions ${env} holds a placeholder for it.`;
}
