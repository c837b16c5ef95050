// Pairing, spec/pairing.md: how a newcomer, a machine's new agent or a new device, and an operator find each other through a relay that must not come
// between them. Everything follows from a code that a person carries from one screen to the other and that the relay never sees.

import { wordlist } from '@scure/bip39/wordlists/english.js';
import { concat, equalBytes, utf8 } from '../codec/bytes.ts';
import { bytesUpTo, decode, encode, record, type Infer } from '../codec/schema.ts';
import { HoldfastError, type ErrorCode } from '../errors.ts';
import { controlTopic, parseEntry } from '../blind/entry.ts';
import { statementHash, verifySignature } from '../keys/domain.ts';
import type { KeyHolder } from '../keys/key-holder.ts';
import { signature } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { hkdf } from '../seal/hkdf.ts';
import { formatCode, parseCode } from './code.ts';
import { assertGenesisPlace, deviceIdOf } from './genesis-device.ts';
import {
  maxMessageBytes,
  type AnyOffer,
  type Newcomer,
  type OfferTerms,
  type PairingAnswer,
  type PairingKind,
} from './pairing-kind.ts';

/** How long an enrolment waits for its answer. */
export const pairingLifeMs = 10 * 60_000;
const pairingWords = 3;
const nonceBytes = 12;
const signed = record({ statement: bytesUpTo(maxMessageBytes), signature });

/** A fresh code: 16 random bytes, which the caller overwrites when the pairing is over. */
export function newPairingCode(primitives: Primitives, kind: Newcomer): Uint8Array {
  return primitives.random(kind.code.bytes);
}

export function formatPairingCode(primitives: Primitives, kind: Newcomer, code: Uint8Array): string {
  return formatCode(primitives, kind.code, code);
}

/** The address for a QR code: the code is in the fragment, which browsers send to nobody. `relayUrl` without a trailing slash. */
export function pairingUrl(primitives: Primitives, kind: Newcomer, relayUrl: string, code: Uint8Array): string {
  return `${relayUrl.replace(/\/+$/, '')}/${kind.path}#${formatPairingCode(primitives, kind, code)}`; // [PAIRING-3]
}

/** Where a browser goes on with a pairing: `pair` admits whoever made the code, `join` is for a newcomer that was given one. */
export type ConsolePage = 'pair' | 'join';

/** The same for a phone's camera, which opens the operator's console on it: all of `url`, the code too, is in the fragment. [PAIRING-15] */
export function consoleUrl(consoleAt: string, page: ConsolePage, url: string): string {
  return `${consoleAt.replace(/\/+$/, '')}/${page}#${encodeURIComponent(url)}`;
}

