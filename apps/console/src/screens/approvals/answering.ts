// Cards and what this console did about them: one place for the approvals screen and for Now.

import type { FenceLimits } from '@holdfast/protocol/vault/fence';
import { toHex } from '@holdfast/protocol/codec/bytes';
import { regrant } from '@holdfast/protocol/journal/compose-grants';
import { grantItem } from '@holdfast/protocol/journal/compose';
import type { OpenAsk } from '@holdfast/protocol/operator/asks';
import type { OperatorSession } from '@holdfast/protocol/operator/session';
import { createMemo, createSignal, onCleanup, type Accessor } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import type { Fleet, ShownAsk } from '../../fleet/fleet.ts';
import { deckAfter, firstOf, isOver, sameDeck, waitingIn, type Card, type Ending } from './deck.ts';
import type { Narrowed } from './narrowed.ts';
import { answerSentence, type OwnAnswer } from './words.ts';

export interface Answering {
  readonly cards: Accessor<readonly Card[]>;
  ownOf(card: Card): OwnAnswer | undefined;
  isBusy(card: Card): boolean;
  deny(card: Card): void;
  once(card: Card, item?: string): void;
  /** Lets this one through, and grants what was shown. */
  always(card: Card, made: Narrowed, sentence: string): void;
  putAway(card: Card): void;
}

export function answering(fleet: Fleet): Answering {
  const { nowMs } = useConsole();
  const [away, setAway] = createSignal<ReadonlySet<string>>(new Set<string>());
  const [busy, setBusy] = createSignal<ReadonlySet<string>>(new Set<string>());
  const [own, setOwn] = createSignal<ReadonlyMap<string, OwnAnswer>>(new Map<string, OwnAnswer>());
  let ended = false;
  onCleanup(() => (ended = true));

  const endingOf = ({ open }: ShownAsk): Ending | undefined => {
    const key = keyOf(open);
    const closed = fleet.closedAsks().find((each) => each.key === key);
    if (closed !== undefined) return { outcome: closed.outcome, atMs: closed.atMs, letGoAfterMs: closed.letGoAfterMs };
    return open.expiresAtMs <= nowMs() ? { outcome: 'expired', atMs: open.expiresAtMs } : undefined;
  };
  const cards = createMemo<readonly Card[]>((before) => {
    const now = deckAfter(before, { asks: fleet.asks(), endingOf, away: away(), taken: busy() });
    return sameDeck(before, now) ? before : now;
  }, []);

  const note = (key: string, answer: OwnAnswer | undefined): void => {
    setOwn((all) => {
      const next = new Map(all);
      if (answer === undefined) next.delete(key);
      else next.set(key, answer);
      return next;
    });
  };
  const work = async (card: Card, does: (sent: () => void) => Promise<boolean>, verdict: OwnAnswer['verdict']): Promise<void> => {
    if (busy().has(card.key)) return;
    setBusy((all) => new Set([...all, card.key]));
    let sentAtMs: number | undefined;
    const sent = (): void => {
      sentAtMs ??= Date.now();
      note(card.key, { verdict, sentAtMs });
    };
    try {
      const told = await does(sent);
      if (!ended && sentAtMs !== undefined) note(card.key, { verdict, sentAtMs, toldAtMs: Date.now(), silent: !told });
    } catch {
      // What went wrong is shown with the acts, and stays there; an answer that never left is none.
      if (sentAtMs === undefined) note(card.key, undefined);
    } finally {
      setBusy((all) => new Set([...all].filter((key) => key !== card.key)));
    }
  };
  const isTold = (outcomes: readonly unknown[]): boolean => outcomes.every((each) => each !== undefined);

  return {
    cards,
    ownOf: (card) => own().get(card.key),
    isBusy: (card) => busy().has(card.key),
    deny: (card) =>
      void work(
        card,
        async (sent) => {
          const asks = waitingIn(card);
          const what = answerSentence(firstOf(card), 'deny', { count: asks.length });
          return isTold(await fleet.answer(asks, 'deny', what, { sent }));
        },
        'deny',
      ),
    once: (card, item) =>
      void work(
        card,
        async (sent) => {
          const asks = waitingIn(card);
          const what = answerSentence(firstOf(card), 'once', { count: asks.length, item });
          return isTold(await fleet.answer(asks, 'once', what, { sent, item }));
        },
        'once',
      ),
    always: (card, made, sentence) =>
      void work(
        card,
        async (sent) => {
          const asks = waitingIn(card);
          const [first] = asks;
          if (first === undefined) return true;
          const what = `${sentence} And let what waits through now`;
          const isAccess = first.open.ask.act.kind === 'access';
          const grant = (session: OperatorSession): Promise<void> => grantNarrowed(session, first.open, made);
          // A use that waits is approved under the grant that it waits by; only then that grant becomes another.
          const how = isAccess ? { granted: grant } : { after: grant };
          return isTold(await fleet.answer(asks, 'once', what, { sent, ...how }));
        },
        'once',
      ),
    putAway: (card) => {
      if (isOver(card)) setAway((all) => new Set([...all, card.key]));
    },
  };
}

const keyOf = ({ ask }: OpenAsk): string => toHex(ask.ask);

/** The same grant under narrower terms, or a new one of the item. */
async function grantNarrowed(session: OperatorSession, { agent }: OpenAsk, { fence, instead, item }: Narrowed): Promise<void> {
  const secret = await session.openSecret(item.id);
  try {
    if (instead !== undefined) {
      await session.write((operator) => regrant(operator, { agent: agent.id, grant: instead.grant, fence, secret }));
      return;
    }
    const { hosts, methods, paths, untilMs, uses } = fence;
    const limits: FenceLimits = { ...(untilMs !== undefined && { untilMs }), ...(uses !== undefined && { uses }) };
    const within = { hosts, methods, paths };
    await session.write((operator) => grantItem(operator, { item: item.id, agent: agent.id, secret, within, limits }));
  } finally {
    secret.fill(0);
  }
}
