// The open fleet as the screens see it: Solid signals over the live fleet, and what the operator can do. There is one while the key is unlocked, and none
// after; a screen that outlives it shows nothing.

import type { Answer, Outcome } from '@holdfast/protocol/approvals/ask';
import type { RelayPush } from '@holdfast/protocol/blind/frames';
import type { PulseStatement } from '@holdfast/protocol/blind/pulse';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { FleetState } from '@holdfast/protocol/journal/state';
import { grantAccess } from '@holdfast/protocol/operator/access';
import type { Asks, News, OpenAsk } from '@holdfast/protocol/operator/asks';
import type { OperatorFacts, OperatorPorts } from '@holdfast/protocol/operator/ports';
import type { OperatorSession } from '@holdfast/protocol/operator/session';
import { Usual, type Difference } from '@holdfast/protocol/operator/usual';
import { batch, createSignal, type Accessor } from 'solid-js';
import type { Unlocked } from '../keys/operator-keys.ts';
import type { Way } from '../keys/ways.ts';
import type { LastKnown } from '../store/last-known.ts';
import { Acts, asError, type ShownAct } from './acts.ts';
import { KeptState } from './kept-state.ts';
import { LiveFleet, type Connection, type LiveClock } from './live-fleet.ts';
import { livePresences, type HeardPresences } from './presence.ts';

/** How long an agent may take to say what became of its ask. */
const toldWithinMs = 15_000;

export interface ShownAsk {
  readonly open: OpenAsk;
  readonly key: string;
  /** Of a use: how it differs from what this device approved before. */
  readonly unusual: readonly Difference[];
}

/** An ask that is over, as long as this console is open. */
export interface ClosedAsk {
  readonly key: string;
  readonly open: OpenAsk | undefined;
  readonly outcome: Outcome;
  /** When it was heard here. */
  readonly atMs: number;
  /** From the ask to the moment at which the act was let go, by the machine's own clock; of what was allowed. */
  readonly letGoAfterMs?: number | undefined;
}

/** What goes with an answer. */
export interface AnswerOptions {
  /** For access: which credential. */
  readonly item?: string | undefined;
  /** Instead of the narrowest grant, before an access is answered. */
  readonly granted?: (session: OperatorSession) => Promise<void>;
  /** Once the agent has said what became of it, under the same confirmation. */
  readonly after?: (session: OperatorSession) => Promise<void>;
  /** Called when it was confirmed and goes out. */
  readonly sent?: () => void;
}

/** `relay`: of somebody who heard pushes beside the fleet itself: presence, logs. */
export type PushListener = (push: RelayPush, session: OperatorSession) => void;

/**
 * What is done with the way that the person shows. It calls `proven` once that way was found to be theirs, before it signs anything; that throws
 * `step_up_needed` when they have taken it back meanwhile. Until it was called it may be tried again with another way; whatever it throws after counts.
 */
export type Attempt<T> = (way: Way, proven: () => void) => Promise<T>;

type Confirm = <T>(act: string, attempt: Attempt<T>) => Promise<T>;

export interface FleetOptions {
  readonly ports: OperatorPorts;
  readonly clock: LiveClock;
  readonly unlocked: Unlocked;
  /** Has the person confirm `act` in these words. Rejects with `step_up_needed` when they do not, else as `attempt`. */
  readonly confirm: Confirm;
  /** What this browser knew last. */
  readonly lastKnown: Pick<LastKnown, 'read' | 'keep'>;
}

