// Hosts that agents may reach without a credential; all others are closed to what is not a granted request.

import { toHex } from '@holdfast/protocol/codec/bytes';
import { allowEgress, endEgress } from '@holdfast/protocol/journal/compose';
import type { Agent, Egress, FleetState } from '@holdfast/protocol/journal/state';
import { egressSentence } from '@holdfast/protocol/vault/sentence';
import { parseCaBundle, parseHost, parsePins } from '@holdfast/protocol/vault/terms';
import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { Button } from '../../design/button.tsx';
import { Check, Select, TextField } from '../../design/field.tsx';
import { Empty } from '../../design/empty.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { useAct } from '../../fleet/use-act.ts';
import { linesOf, sentenceOf } from './grant-form.ts';
import { agentName, grantable } from './kept-items.ts';

export function OpenHosts(props: { readonly state: FleetState }): JSX.Element {
  const [isAdding, setAdding] = createSignal(false);
  const rules = createMemo(() =>
    [...props.state.egress].flatMap(([id, held]) => {
      const agent = props.state.agents.get(id);
      return agent === undefined ? [] : [...held.values()].map((rule) => ({ agent, rule }));
    }),
  );
  return (
    <div class="vault-part">
      <Show
        when={isAdding()}
        fallback={
          <div>
            <Button kind="primary" disabled={grantable(props.state).length === 0} onClick={() => setAdding(true)}>
              Open a host
            </Button>
          </div>
        }
      >
        <OpenHost state={props.state} done={() => setAdding(false)} />
      </Show>
      <Show
        when={rules().length > 0}
        fallback={
          <Empty title="No host is open without a credential.">
            <p>Open one that asks for none: a package registry, public documentation.</p>
          </Empty>
        }
      >
        <ul class="vault-holders">
          <For each={rules()}>{({ agent, rule }) => <OpenRule agent={agent} rule={rule} state={props.state} />}</For>
        </ul>
      </Show>
    </div>
  );
}

function OpenRule(props: { readonly agent: Agent; readonly rule: Egress; readonly state: FleetState }): JSX.Element {
  const act = useAct();
  const who = (): string => agentName(props.agent, props.state.agents.values());
  const close = (): void => {
    const { agent, id, host, port } = props.rule;
    void act.run(`${who()} may not reach ${host}:${port} without a credential any more.`, (session) =>
      session.write((operator) => endEgress(operator, { agent, rule: id })),
    );
  };
  return (
    <li class="vault-holder">
      <p>{egressSentence(who(), props.rule).text}</p>
      <div class="vault-acts">
        <Button kind="stop" label={`Close ${props.rule.host} for ${who()}`} busy={act.isBusy()} onClick={close}>
          Close it
        </Button>
      </div>
      <Show when={act.error()}>{(error) => <ErrorNotice error={error()} />}</Show>
    </li>
  );
}

function OpenHost(props: { readonly state: FleetState; readonly done: () => void }): JSX.Element {
  const act = useAct();
  const agents = (): readonly Agent[] => grantable(props.state);
  const [agentId, setAgentId] = createSignal(toHex(agents()[0]?.id ?? new Uint8Array()));
  const [host, setHost] = createSignal('');
  const [isPrivate, setPrivate] = createSignal(false);
  const [ca, setCa] = createSignal('');
  const [pins, setPins] = createSignal('');
  const agent = (): Agent | undefined => agents().find(({ id }) => toHex(id) === agentId());
  const read = createMemo(() => {
    try {
      const pinned = linesOf(pins());
      const trust = {
        ...(ca().trim() !== '' && { ca: parseCaBundle(ca()) }),
        ...(pinned.length > 0 && { pins: parsePins(pinned) }),
      };
      return { terms: { ...parseHost(host().trim()), allowPrivate: isPrivate(), ...trust } };
    } catch (thrown) {
      return { fault: sentenceOf(thrown) };
    }
  });
  const sentence = (): string | undefined => {
    const [whom, { terms }] = [agent(), read()];
    return whom === undefined || terms === undefined ? undefined : egressSentence(agentName(whom, agents()), terms).text;
  };
  const open = async (): Promise<void> => {
    const [whom, { terms }, what] = [agent(), read(), sentence()];
    if (whom === undefined || terms === undefined || what === undefined) return;
    const isDone = await act.run(what, (session) =>
      session.write((operator) => allowEgress(operator, { agent: whom.id, ...terms })),
    );
    if (isDone) props.done();
  };
  return (
    <form
      class="vault-form"
      onSubmit={(event) => {
        event.preventDefault();
        void open();
      }}
    >
      <Select
        label="For"
        value={agentId()}
        options={agents().map((each) => ({ value: toHex(each.id), label: agentName(each, agents()) }))}
        onChange={setAgentId}
      />
      <TextField
        label="Host"
        hint="HOST or HOST:PORT, no scheme, path or wildcard."
        value={host()}
        onInput={setHost}
        error={host() === '' ? undefined : read().fault}
        mono
      />
      <Check label="The name may lead to a private address" checked={isPrivate()} onChange={setPrivate} />
      <details class="vault-more">
        <summary>Certificates and pins</summary>
        <TextField label="Certificates of your own" hint="PEM." value={ca()} onInput={setCa} lines={2} mono />
        <TextField label="Pinned keys" hint="sha256/BASE64, one a line." value={pins()} onInput={setPins} lines={2} mono />
      </details>
      <Show when={sentence()}>
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
          Open it
        </Button>
      </div>
    </form>
  );
}
