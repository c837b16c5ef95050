// The machine's side of an attestation, spec/attestation.md: what the key store can show is put beside the offer, and whoever has the code may ask it for
// proof, once. Nothing here decides: without a proof an operator takes the machine's word, and says so.

import { decode, encode } from '@holdfast/protocol/codec/schema';
import { keyChallenge, keyEvidence, keyProof } from '@holdfast/protocol/custody/attestation';
import { codeOf } from '@holdfast/protocol/errors';
import { putRendezvous, takeRendezvous } from '@holdfast/protocol/exchange/relay-calls';
import type { RelayExchange } from '@holdfast/protocol/exchange/relay-exchange';
import { openPart, partRendezvous, pairingLifeMs, sealPart, type PairingPart } from '@holdfast/protocol/identity/pairing';
import { agentPairing } from '@holdfast/protocol/identity/pairing-kind';
import type { Custody } from './custody/custody.ts';
import type { Ports } from './ports.ts';

const waitMs = 20_000;
const maxChallengeBytes = 1024;

/** One enrolment's keys and code. `code` is overwritten by whoever owns it when the enrolment is over: then nothing is proved any more. */
export interface Proving {
  readonly ports: Ports;
  readonly custody: Custody;
  readonly relay: RelayExchange;
  readonly code: Uint8Array;
  readonly key: Uint8Array;
  readonly over: AbortSignal;
}

/** Puts the evidence, if there is any, and then answers one challenge whenever it comes. Never throws: what cannot be proved is claimed. */
export async function offerEvidence(proving: Proving, offerHash: Uint8Array): Promise<void> {
  const { ports, custody, key } = proving;
  try {
    await put(proving, 'evidence', encode(keyEvidence, await custody.evidence(key)));
    void answerChallenge(proving, offerHash).catch((thrown: unknown) => unproved(ports, thrown));
  } catch (thrown) {
    unproved(ports, thrown);
  }
}

async function answerChallenge(proving: Proving, offerHash: Uint8Array): Promise<void> {
  const { ports, custody, relay, key, over } = proving;
  const { primitives } = ports;
  const code = proving.code.slice();
  try {
    const place = { rendezvous: partRendezvous(primitives, agentPairing, code, 'challenge'), slot: 'offer' } as const;
    while (!over.aborted) {
      const sealed = await takeRendezvous(relay, place, waitMs);
      if (sealed === undefined) continue;
      const challenge = decode(
        keyChallenge,
        await openPart(primitives, agentPairing, code, 'challenge', sealed),
        maxChallengeBytes,
      );
      await put({ ...proving, code }, 'proof', encode(keyProof, await custody.prove(key, offerHash, challenge)));
      return;
    }
  } finally {
    code.fill(0);
  }
}

async function put({ ports, relay, code }: Proving, part: PairingPart, message: Uint8Array): Promise<void> {
  const { primitives } = ports;
  const place = { rendezvous: partRendezvous(primitives, agentPairing, code, part), slot: 'offer' } as const;
  await putRendezvous(relay, place, await sealPart(primitives, agentPairing, code, part, message), pairingLifeMs);
}

function unproved({ log }: Ports, thrown: unknown): void {
  log.info({ code: codeOf(thrown) }, 'the key store proves nothing');
}