export interface Fleet {
  readonly facts: OperatorFacts;
  readonly connection: Accessor<Connection>;
  /** Undefined until the first time that all was read, or that it could not be and this browser knew something. */
  readonly state: Accessor<FleetState | undefined>;
  /** When `state` was so, if it is what this browser knew last and nothing has been read since. */
  readonly asOfMs: Accessor<number | undefined>;
  readonly asks: Accessor<readonly ShownAsk[]>;
  readonly closedAsks: Accessor<readonly ClosedAsk[]>;
  /** Signals that did not hold. */
  readonly refusedSignals: Accessor<number>;
  readonly acts: Accessor<readonly ShownAct[]>;
  /** The newest sign of life of any operator device. */
  readonly pulse: Accessor<PulseStatement | undefined>;
  /** An act of this or another device was cut off, and waits to be finished. */
  readonly unfinished: Accessor<boolean>;
  /** Throws `relay_unreachable` while there is none. */
  session(): OperatorSession;
  /** Confirms, does, and shows how far it has come. `what` is a whole sentence in plain words. Rejects with what it threw; it is shown all the same. */
  act<T>(what: string, work: (session: OperatorSession) => Promise<T>): Promise<T>;
  putAway(act: number): void;
  /**
   * Answers asks that read the same, each under its own digest, confirmed once in these words. Resolves with what the agent said of each; undefined
   * where it did not in time.
   */
  answer(
    asks: readonly ShownAsk[],
    verdict: Answer['verdict'],
    what: string,
    how?: AnswerOptions,
  ): Promise<readonly (Outcome | undefined)[]>;
  /** How agents are just now, by their machines' word. */
  readonly presences: Accessor<HeardPresences>;
  /** Has the person confirm an act that is none of the fleet's. Rejects with `step_up_needed` when they do not, else as `attempt`. */
  readonly confirm: Confirm;
  finish(): Promise<void>;
  /** A sign of life, and credentials near their end get longer: with a confirmation, as all that is signed by hand. */
  pulseNow(): Promise<void>;
  onPush(listener: PushListener): () => void;
  tryNow(): void;
  /** Called once, when this is over: whoever keeps more of it forgets it then. */
  onEnd(forget: () => void): void;
  end(): void;
}

