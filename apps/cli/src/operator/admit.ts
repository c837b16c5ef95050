// The operator's side of a pairing, spec/pairing.md, whoever the newcomer is: its offer, taken once, and the words that a person types.

import { codeOf, HoldfastError } from '@holdfast/protocol/errors';
import { putRendezvous, takeRendezvous } from '@holdfast/protocol/exchange/relay-calls';
import {
  assertWords,
  makeAnswer,
  openOffer,
  openPart,
  pairingLifeMs,
  parsePairingCode,
  partRendezvous,
  rendezvousOf,
  sealPart,
  type OpenedOffer,
  type PairingPart,
} from '@holdfast/protocol/identity/pairing';
import type { AnyOffer, Newcomer, PairingKind } from '@holdfast/protocol/identity/pairing-kind';
import { nodePrimitives } from '@holdfast/protocol/primitives/node';
import type { Output } from '../output.ts';
import { askLine, lineFromStdin } from '../secrets-input.ts';
import type { OperatorSession } from './session.ts';

const offerWaitMs = 5_000;
/** A person may mistype; more than this is guessing. */
const maxTries = 3;

export interface TypedCode {
  /** The caller overwrites it. */
  readonly code: Uint8Array;
  readonly relayUrl: string | undefined;
}

/** A code or its URL; `-`: a line of standard input. Throws `pairing_code_invalid`. */
export function typedCode(kind: Newcomer, typed: string): TypedCode {
  return parsePairingCode(nodePrimitives, kind, typed === '-' ? lineFromStdin() : typed);
}

/** The offer of whoever waits behind the code. Throws `pairing_offer_invalid`, `rendezvous_used`. */
export async function takeOffer<O extends AnyOffer>(
  { relay, facts }: OperatorSession,
  kind: PairingKind<O>,
  { code, relayUrl }: TypedCode,
): Promise<OpenedOffer<O>> {
  const place = { rendezvous: rendezvousOf(nodePrimitives, kind, code), slot: 'offer' } as const;
  const sealed = await takeRendezvous(relay, place, offerWaitMs);
  if (sealed !== undefined) return openOffer(nodePrimitives, kind, code, sealed);
  const elsewhere = relayUrl !== undefined && relayUrl !== facts.relayUrl.replace(/\/+$/, '');
  throw new HoldfastError('pairing_offer_invalid', `no ${kind.noun} waits behind this code`, {
    next: elsewhere
      ? `it waits at ${relayUrl}, this fleet's relay is ${facts.relayUrl}: run ${kind.command} there with --relay`
      : `run ${kind.command} on it, and use the code that it shows`,
  });
}

/** The offer is taken, and no code works twice: a person may try again here and now, a script must start anew. [CLI-13] */
export async function confirmWords<O extends AnyOffer>(
  output: Output,
  opened: OpenedOffer<O>,
  given: string | undefined,
): Promise<void> {
  const { noun, command } = opened.kind;
  for (let tries = 1; ; tries += 1) {
    try {
      assertWords(opened, given ?? (await askLine(`The three words that the ${noun} shows`)));
      return;
    } catch (cause) {
      if (codeOf(cause) !== 'pairing_words_wrong') throw cause;
      if (given !== undefined || tries === maxTries) {
        throw new HoldfastError('pairing_words_wrong', `these are not the words of that ${noun}; nothing was admitted`, {
          cause,
          next: `look at the ${noun} that you mean: if the words differ there, somebody lures you; if you mistyped, run ${command} there again for a new code`,
        });
      }
      output.say('  these are not its words; look again');
    }
  }
}

/** Tells the newcomer that it is admitted, and where the history stands. */
export async function sendAnswer<O extends AnyOffer>(
  { relay, operator, facts, genesis, head }: OperatorSession,
  opened: OpenedOffer<O>,
  code: Uint8Array,
): Promise<void> {
  const terms = { code, fleet: facts.fleet, genesis, control: head, relay: facts.relayKey };
  const answer = await makeAnswer(nodePrimitives, { id: facts.device, holder: operator.holder }, opened, terms);
  const place = { rendezvous: rendezvousOf(nodePrimitives, opened.kind, code), slot: 'answer' } as const;
  await putRendezvous(relay, place, answer, pairingLifeMs);
}

/** A further message of one side, where the other one looks for it. */
interface PartPlace {
  readonly kind: Newcomer;
  readonly code: Uint8Array;
  readonly part: PairingPart;
}

type Relay = OperatorSession['relay'];

const placeOf = ({ kind, code, part }: PartPlace) =>
  ({ rendezvous: partRendezvous(nodePrimitives, kind, code, part), slot: 'offer' }) as const;

/** Undefined when nothing came in time. Throws `open_failed`, `codec_limit`, `rendezvous_used`. */
export async function takePart(relay: Relay, part: PartPlace, waitMs: number): Promise<Uint8Array | undefined> {
  const sealed = await takeRendezvous(relay, placeOf(part), waitMs);
  return sealed === undefined ? undefined : openPart(nodePrimitives, part.kind, part.code, part.part, sealed);
}

export async function putPart(relay: Relay, part: PartPlace, message: Uint8Array): Promise<void> {
  const sealed = await sealPart(nodePrimitives, part.kind, part.code, part.part, message);
  await putRendezvous(relay, placeOf(part), sealed, pairingLifeMs);
}
