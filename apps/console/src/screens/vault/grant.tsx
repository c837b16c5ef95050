// The form of a grant: whom, within which fence. Beside it, live, the sentence that is made from the very fence that will be signed, what it does not allow,
// and what nobody limited.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { listed } from '@holdfast/protocol/codec/shown';
import { grantItem } from '@holdfast/protocol/journal/compose';
import { placeOf, regrant } from '@holdfast/protocol/journal/compose-grants';
import type { Agent, Grant, Item } from '@holdfast/protocol/journal/state';
import type { Fence } from '@holdfast/protocol/vault/fence';
import { grantSentence } from '@holdfast/protocol/vault/sentence';
import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Button } from '../../design/button.tsx';
import { Check, Select, TextField } from '../../design/field.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { ownReader, ownZone } from '../../fleet/own-zone.ts';
import { useAct } from '../../fleet/use-act.ts';
import { emptyGrantForm, formOf, readGrantForm, type FieldErrors, type GrantForm, type LimitField } from './grant-form.ts';
import { agentName } from './kept-items.ts';
import { leftOpen, notAllowed } from './not-allowed.ts';

interface GrantProps {
  readonly item: Item;
  readonly agents: readonly Agent[];
  /** What the agent has of it now; the new one takes its place. */
  readonly before?: Grant | undefined;
  readonly done: () => void;
}