/** @public For the shell: one while the key is unlocked. */
export function openFleet({ ports, clock, unlocked, confirm, lastKnown }: FleetOptions): Fleet {
  const [connection, setConnection] = createSignal<Connection>({ kind: 'connecting' });
  const [state, setState] = createSignal<FleetState>();
  const [asOfMs, setAsOfMs] = createSignal<number>();
  const [asks, setAsks] = createSignal<readonly ShownAsk[]>([]);
  const [closedAsks, setClosedAsks] = createSignal<readonly ClosedAsk[]>([]);
  const [refusedSignals, setRefusedSignals] = createSignal(0);
  const [acts, setActs] = createSignal<readonly ShownAct[]>([]);
  const [pulse, setPulse] = createSignal<PulseStatement>();
  const [unfinished, setUnfinished] = createSignal(false);
  const listeners = new Set<PushListener>();
  const ending: (() => void)[] = [];
  const shownActs = new Acts(clock.nowMs, setActs);
  const heardLive = livePresences(clock.nowMs);
  let usual: Usual | undefined;

  const show = async (session: OperatorSession): Promise<void> => {
    usual ??= await Usual.of(session);
    const known = usual;
    const shown = live.asks.waiting().map((open): ShownAsk => {
      const { act } = open.ask;
      const unusual = act.kind === 'use' ? known.differences(open.agent.id, act) : [];
      return { open, key: toHex(open.agent.id) + toHex(open.ask.ask), unusual };
    });
    setAsks(shown);
  };
  const heard = (news: readonly News[], { refused }: Asks): void => {
    const before = new Map(asks().map((each) => [toHex(each.open.ask.ask), each]));
    const closed = news.flatMap((one): ClosedAsk[] => {
      if (one.kind !== 'closed') return [];
      const open = before.get(toHex(one.ask))?.open;
      const { outcome, letGoAfterMs } = one;
      return [{ key: toHex(one.ask), open, outcome, atMs: clock.nowMs(), letGoAfterMs }];
    });
    batch(() => {
      if (closed.length > 0) setClosedAsks((all) => [...closed, ...all].slice(0, 50));
      setRefusedSignals(refused);
    });
  };
  const kept = new KeptState(lastKnown, clock, (known) => {
    batch(() => {
      setState(() => known.state);
      setAsOfMs(known.atMs);
    });
  });
  /** At each connection and after each act here. Not at each entry: another device's act has its entry there before what goes with it. */
  const lookForUnfinished = async (): Promise<void> => {
    try {
      setUnfinished(await live.session.isUnfinished());
    } catch {
      // without a connection it is asked at the next one
    }
  };
  const live = new LiveFleet(ports, { facts: unlocked.facts, holder: unlocked.holder }, clock, {
    connection(now) {
      setConnection(now);
      if (now.kind === 'lost') void kept.lost().catch(() => undefined);
      if (now.kind === 'live') void lookForUnfinished();
    },
    state(now, session) {
      batch(() => {
        setState(() => now);
        setAsOfMs(undefined);
      });
      void kept.read(session.operator.replica).catch(() => undefined); // the next start has less to show
    },
    asks(news, all) {
      heard(news, all);
      void show(live.session).catch(() => undefined);
    },
    pushed(push, session) {
      heardLive.hear(push, session);
      listeners.forEach((listener) => listener(push, session));
    },
    pulse: ({ statement }) => setPulse(statement),
  });
  void live.run();

  const act = async <T>(what: string, work: (session: OperatorSession) => Promise<T>): Promise<T> => {
    const id = shownActs.begin(what);
    try {
      const session = live.session;
      const before = session.head.position;
      const done = await confirm(what, (way, proven) =>
        unlocked.withLeave(what, way, async () => {
          proven();
          shownActs.stage(id, { kind: 'working' });
          return work(session);
        }),
      );
      const { position } = session.head;
      shownActs.stage(id, { kind: 'done', position: position > before ? position : undefined, atMs: clock.nowMs() });
      setState(() => session.state);
      return done;
    } catch (thrown) {
      shownActs.stage(id, { kind: 'failed', error: asError(thrown) });
      throw thrown;
    } finally {
      void lookForUnfinished();
    }
  };

  const answer: Fleet['answer'] = async (asks, verdict, what, { item, granted, after, sent } = {}) => {
    const told = (): Promise<(Outcome | undefined)[]> => {
      const late = AbortSignal.timeout(toldWithinMs);
      return Promise.all(asks.map(({ open }) => live.asks.outcome(live.session, open, late)));
    };
    const send = async (session: OperatorSession): Promise<void> => {
      sent?.();
      for (const { open } of asks) await live.asks.send(session, open, verdict);
    };
    if (verdict === 'deny') {
      await unlocked.denying(() => send(live.session));
      return told();
    }
    let outcomes: readonly (Outcome | undefined)[] | undefined;
    await act(what, async (session) => {
      const [first] = asks;
      if (granted !== undefined) await granted(session);
      else if (first?.open.ask.act.kind === 'access') await grantAccess(session, first.open, first.open.ask.act, item);
      await send(session);
      if (after === undefined) return;
      outcomes = await told();
      await after(session);
    });
    outcomes ??= await told();
    for (const [at, { open }] of asks.entries()) {
      if (outcomes[at] === 'allowed' && open.ask.act.kind === 'use') await usual?.remember(open.agent.id, open.ask.act);
    }
    return outcomes;
  };

  return {
    facts: unlocked.facts,
    connection,
    state,
    asOfMs,
    asks,
    closedAsks,
    refusedSignals,
    acts,
    pulse,
    unfinished,
    session: () => live.session,
    act,
    putAway: (id) => shownActs.putAway(id),
    presences: heardLive.presences,
    answer: async (asks, ...rest) => {
      try {
        return await answer(asks, ...rest);
      } finally {
        await show(live.session).catch(() => undefined);
      }
    },
    finish: () =>
      act('Finish what was cut off: access list and keys follow from what operators signed', (session) =>
        session.finishOthersWork(),
      ),
    confirm,
    pulseNow: () => act('Give a sign of life, and renew credentials that end soon', (session) => session.pulse()),
    onPush(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tryNow: () => live.tryNow(),
    onEnd: (forget) => void ending.push(forget),
    end() {
      kept.end();
      live.end();
      for (const forget of ending.splice(0)) forget();
    },
  };
}
