// The cards that lie before a person, in places that do not move: what is new goes to the end, what is over stays where it is until it is put away. So
// nothing that a finger is on its way to becomes something else.

import type { Outcome } from '@holdfast/protocol/approvals/ask';
import type { ShownAsk } from '../../fleet/fleet.ts';
import { sameness } from './grouping.ts';

/** How an ask ended, as far as this console heard. */
export interface Ending {
  readonly outcome: Outcome;
  readonly atMs: number;
  /** From the ask to the moment at which the act was let go, by the machine's own clock. */
  readonly letGoAfterMs?: number | undefined;
}

export interface Member {
  readonly ask: ShownAsk;
  readonly ending: Ending | undefined;
}

export interface Card {
  /** Stays while the card does. */
  readonly key: string;
  readonly same: string;
  /** The oldest first; at least one. */
  readonly members: readonly Member[];
}

export interface Heard {
  /** Those that wait, oldest first. */
  readonly asks: readonly ShownAsk[];
  readonly endingOf: (ask: ShownAsk) => Ending | undefined;
  /** Keys of cards that were put away. */
  readonly away: ReadonlySet<string>;
  /** Keys of cards that are being answered: what comes now is another card. */
  readonly taken: ReadonlySet<string>;
}

/** Cards that are over and that nobody put away; the oldest of more go. */
const maxOver = 20;

/** The member that a card is read by. */
export function firstOf({ members }: Card): ShownAsk {
  const [first] = members;
  if (first === undefined) throw new Error('a card without an ask');
  return (members.find(({ ending }) => ending === undefined) ?? first).ask;
}

export const isOver = ({ members }: Card): boolean => members.every(({ ending }) => ending !== undefined);

/** Those that an answer could still reach. */
export const waitingIn = ({ members }: Card): readonly ShownAsk[] =>
  members.flatMap(({ ask, ending }) => (ending === undefined ? [ask] : []));

/** What is open to read: all that are over, each in its place, and the first so many that wait; those that are over hide none that waits. */
export function openCards(cards: readonly Card[], atOnce: number): readonly Card[] {
  const waiting = cards.filter((card) => !isOver(card)).slice(0, atOnce);
  return cards.filter((card) => isOver(card) || waiting.includes(card));
}

/** What lies there now, after what lay there before. */
export function deckAfter(before: readonly Card[], { asks, endingOf, away, taken }: Heard): readonly Card[] {
  const known = new Set<string>();
  const cards = before
    .filter(({ key, members }) => !(away.has(key) && members.every(({ ask, ending }) => ending ?? endingOf(ask))))
    .map((card) => {
      for (const { ask } of card.members) known.add(ask.key);
      return { ...card, members: card.members.map(({ ask, ending }) => ({ ask, ending: ending ?? endingOf(ask) })) };
    });
  for (const ask of asks) {
    if (known.has(ask.key) || endingOf(ask) !== undefined) continue;
    known.add(ask.key);
    const same = sameness(ask);
    const member = { ask, ending: undefined };
    const at = cards.findIndex((card) => card.same === same && !isOver(card) && !taken.has(card.key));
    const card = cards[at];
    if (card === undefined) cards.push({ key: ask.key, same, members: [member] });
    else cards[at] = { ...card, members: [...card.members, member] };
  }
  const tooMany = cards.filter(isOver).length - maxOver;
  const gone = new Set(
    tooMany > 0
      ? cards
          .filter(isOver)
          .slice(0, tooMany)
          .map(({ key }) => key)
      : [],
  );
  return cards.filter(({ key }) => !gone.has(key));
}

/** The whole of it changed nothing that is shown: the same value, so that nothing is drawn anew. */
export function sameDeck(one: readonly Card[], other: readonly Card[]): boolean {
  return (
    one.length === other.length &&
    one.every((card, at) => {
      const against = other[at];
      return (
        card.key === against?.key &&
        card.members.length === against.members.length &&
        card.members.every(({ ask, ending }, index) => {
          const member = against.members[index];
          return (
            ask.key === member?.ask.key &&
            ending?.outcome === member.ending?.outcome &&
            ending?.letGoAfterMs === member?.ending?.letGoAfterMs
          );
        })
      );
    })
  );
}
