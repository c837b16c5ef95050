// What an agent may use all of its credentials for together, beside the limits of each grant.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { endBudget, setBudget } from '@holdfast/protocol/journal/compose-agents';
import type { Agent, FleetState } from '@holdfast/protocol/journal/state';
import { amountsOf, shownLimits } from '@holdfast/protocol/vault/limits';
import { budgetSentence } from '@holdfast/protocol/vault/sentence';
import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Button } from '../../design/button.tsx';
import { Empty } from '../../design/empty.tsx';
import { TextField } from '../../design/field.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { useAct } from '../../fleet/use-act.ts';
import { linesOf, sentenceOf } from './grant-form.ts';
import { agentName, grantable } from './kept-items.ts';
import { usedWords } from './used-words.ts';

export function Budgets(props: { readonly state: FleetState }): JSX.Element {
  return (
    <div class="vault-part">
      <Show
        when={grantable(props.state).length > 0}
        fallback={
          <Empty title="There is no agent yet.">
            <a href="/pair">Pair one</a>
          </Empty>
        }
      >
        <ul class="vault-holders">
          <For each={grantable(props.state)}>{(agent) => <BudgetOf agent={agent} state={props.state} />}</For>
        </ul>
      </Show>
    </div>
  );
}

function BudgetOf(props: { readonly agent: Agent; readonly state: FleetState }): JSX.Element {
  const { fleet, nowMs } = useConsole();
  const act = useAct();
  const [isOpen, setOpen] = createSignal(false);
  const who = (): string => agentName(props.agent, props.state.agents.values());
  const held = createMemo(() => props.state.budgets.get(toHex(props.agent.id)));
  const used = (): string | undefined => {
    const budget = held();
    return budget && usedWords(budget.id, budget, fleet()?.presences().of(props.agent.id, nowMs()), nowMs());
  };
  const end = (): void => {
    const budget = held();
    if (budget === undefined) return;
    const what = `${who()} has no budget any more; what each grant allows still holds.`;
    void act.run(what, (session) => session.write((operator) => endBudget(operator, { agent: budget.agent, budget: budget.id })));
  };
  return (
    <li class="vault-holder">
      <p>
        <Show when={held()} fallback={`${who()} has no budget: each grant's own limits hold.`}>
          {(budget) => budgetSentence(who(), budget()).text}
        </Show>
      </p>
      <Show when={used()}>{(words) => <p class="quiet">{words()}</p>}</Show>
      <Show
        when={isOpen()}
        fallback={
          <div class="vault-acts">
            <Button label={`${held() === undefined ? 'Set' : 'Change'} the budget of ${who()}`} onClick={() => setOpen(true)}>
              {held() === undefined ? 'Set one' : 'Change'}
            </Button>
            <Show when={held()}>
              <Button kind="stop" label={`End the budget of ${who()}`} busy={act.isBusy()} onClick={end}>
                End it
              </Button>
            </Show>
          </div>
        }
      >
        <BudgetForm agent={props.agent} who={who()} state={props.state} done={() => setOpen(false)} />
      </Show>
      <Show when={act.error()}>{(error) => <ErrorNotice error={error()} />}</Show>
    </li>
  );
}

interface BudgetFormProps {
  readonly agent: Agent;
  readonly who: string;
  readonly state: FleetState;
  readonly done: () => void;
}

function BudgetForm(props: BudgetFormProps): JSX.Element {
  const act = useAct();
  const before = shownLimits(props.state.budgets.get(toHex(props.agent.id)) ?? {});
  const [max, setMax] = createSignal((before.max ?? []).join('\n'));
  const [total, setTotal] = createSignal(before.total === undefined ? '' : String(before.total));
  const [bytes, setBytes] = createSignal((before.bytes ?? []).join('\n'));
  const [bytesTotal, setBytesTotal] = createSignal(before.bytesTotal ?? '');
  const [concurrent, setConcurrent] = createSignal(before.concurrent === undefined ? '' : String(before.concurrent));
  const read = createMemo(() => {
    const [uses, passed] = [linesOf(max()), linesOf(bytes())];
    try {
      const limits = amountsOf({
        ...(uses.length > 0 && { max: uses }),
        ...(total().trim() !== '' && { total: total().trim() }),
        ...(passed.length > 0 && { bytes: passed }),
        ...(bytesTotal().trim() !== '' && { bytesTotal: bytesTotal().trim() }),
        ...(concurrent().trim() !== '' && { concurrent: concurrent().trim() }),
      });
      return Object.keys(limits).length === 0 ? {} : { limits };
    } catch (thrown) {
      return { fault: sentenceOf(thrown) };
    }
  });
  const sentence = (): string | undefined => {
    const { limits } = read();
    return limits === undefined ? undefined : budgetSentence(props.who, limits).text;
  };
  const set = async (): Promise<void> => {
    const [{ limits }, what] = [read(), sentence()];
    if (limits === undefined || what === undefined) return;
    const isDone = await act.run(what, (session) =>
      session.write((operator) => setBudget(operator, { agent: props.agent.id, limits })),
    );
    if (isDone) props.done();
  };
  return (
    <form
      class="vault-form"
      onSubmit={(event) => {
        event.preventDefault();
        void set();
      }}
    >
      <TextField label="How often" hint="200/d; several, one a line." value={max()} onInput={setMax} mono />
      <TextField label="Uses in all" value={total()} onInput={setTotal} mono />
      <TextField label="Bytes in a time" hint="1GB/d; several, one a line." value={bytes()} onInput={setBytes} mono />
      <TextField label="Bytes in all" value={bytesTotal()} onInput={setBytesTotal} mono />
      <TextField label="At once" value={concurrent()} onInput={setConcurrent} mono />
      <Show when={sentence() ?? read().fault}>
        {(text) => (
          <p class="vault-sentence" aria-live="polite">
            {text()}
          </p>
        )}
      </Show>
      <Show when={act.error()}>{(error) => <ErrorNotice error={error()} />}</Show>
      <div class="vault-acts">
        <Button onClick={props.done}>Cancel</Button>
        <Button kind="primary" type="submit" busy={act.isBusy()} disabled={sentence() === undefined}>
          Set it
        </Button>
      </div>
    </form>
  );
}
