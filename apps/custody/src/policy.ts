// What an agent's key may be used for, spec/custody.md. The daemon may be fully compromised: it then can speak for its own agent while
// it lasts, and for nobody else. A statement is signed only when it decodes as what its domain says and names what the key is bound to.

import { equalBytes } from '@holdfast/protocol/codec/bytes';
import { decode } from '@holdfast/protocol/codec/schema';
import { entryStatement, maxEntryBytes } from '@holdfast/protocol/blind/entry';
import { maxPairingOfferBytes, pairingOffer } from '@holdfast/protocol/blind/pairing-offer';
import { relayAuthStatement } from '@holdfast/protocol/blind/relay-auth';
import { maxSessionKeyBytes, maxSessionKeyMs, sessionKeyStatement } from '@holdfast/protocol/blind/session-key';
import { holderOf } from '@holdfast/protocol/custody/key-binding';
import type { Binding, CustodyDomain, KeyDescription } from '@holdfast/protocol/custody/wire';
import { HoldfastError } from '@holdfast/protocol/errors';
import type { SealPurpose } from '@holdfast/protocol/keys/key-holder';

const maxRelayAuthBytes = 512;

function refuse(reason: string): never {
  throw new HoldfastError('custody_refused', reason);
}

/** Throws `custody_refused` for a key that speaks for nobody yet. */
export function boundOf(key: KeyDescription): Binding {
  return key.binding ?? refuse('key is not bound to an agent yet'); // [CUSTODY-6]
}

function assertOwn(key: KeyDescription, fleet: Uint8Array, agent: Uint8Array): void {
  const own = boundOf(key);
  if (!equalBytes(own.fleet, fleet)) refuse('statement is of another fleet'); // [CUSTODY-7]
  if (!equalBytes(own.agent, agent)) refuse('statement is of another agent'); // [CUSTODY-7]
}

/** Returns nothing or throws: `codec_*` for what is no statement of `domain`, `custody_refused` for one that this key may not sign. */
export function assertMaySign(key: KeyDescription, domain: CustodyDomain, statement: Uint8Array, nowMs: number): void {
  switch (domain) {
    case 'entry': {
      const entry = decode(entryStatement, statement, maxEntryBytes); // [CUSTODY-5]
      assertOwn(key, entry.fleet, entry.author);
      if (!equalBytes(entry.topic, entry.author)) refuse("entry is for another topic than the agent's own"); // [CUSTODY-8]
      return;
    }
    case 'relay-auth': {
      const auth = decode(relayAuthStatement, statement, maxRelayAuthBytes);
      return assertOwn(key, auth.fleet, auth.principal);
    }
    case 'session-key': {
      const session = decode(sessionKeyStatement, statement, maxSessionKeyBytes);
      assertOwn(key, session.fleet, session.agent);
      // By custody's clock, so that nobody takes a stock of certificates for later.
      if (session.notAfterMs > nowMs + maxSessionKeyMs || session.notAfterMs <= nowMs) refuse('session key does not start now'); // [CUSTODY-9]
      return;
    }
    case 'pairing-offer': {
      const offer = decode(pairingOffer, statement, maxPairingOfferBytes);
      if (key.binding !== undefined) refuse('key is bound to an agent already'); // [CUSTODY-10]
      const { sign, seal } = key.publicKeys;
      if (!equalBytes(offer.keys.sign, sign) || !equalBytes(offer.keys.seal, seal)) refuse('offer is for other keys'); // [CUSTODY-10]
      if (offer.custody !== key.custody) refuse('offer states another custody level'); // [CUSTODY-11]
      return;
    }
    default:
      return refuse(`no agent signs a ${String(domain satisfies never)}`); // [CUSTODY-5]
  }
}

/** Only a credential of its own agent and for this very key. Returns nothing or throws `custody_refused`, `codec_*`, `key_invalid`. */
export function assertMayPresent(key: KeyDescription, credential: string): void {
  const { fleet, agent, sign } = holderOf(credential);
  assertOwn(key, fleet, agent); // [CUSTODY-30]
  if (!equalBytes(sign, key.publicKeys.sign)) refuse('the credential is for another key'); // [CUSTODY-30]
}

/** What it proves is told to whoever enrols it, and then no more. Throws `custody_refused`. [CUSTODY-26] */
export function assertMayAttest({ binding }: KeyDescription): void {
  if (binding !== undefined) refuse('key is bound: what it proves was told');
}

/** Returns nothing or throws `custody_refused`. */
export function assertMayOpen(key: KeyDescription, purpose: SealPurpose): void {
  switch (purpose.kind) {
    case 'lockbox':
      return assertOwn(key, purpose.fleet, purpose.member); // [CUSTODY-12]
    case 'grant':
      return assertOwn(key, purpose.fleet, purpose.agent); // [CUSTODY-12]
    case 'use':
      return refuse('what is approved for one use is sealed to no key of custody'); // [CUSTODY-12]
    default:
      return refuse(`no agent opens a ${String(purpose satisfies never)}`);
  }
}

/** A key is bound once; the same binding again is no change. Throws `custody_refused`. */
export function assertMayBind(key: KeyDescription, wanted: Binding): void {
  const own = key.binding;
  if (own === undefined || (equalBytes(own.fleet, wanted.fleet) && equalBytes(own.agent, wanted.agent))) return;
  refuse('key is bound to another agent'); // [CUSTODY-6]
}