/** The address in the fragment of a console's; what is no such address as it is. */
function withoutConsole(typed: string): string {
  const [, inFragment] = /^\s*https?:\/\/[^\s#]*\/(?:pair|join)#(https?%3A%2F%2F[^\s#]+)\s*$/i.exec(typed) ?? [];
  try {
    return inFragment === undefined ? typed : decodeURIComponent(inFragment);
  } catch {
    return typed;
  }
}

/** Reads a code or its URL, a console's too, as typed or pasted. `relayUrl` is where the URL points, if it was one. Throws `pairing_code_invalid`. */
export function parsePairingCode(
  primitives: Primitives,
  kind: Newcomer,
  typed: string,
): { readonly code: Uint8Array; readonly relayUrl: string | undefined } {
  const given = withoutConsole(typed); // [PAIRING-15]
  const [, relayUrl, path, inUrl] = /^\s*(https?:\/\/[^\s#]*)\/([a-z]+)#(\S+)\s*$/i.exec(given) ?? []; // [PAIRING-3]
  const code = path === undefined || path === kind.path ? parseCode(primitives, kind.code, inUrl ?? given) : undefined;
  if (code !== undefined) return { code, relayUrl };
  throw new HoldfastError('pairing_code_invalid', `this is no pairing code of ${kind.article}`, {
    next: `compare it with the terminal that shows it, which runs ${kind.command}`,
  }); // [PAIRING-2] [PAIRING-14]
}

/** Further messages: what a machine's key store can prove (spec/attestation.md); whether a new device is there (spec/devices.md). */
export type PairingPart = 'evidence' | 'challenge' | 'proof' | 'call' | 'here';
type Slot = 'offer' | 'answer' | PairingPart;

function derive(
  primitives: Primitives,
  kind: Newcomer,
  code: Uint8Array,
  label: string,
  length: number,
  salt: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return hkdf(primitives, { secret: code, salt, info: utf8(`holdfast/v1 ${kind.label} ${label}\0`), length }); // [PAIRING-4] [PAIRING-14]
}

/** Where both sides meet at the relay: 16 bytes that tell nothing of the code. */
export function rendezvousOf(primitives: Primitives, kind: Newcomer, code: Uint8Array): Uint8Array {
  return derive(primitives, kind, code, 'rendezvous', 16);
}

/** Three words of one offer under one code: who changes the offer or its keys changes the words. [PAIRING-5] */
function wordsOf(primitives: Primitives, kind: Newcomer, code: Uint8Array, offerHash: Uint8Array): readonly string[] {
  const drawn = derive(primitives, kind, code, 'words', 2 * pairingWords, offerHash);
  return Array.from(
    { length: pairingWords },
    (_, index) => wordlist[(((drawn[2 * index] ?? 0) << 8) | (drawn[2 * index + 1] ?? 0)) & 2047] ?? '',
  );
}

async function sealMessage(
  primitives: Primitives,
  kind: Newcomer,
  code: Uint8Array,
  slot: Slot,
  message: Uint8Array,
): Promise<Uint8Array> {
  const key = derive(primitives, kind, code, slot, 32);
  const nonce = primitives.random(nonceBytes);
  try {
    return concat(nonce, await primitives.aeadSeal(key, nonce, utf8(slot), message)); // [PAIRING-6]
  } finally {
    key.fill(0);
  }
}

async function openSealed(
  primitives: Primitives,
  kind: Newcomer,
  code: Uint8Array,
  slot: Slot,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  if (sealed.length > maxMessageBytes) throw new HoldfastError('codec_limit', `message is longer than ${maxMessageBytes} bytes`);
  const key = derive(primitives, kind, code, slot, 32);
  try {
    return await primitives.aeadOpen(key, sealed.subarray(0, nonceBytes), utf8(slot), sealed.subarray(nonceBytes)); // [PAIRING-6]
  } finally {
    key.fill(0);
  }
}

/** Where a further message lies, 16 bytes; its slot there is `offer`. [PAIRING-13] */
export function partRendezvous(primitives: Primitives, kind: Newcomer, code: Uint8Array, part: PairingPart): Uint8Array {
  return derive(primitives, kind, code, `rendezvous ${part}`, 16);
}

export async function sealPart(
  primitives: Primitives,
  kind: Newcomer,
  code: Uint8Array,
  part: PairingPart,
  message: Uint8Array,
): Promise<Uint8Array> {
  return sealMessage(primitives, kind, code, part, message);
}

/** Throws `open_failed`, `codec_limit`. */
export async function openPart(
  primitives: Primitives,
  kind: Newcomer,
  code: Uint8Array,
  part: PairingPart,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  return openSealed(primitives, kind, code, part, sealed);
}

async function openMessage(
  primitives: Primitives,
  kind: Newcomer,
  code: Uint8Array,
  slot: Slot,
  sealed: Uint8Array,
): Promise<Infer<typeof signed>> {
  return decode(signed, await openSealed(primitives, kind, code, slot, sealed), maxMessageBytes);
}

/** Every fault of a message from outside is one code: who sends nonsense learns nothing from what is wrong with it. */
async function withCode<T>(code: ErrorCode, message: string, next: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new HoldfastError(code, message, { cause, next });
  }
}

/** What an operator sees and answers to. */
export interface OpenedOffer<O extends AnyOffer> {
  readonly kind: PairingKind<O>;
  readonly offer: O;
  readonly hash: Uint8Array;
  /** What the machine shows; the operator types them, they are not shown to be clicked away. */
  readonly words: readonly string[];
}

/** The newcomer's side, from offer to answer. */
export class Pairing {
  readonly rendezvous: Uint8Array;
  /** Goes to the rendezvous, slot `offer`. */
  readonly sealedOffer: Uint8Array;
  readonly words: readonly string[];
  /** By it the answer, and what the key store proves, name this offer. */
  readonly offerHash: Uint8Array;
  readonly #primitives: Primitives;
  readonly #kind: Newcomer;
  readonly #code: Uint8Array;
  readonly #offer: { readonly id: Uint8Array; readonly hash: Uint8Array };
  readonly #startedMs: number;
  #answered = false;

  private constructor(
    primitives: Primitives,
    kind: Newcomer,
    code: Uint8Array,
    offer: { id: Uint8Array; hash: Uint8Array },
    sealedOffer: Uint8Array,
    startedMs: number,
  ) {
    this.rendezvous = rendezvousOf(primitives, kind, code);
    this.sealedOffer = sealedOffer;
    this.words = wordsOf(primitives, kind, code, offer.hash);
    this.offerHash = offer.hash;
    this.#primitives = primitives;
    this.#kind = kind;
    this.#code = code;
    this.#offer = offer;
    this.#startedMs = startedMs;
  }

  /**
   * Makes the offer that proves the new keys. Takes over `code`. `monotonicMs`: of a clock that is never set back, the same for
   * `openAnswer`. Throws `codec_*` for an offer that no operator would accept.
   */
  static async begin<O extends AnyOffer>(
    primitives: Primitives,
    kind: PairingKind<O>,
    holder: KeyHolder,
    terms: OfferTerms<O>,
    { code, monotonicMs }: { readonly code: Uint8Array; readonly monotonicMs: number },
  ): Promise<Pairing> {
    const offer = kind.offerOf(terms, holder.publicKeys, primitives.random(16));
    const statement = encode(kind.offer, offer);
    const message = encode(signed, { statement, signature: await holder.sign(kind.offerDomain, statement) }); // [PAIRING-7]
    const hash = statementHash(primitives, kind.offerDomain, statement);
    return new Pairing(
      primitives,
      kind,
      code,
      { id: kind.idOf(primitives, offer), hash },
      await sealMessage(primitives, kind, code, 'offer', message),
      monotonicMs,
    );
  }

  /**
   * Opens the one answer. Whatever comes of it, the code is used up and overwritten. That the device and the relay are those of the fleet
   * is asked again once its journal has been read (`assertPairedWith`). Throws `pairing_answer_invalid`, `pairing_expired`.
   */
  async openAnswer(sealed: Uint8Array, monotonicMs: number): Promise<PairingAnswer> {
    const next = `start again with: ${this.#kind.command}`;
    if (this.#answered) throw new HoldfastError('pairing_answer_invalid', 'this pairing was answered already', { next }); // [PAIRING-8]
    this.#answered = true;
    try {
      if (monotonicMs - this.#startedMs > pairingLifeMs)
        throw new HoldfastError('pairing_expired', 'the answer came too late', { next }); // [PAIRING-9]
      return await withCode('pairing_answer_invalid', 'the answer does not fit this pairing', next, async () =>
        this.#checked(sealed),
      );
    } finally {
      this.#code.fill(0);
    }
  }

  async #checked(sealed: Uint8Array): Promise<PairingAnswer> {
    const [primitives, kind] = [this.#primitives, this.#kind];
    const message = await openMessage(primitives, kind, this.#code, 'answer', sealed);
    const answer = kind.decodeAnswer(message.statement);
    const { device, fleet, control } = answer;
    if (!equalBytes(answer.offer, this.#offer.hash) || !equalBytes(answer.admitted, this.#offer.id))
      invalid('answers another offer'); // [PAIRING-10]
    const genesis = parseEntry(primitives, answer.genesis);
    assertGenesisPlace(genesis, fleet); // [PAIRING-11]
    if (!equalBytes(device.id, deviceIdOf(primitives, device.keys.sign))) invalid('names a device whose id is not of its key'); // [PAIRING-11]
    await verifySignature(primitives, { domain: kind.answerDomain, ...message, publicKey: device.keys.sign }); // [PAIRING-11]
    if (control.position === 0) invalid('names no head after the newcomer was admitted'); // [PAIRING-12]
    return answer;
  }
}

function invalid(message: string): never {
  throw new HoldfastError('pairing_answer_invalid', message);
}

/** The operator's side. Throws `pairing_offer_invalid`. `code` stays the caller's. */
export async function openOffer<O extends AnyOffer>(
  primitives: Primitives,
  kind: PairingKind<O>,
  code: Uint8Array,
  sealed: Uint8Array,
): Promise<OpenedOffer<O>> {
  const next = `start again with: ${kind.command}`;
  return withCode('pairing_offer_invalid', 'there is no good offer behind this code', next, async () => {
    const message = await openMessage(primitives, kind, code, 'offer', sealed);
    const offer = decode(kind.offer, message.statement, kind.maxOfferBytes);
    await verifySignature(primitives, { domain: kind.offerDomain, ...message, publicKey: offer.keys.sign }); // [PAIRING-7]
    if (equalBytes(kind.idOf(primitives, offer), controlTopic))
      throw new HoldfastError('pairing_offer_invalid', 'the id is nobody');
    const hash = statementHash(primitives, kind.offerDomain, message.statement);
    return { kind, offer, hash, words: wordsOf(primitives, kind, code, hash) };
  });
}

/** Words as typed, in any case, with any spaces or commas between them. Throws `pairing_words_wrong`. */
export function assertWords(
  { words, kind }: Pick<OpenedOffer<AnyOffer>, 'words'> & { readonly kind: Newcomer },
  typed: string,
): void {
  const given = typed
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '');
  if (given.length === words.length && given.every((word, index) => word === words[index])) return;
  throw new HoldfastError('pairing_words_wrong', `these are not the words of that ${kind.noun}`, {
    next: `compare with the ${kind.noun} that you mean to admit; if they differ there, approve nothing`,
  }); // [PAIRING-5]
}

/** The answer to an offer, after the entries that admit the newcomer have been appended: goes to the rendezvous, slot `answer`. */
export async function makeAnswer<O extends AnyOffer>(
  primitives: Primitives,
  device: { readonly id: Uint8Array; readonly holder: KeyHolder },
  { kind, offer, hash }: OpenedOffer<O>,
  terms: { readonly code: Uint8Array } & Pick<PairingAnswer, 'fleet' | 'genesis' | 'control' | 'relay'>,
): Promise<Uint8Array> {
  const { code, ...about } = terms;
  const { id, holder } = device;
  const statement = kind.encodeAnswer({
    v: 1,
    offer: hash,
    admitted: kind.idOf(primitives, offer),
    device: { id, keys: holder.publicKeys },
    ...about,
  });
  const message = encode(signed, { statement, signature: await holder.sign(kind.answerDomain, statement) });
  return sealMessage(primitives, kind, code, 'answer', message);
}
