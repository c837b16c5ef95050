// The rules worker of one open screen: asked with what is typed and recorded, it answers with the newest only.

import { liveAgents, type FleetState } from '@holdfast/protocol/journal/state';
import { createEffect, createSignal, on, onCleanup, type Accessor } from 'solid-js';
import { ownScript } from '../../app/own-script.ts';
import type { AgentLog } from '../../fleet/logs.ts';
import type { ChangeText, Fault, HeldHistory, PackFacts, ReadSet, RulesAnswer, RulesRequest } from './rules-work.ts';
// oxlint-disable-next-line import/default -- Vite's: the address of that script in the bundle
import workerUrl from './rules-worker.ts?worker&url';

const days30Ms = 30 * 86_400_000;
/** Of one message. */
const eventsAtOnce = 256;
/** Nobody reads while they type. */
const typedForMs = 250;

export interface RulesReading {
  readonly fault: Accessor<Fault | undefined>;
  readonly set: Accessor<ReadSet | undefined>;
  readonly history: Accessor<HeldHistory | undefined>;
  readonly packs: Accessor<readonly PackFacts[]>;
  /** Of a signed set, as it is edited. */
  sourceOf(signed: string | undefined): Promise<string>;
  compare(before: string, after: string): Promise<readonly ChangeText[]>;
}

export function useRulesWorker(
  source: Accessor<string | undefined>,
  state: Accessor<FleetState | undefined>,
  logs: Accessor<readonly AgentLog[]>,
): RulesReading {
  const [fault, setFault] = createSignal<Fault>();
  const [set, setSet] = createSignal<ReadSet>();
  const [history, setHistory] = createSignal<HeldHistory>();
  const [packs, setPacks] = createSignal<readonly PackFacts[]>([]);
  const [handed, setHanded] = createSignal(0);
  const sources = new Map<number, (source: string) => void>();
  const compared = new Map<number, (changes: readonly ChangeText[]) => void>();
  const told = new Map<string, number>();
  let nextId = 1;
  let newest = 0;
  const worker = new Worker(ownScript(workerUrl), { type: 'module', name: 'rules' });
  onCleanup(() => worker.terminate());
  const ask = (request: RulesRequest): void => worker.postMessage(request, []);
  const hear = (answer: RulesAnswer): void => {
    switch (answer.kind) {
      case 'source':
        setPacks(answer.packs);
        sources.get(answer.id)?.(answer.source);
        sources.delete(answer.id);
        return;
      case 'compared':
        compared.get(answer.id)?.(answer.changes);
        compared.delete(answer.id);
        return;
      case 'wrong':
        if (answer.id !== newest) return;
        setSet(undefined);
        setHistory(undefined);
        setFault(answer.fault);
        return;
      case 'read':
        if (answer.id !== newest) return;
        setFault(undefined);
        setSet(answer.set);
        return;
      case 'history':
        if (answer.id === newest) setHistory(answer.history);
    }
  };
  worker.addEventListener('message', ({ data }: MessageEvent<RulesAnswer>) => hear(data));

  let isHandingOn = false;
  const over = new AbortController();
  onCleanup(() => over.abort());
  /** A few at a time: the page answers in between. */
  const handOn = async (): Promise<void> => {
    if (isHandingOn) return;
    isHandingOn = true;
    for (let next = behind(); next !== undefined && !over.signal.aborted; next = behind()) {
      const { agent, scope, events } = next;
      const from = told.get(agent) ?? 0;
      const some = events.slice(from, from + eventsAtOnce);
      told.set(agent, from + some.length);
      const acts = some.filter(({ kind }) => kind === 'tool-call' || kind === 'session-start');
      if (acts.length > 0) ask({ kind: 'events', agent, scope, events: acts });
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    isHandingOn = false;
    setHanded((count) => count + 1);
  };
  const behind = (): AgentLog | undefined => logs().find(({ agent, events }) => (told.get(agent) ?? 0) < events.length);
  createEffect(() => {
    if (behind() !== undefined) void handOn();
  });
  createEffect(
    on([source, () => state()?.rules?.version, () => state()?.agents, handed], ([typed]) => {
      if (typed === undefined) return;
      const timer = setTimeout(() => {
        newest = nextId;
        nextId += 1;
        const now = state();
        const agents = now === undefined ? [] : liveAgents(now).map(({ id, scope }) => ({ id, scope }));
        ask({ kind: 'read', id: newest, source: typed, signed: now?.rules?.text, agents, sinceMs: Date.now() - days30Ms });
      }, typedForMs);
      onCleanup(() => clearTimeout(timer));
    }),
  );

  return {
    fault,
    set,
    history,
    packs,
    sourceOf(signed) {
      const id = nextId;
      nextId += 1;
      const answer = Promise.withResolvers<string>();
      sources.set(id, answer.resolve);
      ask({ kind: 'source', id, signed });
      return answer.promise;
    },
    compare(before, after) {
      const id = nextId;
      nextId += 1;
      const answer = Promise.withResolvers<readonly ChangeText[]>();
      compared.set(id, answer.resolve);
      ask({ kind: 'compare', id, before, after });
      return answer.promise;
    },
  };
}
