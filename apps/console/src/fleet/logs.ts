// Audit logs for the screens: one reader for all of them, as long as the fleet is open. A screen that shows logs calls `useLogs`; while one does, what is new
// comes by itself, and what was read stays in memory until the key is locked.

import { readCheckpoint } from '@holdfast/protocol/audit/checkpoint';
import type { Stretch } from '@holdfast/protocol/audit/ticks';
import { webPrimitives } from '@holdfast/protocol/primitives/web';
import type { SeenCheckpoints } from '@holdfast/protocol/operator/log-anchors';
import { createEffect, createSignal, onCleanup, type Accessor } from 'solid-js';
import { ownScript } from '../app/own-script.ts';
import { useConsole } from '../app/console.tsx';
import type { Records } from '../store/records.ts';
import type { Fleet } from './fleet.ts';
import { LogFollower, type AgentLog, type LogWorker } from './log-follower.ts';
import type { LogAnswer, LogRequest, TimeOf } from './log-work.ts';
// oxlint-disable-next-line import/default -- Vite's: the address of that script in the bundle
import workerUrl from './log-worker.ts?worker&url';
import { pageClock } from './ports.ts';

export type { AgentLog } from './log-follower.ts';
export type { TimeOf } from './log-work.ts';

export interface Logs {
  /** Of all agents that there are or were, in the order of their enrolment. Empty until the first was read. */
  readonly all: Accessor<readonly AgentLog[]>;
  /** By the agent's id in hex. */
  of(agent: string): AgentLog | undefined;
  /** Permissioned time of these agents together, as far as their logs were read; undefined while there is no fleet. */
  timeOf(agents: readonly string[], stretch: Stretch): Promise<TimeOf | undefined>;
  /** Verifies that log anew, now. */
  verify(agent: string): void;
  /** The lines of a bundle of all that was read of that log; undefined while there is none. */
  bundleOf(agent: string): Promise<readonly string[] | undefined>;
}

interface Opened {
  readonly follower: LogFollower;
  readonly all: Accessor<readonly AgentLog[]>;
}

/** One a fleet: gone with it. */
const opened = new WeakMap<Fleet, Opened>();

/** Reads and follows all logs while the component that calls it is there. */
export function useLogs(): Logs {
  const { browser, fleet } = useConsole();
  const [now, setNow] = createSignal<Opened>();
  createEffect(() => {
    const open = fleet();
    if (open === undefined) {
      setNow(undefined);
      return;
    }
    const logs = logsOf(open, browser.records);
    setNow(logs);
    onCleanup(logs.follower.watch());
    onCleanup(
      open.onPush((push) => {
        if (push.kind === 'push-shipment') logs.follower.look(push.agent);
      }),
    );
  });
  const all = (): readonly AgentLog[] => now()?.all() ?? [];
  return {
    all,
    of: (agent) => all().find((each) => each.agent === agent),
    timeOf: async (agents, stretch) => now()?.follower.timeOf(agents, stretch),
    verify: (agent) => now()?.follower.verify(agent),
    bundleOf: async (agent) => now()?.follower.bundleOf(agent),
  };
}

function logsOf(fleet: Fleet, records: Records): Opened {
  const known = opened.get(fleet);
  if (known !== undefined) return known;
  const [all, setAll] = createSignal<readonly AgentLog[]>([]);
  const follower = new LogFollower({
    primitives: webPrimitives,
    session: fleet.session,
    state: fleet.state,
    seen: seenIn(records),
    startWorker,
    nowMs: pageClock.nowMs,
    wait: pageClock.wait,
    changed: setAll,
  });
  fleet.onEnd(() => follower.end());
  const logs = { follower, all };
  opened.set(fleet, logs);
  return logs;
}

function startWorker(answered: (answer: LogAnswer) => void): LogWorker {
  const worker = new Worker(ownScript(workerUrl), { type: 'module', name: 'logs' });
  worker.addEventListener('message', ({ data }: MessageEvent<LogAnswer>) => answered(data));
  return { ask: (request: LogRequest) => worker.postMessage(request, []), end: () => worker.terminate() };
}

/** What this browser remembers of each log is what everybody may know: size and root of a tree, and the agent's signature. */
function seenIn(records: Records): SeenCheckpoints {
  const nameOf = (agent: string): string => `audit/${agent}`;
  const sizeOf = (wire: Uint8Array): number => readCheckpoint(webPrimitives, wire).statement.size;
  return {
    get: (agent) => records.get(nameOf(agent)),
    keep: (agent, checkpoint) =>
      records.change(nameOf(agent), (before) =>
        before !== undefined && sizeOf(before) >= sizeOf(checkpoint) ? before : checkpoint,
      ),
  };
}

/** What says nothing of the log: of this console, its browser's database, its bounds, or a key that the relay has not handed out. */
const oursAlone: ReadonlySet<string> = new Set(['internal', 'store_failed', 'limit_exceeded', 'epoch_key_missing']);

/** Undefined where nothing is wrong with that log. What says nothing of the log accuses nobody. */
export function problemOf({ scope, problem }: AgentLog): { readonly title: string; readonly text: string } | undefined {
  if (problem === undefined) return undefined;
  const title = oursAlone.has(problem.code) ? `The log of ${scope} could not be read here` : `The log of ${scope} does not hold`;
  const next = problem.next === undefined ? '' : ` ${problem.next}`;
  return { title, text: `${problem.message}. What is shown of it is no proof of anything.${next}` };
}