export function GrantItem(props: GrantProps): JSX.Element {
  const { nowMs } = useConsole();
  const act = useAct();
  const first =
    props.before === undefined
      ? props.agents[0]
      : props.agents.find(({ id }) => toHex(id) === toHex(props.before?.agent ?? new Uint8Array()));
  const [agentId, setAgentId] = createSignal(first === undefined ? '' : toHex(first.id));
  const [form, setForm] = createSignal<GrantForm>(
    props.before === undefined ? emptyGrantForm : formOf(props.before.fence, props.before.sealed === undefined),
  );
  const [showErrors, setShowErrors] = createSignal(false);
  const set = (change: Partial<GrantForm>): void => void setForm((before) => ({ ...before, ...change }));
  const agent = (): Agent | undefined => props.agents.find(({ id }) => toHex(id) === agentId());
  // by the minute: a span of time is read anew then
  const minute = createMemo(() => Math.floor(nowMs() / 60_000));
  const place = (): Fence => placeOf(props.item, props.before);
  const read = createMemo(() => readGrantForm(place(), form(), minute() * 60_000));
  const errors = (): FieldErrors => {
    const now = read();
    return now.kind === 'wrong' ? now.errors : {};
  };
  const sentence = createMemo(() => {
    const [now, whom] = [read(), agent()];
    if (now.kind === 'wrong' || whom === undefined) return undefined;
    return grantSentence(agentName(whom, props.agents), { fence: now.fence, approve: form().approve }, ownReader).text;
  });

  const grant = async (): Promise<void> => {
    const [now, whom, what] = [read(), agent(), sentence()];
    if (now.kind === 'wrong' || whom === undefined || what === undefined) {
      setShowErrors(true);
      return;
    }
    const { item, before } = props;
    const isApproved = form().approve;
    const isDone = await act.run(`${item.name}: ${what}`, async (session) => {
      const secret = isApproved ? 'approved per use' : await session.openSecret(item.id);
      try {
        if (before === undefined)
          await session.write((operator) => grantItem(operator, { item: item.id, agent: whom.id, secret, limits: now.limits }));
        else {
          const { agent: of, grant: id } = before;
          await session.write((operator) => regrant(operator, { agent: of, grant: id, fence: now.fence, secret })); // [VAULT-19]
        }
      } finally {
        if (typeof secret !== 'string') secret.fill(0);
      }
    });
    if (isDone) props.done();
  };

  const text = (field: LimitField, label: string, hint: string, lines = 1): JSX.Element => (
    <TextField
      label={label}
      hint={hint}
      value={form()[field]}
      onInput={(value) => set({ [field]: value })}
      lines={lines}
      error={showErrors() || form()[field] !== '' ? errors()[field] : undefined}
      mono
    />
  );
  const quick = (field: LimitField, choices: readonly (readonly [string, string])[]): JSX.Element => (
    <div class="vault-quick">
      <For each={choices}>
        {([label, value]) => (
          <Button pressed={form()[field] === value} onClick={() => set({ [field]: form()[field] === value ? '' : value })}>
            {label}
          </Button>
        )}
      </For>
    </div>
  );

  return (
    <form
      class="vault-form"
      onSubmit={(event) => {
        event.preventDefault();
        void grant();
      }}
    >
      <Show when={props.before === undefined}>
        <Select
          label="To"
          value={agentId()}
          options={props.agents.map((each) => ({ value: toHex(each.id), label: agentName(each, props.agents) }))}
          onChange={setAgentId}
        />
      </Show>
      <Show
        when={sentence()}
        fallback={
          <p class="field-error" role="alert">
            {faultText(read(), agent() === undefined)}
          </p>
        }
      >
        {(what) => {
          const now = createMemo(() => {
            const each = read();
            return each.kind === 'read' ? each.fence : place();
          });
          return (
            <section class="vault-sentence vault-live" aria-live="polite">
              <p class="vault-allows">{what()}</p>
              <p class="quiet">It may not {listed(notAllowed(now(), form().approve), 'or')}.</p>
              <Show when={leftOpen(now()).length > 0}>
                <p class="quiet">Nobody limits {listed(leftOpen(now()), 'or')}.</p>
              </Show>
              <Show when={props.before}>
                <p class="quiet">
                  It takes the place of what it has now, in one step: at no moment does it have both, or neither. What it used so
                  far still counts.
                </p>
              </Show>
            </section>
          );
        }}
      </Show>
      <Check
        label="I approve each use"
        hint="It asks, you see the very request, and the secret stays with the operators until then."
        checked={form().approve}
        onChange={(approve) => set({ approve })}
      />
      <Show when={form().approve}>{text('approveWithin', 'A request waits for', '30s or 5m, nine minutes at most.')}</Show>
      {text('max', 'How often', '20/h, 3/10m or 100/d; several, one a line.')}
      {quick('max', [
        ['20 an hour', '20/h'],
        ['100 a day', '100/d'],
      ])}
      {text('until', 'Until', '2h, 7d, or a moment with its zone like 2026-12-01T18:00Z.')}
      {quick('until', [
        ['8 hours', '8h'],
        ['7 days', '7d'],
        ['30 days', '30d'],
      ])}
      {text('hours', 'At which hours', '09:00-18:00 Europe/Berlin Mon-Fri; several, one a line.')}
      {quick('hours', [['Weekdays 9–18 here', `09:00-18:00 ${ownZone} mon,tue,wed,thu,fri`]])}
      {text('repo', 'From the working tree of', 'github.com/me/app; several, one a line.')}
      {text('dir', 'From the folder', "An absolute path of the agent's machine; several, one a line.")}
      <details class="vault-more">
        <summary>Bytes, at once, in all, arguments, pins</summary>
        {text('total', 'Uses in all', '500')}
        {text('concurrent', 'At once', '4')}
        {text('bytes', 'Bytes in a time', '50MB/d or 1GiB/12h; several, one a line.')}
        {text('bytesTotal', 'Bytes in all', '1GB')}
        {text('query', 'The query may say', 'One a line: page, limit<=100, state=open|closed; ** for anything else as well.', 3)}
        <Select
          label="A body is"
          value={form().bodyFormat}
          options={[
            { value: 'json', label: 'JSON' },
            { value: 'form', label: 'a form' },
          ]}
          onChange={(bodyFormat) => set({ bodyFormat })}
        />
        {text(
          'body',
          'The body may say',
          'One a line: /amount<=3000, /payee=A|B, /id=inv-*, /note#200; of a form without the slash.',
          3,
        )}
        {text('pin', 'Only where this key answers', 'sha256/BASE64; several, one a line.')}
      </details>
      <Show when={act.error()}>{(error) => <ErrorNotice error={error()} />}</Show>
      <div class="vault-acts">
        <Button onClick={props.done}>Cancel</Button>
        <Button kind="primary" type="submit" busy={act.isBusy()} disabled={sentence() === undefined}>
          {props.before === undefined ? 'Grant it' : 'Change it'}
        </Button>
      </div>
    </form>
  );
}

function faultText(read: ReturnType<typeof readGrantForm>, isNobody: boolean): string {
  if (isNobody) return 'There is no agent to grant it to: pair one first.';
  if (read.kind === 'read') return '';
  return read.error ?? Object.values(read.errors)[0] ?? '';
}
