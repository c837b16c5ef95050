// What the daemon asks of custody over stdio, spec/custody.md. Every request is typed: there is none that signs bytes of the caller's
// choice, none that returns a private key, and none that returns a raw shared secret.

import {
  bytes,
  bytesUpTo,
  decode,
  encode,
  integer,
  list,
  oneOf,
  optional,
  record,
  text,
  union,
  type Infer,
} from '../codec/schema.ts';
import { errorCodes } from '../errors.ts';
import { maxEntryBytes } from '../blind/entry.ts';
import { custodyLevel } from '../blind/pairing-offer.ts';
import { digest, fleetId, principalId, publicKeys, signature } from '../keys/public-keys.ts';
import { keyChallenge, keyEvidence, keyProof } from './attestation.ts';
import { sealPurpose } from '../seal/hpke.ts';
import { encapsulatedBytes } from '../seal/hybrid-kem.ts';
import { delegationTerms } from './delegation.ts';
import { audienceName, presentationNonce, presentedCredential } from './key-binding.ts';

/** Room for the largest statement to sign, and for a list of all keys. */
export const maxCustodyFrameBytes = maxEntryBytes + 4096;
/** More than a machine has scopes. Bounds the answer to `list`. */
export const maxKeys = 64;

/** 0 is custody's own, for answers to frames that have no readable id. */
const requestId = integer({ min: 1 });
/** Custody's name for a key, random. */
export const keyReference = bytes(16);

/** What a key is for in people's words: its scope. */
export const keyLabel = text({ min: 1, max: 64, pattern: /^[a-z0-9][a-z0-9._-]*$/ });

/** The one agent that a key speaks for, told to custody once. */
export const binding = record({ fleet: fleetId, agent: principalId });
export type Binding = Infer<typeof binding>;

export const keyDescription = record({
  key: keyReference,
  label: keyLabel,
  /** Of the store that has it. */
  custody: custodyLevel,
  publicKeys,
  binding: optional(binding),
});
export type KeyDescription = Infer<typeof keyDescription>;

/** The domains that an agent's long-term key ever signs; the other ones are operators', relays' and session keys'. */
export const custodyDomains = ['entry', 'pairing-offer', 'relay-auth', 'session-key'] as const;
const custodyDomain = oneOf(...custodyDomains);
export type CustodyDomain = Infer<typeof custodyDomain>;

export const custodyRequest = union({
  /** The first request, and only the first. Without a passphrase the software store has no seal; `pin` is a PKCS#11 token's. */
  unlock: { id: requestId, passphrase: optional(bytesUpTo(1024)), pin: optional(bytesUpTo(256)) },
  /** In the store of that level; absent: in the best. */
  create: { id: requestId, label: keyLabel, level: optional(custodyLevel) },
  /** How the stores are now; `unlocked` tells how they were. */
  stores: { id: requestId },
  list: { id: requestId },
  public: { id: requestId, key: keyReference },
  bind: { id: requestId, key: keyReference, binding },
  sign: { id: requestId, key: keyReference, domain: custodyDomain, statement: bytesUpTo(maxEntryBytes) },
  /** Binds a credential of this key to one presentation. */
  present: {
    id: requestId,
    key: keyReference,
    audience: audienceName,
    nonce: presentationNonce,
    credential: presentedCredential,
    /** What the daemon says of its session: custody sees none. */
    harness: optional(digest),
  },
  /** Publishes a checkpoint of the agent's log; custody writes the text. */
  publish: { id: requestId, key: keyReference, size: integer({ min: 1 }), root: digest },
  /** What the key store can show of this key. */
  evidence: { id: requestId, key: keyReference },
  /** Its word about both halves, for one offer; after `evidence`. */
  prove: { id: requestId, key: keyReference, offer: digest, challenge: keyChallenge },
  /** Hands a credential of this key on to a child, with less. */
  delegate: { id: requestId, key: keyReference, credential: presentedCredential, terms: delegationTerms },
  open: { id: requestId, key: keyReference, purpose: sealPurpose, encapsulated: bytes(encapsulatedBytes) },
  destroy: { id: requestId, key: keyReference },
});
export type CustodyRequest = Infer<typeof custodyRequest>;

const answerId = integer();

/** A kind of key store that this machine has, the best first; with `code` it cannot be used, and why. */
const storeState = record({
  level: custodyLevel,
  /** What the hardware calls itself: a token's label. */
  label: optional(text({ max: 64 })),
  code: optional(oneOf(...errorCodes)),
  message: optional(text({ max: 1024 })),
  next: optional(text({ max: 1024 })),
  /** How long the sign of life took that was asked for. */
  tookMs: optional(integer()),
});
export type StoreState = Infer<typeof storeState>;

export const custodyAnswer = union({
  unlocked: { id: answerId, stores: list(storeState, { min: 1, max: 8 }) },
  stores: { id: answerId, stores: list(storeState, { min: 1, max: 8 }) },
  key: { id: answerId, key: keyDescription },
  keys: { id: answerId, keys: list(keyDescription, { max: maxKeys }) },
  signature: { id: answerId, signature },
  /** A proof of the key, or one that hands on to a child. */
  bound: { id: answerId, token: text({ max: 4096 }) },
  evidence: { id: answerId, evidence: keyEvidence },
  proof: { id: answerId, proof: keyProof },
  'one-time-key': { id: answerId, key: bytes(32), nonce: bytes(12) },
  done: { id: answerId },
  error: { id: answerId, code: oneOf(...errorCodes), message: text({ max: 1024 }), next: optional(text({ max: 1024 })) },
});
export type CustodyAnswer = Infer<typeof custodyAnswer>;

export const encodeRequest = (request: CustodyRequest): Uint8Array => encode(custodyRequest, request);
export const encodeAnswer = (answer: CustodyAnswer): Uint8Array => encode(custodyAnswer, answer);
/** Throws `codec_*`. */
export const decodeRequest = (payload: Uint8Array): CustodyRequest => decode(custodyRequest, payload, maxCustodyFrameBytes);
/** Throws `codec_*`. */
export const decodeAnswer = (payload: Uint8Array): CustodyAnswer => decode(custodyAnswer, payload, maxCustodyFrameBytes);
