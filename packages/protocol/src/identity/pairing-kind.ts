// Who pairs, spec/pairing.md: an agent of a machine, or another device of the operator (spec/devices.md). One exchange carries both; codes, meeting places,
// keys and what is signed differ, so that nothing made for one passes for the other.

import { bytes, bytesUpTo, decode, encode, literal, record, text, type Infer, type Schema } from '../codec/schema.ts';
import { head } from '../blind/entry.ts';
import { machineName, maxPairingOfferBytes, pairingOffer, type PairingOffer } from '../blind/pairing-offer.ts';
import type { StatementDomain } from '../keys/domain.ts';
import { digest, fleetId, principalId, publicKeys, signPublicKey, type PublicKeys } from '../keys/public-keys.ts';
import type { Primitives } from '../primitives/primitives.ts';
import type { CodeKind } from './code.ts';
import { deviceIdOf } from './genesis-device.ts';

/** What the relay's rendezvous holds of one message. */
export const maxMessageBytes = 32 * 1024;

const answerFields = {
  v: literal(1),
  /** Hash of the offer that it answers. */
  offer: digest,
  fleet: fleetId,
  /** The genesis entry as it stands in the journal. */
  genesis: bytesUpTo(maxMessageBytes),
  device: record({ id: principalId, keys: publicKeys }),
  /** The head after the newcomer was admitted: no older history will be accepted. */
  control: head,
  /** The key that the fleet's relay signs with. */
  relay: signPublicKey,
};
const agentAnswer = record({ ...answerFields, agent: principalId });
const deviceAnswer = record({ ...answerFields, joined: principalId });

/** `admitted`: the id of the newcomer, whose field is named after what it is. */
export type PairingAnswer = Omit<Infer<typeof agentAnswer>, 'agent'> & { readonly admitted: Uint8Array };

/** What a new device says of itself, signed by its key. Its name is shown to people, never decided by. */
const deviceOffer = record({
  v: literal(1),
  name: text({ min: 1, max: 64, pattern: /^[^\p{C}]+$/u }),
  machine: machineName,
  keys: publicKeys,
  nonce: bytes(16),
});
export type DeviceOffer = Infer<typeof deviceOffer>;

export interface AnyOffer {
  readonly v: 1;
  readonly keys: PublicKeys;
  /** Random: two offers are never the same. */
  readonly nonce: Uint8Array;
}
export type OfferTerms<O extends AnyOffer> = Omit<O, keyof AnyOffer>;

/** What differs between one kind of newcomer and another, whatever it offers. */
export interface Newcomer {
  readonly code: CodeKind;
  /** Begins what keys, meeting places and words are derived from. */
  readonly label: string;
  /** Of the address for a QR code. */
  readonly path: string;
  /** For people: what it is, and what it runs. */
  readonly noun: string;
  readonly article: string;
  readonly command: string;
  readonly offerDomain: StatementDomain;
  readonly answerDomain: StatementDomain;
  encodeAnswer(answer: PairingAnswer): Uint8Array;
  /** Throws `codec_*`. */
  decodeAnswer(statement: Uint8Array): PairingAnswer;
}

export interface PairingKind<O extends AnyOffer> extends Newcomer {
  readonly offer: Schema<O>;
  readonly maxOfferBytes: number;
  offerOf(terms: OfferTerms<O>, keys: PublicKeys, nonce: Uint8Array): O;
  idOf(primitives: Primitives, offer: O): Uint8Array;
}

/** 128 random bits and 10 bits of checksum: seven groups of four. */
const code = { bytes: 16, checksumCharacters: 2 };

export const agentPairing: PairingKind<PairingOffer> = {
  code: { ...code, name: 'pairing' },
  label: 'pairing',
  path: 'enroll',
  noun: 'machine',
  article: 'a machine that asks to be enrolled',
  command: 'holdfast enroll',
  offerDomain: 'pairing-offer',
  answerDomain: 'pairing-answer',
  offer: pairingOffer,
  maxOfferBytes: maxPairingOfferBytes,
  offerOf: (terms, keys, nonce) => ({ v: 1, ...terms, keys, nonce }),
  idOf: (_primitives, { agent }) => agent,
  encodeAnswer: ({ admitted, ...answer }) => encode(agentAnswer, { ...answer, agent: admitted }),
  decodeAnswer: (statement) => {
    const { agent, ...answer } = decode(agentAnswer, statement, maxMessageBytes);
    return { ...answer, admitted: agent };
  },
};

/** Custody signs no such offer: an agent's key cannot ask to be a device. [PAIRING-14] */
export const devicePairing: PairingKind<DeviceOffer> = {
  code: { ...code, name: 'device' },
  label: 'device-pairing',
  path: 'join',
  noun: 'device',
  article: 'a device that asks to be added',
  command: 'holdfast devices join',
  offerDomain: 'device-offer',
  answerDomain: 'device-answer',
  offer: deviceOffer,
  maxOfferBytes: maxPairingOfferBytes,
  offerOf: (terms, keys, nonce) => ({ v: 1, ...terms, keys, nonce }),
  idOf: (primitives, { keys }) => deviceIdOf(primitives, keys.sign),
  encodeAnswer: ({ admitted, ...answer }) => encode(deviceAnswer, { ...answer, joined: admitted }),
  decodeAnswer: (statement) => {
    const { joined, ...answer } = decode(deviceAnswer, statement, maxMessageBytes);
    return { ...answer, admitted: joined };
  },
};
